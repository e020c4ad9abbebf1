// + - * / // % ** and bit operators on numbers; min, max, abs.
#include <complex>
#include <string>
#include <tuple>

#include "absl/strings/str_format.h"
#include "tandem/backends/reference/scalar.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {

using Complex = std::complex<double>;

absl::StatusOr<int64_t> FloorDivInt(int64_t a, int64_t b) {
  if (b == 0) return absl::InvalidArgumentError("division by 0");
  if (b == -1) {
    if (a == std::numeric_limits<int64_t>::min()) {
      return absl::OutOfRangeError("integer overflow in division");
    }
    return -a;
  }
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

absl::StatusOr<int64_t> RemainderInt(int64_t a, int64_t b) {
  if (b == 0) {
    return absl::InvalidArgumentError("integer division or modulo by zero");
  }
  if (b == -1) return 0;
  const int64_t remainder = a % b;
  return remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b
                                                      : remainder;
}

Complex DivComplex(Complex a, Complex b) {
  const double c = b.real(), d = b.imag();
  if (c == 0 && d == 0) {
    return Complex(a.real() / std::fabs(c), a.imag() / std::fabs(d));
  }
  if (std::fabs(c) >= std::fabs(d)) {
    const double ratio = d / c, scale = 1.0 / (c + d * ratio);
    return Complex((a.real() + a.imag() * ratio) * scale,
                   (a.imag() - a.real() * ratio) * scale);
  }
  const double ratio = c / d, scale = 1.0 / (c * ratio + d);
  return Complex((a.real() * ratio + a.imag()) * scale,
                 (a.imag() * ratio - a.real()) * scale);
}

namespace {

absl::Status NoComplex() {
  return absl::InvalidArgumentError("this operator takes no complex numbers");
}

struct Plus {
  static int64_t Of(int64_t a, int64_t b) { return WrapAdd(a, b); }
  template <typename A, typename B>
  static auto Of(A a, B b) {
    return a + b;
  }
};
struct Minus {
  static int64_t Of(int64_t a, int64_t b) { return WrapSub(a, b); }
  template <typename A, typename B>
  static auto Of(A a, B b) {
    return a - b;
  }
};
struct Times {
  static int64_t Of(int64_t a, int64_t b) { return WrapMul(a, b); }
  template <typename A, typename B>
  static auto Of(A a, B b) {
    return a * b;
  }
};

// F on A and B, both converted to R first.
template <typename F, typename R, typename A, typename B>
R Binary(A a, B b) {
  return F::Of(static_cast<R>(a), static_cast<R>(b));
}
template <typename F>
Complex ComplexInt(Complex a, int64_t b) {
  return F::Of(a, static_cast<double>(b));
}
template <typename F>
Complex IntComplex(int64_t a, Complex b) {
  return F::Of(static_cast<double>(a), b);
}
template <typename F>
Complex ComplexFloat(Complex a, double b) {
  return F::Of(a, b);
}
template <typename F>
Complex FloatComplex(double a, Complex b) {
  return F::Of(a, b);
}
template <typename F>
Complex ComplexComplex(Complex a, Complex b) {
  return F::Of(a, b);
}
template <typename F>
Scalar OnScalars(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) {
    return F::Of(a.ToComplex(), b.ToComplex());
  }
  if (a.is_double() || b.is_double()) {
    return F::Of(a.ToDouble(), b.ToDouble());
  }
  return F::Of(a.ToInt(), b.ToInt());
}

template <typename F>
void AddBinary(KernelRegistrar& r, const std::string& op) {
  r.Add(op + ".int", &Binary<F, int64_t, int64_t, int64_t>)
      .Add(op + ".float", &Binary<F, double, double, double>)
      .Add(op + ".int_float", &Binary<F, double, int64_t, double>)
      .Add(op + ".float_int", &Binary<F, double, double, int64_t>)
      .Add(op + ".complex", &ComplexComplex<F>)
      .Add(op + ".complex_int", &ComplexInt<F>)
      .Add(op + ".int_complex", &IntComplex<F>)
      .Add(op + ".complex_float", &ComplexFloat<F>)
      .Add(op + ".float_complex", &FloatComplex<F>)
      .Add(op, &OnScalars<F>);
}

double DivInt(int64_t a, int64_t b) {
  return static_cast<double>(a) / static_cast<double>(b);
}
double DivFloat(double a, double b) { return a / b; }
absl::StatusOr<double> DivScalar(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) return NoComplex();
  return a.ToDouble() / b.ToDouble();
}

double FloorDivFloat(double a, double b) { return std::floor(a / b); }
double FloorDivIntFloat(int64_t a, double b) {
  return FloorDivFloat(static_cast<double>(a), b);
}
double FloorDivFloatInt(double a, int64_t b) {
  return FloorDivFloat(a, static_cast<double>(b));
}
absl::StatusOr<Scalar> FloorDivScalar(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) return NoComplex();
  if (a.is_double() || b.is_double()) {
    return Scalar(FloorDivFloat(a.ToDouble(), b.ToDouble()));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t q, FloorDivInt(a.ToInt(), b.ToInt()));
  return Scalar(q);
}
absl::StatusOr<int64_t> RoundToZeroFloorDiv(int64_t a, int64_t b) {
  if (b == 0) return absl::InvalidArgumentError("division by 0");
  if (b == -1) return WrapSub(0, a);
  return a / b;
}

