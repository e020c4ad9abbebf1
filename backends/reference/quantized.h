// Operators on quantized tensors and their packed parameters, one file a part.
#ifndef TANDEM_BACKENDS_REFERENCE_QUANTIZED_H_
#define TANDEM_BACKENDS_REFERENCE_QUANTIZED_H_

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/ivalue.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// The name under which kernels are registered that take quantized tensors in
// place of an operator's other kernels ("aten::relu" of a quint8 tensor); the
// runtime looks for them there.
inline constexpr absl::string_view kQuantizedKernels = "quantized";

void AddFakeQuantize(KernelRegistrar& r);
void AddQuantizedArithmetic(KernelRegistrar& r);
void AddQuantizedLayers(KernelRegistrar& r);
void AddQuantizedLinear(KernelRegistrar& r);
void AddQuantizedConv(KernelRegistrar& r);
void AddQuantizedEmbedding(KernelRegistrar& r);
void AddQuantizedPool(KernelRegistrar& r);
void AddQuantizedRecurrent(KernelRegistrar& r);
// aten's operators where a tensor is quantized; registered as
// kQuantizedKernels.
void AddQuantizedAten(KernelRegistrar& r);
// Comparisons, order and extremes of them.
absl::Status AddQuantizedCompare(Registry& registry);

// Least and greatest element; zeros for none.
struct MinMaxOf {
  float least = 0, greatest = 0;
};
absl::StatusOr<MinMaxOf> MinMax(const Tensor& self);

// ---- packed parameters

// What kernels keep beside an OpaqueObject's state.
struct LinearParams {
  Tensor weight;  // [n, k]: qint8, or float32 values of half precision
  Tensor bias;    // float32[n], or undefined
  bool half = false;
  // For qint8, one for each row.
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  std::vector<int64_t> row_sums;
  Tensor integers;  // int8[n, k], contiguous
};

struct QuantizedConvParams {
  Tensor weight;  // qint8
  Tensor bias;    // float32, or undefined
  Tensor real;    // the weight's integers less their zero points, float32
  std::vector<float> scales;  // one, or one for each output channel
  std::vector<int64_t> stride, padding, dilation, output_padding;
  int64_t groups = 1;
  bool transpose = false;
};

struct EmbeddingParams {
  Tensor weight;  // quint8 or quint4x2 [rows, columns], per channel
  int bits = 8;
  std::vector<float> scales, biases;  // value = scale * integer + bias
};

// The parameters in a value of the class LinearPackedParamsBase …; made once
// and kept with it. Errors: another class, a state that does not fit.
absl::StatusOr<std::shared_ptr<const LinearParams>> LinearParamsOf(
    const IValue& packed);
absl::StatusOr<std::shared_ptr<const QuantizedConvParams>> ConvParamsOf(
    const IValue& packed);
absl::StatusOr<std::shared_ptr<const EmbeddingParams>> EmbeddingParamsOf(
    const IValue& packed);

// Objects of these classes with the state that PyTorch's __getstate__ gives.
absl::StatusOr<IValue> PackLinear(const Tensor& weight, const Tensor& bias);
IValue PackConv(int64_t spatial, const Tensor& weight, const Tensor& bias,
                absl::Span<const int64_t> stride,
                absl::Span<const int64_t> padding,
                absl::Span<const int64_t> output_padding,
                absl::Span<const int64_t> dilation, int64_t groups,
                bool transpose);
IValue PackEmbedding(const Tensor& weight);

// A float input times the weight, the input quantized on the way (or the weight
// of half precision as it is).
absl::StatusOr<Tensor> LinearDynamic(const Tensor& input,
                                     const LinearParams& params,
                                     bool reduce_range, bool relu);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_QUANTIZED_H_
