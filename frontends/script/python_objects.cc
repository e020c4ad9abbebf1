// Calls, classes and instances of interpreted Python.
#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/python_class.h"
#include "tandem/frontends/script/python_interpreter.h"
#include "tandem/frontends/script/token.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

using Kind = PyObject::Kind;

const DefStmt* FindDef(const ClassStmt& cls, absl::string_view name) {
  const DefStmt* found = nullptr;
  for (const Stmt* stmt : cls.body.statements) {
    const auto* def = stmt->As<DefStmt>();
    if (def != nullptr && def->name.name == name &&
        !HasDecorator(def->decorators, "setter")) {
      found = def;
    }
  }
  return found;
}

}  // namespace

absl::StatusOr<std::vector<ClassRef>> PythonInterpreter::Bases(
    const ClassRef& cls) {
  return PythonClass(cls.file, *cls.cls, cls.file->tree(cls.cls->name.name))
      .Lineage();
}

absl::StatusOr<Py> PythonInterpreter::ClassVariable(const ClassRef& cls,
                                                    absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> bases, Bases(cls));
  for (const ClassRef& base : bases) {
    for (const Stmt* stmt : base.cls->body.statements) {
      const auto* assign = stmt->As<AssignStmt>();
      if (assign == nullptr || assign->value == nullptr) continue;
      const auto* target = assign->targets[0]->As<NameExpr>();
      if (target == nullptr || target->name != name) continue;
      const std::string key =
          absl::StrCat(reinterpret_cast<uintptr_t>(base.cls), ".", name);
      const auto known = class_variables_.find(key);
      if (known != class_variables_.end()) return known->second;
      // The class's own variables are in scope.
      auto frame = std::make_shared<PyFrame>();
      frame->file = base.file;
      frame->tree = &base.file->tree(base.cls->name.name);
      for (const Stmt* other : base.cls->body.statements) {
        const auto* before = other->As<AssignStmt>();
        if (before == nullptr || before->value == nullptr) continue;
        if (before == assign) break;
        const auto* variable = before->targets[0]->As<NameExpr>();
        if (variable == nullptr) continue;
        absl::StatusOr<Py> value = Evaluate(*before->value, frame);
        if (value.ok()) frame->locals[std::string(variable->name)] = *value;
      }
      TANDEM_ASSIGN_OR_RETURN(Py value, Evaluate(*assign->value, frame));
      class_variables_[key] = value;
      return value;
    }
  }
  return Py();
}

absl::StatusOr<Py> PythonInterpreter::FindMethod(const ClassRef& cls,
                                                 absl::string_view name,
                                                 const ClassRef* after) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> bases, Bases(cls));
  bool passed = after == nullptr;
  for (const ClassRef& base : bases) {
    if (!passed) {
      passed = base == *after;
      continue;
    }
    const DefStmt* def = FindDef(*base.cls, name);
    if (def == nullptr) continue;
    Py function = std::make_shared<PyObject>(Kind::kFunction);
    function->def = def;
    function->file = base.file;
    function->tree = &base.file->tree(base.cls->name.name);
    function->cls = base;
    return function;
  }
  return Py();
}

absl::StatusOr<Py> PythonInterpreter::BindMember(const Py& member,
                                                 const Py& self,
                                                 const ClassRef& cls,
                                                 const SourceRange& range) {
  if (!member->is(Kind::kFunction) || member->def == nullptr) return member;
  const List<const Expr*> decorators = member->def->decorators;
  if (HasDecorator(decorators, "staticmethod")) {
    Py plain = std::make_shared<PyObject>(*member);
    plain->self = nullptr;
    return plain;
  }
  Py bound = std::make_shared<PyObject>(*member);
  if (HasDecorator(decorators, "classmethod")) {
    bound->self = std::make_shared<PyObject>(Kind::kClass);
    bound->self->cls = cls;
    bound->self->file = cls.file;
    return bound;
  }
  if (self == nullptr) return member;
  bound->self = self;
  if (HasDecorator(decorators, "property")) return Call(bound, {}, range);
  return bound;
}

