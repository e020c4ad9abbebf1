// Signs, rounding and the kinds of floating point values.

#include <cmath>
#include <complex>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

template <typename T>
struct Abs : Stateless {
  using Stateless::Stateless;
  auto operator()(T x) const {
    if constexpr (kIsInt<T>) {
      return x < 0 ? WrapSub<T>(0, x) : x;
    } else {
      return std::abs(x);
    }
  }
};

template <typename T>
struct Neg : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    if constexpr (kIsInt<T>) {
      return WrapSub<T>(0, x);
    } else {
      return -x;
    }
  }
};

template <typename T>
struct Sign : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    if constexpr (kIsComplex<T>) {
      const auto r = std::abs(x);
      // By parts: NaN in one is NaN in both.
      return r == 0 ? T(0) : T(x.real() / r, x.imag() / r);
    } else {
      return static_cast<T>((T(0) < x) - (x < T(0)));
    }
  }
};

template <typename T>
struct SignBit : Stateless {
  using Stateless::Stateless;
  bool operator()(T x) const {
    if constexpr (kIsInt<T>) {
      return x < 0;
    } else {
      return std::signbit(x);
    }
  }
};

#define TANDEM_ROUNDING(Name, expression) \
  template <typename T>                   \
  struct Name : Stateless {               \
    using Stateless::Stateless;           \
    T operator()(T x) const {             \
      if constexpr (kIsInt<T>) {          \
        return x;                         \
      } else {                            \
        return expression;                \
      }                                   \
    }                                     \
  }
TANDEM_ROUNDING(Ceil, std::ceil(x));
TANDEM_ROUNDING(Floor, std::floor(x));
TANDEM_ROUNDING(Trunc, std::trunc(x));
TANDEM_ROUNDING(Round, std::nearbyint(x));
TANDEM_ROUNDING(Frac, x - std::trunc(x));
#undef TANDEM_ROUNDING

// Rounds to a number of decimal places: values[0] = 10^|n|, values[1]: n < 0.
template <typename T>
struct RoundDecimals {
  explicit RoundDecimals(const Params& p)
      : power(p.Get<T>(0)), negative(p.values[1].ToBool()) {}
  T operator()(T x) const {
    return negative ? std::nearbyint(x / power) * power
                    : std::nearbyint(x * power) / power;
  }
  T power;
  bool negative;
};

// A question to each part of a complex number.
#define TANDEM_KIND(Name, of_int, combine, test)      \
  template <typename T>                               \
  struct Name : Stateless {                           \
    using Stateless::Stateless;                       \
    bool operator()(T x) const {                      \
      if constexpr (kIsInt<T>) {                      \
        return of_int;                                \
      } else if constexpr (kIsComplex<T>) {           \
        return test(x.real()) combine test(x.imag()); \
      } else {                                        \
        return test(x);                               \
      }                                               \
    }                                                 \
  }
TANDEM_KIND(IsNan, false, ||, std::isnan);
TANDEM_KIND(IsInf, false, ||, std::isinf);
TANDEM_KIND(IsFinite, true, &&, std::isfinite);
#undef TANDEM_KIND

template <typename T>
struct IsReal : Stateless {
  using Stateless::Stateless;
  bool operator()(T x) const {
    if constexpr (kIsComplex<T>) {
      return x.imag() == 0;
    } else {
      return true;
    }
  }
};

template <typename T>
struct IsPosInf : Stateless {
  using Stateless::Stateless;
  bool operator()(T x) const {
    if constexpr (kIsInt<T>) {
      return false;
    } else {
      return x == std::numeric_limits<T>::infinity();
    }
  }
};
template <typename T>
struct IsNegInf : Stateless {
  using Stateless::Stateless;
  bool operator()(T x) const {
    if constexpr (kIsInt<T>) {
      return false;
    } else {
      return x == -std::numeric_limits<T>::infinity();
    }
  }
};

constexpr int kReal = kFloats | kInts;
constexpr int kAll = kFloats | kInts | kComplex;

