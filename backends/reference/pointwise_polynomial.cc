// Orthogonal polynomials of degree n at x, by their recurrences.

#include <cmath>
#include <limits>

#include "tandem/backends/reference/pointwise.h"
#include "tandem/tensor/convert.h"

namespace tandem::reference {
namespace {

// Degrees past this are not computed by recurrence: NaN.
constexpr int64_t kMaxDegree = 1 << 20;

// p_{k+1} = next(k, p_k, p_{k-1})
template <typename Next>
double Recur(int64_t n, double p0, double p1, Next next) {
  if (n < 0) return 0;
  if (n == 0) return p0;
  if (n > kMaxDegree) return std::numeric_limits<double>::quiet_NaN();
  double before = p0, p = p1;
  for (int64_t k = 1; k < n && !std::isnan(p); ++k) {
    const double q = next(static_cast<double>(k), p, before);
    before = p;
    p = q;
  }
  return p;
}

// The four kinds of Chebyshev polynomials differ in their first one; inside
// (-1, 1) high degrees are those of cosines.
double Chebyshev(double x, int64_t n, double first) {
  return Recur(n, 1, first, [x](double, double p, double before) {
    return 2 * x * p - before;
  });
}
double ChebyshevT(double x, int64_t n) {
  if (n >= 0 && std::fabs(x) == 1) return x > 0 || n % 2 == 0 ? 1 : -1;
  if (n > 6 && std::fabs(x) < 1) {
    return std::cos(static_cast<double>(n) * std::acos(x));
  }
  return Chebyshev(x, n, x);
}
double ChebyshevU(double x, int64_t n) {
  if (n >= 0 && std::fabs(x) == 1) {
    return (x > 0 || n % 2 == 0 ? 1 : -1) * static_cast<double>(n + 1);
  }
  if (n > 8 && std::fabs(x) < 1) {
    const double a = std::acos(x);
    return std::sin(static_cast<double>(n + 1) * a) / std::sin(a);
  }
  return Chebyshev(x, n, 2 * x);
}
double ChebyshevV(double x, int64_t n) {
  if (n >= 0 && std::fabs(x) == 1) {
    if (x > 0) return 1;
    return (n % 2 == 0 ? 1 : -1) * static_cast<double>(2 * n + 1);
  }
  if (n > 8 && std::fabs(x) < 1) {
    const double half = std::acos(x) / 2;
    return std::cos(static_cast<double>(2 * n + 1) * half) / std::cos(half);
  }
  return Chebyshev(x, n, 2 * x - 1);
}
double ChebyshevW(double x, int64_t n) {
  if (n >= 0 && std::fabs(x) == 1) {
    return x > 0 ? static_cast<double>(2 * n + 1) : (n % 2 == 0 ? 1 : -1);
  }
  if (n > 8 && std::fabs(x) < 1) {
    const double half = std::acos(x) / 2;
    return std::sin(static_cast<double>(2 * n + 1) * half) / std::sin(half);
  }
  return Chebyshev(x, n, 2 * x + 1);
}
double HermiteH(double x, int64_t n) {
  return Recur(n, 1, 2 * x, [x](double k, double p, double before) {
    return 2 * x * p - 2 * k * before;
  });
}
double HermiteHe(double x, int64_t n) {
  return Recur(n, 1, x, [x](double k, double p, double before) {
    return x * p - k * before;
  });
}
double LaguerreL(double x, int64_t n) {
  return Recur(n, 1, 1 - x, [x](double k, double p, double before) {
    return ((2 * k + 1 - x) * p - k * before) / (k + 1);
  });
}
double LegendreP(double x, int64_t n) {
  return Recur(n, 1, x, [x](double k, double p, double before) {
    return ((2 * k + 1) * x * p - k * before) / (k + 1);
  });
}

#define TANDEM_POLYNOMIAL(Name, op, function)                         \
  template <typename T>                                               \
  struct Name##Op : Stateless {                                       \
    using Stateless::Stateless;                                       \
    T operator()(T at, T degree) const {                              \
      const double x = at;                                            \
      return static_cast<T>(function);                                \
    }                                                                 \
    static int64_t Degree(T degree) {                                 \
      return TruncateToInteger<int64_t>(static_cast<double>(degree)); \
    }                                                                 \
  };                                                                  \
  constexpr ElementOp k##Name = MakeOp<Name##Op, 2, kFloats>(op "_cpu").Float()

TANDEM_POLYNOMIAL(ChebyshevT, "chebyshev_polynomial_t",
                  ChebyshevT(x, Degree(degree)));
TANDEM_POLYNOMIAL(ChebyshevU, "chebyshev_polynomial_u",
                  ChebyshevU(x, Degree(degree)));
TANDEM_POLYNOMIAL(ChebyshevV, "chebyshev_polynomial_v",
                  ChebyshevV(x, Degree(degree)));
TANDEM_POLYNOMIAL(ChebyshevW, "chebyshev_polynomial_w",
                  ChebyshevW(x, Degree(degree)));
TANDEM_POLYNOMIAL(ShiftedT, "shifted_chebyshev_polynomial_t",
                  ChebyshevT(2 * x - 1, Degree(degree)));
TANDEM_POLYNOMIAL(ShiftedU, "shifted_chebyshev_polynomial_u",
                  ChebyshevU(2 * x - 1, Degree(degree)));
TANDEM_POLYNOMIAL(ShiftedV, "shifted_chebyshev_polynomial_v",
                  ChebyshevV(2 * x - 1, Degree(degree)));
TANDEM_POLYNOMIAL(ShiftedW, "shifted_chebyshev_polynomial_w",
                  ChebyshevW(2 * x - 1, Degree(degree)));
TANDEM_POLYNOMIAL(HermiteH, "hermite_polynomial_h",
                  HermiteH(x, Degree(degree)));
TANDEM_POLYNOMIAL(HermiteHe, "hermite_polynomial_he",
                  HermiteHe(x, Degree(degree)));
TANDEM_POLYNOMIAL(LaguerreL, "laguerre_polynomial_l",
                  LaguerreL(x, Degree(degree)));
TANDEM_POLYNOMIAL(LegendreP, "legendre_polynomial_p",
                  LegendreP(x, Degree(degree)));

// PyTorch has these for float and double alone.
template <const ElementOp& kOp>
absl::StatusOr<Tensor> Polynomial(Target target, const Input& x,
                                  const Input& degree) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, CommonDType({x, degree}));
  if (dtype == DType::kHalf || dtype == DType::kBFloat16) {
    return NotImplementedFor(kOp.name, dtype);
  }
  return RunElementwise(kOp, {x, degree}, Params(), target);
}

}  // namespace

