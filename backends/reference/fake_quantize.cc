// Fake quantization: values rounded to a grid, kept as floats.
#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Masked = absl::StatusOr<std::tuple<Tensor, Tensor>>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

struct Grid {
  float scale = 1;
  double zero_point = 0;
  bool rounds_with_zero_point = false;  // float zero points
};

absl::Status CheckRange(int64_t quant_min, int64_t quant_max) {
  if (quant_min > quant_max) {
    return Invalid(
        "`quant_min` should be less than or         equal to `quant_max`.");
  }
  return absl::OkStatus();
}

// Values and where they lay inside the range; grid(i) is that of element i in
// row-major order.
Masked Fake(const Tensor& self, absl::FunctionRef<Grid(int64_t)> grid,
            int64_t quant_min, int64_t quant_max) {
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor(
        "fake_quantize_tensor_cachemask_kernel_type_"
        "handling",
        self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                          CloneContiguous(self, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor mask,
                          Tensor::Empty(self.sizes(), DType::kBool));
  double* data = x.data<double>();
  const auto least = static_cast<double>(quant_min);
  const auto greatest = static_cast<double>(quant_max);
  for (int64_t i = 0; i < x.numel(); ++i) {
    const Grid g = grid(i);
    const float scaled = static_cast<float>(data[i]) * (1.0f / g.scale);
    double q = g.rounds_with_zero_point
                   ? std::nearbyint(scaled + static_cast<float>(g.zero_point))
                   : std::nearbyint(scaled) + g.zero_point;
    if (std::isnan(q)) q = -9223372036854775808.0;
    mask.data<bool>()[i] = q >= least && q <= greatest;
    const double clamped = std::min(std::max(q, least), greatest);
    data[i] = static_cast<double>(static_cast<float>(clamped - g.zero_point) *
                                  g.scale);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, EmptyLike(self, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor laid_mask,
                          EmptyLike(self, DType::kBool));
  TANDEM_RETURN_IF_ERROR(CopyElements(x, out));
  TANDEM_RETURN_IF_ERROR(CopyElements(mask, laid_mask));
  return std::make_tuple(out, laid_mask);
}

Masked PerTensorMasked(const Tensor& self, double scale, int64_t zero_point,
                       int64_t quant_min, int64_t quant_max) {
  TANDEM_RETURN_IF_ERROR(CheckRange(quant_min, quant_max));
  if (zero_point < quant_min || zero_point > quant_max) {
    return Invalid("`zero_point` must be between `quant_min` and `quant_max`.");
  }
  const Grid g = {static_cast<float>(scale), static_cast<double>(zero_point),
                  false};
  return Fake(
      self, [&](int64_t) { return g; }, quant_min, quant_max);
}

Masked ByTensorsMasked(const Tensor& self, const Tensor& scale,
                       const Tensor& zero_point, const Tensor& enabled,
                       int64_t quant_min, int64_t quant_max) {
  TANDEM_RETURN_IF_ERROR(CheckRange(quant_min, quant_max));
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, scale.Item());
  TANDEM_ASSIGN_OR_RETURN(const Scalar z, zero_point.Item());
  if (enabled.defined()) {
    TANDEM_ASSIGN_OR_RETURN(const Scalar on, enabled.Item());
    if (!on.ToBool()) {
      TANDEM_ASSIGN_OR_RETURN(const Tensor copy, Clone(self));
      TANDEM_ASSIGN_OR_RETURN(const Tensor mask, EmptyLike(self, DType::kBool));
      TANDEM_RETURN_IF_ERROR(FillElements(mask, Scalar(true)));
      return std::make_tuple(copy, mask);
    }
  }
  const Grid g = {static_cast<float>(s.ToDouble()), z.ToDouble(), false};
  return Fake(
      self, [&](int64_t) { return g; }, quant_min, quant_max);
}

Masked PerChannelMasked(const Tensor& self, const Tensor& scale,
                        const Tensor& zero_point, int64_t axis,
                        int64_t quant_min, int64_t quant_max) {
  if (scale.dim() != 1) return Invalid("scale should be a 1-D tensor");
  if (zero_point.dim() != 1) {
    return Invalid("zero point should be a 1-D tensor");
  }
  if (scale.numel() != zero_point.numel()) {
    return Invalid("scale and zero-point need to have the same dimensions");
  }
  if (axis < 0 || axis >= self.dim()) {
    return Invalid(
        "`axis` must be between 0 and number of dimensions of "
        "input");
  }
  if (scale.size(0) != self.size(axis)) {
    return Invalid(
        "dimensions of scale and zero-point are not consistent with "
        "input tensor");
  }
  TANDEM_RETURN_IF_ERROR(CheckRange(quant_min, quant_max));
  TANDEM_ASSIGN_OR_RETURN(const Tensor s, Contiguous(scale, DType::kFloat));
  TANDEM_ASSIGN_OR_RETURN(const Tensor z,
                          Contiguous(zero_point, DType::kDouble));
  const bool real = IsFloatingPoint(zero_point.dtype());
  int64_t inner = 1;
  for (int64_t d = axis + 1; d < self.dim(); ++d) inner *= self.size(d);
  inner = std::max<int64_t>(1, inner);
  const int64_t channels = std::max<int64_t>(1, self.size(axis));
  if (!real) {
    for (int64_t c = 0; c < z.numel(); ++c) {
      const double v = z.data<double>()[c];
      if (v < static_cast<double>(quant_min) ||
          v > static_cast<double>(quant_max)) {
        return Invalid(
            "`zero_point` must be between `quant_min` and `quant_max`.");
      }
    }
  }
  return Fake(
      self,
      [&](int64_t i) {
        const int64_t c = i / inner % channels;
        return Grid{s.data<float>()[c], z.data<double>()[c], real};
      },
      quant_min, quant_max);
}

Result First(Masked masked) {
  if (!masked.ok()) return std::move(masked).status();
  return std::get<0>(*masked);
}

Result PerTensor(const Tensor& self, double scale, int64_t zero_point,
                 int64_t quant_min, int64_t quant_max) {
  return First(PerTensorMasked(self, scale, zero_point, quant_min, quant_max));
}

Result ByTensors(const Tensor& self, const Tensor& scale,
                 const Tensor& zero_point, int64_t quant_min,
                 int64_t quant_max) {
  return First(
      ByTensorsMasked(self, scale, zero_point, Tensor(), quant_min, quant_max));
}

Result PerChannel(const Tensor& self, const Tensor& scale,
                  const Tensor& zero_point, int64_t axis, int64_t quant_min,
                  int64_t quant_max) {
  return First(
      PerChannelMasked(self, scale, zero_point, axis, quant_min, quant_max));
}

// The learnable ones round their zero points; the gradient is not for us.
Result LearnablePerTensor(const Tensor& self, const Tensor& scale,
                          const Tensor& zero_point, int64_t quant_min,
                          int64_t quant_max, double) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, scale.Item());
  TANDEM_ASSIGN_OR_RETURN(const Scalar z, zero_point.Item());
  const double rounded = std::min(
      std::max(std::nearbyint(z.ToDouble()), static_cast<double>(quant_min)),
      static_cast<double>(quant_max));
  return PerTensor(self, s.ToDouble(), SaturatingToInt64(rounded), quant_min,
                   quant_max);
}

}  // namespace

