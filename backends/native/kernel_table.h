// The loops of one instruction set, as a table of functions; Kernels() gives
// the table of the best set that this processor has.
#ifndef TANDEM_BACKENDS_NATIVE_KERNEL_TABLE_H_
#define TANDEM_BACKENDS_NATIVE_KERNEL_TABLE_H_

#include <cstdint>

#include "tandem/backends/elementwise/op.h"

namespace tandem::native {

using elementwise::kMaxInputs;
using elementwise::kMaxParams;
using elementwise::kNumComputed;
using elementwise::kNumOps;
using elementwise::Op;

// out[i] = op(in[0][i], …) for n elements. Bit i of `repeat`: in[i] is a single
// element. `params` are of the computed type. `out` may be one of the inputs.
using RowFunction = void (*)(void* out, const void* const* in, unsigned repeat,
                             int64_t n, const void* params);

// A matrix product's piece: see gemm.h.
struct GemmTile {
  int rows, cols;
};

template <typename T>
struct TypedKernels {
  // Of n elements; 0 for none. Partial sums are at most 64 elements deep.
  T (*sum)(const T* x, int64_t n);
  // NaN if one is; n > 0.
  T (*max)(const T* x, int64_t n);
  T (*min)(const T* x, int64_t n);
};

struct FloatKernels {
  // y = softmax or log_softmax of x, n > 0; y may be x.
  void (*softmax)(const float* x, float* y, int64_t n);
  void (*log_softmax)(const float* x, float* y, int64_t n);
  // y = (x - mean) * rstd * weight + bias; weight and bias may be null.
  void (*layer_norm)(const float* x, float* y, int64_t n, const float* weight,
                     const float* bias, double eps, float* mean, float* rstd);
  // y = x / sqrt(mean(x^2) + eps) * weight, and the factor.
  float (*rms_norm)(const float* x, float* y, int64_t n, const float* weight,
                    float eps);
  // y += weights[0] * rows[0] + … + weights[3] * rows[3], in this order.
  void (*add_four_rows)(const float* const* rows, const float* weights,
                        float* y, int64_t n);
  // Small products, C[m][n] = A[m][k] B (+ bias[n]): row-major B[k][n].
  void (*small_gemm)(int64_t m, int64_t n, int64_t k, const float* a,
                     int64_t lda, const float* b, int64_t ldb,
                     const float* bias, float* c, int64_t ldc);
  // B transposed: rows of B[n][k] are along k.
  void (*dot_rows)(int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                   const float* b, int64_t ldb, const float* bias, float* c,
                   int64_t ldc);
  // A micro tile: acc[rows][cols] of packed panels a[k][rows], b[k][cols];
  // c = acc (+ c if accumulate) for the live part.
  int tile_rows, tile_cols;
  void (*tile)(int64_t k, const float* a, const float* b, float* c, int64_t ldc,
               int64_t live_rows, int64_t live_cols, bool accumulate);
  // out[r] = the Euclidean distance of x from each of `count` rows of n.
  void (*distances)(const float* x, const float* rows, int64_t count, int64_t n,
                    float* out);
};

struct KernelTable {
  const char* name;
  // Null: none.
  RowFunction rows[kNumOps][kNumComputed];
  TypedKernels<float> f32;
  TypedKernels<double> f64;
  TypedKernels<int64_t> i64;
  FloatKernels f;
};

const KernelTable& Kernels();

// The tables of the sets; `Supported` says which the processor has.
const KernelTable& Sse2Kernels();
const KernelTable& Avx2Kernels();
const KernelTable& Avx512Kernels();

}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_KERNEL_TABLE_H_
