// 16-bit floating point elements. Arithmetic is done in float and rounded to
// nearest even once, as PyTorch's CPU kernels do.
#ifndef TANDEM_TENSOR_HALF_H_
#define TANDEM_TENSOR_HALF_H_

#include <complex>
#include <cstdint>
#include <cstring>

namespace tandem {

inline uint32_t FloatBits(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  return u;
}

inline float FloatFromBits(uint32_t u) {
  float f;
  std::memcpy(&f, &u, 4);
  return f;
}

inline float HalfToFloat(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  const uint32_t exponent = (h >> 10) & 0x1f;
  const uint32_t mantissa = h & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: exact in float
    const float m = static_cast<float>(mantissa) * 5.9604644775390625e-08f;
    return FloatFromBits(FloatBits(m) | sign);
  }
  if (exponent == 31)
    return FloatFromBits(sign | 0x7f800000u | (mantissa << 13));
  return FloatFromBits(sign | ((exponent + 112) << 23) | (mantissa << 13));
}

inline uint16_t FloatToHalf(float f) {
  const uint32_t u = FloatBits(f);
  const uint16_t sign = static_cast<uint16_t>((u >> 16) & 0x8000u);
  const uint32_t a = u & 0x7fffffffu;
  if (a > 0x7f800000u) return sign | 0x7e00u | ((a >> 13) & 0x1ffu);
  if (a >= 0x477ff000u) return sign | 0x7c00u;  // rounds to infinity
  if (a < 0x38800000u) {                        // subnormal half, or zero
    // Adding 0.5 puts the rounding where the half's last bit is.
    const float m = FloatFromBits(a) + 0.5f;
    return static_cast<uint16_t>(sign | (FloatBits(m) - 0x3f000000u));
  }
  const uint32_t odd = (a >> 13) & 1;
  return static_cast<uint16_t>(sign | ((a - 0x38000000u + 0xfffu + odd) >> 13));
}

inline uint16_t FloatToBFloat16(float f) {
  const uint32_t u = FloatBits(f);
  if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fc0;
  return static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1)) >> 16);
}

struct Half {
  uint16_t bits = 0;
  Half() = default;
  Half(float f) : bits(FloatToHalf(f)) {}  // NOLINT: as the built-in types
  static Half FromBits(uint16_t b) {
    Half h;
    h.bits = b;
    return h;
  }
  operator float() const { return HalfToFloat(bits); }  // NOLINT
};

struct BFloat16 {
  uint16_t bits = 0;
  BFloat16() = default;
  BFloat16(float f) : bits(FloatToBFloat16(f)) {}  // NOLINT
  static BFloat16 FromBits(uint16_t b) {
    BFloat16 h;
    h.bits = b;
    return h;
  }
  operator float() const {  // NOLINT
    return FloatFromBits(static_cast<uint32_t>(bits) << 16);
  }
};

// complex32: data only, computed in complex64.
struct ComplexHalf {
  Half real, imag;
  ComplexHalf() = default;
  ComplexHalf(std::complex<float> c)
      : real(c.real()), imag(c.imag()) {}                        // NOLINT
  operator std::complex<float>() const { return {real, imag}; }  // NOLINT
};

}  // namespace tandem

#endif  // TANDEM_TENSOR_HALF_H_
