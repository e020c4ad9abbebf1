// Methods of lists, dicts and modules that interpreted Python finds built in.
#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/python_interpreter.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

using Kind = PyObject::Kind;

Py None() { return PyValue(IValue()); }

Py TakeNamed(PyArguments& args, size_t at, absl::string_view name) {
  if (at < args.positional.size()) return args.positional[at];
  for (const auto& [key, value] : args.named) {
    if (key == name) return value;
  }
  return nullptr;
}

bool IsTrue(const Py& value) {
  return value != nullptr && value->is_number() && value->value.AsInt() != 0;
}

// Each module once, parents first.
void CollectModules(const Py& module, const std::string& prefix,
                    std::vector<std::pair<std::string, Py>>* out,
                    int depth = 0) {
  if (depth > kMaxPyDepth) return;
  for (const auto& [name, known] : *out) {
    if (known == module) return;
  }
  out->emplace_back(prefix, module);
  for (const auto& [name, child] : module->modules.entries()) {
    if (child->is_none()) continue;
    CollectModules(child, absl::StrCat(prefix, prefix.empty() ? "" : ".", name),
                   out, depth + 1);
  }
}

std::vector<std::pair<std::string, Py>> CollectTensors(const Py& module,
                                                       bool parameters) {
  std::vector<std::pair<std::string, Py>> modules, tensors;
  CollectModules(module, "", &modules);
  for (const auto& [prefix, owner] : modules) {
    for (const auto& [name, tensor] :
         (parameters ? owner->parameters : owner->buffers).entries()) {
      if (!tensor->is_tensor()) continue;
      bool known = false;
      for (const auto& [other_name, other] : tensors) {
        known = known || other == tensor;
      }
      if (known) continue;
      tensors.emplace_back(
          absl::StrCat(prefix, prefix.empty() ? "" : ".", name), tensor);
    }
  }
  return tensors;
}

Py Named(const std::vector<std::pair<std::string, Py>>& pairs, bool names) {
  std::vector<Py> items;
  for (const auto& [name, value] : pairs) {
    items.push_back(names ? PyTuple({PyValue(IValue(name)), value}) : value);
  }
  return PyList(std::move(items));
}

}  // namespace

absl::StatusOr<Py> PythonInterpreter::CallListMethod(const std::string& name,
                                                     const Py& self,
                                                     PyArguments& args,
                                                     const SourceRange& range) {
  const size_t count = args.positional.size();
  std::vector<Py>& items = self->items;
  if (name == "append" && count == 1) {
    items.push_back(args.positional[0]);
    return None();
  }
  if (name == "extend" && count == 1) {
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> more,
                            Iterate(args.positional[0], range));
    steps_ += static_cast<int64_t>(more.size());
    items.insert(items.end(), more.begin(), more.end());
    return None();
  }
  const auto index = [&](size_t at, int64_t otherwise) {
    int64_t i = at < count && args.positional[at]->is_int()
                    ? args.positional[at]->value.AsInt()
                    : otherwise;
    if (i < 0) i += static_cast<int64_t>(items.size());
    return i;
  };
  if (name == "insert" && count == 2) {
    const int64_t i =
        std::clamp<int64_t>(index(0, 0), 0, static_cast<int64_t>(items.size()));
    items.insert(items.begin() + i, args.positional[1]);
    return None();
  }
  if (name == "pop") {
    const int64_t i = index(0, -1);
    if (i < 0 || i >= static_cast<int64_t>(items.size())) {
      return Error(range, "IndexError: pop index out of range");
    }
    Py item = items[i];
    items.erase(items.begin() + i);
    return item;
  }
  if (name == "reverse") {
    std::reverse(items.begin(), items.end());
    return None();
  }
  if (name == "clear") {
    items.clear();
    return None();
  }
  if (name == "copy") return PyList(items);
  if ((name == "index" || name == "count") && count == 1) {
    int64_t seen = 0;
    for (size_t i = 0; i < items.size(); ++i) {
      if (!PyEqual(items[i], args.positional[0])) continue;
      if (name == "index") return PyValue(IValue(static_cast<int64_t>(i)));
      ++seen;
    }
    if (name == "count") return PyValue(IValue(seen));
    return Error(range, "ValueError: the value is not in list");
  }
  if (name == "sort") {
    TANDEM_ASSIGN_OR_RETURN(const Py sorted,
                            Compiled("sorted(v0)", {self}, range));
    items = sorted->items;
    return None();
  }
  return Error(range, "AttributeError: '", PyTypeName(*self),
               "' object has no attribute '", name, "'");
}

