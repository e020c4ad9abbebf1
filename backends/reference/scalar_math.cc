// Mathematical functions of numbers (math.* and torch.* on Python numbers).
#include <cmath>
#include <complex>
#include <string>
#include <tuple>

#include "absl/strings/str_format.h"
#include "tandem/backends/reference/scalar.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Complex = std::complex<double>;

// PyTorch gives what a function of a Scalar makes as a C float (or a C int),
// other than the same function of an int or a float.
Scalar Narrow(double d) {
  return Scalar(static_cast<double>(static_cast<float>(d)));
}
Scalar NarrowInt(int64_t i) {
  return Scalar(static_cast<int64_t>(static_cast<int32_t>(i)));
}
absl::Status NoComplex() {
  return absl::InvalidArgumentError("this operator takes no complex numbers");
}

// Overloads of a function F: Of(double), and Of(Complex) where there is one.
template <typename F>
double OfInt(int64_t a) {
  return F::Of(static_cast<double>(a));
}
template <typename F>
double OfFloat(double a) {
  return F::Of(a);
}
template <typename F>
absl::StatusOr<Scalar> OfScalar(const Scalar& a) {
  if (a.is_complex()) return NoComplex();
  return Narrow(F::Of(a.ToDouble()));
}
template <typename F>
Complex OfComplex(Complex a) {
  return F::Of(a);
}
template <typename F>
Scalar OfAnyScalar(const Scalar& a) {
  if (a.is_complex()) return F::Of(a.ToComplex());
  return Narrow(F::Of(a.ToDouble()));
}

template <typename F>
void AddReal(KernelRegistrar& r, const std::string& op) {
  r.Add(op + ".int", &OfInt<F>)
      .Add(op + ".float", &OfFloat<F>)
      .Add(op + ".Scalar", &OfScalar<F>);
}
template <typename F>
void AddReal(KernelRegistrar& r) {
  AddReal<F>(r, F::kName);
}
template <typename F>
void AddComplex(KernelRegistrar& r) {
  const std::string op = F::kName;
  r.Add(op + ".int", &OfInt<F>)
      .Add(op + ".float", &OfFloat<F>)
      .Add(op + ".complex", &OfComplex<F>)
      .Add(op + ".Scalar", &OfAnyScalar<F>);
}

#define TANDEM_MATH(Name, op, function)                \
  struct Name {                                        \
    static constexpr char kName[] = op;                \
    static double Of(double a) { return function(a); } \
  };
#define TANDEM_COMPLEX_MATH(Name, op, function)          \
  struct Name {                                          \
    static constexpr char kName[] = op;                  \
    static double Of(double a) { return function(a); }   \
    static Complex Of(Complex a) { return function(a); } \
  };
TANDEM_COMPLEX_MATH(Acos, "aten::acos", std::acos)
TANDEM_COMPLEX_MATH(Acosh, "aten::acosh", std::acosh)
TANDEM_COMPLEX_MATH(Asin, "aten::asin", std::asin)
TANDEM_COMPLEX_MATH(Asinh, "aten::asinh", std::asinh)
TANDEM_COMPLEX_MATH(Atan, "aten::atan", std::atan)
TANDEM_COMPLEX_MATH(Atanh, "aten::atanh", std::atanh)
TANDEM_COMPLEX_MATH(Cos, "aten::cos", std::cos)
TANDEM_COMPLEX_MATH(Cosh, "aten::cosh", std::cosh)
TANDEM_COMPLEX_MATH(Exp, "aten::exp", std::exp)
TANDEM_COMPLEX_MATH(Log, "aten::log", std::log)
TANDEM_COMPLEX_MATH(Log10, "aten::log10", std::log10)
TANDEM_COMPLEX_MATH(Sin, "aten::sin", std::sin)
TANDEM_COMPLEX_MATH(Sinh, "aten::sinh", std::sinh)
TANDEM_COMPLEX_MATH(Sqrt, "aten::sqrt", std::sqrt)
TANDEM_COMPLEX_MATH(Tan, "aten::tan", std::tan)
TANDEM_COMPLEX_MATH(Tanh, "aten::tanh", std::tanh)
TANDEM_MATH(Erf, "aten::erf", std::erf)
TANDEM_MATH(Erfc, "aten::erfc", std::erfc)
TANDEM_MATH(Expm1, "aten::expm1", std::expm1)
TANDEM_MATH(Fabs, "aten::fabs", std::fabs)
TANDEM_MATH(Log1p, "aten::log1p", std::log1p)
TANDEM_MATH(Gamma, "aten::gamma", std::tgamma)

