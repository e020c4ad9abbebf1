#include "tandem/backends/onednn/row_product.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tandem::onednn {
namespace {

// How far ahead to fetch, in floats: a page.
constexpr int64_t kAhead = 1024;

float Dot(const float* x, const float* w, int64_t n) {
  constexpr int kSums = 16;
  float sums[kSums] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int k = 0; k < kSums; ++k) sums[k] += x[i + k] * w[i + k];
  }
  float sum = 0;
  for (; i < n; ++i) sum += x[i] * w[i];
  for (float s : sums) sum += s;
  return sum;
}

#if defined(__x86_64__)

__attribute__((target("avx512f"))) float Dot512(const float* x, const float* w,
                                                int64_t n) {
  __m512 a = _mm512_setzero_ps(), b = a, c = a, d = a;
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    for (int k = 0; k < 64; k += 16) {
      _mm_prefetch(reinterpret_cast<const char*>(w + i + k + kAhead),
                   _MM_HINT_T0);
    }
    a = _mm512_fmadd_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(w + i), a);
    b = _mm512_fmadd_ps(_mm512_loadu_ps(x + i + 16),
                        _mm512_loadu_ps(w + i + 16), b);
    c = _mm512_fmadd_ps(_mm512_loadu_ps(x + i + 32),
                        _mm512_loadu_ps(w + i + 32), c);
    d = _mm512_fmadd_ps(_mm512_loadu_ps(x + i + 48),
                        _mm512_loadu_ps(w + i + 48), d);
  }
  for (; i < n; i += 16) {
    const __mmask16 live =
        n - i >= 16 ? 0xffff : static_cast<__mmask16>((1u << (n - i)) - 1);
    a = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(live, x + i),
                        _mm512_maskz_loadu_ps(live, w + i), a);
  }
  float lanes[16];
  _mm512_storeu_ps(lanes,
                   _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)));
  float sum = 0;
  for (float l : lanes) sum += l;
  return sum;
}

__attribute__((target("avx2,fma"))) float Dot256(const float* x, const float* w,
                                                 int64_t n) {
  __m256 sums[8];
  for (__m256& s : sums) s = _mm256_setzero_ps();
  int64_t i = 0;
  for (; i + 64 <= n; i += 64) {
    for (int k = 0; k < 64; k += 16) {
      _mm_prefetch(reinterpret_cast<const char*>(w + i + k + kAhead),
                   _MM_HINT_T0);
    }
    for (int k = 0; k < 8; ++k) {
      sums[k] = _mm256_fmadd_ps(_mm256_loadu_ps(x + i + 8 * k),
                                _mm256_loadu_ps(w + i + 8 * k), sums[k]);
    }
  }
  for (int k = 4; k > 0; k /= 2) {
    for (int j = 0; j < k; ++j) {
      sums[j] = _mm256_add_ps(sums[j], sums[j + k]);
    }
  }
  float lanes[8];
  _mm256_storeu_ps(lanes, sums[0]);
  float sum = 0;
  for (; i < n; ++i) sum += x[i] * w[i];
  for (float l : lanes) sum += l;
  return sum;
}

#endif

using DotFunction = float (*)(const float*, const float*, int64_t);

DotFunction BestDot() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return &Dot512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    return &Dot256;
  }
#endif
  return &Dot;
}

}  // namespace

void RowProduct(const float* x, const float* w, int64_t rows, int64_t length,
                int64_t stride, const float* bias, int64_t bias_step,
                float* y) {
  const DotFunction dot = BestDot();
  for (int64_t i = 0; i < rows; ++i) {
    const float sum = dot(x, w + i * stride, length);
    y[i] = bias == nullptr ? sum : sum + bias[i * bias_step];
  }
}

}  // namespace tandem::onednn