absl::StatusOr<Py> PythonInterpreter::CallDictMethod(const std::string& name,
                                                     const Py& self,
                                                     PyArguments& args,
                                                     const SourceRange& range) {
  const size_t count = args.positional.size();
  std::vector<Py> items;
  for (const auto& [key, value] : self->entries) {
    if (name == "keys") items.push_back(key);
    if (name == "values") items.push_back(value);
    if (name == "items") items.push_back(PyTuple({key, value}));
  }
  if (name == "keys" || name == "values" || name == "items") {
    return PyList(std::move(items));
  }
  if ((name == "get" || name == "pop" || name == "setdefault") && count >= 1) {
    const Py key = args.positional[0];
    Py value = PyGetItem(*self, key);
    if (value == nullptr && count < 2 && name == "pop") {
      return Error(range, "KeyError");
    }
    const bool known = value != nullptr;
    if (!known) value = count > 1 ? args.positional[1] : None();
    if (name == "setdefault" && !known) PySetItem(*self, key, value);
    if (name == "pop" && known) {
      self->entries.erase(
          std::find_if(self->entries.begin(), self->entries.end(),
                       [&](const auto& e) { return PyEqual(e.first, key); }));
    }
    return value;
  }
  if (name == "update") {
    TANDEM_ASSIGN_OR_RETURN(const Py other,
                            CallName("builtins.dict", args, range));
    for (const auto& [key, value] : other->entries) {
      PySetItem(*self, key, value);
    }
    return None();
  }
  if (name == "copy") {
    Py copy = PyDict();
    copy->entries = self->entries;
    return copy;
  }
  if (name == "clear") {
    self->entries.clear();
    return None();
  }
  return Error(range, "AttributeError: 'dict' object has no attribute '", name,
               "'");
}

absl::Status PythonInterpreter::InitContainer(const Py& self, PyArguments& args,
                                              const SourceRange& range) {
  std::vector<std::pair<std::string, Py>> members;
  const auto pairs = [&](const Py& mapping) -> absl::Status {
    if (mapping->is(Kind::kDict)) {
      for (const auto& [key, value] : mapping->entries) {
        if (!key->is_string()) {
          return Error(range, "TypeError: module name should be a string");
        }
        members.emplace_back(key->value.AsString(), value);
      }
      return absl::OkStatus();
    }
    if (mapping->is(Kind::kInstance)) {
      for (const PyNames* names : {&mapping->modules, &mapping->parameters}) {
        for (const auto& entry : names->entries()) members.push_back(entry);
      }
      return absl::OkStatus();
    }
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                            Iterate(mapping, range));
    for (const Py& item : items) {
      TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> parts,
                              Iterate(item, range));
      if (parts.size() != 2 || !parts[0]->is_string()) {
        return Error(range, "expected pairs of name and module");
      }
      members.emplace_back(parts[0]->value.AsString(), parts[1]);
    }
    return absl::OkStatus();
  };
  const bool by_name = self->module_kind == ModuleKind::kDict ||
                       self->module_kind == ModuleKind::kParameterDict;
  const bool sequential = self->cls.cls->name.name == "Sequential";
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> bases, Bases(self->cls));
  bool is_sequential = sequential;
  for (const ClassRef& base : bases) {
    is_sequential = is_sequential || base.cls->name.name == "Sequential";
  }
  const size_t count = args.positional.size();
  if (by_name) {
    if (count == 1 && !args.positional[0]->is_none()) {
      TANDEM_RETURN_IF_ERROR(pairs(args.positional[0]));
    }
  } else if (is_sequential && count == 1 &&
             args.positional[0]->is(Kind::kDict)) {
    TANDEM_RETURN_IF_ERROR(pairs(args.positional[0]));
  } else {
    std::vector<Py> items = args.positional;
    if (!is_sequential && count == 1) {
      if (args.positional[0]->is_none()) {
        items.clear();
      } else {
        TANDEM_ASSIGN_OR_RETURN(items, Iterate(args.positional[0], range));
      }
    }
    size_t i = 0;
    for (Py& item : items) members.emplace_back(absl::StrCat(i++), item);
  }
  const bool parameters = self->module_kind == ModuleKind::kParameterList ||
                          self->module_kind == ModuleKind::kParameterDict;
  for (auto& [name, value] : members) {
    if (parameters && value->is_tensor() && !value->is_parameter) {
      TANDEM_ASSIGN_OR_RETURN(
          value, CallName("torch.nn.Parameter", {{value}, {}}, range));
    }
    if (!parameters && !value->is_none() &&
        !(value->is(Kind::kInstance) && value->is_module)) {
      return Error(range, "TypeError: ", PyTypeName(*value),
                   " is not a Module subclass");
    }
    if (value->is_none() && !parameters) {
      self->modules.Set(name, value);
      continue;
    }
    TANDEM_RETURN_IF_ERROR(SetAttribute(self, name, value, range));
  }
  return absl::OkStatus();
}

