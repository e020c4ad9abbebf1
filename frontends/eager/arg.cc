#include "tandem/frontends/eager/arg.h"

#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::eager::internal {
namespace {

template <typename T>
const T& As(const Arg& arg) {
  return *static_cast<const T*>(arg.pointer);
}

bool IsUnknown(const tandem::Tensor& symbol) {
  return symbol.defined() && symbol.dtype() == DType::kUndefined;
}

absl::Status SymbolicError() {
  return absl::InvalidArgumentError(
      "a symbolic number outside of the trace that it belongs to");
}

const Type& Inner(const TypePtr& type) {
  return type->is(TypeKind::kOptional) ? *type->element() : *type;
}

absl::Status BoxInt(const Int& v, const Type& type, bool recorded,
                    IValue* out) {
  if (recorded && v.is_symbolic()) {
    *out = IValue(v.symbol());
    return absl::OkStatus();
  }
  if (IsUnknown(v.symbol())) return SymbolicError();
  *out = type.is(TypeKind::kFloat) ? IValue(static_cast<double>(v.hint()))
                                   : IValue(v.hint());
  return absl::OkStatus();
}

absl::Status BoxInts(const IntList& v, const Argument& schema, bool recorded,
                     IValue* out) {
  if (v.symbol().defined()) {
    if (!recorded) return SymbolicError();
    *out = IValue(v.symbol());
    return absl::OkStatus();
  }
  const Type& type = Inner(schema.type);
  const size_t count = v.end() - v.begin();
  const size_t repeat = v.is_single() && schema.fixed_size.has_value()
                            ? static_cast<size_t>(*schema.fixed_size)
                            : 1;
  std::vector<IValue> values(count * repeat);
  size_t i = 0;
  for (size_t r = 0; r < repeat; ++r) {
    for (const Int& e : v) {
      TANDEM_RETURN_IF_ERROR(
          BoxInt(e, *type.element(), recorded, &values[i++]));
    }
  }
  *out = IValue(MakeList(type.element(), std::move(values)));
  return absl::OkStatus();
}

IValue BoxDoubles(const std::vector<double>& v) {
  std::vector<IValue> values(v.begin(), v.end());
  return IValue(MakeList(Type::Float(), std::move(values)));
}

absl::Status BoxNumber(const Number& v, bool recorded, IValue* out) {
  if (recorded && v.symbol().defined()) {
    *out = IValue(v.symbol());
    return absl::OkStatus();
  }
  if (IsUnknown(v.symbol())) return SymbolicError();
  *out = IValue(v.value());
  return absl::OkStatus();
}

// A number as a 0-dim tensor that is weak in type promotion.
absl::Status BoxNumberAsTensor(const Number& v, bool recorded, IValue* out) {
  if (recorded && v.symbol().defined()) {
    *out = IValue(v.symbol());
    return absl::OkStatus();
  }
  if (IsUnknown(v.symbol())) return SymbolicError();
  TANDEM_ASSIGN_OR_RETURN(tandem::Tensor t,
                          tandem::Tensor::FromScalar(v.value()));
  t.impl()->wrapped_number = true;
  *out = IValue(std::move(t));
  return absl::OkStatus();
}

IValue BoxTensor(const tandem::Tensor& t) {
  return t.defined() ? IValue(t) : IValue();
}

IValue BoxTensors(const TensorList& v, const Argument& schema) {
  std::vector<IValue> values(v.size());
  for (size_t i = 0; i < v.size(); ++i)
    values[i] = BoxTensor(v.data()[i].raw());
  return IValue(MakeList(Inner(schema.type).element(), std::move(values)));
}

template <typename T, typename F>
IValue BoxOptional(const Arg& arg, F&& box) {
  const std::optional<T>& v = As<std::optional<T>>(arg);
  return v.has_value() ? box(*v) : IValue();
}

template <typename T>
IValue BoxEnum(T v) {
  return IValue(static_cast<int64_t>(v));
}

}  // namespace