absl::StatusOr<Py> PythonInterpreter::GetAttribute(const Py& object,
                                                   absl::string_view name,
                                                   const SourceRange& range) {
  switch (object->kind) {
    case Kind::kName:
      return QualifiedName(absl::StrCat(object->name, ".", name), range);
    case Kind::kValue:
      if (object->is_tensor()) {
        for (const absl::string_view property :
             {"shape", "dtype", "device", "data", "ndim", "T", "mT", "is_cuda",
              "requires_grad", "real", "imag", "layout", "is_sparse", "grad"}) {
          if (name == property) {
            return Compiled(absl::StrCat("v0.", name), {object}, range);
          }
        }
      }
      if (object->value.is_enum() && (name == "name" || name == "value")) {
        const EnumObject& member = object->value.AsEnum();
        return PyValue(name == "name" ? IValue(member.name) : member.value);
      }
      if (object->value.is_device()) {
        return Compiled(absl::StrCat("v0.", name), {object}, range);
      }
      return PyBound(std::string(name), object);
    case Kind::kTuple:
      if (object->cls.cls != nullptr) {
        size_t i = 0;
        for (const Stmt* stmt : object->cls.cls->body.statements) {
          const auto* field = stmt->As<AssignStmt>();
          if (field == nullptr || field->type == nullptr) continue;
          const auto* target = field->targets[0]->As<NameExpr>();
          if (target != nullptr && target->name == name) {
            return object->items[i];
          }
          ++i;
        }
      }
      return PyBound(std::string(name), object);
    case Kind::kList:
    case Kind::kDict:
      return PyBound(std::string(name), object);
    case Kind::kClass: {
      if (name == "__name__") {
        return PyValue(IValue(object->cls.cls->name.name));
      }
      TANDEM_ASSIGN_OR_RETURN(
          const TypePtr type,
          object->cls.file->IsModule(*object->cls.cls)
              ? absl::StatusOr<TypePtr>(TypePtr())
              : object->cls.file->FindType(object->cls.cls->name.name));
      if (type != nullptr && type->AsEnum() != nullptr) {
        for (const auto& [member, value] : type->AsEnum()->members()) {
          if (member == name) {
            return PyValue(IValue(
                MakeRef<EnumObject>(type->AsEnum()->shared(), member, value)));
          }
        }
      }
      TANDEM_ASSIGN_OR_RETURN(Py member, FindMethod(object->cls, name));
      if (member != nullptr) {
        return BindMember(member, nullptr, object->cls, range);
      }
      TANDEM_ASSIGN_OR_RETURN(member, ClassVariable(object->cls, name));
      if (member != nullptr) return member;
      if (name == "__init__") return PyBound("__class_init__", object);
      return Error(range, "AttributeError: type object '",
                   object->cls.cls->name.name, "' has no attribute '", name,
                   "'");
    }
    case Kind::kInstance: {
      for (const PyNames* names : {&object->attributes, &object->parameters,
                                   &object->buffers, &object->modules}) {
        if (Py value = names->Find(name)) return value;
      }
      if (name == "__class__") {
        Py cls = std::make_shared<PyObject>(Kind::kClass);
        cls->cls = object->cls;
        cls->file = object->cls.file;
        return cls;
      }
      TANDEM_ASSIGN_OR_RETURN(Py member, FindMethod(object->cls, name));
      if (member != nullptr) {
        return BindMember(member, object, object->cls, range);
      }
      TANDEM_ASSIGN_OR_RETURN(member, ClassVariable(object->cls, name));
      if (member != nullptr) return member;
      if (object->is_module || name == "__init__") {
        return PyBound(std::string(name), object);
      }
      return Error(range, "AttributeError: '", PyTypeName(*object),
                   "' object has no attribute '", name, "'");
    }
    case Kind::kSuper: {
      TANDEM_ASSIGN_OR_RETURN(
          Py member, FindMethod(object->self->cls, name, &object->cls));
      if (member != nullptr) {
        return BindMember(member, object->self, object->self->cls, range);
      }
      return PyBound(std::string(name), object->self);
    }
    case Kind::kFunction:
      if (name == "__name__") {
        return PyValue(IValue(object->def == nullptr ? "<lambda>"
                                                     : object->def->name.name));
      }
      break;
    case Kind::kBound:
      break;
  }
  return Error(range, "AttributeError: '", PyTypeName(*object),
               "' object has no attribute '", name, "'");
}

