// The parts of the pointwise family, one file each, and what they share.
#ifndef TANDEM_BACKENDS_REFERENCE_POINTWISE_H_
#define TANDEM_BACKENDS_REFERENCE_POINTWISE_H_

#include <optional>

#include "absl/status/statusor.h"
#include "tandem/backends/reference/loops.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

void AddPointwiseMath(MatchingRegistrar& r);   // exp, log, sin, …
void AddPointwiseRound(MatchingRegistrar& r);  // abs, sign, floor, isnan, …
void AddPointwiseArithmetic(MatchingRegistrar& r);  // add, mul, div, pow, …
void AddPointwiseInteger(MatchingRegistrar& r);     // bitwise, shifts, gcd
void AddPointwiseBinary(MatchingRegistrar& r);      // atan2, hypot, lerp, …
void AddPointwiseCompare(MatchingRegistrar& r);     // eq, maximum, logical, …
void AddPointwiseClamp(MatchingRegistrar& r);       // clamp, nan_to_num
void AddPointwiseSelect(MatchingRegistrar& r);      // where, masked_fill, fill
void AddPointwiseActivation(MatchingRegistrar& r);  // relu, gelu, softplus, …
void AddPointwiseComplex(MatchingRegistrar& r);     // complex, polar, angle
void AddPointwiseSpecial(MatchingRegistrar& r);  // lgamma, erfinv, bessel, …
void AddPointwisePolynomial(MatchingRegistrar& r);  // chebyshev, hermite, …

// Operators that other operators are made of.
absl::StatusOr<Tensor> Add(const Input& a, const Input& b);
absl::StatusOr<Tensor> Sub(const Input& a, const Input& b);
absl::StatusOr<Tensor> Mul(const Input& a, const Input& b);
absl::StatusOr<Tensor> Div(const Input& a, const Input& b);
// Elements that equal themselves: all but NaN.
absl::StatusOr<Tensor> EqualSelf(const Tensor& self);
absl::StatusOr<Tensor> Clamp(Target target, const Tensor& self,
                             const std::optional<Scalar>& min,
                             const std::optional<Scalar>& max);

absl::StatusOr<Tensor> MaskedFillOf(const Tensor& self, const Tensor& mask,
                                    const Scalar& value);
absl::StatusOr<Tensor> LeakyRelu(Target target, const Tensor& self,
                                 const Scalar& slope);

// A complex division without overflow in between.
template <typename T>
T DivideComplex(T a, T b) {
  using R = typename T::value_type;
  const R c = b.real(), d = b.imag();
  const R abs_c = c < 0 ? -c : c, abs_d = d < 0 ? -d : d;
  if (abs_c >= abs_d) {
    if (abs_c == 0 && abs_d == 0) {
      return T(a.real() / abs_c, a.imag() / abs_d);
    }
    const R ratio = d / c, scale = R(1) / (c + d * ratio);
    return T((a.real() + a.imag() * ratio) * scale,
             (a.imag() - a.real() * ratio) * scale);
  }
  const R ratio = c / d, scale = R(1) / (c * ratio + d);
  return T((a.real() * ratio + a.imag()) * scale,
           (a.imag() * ratio - a.real()) * scale);
}

template <typename T>
T Divide(T a, T b) {
  if constexpr (kIsComplex<T>) {
    return DivideComplex(a, b);
  } else {
    return a / b;
  }
}

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_POINTWISE_H_
