// Elementwise functions of quantized tensors.
#ifndef TANDEM_BACKENDS_REFERENCE_QUANTIZED_UNARY_H_
#define TANDEM_BACKENDS_REFERENCE_QUANTIZED_UNARY_H_

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// The per-tensor parameters of `t`; error otherwise, which names `op`.
absl::StatusOr<const Quantizer*> PerTensorOf(const Tensor& t,
                                             absl::string_view op);

// f of each real value, quantized anew with these parameters; the dtype and the
// memory format stay.
absl::StatusOr<Tensor> MapQuantized(const Tensor& x, double scale,
                                    int64_t zero_point,
                                    absl::FunctionRef<float(float)> f,
                                    absl::string_view op);
// With the parameters of `x`.
absl::StatusOr<Tensor> MapQuantized(const Tensor& x,
                                    absl::FunctionRef<float(float)> f,
                                    absl::string_view op);

// Integers clamped to [least, greatest].
absl::StatusOr<Tensor> ClampIntegers(const Tensor& x, int64_t least,
                                     int64_t greatest, absl::string_view op);

// Joined along `dim`, each tensor quantized anew with these parameters.
absl::StatusOr<Tensor> QuantizedCat(absl::Span<const Tensor> tensors,
                                    int64_t dim, std::optional<double> scale,
                                    std::optional<int64_t> zero_point,
                                    bool relu);

absl::StatusOr<Tensor> QuantizedMaxPool(const Tensor& x,
                                        absl::Span<const int64_t> kernel,
                                        absl::Span<const int64_t> stride,
                                        absl::Span<const int64_t> padding,
                                        absl::Span<const int64_t> dilation,
                                        bool ceil_mode, int64_t spatial);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_QUANTIZED_UNARY_H_