constexpr ElementOp kAbs =
    MakeOp<Abs, 1, kAll>("abs_cpu").NoBool().NoWideUnsigned().ComplexHalfToo();
constexpr ElementOp kNeg =
    MakeOp<Neg, 1, kAll>("neg_cpu").NoWideUnsigned().ComplexHalfToo().NoBool(
        "Negation, the `-` operator, on a bool tensor is not supported. If "
        "you are trying to invert a mask, use the `~` or `logical_not()` "
        "operator instead.");
constexpr ElementOp kSign = MakeOp<Sign, 1, kReal>("sign_cpu")
                                .NoWideUnsigned()
                                .ComplexError(
                                    "Unlike NumPy, torch.sign is not intended "
                                    "to support complex numbers. "
                                    "Please use torch.sgn instead.");
constexpr ElementOp kSgn =
    MakeOp<Sign, 1, kAll>("sign_cpu").NoWideUnsigned().ComplexHalfToo();
constexpr ElementOp kSignBit =
    MakeOp<SignBit, 1, kReal>("signbit_cpu")
        .ComplexError("signbit is not implemented for complex tensors.");
constexpr ElementOp kCeil =
    MakeOp<Ceil, 1, kReal>("ceil_vml_cpu")
        .NoBool()
        .ComplexError("ceil is not supported for complex inputs");
constexpr ElementOp kFloor =
    MakeOp<Floor, 1, kReal>("floor_vml_cpu")
        .NoBool()
        .ComplexError("floor is not supported for complex inputs");
constexpr ElementOp kTrunc =
    MakeOp<Trunc, 1, kReal>("trunc_vml_cpu")
        .NoBool()
        .ComplexError("trunc is not supported for complex inputs");
constexpr ElementOp kRound = MakeOp<Round, 1, kReal>("round_vml_cpu").NoBool();
constexpr ElementOp kRoundDecimals =
    MakeOp<RoundDecimals, 1, kFloats>("round_cpu");
constexpr ElementOp kFrac = MakeOp<Frac, 1, kFloats>("frac_cpu");
constexpr ElementOp kIsNan =
    MakeOp<IsNan, 1, kAll>("isnan_cpu").ComplexHalfToo();
constexpr ElementOp kIsInf =
    MakeOp<IsInf, 1, kAll>("isinf_cpu").ComplexHalfToo();
constexpr ElementOp kIsFinite =
    MakeOp<IsFinite, 1, kAll>("isfinite_cpu").ComplexHalfToo();
constexpr ElementOp kIsReal =
    MakeOp<IsReal, 1, kAll>("isreal_cpu").ComplexHalfToo();
constexpr ElementOp kIsPosInf =
    MakeOp<IsPosInf, 1, kReal>("isposinf_cpu")
        .ComplexError("isposinf does not support complex inputs.");
constexpr ElementOp kIsNegInf =
    MakeOp<IsNegInf, 1, kReal>("isneginf_cpu")
        .ComplexError("isneginf does not support complex inputs.");

// Predicates whose out= must be bool; their names are the op's without "_cpu".
template <const ElementOp& kOp>
absl::StatusOr<Tensor> ToBool(Target target, const Tensor& self) {
  if (IsComplex(self.dtype())) {
    return absl::UnimplementedError(kOp.complex_error);
  }
  if (target.tensor != nullptr && target.tensor->dtype() != DType::kBool) {
    return absl::InvalidArgumentError(
        absl::StrCat(absl::StripSuffix(kOp.name, "_cpu"),
                     " does not support non-boolean outputs."));
  }
  return RunElementwise(kOp, {self}, Params(), target);
}

absl::StatusOr<Tensor> AbsOf(Target target, const Tensor& self) {
  if (target.in_place && IsComplex(self.dtype())) {
    return absl::InvalidArgumentError(
        "In-place abs is not supported for complex tensors.");
  }
  return RunElementwise(kAbs, {self}, Params(), target);
}