absl::StatusOr<bool> PythonInterpreter::Truth(const Py& value,
                                              const SourceRange& range) {
  switch (value->kind) {
    case Kind::kValue: {
      const IValue& v = value->value;
      if (v.is_none()) return false;
      if (v.is_bool() || v.is_int()) return v.AsInt() != 0;
      if (v.is_double()) return v.AsDouble() != 0;
      if (v.is_string()) return !v.AsString().empty();
      if (v.is_tensor()) {
        TANDEM_ASSIGN_OR_RETURN(const Py truth,
                                Compiled("bool(v0)", {value}, range));
        return truth->value.AsBool();
      }
      return true;
    }
    case Kind::kList:
    case Kind::kTuple:
      return !value->items.empty();
    case Kind::kDict:
      return !value->entries.empty();
    case Kind::kInstance:
      if (value->is_module && value->module_kind != ModuleKind::kPlain) {
        return !value->modules.entries().empty() ||
               !value->parameters.entries().empty();
      }
      return true;
    default:
      return true;
  }
}

absl::StatusOr<std::vector<Py>> PythonInterpreter::Iterate(
    const Py& iterable, const SourceRange& range) {
  std::vector<Py> items;
  switch (iterable->kind) {
    case Kind::kList:
    case Kind::kTuple:
      return iterable->items;
    case Kind::kDict:
      for (const auto& [key, value] : iterable->entries) items.push_back(key);
      return items;
    case Kind::kValue:
      if (iterable->is_string()) {
        TANDEM_ASSIGN_OR_RETURN(const Py list,
                                Compiled("[c for c in v0]", {iterable}, range));
        return list->items;
      }
      if (iterable->is_tensor()) {
        TANDEM_ASSIGN_OR_RETURN(const Py list,
                                Compiled("v0.unbind(0)", {iterable}, range));
        return list->items;
      }
      break;
    case Kind::kInstance:
      if (iterable->module_kind == ModuleKind::kDict ||
          iterable->module_kind == ModuleKind::kParameterDict) {
        for (const PyNames* names :
             {&iterable->modules, &iterable->parameters}) {
          for (const auto& [name, value] : names->entries()) {
            items.push_back(PyValue(IValue(name)));
          }
        }
        return items;
      }
      if (iterable->module_kind != ModuleKind::kPlain) {
        for (const PyNames* names :
             {&iterable->modules, &iterable->parameters}) {
          for (const auto& [name, value] : names->entries()) {
            items.push_back(value);
          }
        }
        return items;
      }
      break;
    case Kind::kClass: {
      TANDEM_ASSIGN_OR_RETURN(
          const TypePtr type,
          iterable->cls.file->FindType(iterable->cls.cls->name.name));
      if (type == nullptr || type->AsEnum() == nullptr) break;
      for (const auto& [name, value] : type->AsEnum()->members()) {
        items.push_back(PyValue(IValue(
            MakeRef<EnumObject>(type->AsEnum()->shared(), name, value))));
      }
      return items;
    }
    default:
      break;
  }
  return Error(range, "TypeError: '", PyTypeName(*iterable),
               "' object is not iterable");
}

