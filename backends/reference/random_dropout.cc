// Dropout in its forms, and rrelu.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/random.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"

namespace tandem::reference {
namespace {

// kFeature: whole channels are dropped. kAlpha: keeps mean and variance.
template <bool kFeature, bool kAlpha>
absl::StatusOr<Tensor> DropoutTo(Target target, const Tensor& input, double p,
                                 bool train) {
  if (!(p >= 0 && p <= 1)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "dropout probability has to be between 0 and 1, but got ", p));
  }
  if (p == 0 || !train || input.numel() == 0) return input;
  const auto finish =
      [&](absl::StatusOr<Tensor> result) -> absl::StatusOr<Tensor> {
    if (!result.ok() || target.tensor == nullptr) return result;
    return WriteSelf(*result, *target.tensor);
  };
  if (p == 1) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor zero,
                            Tensor::Zeros({}, input.dtype()));
    return finish(Mul(input, zero));
  }
  if (IsIntegral(input.dtype(), /*include_bool=*/true)) {
    return absl::InvalidArgumentError(
        absl::StrCat("result type Float can't be cast to the desired output "
                     "type ",
                     TypeName(input.dtype())));
  }
  Tensor noise;
  if constexpr (kFeature) {
    if (input.dim() < 2) {
      return absl::InvalidArgumentError(
          "Feature dropout requires at least 2 dimensions in the input");
    }
    Dims sizes(input.dim(), 1);
    sizes[0] = input.size(0);
    sizes[1] = input.size(1);
    TANDEM_ASSIGN_OR_RETURN(noise, Tensor::Empty(sizes, input.dtype()));
  } else {
    TANDEM_ASSIGN_OR_RETURN(noise, EmptyLike(input, input.dtype()));
  }
  TANDEM_RETURN_IF_ERROR(BernoulliInPlace(noise, 1 - p, nullptr).status());
  if constexpr (kAlpha) {
    // Dropped elements take the value that selu saturates at.
    constexpr double kSeluAlpha = 1.7580993408473766;
    const double a = 1 / std::sqrt((kSeluAlpha * kSeluAlpha * p + 1) * (1 - p));
    TANDEM_ASSIGN_OR_RETURN(Tensor shift, Sub(noise, Scalar(1)));
    TANDEM_ASSIGN_OR_RETURN(shift, Mul(shift, Scalar(kSeluAlpha * a)));
    TANDEM_ASSIGN_OR_RETURN(shift, Add(shift, Scalar(kSeluAlpha * a * p)));
    TANDEM_ASSIGN_OR_RETURN(noise, Mul(noise, Scalar(a)));
    TANDEM_ASSIGN_OR_RETURN(const Tensor kept, Mul(input, noise));
    return finish(Add(kept, shift));
  } else {
    TANDEM_ASSIGN_OR_RETURN(noise, Div(noise, Scalar(1 - p)));
    return finish(Mul(input, noise));
  }
}
template <bool kFeature, bool kAlpha>
absl::StatusOr<Tensor> Dropout(const Tensor& input, double p, bool train) {
  return DropoutTo<kFeature, kAlpha>({}, input, p, train);
}
template <bool kFeature, bool kAlpha>
absl::StatusOr<Tensor> DropoutInPlace(const Tensor& self, double p,
                                      bool train) {
  return DropoutTo<kFeature, kAlpha>(Target::InPlace(self), self, p, train);
}

using Pair = std::tuple<Tensor, Tensor>;

absl::StatusOr<Pair> NativeDropout(const Tensor& input, double p,
                                   std::optional<bool> train) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor mask, EmptyLike(input, DType::kBool));
  if (input.numel() == 0) return Pair(input, mask);
  if (train.value_or(true)) {
    TANDEM_RETURN_IF_ERROR(BernoulliInPlace(mask, 1 - p, nullptr).status());
    TANDEM_ASSIGN_OR_RETURN(Tensor kept, Mul(input, mask));
    const double scale = p == 1 ? 0 : 1 / (1 - p);
    TANDEM_ASSIGN_OR_RETURN(kept, Mul(kept, Scalar(scale)));
    return Pair(kept, mask);
  }
  TANDEM_RETURN_IF_ERROR(FillElements(mask, Scalar(true)));
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, Clone(input));
  return Pair(copy, mask);
}

absl::StatusOr<Tensor> NativeDropoutBackward(const Tensor& grad,
                                             const Tensor& mask, double scale) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor kept, Mul(grad, mask));
  return Mul(kept, Scalar(scale));
}

