#include "tandem/backends/reference/normal_numbers.h"

#include <cstdint>
#include <cstring>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

// The loop over eight numbers becomes one of vectors where the processor fuses
// products and sums in one instruction. No other product may be fused: the bits
// are to be the same everywhere.
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("O3", "fp-contract=off", "no-math-errno", \
                     "no-trapping-math")
#endif
#define TANDEM_INLINE inline __attribute__((always_inline))

namespace tandem::reference {
namespace {

// a * b + c, rounded once.
TANDEM_INLINE float Fma(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}

// Of normal positive numbers.
TANDEM_INLINE float Log(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  float e = static_cast<float>((bits >> 23) - 0x7f) + 1.0f;
  bits = (bits & 0x007fffff) | 0x3f000000;  // the mantissa, in [0.5, 1)
  std::memcpy(&x, &bits, sizeof(x));
  const bool low = x < 0.707106781186547524f;
  const float twice = low ? x : 0.0f;
  x = x - 1.0f;
  e = e - (low ? 1.0f : 0.0f);
  x = x + twice;
  const float z = x * x;
  float y = Fma(7.0376836292E-2f, x, -1.1514610310E-1f);
  y = Fma(y, x, 1.1676998740E-1f);
  y = Fma(y, x, -1.2420140846E-1f);
  y = Fma(y, x, 1.4249322787E-1f);
  y = Fma(y, x, -1.6668057665E-1f);
  y = Fma(y, x, 2.0000714765E-1f);
  y = Fma(y, x, -2.4999993993E-1f);
  y = Fma(y, x, 3.3333331174E-1f);
  y = y * x;
  const float rest = e * -2.12194440e-4f;
  y = Fma(y, z, rest);
  y = Fma(-z, 0.5f, y);
  x = x + y;
  return Fma(e, 0.693359375f, x);
}

// x, its sign turned where bit 31 is set.
TANDEM_INLINE float WithSign(float x, uint32_t sign) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  bits ^= sign;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

// Of numbers that are not negative.
TANDEM_INLINE void SinCos(float x, float* sin, float* cos) {
  const float octant = x * 1.27323954473516f;  // 4 / pi
  const int32_t j = (static_cast<int32_t>(octant) + 1) & ~1;
  const float y = static_cast<float>(j);
  // pi / 4 in three parts.
  x = Fma(y, -0.78515625f, x);
  x = Fma(y, -2.4187564849853515625e-4f, x);
  x = Fma(y, -3.77489497744594108e-8f, x);
  const float z = x * x;
  float c = Fma(2.443315711809948E-005f, z, -1.388731625493765E-003f);
  c = Fma(c, z, 4.166664568298827E-002f);
  c = c * z;
  const float half = z * 0.5f;
  c = Fma(c, z, -half);
  c = c + 1.0f;
  float s = Fma(-1.9515295891E-4f, z, 8.3321608736E-3f);
  s = Fma(s, z, -1.6666654611E-1f);
  s = s * z;
  s = Fma(s, x, x);
  const bool straight = (j & 2) == 0;
  const float first = straight ? s : c, second = straight ? c : s;
  *sin = WithSign(first, static_cast<uint32_t>(j & 4) << 29);
  *cos = WithSign(second, static_cast<uint32_t>(~(j - 2) & 4) << 29);
}

// Without errno, which would be told of negative numbers.
TANDEM_INLINE float Sqrt(float x) {
#if defined(__SSE__)
  return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x)));
#else
  return __builtin_sqrtf(x);
#endif
}

TANDEM_INLINE void Compute(float* data, float mean, float std) {
  constexpr float kTwoPi = 6.28318530717958647692f;
  float radius[8], first[8], second[8];
  for (int i = 0; i < 8; ++i) radius[i] = -2.0f * Log(1.0f - data[i]);
  for (int i = 0; i < 8; ++i) radius[i] = Sqrt(radius[i]);
  for (int i = 0; i < 8; ++i) {
    float sin = 0, cos = 0;
    SinCos(kTwoPi * data[i + 8], &sin, &cos);
    first[i] = Fma(radius[i] * cos, std, mean);
    second[i] = Fma(radius[i] * sin, std, mean);
  }
  std::memcpy(data, first, sizeof(first));
  std::memcpy(data + 8, second, sizeof(second));
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("avx2,fma"))) void ComputeFused(float* data, float mean,
                                                      float std) {
  Compute(data, mean, std);
}
bool HasFused() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
void ComputeFused(float*, float, float) {}
bool HasFused() { return false; }
#endif

}  // namespace

void NormalNumbers16(float* data, float mean, float std) {
  if (HasFused()) {
    ComputeFused(data, mean, std);
  } else {
    Compute(data, mean, std);
  }
}

}  // namespace tandem::reference