void AddFakeQuantize(KernelRegistrar& r) {
  r.Add("aten::fake_quantize_per_tensor_affine", &PerTensor)
      .Add("aten::fake_quantize_per_tensor_affine.tensor_qparams", &ByTensors)
      .Add("aten::fake_quantize_per_tensor_affine_cachemask", &PerTensorMasked)
      .Add("aten::fake_quantize_per_tensor_affine_cachemask.out",
           &Variants<&PerTensorMasked>::Out)
      .Add("aten::_fake_quantize_per_tensor_affine_cachemask_tensor_qparams",
           &ByTensorsMasked)
      .Add(
          "aten::_fake_quantize_per_tensor_affine_cachemask_tensor_qparams."
          "out",
          &Variants<&ByTensorsMasked>::Out)
      .Add("aten::fake_quantize_per_channel_affine", &PerChannel)
      .Add("aten::fake_quantize_per_channel_affine_cachemask",
           &PerChannelMasked)
      .Add("aten::fake_quantize_per_channel_affine_cachemask.out",
           &Variants<&PerChannelMasked>::Out)
      .Add("aten::_fake_quantize_learnable_per_tensor_affine",
           &LearnablePerTensor)
      .Add("aten::_fake_quantize_learnable_per_tensor_affine.out",
           &Variants<&LearnablePerTensor>::OutExact);
}

}  // namespace tandem::reference