absl::Status Box(const Arg& arg, const Argument& schema, bool recorded,
                 IValue* out) {
  using Kind = Arg::Kind;
  switch (arg.kind) {
    case Kind::kTensor:
      *out = BoxTensor(As<Tensor>(arg).raw());
      return absl::OkStatus();
    case Kind::kTensors:
      *out = BoxTensors(As<TensorList>(arg), schema);
      return absl::OkStatus();
    case Kind::kInt:
      return BoxInt(As<Int>(arg), Inner(schema.type), recorded, out);
    case Kind::kOptionalInt: {
      const auto& v = As<std::optional<Int>>(arg);
      if (!v.has_value()) return absl::OkStatus();
      return BoxInt(*v, Inner(schema.type), recorded, out);
    }
    case Kind::kInts:
      return BoxInts(As<IntList>(arg), schema, recorded, out);
    case Kind::kOptionalInts: {
      const auto& v = As<OptionalIntList>(arg);
      if (!v.has_value()) return absl::OkStatus();
      return BoxInts(*v, schema, recorded, out);
    }
    case Kind::kDouble:
      *out = IValue(As<double>(arg));
      return absl::OkStatus();
    case Kind::kOptionalDouble:
      *out = BoxOptional<double>(arg, [](double d) { return IValue(d); });
      return absl::OkStatus();
    case Kind::kDoubles:
      *out = BoxDoubles(As<std::vector<double>>(arg));
      return absl::OkStatus();
    case Kind::kOptionalDoubles:
      *out = BoxOptional<std::vector<double>>(arg, BoxDoubles);
      return absl::OkStatus();
    case Kind::kBool:
      *out = IValue(static_cast<bool>(As<Bool>(arg)));
      return absl::OkStatus();
    case Kind::kOptionalBool:
      *out = BoxOptional<Bool>(
          arg, [](Bool b) { return IValue(static_cast<bool>(b)); });
      return absl::OkStatus();
    case Kind::kComplex:
      *out = IValue(As<std::complex<double>>(arg));
      return absl::OkStatus();
    case Kind::kNumber:
      return BoxNumber(As<Number>(arg), recorded, out);
    case Kind::kOptionalNumber: {
      const auto& v = As<std::optional<Number>>(arg);
      if (!v.has_value()) return absl::OkStatus();
      return BoxNumber(*v, recorded, out);
    }
    case Kind::kNumberAsTensor:
      return BoxNumberAsTensor(As<Number>(arg), recorded, out);
    case Kind::kString:
      *out = IValue(As<absl::string_view>(arg));
      return absl::OkStatus();
    case Kind::kOptionalString:
      *out = BoxOptional<absl::string_view>(
          arg, [](absl::string_view s) { return IValue(s); });
      return absl::OkStatus();
    case Kind::kDType:
      *out = BoxEnum(As<DType>(arg));
      return absl::OkStatus();
    case Kind::kOptionalDType:
      *out = BoxOptional<DType>(arg, BoxEnum<DType>);
      return absl::OkStatus();
    case Kind::kOptionalLayout:
      *out = BoxOptional<Layout>(arg, BoxEnum<Layout>);
      return absl::OkStatus();
    case Kind::kDevice:
      *out = IValue(As<Device>(arg));
      return absl::OkStatus();
    case Kind::kOptionalDevice:
      *out = BoxOptional<Device>(arg, [](Device d) { return IValue(d); });
      return absl::OkStatus();
    case Kind::kMemoryFormat:
      *out = BoxEnum(As<MemoryFormat>(arg));
      return absl::OkStatus();
    case Kind::kOptionalMemoryFormat:
      *out = BoxOptional<MemoryFormat>(arg, BoxEnum<MemoryFormat>);
      return absl::OkStatus();
    case Kind::kGenerator: {
      const RandomGenerator& g = As<RandomGenerator>(arg);
      if (g) *out = IValue(g);
      return absl::OkStatus();
    }
  }
  return absl::InternalError("an argument of unknown kind");
}

absl::Status CallBoxed(uint32_t number, const Arg* args, size_t count,
                       Results* results) {
  const uint32_t index = number & ~kReflected;
  Context* const context = CurrentContext();
  if (ABSL_PREDICT_FALSE(context == nullptr)) {
    return absl::FailedPreconditionError(
        absl::StrCat(kOperatorNames[index].name,
                     ": there is no eager context; call SetDefaultContext"));
  }
  const OperatorCall* const call = context->Find(index);
  if (ABSL_PREDICT_FALSE(call == nullptr)) {
    return absl::UnimplementedError(
        absl::StrCat("the operator table has no ", kOperatorNames[index].name,
                     ".", kOperatorNames[index].overload));
  }
  Recorder* const recorder = CurrentRecorder();
  const FunctionSchema& schema = call->op().schema;
  if (ABSL_PREDICT_FALSE(count != schema.arguments.size())) {
    return absl::InternalError(
        absl::StrCat(schema.FullName(), ": generated from another table"));
  }
  absl::InlinedVector<IValue, 12> registers(count + call->num_outputs());
  for (size_t i = 0; i < count; ++i) {
    TANDEM_RETURN_IF_ERROR(
        Box(args[i], schema.arguments[i], recorder != nullptr, &registers[i]));
  }
  if (recorder != nullptr) {
    results->clear();
    TANDEM_RETURN_IF_ERROR(recorder->Call(
        RecordedCall{call->op(), absl::MakeSpan(registers.data(), count),
                     static_cast<Spelling>(number >> 30)},
        results));
    if (results->size() != call->num_outputs()) {
      return absl::InternalError(absl::StrCat(
          schema.FullName(), ": the recorder gave ", results->size(),
          " results where the schema has ", call->num_outputs()));
    }
    return absl::OkStatus();
  }
  TANDEM_RETURN_IF_ERROR(context->Run(*call, registers.data()));
  for (size_t i = count; i < registers.size(); ++i) {
    results->push_back(std::move(registers[i]));
  }
  return absl::OkStatus();
}

}  // namespace tandem::eager::internal