absl::StatusOr<Py> PythonInterpreter::CallModuleMethod(
    const std::string& name, const Py& self, PyArguments& args,
    const SourceRange& range) {
  const size_t count = args.positional.size();
  if (name == "__init__") {
    if (self->module_kind != ModuleKind::kPlain) {
      TANDEM_RETURN_IF_ERROR(InitContainer(self, args, range));
    }
    return None();
  }
  if (name == "register_buffer" || name == "register_parameter" ||
      name == "add_module" || name == "register_module") {
    const Py key = TakeNamed(args, 0, "name");
    const Py value = TakeNamed(args, 1,
                               name == "register_buffer"      ? "tensor"
                               : name == "register_parameter" ? "param"
                                                              : "module");
    if (key == nullptr || !key->is_string() || value == nullptr) {
      return Error(range, "TypeError: ", name, "() takes a name and a value");
    }
    const std::string& text = key->value.AsString();
    if (text.empty() || absl::StrContains(text, '.')) {
      return Error(range, "KeyError: ",
                   name == "register_buffer"      ? "buffer"
                   : name == "register_parameter" ? "parameter"
                                                  : "module",
                   " name can't contain \".\", and it can't be empty");
    }
    self->attributes.Erase(text);
    if (name == "register_buffer") {
      if (!value->is_none() && !value->is_tensor()) {
        return Error(range, "TypeError: cannot assign '", PyTypeName(*value),
                     "' object to buffer '", text,
                     "' (torch Tensor or None required)");
      }
      self->buffers.Set(text, value);
      const Py persistent = TakeNamed(args, 2, "persistent");
      if (persistent != nullptr && !IsTrue(persistent)) {
        self->transient_buffers.push_back(text);
      }
    } else if (name == "register_parameter") {
      self->parameters.Set(text, value);
    } else {
      self->modules.Set(text, value);
    }
    return None();
  }
  if (name == "parameters" || name == "named_parameters") {
    return Named(CollectTensors(self, true), name[0] == 'n');
  }
  if (name == "buffers" || name == "named_buffers") {
    return Named(CollectTensors(self, false), name[0] == 'n');
  }
  if (name == "state_dict") {
    Py dict = PyDict();
    for (const bool parameters : {true, false}) {
      for (const auto& [key, value] : CollectTensors(self, parameters)) {
        PySetItem(*dict, PyValue(IValue(key)), value);
      }
    }
    return dict;
  }
  std::vector<std::pair<std::string, Py>> all;
  CollectModules(self, "", &all);
  if (name == "modules" || name == "named_modules") {
    return Named(all, name[0] == 'n');
  }
  if (name == "children" || name == "named_children") {
    std::vector<std::pair<std::string, Py>> children;
    for (const auto& entry : self->modules.entries()) {
      if (!entry.second->is_none()) children.push_back(entry);
    }
    return Named(children, name[0] == 'n');
  }
  if (name == "train" || name == "eval") {
    const Py mode = TakeNamed(args, 0, "mode");
    const bool training = name == "train" && (mode == nullptr || IsTrue(mode));
    for (const auto& [path, module] : all) {
      module->attributes.Set("training", PyValue(IValue(training)));
    }
    return self;
  }
  if (name == "requires_grad_") {
    const Py grad = TakeNamed(args, 0, "requires_grad");
    for (const auto& [path, tensor] : CollectTensors(self, true)) {
      tensor->value.AsTensor().impl()->requires_grad =
          grad == nullptr || IsTrue(grad);
    }
    return self;
  }
  if (name == "apply" && count == 1) {
    for (const auto& [child_name, child] : self->modules.entries()) {
      if (child->is_none()) continue;
      PyArguments one{{args.positional[0]}, {}};
      TANDEM_RETURN_IF_ERROR(
          CallModuleMethod("apply", child, one, range).status());
    }
    TANDEM_RETURN_IF_ERROR(
        Call(args.positional[0], {{self}, {}}, range).status());
    return self;
  }
  if (name == "to" || name == "float" || name == "double" || name == "half" ||
      name == "bfloat16" || name == "cpu") {
    for (const bool parameters : {true, false}) {
      for (const auto& [path, tensor] : CollectTensors(self, parameters)) {
        if (name == "cpu" ||
            !IsFloatingPoint(tensor->value.AsTensor().dtype())) {
          continue;
        }
        std::vector<Py> values = {tensor};
        const std::string arguments = ArgumentsText(args, &values);
        TANDEM_ASSIGN_OR_RETURN(
            const Py converted,
            Compiled(absl::StrCat("v0.", name, arguments), values, range));
        const bool grad = tensor->value.AsTensor().impl()->requires_grad;
        tensor->value = converted->value;
        tensor->value.AsTensor().impl()->requires_grad = grad;
      }
    }
    return self;
  }
  if (name == "get_submodule" && count == 1 &&
      args.positional[0]->is_string()) {
    for (const auto& [path, module] : all) {
      if (path == args.positional[0]->value.AsString()) return module;
    }
  }
  if (name == "get_parameter" && count == 1 &&
      args.positional[0]->is_string()) {
    for (const auto& [path, tensor] : CollectTensors(self, true)) {
      if (path == args.positional[0]->value.AsString()) return tensor;
    }
  }
  const bool parameters = self->module_kind == ModuleKind::kParameterList ||
                          self->module_kind == ModuleKind::kParameterDict;
  if (self->module_kind != ModuleKind::kPlain) {
    const PyNames& members = parameters ? self->parameters : self->modules;
    if (name == "keys" || name == "values" || name == "items") {
      std::vector<Py> items;
      for (const auto& [key, value] : members.entries()) {
        const Py text = PyValue(IValue(key));
        items.push_back(name == "keys"     ? text
                        : name == "values" ? value
                                           : PyTuple({text, value}));
      }
      return PyList(std::move(items));
    }
    if (name == "append" && count == 1) {
      Py value = args.positional[0];
      if (parameters && value->is_tensor() && !value->is_parameter) {
        TANDEM_ASSIGN_OR_RETURN(
            value, CallName("torch.nn.Parameter", {{value}, {}}, range));
      }
      TANDEM_RETURN_IF_ERROR(SetAttribute(
          self, absl::StrCat(members.entries().size()), value, range));
      return self;
    }
    if (name == "extend" && count == 1) {
      TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                              Iterate(args.positional[0], range));
      for (const Py& item : items) {
        PyArguments one{{item}, {}};
        TANDEM_RETURN_IF_ERROR(
            CallModuleMethod("append", self, one, range).status());
      }
      return self;
    }
    if (name == "insert" && count == 2 && args.positional[0]->is_int()) {
      TANDEM_ASSIGN_OR_RETURN(std::vector<Py> items, Iterate(self, range));
      const int64_t at =
          std::clamp<int64_t>(args.positional[0]->value.AsInt(), 0,
                              static_cast<int64_t>(items.size()));
      items.insert(items.begin() + at, args.positional[1]);
      for (size_t i = 0; i < items.size(); ++i) {
        self->modules.Set(absl::StrCat(i), items[i]);
      }
      return None();
    }
    if (name == "update" && count == 1) {
      TANDEM_RETURN_IF_ERROR(InitContainer(self, args, range));
      return None();
    }
  }
  return Error(range, "AttributeError: '", PyTypeName(*self),
               "' object has no attribute '", name, "'");
}

