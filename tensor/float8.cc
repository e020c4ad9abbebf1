#include "tandem/tensor/float8.h"

#include <cmath>
#include <limits>

#include "tandem/tensor/half.h"

namespace tandem {
namespace {

struct Format {
  int mantissa_bits;
  int bias;
  bool has_infinity;   // E5M2
  bool unsigned_zero;  // FNUZ: 0x80 is NaN
};

Format FormatOf(DType dtype) {
  switch (dtype) {
    case DType::kFloat8E5M2:
      return {2, 15, true, false};
    case DType::kFloat8E4M3FN:
      return {3, 7, false, false};
    case DType::kFloat8E5M2FNUZ:
      return {2, 16, false, true};
    default:
      return {3, 8, false, true};
  }
}

}  // namespace

float Float8ToFloat(uint8_t bits, DType dtype) {
  if (dtype == DType::kFloat8E8M0FNU) {
    return bits == 0xff ? std::numeric_limits<float>::quiet_NaN()
                        : std::ldexp(1.0f, bits - 127);
  }
  const Format f = FormatOf(dtype);
  const float sign = (bits & 0x80) != 0 ? -1.0f : 1.0f;
  const int magnitude = bits & 0x7f;
  const int mantissa = magnitude & ((1 << f.mantissa_bits) - 1);
  const int exponent = magnitude >> f.mantissa_bits;
  if (f.unsigned_zero
          ? bits == 0x80
          : magnitude == 0x7f || (f.has_infinity && magnitude > 0x7c)) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  if (f.has_infinity && magnitude == 0x7c) {
    return sign * std::numeric_limits<float>::infinity();
  }
  if (exponent == 0) {
    return sign * std::ldexp(static_cast<float>(mantissa),
                             1 - f.bias - f.mantissa_bits);
  }
  return sign *
         std::ldexp(static_cast<float>(mantissa | (1 << f.mantissa_bits)),
                    exponent - f.bias - f.mantissa_bits);
}

uint8_t FloatToFloat8(float value, DType dtype) {
  const uint32_t bits = FloatBits(value);
  if (dtype == DType::kFloat8E8M0FNU) {
    const uint32_t exponent = (bits >> 23) & 0xff;
    if (exponent == 0xff) return 0xff;
    const bool half = (bits & 0x400000) != 0;
    const bool more = (bits & 0x3fffff) != 0 || exponent > 0;
    return static_cast<uint8_t>(exponent + (half && more ? 1 : 0));
  }
  const Format f = FormatOf(dtype);
  const uint8_t sign = static_cast<uint8_t>((bits >> 24) & 0x80);
  uint32_t a = bits & 0x7fffffffu;
  uint32_t result;
  // The first float that no longer rounds to a code of 7 bits.
  const uint32_t limit =
      f.unsigned_zero ? (f.mantissa_bits == 3 ? 0x43780000u : 0x47700000u)
                      : (f.mantissa_bits == 3 ? 1087u << 20 : 143u << 23);
  if (a >= limit) {
    if (f.unsigned_zero) return 0x80;
    result = f.has_infinity && a <= 0x7f800000u ? 0x7c : 0x7f;
  } else if (a < static_cast<uint32_t>(128 - f.bias) << 23) {
    // Adding this power of two puts the rounding where the last bit is.
    const uint32_t power =
        static_cast<uint32_t>(127 + 23 - f.mantissa_bits + 1 - f.bias) << 23;
    result = FloatBits(FloatFromBits(a) + FloatFromBits(power)) - power;
  } else {
    const int shift = 23 - f.mantissa_bits;
    const uint32_t odd = (a >> shift) & 1;
    a -= static_cast<uint32_t>(127 - f.bias) << 23;
    result = (a + ((1u << (shift - 1)) - 1) + odd) >> shift;
    if (f.unsigned_zero && result > 0x7f) return 0x80;
  }
  if (f.unsigned_zero && result == 0) return 0;
  return static_cast<uint8_t>(result) | sign;
}

}  // namespace tandem
