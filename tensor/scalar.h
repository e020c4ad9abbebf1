// A number whose kind is known at run time: TorchScript's Scalar.
#ifndef TANDEM_TENSOR_SCALAR_H_
#define TANDEM_TENSOR_SCALAR_H_

#include <complex>
#include <cstdint>
#include <type_traits>

#include "tandem/tensor/dtype.h"

namespace tandem {

class Scalar {
 public:
  enum class Kind : uint8_t { kBool, kInt, kDouble, kComplex };

  Scalar() : Scalar(int64_t{0}) {}
  Scalar(bool b) : kind_(Kind::kBool), int_(b) {}         // NOLINT
  Scalar(int i) : Scalar(static_cast<int64_t>(i)) {}      // NOLINT
  Scalar(int64_t i) : kind_(Kind::kInt), int_(i) {}       // NOLINT
  Scalar(double d) : kind_(Kind::kDouble), double_(d) {}  // NOLINT
  Scalar(std::complex<double> c)                          // NOLINT
      : kind_(Kind::kComplex), double_(c.real()), imag_(c.imag()) {}

  Kind kind() const { return kind_; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_int() const { return kind_ == Kind::kInt; }
  bool is_double() const { return kind_ == Kind::kDouble; }
  bool is_complex() const { return kind_ == Kind::kComplex; }
  // Int or bool.
  bool is_integral() const { return kind_ <= Kind::kInt; }

  // Conversions as C's; of a complex number the real part. A double out of the
  // int64 range saturates, NaN gives 0 (never undefined behaviour).
  int64_t ToInt() const;
  double ToDouble() const {
    return is_integral() ? static_cast<double>(int_) : double_;
  }
  std::complex<double> ToComplex() const { return {ToDouble(), imag_}; }
  bool ToBool() const {
    return is_integral() ? int_ != 0 : (double_ != 0 || imag_ != 0);
  }

  // Conversion to an element type (int8_t …, Half, float, std::complex<float>);
  // integers wrap.
  template <typename T>
  T To() const {
    if constexpr (std::is_same_v<T, bool>) {
      return ToBool();
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(ToInt());
    } else if constexpr (std::is_same_v<T, double>) {
      return ToDouble();
    } else if constexpr (std::is_same_v<T, std::complex<double>>) {
      return ToComplex();
    } else if constexpr (std::is_same_v<T, std::complex<float>>) {
      return T(static_cast<float>(ToDouble()), static_cast<float>(imag_));
    } else {
      return T(static_cast<float>(ToDouble()));
    }
  }

  // bool, int64, float64 or complex128: the type of a 0-dim tensor of it.
  DType dtype() const;
  Scalar operator-() const;
  // Same value; kinds may differ (1 == 1.0).
  bool Equals(const Scalar& other) const {
    return is_integral() && other.is_integral()
               ? int_ == other.int_
               : ToComplex() == other.ToComplex();
  }

 private:
  Kind kind_;
  union {
    int64_t int_;
    double double_;
  };
  double imag_ = 0;
};

// A double as int64: saturating, NaN gives 0.
int64_t SaturatingToInt64(double d);

}  // namespace tandem

#endif  // TANDEM_TENSOR_SCALAR_H_
