#include "tandem/backends/reference/normal_numbers.h"

#include <cmath>
#include <cstdint>
#include <cstring>

namespace tandem::reference {
namespace {

// a * b + c, rounded once.
float Fma(float a, float b, float c) { return std::fma(a, b, c); }

// Of normal positive numbers.
float Log(float x) {
  int32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  float e = static_cast<float>((bits >> 23) - 0x7f) + 1.0f;
  bits = (bits & 0x007fffff) | 0x3f000000;  // the mantissa, in [0.5, 1)
  std::memcpy(&x, &bits, sizeof(x));
  const bool low = x < 0.707106781186547524f;
  const float twice = low ? x : 0.0f;
  x = x - 1.0f;
  if (low) e = e - 1.0f;
  x = x + twice;
  const float z = x * x;
  constexpr float kP[] = {
      7.0376836292E-2f,  -1.1514610310E-1f, 1.1676998740E-1f,
      -1.2420140846E-1f, 1.4249322787E-1f,  -1.6668057665E-1f,
      2.0000714765E-1f,  -2.4999993993E-1f, 3.3333331174E-1f};
  float y = kP[0];
  for (int i = 1; i < 9; ++i) y = Fma(y, x, kP[i]);
  y = y * x;
  const float rest = e * -2.12194440e-4f;
  y = Fma(y, z, rest);
  y = Fma(-z, 0.5f, y);
  x = x + y;
  return Fma(e, 0.693359375f, x);
}

// Of numbers that are not negative.
void SinCos(float x, float* sin, float* cos) {
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
  *sin = (j & 4) != 0 ? -first : first;
  *cos = (~(j - 2) & 4) != 0 ? -second : second;
}

}  // namespace

void NormalNumbers16(float* data, float mean, float std) {
  constexpr float kTwoPi = 6.28318530717958647692f;
  for (int i = 0; i < 8; ++i) {
    const float u = 1.0f - data[i];
    const float product = -2.0f * Log(u);
    const float radius = std::sqrt(product);
    float sin = 0, cos = 0;
    SinCos(kTwoPi * data[i + 8], &sin, &cos);
    const float a = radius * cos, b = radius * sin;
    data[i] = Fma(a, std, mean);
    data[i + 8] = Fma(b, std, mean);
  }
}

}  // namespace tandem::reference
