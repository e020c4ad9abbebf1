// Activation functions.

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tandem/backends/reference/float_functions.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

#define TANDEM_UNARY(Name, ...)              \
  template <typename T>                      \
  struct Name : Stateless {                  \
    using Stateless::Stateless;              \
    T operator()(T x) const { __VA_ARGS__; } \
  }

template <typename T>
T Logistic(T x) {
  return Divide(T(1), T(1) + LaneExp(-x));
}

// NaN goes through.
TANDEM_UNARY(ReluOp, return x < T(0) ? T(0) : x);
template <typename T>
struct SiluOp : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const { return Divide(x, T(1) + LaneExp(-x)); }
  T Single(T x) const { return Divide(x, T(1) + std::exp(-x)); }
};
template <typename T>
struct MishOp : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const { return x * RoundedTanh(RoundedLog1p(LaneExp(x))); }
  T Single(T x) const { return x * std::tanh(std::log1p(std::exp(x))); }
};
TANDEM_UNARY(HardSigmoidOp,
             return std::isnan(x)
                        ? x
                        : std::min(std::max(x + T(3), T(0)), T(6)) / T(6));
TANDEM_UNARY(HardSwishOp,
             return std::isnan(x)
                        ? x
                        : x * std::min(std::max(x + T(3), T(0)), T(6)) / T(6));
TANDEM_UNARY(LogSigmoidOp,
             return std::min(x, T(0)) - RoundedLog1p(LaneExp(-std::abs(x))));
TANDEM_UNARY(LogSigmoidBuffer, return LaneExp(-std::abs(x)));
TANDEM_UNARY(GeluErf, return x * T(0.5) *
                             (T(1) + std::erf(x * T(0.70710678118654752440L))));
// x + k * x^3
inline float Cubic(float k, float x) { return FusedAdd(k, x * x * x, x); }
inline double Cubic(double k, double x) { return x + k * x * x * x; }

template <typename T>
struct GeluTanh : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    // sqrt(2 / pi)
    constexpr T kBeta = T(0.79788456080286535588L);
    constexpr T kKappa = T(0.044715);
    const T inner = kBeta * Cubic(kKappa, x);
    return T(0.5) * x * (T(1) + RoundedTanh(inner));
  }
};

// values: alpha, scale, input_scale
template <typename T>
struct EluOp {
  explicit EluOp(const Params& p)
      : negative(p.Get<T>(0) * p.Get<T>(1)),
        positive(p.Get<T>(1)),
        input(p.Get<T>(2)) {}
  T operator()(T x) const {
    return x < 0 ? RoundedExpm1(x * input) * negative : x * positive;
  }
  T negative, positive, input;
};
template <typename T>
struct LeakyReluOp {
  explicit LeakyReluOp(const Params& p) : slope(p.Get<T>(0)) {}
  T operator()(T x) const { return x > 0 ? x : x * slope; }
  T slope;
};
template <typename T>
struct HardShrinkOp {
  explicit HardShrinkOp(const Params& p) : lambda(p.Get<T>(0)) {}
  T operator()(T x) const { return x >= -lambda && x <= lambda ? T(0) : x; }
  T lambda;
};
template <typename T>
struct SoftShrinkOp {
  explicit SoftShrinkOp(const Params& p) : lambda(p.Get<T>(0)) {}
  T operator()(T x) const {
    return x > lambda ? x - lambda : x < -lambda ? x + lambda : x * T(0);
  }
  T lambda;
};
// values: beta, threshold
template <typename T>
struct SoftPlusOp {
  explicit SoftPlusOp(const Params& p)
      : beta(p.Get<T>(0)), threshold(p.Get<T>(1)) {}
  T operator()(T x) const {
    const T y = x * beta;
    return y > threshold ? x : RoundedLog1p(LaneExp(y)) / beta;
  }
  T Single(T x) const {
    const T y = x * beta;
    return y > threshold ? x : std::log1p(std::exp(y)) / beta;
  }
  T beta, threshold;
};
// values: threshold, value
template <typename T>
struct ThresholdOp {
  explicit ThresholdOp(const Params& p)
      : threshold(p.Get<T>(0)), value(p.Get<T>(1)) {}
  T operator()(T x) const { return x <= threshold ? value : x; }
  T threshold, value;
};
template <typename T>
struct PreluOp : Stateless {
  using Stateless::Stateless;
  T operator()(T x, T w) const { return x > 0 ? x : x * w; }
};
template <typename T>
struct GluOp : Stateless {
  using Stateless::Stateless;
  T operator()(T a, T b) const { return a * Logistic(b); }
};

constexpr int kReal = kFloats | kInts;

constexpr ElementOp kRelu =
    MakeOp<ReluOp, 1, kReal>("clamp_min_scalar_cpu")
        .NoBool("Boolean inputs not supported for relu")
        .ComplexError("clamp is not supported for complex types");
