// Element conversions with PyTorch's rules and without undefined behaviour.
#ifndef TANDEM_TENSOR_CONVERT_H_
#define TANDEM_TENSOR_CONVERT_H_

#include <complex>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "tandem/tensor/visit.h"

namespace tandem {

// A float or double as an integer: truncated; out of range and NaN give what
// x86 does (the least value of a wide type, its low bits for a narrow one).
template <typename To, typename From>
inline To TruncateToInteger(From f) {
  if constexpr (std::is_same_v<To, int64_t>) {
    return f >= From(-0x1p63) && f < From(0x1p63)
               ? static_cast<int64_t>(f)
               : std::numeric_limits<int64_t>::min();
  } else if constexpr (std::is_same_v<To, uint64_t>) {
    return f >= From(0x1p63) && f < From(0x1p64)
               ? static_cast<uint64_t>(f)
               : static_cast<uint64_t>(TruncateToInteger<int64_t>(f));
  } else if constexpr (std::is_signed_v<To>) {
    const double d = static_cast<double>(f);
    return static_cast<To>(d > -2147483649.0 && d < 2147483648.0
                               ? static_cast<int32_t>(d)
                               : std::numeric_limits<int32_t>::min());
  } else {
    return static_cast<To>(TruncateToInteger<int64_t>(f));
  }
}

// From an element (or a computed value) to an element of another type: floats
// truncate to integers, integers wrap, complex keeps the real part, anything
// to bool is != 0.
template <typename To, typename From>
inline To ConvertElement(From v) {
  if constexpr (std::is_same_v<To, From>) {
    return v;
  } else if constexpr (std::is_same_v<From, Half> ||
                       std::is_same_v<From, BFloat16>) {
    return ConvertElement<To>(static_cast<float>(v));
  } else if constexpr (std::is_same_v<From, ComplexHalf>) {
    return ConvertElement<To>(static_cast<std::complex<float>>(v));
  } else if constexpr (std::is_same_v<To, ComplexHalf>) {
    return ComplexHalf(ConvertElement<std::complex<float>>(v));
  } else if constexpr (kIsComplex<From>) {
    if constexpr (std::is_same_v<To, bool>) {
      return v.real() != 0 || v.imag() != 0;
    } else if constexpr (kIsComplex<To>) {
      return To(static_cast<typename To::value_type>(v.real()),
                static_cast<typename To::value_type>(v.imag()));
    } else {
      return ConvertElement<To>(v.real());
    }
  } else if constexpr (std::is_same_v<To, bool>) {
    return v != From(0);
  } else if constexpr (kIsComplex<To>) {
    return To(static_cast<typename To::value_type>(v), 0);
  } else if constexpr (std::is_integral_v<To> &&
                       std::is_floating_point_v<From>) {
    return TruncateToInteger<To>(v);
  } else if constexpr (std::is_same_v<To, Half> ||
                       std::is_same_v<To, BFloat16>) {
    return To(static_cast<float>(v));
  } else {
    return static_cast<To>(v);
  }
}

}  // namespace tandem

#endif  // TANDEM_TENSOR_CONVERT_H_