double LogGamma(double a) {
  int sign;
  return lgamma_r(a, &sign);  // std::lgamma writes a global
}
double ToDegrees(double a) { return a * (180.0 / M_PI); }
double ToRadians(double a) { return a * (M_PI / 180.0); }
TANDEM_MATH(Lgamma, "aten::lgamma", LogGamma)
TANDEM_MATH(Degrees, "aten::degrees", ToDegrees)
TANDEM_MATH(Radians, "aten::radians", ToRadians)
TANDEM_MATH(Round, "aten::round", std::nearbyint)
#undef TANDEM_MATH
#undef TANDEM_COMPLEX_MATH

absl::StatusOr<int64_t> RoundedToInt(double rounded) {
  if (!(rounded >= -9223372036854775808.0 && rounded < 9223372036854775808.0)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("Cannot convert float %f to integer", rounded));
  }
  return static_cast<int64_t>(rounded);
}
absl::StatusOr<int64_t> Floor(double a) { return RoundedToInt(std::floor(a)); }
absl::StatusOr<int64_t> Ceil(double a) { return RoundedToInt(std::ceil(a)); }
// Integers take the way over a double, too.
int64_t OverDouble(int64_t a) { return TruncateToInt(static_cast<double>(a)); }
absl::StatusOr<Scalar> FloorScalar(const Scalar& a) {
  if (a.is_complex()) return NoComplex();
  if (!a.is_double()) return NarrowInt(a.ToInt());
  TANDEM_ASSIGN_OR_RETURN(const int64_t i, Floor(a.ToDouble()));
  return NarrowInt(i);
}
absl::StatusOr<Scalar> CeilScalar(const Scalar& a) {
  if (a.is_complex()) return NoComplex();
  if (!a.is_double()) return NarrowInt(a.ToInt());
  TANDEM_ASSIGN_OR_RETURN(const int64_t i, Ceil(a.ToDouble()));
  return NarrowInt(i);
}

double AngleFloat(double a) { return std::arg(a); }
double AngleInt(int64_t a) { return a < 0 ? M_PI : 0; }
double AngleComplex(Complex a) { return std::arg(a); }
Scalar AngleScalar(const Scalar& a) {
  return Narrow(a.is_complex() ? std::arg(a.ToComplex())
                               : AngleFloat(a.ToDouble()));
}

// Functions of two numbers.
struct Atan2 {
  static double Of(double a, double b) { return std::atan2(a, b); }
};
struct Copysign {
  static double Of(double a, double b) { return std::copysign(a, b); }
};
struct Fmod {
  static double Of(double a, double b) { return std::fmod(a, b); }
};
struct MathRemainder {
  static double Of(double a, double b) { return std::remainder(a, b); }
};
struct LogBase {
  static double Of(double a, double b) { return std::log(a) / std::log(b); }
};
template <typename F, typename A, typename B>
double Binary(A a, B b) {
  return F::Of(static_cast<double>(a), static_cast<double>(b));
}
template <typename F>
absl::StatusOr<double> BinaryScalar(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) return NoComplex();
  return F::Of(a.ToDouble(), b.ToDouble());
}
template <typename F>
void AddBinary(KernelRegistrar& r, const std::string& op,
               const std::string& scalar_overload) {
  r.Add(op + ".int", &Binary<F, int64_t, int64_t>)
      .Add(op + ".float", &Binary<F, double, double>)
      .Add(op + ".int_float", &Binary<F, int64_t, double>)
      .Add(op + ".float_int", &Binary<F, double, int64_t>)
      .Add(op + scalar_overload, &BinaryScalar<F>);
}

Complex LogComplex(Complex a, Complex b) {
  return DivComplex(std::log(a), std::log(b));
}
Complex LogComplexFloat(Complex a, double b) {
  return std::log(a) / std::log(b);
}
Complex LogFloatComplex(double a, Complex b) {
  return DivComplex(Complex(std::log(a)), std::log(b));
}
Complex LogComplexInt(Complex a, int64_t b) {
  return LogComplexFloat(a, static_cast<double>(b));
}
Complex LogIntComplex(int64_t a, Complex b) {
  return LogFloatComplex(static_cast<double>(a), b);
}

bool IsNan(double a) { return std::isnan(a); }
bool IsInf(double a) { return std::isinf(a); }
bool IsFinite(double a) { return std::isfinite(a); }
bool IsNanComplex(Complex a) {
  return std::isnan(a.real()) || std::isnan(a.imag());
}
bool IsInfComplex(Complex a) {
  return std::isinf(a.real()) || std::isinf(a.imag());
}
bool IsFiniteComplex(Complex a) {
  return std::isfinite(a.real()) && std::isfinite(a.imag());
}