double RemainderIntFloat(int64_t a, double b) {
  return RemainderFloat(static_cast<double>(a), b);
}
double RemainderFloatInt(double a, int64_t b) {
  return RemainderFloat(a, static_cast<double>(b));
}
absl::StatusOr<Scalar> RemainderScalar(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) return NoComplex();
  if (a.is_double() || b.is_double()) {
    return Scalar(RemainderFloat(a.ToDouble(), b.ToDouble()));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t m, RemainderInt(a.ToInt(), b.ToInt()));
  return Scalar(m);
}

absl::StatusOr<std::tuple<int64_t, int64_t>> DivModInt(int64_t a, int64_t b) {
  if (b == 0) {
    return absl::InvalidArgumentError(
        "ZeroDivisionError: integer division or modulo by zero");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t quotient, FloorDivInt(a, b));
  TANDEM_ASSIGN_OR_RETURN(const int64_t remainder, RemainderInt(a, b));
  return std::make_tuple(quotient, remainder);
}
absl::StatusOr<std::tuple<double, double>> DivModFloat(double a, double b) {
  if (b == 0) {
    return absl::InvalidArgumentError("ZeroDivisionError: float divmod()");
  }
  double remainder = std::fmod(a, b);
  if (remainder != 0 && (remainder < 0) != (b < 0)) remainder += b;
  return std::make_tuple((a - remainder) / b, remainder);
}
// PyTorch takes the operands of mixed kinds as C float and C int.
absl::StatusOr<std::tuple<double, double>> DivModMixed(float a, float b,
                                                       double exact_a,
                                                       double exact_b) {
  if (exact_b == 0) {
    return absl::InvalidArgumentError("ZeroDivisionError: float divmod()");
  }
  const double floor = std::floor(a / b);
  if (!(floor >= -9223372036854775808.0 && floor < 9223372036854775808.0)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("Cannot convert float %f to integer", floor));
  }
  const double quotient = floor + 0.0;  // no -0
  return std::make_tuple(quotient, -(quotient * exact_b) + exact_a);
}
absl::StatusOr<std::tuple<double, double>> DivModIntFloat(int64_t a, double b) {
  const int32_t i = static_cast<int32_t>(a);
  const float f = static_cast<float>(b);
  return DivModMixed(static_cast<float>(i), f, i, f);
}
absl::StatusOr<std::tuple<double, double>> DivModFloatInt(double a, int64_t b) {
  const float f = static_cast<float>(a);
  const int32_t i = static_cast<int32_t>(b);
  return DivModMixed(f, static_cast<float>(i), f, i);
}

absl::StatusOr<double> PowFloat(double a, double b) {
  if (a == 0 && b < 0) {
    return absl::InvalidArgumentError(
        "0.0 cannot be raised to a negative power");
  }
  return std::pow(a, b);
}
absl::StatusOr<double> PowInt(int64_t a, int64_t b) {
  return PowFloat(static_cast<double>(a), static_cast<double>(b));
}
absl::StatusOr<double> PowIntFloat(int64_t a, double b) {
  return PowFloat(static_cast<double>(a), b);
}
absl::StatusOr<double> PowFloatInt(double a, int64_t b) {
  return PowFloat(a, static_cast<double>(b));
}
Complex PowComplex(Complex a, Complex b) { return std::pow(a, b); }
Complex PowComplexFloat(Complex a, double b) { return std::pow(a, b); }
Complex PowFloatComplex(double a, Complex b) { return std::pow(a, b); }
absl::StatusOr<double> PowScalar(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) return NoComplex();
  return std::pow(a.ToDouble(), b.ToDouble());
}
// The schema says int; PyTorch gives the float all the same.
absl::StatusOr<IValue> PowIntToInt(int64_t a, int64_t b) {
  TANDEM_ASSIGN_OR_RETURN(const double p, PowInt(a, b));
  return IValue(p);
}

int64_t AndInt(int64_t a, int64_t b) { return a & b; }
int64_t OrInt(int64_t a, int64_t b) { return a | b; }
int64_t XorInt(int64_t a, int64_t b) { return a ^ b; }
bool AndBool(bool a, bool b) { return a && b; }
bool OrBool(bool a, bool b) { return a || b; }
bool XorBool(bool a, bool b) { return a != b; }
bool Not(bool a) { return !a; }
// Counts are taken modulo 64, as the processor does.
int64_t LeftShift(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) << (b & 63));
}
int64_t RightShift(int64_t a, int64_t b) { return a >> (b & 63); }

