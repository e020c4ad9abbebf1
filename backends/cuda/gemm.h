// Matrix products of a device: cuBLASLt's where it is installed, a generated
// kernel's otherwise.
#ifndef TANDEM_BACKENDS_CUDA_GEMM_H_
#define TANDEM_BACKENDS_CUDA_GEMM_H_

#include "absl/status/statusor.h"
#include "tandem/backends/cuda/runtime.h"
#include "tandem/tensor/tensor.h"

namespace tandem::cuda {

// c[b] = alpha * a[b] x bm[b] + beta * c[b] (+ bias, a number a column, where
// defined). a is [batch, m, k], bm [batch, k, n], c contiguous [batch, m, n];
// a batch stride of 0 repeats a matrix. All of one floating dtype on `gpu`.
// a and bm are copied where neither of their last two strides is 1.
absl::Status Gemm(Gpu& gpu, const Tensor& a, const Tensor& bm, const Tensor& c,
                  const Tensor& bias, double alpha, double beta);

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_GEMM_H_