constexpr ElementOp kSilu = MakeOp<SiluOp, 1, kFloats | kComplex>("silu_cpu");
constexpr ElementOp kMish = MakeOp<MishOp, 1, kFloats>("mish_cpu");
constexpr ElementOp kHardSigmoid =
    MakeOp<HardSigmoidOp, 1, kFloats>("hardsigmoid_cpu");
constexpr ElementOp kHardSwish =
    MakeOp<HardSwishOp, 1, kFloats>("hardswish_cpu");
constexpr ElementOp kLogSigmoid =
    MakeOp<LogSigmoidOp, 1, kFloats>("log_sigmoid_cpu");
constexpr ElementOp kLogSigmoidBuffer =
    MakeOp<LogSigmoidBuffer, 1, kFloats>("log_sigmoid_cpu");
constexpr ElementOp kGeluErf = MakeOp<GeluErf, 1, kFloats>("GeluKernelImpl");
constexpr ElementOp kGeluTanh = MakeOp<GeluTanh, 1, kFloats>("GeluKernelImpl");
constexpr ElementOp kElu = MakeOp<EluOp, 1, kFloats>("elu_cpu");
constexpr ElementOp kLeakyRelu =
    MakeOp<LeakyReluOp, 1, kFloats>("leaky_relu_cpu");
constexpr ElementOp kHardShrink =
    MakeOp<HardShrinkOp, 1, kFloats>("hardshrink_cpu");
constexpr ElementOp kSoftShrink =
    MakeOp<SoftShrinkOp, 1, kFloats>("softshrink_check");
constexpr ElementOp kSoftPlus = MakeOp<SoftPlusOp, 1, kFloats>("softplus_cpu");
constexpr ElementOp kThreshold =
    MakeOp<ThresholdOp, 1, kReal>("threshold_cpu").NoBool().NoWideUnsigned();
constexpr ElementOp kPrelu = MakeOp<PreluOp, 2, kFloats>("prelu_cpu");
constexpr ElementOp kGlu = MakeOp<GluOp, 2, kFloats>("glu_cpu");

absl::StatusOr<Tensor> Gelu(Target target, const Tensor& self,
                            absl::string_view approximate) {
  if (approximate == "none") {
    return RunElementwise(kGeluErf, {self}, Params(), target);
  }
  if (approximate == "tanh") {
    return RunElementwise(kGeluTanh, {self}, Params(), target);
  }
  return absl::InvalidArgumentError(
      "approximate argument must be either none or tanh.");
}

absl::StatusOr<Tensor> Elu(Target target, const Tensor& self,
                           const Scalar& alpha, const Scalar& scale,
                           const Scalar& input_scale) {
  return RunElementwise(kElu, {self}, Params(alpha, scale, input_scale),
                        target);
}
absl::StatusOr<Tensor> Celu(Target target, const Tensor& self,
                            const Scalar& alpha) {
  if (alpha.ToDouble() == 0) {
    return absl::InvalidArgumentError(
        "ZeroDivisionError: alpha cannot be 0 for CELU");
  }
  const Scalar one(1.0), input_scale(1.0 / alpha.ToDouble());
  if (target.tensor == nullptr || target.in_place) {
    return Elu(target, self, alpha, one, input_scale);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Elu({}, self, alpha, one, input_scale));
  return WriteOutExact(result, *target.tensor);
}
absl::StatusOr<Tensor> Selu(Target target, const Tensor& self) {
  return Elu(target, self, Scalar(1.6732632423543772848170429916717),
             Scalar(1.0507009873554804934193349852946), Scalar(1.0));
}
absl::StatusOr<Tensor> HardShrink(Target target, const Tensor& self,
                                  const Scalar& lambda) {
  return RunElementwise(kHardShrink, {self}, Params(lambda), target);
}
absl::StatusOr<Tensor> SoftShrink(Target target, const Tensor& self,
                                  const Scalar& lambda) {
  const double l = lambda.ToDouble();
  const double highest = self.dtype() == DType::kHalf       ? 65504.0
                         : self.dtype() == DType::kBFloat16 ? 3.38953e38
                         : self.dtype() == DType::kDouble
                             ? std::numeric_limits<double>::max()
                             : std::numeric_limits<float>::max();
  if (IsFloatingPoint(self.dtype()) && !(l >= 0 && l <= highest)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "lambda must be in range [0, ", absl::StrFormat("%g", highest),
        "] for input dtype ", TypeName(self.dtype()), ", but found ",
        absl::StrFormat("%g", l)));
  }
  return RunElementwise(kSoftShrink, {self}, Params(lambda), target);
}
absl::StatusOr<Tensor> SoftPlus(Target target, const Tensor& self,
                                const Scalar& beta, const Scalar& threshold) {
  return RunElementwise(kSoftPlus, {self}, Params(beta, threshold), target);
}
absl::StatusOr<Tensor> Threshold(Target target, const Tensor& self,
                                 const Scalar& threshold, const Scalar& value) {
  return RunElementwise(kThreshold, {self}, Params(threshold, value), target);
}

