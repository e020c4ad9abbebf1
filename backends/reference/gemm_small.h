// Products with few rows or columns in float, summed in the order that
// PyTorch's BLAS (MKL on x86-64) sums them: programs that turn a result into a
// Python float see its last bits.
#ifndef TANDEM_BACKENDS_REFERENCE_GEMM_SMALL_H_
#define TANDEM_BACKENDS_REFERENCE_GEMM_SMALL_H_

#include <cstdint>

namespace tandem::reference {

// Is an m*n product one of these? The others are sums of fused multiply-adds in
// the order of k, in blocks of DepthBlock(k).
inline bool IsSmallProduct(int64_t m, int64_t n) { return m < 4 || n < 12; }

// out[j] = sum over p of x[p] * b[j * ldb + p], j < n, for one row of several.
void SmallDotRows(int64_t n, int64_t k, const float* x, const float* b,
                  int64_t ldb, float* out);

// The same where x is all there is: a product with a vector.
void VectorDotRows(int64_t n, int64_t k, const float* x, const float* b,
                   int64_t ldb, float* out);

// out[j] = sum over p of x[p * incx] * b[p * ldb + j], j < n.
void SmallSumRows(int64_t n, int64_t k, const float* x, int64_t incx,
                  const float* b, int64_t ldb, float* out);

// The product of two vectors.
float DotVectors(int64_t k, const float* x, const float* y);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_GEMM_SMALL_H_