absl::StatusOr<Py> PythonInterpreter::CallFunction(const Py& function,
                                                   PyArguments args,
                                                   const SourceRange& range) {
  if (calls_ >= kMaxCalls) {
    return Error(range, "RecursionError: maximum recursion depth exceeded");
  }
  auto frame = std::make_shared<PyFrame>();
  frame->file = function->file;
  frame->tree = function->tree;
  frame->cls = function->cls;
  frame->outer = function->closure;
  frame->self = function->self;
  if (function->def == nullptr) {
    const auto& lambda =
        *reinterpret_cast<const LambdaExpr*>(function->value.AsInt());
    if (args.positional.size() != lambda.params.size() || !args.named.empty()) {
      return Error(range, "TypeError: <lambda>() takes ", lambda.params.size(),
                   " positional arguments");
    }
    for (size_t i = 0; i < lambda.params.size(); ++i) {
      frame->locals[std::string(lambda.params[i].name)] = args.positional[i];
    }
    ++calls_;
    absl::StatusOr<Py> result = Evaluate(*lambda.body, frame);
    --calls_;
    return result;
  }
  const DefStmt& def = *function->def;
  if (def.error != nullptr && def.body.statements.empty()) return *def.error;
  if (HasDecorator(def.decorators, "ignore") && function->closure != nullptr) {
    return Error(range, "'", def.name.name, "' stays Python");
  }
  if (function->self != nullptr) {
    args.positional.insert(args.positional.begin(), function->self);
  }
  const Decl& decl = def.decl;
  size_t at = 0;
  for (const Param& param : decl.params) {
    Py value;
    if (!param.keyword_only && at < args.positional.size()) {
      value = args.positional[at++];
    }
    for (auto it = args.named.begin(); it != args.named.end(); ++it) {
      if (it->first != param.name.name) continue;
      if (value != nullptr) {
        return Error(range, "TypeError: ", def.name.name,
                     "() got multiple values for argument '", param.name.name,
                     "'");
      }
      value = it->second;
      args.named.erase(it);
      break;
    }
    if (value == nullptr && param.default_value != nullptr) {
      auto scope = std::make_shared<PyFrame>();
      scope->file = function->file;
      scope->tree = function->tree;
      scope->outer = function->closure;
      TANDEM_ASSIGN_OR_RETURN(value, Evaluate(*param.default_value, scope));
    }
    if (value == nullptr) {
      return Error(range, "TypeError: ", def.name.name,
                   "() missing 1 required positional argument: '",
                   param.name.name, "'");
    }
    frame->locals[std::string(param.name.name)] = std::move(value);
  }
  if (!decl.variadic.name.empty()) {
    frame->locals[std::string(decl.variadic.name)] =
        PyTuple({args.positional.begin() + at, args.positional.end()});
  } else if (at < args.positional.size()) {
    return Error(range, "TypeError: ", def.name.name, "() takes ",
                 decl.params.size(), " positional arguments but ",
                 args.positional.size(), " were given");
  }
  if (!decl.keywords.name.empty()) {
    Py rest = PyDict();
    for (auto& [name, value] : args.named) {
      rest->entries.emplace_back(PyValue(IValue(name)), std::move(value));
    }
    frame->locals[std::string(decl.keywords.name)] = rest;
  } else if (!args.named.empty()) {
    return Error(range, "TypeError: ", def.name.name,
                 "() got an unexpected keyword argument '", args.named[0].first,
                 "'");
  }
  Py result = PyValue(IValue());
  ++calls_;
  const absl::StatusOr<Flow> flow = Run(def.body.statements, frame, &result);
  --calls_;
  if (!flow.ok()) return flow.status();
  return result;
}

absl::StatusOr<Py> PythonInterpreter::MakeNamedTuple(const ClassRef& cls,
                                                     PyArguments args,
                                                     const SourceRange& range) {
  std::vector<Py> items;
  for (const Stmt* stmt : cls.cls->body.statements) {
    const auto* field = stmt->As<AssignStmt>();
    if (field == nullptr || field->type == nullptr) continue;
    const auto* target = field->targets[0]->As<NameExpr>();
    if (target == nullptr) continue;
    Py value;
    if (items.size() < args.positional.size()) {
      value = args.positional[items.size()];
    }
    for (const auto& [name, named] : args.named) {
      if (name == target->name) value = named;
    }
    if (value == nullptr && field->value != nullptr) {
      TANDEM_ASSIGN_OR_RETURN(
          value, EvaluateIn(cls.file, cls.file->tree(cls.cls->name.name),
                            *field->value));
    }
    if (value == nullptr) {
      return Error(range, "TypeError: ", cls.cls->name.name,
                   "() missing argument '", target->name, "'");
    }
    items.push_back(std::move(value));
  }
  Py tuple = PyTuple(std::move(items));
  tuple->cls = cls;
  return tuple;
}

