// Functions that interpreted Python finds built in.
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

}  // namespace

std::string PythonInterpreter::ArgumentsText(const PyArguments& args,
                                             std::vector<Py>* values) {
  std::string text = "(";
  const auto add = [&](const Py& value) {
    if (value->is_none()) {
      absl::StrAppend(&text, "None");
    } else if (value->is(Kind::kName)) {
      absl::StrAppend(&text, absl::StripPrefix(value->name, "builtins."));
    } else if (value->is(Kind::kList) && value->items.empty()) {
      absl::StrAppend(&text, "[]");
    } else {
      absl::StrAppend(&text, "v", values->size());
      values->push_back(value);
    }
  };
  bool first = true;
  for (const Py& value : args.positional) {
    absl::StrAppend(&text, first ? "" : ", ");
    first = false;
    add(value);
  }
  for (const auto& [name, value] : args.named) {
    absl::StrAppend(&text, first ? "" : ", ", name, "=");
    first = false;
    add(value);
  }
  return absl::StrCat(text, ")");
}

absl::StatusOr<Py> PythonInterpreter::Compiled(const std::string& text,
                                               const std::vector<Py>& values,
                                               const SourceRange& range,
                                               absl::string_view statement) {
  std::vector<IValue> arguments;
  std::string source = "def f(";
  for (size_t i = 0; i < values.size(); ++i) {
    absl::StatusOr<IValue> value = PyToIValue(*values[i]);
    if (!value.ok()) {
      return Error(range, "a value of type '", PyTypeName(*values[i]),
                   "' cannot be used here: ", value.status().message());
    }
    const TypePtr type = value->TypeOf();
    absl::StrAppend(&source, i == 0 ? "v" : ", v", i, ": ",
                    type->is(TypeKind::kTensor) ? "Tensor"
                    : type->is(TypeKind::kEnum) ? "Any"
                                                : type->ToAnnotation());
    arguments.push_back(*std::move(value));
  }
  absl::StrAppend(&source, "):\n    ", statement, text, "\n");
  Snippet* snippet = snippets_[source].get();
  if (snippet == nullptr) {
    auto made = std::make_unique<Snippet>();
    TANDEM_ASSIGN_OR_RETURN(
        made->program,
        PythonProgram::Parse(
            &made->unit,
            std::make_shared<Source>(
                absl::StrCat("import torch\nimport math\nimport warnings\n"
                             "import torch.nn.functional\n"
                             "from torch import Tensor\n"
                             "from typing import List, Tuple, Dict, Optional, "
                             "Any\n",
                             source),
                "init.py")));
    absl::StatusOr<Function*> function = made->program->CompileFunction("f");
    if (!function.ok()) {
      // Python gives an int where a float is taken.
      std::vector<Py> floats = values;
      bool any = false;
      for (size_t i = 0; i < floats.size(); ++i) {
        if (!floats[i]->is_int()) continue;
        floats[i] =
            PyValue(IValue(static_cast<double>(floats[i]->value.AsInt())));
        any = true;
      }
      if (any) {
        absl::StatusOr<Py> retried = Compiled(text, floats, range, statement);
        if (retried.ok()) return retried;
      }
      // What was wrong, at the place in the user's file.
      std::string why(function.status().message());
      const size_t place = why.find(":\n  File \"init.py\"");
      if (place != std::string::npos) why.resize(place);
      absl::string_view message = why;
      absl::ConsumePrefix(&message, "\n");
      return Error(range, message);
    }
    made->function = *function;
    snippet = made.get();
    snippets_[source] = std::move(made);
  }
  if (run_ == nullptr) {
    return Error(range,
                 "making this module computes with tensors, which takes a "
                 "runtime");
  }
  absl::StatusOr<IValue> result = run_(snippet->function, std::move(arguments));
  if (!result.ok()) {
    std::string why(result.status().message());
    const size_t last = why.rfind("Error: ");
    if (absl::StartsWith(why, "The following operation failed") &&
        last != std::string::npos) {
      const size_t line = why.rfind('\n', last);
      why = why.substr(line == std::string::npos ? 0 : line + 1);
    }
    while (!why.empty() && why.back() == '\n') why.pop_back();
    return Error(range, why);
  }
  // A tensor that came in is the same object.
  if (result->is_tensor()) {
    for (const Py& value : values) {
      if (value->is_tensor() && value->value.Is(*result)) return value;
    }
  }
  return PyFromIValue(*result);
}

