// Unary functions of a real or complex variable.

#include <cmath>
#include <complex>

#include "tandem/backends/reference/float_functions.h"
#include "tandem/backends/reference/pointwise.h"

namespace tandem::reference {
namespace {

// A functor from an expression in x over T.
#define TANDEM_UNARY(Name, ...)              \
  template <typename T>                      \
  struct Name : Stateless {                  \
    using Stateless::Stateless;              \
    T operator()(T x) const { __VA_ARGS__; } \
  }

template <typename T>
using RealOf = decltype(std::abs(T()));
template <typename T>
constexpr T kPi = T(3.14159265358979323846L);
template <typename T>
constexpr T kLn2 = T(0.69314718055994530942L);

TANDEM_UNARY(Exp, return std::exp(x));
TANDEM_UNARY(Log, return std::log(x));
TANDEM_UNARY(Log10, return RoundedLog10(x));
TANDEM_UNARY(Sqrt, return std::sqrt(x));
TANDEM_UNARY(Rsqrt, return Divide(T(1), std::sqrt(x)));
TANDEM_UNARY(Reciprocal, return Divide(T(1), x));
TANDEM_UNARY(Sin, return std::sin(x));
TANDEM_UNARY(Cos, return std::cos(x));
TANDEM_UNARY(Tan, return std::tan(x));
TANDEM_UNARY(Asin, return std::asin(x));
TANDEM_UNARY(Acos, return std::acos(x));
TANDEM_UNARY(Atan, return std::atan(x));
TANDEM_UNARY(Sinh, return std::sinh(x));
TANDEM_UNARY(Cosh, return std::cosh(x));
TANDEM_UNARY(Tanh, return RoundedTanh(x));
TANDEM_UNARY(Asinh, return std::asinh(x));
TANDEM_UNARY(Acosh, return std::acosh(x));
TANDEM_UNARY(Atanh, return RoundedAtanh(x));
template <typename T>
struct Sigmoid : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const { return Divide(T(1), T(1) + LaneExp(-x)); }
  T Single(T x) const { return Divide(T(1), T(1) + std::exp(-x)); }
};
TANDEM_UNARY(Erf, return RoundedErf(x));
TANDEM_UNARY(Erfc, return std::erfc(x));
TANDEM_UNARY(Deg2Rad, return x * T(3.14159265358979323846L / 180));
TANDEM_UNARY(Rad2Deg, return x * T(180 / 3.14159265358979323846L));

template <typename T>
struct Exp2 : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    if constexpr (kIsComplex<T>) {
      return std::exp(x * kLn2<RealOf<T>>);
    } else {
      return std::exp2(x);
    }
  }
};

template <typename T>
struct Expm1 : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    if constexpr (kIsComplex<T>) {
      using R = RealOf<T>;
      // exp(a) cos(b) - 1 = expm1(a) cos(b) - 2 sin(b/2)^2
      const R half = std::sin(x.imag() / 2);
      const R re = std::expm1(x.real()) * std::cos(x.imag()) - 2 * half * half;
      return T(re, std::exp(x.real()) * std::sin(x.imag()));
    } else {
      return RoundedExpm1(x);
    }
  }
};

template <typename T>
struct Log1p : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    if constexpr (kIsComplex<T>) {
      using R = RealOf<T>;
      const R a = x.real(), b = x.imag();
      const R theta = std::atan2(b, a + R(1));
      const T z = x + R(1);
      const R r = std::abs(z);
      if (r < R(1)) {
        return T(std::log1p(a * (a + R(2)) + b * b) / 2, theta);
      }
      return T(std::abs(x) < R(0.5) ? std::log1p(a * (a + R(2)) + b * b) / 2
                                    : std::log(r),
               theta);
    } else {
      return RoundedLog1p(x);
    }
  }
};

template <typename T>
struct Log2 : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    if constexpr (kIsComplex<T>) {
      return std::log(x) / kLn2<RealOf<T>>;
    } else {
      return RoundedLog2(x);
    }
  }
};

template <typename T>
struct Sinc : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    if (x == T(0)) return T(1);
    const T y = x * kPi<RealOf<T>>;
    return Divide(std::sin(y), y);
  }
};

constexpr int kReal = kFloats;
constexpr int kBoth = kFloats | kComplex;

#define TANDEM_FLOAT_OP(Name, types, text) \
  constexpr ElementOp k##Name = MakeOp<Name, 1, types>(text).Float()