absl::StatusOr<Py> PythonInterpreter::CallBound(const PyObject& bound,
                                                PyArguments args,
                                                const SourceRange& range) {
  const Py& self = bound.self;
  if (bound.name == "__partial__") {
    PyArguments all;
    all.positional = bound.items;
    all.positional.insert(all.positional.end(), args.positional.begin(),
                          args.positional.end());
    all.named = args.named;
    for (const auto& [key, value] : bound.entries) {
      bool given = false;
      for (const auto& [name, other] : args.named) {
        given = given || name == key->value.AsString();
      }
      if (!given) all.named.emplace_back(key->value.AsString(), value);
    }
    return Call(self, std::move(all), range);
  }
  if (bound.name == "__class_init__") {  // nn.Module.__init__(self)
    return None();
  }
  switch (self->kind) {
    case Kind::kInstance:
      if (self->is_module) {
        return CallModuleMethod(bound.name, self, args, range);
      }
      if (bound.name == "__init__") return None();
      break;
    case Kind::kList:
    case Kind::kTuple:
      if (bound.name == "_replace" || bound.name == "_asdict") break;
      return CallListMethod(bound.name, self, args, range);
    case Kind::kDict:
      return CallDictMethod(bound.name, self, args, range);
    case Kind::kValue: {
      std::vector<Py> values = {self};
      const std::string arguments = ArgumentsText(args, &values);
      if (self->is_tensor() && bound.name == "tolist") {
        // Its type is the caller's to say, who does not: by shape and dtype.
        const Tensor& tensor = self->value.AsTensor();
        std::string type = IsFloatingPoint(tensor.dtype())  ? "float"
                           : tensor.dtype() == DType::kBool ? "bool"
                                                            : "int";
        for (size_t i = 0; i < tensor.sizes().size(); ++i) {
          type = absl::StrCat("List[", type, "]");
        }
        return Compiled(
            absl::StrCat("torch.jit.annotate(", type, ", v0.tolist())"), values,
            range);
      }
      return Compiled(absl::StrCat("v0.", bound.name, arguments), values,
                      range);
    }
    default:
      break;
  }
  return Error(range, "AttributeError: '", PyTypeName(*self),
               "' object has no attribute '", bound.name, "'");
}

}  // namespace tandem::script
