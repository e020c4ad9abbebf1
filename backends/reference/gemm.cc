#include "tandem/backends/reference/gemm.h"

#include <algorithm>
#include <cstring>

#include "absl/synchronization/mutex.h"
#include "tandem/backends/reference/gemm_kernels.h"
#include "tandem/backends/reference/gemm_small.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/memory_pool.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {

Scratch::Scratch(size_t bytes)
    : data_(memory_pool::Allocate(std::max<size_t>(bytes, 64), &capacity_)) {}

Scratch::~Scratch() {
  if (data_ != nullptr) memory_pool::Free(data_, capacity_);
}

namespace {

absl::Status NoMemory() {
  return absl::ResourceExhaustedError("matrix product: out of memory");
}

// The type in which products are summed: integers as unsigned, which wrap.
template <typename T, bool = std::is_integral_v<T>>
struct SumType {
  using type = Compute<T>;
};
template <typename T>
struct SumType<T, true> {
  using type = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
};

// c = alpha * sum + beta * c
template <typename T, typename S>
inline void Put(T* c, S sum, S alpha, S beta) {
  S value = alpha == S(1) ? sum : alpha * sum;
  if (beta != S(0)) value += beta * static_cast<S>(*c);
  *c = static_cast<T>(value);
}

template <typename T>
void Scale(int64_t m, int64_t n, Compute<T> beta, MatrixRef<T> c) {
  using S = typename SumType<T>::type;
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      Put(&c.data[i * c.row_stride + j * c.col_stride], S(0), S(1), S(beta));
    }
  }
}

// A few elements: no packing, no call.
template <typename T>
void TinyGemm(int64_t m, int64_t n, int64_t k, Compute<T> alpha,
              MatrixRef<const T> a, MatrixRef<const T> b, Compute<T> beta,
              MatrixRef<T> c) {
  using S = typename SumType<T>::type;
  for (int64_t i = 0; i < m; ++i) {
    const T* x = a.data + i * a.row_stride;
    T* out = c.data + i * c.row_stride;
    for (int64_t j = 0; j < n; ++j) {
      const T* y = b.data + j * b.col_stride;
      S sum(0);
      for (int64_t p = 0; p < k; ++p) {
        sum += static_cast<S>(x[p * a.col_stride]) *
               static_cast<S>(y[p * b.row_stride]);
      }
      Put(out + j * c.col_stride, sum, S(alpha), S(beta));
    }
  }
}

// Integers and complex numbers: row by row over a row-major B.
template <typename T>
absl::Status PlainGemm(int64_t m, int64_t n, int64_t k, Compute<T> alpha,
                       MatrixRef<const T> a, MatrixRef<const T> b,
                       Compute<T> beta, MatrixRef<T> c) {
  using S = typename SumType<T>::type;
  constexpr int64_t kCols = 512, kDepth = 64;
  Scratch packed(sizeof(S) * kCols * kDepth), sums(sizeof(S) * kCols);
  S* const bp = packed.data<S>();
  S* const row = sums.data<S>();
  if (bp == nullptr || row == nullptr) return NoMemory();
  for (int64_t j0 = 0; j0 < n; j0 += kCols) {
    const int64_t cols = std::min(kCols, n - j0);
    for (int64_t p0 = 0; p0 < k; p0 += kDepth) {
      const int64_t depth = std::min(kDepth, k - p0);
      for (int64_t p = 0; p < depth; ++p) {
        const T* from = b.data + (p0 + p) * b.row_stride + j0 * b.col_stride;
        for (int64_t j = 0; j < cols; ++j) {
          bp[p * cols + j] = static_cast<S>(from[j * b.col_stride]);
        }
      }
      // The first block brings beta, the others add.
      const S scale = p0 == 0 ? S(beta) : S(1);
      for (int64_t i = 0; i < m; ++i) {
        if (i % 64 == 0) TANDEM_RETURN_IF_ERROR(CheckStop());
        std::fill_n(row, cols, S(0));
        const T* x = a.data + i * a.row_stride + p0 * a.col_stride;
        for (int64_t p = 0; p < depth; ++p) {
          const S xp = static_cast<S>(x[p * a.col_stride]);
          const S* y = bp + p * cols;
          if constexpr (std::is_integral_v<S>) {
            for (int64_t j = 0; j < cols; ++j) row[j] += xp * y[j];
          } else {
            // Without the library's repair of NaN products.
            const auto re = xp.real(), im = xp.imag();
            for (int64_t j = 0; j < cols; ++j) {
              row[j] += S(re * y[j].real() - im * y[j].imag(),
                          re * y[j].imag() + im * y[j].real());
            }
          }
        }
        T* out = c.data + i * c.row_stride + j0 * c.col_stride;
        for (int64_t j = 0; j < cols; ++j) {
          Put(out + j * c.col_stride, row[j], S(alpha), scale);
        }
      }
    }
  }
  return absl::OkStatus();
}

