// Reductions and normalisations of a device: what several families use.
#ifndef TANDEM_BACKENDS_CUDA_ROWS_H_
#define TANDEM_BACKENDS_CUDA_ROWS_H_

#include <optional>

#include "absl/status/statusor.h"
#include "tandem/backends/cuda/runtime.h"
#include "tandem/tensor/tensor.h"

namespace tandem::cuda {

// softmax or log_softmax along `dim` (wrapped), computed in float for half
// types, into a contiguous tensor of `dtype`.
absl::StatusOr<Tensor> SoftmaxOnGpu(Gpu& gpu, const Tensor& self, int64_t dim,
                                    DType dtype, bool log);

// Rows of n elements that follow each other are normalised, then scaled and
// shifted: element j of row r by weight and bias [(r % groups) * per_row +
// j / step]. All contiguous, of one floating dtype; weight and bias may be
// undefined. `mean` and `rstd`, where wanted, get a number a row in the compute
// type. `center`: false for rms_norm.
struct RowNorm {
  int64_t rows = 0, n = 0;
  int64_t groups = 1, per_row = 0, step = 1;
  double eps = 0;
  bool center = true;
};
absl::Status NormalizeRows(Gpu& gpu, const RowNorm& norm, const Tensor& x,
                           const Tensor& weight, const Tensor& bias,
                           const Tensor& y, const Tensor& mean,
                           const Tensor& rstd);

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_ROWS_H_