int64_t NegInt(int64_t a) { return WrapSub(0, a); }
double NegFloat(double a) { return -a; }
Complex NegComplex(Complex a) { return -a; }
// PyTorch narrows what it makes of a Scalar to a C float or int.
Scalar Narrow(double d) { return static_cast<double>(static_cast<float>(d)); }
Scalar NarrowInt(int64_t i) {
  return static_cast<int64_t>(static_cast<int32_t>(i));
}
Scalar NegScalar(const Scalar& a) {
  if (a.is_complex()) return -a.ToComplex();
  if (a.is_double()) return Narrow(-a.ToDouble());
  return NarrowInt(WrapSub(0, a.ToInt()));
}

int64_t AbsInt(int64_t a) { return a < 0 ? WrapSub(0, a) : a; }
double AbsFloat(double a) { return std::fabs(a); }
double AbsComplex(Complex a) { return std::abs(a); }
Scalar AbsScalar(const Scalar& a) {
  if (a.is_complex()) return Narrow(std::abs(a.ToComplex()));
  if (a.is_double()) return Narrow(std::fabs(a.ToDouble()));
  return NarrowInt(AbsInt(a.ToInt()));
}

// Comparing with NaN is false: the second operand stays.
struct Min {
  template <typename T>
  static T Of(T a, T b) {
    return a < b ? a : b;
  }
};
struct Max {
  template <typename T>
  static T Of(T a, T b) {
    return a > b ? a : b;
  }
};
template <typename F>
absl::StatusOr<Scalar> ExtremeScalar(const Scalar& a, const Scalar& b) {
  if (a.is_complex() || b.is_complex()) return NoComplex();
  if (a.is_double() || b.is_double()) {
    return Scalar(F::Of(a.ToDouble(), b.ToDouble()));
  }
  return Scalar(F::Of(a.ToInt(), b.ToInt()));
}
template <typename F>
void AddExtreme(KernelRegistrar& r, const std::string& op) {
  r.Add(op + ".int", &Binary<F, int64_t, int64_t, int64_t>)
      .Add(op + ".float", &Binary<F, double, double, double>)
      .Add(op + ".int_float", &Binary<F, double, int64_t, double>)
      .Add(op + ".float_int", &Binary<F, double, double, int64_t>)
      .Add(op, &ExtremeScalar<F>);
}

}  // namespace

void AddScalarArithmetic(KernelRegistrar& r) {
  AddBinary<Plus>(r, "aten::add");
  AddBinary<Minus>(r, "aten::sub");
  AddBinary<Times>(r, "aten::mul");
  r.Add("aten::div.int", &DivInt)
      .Add("aten::div.float", &DivFloat)
      .Add("aten::div.complex", &DivComplex)
      .Add("aten::div", &DivScalar)
      .Add("aten::floordiv.int", &FloorDivInt)
      .Add("aten::floordiv.float", &FloorDivFloat)
      .Add("aten::floordiv.int_float", &FloorDivIntFloat)
      .Add("aten::floordiv.float_int", &FloorDivFloatInt)
      .Add("aten::floordiv", &FloorDivScalar)
      .Add("aten::__round_to_zero_floordiv.int", &RoundToZeroFloorDiv)
      .Add("aten::remainder.int", &RemainderInt)
      .Add("aten::remainder.float", &RemainderFloat)
      .Add("aten::remainder.int_float", &RemainderIntFloat)
      .Add("aten::remainder.float_int", &RemainderFloatInt)
      .Add("aten::remainder", &RemainderScalar)
      .Add("aten::divmod.int", &DivModInt)
      .Add("aten::divmod.float", &DivModFloat)
      .Add("aten::divmod.int_float", &DivModIntFloat)
      .Add("aten::divmod.float_int", &DivModFloatInt);
  r.Add("aten::pow.int", &PowInt)
      .Add("aten::pow.float", &PowFloat)
      .Add("aten::pow.int_float", &PowIntFloat)
      .Add("aten::pow.float_int", &PowFloatInt)
      .Add("aten::pow.complex", &PowComplex)
      .Add("aten::pow.complex_float", &PowComplexFloat)
      .Add("aten::pow.float_complex", &PowFloatComplex)
      .Add("aten::pow.Scalar_Scalar", &PowScalar)
      .Add("aten::pow.int_to_int", &PowIntToInt);
  r.Add("aten::__and__.int", &AndInt)
      .Add("aten::__or__.int", &OrInt)
      .Add("aten::__xor__.int", &XorInt)
      .Add("aten::__and__.bool", &AndBool)
      .Add("aten::__or__.bool", &OrBool)
      .Add("aten::__xor__.bool", &XorBool)
      .Add("aten::__not__", &Not)
      .Add("aten::__lshift__.int", &LeftShift)
      .Add("aten::__rshift__.int", &RightShift);
  r.Add("aten::neg.int", &NegInt)
      .Add("aten::neg.float", &NegFloat)
      .Add("aten::neg.complex", &NegComplex)
      .Add("aten::neg.Scalar", &NegScalar)
      .Add("prim::abs.int", &AbsInt)
      .Add("prim::abs.float", &AbsFloat)
      .Add("prim::abs.complex", &AbsComplex)
      .Add("prim::abs.Scalar", &AbsScalar);
  AddExtreme<Min>(r, "prim::min");
  AddExtreme<Max>(r, "prim::max");
}

}  // namespace tandem::reference