std::tuple<double, double> Modf(double a) {
  double integral;
  const double fraction = std::modf(a, &integral);
  return {fraction, integral};
}
std::tuple<double, int64_t> Frexp(double a) {
  int exponent = 0;
  const double mantissa = std::frexp(a, &exponent);
  return {mantissa, std::isfinite(a) ? exponent : 0};
}
// The exponent is a C int.
double Ldexp(double a, int64_t i) {
  return std::ldexp(a, static_cast<int32_t>(i));
}

absl::StatusOr<int64_t> Factorial(int64_t argument) {
  const int32_t n = static_cast<int32_t>(argument);  // as PyTorch takes it
  if (n < 0) {
    return absl::InvalidArgumentError(
        "factorial() not defined for negative values");
  }
  int64_t result = 1;
  // From 66 on the product is a multiple of 2^64.
  for (int64_t i = 1; i <= n && result != 0; ++i) result = WrapMul(result, i);
  return result;
}

int64_t Gcd(int64_t a, int64_t b) {
  while (b != 0) {
    const int64_t rest = b == -1 ? 0 : a % b;
    a = b;
    b = rest;
  }
  return a < 0 ? WrapSub(0, a) : a;
}

}  // namespace

void AddScalarMath(KernelRegistrar& r) {
  AddComplex<Acos>(r);
  AddComplex<Acosh>(r);
  AddComplex<Asin>(r);
  AddComplex<Asinh>(r);
  AddComplex<Atan>(r);
  AddComplex<Atanh>(r);
  AddComplex<Cos>(r);
  AddComplex<Cosh>(r);
  AddComplex<Exp>(r);
  AddComplex<Log>(r);
  AddComplex<Log10>(r);
  AddComplex<Sin>(r);
  AddComplex<Sinh>(r);
  AddComplex<Sqrt>(r);
  AddComplex<Tan>(r);
  AddComplex<Tanh>(r);
  AddReal<Erf>(r);
  AddReal<Erfc>(r);
  AddReal<Expm1>(r);
  AddReal<Fabs>(r);
  AddReal<Log1p>(r);
  AddReal<Gamma>(r);
  AddReal<Lgamma>(r);
  AddReal<Degrees>(r);
  AddReal<Radians>(r);
  AddReal<Round>(r);
  r.Add("aten::floor.int", &OverDouble)
      .Add("aten::floor.float", &Floor)
      .Add("aten::floor.Scalar", &FloorScalar)
      .Add("aten::ceil.int", &OverDouble)
      .Add("aten::ceil.float", &Ceil)
      .Add("aten::ceil.Scalar", &CeilScalar)
      .Add("aten::angle.int", &AngleInt)
      .Add("aten::angle.float", &AngleFloat)
      .Add("aten::angle.complex", &AngleComplex)
      .Add("aten::angle.Scalar", &AngleScalar);
  AddBinary<Atan2>(r, "aten::atan2", ".Scalar_Scalar");
  AddBinary<Copysign>(r, "aten::copysign", "");
  AddBinary<Fmod>(r, "aten::fmod", "");
  AddBinary<MathRemainder>(r, "aten::mathremainder", "");
  r.Add("aten::log.int_int", &Binary<LogBase, int64_t, int64_t>)
      .Add("aten::log.float_float", &Binary<LogBase, double, double>)
      .Add("aten::log.int_float", &Binary<LogBase, int64_t, double>)
      .Add("aten::log.float_int", &Binary<LogBase, double, int64_t>)
      .Add("aten::log.Scalar_Scalar", &BinaryScalar<LogBase>)
      .Add("aten::log.complex_complex", &LogComplex)
      .Add("aten::log.complex_float", &LogComplexFloat)
      .Add("aten::log.float_complex", &LogFloatComplex)
      .Add("aten::log.complex_int", &LogComplexInt)
      .Add("aten::log.int_complex", &LogIntComplex);
  r.Add("aten::isnan.float", &IsNan)
      .Add("aten::isnan.complex", &IsNanComplex)
      .Add("aten::isinf.float", &IsInf)
      .Add("aten::isinf.complex", &IsInfComplex)
      .Add("aten::isfinite.float", &IsFinite)
      .Add("aten::isfinite.complex", &IsFiniteComplex);
  r.Add("aten::modf", &Modf)
      .Add("aten::frexp", &Frexp)
      .Add("aten::ldexp", &Ldexp)
      .Add("aten::factorial.int", &Factorial)
      .Add("aten::gcd.int", &Gcd);
}

}  // namespace tandem::reference
