#include "tandem/frontends/eager/invoke.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/runtime/arguments.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::eager {
namespace {

// A value as a parameter's; NotFound when it cannot be.
class Converter {
 public:
  // `implicit`: numbers and 0-dim tensors stand for each other.
  Converter(bool implicit, bool recorded)
      : implicit_(implicit), recorded_(recorded) {}

  absl::StatusOr<IValue> Convert(const IValue& v, const TypePtr& type,
                                 std::optional<int32_t> fixed_size) const {
    switch (type->kind()) {
      case TypeKind::kOptional:
        if (v.is_none()) return v;
        return Convert(v, type->element(), fixed_size);
      case TypeKind::kTensor:
        if (v.is_tensor()) return v;
        if (implicit_ && v.is_scalar()) return Weak(v);
        return Mismatch();
      case TypeKind::kNumber:
        if (v.is_scalar()) return v;
        return Number(v, type);
      case TypeKind::kInt:
      case TypeKind::kScalarType:
      case TypeKind::kLayout:
      case TypeKind::kMemoryFormat:
        if (v.is_int()) return v;
        return Number(v, type);
      case TypeKind::kFloat:
        if (v.is_double()) return v;
        if (v.is_int()) return IValue(static_cast<double>(v.AsInt()));
        return Number(v, type);
      case TypeKind::kBool:
        if (v.is_bool()) return v;
        return Number(v, type);
      case TypeKind::kList:
        return List(v, type, fixed_size);
      default:
        return CoerceTo(v, type);
    }
  }

 private:
  static absl::Status Mismatch() { return absl::NotFoundError(""); }

  static absl::StatusOr<IValue> Weak(const IValue& v) {
    TANDEM_ASSIGN_OR_RETURN(tandem::Tensor t,
                            tandem::Tensor::FromScalar(v.AsScalar()));
    t.impl()->wrapped_number = true;
    return IValue(std::move(t));
  }

  // A tensor where a number is asked.
  absl::StatusOr<IValue> Number(const IValue& v, const TypePtr& type) const {
    if (!v.is_tensor() || !v.AsTensor().defined()) return Mismatch();
    const tandem::Tensor& t = v.AsTensor();
    // A symbol stands in recordings.
    if (recorded_ && (t.dtype() == DType::kUndefined || t.dim() == 0)) {
      return v;
    }
    if (!implicit_ || t.dtype() == DType::kUndefined || t.dim() != 0) {
      return Mismatch();
    }
    TANDEM_ASSIGN_OR_RETURN(const Scalar item, t.Item());
    if (type->is(TypeKind::kFloat)) return IValue(item.ToDouble());
    if (type->is(TypeKind::kBool)) return IValue(item.ToBool());
    if (type->is(TypeKind::kNumber)) return IValue(item);
    if (!item.is_integral()) return Mismatch();
    return IValue(item.ToInt());
  }

  absl::StatusOr<IValue> List(const IValue& v, const TypePtr& type,
                              std::optional<int32_t> fixed_size) const {
    const TypePtr& element = type->element();
    if (fixed_size.has_value() && v.is_scalar()) {
      TANDEM_ASSIGN_OR_RETURN(IValue one, Convert(v, element, std::nullopt));
      return IValue(MakeList(element, std::vector<IValue>(*fixed_size, one)));
    }
    if (recorded_ && v.is_tensor() && v.AsTensor().defined() &&
        v.AsTensor().dtype() == DType::kUndefined) {
      return v;  // a symbolic shape
    }
    if (!v.is_list() && !v.is_tuple()) return Mismatch();
    const std::vector<IValue>& values =
        v.is_list() ? v.AsList().values : v.AsTuple().values;
    std::vector<IValue> converted;
    converted.reserve(values.size());
    for (const IValue& e : values) {
      TANDEM_ASSIGN_OR_RETURN(IValue c, Convert(e, element, std::nullopt));
      converted.push_back(std::move(c));
    }
    return IValue(MakeList(element, std::move(converted)));
  }

  const bool implicit_, recorded_;
};

// The arguments of `op` in order; the reason when they do not fit.
absl::StatusOr<std::vector<IValue>> Bind(const FunctionSchema& schema,
                                         const std::vector<IValue>& args,
                                         const NamedValues& kwargs,
                                         const Converter& converter) {
  std::vector<IValue> bound;
  size_t used = 0, named = 0;
  for (const Argument& a : schema.arguments) {
    const IValue* value = nullptr;
    if (!a.kwarg_only && used < args.size()) {
      value = &args[used++];
    } else {
      for (const auto& [name, v] : kwargs) {
        if (name == a.name) value = &v;
      }
      named += value != nullptr;
    }
    if (value == nullptr) {
      if (!a.default_value.has_value()) {
        return absl::NotFoundError(
            absl::StrCat("argument '", a.name, "' is missing"));
      }
      bound.push_back(*a.default_value);
      continue;
    }
    absl::StatusOr<IValue> converted =
        converter.Convert(*value, a.type, a.fixed_size);
    if (!converted.ok()) {
      const TypePtr type = value->TypeOf();
      return absl::NotFoundError(
          absl::StrCat("argument '", a.name, "' is a ", a.type->ToString(),
                       ", not a ", type == nullptr ? "?" : type->ToString()));
    }
    bound.push_back(*std::move(converted));
  }
  if (used < args.size()) {
    return absl::NotFoundError(
        absl::StrCat(args.size(), " positional arguments where it has ", used));
  }
  if (named < kwargs.size()) {
    return absl::NotFoundError("a keyword that it has not, or has already");
  }
  return bound;
}

}  // namespace

absl::StatusOr<IValue> Invoke(absl::string_view name, std::vector<IValue> args,
                              const NamedValues& kwargs, Spelling spelling) {
  Context* context = CurrentContext();
  if (context == nullptr) {
    return absl::FailedPreconditionError(
        absl::StrCat(name, ": there is no eager context"));
  }
  const std::string full = absl::StrContains(name, "::")
                               ? std::string(name)
                               : absl::StrCat("aten::", name);
  const auto overloads = context->operators().Overloads(full);
  if (overloads.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no operator '", full, "'"));
  }
  const bool recorded = CurrentRecorder() != nullptr;
  std::string reasons;
  for (const bool implicit : {false, true}) {
    const Converter converter(implicit, recorded);
    for (const Operator* op : overloads) {
      absl::StatusOr<std::vector<IValue>> bound =
          Bind(op->schema, args, kwargs, converter);
      if (!bound.ok()) {
        if (implicit) {
          absl::StrAppend(&reasons, "\n  ", op->schema.ToString(), ": ",
                          bound.status().message());
        }
        continue;
      }
      Results results;
      TANDEM_RETURN_IF_ERROR(
          Dispatch(*op, absl::MakeSpan(*bound), &results, spelling));
      if (results.empty()) return IValue();
      if (results.size() == 1) return std::move(results[0]);
      return IValue(
          MakeTuple(std::vector<IValue>(results.begin(), results.end())));
    }
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "no overload of '", full, "' takes these arguments:", reasons));
}

}  // namespace tandem::eager