absl::StatusOr<Tensor> RoundTo(Target target, const Tensor& self,
                               int64_t decimals) {
  if (decimals == 0) {
    if (IsIntegral(self.dtype(), /*include_bool=*/true)) {
      return NotImplementedFor(kRound.name, self.dtype());
    }
    return RunElementwise(kRound, {self}, Params(), target);
  }
  const double power = std::pow(10.0, static_cast<double>(std::abs(decimals)));
  return RunElementwise(kRoundDecimals, {self},
                        Params(Scalar(power), Scalar(decimals < 0)), target);
}

// mantissa and exponent, |mantissa| in [0.5, 1).
template <typename T>
struct FrexpMantissa : Stateless {
  using Stateless::Stateless;
  T operator()(T x) const {
    int exponent;
    return std::frexp(x, &exponent);
  }
};
template <typename T>
struct FrexpExponent : Stateless {
  using Stateless::Stateless;
  int32_t operator()(T x) const {
    int exponent = 0;
    std::frexp(x, &exponent);
    return std::isfinite(x) ? exponent : 0;
  }
};
constexpr ElementOp kFrexpMantissa =
    MakeOp<FrexpMantissa, 1, kFloats>("frexp_cpu");
constexpr ElementOp kFrexpExponent =
    MakeOp<FrexpExponent, 1, kFloats>("frexp_cpu");

using Pair = std::tuple<Tensor, Tensor>;

absl::StatusOr<Pair> FrexpInto(const Tensor& self, Target mantissa,
                               Target exponent) {
  if (!IsFloatingPoint(self.dtype())) {
    return absl::InvalidArgumentError(
        "torch.frexp() only supports floating-point dtypes");
  }
  // The exponent first: `mantissa` may be self.
  TANDEM_ASSIGN_OR_RETURN(
      Tensor e, RunElementwise(kFrexpExponent, {self}, Params(), exponent));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor m, RunElementwise(kFrexpMantissa, {self}, Params(), mantissa));
  return Pair(m, e);
}
absl::StatusOr<Pair> Frexp(const Tensor& self) {
  return FrexpInto(self, {}, {});
}
absl::StatusOr<Pair> FrexpOut(const Tensor& self, const Tensor& mantissa,
                              const Tensor& exponent) {
  return FrexpInto(self, Target::Out(mantissa), Target::Out(exponent));
}

absl::StatusOr<Tensor> Positive(const Tensor& self) {
  if (self.dtype() == DType::kBool) {
    return absl::UnimplementedError(
        "The `+` operator, on a bool tensor is not supported.");
  }
  return self;
}

// abs() of the language.
absl::StatusOr<Tensor> AbsBuiltin(const Tensor& x) {
  return RunElementwise(kAbs, {x});
}

}  // namespace

void AddPointwiseRound(MatchingRegistrar& r) {
  AddAll<&AbsOf>(r, {"abs", "absolute"});
  r.AddExact("prim::abs", &AbsBuiltin);
  AddUnary<kNeg>(r, {"neg", "negative"});
  AddUnary<kSign>(r, {"sign"});
  AddUnary<kSgn>(r, {"sgn"});
  AddAll<&ToBool<kSignBit>>(r, {"signbit"});
  AddUnary<kCeil>(r, {"ceil"});
  AddUnary<kFloor>(r, {"floor"});
  AddUnary<kTrunc>(r, {"trunc", "fix"});
  AddUnary<kRound>(r, {"round"});
  AddAll<&RoundTo>(r, {"round", "special_round"});
  AddUnary<kFrac>(r, {"frac"});
  AddUnaryExactOut<kIsNan>(r, {"isnan"});
  AddUnaryExactOut<kIsInf>(r, {"isinf"});
  AddUnary<kIsFinite>(r, {"isfinite"});
  AddUnary<kIsReal>(r, {"isreal"});
  AddAll<&ToBool<kIsPosInf>>(r, {"isposinf"});
  AddAll<&ToBool<kIsNegInf>>(r, {"isneginf"});
  r.AddExact("aten::frexp.Tensor", &Frexp);
  r.AddExact("aten::frexp.Tensor_out", &FrexpOut);
  r.AddExact("aten::positive", &Positive);
}

}  // namespace tandem::reference