absl::StatusOr<Py> PythonInterpreter::Instantiate(const ClassRef& cls,
                                                  PyArguments args,
                                                  const SourceRange& range) {
  for (const Expr* base : cls.cls->bases) {
    const std::string name = cls.file->Imported(*base);
    if (absl::EndsWith(name, "NamedTuple")) {
      return MakeNamedTuple(cls, std::move(args), range);
    }
    if (absl::EndsWith(name, "Enum") && args.positional.size() == 1) {
      Py enum_class = std::make_shared<PyObject>(Kind::kClass);
      enum_class->cls = cls;
      TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> members,
                              Iterate(enum_class, range));
      for (const Py& member : members) {
        if (Equal(member->value.AsEnum().value, args.positional[0]->value)) {
          return member;
        }
      }
      return Error(range, "ValueError: not a valid ", cls.cls->name.name);
    }
  }
  Py object = std::make_shared<PyObject>(Kind::kInstance);
  object->cls = cls;
  object->file = cls.file;
  object->is_module = cls.file->IsModule(*cls.cls);
  if (object->is_module) {
    TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> bases, Bases(cls));
    for (const ClassRef& base : bases) {
      if (object->module_kind != ModuleKind::kPlain) break;
      object->module_kind =
          ContainerKind(base.file->Qualify(base.cls->name.name));
    }
    object->attributes.Set("training", PyValue(IValue(true)));
    object->attributes.Set("_is_full_backward_hook", PyValue(IValue()));
  }
  TANDEM_ASSIGN_OR_RETURN(const Py init,
                          GetAttribute(object, "__init__", range));
  if (HasDecorator(cls.cls->decorators, "dataclass") &&
      init->is(Kind::kBound)) {
    TANDEM_ASSIGN_OR_RETURN(const Py fields, MakeNamedTuple(cls, args, range));
    size_t i = 0;
    for (const Stmt* stmt : cls.cls->body.statements) {
      const auto* field = stmt->As<AssignStmt>();
      if (field == nullptr || field->type == nullptr) continue;
      object->attributes.Set(field->targets[0]->As<NameExpr>()->name,
                             fields->items[i++]);
    }
    return object;
  }
  TANDEM_RETURN_IF_ERROR(Call(init, std::move(args), range).status());
  return object;
}

absl::StatusOr<Py> PythonInterpreter::Call(const Py& callee, PyArguments args,
                                           const SourceRange& range) {
  TANDEM_RETURN_IF_ERROR(Step(range));
  switch (callee->kind) {
    case Kind::kFunction:
      return CallFunction(callee, std::move(args), range);
    case Kind::kClass:
      return Instantiate(callee->cls, std::move(args), range);
    case Kind::kName:
      return CallName(callee->name, std::move(args), range);
    case Kind::kBound:
      return CallBound(*callee, std::move(args), range);
    case Kind::kInstance: {
      TANDEM_ASSIGN_OR_RETURN(
          const Py method,
          GetAttribute(callee, callee->is_module ? "forward" : "__call__",
                       range));
      return Call(method, std::move(args), range);
    }
    default:
      return Error(range, "TypeError: '", PyTypeName(*callee),
                   "' object is not callable");
  }
}

