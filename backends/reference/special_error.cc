// The error function's family.

#include <algorithm>
#include <cmath>
#include <limits>

#include "tandem/backends/reference/special_math.h"

namespace tandem::reference {
namespace {

constexpr double kSqrt2 = 1.41421356237309504880;
constexpr double kSqrtPi = 1.77245385090551602730;
constexpr double kSqrt2Pi = 2.50662827463100050242;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

double ErfInverse(double y) {
  const double a = std::fabs(y);
  if (a == 1) return std::copysign(kInfinity, y);
  if (!(a < 1)) return kNan;
  if (a == 0) return y;
  // Winitzki's approximation, then Halley's steps.
  constexpr double kA = 0.147, kTwoOverPiA = 2 / (3.14159265358979323846 * kA);
  const double l = std::log1p(-a * a);
  const double t = kTwoOverPiA + l / 2;
  double x = std::sqrt(std::sqrt(t * t - l / kA) - t);
  for (int i = 0; i < 3; ++i) {
    const double f = a < 0.5 ? std::erf(x) - a : (1 - a) - std::erfc(x);
    const double u = f / (2 / kSqrtPi * std::exp(-x * x));
    x -= u / (1 + x * u);
  }
  return std::copysign(x, y);
}

double ScaledErfc(double x) {
  if (std::isnan(x)) return x;
  if (x < 0) {
    return x < -26.7 ? kInfinity : 2 * std::exp(x * x) - ScaledErfc(-x);
  }
  if (x < 20) {
    // exp(x^2) of the exact square: its error would count x^2 times.
    const double high = x * x, low = std::fma(x, x, -high);
    return std::exp(high) * std::erfc(x) * (1 + low);
  }
  if (x > 1e8) return 1 / (kSqrtPi * x);
  const double z = 1 / (2 * x * x);
  double term = 1, sum = 1;
  for (int k = 1; k < 12; ++k) {
    term *= -(2 * k - 1) * z;
    sum += term;
  }
  return sum / (kSqrtPi * x);
}

double NormalCdf(double x) { return 0.5 * std::erfc(-x / kSqrt2); }

double LogNormalCdf(double x) {
  if (x < -1) {
    return std::log(ScaledErfc(-x / kSqrt2) / 2) - x * x / 2;
  }
  return std::log1p(-std::erfc(x / kSqrt2) / 2);
}

double NormalCdfInverse(double p) {
  if (p == 0) return -kInfinity;
  if (p == 1) return kInfinity;
  if (!(p > 0 && p < 1)) return kNan;
  if (p == 0.5) return 0;
  const bool upper = p > 0.5;
  const double q = upper ? 1 - p : p;
  if (upper && q > 0.25) return kSqrt2 * ErfInverse(2 * p - 1);
  if (!upper && q > 0.25) return -kSqrt2 * ErfInverse(1 - 2 * p);
  // An approximation of the tail, then Halley's steps.
  const double t = std::sqrt(-2 * std::log(q));
  double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (int i = 0; i < 3; ++i) {
    // (cdf(x) - q) / density(x), without underflow of the density.
    const double scaled = 0.5 * ScaledErfc(-x / kSqrt2);
    const double ratio = q * std::exp(x * x / 2);
    const double u = std::isfinite(ratio) ? (scaled - ratio) * kSqrt2Pi : 0;
    x -= u / (1 + x * u / 2);
  }
  return upper ? -x : x;
}

}  // namespace tandem::reference
