// Kernels: plain C++ functions, registered by operator name.
//
//   absl::StatusOr<Tensor> Relu(const Tensor& self);
//   registry.Kernel("aten::relu", &Relu);
//
// Parameters are typed as the row's schema says:
//   Tensor, Tensor?        const Tensor&   (None: undefined)
//   int, SymInt            int64_t         int?      std::optional<int64_t>
//   float                  double          float?    std::optional<double>
//   bool                   bool            bool?     std::optional<bool>
//   complex                std::complex<double>
//   Scalar                 const Scalar&   Scalar?   std::optional<Scalar>
//   str                    absl::string_view  str?
//   std::optional<absl::string_view> int[], int[N]          absl::Span<const
//   int64_t>      (? std::optional<…>) float[]                absl::Span<const
//   double>       (? std::optional<…>) bool[]                 absl::Span<const
//   bool> Scalar[]               absl::Span<const Scalar> Tensor[], Tensor?[]
//   absl::Span<const Tensor> ScalarType             DType           ScalarType?
//   std::optional<DType> Layout?                std::optional<Layout>
//   MemoryFormat?  std::optional<MemoryFormat> Device                 Device
//   Device?       std::optional<Device> Generator?             Generator*
//   (None: null, draw from CurrentGenerator()) anything else          const
//   IValue&   (lists of strings, dicts, classes, t, Any)
// Results: Tensor, int64_t, double, bool, std::complex<double>, Scalar,
// std::string, std::vector<Tensor>, std::vector<int64_t>, IValue, Device,
// std::tuple<…> of these for several, void for none; each also in a
// StatusOr, absl::Status for none. A result that the schema says aliases a
// written argument ("Tensor(a!)") is returned as that tensor.
//
// A kernel that a better one stands behind may decline arguments that it was
// not made for, before it has written anything: `return Declined();`. The next
// backend's kernel runs then.
//
// Tensors come in without conj or neg bits unless the registration says that
// the kernel takes them (KernelOptions::handles_lazy_bits).
#ifndef TANDEM_BACKENDS_KERNEL_H_
#define TANDEM_BACKENDS_KERNEL_H_

#include <complex>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/ir/ivalue.h"
#include "tandem/tensor/generator.h"

