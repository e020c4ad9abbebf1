#include "tandem/backends/reference/gemm_kernels.h"

namespace tandem::reference {
namespace {

// One set of loops. GCC lowers vector types before it inlines, so each function
// carries its target itself; with constant bounds the loops over rows and
// vectors unroll and `acc` stays in registers.
#define TANDEM_GEMM_SET(SUFFIX, T, ATTRIBUTE, LANES, ROWS, VECTORS)            \
  typedef T Vec##SUFFIX __attribute__((vector_size(LANES * sizeof(T)),         \
                                       aligned(sizeof(T)), may_alias));        \
  ATTRIBUTE void Tile##SUFFIX(int64_t k, const T* a, const T* b, T* tile) {    \
    Vec##SUFFIX acc[ROWS][VECTORS] = {};                                       \
    for (int64_t p = 0; p < k; ++p) {                                          \
      Vec##SUFFIX bv[VECTORS];                                                 \
      _Pragma("GCC unroll 8") for (int v = 0; v < VECTORS; ++v) {              \
        bv[v] = *reinterpret_cast<const Vec##SUFFIX*>(b + v * LANES);          \
      }                                                                        \
      _Pragma("GCC unroll 16") for (int r = 0; r < ROWS; ++r) {                \
        const T x = a[r];                                                      \
        _Pragma("GCC unroll 8") for (int v = 0; v < VECTORS; ++v) {            \
          acc[r][v] += x * bv[v];                                              \
        }                                                                      \
      }                                                                        \
      a += ROWS;                                                               \
      b += VECTORS * LANES;                                                    \
    }                                                                          \
    _Pragma("GCC unroll 16") for (int r = 0; r < ROWS; ++r) {                  \
      _Pragma("GCC unroll 8") for (int v = 0; v < VECTORS; ++v) {              \
        *reinterpret_cast<Vec##SUFFIX*>(tile + (r * VECTORS + v) * LANES) =    \
            acc[r][v];                                                         \
      }                                                                        \
    }                                                                          \
  }                                                                            \
  ATTRIBUTE void DotRows##SUFFIX(int64_t n, int64_t k, const T* x, const T* b, \
                                 int64_t ldb, T* out) {                        \
    int64_t j = 0;                                                             \
    for (; j + 4 <= n; j += 4, b += 4 * ldb) {                                 \
      Vec##SUFFIX acc[4] = {};                                                 \
      int64_t p = 0;                                                           \
      for (; p + LANES <= k; p += LANES) {                                     \
        const Vec##SUFFIX xv = *reinterpret_cast<const Vec##SUFFIX*>(x + p);   \
        _Pragma("GCC unroll 4") for (int r = 0; r < 4; ++r) {                  \
          acc[r] +=                                                            \
              xv * *reinterpret_cast<const Vec##SUFFIX*>(b + r * ldb + p);     \
        }                                                                      \
      }                                                                        \
      T sums[4] = {};                                                          \
      if (p != 0) {                                                            \
        _Pragma("GCC unroll 4") for (int r = 0; r < 4; ++r) {                  \
          for (int l = 0; l < LANES; ++l) sums[r] += acc[r][l];                \
        }                                                                      \
      }                                                                        \
      for (; p < k; ++p) {                                                     \
        const T xp = x[p];                                                     \
        for (int r = 0; r < 4; ++r) sums[r] += xp * b[r * ldb + p];            \
      }                                                                        \
      for (int r = 0; r < 4; ++r) out[j + r] = sums[r];                        \
    }                                                                          \
    for (; j < n; ++j, b += ldb) {                                             \
      Vec##SUFFIX acc = {};                                                    \
      int64_t p = 0;                                                           \
      for (; p + LANES <= k; p += LANES) {                                     \
        acc += *reinterpret_cast<const Vec##SUFFIX*>(x + p) *                  \
               *reinterpret_cast<const Vec##SUFFIX*>(b + p);                   \
      }                                                                        \
      T sum = 0;                                                               \
      if (p != 0) {                                                            \
        for (int l = 0; l < LANES; ++l) sum += acc[l];                         \
      }                                                                        \
      for (; p < k; ++p) sum += x[p] * b[p];                                   \
      out[j] = sum;                                                            \
    }                                                                          \
  }                                                                            \
  ATTRIBUTE void SumRows##SUFFIX(int64_t n, int64_t k, const T* x,             \
                                 int64_t incx, const T* b, int64_t ldb,        \
                                 T* out) {                                     \
    int64_t j = 0;                                                             \
    for (; j + 4 * LANES <= n; j += 4 * LANES) {                               \
      Vec##SUFFIX acc[4] = {};                                                 \
      for (int64_t p = 0; p < k; ++p) {                                        \
        const T xp = x[p * incx];                                              \
        const T* row = b + p * ldb + j;                                        \
        _Pragma("GCC unroll 4") for (int v = 0; v < 4; ++v) {                  \
          acc[v] +=                                                            \
              xp * *reinterpret_cast<const Vec##SUFFIX*>(row + v * LANES);     \
        }                                                                      \
      }                                                                        \
      _Pragma("GCC unroll 4") for (int v = 0; v < 4; ++v) {                    \
        *reinterpret_cast<Vec##SUFFIX*>(out + j + v * LANES) = acc[v];         \
      }                                                                        \
    }                                                                          \
    for (; j + LANES <= n; j += LANES) {                                       \
      Vec##SUFFIX acc = {};                                                    \
      for (int64_t p = 0; p < k; ++p) {                                        \
        acc += x[p * incx] *                                                   \
               *reinterpret_cast<const Vec##SUFFIX*>(b + p * ldb + j);         \
      }                                                                        \
      *reinterpret_cast<Vec##SUFFIX*>(out + j) = acc;                          \
    }                                                                          \
    for (; j < n; ++j) {                                                       \
      T sum = 0;                                                               \
      for (int64_t p = 0; p < k; ++p) sum += x[p * incx] * b[p * ldb + j];     \
      out[j] = sum;                                                            \
    }                                                                          \
  }                                                                            \
  constexpr GemmKernels<T> kSet##SUFFIX = {ROWS, VECTORS * LANES,              \
                                           &Tile##SUFFIX, &DotRows##SUFFIX,    \
                                           &SumRows##SUFFIX};

#if defined(__x86_64__)
#define TANDEM_AVX512 __attribute__((target("avx512f,avx512vl,avx2,fma")))
#define TANDEM_AVX2 __attribute__((target("avx2,fma")))
TANDEM_GEMM_SET(F512, float, TANDEM_AVX512, 16, 12, 2)
TANDEM_GEMM_SET(D512, double, TANDEM_AVX512, 8, 12, 2)
TANDEM_GEMM_SET(F256, float, TANDEM_AVX2, 8, 6, 2)
TANDEM_GEMM_SET(D256, double, TANDEM_AVX2, 4, 6, 2)
#endif
// 16-byte vectors are in every processor that we run on.
TANDEM_GEMM_SET(F128, float, , 4, 4, 2)
TANDEM_GEMM_SET(D128, double, , 2, 4, 2)

#undef TANDEM_GEMM_SET

}  // namespace

template <>
const GemmKernels<float>& BestGemmKernels<float>() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    return kSetF512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return kSetF256;
  }
#endif
  return kSetF128;
}

template <>
const GemmKernels<double>& BestGemmKernels<double>() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl")) {
    return kSetD512;
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return kSetD256;
  }
#endif
  return kSetD128;
}

}  // namespace tandem::reference