// One row of C against all of B, `alone` where C has no other. B's rows or
// columns lie in a row.
template <typename T>
void RowGemm(int64_t n, int64_t k, T alpha, const T* x, int64_t incx,
             MatrixRef<const T> b, T beta, T* c, int64_t incc, bool alone,
             T* sums, T* packed_x) {
  [[maybe_unused]] const GemmKernels<T>& kernels = BestGemmKernels<T>();
  const bool direct = alpha == 1 && beta == 0 && incc == 1;
  T* const out = direct ? c : sums;
  if (b.row_stride == 1) {
    if (incx != 1) {
      for (int64_t p = 0; p < k; ++p) packed_x[p] = x[p * incx];
      x = packed_x;
    }
    if constexpr (std::is_same_v<T, float>) {
      (alone ? VectorDotRows : SmallDotRows)(n, k, x, b.data, b.col_stride,
                                             out);
    } else {
      kernels.dot_rows(n, k, x, b.data, b.col_stride, out);
    }
  } else if constexpr (std::is_same_v<T, float>) {
    SmallSumRows(n, k, x, incx, b.data, b.row_stride, out);
  } else {
    kernels.sum_rows(n, k, x, incx, b.data, b.row_stride, out);
  }
  if (direct) return;
  for (int64_t j = 0; j < n; ++j) Put(c + j * incc, sums[j], alpha, beta);
}

// How many products of one element are summed before they are added to it. In
// float as MKL does, so that sums of equal order are equal.
template <typename T>
int64_t DepthBlock(int64_t k) {
  if constexpr (!std::is_same_v<T, float>) return std::min<int64_t>(k, 256);
  constexpr int64_t kBlock = 192;
  if (k <= kBlock) return k;
  return k < 2 * kBlock ? k / 2 : kBlock;
}

constexpr int64_t kColBlock = 2048;

// Panels of `width` columns of a k*count matrix (B; or A transposed), each
// panel [k][width], the last filled with zeros.
template <typename T>
void Pack(int64_t k, int64_t count, int64_t width, const T* data,
          int64_t k_stride, int64_t stride, T* out) {
  for (int64_t j0 = 0; j0 < count; j0 += width) {
    const int64_t live = std::min(width, count - j0);
    const T* from = data + j0 * stride;
    if (live < width) std::fill_n(out, k * width, T(0));
    if (stride == 1 && live == width) {
      for (int64_t p = 0; p < k; ++p) {
        std::memcpy(out + p * width, from + p * k_stride, width * sizeof(T));
      }
    } else if (stride == 1) {
      for (int64_t p = 0; p < k; ++p) {
        std::memcpy(out + p * width, from + p * k_stride, live * sizeof(T));
      }
    } else {
      for (int64_t j = 0; j < live; ++j) {
        const T* column = from + j * stride;
        T* to = out + j;
        for (int64_t p = 0; p < k; ++p) to[p * width] = column[p * k_stride];
      }
    }
    out += k * width;
  }
}

