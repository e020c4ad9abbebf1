// Bessel and Airy functions.

#include <algorithm>
#include <cmath>
#include <limits>

#include "tandem/backends/reference/special_math.h"

namespace tandem::reference {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// I of order 0 or 1 times exp(-x), x >= 0: the power series (all terms
// positive), or the asymptotic one.
double ScaledI(int order, double x) {
  if (std::isnan(x)) return x;
  if (x <= 22) {
    const double z = x * x / 4;
    double term = order == 0 ? 1 : x / 2, sum = term;
    for (int k = 1; k < 200; ++k) {
      term *= z / (static_cast<double>(k) * (k + order));
      sum += term;
      if (term < sum * 1e-17) break;
    }
    return sum * std::exp(-x);
  }
  if (std::isinf(x)) return 0;
  const double mu = 4.0 * order * order;
  double term = 1, sum = 1;
  for (int k = 1; k < 40; ++k) {
    const double odd = 2 * k - 1;
    const double next = -term * (mu - odd * odd) / (8 * k * x);
    if (std::fabs(next) > std::fabs(term)) break;
    term = next;
    sum += term;
    if (std::fabs(term) < 1e-17) break;
  }
  return sum / std::sqrt(2 * kPi * x);
}

// K of order nu times exp(x): the integral of exp(-x (cosh t - 1)) cosh(nu t)
// by the trapezoidal rule, which converges exponentially here.
double ScaledK(double nu, double x) {
  if (std::isnan(x) || x < 0) return kNan;
  if (x == 0) return kInfinity;
  if (std::isinf(x)) return 0;
  const double end = std::acosh(1 + (45 + std::fabs(std::log(x)) * nu) / x);
  const int steps = static_cast<int>(std::max(128.0, end / 0.1));
  const double h = end / steps;
  double sum = 0.5;
  for (int i = 1; i <= steps; ++i) {
    const double t = h * i;
    const double s = std::sinh(t / 2);  // cosh t - 1 = 2 sinh^2(t / 2)
    sum += std::exp(-2 * x * s * s) * std::cosh(nu * t);
  }
  return sum * h;
}

}  // namespace

double BesselI0Scaled(double x) { return ScaledI(0, std::fabs(x)); }
double BesselI1Scaled(double x) {
  const double v = ScaledI(1, std::fabs(x));
  return x < 0 ? -v : v;
}
double BesselI0(double x) {
  const double a = std::fabs(x);
  // exp in two steps: the product may be finite where exp(x) is not.
  return BesselI0Scaled(x) * std::exp(a / 2) * std::exp(a / 2);
}
double BesselI1(double x) {
  const double a = std::fabs(x);
  return BesselI1Scaled(x) * std::exp(a / 2) * std::exp(a / 2);
}

double BesselK0Scaled(double x) { return ScaledK(0, x); }
double BesselK1Scaled(double x) { return ScaledK(1, x); }
double BesselK0(double x) { return ScaledK(0, x) * std::exp(-x); }
double BesselK1(double x) { return ScaledK(1, x) * std::exp(-x); }

double SphericalBesselJ0(double x) {
  if (std::isinf(x)) return 0;
  if (std::fabs(x) < 0.5) {
    const double z = x * x;
    return 1 -
           z / 6 *
               (1 - z / 20 *
                        (1 - z / 42 *
                                 (1 - z / 72 * (1 - z / 110 * (1 - z / 156)))));
  }
  return std::sin(x) / x;
}

double AiryAi(double x) {
  if (std::isnan(x)) return x;
  if (std::isinf(x)) return kNan;
  if (std::fabs(x) < 2) {
    // Two power series.
    constexpr double kC1 = 0.355028053887817239;
    constexpr double kC2 = 0.258819403792806798;
    double f = 1, g = x, f_term = 1, g_term = x;
    const double cube = x * x * x;
    for (int k = 1; k < 30; ++k) {
      f_term *= cube / ((3.0 * k - 1) * (3.0 * k));
      g_term *= cube / ((3.0 * k) * (3.0 * k + 1));
      f += f_term;
      g += g_term;
    }
    return kC1 * f - kC2 * g;
  }
  const double z = std::fabs(x);
  const double zeta = 2.0 / 3 * z * std::sqrt(z);
  if (x > 0) {
    return std::sqrt(x / 3) / kPi * ScaledK(1.0 / 3, zeta) * std::exp(-zeta);
  }
  if (zeta < 500) {
    // sqrt(z) / 3 (J_{1/3} + J_{-1/3})
    const double j = std::cyl_bessel_j(1.0 / 3, zeta);
    const double y = std::cyl_neumann(1.0 / 3, zeta);
    return std::sqrt(z) / 3 * (j * 1.5 - y * 0.86602540378443864676);
  }
  const double phase = std::fmod(zeta, 2 * kPi) + kPi / 4;
  const double w = 1 / zeta;
  const double p = 1 - 0.037133487654320987654 * w * w;
  const double q = 0.069444444444444444444 * w;
  return (std::sin(phase) * p - std::cos(phase) * q) /
         (std::sqrt(kPi) * std::sqrt(std::sqrt(z)));
}

}  // namespace tandem::reference
