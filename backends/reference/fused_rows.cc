#include "tandem/backends/reference/fused_rows.h"

#include <cmath>

namespace tandem::reference {
namespace {

inline void Plain(int64_t n, float factor, const float* from, int64_t stride,
                  float* to) {
  for (int64_t i = 0; i < n; ++i) to[i] += factor * from[i * stride];
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void Fused(int64_t n, float factor,
                                               const float* from,
                                               int64_t stride, float* to) {
  if (stride == 1) {
    for (int64_t i = 0; i < n; ++i) {
      to[i] = __builtin_fmaf(factor, from[i], to[i]);
    }
  } else {
    for (int64_t i = 0; i < n; ++i) {
      to[i] = __builtin_fmaf(factor, from[i * stride], to[i]);
    }
  }
}
#endif

}  // namespace

void FusedAddRow(int64_t n, float factor, const float* from, int64_t stride,
                 float* to) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return Fused(n, factor, from, stride, to);
  }
#endif
  Plain(n, factor, from, stride, to);
}

}  // namespace tandem::reference