namespace tandem {

// The registers of a call: inputs and outputs by number.
struct KernelCall {
  IValue* registers;
  const uint32_t* inputs;
  const uint32_t* outputs;
  uint32_t num_inputs;
  uint32_t num_outputs;
  const IValue& in(size_t i) const { return registers[inputs[i]]; }
  IValue& out(size_t i) const { return registers[outputs[i]]; }
};

// What the registry keeps: the function and how to call it.
struct BoundKernel {
  using Invoke = absl::Status (*)(void (*function)(), const KernelCall& call);
  void (*function)() = nullptr;
  Invoke invoke = nullptr;
  absl::Status operator()(const KernelCall& call) const {
    return invoke(function, call);
  }
};

// Costs no allocation.
inline absl::Status Declined() {
  return absl::Status(absl::StatusCode::kUnimplemented, "");
}
inline bool IsDeclined(const absl::Status& status) {
  return status.code() == absl::StatusCode::kUnimplemented &&
         status.message().empty();
}

// The shape of a C++ parameter or result, to check it against a schema.
enum class ParameterKind : uint8_t {
  kTensor,
  kInt,
  kOptionalInt,
  kDouble,
  kOptionalDouble,
  kBool,
  kOptionalBool,
  kComplex,
  kScalar,
  kOptionalScalar,
  kString,
  kOptionalString,
  kInts,
  kOptionalInts,
  kDoubles,
  kOptionalDoubles,
  kBools,
  kScalars,
  kTensors,
  kDType,
  kOptionalDType,
  kOptionalLayout,
  kOptionalMemoryFormat,
  kDevice,
  kOptionalDevice,
  kGenerator,
  kAny,
};

struct KernelSignature {
  absl::InlinedVector<ParameterKind, 12> parameters;
  absl::InlinedVector<ParameterKind, 4> results;
};

namespace kernel_internal {

// A number that is no dtype gives kUndefined, which no kernel computes with.
inline DType DTypeOf(const IValue& v) {
  return DTypeFromInt(v.AsInt()).value_or(DType::kUndefined);
}

template <typename T>
struct Unbox;  // kind, and Get(const IValue&) -> something that converts to T

#define TANDEM_UNBOX(T, KIND, EXPR)                             \
  template <>                                                   \
  struct Unbox<T> {                                             \
    static constexpr ParameterKind kKind = ParameterKind::KIND; \
    static T Get(const IValue& v) { return EXPR; }              \
  }
TANDEM_UNBOX(int64_t, kInt, v.AsInt());
TANDEM_UNBOX(double, kDouble, v.AsDouble());
TANDEM_UNBOX(bool, kBool, v.AsBool());
TANDEM_UNBOX(std::complex<double>, kComplex, v.AsComplex());
TANDEM_UNBOX(Scalar, kScalar, v.AsScalar());
TANDEM_UNBOX(absl::string_view, kString, absl::string_view(v.AsString()));
TANDEM_UNBOX(DType, kDType, DTypeOf(v));
TANDEM_UNBOX(MemoryFormat, kInt, static_cast<MemoryFormat>(v.AsInt()));
TANDEM_UNBOX(Device, kDevice, v.AsDevice());
TANDEM_UNBOX(Generator*, kGenerator,
             v.is_none() ? nullptr : &v.AsGenerator().generator);
TANDEM_UNBOX(std::optional<Layout>, kOptionalLayout,
             v.is_none()
                 ? std::nullopt
                 : std::optional<Layout>(static_cast<Layout>(v.AsInt())));
TANDEM_UNBOX(std::optional<MemoryFormat>, kOptionalMemoryFormat,
             v.is_none() ? std::nullopt
                         : std::optional<MemoryFormat>(
                               static_cast<MemoryFormat>(v.AsInt())));
TANDEM_UNBOX(std::optional<int64_t>, kOptionalInt,
             v.is_none() ? std::nullopt : std::optional<int64_t>(v.AsInt()));
TANDEM_UNBOX(std::optional<double>, kOptionalDouble,
             v.is_none() ? std::nullopt : std::optional<double>(v.AsDouble()));
TANDEM_UNBOX(std::optional<bool>, kOptionalBool,
             v.is_none() ? std::nullopt : std::optional<bool>(v.AsBool()));
TANDEM_UNBOX(std::optional<Scalar>, kOptionalScalar,
             v.is_none() ? std::nullopt : std::optional<Scalar>(v.AsScalar()));
TANDEM_UNBOX(std::optional<DType>, kOptionalDType,
             v.is_none() ? std::nullopt : std::optional<DType>(DTypeOf(v)));
TANDEM_UNBOX(std::optional<Device>, kOptionalDevice,
             v.is_none() ? std::nullopt : std::optional<Device>(v.AsDevice()));
TANDEM_UNBOX(std::optional<absl::string_view>, kOptionalString,
             v.is_none() ? std::nullopt
                         : std::optional<absl::string_view>(v.AsString()));
#undef TANDEM_UNBOX

template <>
struct Unbox<Tensor> {
  static constexpr ParameterKind kKind = ParameterKind::kTensor;
  static const Tensor& Get(const IValue& v) { return v.AsOptionalTensor(); }
};
template <>
struct Unbox<IValue> {
  static constexpr ParameterKind kKind = ParameterKind::kAny;
  static const IValue& Get(const IValue& v) { return v; }
};

// A list's elements in a row, for the time of the call.
template <typename T>
struct Elements {
  absl::InlinedVector<T, 6> values;
  operator absl::Span<const T>() const { return values; }  // NOLINT
};
template <typename T>
struct UnboxSpan {
  static Elements<T> Get(const IValue& v) {
    Elements<T> result;
    if (v.is_none()) return result;
    const std::vector<IValue>& list = v.AsList().values;
    result.values.reserve(list.size());
    for (const IValue& e : list) result.values.push_back(Unbox<T>::Get(e));
    return result;
  }
};
template <>
struct Unbox<absl::Span<const int64_t>> : UnboxSpan<int64_t> {
  static constexpr ParameterKind kKind = ParameterKind::kInts;
};
template <>
struct Unbox<absl::Span<const double>> : UnboxSpan<double> {
  static constexpr ParameterKind kKind = ParameterKind::kDoubles;
};
template <>
struct Unbox<absl::Span<const bool>> : UnboxSpan<bool> {
  static constexpr ParameterKind kKind = ParameterKind::kBools;
};
template <>
struct Unbox<absl::Span<const Scalar>> : UnboxSpan<Scalar> {
  static constexpr ParameterKind kKind = ParameterKind::kScalars;
};
template <>
struct Unbox<absl::Span<const Tensor>> : UnboxSpan<Tensor> {
  static constexpr ParameterKind kKind = ParameterKind::kTensors;
};
template <typename T>
struct OptionalElements {
  std::optional<Elements<T>> elements;
  operator std::optional<absl::Span<const T>>() const {  // NOLINT
    if (!elements.has_value()) return std::nullopt;
    return absl::Span<const T>(elements->values);
  }
};
template <typename T>
struct UnboxOptionalSpan {
  static OptionalElements<T> Get(const IValue& v) {
    OptionalElements<T> result;
    if (!v.is_none()) result.elements = UnboxSpan<T>::Get(v);
    return result;
  }
};
template <>
struct Unbox<std::optional<absl::Span<const int64_t>>>
    : UnboxOptionalSpan<int64_t> {
  static constexpr ParameterKind kKind = ParameterKind::kOptionalInts;
};
template <>
struct Unbox<std::optional<absl::Span<const double>>>
    : UnboxOptionalSpan<double> {
  static constexpr ParameterKind kKind = ParameterKind::kOptionalDoubles;
};

template <typename T>
using Bare = std::remove_cv_t<std::remove_reference_t<T>>;

// Results.
template <typename T>
struct Box {
  static constexpr ParameterKind kKind = Unbox<T>::kKind;
  static void Put(T&& value, IValue& out) { out = IValue(std::move(value)); }
};
template <>
struct Box<std::string> {
  static constexpr ParameterKind kKind = ParameterKind::kString;
  static void Put(std::string&& value, IValue& out) {
    out = IValue(std::move(value));
  }
};
template <>
struct Box<std::vector<Tensor>> {
  static constexpr ParameterKind kKind = ParameterKind::kTensors;
  static void Put(std::vector<Tensor>&& value, IValue& out) {
    out = IValue(MakeTensorList(value));
  }
};
template <>
struct Box<std::vector<int64_t>> {
  static constexpr ParameterKind kKind = ParameterKind::kInts;
  static void Put(std::vector<int64_t>&& value, IValue& out) {
    out = IValue(MakeIntList(value));
  }
};

template <typename R>
struct Results {
  static void Describe(KernelSignature* s) {
    s->results.push_back(Box<R>::kKind);
  }
  static absl::Status Put(R&& r, const KernelCall& call) {
    Box<R>::Put(std::move(r), call.out(0));
    return absl::OkStatus();
  }
};
template <typename... T>
struct Results<std::tuple<T...>> {
  static void Describe(KernelSignature* s) {
    (s->results.push_back(Box<T>::kKind), ...);
  }
  static absl::Status Put(std::tuple<T...>&& r, const KernelCall& call) {
    PutEach(std::move(r), call, std::index_sequence_for<T...>());
    return absl::OkStatus();
  }
  template <size_t... I>
  static void PutEach(std::tuple<T...>&& r, const KernelCall& call,
                      std::index_sequence<I...>) {
    (Box<T>::Put(std::move(std::get<I>(r)), call.out(I)), ...);
  }
};
template <>
struct Results<absl::Status> {
  static void Describe(KernelSignature*) {}
  static absl::Status Put(absl::Status&& r, const KernelCall&) {
    return std::move(r);
  }
};
template <typename R>
struct Results<absl::StatusOr<R>> {
  static void Describe(KernelSignature* s) { Results<R>::Describe(s); }
  static absl::Status Put(absl::StatusOr<R>&& r, const KernelCall& call) {
    if (ABSL_PREDICT_FALSE(!r.ok())) return std::move(r).status();
    return Results<R>::Put(*std::move(r), call);
  }
};

template <typename R, typename... A>
struct Trampoline {
  static absl::Status Invoke(void (*function)(), const KernelCall& call) {
    return Call(reinterpret_cast<R (*)(A...)>(function), call,
                std::index_sequence_for<A...>());
  }
  template <size_t... I>
  static absl::Status Call(R (*f)(A...), const KernelCall& call,
                           std::index_sequence<I...>) {
    if constexpr (std::is_void_v<R>) {
      f(Unbox<Bare<A>>::Get(call.in(I))...);
      return absl::OkStatus();
    } else {
      return Results<Bare<R>>::Put(f(Unbox<Bare<A>>::Get(call.in(I))...), call);
    }
  }
};

}  // namespace kernel_internal

template <typename R, typename... A>
BoundKernel BindKernel(R (*function)(A...)) {
  return BoundKernel{reinterpret_cast<void (*)()>(function),
                     &kernel_internal::Trampoline<R, A...>::Invoke};
}

template <typename R, typename... A>
KernelSignature SignatureOf(R (*)(A...)) {
  KernelSignature s;
  (s.parameters.push_back(
       kernel_internal::Unbox<kernel_internal::Bare<A>>::kKind),
   ...);
  if constexpr (!std::is_void_v<R>) {
    kernel_internal::Results<kernel_internal::Bare<R>>::Describe(&s);
  }
  return s;
}

}  // namespace tandem

#endif  // TANDEM_BACKENDS_KERNEL_H_
