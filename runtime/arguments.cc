#include "tandem/runtime/arguments.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/python_text.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxDepth = 300;

absl::Status NoFit() { return absl::NotFoundError("no fit"); }

absl::StatusOr<IValue> Coerce(const IValue& v, const TypePtr& type, int depth) {
  if (depth > kMaxDepth) return NoFit();
  switch (type->kind()) {
    case TypeKind::kAny:
      return v;
    case TypeKind::kOptional:
      if (v.is_none()) return v;
      return Coerce(v, type->element(), depth + 1);
    case TypeKind::kUnion:
      for (const TypePtr& m : type->elements()) {
        if (v.Conforms(*m)) return v;
      }
      for (const TypePtr& m : type->elements()) {
        absl::StatusOr<IValue> c = Coerce(v, m, depth + 1);
        if (c.ok()) return c;
      }
      return NoFit();
    case TypeKind::kFloat:
      if (v.is_int()) return IValue(static_cast<double>(v.AsInt()));
      break;
    case TypeKind::kComplex:
      if (v.is_double() || v.is_int()) return IValue(v.AsScalar().ToComplex());
      break;
    case TypeKind::kDevice:
      if (v.is_string()) {
        absl::StatusOr<Device> d = ParseDevice(v.AsString());
        if (!d.ok()) return d.status();
        return IValue(*d);
      }
      break;
    case TypeKind::kEnum:
      // As "Class.NAME", the way recordings write them.
      if (v.is_string()) {
        for (const auto& [name, value] : type->AsEnum()->members()) {
          if (v.AsString() == absl::StrCat(type->base_name(), ".", name)) {
            return IValue(
                MakeRef<EnumObject>(type->AsEnum()->shared(), name, value));
          }
        }
        return NoFit();
      }
      break;
    case TypeKind::kList: {
      if (!v.is_list() && !v.is_tuple()) return NoFit();
      const TypePtr& element = type->element();
      if (v.is_list() && v.AsList().element_type->Equals(*element)) return v;
      const auto& values = v.is_list() ? v.AsList().values : v.AsTuple().values;
      std::vector<IValue> converted;
      converted.reserve(values.size());
      for (const IValue& e : values) {
        TANDEM_ASSIGN_OR_RETURN(IValue c, Coerce(e, element, depth + 1));
        converted.push_back(std::move(c));
      }
      if (v.is_list()) {
        // The caller's list itself, so that changes show.
        v.AsList().element_type = element;
        v.AsList().values = std::move(converted);
        return v;
      }
      return IValue(MakeList(element, std::move(converted)));
    }
    case TypeKind::kDict: {
      if (!v.is_dict()) return NoFit();
      DictObject& dict = v.AsDict();
      if (dict.key_type->Equals(*type->element(0)) &&
          dict.value_type->Equals(*type->element(1))) {
        return v;
      }
      std::vector<std::pair<IValue, IValue>> items;
      for (const auto& [key, value] : dict.Items()) {
        TANDEM_ASSIGN_OR_RETURN(IValue k,
                                Coerce(key, type->element(0), depth + 1));
        TANDEM_ASSIGN_OR_RETURN(IValue c,
                                Coerce(value, type->element(1), depth + 1));
        items.emplace_back(std::move(k), std::move(c));
      }
      dict.Clear();
      dict.key_type = type->element(0);
      dict.value_type = type->element(1);
      for (auto& [k, c] : items) dict.Set(std::move(k), std::move(c));
      return v;
    }
    case TypeKind::kTuple: {
      if (!v.is_tuple() ||
          v.AsTuple().values.size() != type->elements().size()) {
        return NoFit();
      }
      std::vector<IValue> converted;
      for (size_t i = 0; i < type->elements().size(); ++i) {
        TANDEM_ASSIGN_OR_RETURN(IValue c, Coerce(v.AsTuple().values[i],
                                                 type->element(i), depth + 1));
        converted.push_back(std::move(c));
      }
      return IValue(MakeRef<TupleObject>(
          std::move(converted), type->is_named_tuple() ? type : nullptr));
    }
    default:
      break;
  }
  if (v.Conforms(*type)) return v;
  return NoFit();
}

absl::Status WrongType(const FunctionSchema& schema,
                       absl::string_view function_name, size_t index,
                       const IValue& v) {
  const Argument& a = schema.arguments[index];
  return absl::InvalidArgumentError(absl::StrCat(
      function_name, "() Expected a value of type '", a.type->ToAnnotation(),
      a.type->is(TypeKind::kTensor) && a.type->AsTensor()->inferred()
          ? " (inferred)"
          : "",
      "' for argument '", a.name, "' but instead found type '",
      PythonTypeName(v), "'.\nPosition: ", index,
      "\nValue: ", ToPythonString(v), "\nDeclaration: ", schema.ToString()));
}

}  // namespace

absl::StatusOr<IValue> CoerceTo(const IValue& value, const TypePtr& type) {
  return Coerce(value, type, 0);
}

absl::Status BindArguments(const FunctionSchema& schema,
                           absl::string_view function_name, const IValue* self,
                           absl::Span<IValue> args, const NamedValues& kwargs,
                           BoundArguments* bound) {
  const size_t first = self != nullptr ? 1 : 0;
  const size_t num_args = args.size() + first;
  if (num_args > schema.arguments.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        function_name, "() expected at most ", schema.arguments.size(),
        " argument(s) but received ", num_args,
        " argument(s). Declaration: ", schema.ToString()));
  }
  bound->reserve(schema.arguments.size());
  size_t used = 0;
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const Argument& a = schema.arguments[i];
    if (self != nullptr && i == 0) {
      // An object whose class is known to fit.
      bound->push_back(*self);
      continue;
    }
    const IValue* given = i < num_args ? &args[i - first] : nullptr;
    if (given == nullptr) {
      for (const auto& [name, value] : kwargs) {
        if (name != a.name) continue;
        given = &value;
        ++used;
      }
    }
    if (given == nullptr) {
      if (a.default_value.has_value()) {
        bound->push_back(*a.default_value);
        continue;
      }
      return absl::InvalidArgumentError(
          absl::StrCat(function_name, "() is missing value for argument '",
                       a.name, "'. Declaration: ", schema.ToString()));
    }
    if (given->is_tensor() && a.type->is(TypeKind::kTensor)) {
      bound->push_back(*given);
      continue;
    }
    absl::StatusOr<IValue> value = CoerceTo(*given, a.type);
    if (!value.ok()) return WrongType(schema, function_name, i, *given);
    bound->push_back(*std::move(value));
  }
  if (used < kwargs.size()) {
    std::vector<std::string> unknown;
    for (const auto& [name, value] : kwargs) {
      const std::optional<size_t> index = schema.ArgumentIndex(name);
      if (!index.has_value()) {
        return absl::InvalidArgumentError(
            absl::StrCat("Unknown keyword argument '", name, "' for operator '",
                         function_name, "'. Schema: ", schema.ToString()));
      }
      if (*index < num_args) {
        return absl::InvalidArgumentError(
            absl::StrCat(function_name, "() got multiple values for argument '",
                         name, "'. Declaration: ", schema.ToString()));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