template <typename T>
absl::Status BlockedGemm(int64_t m, int64_t n, int64_t k, T alpha,
                         MatrixRef<const T> a, MatrixRef<const T> b, T beta,
                         MatrixRef<T> c, bool whole_depth = false) {
  const GemmKernels<T>& kernels = BestGemmKernels<T>();
  const int64_t rows = kernels.rows, cols = kernels.cols;
  const int64_t row_block = rows * std::max<int64_t>(1, 96 / rows);
  const int64_t depth = whole_depth ? k : DepthBlock<T>(k);
  auto round_up = [](int64_t x, int64_t to) { return (x + to - 1) / to * to; };
  const int64_t cols_max = std::min(round_up(n, cols), kColBlock);
  Scratch b_memory(sizeof(T) * depth * cols_max);
  Scratch a_memory(sizeof(T) * depth * std::min(round_up(m, rows), row_block));
  T* const bp = b_memory.data<T>();
  T* const ap = a_memory.data<T>();
  if (ap == nullptr || bp == nullptr) return NoMemory();
  alignas(64) T tile[16 * 32];
  for (int64_t j0 = 0; j0 < n; j0 += kColBlock) {
    const int64_t nb = std::min(kColBlock, n - j0);
    for (int64_t p0 = 0; p0 < k; p0 += depth) {
      const int64_t kb = std::min(depth, k - p0);
      const T scale = p0 == 0 ? beta : T(1);
      TANDEM_RETURN_IF_ERROR(CheckStop());
      Pack(kb, nb, cols, b.data + p0 * b.row_stride + j0 * b.col_stride,
           b.row_stride, b.col_stride, bp);
      for (int64_t i0 = 0; i0 < m; i0 += row_block) {
        const int64_t mb = std::min(row_block, m - i0);
        Pack(kb, mb, rows, a.data + i0 * a.row_stride + p0 * a.col_stride,
             a.col_stride, a.row_stride, ap);
        for (int64_t j = 0; j < nb; j += cols) {
          const int64_t live_cols = std::min(cols, nb - j);
          for (int64_t i = 0; i < mb; i += rows) {
            kernels.tile(kb, ap + i * kb, bp + j * kb, tile);
            const int64_t live_rows = std::min(rows, mb - i);
            T* out = c.data + (i0 + i) * c.row_stride + (j0 + j) * c.col_stride;
            for (int64_t r = 0; r < live_rows; ++r) {
              const T* from = tile + r * cols;
              T* to = out + r * c.row_stride;
              if (c.col_stride == 1 && alpha == 1 && scale == 0) {
                std::memcpy(to, from, live_cols * sizeof(T));
              } else if (c.col_stride == 1 && alpha == 1 && scale == 1) {
                for (int64_t l = 0; l < live_cols; ++l) to[l] += from[l];
              } else {
                for (int64_t l = 0; l < live_cols; ++l) {
                  Put(to + l * c.col_stride, from[l], alpha, scale);
                }
              }
            }
          }
        }
      }
    }
  }
  return absl::OkStatus();
}

// The small products in float that PyTorch's BLAS has loops of their own for.
// sums: n + k numbers.
absl::Status SmallFloatGemm(int64_t m, int64_t n, int64_t k, float alpha,
                            MatrixRef<const float> a, MatrixRef<const float> b,
                            float beta, MatrixRef<float> c, float* sums) {
  if (n == 1 && m > 1) {
    return SmallFloatGemm(n, m, k, alpha, b.transposed(), a.transposed(), beta,
                          c.transposed(), sums);
  }
  // Bounds the time between two looks at the clock.
  constexpr int64_t kStep = int64_t{1} << 24;
  int64_t done = 0;
  for (int64_t i = 0; i < m; ++i) {
    RowGemm(n, k, alpha, a.data + i * a.row_stride, a.col_stride, b, beta,
            c.data + i * c.row_stride, c.col_stride, m == 1, sums, sums + n);
    done += n * k;
    if (done > kStep) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      done = 0;
    }
  }
  return absl::OkStatus();
}

// Do rows or columns of the longer operand lie in a row?
template <typename T>
bool HasRows(int64_t m, int64_t n, const MatrixRef<const T>& a,
             const MatrixRef<const T>& b) {
  const MatrixRef<const T>& longer = n == 1 && m > 1 ? a : b;
  return longer.row_stride == 1 || longer.col_stride == 1;
}

// float and double on this thread.
template <typename T>
absl::Status SerialFloatGemm(int64_t m, int64_t n, int64_t k, T alpha,
                             MatrixRef<const T> a, MatrixRef<const T> b, T beta,
                             MatrixRef<T> c, GemmSums sums) {
  if (sums != GemmSums::kByShape) {
    return BlockedGemm(m, n, k, alpha, a, b, beta, c,
                       sums == GemmSums::kFusedWhole);
  }
  if constexpr (std::is_same_v<T, float>) {
    if (!IsSmallProduct(m, n) || !HasRows(m, n, a, b)) {
      return BlockedGemm(m, n, k, alpha, a, b, beta, c);
    }
    Scratch memory(sizeof(float) * (std::max(m, n) + k));
    if (memory.data<float>() == nullptr) return NoMemory();
    return SmallFloatGemm(m, n, k, alpha, a, b, beta, c, memory.data<float>());
  } else {
    if (m > 4 && n <= 4) {
      return SerialFloatGemm<T>(n, m, k, alpha, b.transposed(), a.transposed(),
                                beta, c.transposed(), sums);
    }
    // Few rows: packing B would cost as much as the product.
    if (m > 4 || (b.row_stride != 1 && b.col_stride != 1)) {
      return BlockedGemm(m, n, k, alpha, a, b, beta, c);
    }
    Scratch memory(sizeof(T) * (n + k));
    T* const row = memory.data<T>();
    if (row == nullptr) return NoMemory();
    for (int64_t i = 0; i < m; ++i) {
      TANDEM_RETURN_IF_ERROR(CheckStop());
      RowGemm(n, k, alpha, a.data + i * a.row_stride, a.col_stride, b, beta,
              c.data + i * c.row_stride, c.col_stride, m == 1, row, row + n);
    }
    return absl::OkStatus();
  }
}

}  // namespace

