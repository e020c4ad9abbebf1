// The inner loops of the matrix product, one set for each instruction set;
// chosen at run time. For float and double.
#ifndef TANDEM_BACKENDS_REFERENCE_GEMM_KERNELS_H_
#define TANDEM_BACKENDS_REFERENCE_GEMM_KERNELS_H_

#include <cstdint>

namespace tandem::reference {

template <typename T>
struct GemmKernels {
  int64_t rows, cols;  // of a tile: what Tile computes

  // tile[rows][cols] = sum over p of a[p][rows] * b[p][cols]: packed panels.
  void (*tile)(int64_t k, const T* a, const T* b, T* tile);
  // out[j] = sum over p of x[p] * b[j * ldb + p], j < n: rows of B in a row.
  void (*dot_rows)(int64_t n, int64_t k, const T* x, const T* b, int64_t ldb,
                   T* out);
  // out[j] = sum over p of x[p * incx] * b[p * ldb + j], j < n.
  void (*sum_rows)(int64_t n, int64_t k, const T* x, int64_t incx, const T* b,
                   int64_t ldb, T* out);
};

// The best set that this processor runs.
template <typename T>
const GemmKernels<T>& BestGemmKernels();

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_GEMM_KERNELS_H_
