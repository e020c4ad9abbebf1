// clamp and its kin; nan_to_num.

#include <cmath>
#include <complex>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

template <typename T>
bool IsNan(T a) {
  return a != a;
}

// NaN of the element or of a bound goes through.
template <typename T>
T AtLeast(T x, T low) {
  return IsNan(x) || x > low ? x : low;
}
template <typename T>
T AtMost(T x, T high) {
  return IsNan(x) || x < high ? x : high;
}

template <typename T>
struct ClampBoth {
  explicit ClampBoth(const Params& p) : low(p.Get<T>(0)), high(p.Get<T>(1)) {}
  T operator()(T x) const { return AtMost(AtLeast(x, low), high); }
  T low, high;
};
template <typename T>
struct ClampLow {
  explicit ClampLow(const Params& p) : low(p.Get<T>(0)) {}
  T operator()(T x) const { return AtLeast(x, low); }
  T low;
};
template <typename T>
struct ClampHigh {
  explicit ClampHigh(const Params& p) : high(p.Get<T>(0)) {}
  T operator()(T x) const { return AtMost(x, high); }
  T high;
};
template <typename T>
struct ClampTensors : Stateless {
  using Stateless::Stateless;
  T operator()(T x, T low, T high) const {
    if (IsNan(low)) return low;
    if (IsNan(high)) return high;
    return AtMost(AtLeast(x, low), high);
  }
};
template <typename T>
struct MaxOf : Stateless {
  using Stateless::Stateless;
  T operator()(T x, T low) const { return AtLeast(x, low); }
};
template <typename T>
struct MinOf : Stateless {
  using Stateless::Stateless;
  T operator()(T x, T high) const { return AtMost(x, high); }
};

// values: NaN, +inf, -inf in place of those.
template <typename T>
struct NanToNumOp {
  explicit NanToNumOp(const Params& p)
      : nan(p.values[0]), high(p.values[1]), low(p.values[2]) {}
  template <typename R>
  R Part(R x) const {
    if (std::isnan(x)) return nan.To<R>();
    if (std::isinf(x)) return x > 0 ? high.To<R>() : low.To<R>();
    return x;
  }
  T operator()(T x) const {
    if constexpr (kIsInt<T>) {
      return x;
    } else if constexpr (kIsComplex<T>) {
      return T(Part(x.real()), Part(x.imag()));
    } else {
      return Part(x);
    }
  }
  Scalar nan, high, low;
};

constexpr int kReal = kFloats | kInts;
constexpr absl::string_view kNoComplex =
    "clamp is not supported for complex types";

constexpr ElementOp kClampBoth =
    MakeOp<ClampBoth, 1, kReal>("clamp_scalar_cpu").NoBool();
constexpr ElementOp kClampLow =
    MakeOp<ClampLow, 1, kReal>("clamp_min_scalar_cpu").NoBool();
constexpr ElementOp kClampHigh =
    MakeOp<ClampHigh, 1, kReal>("clamp_max_scalar_cpu").NoBool();
constexpr ElementOp kClampTensors =
    MakeOp<ClampTensors, 3, kReal>("clamp_cpu").NoBool();
constexpr ElementOp kMaxOf = MakeOp<MaxOf, 2, kReal>("maximum_cpu");
constexpr ElementOp kMinOf = MakeOp<MinOf, 2, kReal>("minimum_cpu");
constexpr ElementOp kNanToNum =
    MakeOp<NanToNumOp, 1, kReal | kComplex>("nan_to_num");

absl::Status NoBounds() {
  return absl::InvalidArgumentError(
      "torch.clamp: At least one of 'min' or 'max' must not be None");
}

absl::StatusOr<Tensor> ClampByTensors(Target target, const Tensor& self,
                                      const Tensor& min, const Tensor& max) {
  if (!min.defined() && !max.defined()) return NoBounds();
  if (IsComplex(self.dtype())) return absl::UnimplementedError(kNoComplex);
  if (!max.defined()) {
    return RunElementwise(kMaxOf, {self, min}, Params(), target);
  }
  if (!min.defined()) {
    return RunElementwise(kMinOf, {self, max}, Params(), target);
  }
  return RunElementwise(kClampTensors, {self, min, max}, Params(), target);
}

absl::StatusOr<Tensor> ClampMin(Target target, const Tensor& self,
                                const Scalar& min) {
  return Clamp(target, self, min, std::nullopt);
}
absl::StatusOr<Tensor> ClampMax(Target target, const Tensor& self,
                                const Scalar& max) {
  return Clamp(target, self, std::nullopt, max);
}
absl::StatusOr<Tensor> ClampMinTensor(Target target, const Tensor& self,
                                      const Tensor& min) {
  return RunElementwise(kMaxOf, {self, min}, Params(), target);
}
absl::StatusOr<Tensor> ClampMaxTensor(Target target, const Tensor& self,
                                      const Tensor& max) {
  return RunElementwise(kMinOf, {self, max}, Params(), target);
}
absl::StatusOr<Tensor> ClampByNumbers(Target target, const Tensor& self,
                                      std::optional<Scalar> min,
                                      std::optional<Scalar> max) {
  return Clamp(target, self, min, max);
}