absl::StatusOr<Py> PythonInterpreter::CallName(const std::string& name,
                                               PyArguments args,
                                               const SourceRange& range) {
  absl::string_view builtin = name;
  const size_t count = args.positional.size();
  const auto first = [&] { return args.positional[0]; };
  if (absl::ConsumePrefix(&builtin, "builtins.")) {
    if (builtin == "object" && count == 0) return PyBound("__object__", None());
    if (builtin == "builtins.format" && count == 2) {
      return Compiled("f\"{v0:{v1}}\"", args.positional, range);
    }
    if (builtin == "builtins.repr" && count == 1) {
      return Compiled("f\"{v0!r}\"", args.positional, range);
    }
    if (builtin == "range") {
      int64_t bounds[3] = {0, 0, 1};
      if (count == 0 || count > 3) return Error(range, "range() arguments");
      for (size_t i = 0; i < count; ++i) {
        if (!args.positional[i]->is_int() &&
            !args.positional[i]->value.is_bool()) {
          return Error(range, "TypeError: '", PyTypeName(*args.positional[i]),
                       "' object cannot be interpreted as an integer");
        }
        bounds[count == 1 ? 1 : i] = args.positional[i]->value.AsInt();
      }
      if (bounds[2] == 0) {
        return Error(range, "ValueError: range() arg 3 must not be zero");
      }
      std::vector<Py> items;
      for (int64_t i = bounds[0]; bounds[2] > 0 ? i < bounds[1] : i > bounds[1];
           i += bounds[2]) {
        TANDEM_RETURN_IF_ERROR(Step(range));
        items.push_back(PyValue(IValue(i)));
      }
      return PyList(std::move(items));
    }
    if (builtin == "len" && count == 1 && !first()->is(Kind::kValue)) {
      if (first()->is(Kind::kInstance) && !first()->is_module) {
        TANDEM_ASSIGN_OR_RETURN(const Py method,
                                GetAttribute(first(), "__len__", range));
        return Call(method, {}, range);
      }
      TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                              Iterate(first(), range));
      return PyValue(IValue(static_cast<int64_t>(items.size())));
    }
    if (builtin == "list" || builtin == "tuple") {
      std::vector<Py> items;
      if (count == 1) {
        TANDEM_ASSIGN_OR_RETURN(items, Iterate(first(), range));
      }
      return builtin == "list" ? PyList(std::move(items))
                               : PyTuple(std::move(items));
    }
    if (builtin == "dict") {
      Py dict = PyDict();
      if (count == 1 && first()->is(Kind::kDict)) {
        dict->entries = first()->entries;
      } else if (count == 1) {
        TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> pairs,
                                Iterate(first(), range));
        for (const Py& pair : pairs) {
          TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> parts,
                                  Iterate(pair, range));
          if (parts.size() != 2) return Error(range, "ValueError: dict()");
          PySetItem(*dict, parts[0], parts[1]);
        }
      }
      for (const auto& [key, value] : args.named) {
        PySetItem(*dict, PyValue(IValue(key)), value);
      }
      return dict;
    }
    if (builtin == "enumerate" && count >= 1) {
      TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                              Iterate(first(), range));
      const Py start = TakeNamed(args, 1, "start");
      int64_t i =
          start != nullptr && start->is_int() ? start->value.AsInt() : 0;
      std::vector<Py> pairs;
      for (const Py& item : items) {
        pairs.push_back(PyTuple({PyValue(IValue(i++)), item}));
      }
      return PyList(std::move(pairs));
    }
    if (builtin == "zip") {
      std::vector<std::vector<Py>> columns;
      size_t rows = SIZE_MAX;
      for (const Py& one : args.positional) {
        TANDEM_ASSIGN_OR_RETURN(std::vector<Py> items, Iterate(one, range));
        rows = std::min(rows, items.size());
        columns.push_back(std::move(items));
      }
      std::vector<Py> result;
      for (size_t i = 0; !columns.empty() && i < rows; ++i) {
        std::vector<Py> row;
        for (const std::vector<Py>& column : columns) row.push_back(column[i]);
        result.push_back(PyTuple(std::move(row)));
      }
      return PyList(std::move(result));
    }
    if (builtin == "reversed" && count == 1) {
      TANDEM_ASSIGN_OR_RETURN(std::vector<Py> items, Iterate(first(), range));
      std::reverse(items.begin(), items.end());
      return PyList(std::move(items));
    }
    if (builtin == "iter" && count == 1) return first();
    if ((builtin == "map" || builtin == "filter") && count == 2) {
      TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                              Iterate(args.positional[1], range));
      std::vector<Py> result;
      for (const Py& item : items) {
        TANDEM_ASSIGN_OR_RETURN(const Py value,
                                Call(first(), {{item}, {}}, range));
        if (builtin == "map") {
          result.push_back(value);
          continue;
        }
        TANDEM_ASSIGN_OR_RETURN(const bool truth, Truth(value, range));
        if (truth) result.push_back(item);
      }
      return PyList(std::move(result));
    }
    if (builtin == "isinstance" && count == 2) {
      TANDEM_ASSIGN_OR_RETURN(const bool is,
                              IsInstance(first(), args.positional[1], range));
      return PyValue(IValue(is));
    }
    if ((builtin == "hasattr" || builtin == "getattr" ||
         builtin == "setattr") &&
        count >= 2 && args.positional[1]->is_string()) {
      const std::string& attribute = args.positional[1]->value.AsString();
      if (builtin == "setattr" && count == 3) {
        TANDEM_RETURN_IF_ERROR(
            SetAttribute(first(), attribute, args.positional[2], range));
        return None();
      }
      absl::StatusOr<Py> value = GetAttribute(first(), attribute, range);
      bool has = value.ok();
      if (has && (*value)->is(Kind::kBound) && first()->is(Kind::kInstance)) {
        has = absl::StartsWith(attribute, "register_") ||
              attribute == "parameters" || attribute == "modules";
      }
      if (builtin == "hasattr") return PyValue(IValue(has));
      if (!has && count == 3) return args.positional[2];
      return value;
    }
    if (builtin == "type" && count == 1) {
      if (first()->is(Kind::kInstance)) {
        return GetAttribute(first(), "__class__", range);
      }
      return PyQualified(absl::StrCat("builtins.", PyTypeName(*first())));
    }
    if (builtin == "callable" && count == 1) {
      return PyValue(IValue(!first()->is(Kind::kValue)));
    }
    if (builtin == "bool" && count == 1) {
      TANDEM_ASSIGN_OR_RETURN(const bool truth, Truth(first(), range));
      return PyValue(IValue(truth));
    }
    if ((builtin == "int" || builtin == "float") && count == 1 &&
        first()->is_number() && !first()->value.is_complex()) {
      const IValue& v = first()->value;
      if (builtin == "float") {
        return PyValue(IValue(v.is_double() ? v.AsDouble()
                                            : static_cast<double>(v.AsInt())));
      }
      if (!v.is_double()) return PyValue(IValue(v.AsInt()));
      if (!(std::abs(v.AsDouble()) < 9.2e18)) {
        return Error(range, "OverflowError: cannot convert float to integer");
      }
      return PyValue(IValue(static_cast<int64_t>(v.AsDouble())));
    }
    if ((builtin == "sum" || builtin == "max" || builtin == "min" ||
         builtin == "any" || builtin == "all") &&
        count >= 1) {
      std::vector<Py> items = args.positional;
      if (count == 1 || builtin == "sum") {
        TANDEM_ASSIGN_OR_RETURN(items, Iterate(first(), range));
      }
      if (builtin == "any" || builtin == "all") {
        bool result = builtin == "all";
        for (const Py& item : items) {
          TANDEM_ASSIGN_OR_RETURN(const bool truth, Truth(item, range));
          result = builtin == "all" ? result && truth : result || truth;
        }
        return PyValue(IValue(result));
      }
      Py total = builtin == "sum" ? (count == 2 ? args.positional[1]
                                                : PyValue(IValue(int64_t{0})))
                                  : nullptr;
      for (const Py& item : items) {
        if (builtin == "sum") {
          TANDEM_ASSIGN_OR_RETURN(total, BinaryOn('+', total, item, range));
          continue;
        }
        if (total == nullptr) {
          total = item;
          continue;
        }
        TANDEM_ASSIGN_OR_RETURN(
            const Py less, BinaryOn('<', builtin == "max" ? total : item,
                                    builtin == "max" ? item : total, range));
        TANDEM_ASSIGN_OR_RETURN(const bool replaces, Truth(less, range));
        if (replaces) total = item;
      }
      if (total == nullptr) {
        total = TakeNamed(args, count, "default");
        if (total == nullptr) {
          return Error(range, "ValueError: ", builtin,
                       "() arg is an empty sequence");
        }
      }
      return total;
    }
  }
  if (name == "torch.nn.Parameter" || name == "torch.nn.parameter.Parameter" ||
      name == "torch.nn.Buffer") {
    const Py data = TakeNamed(args, 0, "data");
    if (data == nullptr || !data->is_tensor()) {
      return Error(range, "a Parameter takes a tensor");
    }
    Py parameter = PyValue(data->value);
    const Py grad = TakeNamed(args, 1, "requires_grad");
    Tensor tensor = data->value.AsTensor();
    // A new tensor object over the same storage.
    TANDEM_ASSIGN_OR_RETURN(const Py own,
                            Compiled("v0.detach()", {data}, range));
    parameter->value = own->value;
    parameter->is_parameter = true;
    parameter->value.AsTensor().impl()->requires_grad =
        grad == nullptr || IsTrue(grad);
    return parameter;
  }
  if (name == "collections.OrderedDict") {
    return CallName("builtins.dict", std::move(args), range);
  }
  if (name == "copy.deepcopy" || name == "copy.copy") {
    if (count != 1) return Error(range, "deepcopy takes one argument");
    absl::flat_hash_map<PyObject*, Py> copies;
    return DeepCopy(first(), &copies);
  }
  if (name == "functools.reduce" && count >= 2) {
    TANDEM_ASSIGN_OR_RETURN(std::vector<Py> items,
                            Iterate(args.positional[1], range));
    Py total = count == 3 ? args.positional[2] : nullptr;
    for (const Py& item : items) {
      if (total == nullptr) {
        total = item;
        continue;
      }
      TANDEM_ASSIGN_OR_RETURN(total, Call(first(), {{total, item}, {}}, range));
    }
    if (total == nullptr) return Error(range, "TypeError: reduce() of empty");
    return total;
  }
  if (name == "functools.partial" && count >= 1) {
    Py partial = PyBound("__partial__", first());
    partial->items.assign(args.positional.begin() + 1, args.positional.end());
    for (const auto& [key, value] : args.named) {
      partial->entries.emplace_back(PyValue(IValue(key)), value);
    }
    return partial;
  }
  if (name == "warnings.warn" || name == "torch.jit.export" ||
      name == "torch._assert" || name == "torch._C._log_api_usage_once") {
    return None();
  }
  if (name == "torch.jit.script" && count == 1) return first();
  if (name == "torch.jit.Attribute" && count == 2) return first();
  if (name == "torch.jit.annotate" && count == 2) return args.positional[1];
  if (name == "math.prod" && count == 1) {
    TANDEM_ASSIGN_OR_RETURN(const std::vector<Py> items,
                            Iterate(first(), range));
    Py total = PyValue(IValue(int64_t{1}));
    for (const Py& item : items) {
      TANDEM_ASSIGN_OR_RETURN(total, BinaryOn('*', total, item, range));
    }
    return total;
  }
  if (name == "math.log2" && count == 1 && first()->is_number()) {
    const IValue& v = first()->value;
    return PyValue(IValue(std::log2(v.is_double() ? v.AsDouble() : v.AsInt())));
  }
  if (name == "math.isqrt" && count == 1 && first()->is_int()) {
    int64_t n = first()->value.AsInt();
    int64_t root = static_cast<int64_t>(std::sqrt(static_cast<double>(n)));
    while (root * root > n) --root;
    while ((root + 1) * (root + 1) <= n) ++root;
    return PyValue(IValue(root));
  }
  std::vector<Py> values;
  const std::string arguments = ArgumentsText(args, &values);
  const absl::string_view callee = absl::StripPrefix(name, "builtins.");
  return Compiled(absl::StrCat(callee, arguments), values, range,
                  callee == "print" ? "" : "return ");
}

}  // namespace tandem::script
