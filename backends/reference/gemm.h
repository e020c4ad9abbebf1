// The matrix product under matmul, linear, convolutions and recurrent layers.
#ifndef TANDEM_BACKENDS_REFERENCE_GEMM_H_
#define TANDEM_BACKENDS_REFERENCE_GEMM_H_

#include <complex>
#include <cstdint>
#include <type_traits>

#include "absl/status/status.h"
#include "tandem/tensor/half.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

// A matrix somewhere in memory; strides in elements, any sign, 0 repeats.
template <typename T>
struct MatrixRef {
  T* data;
  int64_t row_stride;
  int64_t col_stride;
  MatrixRef<T> transposed() const { return {data, col_stride, row_stride}; }
};

// C = alpha * A * B + beta * C for an m*k matrix A, a k*n matrix B and an m*n
// matrix C, which overlaps neither. beta == 0 leaves what C held unread (NaN
// there does not spread), as BLAS. Integers wrap. Half types are multiplied and
// summed in float, rounded once.
//
// T: float, double, complex of both, uint8_t, int8_t-int64_t, Half, BFloat16.
// Runs in the context's tasks when large. Error: stopped (CheckStop), no
// memory for a conversion.
template <typename T>
absl::Status Gemm(int64_t m, int64_t n, int64_t k, Compute<T> alpha,
                  MatrixRef<const T> a, MatrixRef<const T> b, Compute<T> beta,
                  MatrixRef<T> c);

// In which order the products of one element are summed in float.
enum class GemmSums {
  kByShape,  // as PyTorch's BLAS does for these sizes (gemm_small.h)
  kFused,    // fused multiply-adds over k, in the blocks of its larger products
  kFusedWhole  // fused multiply-adds over all of k
};

// The same on the calling thread alone, for pieces of a ParallelFor.
template <typename T>
absl::Status SerialGemm(int64_t m, int64_t n, int64_t k, Compute<T> alpha,
                        MatrixRef<const T> a, MatrixRef<const T> b,
                        Compute<T> beta, MatrixRef<T> c,
                        GemmSums sums = GemmSums::kByShape);

// `count` products of the same sizes, at a[i * a_step] and so on.
template <typename T>
absl::Status BatchedGemm(int64_t count, int64_t m, int64_t n, int64_t k,
                         Compute<T> alpha, MatrixRef<const T> a, int64_t a_step,
                         MatrixRef<const T> b, int64_t b_step, Compute<T> beta,
                         MatrixRef<T> c, int64_t c_step);

// Memory for the time of a kernel, from the thread's pool, 64-byte aligned.
class Scratch {
 public:
  explicit Scratch(size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  // Null when there is no memory.
  template <typename T>
  T* data() const {
    return static_cast<T*>(data_);
  }

 private:
  size_t capacity_ = 0;
  void* data_;
};

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_GEMM_H_