absl::StatusOr<Tensor> HardTanh(Target target, const Tensor& self,
                                const Scalar& min, const Scalar& max) {
  if (self.dtype() == DType::kBool) {
    return absl::UnimplementedError("Bool inputs not supported for hardtanh");
  }
  if (target.tensor != nullptr && target.tensor->dtype() != self.dtype()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Found dtype ", TypeName(target.tensor->dtype()),
                     " but expected ", TypeName(self.dtype())));
  }
  Scalar low = min, high = max;
  if (IsIntegral(self.dtype(), /*include_bool=*/false)) {
    // An integer tensor keeps its dtype: bounds are truncated.
    low = Scalar(min.ToInt());
    high = Scalar(max.ToInt());
    if (!IsSigned(self.dtype()) && (low.ToInt() < 0 || high.ToInt() < 0)) {
      if (min.ToInt() < 0 && max.ToInt() < 0) {
        return absl::InvalidArgumentError(
            "cannot do hardtanh on an unsigned type with negative limits");
      }
      low = Scalar(std::max<int64_t>(0, low.ToInt()));
    }
  }
  return Clamp(target, self, low, high);
}

absl::StatusOr<Tensor> Relu6(Target target, const Tensor& self) {
  return HardTanh(target, self, Scalar(0), Scalar(6));
}

double HighestOf(DType dtype) {
  switch (dtype) {
    case DType::kHalf:
      return 65504.0;
    case DType::kBFloat16:
      return 3.3895313892515355e38;
    case DType::kDouble:
    case DType::kComplexDouble:
      return std::numeric_limits<double>::max();
    default:
      return std::numeric_limits<float>::max();
  }
}

absl::StatusOr<Tensor> NanToNum(Target target, const Tensor& self,
                                std::optional<double> nan,
                                std::optional<double> posinf,
                                std::optional<double> neginf) {
  if (target.tensor != nullptr && target.tensor->dtype() != self.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "nan_to_num: dtype of out: ", TypeName(target.tensor->dtype()),
        " should be same as input: ", TypeName(self.dtype())));
  }
  const double highest = HighestOf(self.dtype());
  return RunElementwise(
      kNanToNum, {self},
      Params(Scalar(nan.value_or(0)), Scalar(posinf.value_or(highest)),
             Scalar(neginf.value_or(-highest))),
      target);
}

// No integer of the dtype may be what a bound asks for.
absl::Status CheckBounds(DType dtype, const std::optional<Scalar>& min,
                         const std::optional<Scalar>& max) {
  const auto range = [dtype]() -> std::pair<int64_t, int64_t> {
    switch (dtype) {
      case DType::kUInt8:
        return {0, UINT8_MAX};
      case DType::kInt8:
        return {INT8_MIN, INT8_MAX};
      case DType::kInt16:
        return {INT16_MIN, INT16_MAX};
      case DType::kInt32:
        return {INT32_MIN, INT32_MAX};
      default:
        return {INT64_MIN, INT64_MAX};
    }
  };
  if (!IsIntegral(dtype, /*include_bool=*/false)) return absl::OkStatus();
  const auto [lowest, highest] = range();
  const auto refuse = [dtype](absl::string_view which, int64_t value) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Clamp ", which, " value ", value,
        " is outside the representable range of ", TypeName(dtype)));
  };
  if (min.has_value() && min->ToInt() > highest) {
    return refuse("min", min->ToInt());
  }
  if (max.has_value() && max->ToInt() < lowest) {
    return refuse("max", max->ToInt());
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Tensor> Clamp(Target target, const Tensor& self,
                             const std::optional<Scalar>& min,
                             const std::optional<Scalar>& max) {
  if (!min.has_value() && !max.has_value()) return NoBounds();
  if (IsComplex(self.dtype()) || (min.has_value() && min->is_complex()) ||
      (max.has_value() && max->is_complex())) {
    return absl::UnimplementedError(kNoComplex);
  }
  ResultType type;
  type.Add(self);
  if (min.has_value()) type.Add(*min);
  if (max.has_value()) type.Add(*max);
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, type.Get());
  if (target.tensor != nullptr && !CanCast(dtype, target.tensor->dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat("result type ", TypeName(dtype),
                     " can't be cast to the desired output type ",
                     target.in_place ? CppName(target.tensor->dtype())
                                     : TypeName(target.tensor->dtype())));
  }
  TANDEM_RETURN_IF_ERROR(CheckBounds(dtype, min, max));
  const auto is_nan = [](const std::optional<Scalar>& s) {
    return s.has_value() && std::isnan(s->ToDouble());
  };
  if (is_nan(min) || is_nan(max)) {  // NaN everywhere
    const Scalar nan(std::numeric_limits<double>::quiet_NaN());
    return RunElementwise(kMaxOf, {self, nan}, Params(), target,
                          {dtype, kClampBoth.name});
  }
  const RunOptions options{dtype, ""};
  if (!max.has_value()) {
    return RunElementwise(kClampLow, {self}, Params(*min), target, options);
  }
  if (!min.has_value()) {
    return RunElementwise(kClampHigh, {self}, Params(*max), target, options);
  }
  return RunElementwise(kClampBoth, {self}, Params(*min, *max), target,
                        options);
}

void AddPointwiseClamp(MatchingRegistrar& r) {
  AddAll<&ClampByNumbers>(r, {"clamp", "clip"});
  AddAll<&ClampByTensors>(r, {"clamp", "clip"});
  AddAll<&ClampMin>(r, {"clamp_min"});
  AddAll<&ClampMinTensor>(r, {"clamp_min"});
  AddAll<&ClampMax>(r, {"clamp_max"});
  AddAll<&ClampMaxTensor>(r, {"clamp_max"});
  AddAll<&HardTanh>(r, {"hardtanh"});
  AddAll<&Relu6>(r, {"relu6"});
  AddAll<&NanToNum>(r, {"nan_to_num"});
}

}  // namespace tandem::reference