absl::StatusOr<Tensor> PreluKernel(const Tensor& self, const Tensor& weight) {
  return RunElementwise(kPrelu, {self, weight});
}

absl::StatusOr<Tensor> Prelu(const Tensor& self, const Tensor& weight) {
  if (self.dtype() != weight.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "prelu: Type promoting not supported. Got ", TypeName(self.dtype()),
        " and ", TypeName(weight.dtype())));
  }
  if (weight.numel() != 1) {
    if (self.dim() == 0) {
      return absl::InvalidArgumentError("Not allow zero-dim input tensor.");
    }
    const int64_t channels = self.dim() > 1 ? self.size(1) : 1;
    if (channels != weight.numel()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Mismatch of parameter numbers and input channel size. Found "
          "parameter numbers = ",
          weight.numel(), " and channel size = ", channels, "."));
    }
  }
  if (weight.dim() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("prelu: Expected `weight` to be a scalar or 1D tensor, "
                     "but got: ndim = ",
                     weight.dim()));
  }
  if (self.dim() == weight.dim()) return PreluKernel(self, weight);
  // One number a channel, along dim 1.
  Dims sizes(self.dim(), 1), strides(self.dim(), 1);
  if (self.dim() > 1) {
    sizes[1] = weight.numel();
    strides[1] = weight.dim() > 0 ? weight.stride(0) : 1;
    strides[0] = weight.numel();
  }
  return PreluKernel(self,
                     weight.ViewUnchecked(sizes, strides, weight.offset()));
}

absl::StatusOr<Tensor> Glu(Target target, const Tensor& self, int64_t dim) {
  if (self.dim() == 0) {
    return absl::InvalidArgumentError(
        "glu does not support 0-dimensional tensors");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.size(d);
  if (size % 2 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("Halving dimension must be even, but dimension ", d,
                     " is size ", size));
  }
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes[d] = size / 2;
  const Tensor a = self.ViewUnchecked(sizes, self.strides(), self.offset());
  const Tensor b = self.ViewUnchecked(
      sizes, self.strides(), self.offset() + size / 2 * self.stride(d));
  return RunElementwise(kGlu, {a, b}, Params(), target);
}

absl::StatusOr<Tensor> LogSigmoid(Target target, const Tensor& self) {
  if (target.tensor != nullptr && target.tensor->dtype() != self.dtype()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected scalar type ", TypeName(self.dtype()),
                     " but found ", TypeName(target.tensor->dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor input, Contiguous(self));
  return RunElementwise(kLogSigmoid, {input}, Params(), target);
}

using Pair = std::tuple<Tensor, Tensor>;
absl::StatusOr<Pair> LogSigmoidForward(const Tensor& input) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor self, Contiguous(input));
  TANDEM_ASSIGN_OR_RETURN(Tensor output, RunElementwise(kLogSigmoid, {self}));
  TANDEM_ASSIGN_OR_RETURN(Tensor buffer,
                          RunElementwise(kLogSigmoidBuffer, {self}));
  return Pair(output, buffer);
}

}  // namespace

absl::StatusOr<Tensor> LeakyRelu(Target target, const Tensor& self,
                                 const Scalar& slope) {
  return RunElementwise(kLeakyRelu, {self}, Params(slope), target);
}

void AddPointwiseActivation(MatchingRegistrar& r) {
  AddUnaryExactOut<kRelu>(r, {"relu"});
  AddUnary<kSilu>(r, {"silu"});
  AddUnary<kMish>(r, {"mish"});
  AddUnary<kHardSigmoid>(r, {"hardsigmoid"});
  AddUnary<kHardSwish>(r, {"hardswish"});
  AddAll<&LogSigmoid>(r, {"log_sigmoid"});
  AddAll<&Gelu>(r, {"gelu"});
  AddAll<&Elu>(r, {"elu"});
  AddAll<&Celu>(r, {"celu"});
  AddAll<&Selu>(r, {"selu"});
  AddAll<&LeakyRelu>(r, {"leaky_relu"});
  AddAll<&HardShrink>(r, {"hardshrink"});
  AddAll<&SoftShrink>(r, {"softshrink"});
  AddAll<&SoftPlus>(r, {"softplus"});
  AddAll<&Threshold>(r, {"threshold"});
  AddAll<&Glu>(r, {"glu"});
  r.AddExact("aten::prelu", &Prelu);
  r.AddExact("aten::_prelu_kernel", &PreluKernel);
  r.AddExact("aten::log_sigmoid_forward", &LogSigmoidForward);
  r.AddExact("aten::log_sigmoid_forward.output",
             &Variants<LogSigmoidForward>::Out);
}

}  // namespace tandem::reference
