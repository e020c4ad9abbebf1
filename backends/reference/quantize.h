// Quantized tensors: integers that stand for real values.
#ifndef TANDEM_BACKENDS_REFERENCE_QUANTIZE_H_
#define TANDEM_BACKENDS_REFERENCE_QUANTIZE_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// Least and greatest integer of a quantized dtype (qint8 -128 … 127).
struct QuantizedRange {
  int64_t least, greatest;
};
absl::StatusOr<QuantizedRange> RangeOf(DType dtype);

// Nearest integer to value / scale, ties to even, plus the zero point, clamped
// to the range: as PyTorch's kernels on x86 (a product with 1 / scale).
inline int64_t QuantizeValue(float value, float inverse_scale,
                             int64_t zero_point, QuantizedRange range) {
  const float scaled = __builtin_nearbyintf(value * inverse_scale);
  if (scaled != scaled) {  // as the kernels happen to do
    return range.greatest == INT32_MAX ? range.least : range.greatest;
  }
  if (scaled >= 2147483648.0f) return range.greatest;
  if (scaled <= -2147483648.0f) return range.least;
  const int64_t q = static_cast<int64_t>(scaled) + zero_point;
  return q < range.least ? range.least
                         : (q > range.greatest ? range.greatest : q);
}

std::shared_ptr<const Quantizer> PerTensorQuantizer(double scale,
                                                    int64_t zero_point);

// Uninitialised memory of a quantized dtype.
absl::StatusOr<Tensor> EmptyQuantized(DimSpan sizes, DType dtype, double scale,
                                      int64_t zero_point, MemoryFormat format);

// With any quantizer; packed dtypes (quint4x2 …) take a part of a byte each.
absl::StatusOr<Tensor> EmptyWithQuantizer(
    DimSpan sizes, DType dtype, std::shared_ptr<const Quantizer> quantizer,
    MemoryFormat format);
// Per channel: float zero points give per_channel_affine_float_qparams.
absl::StatusOr<std::shared_ptr<const Quantizer>> PerChannelQuantizer(
    DimSpan sizes, const Tensor& scales, const Tensor& zero_points,
    int64_t axis);

// 2 for quint4x2, 4 for quint2x4, otherwise 1.
int ElementsPerByte(DType dtype);
// The bytes of a contiguous tensor of a packed dtype, checked to be there.
absl::StatusOr<const uint8_t*> PackedData(const Tensor& t);
// A view of the integers: uint8, int8 or int32.
absl::StatusOr<Tensor> Integers(const Tensor& self);

// float32 values; keeps the memory format. Errors: not quantized.
absl::StatusOr<Tensor> Dequantize(const Tensor& self);

// A float32 tensor quantized per tensor; keeps the memory format.
absl::StatusOr<Tensor> QuantizePerTensor(const Tensor& self, double scale,
                                         int64_t zero_point, DType dtype);
// With the dtype and the per-tensor parameters of `like`.
absl::StatusOr<Tensor> QuantizeAs(const Tensor& self, const Tensor& like);

absl::StatusOr<Tensor> QuantizePerChannel(const Tensor& self,
                                          const Tensor& scales,
                                          const Tensor& zero_points,
                                          int64_t axis, DType dtype);

// Scale and zero point for values in [least, greatest] as the dynamic kernels
// choose them (ATen's ChooseQuantizationParams).
struct QuantizationParams {
  double scale;  // layers compute with it as a float
  int32_t zero_point;
};
QuantizationParams ChooseQuantizationParams(float least, float greatest,
                                            int32_t qmin, int32_t qmax,
                                            bool preserve_sparsity = false);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_QUANTIZE_H_
