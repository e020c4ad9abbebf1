// The gamma function's family.

#include <math.h>  // lgamma_r

#include <algorithm>
#include <cmath>
#include <limits>

#include "tandem/backends/reference/special_math.h"

namespace tandem::reference {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Bernoulli numbers B2, B4, … over (2k)!, the weights of Euler-Maclaurin.
constexpr double kBernoulli[] = {
    1.0 / 6,       -1.0 / 30, 1.0 / 42,      -1.0 / 30,     5.0 / 66,
    -691.0 / 2730, 7.0 / 6,   -3617.0 / 510, 43867.0 / 798, -174611.0 / 330};

// For q > 0.
double ZetaPositive(double x, double q) {
  double sum = 0;
  while (q < 12) {
    sum += std::pow(q, -x);
    q += 1;
  }
  // The rest by Euler-Maclaurin at q.
  const double power = std::pow(q, -x);
  sum += power * (q / (x - 1) + 0.5);
  double factor = x * power / q;  // x (x+1) … (x+2k-2) q^(-x-2k+1) / (2k)!
  double factorial = 2;
  for (int k = 0; k < 10; ++k) {
    const double term = kBernoulli[k] * factor / factorial;
    sum += term;
    if (std::fabs(term) < 1e-17 * std::fabs(sum)) break;
    factor *= (x + 2 * k + 1) * (x + 2 * k + 2) / (q * q);
    factorial *= (2 * k + 3) * (2 * k + 4);
  }
  return sum;
}

// P by its series, for x < a + 1.
double GammaSeries(double a, double x) {
  double term = 1 / a, sum = term;
  for (int64_t n = 1; n < 200000; ++n) {
    term *= x / (a + static_cast<double>(n));
    sum += term;
    if (term < sum * 1e-17) break;
  }
  return sum * std::exp(a * std::log(x) - x - LogGamma(a));
}

// Q by its continued fraction (Lentz), for x >= a + 1.
double GammaFraction(double a, double x) {
  constexpr double kTiny = 1e-300;
  double b = x + 1 - a, c = 1 / kTiny, d = 1 / b, h = d;
  for (int64_t i = 1; i < 200000; ++i) {
    const double n = static_cast<double>(i);
    const double an = -n * (n - a);
    b += 2;
    d = an * d + b;
    if (std::fabs(d) < kTiny) d = kTiny;
    c = b + an / c;
    if (std::fabs(c) < kTiny) c = kTiny;
    d = 1 / d;
    const double delta = d * c;
    h *= delta;
    if (std::fabs(delta - 1) < 1e-16) break;
  }
  return h * std::exp(a * std::log(x) - x - LogGamma(a));
}

}  // namespace

double LogGamma(double x) {
  int sign;
  return ::lgamma_r(x, &sign);
}

double Digamma(double x) {
  if (x == 0) return std::copysign(kInfinity, -x);
  double result = 0;
  if (x < 0) {
    if (x == std::trunc(x)) return kNan;
    // psi(x) = psi(1 - x) - pi / tan(pi x)
    double whole;
    const double fraction = std::modf(x, &whole);
    result = -kPi / std::tan(kPi * fraction);
    x = 1 - x;
  }
  while (x < 10) {
    result -= 1 / x;
    x += 1;
  }
  if (x == kInfinity) return kInfinity;
  const double z = 1 / (x * x);
  double series = 0;
  for (int k = 7; k >= 0; --k) {
    series = z * (series + kBernoulli[k] / (2 * (k + 1)));
  }
  return result + std::log(x) - 0.5 / x - series;
}

double HurwitzZeta(double x, double q) {
  if (std::isnan(x) || std::isnan(q)) return kNan;
  if (x == 1) return kInfinity;
  if (x < 1) return kNan;
  if (q <= 0) {
    if (q == std::floor(q)) return kInfinity;
    if (x != std::floor(x)) return kNan;
    // Negative terms -(r + j) mirror positive ones.
    const double count = std::ceil(-q);    // of the negative terms
    const double last = -(q + count - 1);  // the least magnitude
    const double sign = std::fmod(x, 2) == 0 ? 1 : -1;
    return sign * (ZetaPositive(x, last) - ZetaPositive(x, last + count)) +
           ZetaPositive(x, 1 - last);
  }
  if (q > 1e9) return (1 / (x - 1) + 1 / (2 * q)) * std::pow(q, 1 - x);
  return ZetaPositive(x, q);
}

double Trigamma(double x) {
  if (x == 0) return kInfinity;
  if (x < 0.5) {
    const double s = std::sin(kPi * x);
    return -Trigamma(1 - x) + kPi * kPi / (s * s);
  }
  return HurwitzZeta(2, x);
}

double PolyGamma(int64_t n, double x) {
  if (n == 0) return Digamma(x);
  if (n == 1) return Trigamma(x);
  const double order = static_cast<double>(n);
  return (n % 2 != 0 ? 1 : -1) * std::exp(LogGamma(order + 1)) *
         HurwitzZeta(order + 1, x);
}

double IncompleteGamma(double a, double x) {
  if (x < 0 || a < 0 || std::isnan(a) || std::isnan(x)) return kNan;
  if (a == 0) return x > 0 ? 1 : kNan;
  if (x == 0) return 0;
  if (std::isinf(a)) return std::isinf(x) ? kNan : 0;
  if (std::isinf(x)) return 1;
  return x < a + 1 ? GammaSeries(a, x) : 1 - GammaFraction(a, x);
}

double IncompleteGammaUpper(double a, double x) {
  if (x < 0 || a < 0 || std::isnan(a) || std::isnan(x)) return kNan;
  if (a == 0) return x > 0 ? 0 : kNan;
  if (x == 0) return 1;
  if (std::isinf(a)) return std::isinf(x) ? kNan : 1;
  if (std::isinf(x)) return 0;
  return x < a + 1 ? 1 - GammaSeries(a, x) : GammaFraction(a, x);
}

}  // namespace tandem::reference
