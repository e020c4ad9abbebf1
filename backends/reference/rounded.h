// Arithmetic of a 16-bit float type that is rounded after every operation, as
// PyTorch's kernels do that compute in the type of their elements.
#ifndef TANDEM_BACKENDS_REFERENCE_ROUNDED_H_
#define TANDEM_BACKENDS_REFERENCE_ROUNDED_H_

#include <cmath>

#include "tandem/tensor/half.h"

namespace tandem::reference {

// A value of R (Half or BFloat16), held as the float that it equals.
template <typename R>
struct Rounded {
  float value = 0;

  Rounded() = default;
  explicit Rounded(double v)
      : value(static_cast<float>(R(static_cast<float>(v)))) {}
  explicit operator float() const { return value; }
  explicit operator int64_t() const { return static_cast<int64_t>(value); }

  friend Rounded operator+(Rounded a, Rounded b) {
    return Of(a.value + b.value);
  }
  friend Rounded operator-(Rounded a, Rounded b) {
    return Of(a.value - b.value);
  }
  friend Rounded operator*(Rounded a, Rounded b) {
    return Of(a.value * b.value);
  }
  friend Rounded operator/(Rounded a, Rounded b) {
    return Of(a.value / b.value);
  }
  friend bool operator<(Rounded a, Rounded b) { return a.value < b.value; }
  friend bool operator>=(Rounded a, Rounded b) { return a.value >= b.value; }
  friend bool operator==(Rounded a, Rounded b) { return a.value == b.value; }

  friend Rounded floor(Rounded a) { return Of(std::floor(a.value)); }
  friend Rounded trunc(Rounded a) { return Of(std::trunc(a.value)); }
  friend Rounded nearbyint(Rounded a) { return Of(std::nearbyint(a.value)); }
  friend Rounded abs(Rounded a) { return Of(std::fabs(a.value)); }
  friend Rounded fmod(Rounded a, Rounded b) {
    return Of(std::fmod(a.value, b.value));
  }

 private:
  static Rounded Of(float v) {
    Rounded r;
    r.value = static_cast<float>(R(v));
    return r;
  }
};

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_ROUNDED_H_
