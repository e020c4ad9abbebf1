// Functions of real numbers whose float versions round as PyTorch's vectorised
// loops do. For double (and complex) they are the standard library's.
#ifndef TANDEM_BACKENDS_REFERENCE_FLOAT_FUNCTIONS_H_
#define TANDEM_BACKENDS_REFERENCE_FLOAT_FUNCTIONS_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace tandem::reference {

// a * b + c, rounded (all but) once, on any processor.
inline float FusedAdd(float a, float b, float c) {
  return static_cast<float>(static_cast<double>(a) * b + c);
}

// exp within 1 ulp: the argument is reduced by a multiple of log 2 in two
// parts, the rest is a polynomial of degree 6 in fused multiply-adds. This is
// what sigmoid, silu, softmax and others use there; exp itself rounds better.
inline float LaneExp(float x) {
  if (!(x >= -104.0f)) return x != x ? x : 0.0f;
  if (x > 100.0f) return HUGE_VALF;
  const float n = std::nearbyint(x * 1.44269504088896340736f);
  float r = FusedAdd(n, -0.693145751953125f, x);
  r = FusedAdd(n, -1.428606765330187045e-06f, r);
  float p = 0.000198527617612853646f;
  p = FusedAdd(p, r, 0.00139304355252534151f);
  p = FusedAdd(p, r, 0.00833336077630519867f);
  p = FusedAdd(p, r, 0.0416664853692054749f);
  p = FusedAdd(p, r, 0.16666667163372039795f);
  p = FusedAdd(p, r, 0.5f);
  p = 1.0f + FusedAdd(r * r, p, r);
  // 2^n in two factors, of which each is a normal number.
  const int32_t exponent = static_cast<int32_t>(n), half = exponent >> 1;
  const auto power = [](int32_t e) {
    const uint32_t bits = static_cast<uint32_t>(e + 127) << 23;
    float result;
    std::memcpy(&result, &bits, sizeof(result));
    return result;
  };
  return p * power(half) * power(exponent - half);
}

template <typename T>
T LaneExp(T x) {
  return std::exp(x);
}

// These round correctly there in nearly all cases: computed in double.
#define TANDEM_ROUNDED(Name, function)                             \
  template <typename T>                                            \
  T Name(T x) {                                                    \
    if constexpr (std::is_same_v<T, float>) {                      \
      return static_cast<float>(function(static_cast<double>(x))); \
    } else {                                                       \
      return function(x);                                          \
    }                                                              \
  }
TANDEM_ROUNDED(RoundedTanh, std::tanh)
TANDEM_ROUNDED(RoundedAtanh, std::atanh)
TANDEM_ROUNDED(RoundedErf, std::erf)
TANDEM_ROUNDED(RoundedLog1p, std::log1p)
TANDEM_ROUNDED(RoundedExpm1, std::expm1)
TANDEM_ROUNDED(RoundedLog, std::log)
TANDEM_ROUNDED(RoundedLog2, std::log2)
TANDEM_ROUNDED(RoundedLog10, std::log10)
#undef TANDEM_ROUNDED

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_FLOAT_FUNCTIONS_H_