template <typename T>
absl::Status SerialGemm(int64_t m, int64_t n, int64_t k, Compute<T> alpha,
                        MatrixRef<const T> a, MatrixRef<const T> b,
                        Compute<T> beta, MatrixRef<T> c, GemmSums sums) {
  if (m == 0 || n == 0) return absl::OkStatus();
  if (k == 0) {
    Scale(m, n, beta, c);
    return absl::OkStatus();
  }
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) {
    return SerialFloatGemm<T>(m, n, k, alpha, a, b, beta, c, sums);
  } else if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
    // Through float; the sums of one element are rounded once.
    Scratch fa(sizeof(float) * m * k), fb(sizeof(float) * k * n),
        fc(sizeof(float) * m * n);
    float *pa = fa.data<float>(), *pb = fb.data<float>(),
          *pc = fc.data<float>();
    if (pa == nullptr || pb == nullptr || pc == nullptr) return NoMemory();
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t p = 0; p < k; ++p) {
        pa[i * k + p] = a.data[i * a.row_stride + p * a.col_stride];
      }
    }
    const bool b_rows = b.col_stride == 1;
    const MatrixRef<const float> fb_ref =
        b_rows ? MatrixRef<const float>{pb, n, 1}
               : MatrixRef<const float>{pb, 1, k};
    for (int64_t p = 0; p < k; ++p) {
      for (int64_t j = 0; j < n; ++j) {
        pb[p * fb_ref.row_stride + j * fb_ref.col_stride] =
            b.data[p * b.row_stride + j * b.col_stride];
      }
    }
    TANDEM_RETURN_IF_ERROR(SerialFloatGemm<float>(
        m, n, k, 1.0f, MatrixRef<const float>{pa, k, 1}, fb_ref, 0.0f,
        MatrixRef<float>{pc, n, 1}, GemmSums::kFused));
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        Put(&c.data[i * c.row_stride + j * c.col_stride], pc[i * n + j], alpha,
            beta);
      }
    }
    return absl::OkStatus();
  } else {
    return PlainGemm<T>(m, n, k, alpha, a, b, beta, c);
  }
}

template <typename T>
absl::Status Gemm(int64_t m, int64_t n, int64_t k, Compute<T> alpha,
                  MatrixRef<const T> a, MatrixRef<const T> b, Compute<T> beta,
                  MatrixRef<T> c) {
  if (m == 0 || n == 0) return absl::OkStatus();
  if (k == 0) {
    Scale(m, n, beta, c);
    return absl::OkStatus();
  }
  const double work = static_cast<double>(m) * n * k;
  if (work <= 512) {
    if constexpr (std::is_same_v<T, float>) {
      if (IsSmallProduct(m, n) && HasRows(m, n, a, b)) {
        float sums[514];  // m, n and k are at least 1: n + k or m + k fits
        return SmallFloatGemm(m, n, k, alpha, a, b, beta, c, sums);
      }
    } else {
      TinyGemm(m, n, k, alpha, a, b, beta, c);
      return absl::OkStatus();
    }
  }
  if (m == 1) a.row_stride = 0;
  const TaskRunner* tasks = CurrentContext().tasks;
  if (work < 1 << 18 || tasks == nullptr || tasks->threads() <= 1) {
    return SerialGemm<T>(m, n, k, alpha, a, b, beta, c);
  }
  // Strips of the longer side, each a product of its own.
  const bool by_rows = m > n;
  const int64_t length = by_rows ? m : n;
  const int64_t wanted = std::min<int64_t>(
      tasks->threads(), std::max<int64_t>(1, static_cast<int64_t>(work) >> 17));
  int64_t strip = (length + wanted - 1) / wanted;
  strip = (strip + 63) / 64 * 64;
  const int64_t strips = (length + strip - 1) / strip;
  absl::Status failure;
  absl::Mutex mutex;
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(strips, 1, [&](int64_t begin, int64_t end) {
        for (int64_t s = begin; s < end; ++s) {
          const int64_t from = s * strip, size = std::min(strip, length - from);
          MatrixRef<const T> as = a, bs = b;
          MatrixRef<T> cs = c;
          if (by_rows) {
            as.data += from * a.row_stride;
            cs.data += from * c.row_stride;
          } else {
            bs.data += from * b.col_stride;
            cs.data += from * c.col_stride;
          }
          absl::Status status =
              SerialGemm<T>(by_rows ? size : m, by_rows ? n : size, k, alpha,
                            as, bs, beta, cs);
          if (!status.ok()) {
            absl::MutexLock lock(&mutex);
            failure = std::move(status);
          }
        }
      }));
  return failure;
}