// Elements up to 0 are multiplied by a draw from [lower, upper), which `noise`
// keeps; the rest by 1.
absl::StatusOr<Tensor> RreluTo(Target target, const Tensor& self,
                               const Tensor& noise, const Scalar& lower,
                               const Scalar& upper, bool training,
                               Generator* generator) {
  const double low = lower.ToDouble(), high = upper.ToDouble();
  if (!training) {
    const Scalar slope((low + high) / 2);
    if (target.tensor != nullptr) return LeakyRelu(target, self, slope);
    TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self));
    return LeakyRelu({}, x, slope);
  }
  if (!IsFloatingPoint(self.dtype()) || self.dtype() == DType::kHalf) {
    return NotImplementedFor("rrelu_with_noise_out_cpu", self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                          CloneContiguous(self, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor factors,
                          Tensor::Empty(self.sizes(), DType::kDouble));
  Generator& g = Pick(generator);
  double* v = x.data<double>();
  double* f = factors.data<double>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    f[i] = v[i] <= 0 ? g.UniformDouble() * (high - low) + low : 1.0;
    v[i] *= f[i];
    if (i % 65536 == 65535) TANDEM_RETURN_IF_ERROR(CheckStop());
  }
  if (noise.defined()) {
    TANDEM_RETURN_IF_ERROR(ResizeOutput(noise, self.sizes()));
    TANDEM_RETURN_IF_ERROR(CopyElements(factors, noise));
  }
  if (target.tensor != nullptr) {
    TANDEM_RETURN_IF_ERROR(ResizeOutput(*target.tensor, self.sizes()));
    TANDEM_RETURN_IF_ERROR(CopyElements(x, *target.tensor));
    return *target.tensor;
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor result,
      EmptyLike(self, self.dtype(), MemoryFormat::kContiguous));
  TANDEM_RETURN_IF_ERROR(CopyElements(x, result));
  return result;
}

absl::Status CheckBounds(const Scalar& lower, const Scalar& upper) {
  if (lower.ToDouble() > upper.ToDouble()) {
    return absl::InvalidArgumentError(
        "Lower bound should be less than or equal to the upper bound");
  }
  return absl::OkStatus();
}
absl::StatusOr<Tensor> Rrelu(const Tensor& self, const Scalar& lower,
                             const Scalar& upper, bool training, Generator* g) {
  TANDEM_RETURN_IF_ERROR(CheckBounds(lower, upper));
  return RreluTo({}, self, Tensor(), lower, upper, training, g);
}
absl::StatusOr<Tensor> RreluInPlace(const Tensor& self, const Scalar& lower,
                                    const Scalar& upper, bool training,
                                    Generator* g) {
  TANDEM_RETURN_IF_ERROR(CheckBounds(lower, upper));
  return RreluTo(Target::InPlace(self), self, Tensor(), lower, upper, training,
                 g);
}
absl::StatusOr<Tensor> RreluWithNoise(const Tensor& self, const Tensor& noise,
                                      const Scalar& lower, const Scalar& upper,
                                      bool training, Generator* g) {
  return RreluTo({}, self, noise, lower, upper, training, g);
}
absl::StatusOr<Tensor> RreluWithNoiseInPlace(const Tensor& self,
                                             const Tensor& noise,
                                             const Scalar& lower,
                                             const Scalar& upper, bool training,
                                             Generator* g) {
  return RreluTo(Target::InPlace(self), self, noise, lower, upper, training, g);
}
absl::StatusOr<Tensor> RreluWithNoiseOut(const Tensor& self,
                                         const Tensor& noise,
                                         const Scalar& lower,
                                         const Scalar& upper, bool training,
                                         Generator* g, const Tensor& out) {
  return RreluTo(Target::Out(out), self, noise, lower, upper, training, g);
}

}  // namespace

void AddRandomDropout(KernelRegistrar& r) {
  r.Add("aten::dropout", &Dropout<false, false>)
      .Add("aten::dropout_", &DropoutInPlace<false, false>)
      .Add("aten::feature_dropout", &Dropout<true, false>)
      .Add("aten::feature_dropout_", &DropoutInPlace<true, false>)
      .Add("aten::alpha_dropout", &Dropout<false, true>)
      .Add("aten::alpha_dropout_", &DropoutInPlace<false, true>)
      .Add("aten::feature_alpha_dropout", &Dropout<true, true>)
      .Add("aten::feature_alpha_dropout_", &DropoutInPlace<true, true>)
      .Add("aten::native_dropout", &NativeDropout)
      .Add("aten::native_dropout.out", &Variants<NativeDropout>::Out)
      .Add("aten::native_dropout_backward", &NativeDropoutBackward)
      .Add("aten::native_dropout_backward.out",
           &Variants<NativeDropoutBackward>::Out)
      .Add("aten::rrelu", &Rrelu)
      .Add("aten::rrelu_", &RreluInPlace)
      .Add("aten::rrelu_with_noise", &RreluWithNoise)
      .Add("aten::rrelu_with_noise_", &RreluWithNoiseInPlace)
      .Add("aten::rrelu_with_noise.out", &RreluWithNoiseOut);
}

}  // namespace tandem::reference