absl::StatusOr<bool> PythonInterpreter::IsInstance(const Py& value,
                                                   const Py& type,
                                                   const SourceRange& range) {
  if (type->is(Kind::kTuple) || type->is(Kind::kList)) {
    for (const Py& one : type->items) {
      TANDEM_ASSIGN_OR_RETURN(const bool is, IsInstance(value, one, range));
      if (is) return true;
    }
    return false;
  }
  if (type->is(Kind::kClass)) {
    if (value->cls.cls == nullptr || value->is(Kind::kClass) ||
        value->is(Kind::kFunction)) {
      return value->is(Kind::kValue) && value->value.is_enum() &&
             value->value.AsEnum().type->base_name() ==
                 type->cls.cls->name.name;
    }
    TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> bases,
                            Bases(value->cls));
    return std::find(bases.begin(), bases.end(), type->cls) != bases.end();
  }
  if (!type->is(Kind::kName)) {
    return Error(range, "TypeError: isinstance() arg 2 must be a type");
  }
  const std::string& name = type->name;
  const IValue& v = value->value;
  const bool plain = value->is(Kind::kValue);
  if (name == "builtins.int") return plain && (v.is_int() || v.is_bool());
  if (name == "builtins.float") return plain && v.is_double();
  if (name == "builtins.bool") return plain && v.is_bool();
  if (name == "builtins.str") return plain && v.is_string();
  if (name == "builtins.complex") return plain && v.is_complex();
  if (name == "builtins.list") return value->is(Kind::kList);
  if (name == "builtins.tuple") return value->is(Kind::kTuple);
  if (name == "builtins.dict") return value->is(Kind::kDict);
  if (absl::EndsWith(name, "OrderedDict") || absl::EndsWith(name, "Mapping")) {
    return value->is(Kind::kDict);
  }
  if (absl::EndsWith(name, "Iterable") || absl::EndsWith(name, "Sequence")) {
    return value->is(Kind::kList) || value->is(Kind::kTuple) ||
           (plain && v.is_string());
  }
  if (name == "torch.Tensor") return value->is_tensor();
  if (absl::EndsWith(name, "nn.Parameter") ||
      absl::EndsWith(name, "parameter.Parameter")) {
    return value->is_parameter;
  }
  if (absl::EndsWith(name, "nn.Module") ||
      absl::EndsWith(name, "module.Module")) {
    return value->is(Kind::kInstance) && value->is_module;
  }
  if (name == "torch.device") return plain && v.is_device();
  return false;
}

Py PythonInterpreter::DeepCopy(const Py& value,
                               absl::flat_hash_map<PyObject*, Py>* copies) {
  const auto known = copies->find(value.get());
  if (known != copies->end()) return known->second;
  if (value->is(Kind::kClass) || value->is(Kind::kName)) return value;
  if (copy_depth_ > kMaxPyDepth) return value;
  if (value->is(Kind::kFunction) && value->self == nullptr) return value;
  Py copy = std::make_shared<PyObject>(*value);
  (*copies)[value.get()] = copy;
  if (value->is_tensor()) {
    const absl::StatusOr<Py> clone =
        Compiled("v0.detach().clone()", {value}, SourceRange());
    if (clone.ok()) copy->value = (*clone)->value;
    return copy;
  }
  ++copy_depth_;
  for (Py& item : copy->items) item = DeepCopy(item, copies);
  for (auto& [key, item] : copy->entries) item = DeepCopy(item, copies);
  if (copy->self != nullptr) copy->self = DeepCopy(copy->self, copies);
  for (PyNames* names :
       {&copy->attributes, &copy->parameters, &copy->buffers, &copy->modules}) {
    const PyNames before = *names;
    for (const auto& [name, item] : before.entries()) {
      names->Set(name, DeepCopy(item, copies));
    }
  }
  --copy_depth_;
  return copy;
}

ModuleKind ContainerKind(absl::string_view name) {
  if (!absl::ConsumePrefix(&name, "__torch__.torch.nn.modules.container.")) {
    return ModuleKind::kPlain;
  }
  if (name == "ModuleList" || name == "Sequential") return ModuleKind::kList;
  if (name == "ModuleDict") return ModuleKind::kDict;
  if (name == "ParameterList") return ModuleKind::kParameterList;
  if (name == "ParameterDict") return ModuleKind::kParameterDict;
  return ModuleKind::kPlain;
}

}  // namespace tandem::script