template <typename T>
absl::Status BatchedGemm(int64_t count, int64_t m, int64_t n, int64_t k,
                         Compute<T> alpha, MatrixRef<const T> a, int64_t a_step,
                         MatrixRef<const T> b, int64_t b_step, Compute<T> beta,
                         MatrixRef<T> c, int64_t c_step) {
  const double work = static_cast<double>(m) * n * std::max<int64_t>(k, 1);
  const TaskRunner* tasks = CurrentContext().tasks;
  if (count == 1 || tasks == nullptr || tasks->threads() <= 1 ||
      count < tasks->threads() || work * count < 1 << 16) {
    for (int64_t i = 0; i < count; ++i) {
      TANDEM_RETURN_IF_ERROR(Gemm<T>(
          m, n, k, alpha, {a.data + i * a_step, a.row_stride, a.col_stride},
          {b.data + i * b_step, b.row_stride, b.col_stride}, beta,
          {c.data + i * c_step, c.row_stride, c.col_stride}));
    }
    return absl::OkStatus();
  }
  absl::Status failure;
  absl::Mutex mutex;
  const int64_t grain =
      std::max<int64_t>(1, static_cast<int64_t>((1 << 16) / (work + 1)));
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(count, grain, [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          absl::Status status =
              k == 0 || m == 0 || n == 0
                  ? Gemm<T>(m, n, k, alpha, a, b, beta,
                            {c.data + i * c_step, c.row_stride, c.col_stride})
                  : SerialGemm<T>(
                        m, n, k, alpha,
                        {a.data + i * a_step, a.row_stride, a.col_stride},
                        {b.data + i * b_step, b.row_stride, b.col_stride}, beta,
                        {c.data + i * c_step, c.row_stride, c.col_stride});
          if (!status.ok()) {
            absl::MutexLock lock(&mutex);
            failure = std::move(status);
          }
        }
      }));
  return failure;
}

#define TANDEM_INSTANTIATE(T)                                                 \
  template absl::Status Gemm<T>(int64_t, int64_t, int64_t, Compute<T>,        \
                                MatrixRef<const T>, MatrixRef<const T>,       \
                                Compute<T>, MatrixRef<T>);                    \
  template absl::Status SerialGemm<T>(int64_t, int64_t, int64_t, Compute<T>,  \
                                      MatrixRef<const T>, MatrixRef<const T>, \
                                      Compute<T>, MatrixRef<T>, GemmSums);    \
  template absl::Status BatchedGemm<T>(int64_t, int64_t, int64_t, int64_t,    \
                                       Compute<T>, MatrixRef<const T>,        \
                                       int64_t, MatrixRef<const T>, int64_t,  \
                                       Compute<T>, MatrixRef<T>, int64_t);
TANDEM_INSTANTIATE(float)
TANDEM_INSTANTIATE(double)
TANDEM_INSTANTIATE(std::complex<float>)
TANDEM_INSTANTIATE(std::complex<double>)
TANDEM_INSTANTIATE(uint8_t)
TANDEM_INSTANTIATE(int8_t)
TANDEM_INSTANTIATE(int16_t)
TANDEM_INSTANTIATE(int32_t)
TANDEM_INSTANTIATE(int64_t)
TANDEM_INSTANTIATE(Half)
TANDEM_INSTANTIATE(BFloat16)
#undef TANDEM_INSTANTIATE

}  // namespace tandem::reference
