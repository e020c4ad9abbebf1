// The matrix product of floats.
#ifndef TANDEM_BACKENDS_NATIVE_GEMM_H_
#define TANDEM_BACKENDS_NATIVE_GEMM_H_

#include <cstdint>

#include "absl/status/status.h"

namespace tandem::native {

// A matrix in memory; strides in elements.
struct Matrix {
  const float* data;
  int64_t row_stride, col_stride;
  Matrix transposed() const { return {data, col_stride, row_stride}; }
};

// C = A B + bias for an m*k matrix A, a k*n matrix B and n numbers (null: none)
// that are added to each row. C is row-major, rows `ldc` apart, and overlaps
// nothing. In the context's tasks when large. Errors: stopped, no memory.
absl::Status Gemm(int64_t m, int64_t n, int64_t k, const Matrix& a,
                  const Matrix& b, const float* bias, float* c, int64_t ldc);

// The same on the calling thread alone.
absl::Status SerialGemm(int64_t m, int64_t n, int64_t k, const Matrix& a,
                        const Matrix& b, const float* bias, float* c,
                        int64_t ldc);

}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_GEMM_H_
