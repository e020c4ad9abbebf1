// Special functions of real variables, in double.
#ifndef TANDEM_BACKENDS_REFERENCE_SPECIAL_MATH_H_
#define TANDEM_BACKENDS_REFERENCE_SPECIAL_MATH_H_

#include <cstdint>

namespace tandem::reference {

double LogGamma(double x);  // of |gamma|; thread-safe
double Digamma(double x);
double Trigamma(double x);
// Hurwitz: the sum of (q + k)^-x over k >= 0.
double HurwitzZeta(double x, double q);
double PolyGamma(int64_t n, double x);

// Regularized incomplete gamma functions, lower and upper.
double IncompleteGamma(double a, double x);
double IncompleteGammaUpper(double a, double x);

double ErfInverse(double y);
double ScaledErfc(double x);        // exp(x^2) erfc(x)
double NormalCdf(double x);         // ndtr
double LogNormalCdf(double x);      // log_ndtr
double NormalCdfInverse(double p);  // ndtri

// Modified Bessel functions; scaled: times exp(-|x|), of K times exp(x).
double BesselI0Scaled(double x);
double BesselI1Scaled(double x);
double BesselI0(double x);
double BesselI1(double x);
double BesselK0Scaled(double x);
double BesselK1Scaled(double x);
double BesselK0(double x);
double BesselK1(double x);
double SphericalBesselJ0(double x);
double AiryAi(double x);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_SPECIAL_MATH_H_