void AddPointwisePolynomial(MatchingRegistrar& r) {
  AddBinary<&Polynomial<kChebyshevT>>(r, {"special_chebyshev_polynomial_t"});
  AddBinary<&Polynomial<kChebyshevU>>(r, {"special_chebyshev_polynomial_u"});
  AddBinary<&Polynomial<kChebyshevV>>(r, {"special_chebyshev_polynomial_v"});
  AddBinary<&Polynomial<kChebyshevW>>(r, {"special_chebyshev_polynomial_w"});
  AddBinary<&Polynomial<kShiftedT>>(r,
                                    {"special_shifted_chebyshev_polynomial_t"});
  AddBinary<&Polynomial<kShiftedU>>(r,
                                    {"special_shifted_chebyshev_polynomial_u"});
  AddBinary<&Polynomial<kShiftedV>>(r,
                                    {"special_shifted_chebyshev_polynomial_v"});
  AddBinary<&Polynomial<kShiftedW>>(r,
                                    {"special_shifted_chebyshev_polynomial_w"});
  AddBinary<&Polynomial<kHermiteH>>(r, {"special_hermite_polynomial_h"});
  AddBinary<&Polynomial<kHermiteHe>>(r, {"special_hermite_polynomial_he"});
  AddBinary<&Polynomial<kLaguerreL>>(r, {"special_laguerre_polynomial_l"});
  AddBinary<&Polynomial<kLegendreP>>(r, {"special_legendre_polynomial_p"});
}

}  // namespace tandem::reference
