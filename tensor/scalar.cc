#include "tandem/tensor/scalar.h"

#include <cmath>
#include <limits>

namespace tandem {

int64_t SaturatingToInt64(double d) {
  if (std::isnan(d)) return 0;
  if (d >= 9223372036854775808.0) return std::numeric_limits<int64_t>::max();
  if (d < -9223372036854775808.0) return std::numeric_limits<int64_t>::min();
  return static_cast<int64_t>(d);
}

int64_t Scalar::ToInt() const {
  return is_integral() ? int_ : SaturatingToInt64(double_);
}

DType Scalar::dtype() const {
  switch (kind_) {
    case Kind::kBool:
      return DType::kBool;
    case Kind::kInt:
      return DType::kInt64;
    case Kind::kDouble:
      return DType::kDouble;
    case Kind::kComplex:
      return DType::kComplexDouble;
  }
  return DType::kUndefined;
}

Scalar Scalar::operator-() const {
  switch (kind_) {
    case Kind::kBool:
    case Kind::kInt:
      return Scalar(static_cast<int64_t>(-static_cast<uint64_t>(int_)));
    case Kind::kDouble:
      return Scalar(-double_);
    case Kind::kComplex:
      return Scalar(-ToComplex());
  }
  return *this;
}

}  // namespace tandem