TANDEM_FLOAT_OP(Exp, kBoth, "exp_vml_cpu");
TANDEM_FLOAT_OP(Exp2, kBoth, "exp2");
TANDEM_FLOAT_OP(Expm1, kBoth, "expm1_vml_cpu");
TANDEM_FLOAT_OP(Log, kBoth, "log_vml_cpu");
TANDEM_FLOAT_OP(Log2, kBoth, "log2_vml_cpu");
TANDEM_FLOAT_OP(Log10, kBoth, "log10_vml_cpu");
TANDEM_FLOAT_OP(Log1p, kBoth, "log1p_vml_cpu");
TANDEM_FLOAT_OP(Sqrt, kBoth, "sqrt_vml_cpu");
TANDEM_FLOAT_OP(Rsqrt, kBoth, "rsqrt_cpu");
TANDEM_FLOAT_OP(Reciprocal, kBoth, "reciprocal_cpu");
TANDEM_FLOAT_OP(Sin, kBoth, "sin_vml_cpu");
TANDEM_FLOAT_OP(Cos, kBoth, "cos_vml_cpu");
TANDEM_FLOAT_OP(Tan, kBoth, "tan_vml_cpu");
TANDEM_FLOAT_OP(Asin, kBoth, "asin_vml_cpu");
TANDEM_FLOAT_OP(Acos, kBoth, "acos_vml_cpu");
TANDEM_FLOAT_OP(Atan, kBoth, "atan_vml_cpu");
TANDEM_FLOAT_OP(Sinh, kBoth, "sinh_cpu");
TANDEM_FLOAT_OP(Cosh, kBoth, "cosh_cpu");
TANDEM_FLOAT_OP(Tanh, kBoth, "tanh_vml_cpu");
TANDEM_FLOAT_OP(Asinh, kBoth, "asinh_cpu");
TANDEM_FLOAT_OP(Acosh, kBoth, "acosh_cpu");
TANDEM_FLOAT_OP(Atanh, kBoth, "atanh_cpu");
TANDEM_FLOAT_OP(Sigmoid, kBoth, "sigmoid_cpu");
TANDEM_FLOAT_OP(Sinc, kBoth, "sinc_cpu");
TANDEM_FLOAT_OP(Erf, kReal, "erf_vml_cpu");
TANDEM_FLOAT_OP(Erfc, kReal, "erfc_vml_cpu");

constexpr ElementOp kDeg2Rad =
    MakeOp<Deg2Rad, 1, kReal>("mul_cpu").Float().ComplexError(
        "deg2rad is not supported for complex tensors.");
constexpr ElementOp kRad2Deg =
    MakeOp<Rad2Deg, 1, kReal>("mul_cpu").Float().ComplexError(
        "rad2deg is not supported for complex tensors.");

}  // namespace

void AddPointwiseMath(MatchingRegistrar& r) {
  AddUnary<kExp>(r, {"exp"});
  AddUnary<kExp2>(r, {"exp2", "special_exp2"});
  AddUnary<kExpm1>(r, {"expm1", "special_expm1"});
  AddUnary<kLog>(r, {"log"});
  AddUnary<kLog2>(r, {"log2"});
  AddUnary<kLog10>(r, {"log10"});
  AddUnary<kLog1p>(r, {"log1p", "special_log1p"});
  AddUnary<kSqrt>(r, {"sqrt"});
  AddUnary<kRsqrt>(r, {"rsqrt"});
  AddUnary<kReciprocal>(r, {"reciprocal"});
  AddUnary<kSin>(r, {"sin"});
  AddUnary<kCos>(r, {"cos"});
  AddUnary<kTan>(r, {"tan"});
  AddUnary<kAsin>(r, {"asin", "arcsin"});
  AddUnary<kAcos>(r, {"acos", "arccos"});
  AddUnary<kAtan>(r, {"atan", "arctan"});
  AddUnary<kSinh>(r, {"sinh"});
  AddUnary<kCosh>(r, {"cosh"});
  AddUnary<kTanh>(r, {"tanh"});
  AddUnary<kAsinh>(r, {"asinh", "arcsinh"});
  AddUnary<kAcosh>(r, {"acosh", "arccosh"});
  AddUnary<kAtanh>(r, {"atanh", "arctanh"});
  AddUnary<kSigmoid>(r, {"sigmoid", "special_expit"});
  AddUnary<kSinc>(r, {"sinc", "special_sinc"});
  AddUnary<kErf>(r, {"erf", "special_erf"});
  AddUnary<kErfc>(r, {"erfc", "special_erfc"});
  AddUnary<kDeg2Rad>(r, {"deg2rad"});
  AddUnary<kRad2Deg>(r, {"rad2deg"});
}

}  // namespace tandem::reference
