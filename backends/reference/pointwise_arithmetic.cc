// add, sub, mul, div and their kin; powers.

#include <cmath>
#include <complex>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

#define TANDEM_BINARY(Name, ...)                  \
  template <typename T>                           \
  struct Name : Stateless {                       \
    using Stateless::Stateless;                   \
    T operator()(T a, T b) const { __VA_ARGS__; } \
  }

TANDEM_BINARY(Plus, return WrapAdd(a, b));
TANDEM_BINARY(Minus, return WrapSub(a, b));
TANDEM_BINARY(Times, return WrapMul(a, b));
TANDEM_BINARY(Quotient, return Divide(a, b));

template <typename T>
struct PlusScaled {
  explicit PlusScaled(const Params& p) : alpha(p.Get<T>(0)) {}
  T operator()(T a, T b) const { return WrapAdd(a, WrapMul(alpha, b)); }
  T alpha;
};
template <typename T>
struct MinusScaled {
  explicit MinusScaled(const Params& p) : alpha(p.Get<T>(0)) {}
  T operator()(T a, T b) const { return WrapSub(a, WrapMul(alpha, b)); }
  T alpha;
};

// A functor of integers that notes a division by zero.
struct DividesIntegers {
  explicit DividesIntegers(const Params& p) : zero(p.divided_by_zero) {}
  // False where the quotient is not defined.
  bool Check(int64_t b) const {
    if (b != 0) return true;
    zero->store(true, std::memory_order_relaxed);
    return false;
  }
  std::atomic<bool>* zero;
};

template <typename T>
struct DivTrunc : DividesIntegers {
  using DividesIntegers::DividesIntegers;
  T operator()(T a, T b) const {
    if constexpr (kIsInt<T>) {
      if (!Check(b)) return 0;
      return b == -1 ? WrapSub<T>(0, a) : a / b;
    } else {
      return std::trunc(a / b);
    }
  }
};

// The quotient is rounded to the 16-bit type before its digits are cut off.
template <typename T>
struct DivTruncHalf : Stateless {
  using Stateless::Stateless;
  T operator()(T a, T b) const { return std::trunc(float(Half(float(a / b)))); }
};
template <typename T>
struct DivTruncBFloat16 : Stateless {
  using Stateless::Stateless;
  T operator()(T a, T b) const {
    return std::trunc(float(BFloat16(float(a / b))));
  }
};

template <typename T>
struct DivFloor : DividesIntegers {
  using DividesIntegers::DividesIntegers;
  T operator()(T a, T b) const {
    if constexpr (kIsInt<T>) {
      if (!Check(b)) return 0;
      if (b == -1) return WrapSub<T>(0, a);
      const T q = a / b;
      return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
    } else {
      if (b == 0) return a / b;
      const T mod = std::fmod(a, b);
      T div = (a - mod) / b;
      if (mod != 0 && (b < 0) != (mod < 0)) div -= 1;
      if (div == 0) return std::copysign(T(0), a / b);
      T floor = std::floor(div);
      if (div - floor > T(0.5)) floor += 1;
      return floor;
    }
  }
};

template <typename T>
struct Remainder : DividesIntegers {
  using DividesIntegers::DividesIntegers;
  T operator()(T a, T b) const {
    if constexpr (kIsInt<T>) {
      if (!Check(b) || b == -1) return 0;
      const T r = a % b;
      return r != 0 && (r < 0) != (b < 0) ? r + b : r;
    } else {
      const T mod = std::fmod(a, b);
      return mod != 0 && (b < 0) != (mod < 0) ? mod + b : mod;
    }
  }
};

template <typename T>
struct Fmod : DividesIntegers {
  using DividesIntegers::DividesIntegers;
  T operator()(T a, T b) const {
    if constexpr (kIsInt<T>) {
      return !Check(b) || b == -1 ? 0 : a % b;
    } else {
      return std::fmod(a, b);
    }
  }
};

int64_t IntegerPower(int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 != 0 ? -1 : 1;
    return 0;
  }
  int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = WrapMul(result, base);
    base = WrapMul(base, base);
  }
  return result;
}

template <typename T>
struct Power : Stateless {
  using Stateless::Stateless;
  T operator()(T a, T b) const {
    if constexpr (kIsInt<T>) {
      return IntegerPower(a, b);
    } else {
      return std::pow(a, b);
    }
  }
};

// One exponent for all: the common ones exactly as products and roots.
template <typename T>
struct PowerOfScalar {
  explicit PowerOfScalar(const Params& p) : exponent(p.Get<T>(0)) {
    if constexpr (kIsInt<T>) {
      kind = kGeneral;
    } else {
      kind = exponent == T(2)      ? kSquare
             : exponent == T(3)    ? kCube
             : exponent == T(0.5)  ? kRoot
             : exponent == T(-0.5) ? kInverseRoot
             : exponent == T(-1)   ? kInverse
             : exponent == T(-2)   ? kInverseSquare
                                   : kGeneral;
    }
  }
  T operator()(T a) const {
    if constexpr (kIsInt<T>) {
      return IntegerPower(a, exponent);
    } else {
      switch (kind) {
        case kSquare:
          return WrapMul(a, a);
        case kCube:
          return WrapMul(WrapMul(a, a), a);
        case kRoot:
          return std::sqrt(a);
        case kInverseRoot:
          return Divide(T(1), std::sqrt(a));
        case kInverse:
          return Divide(T(1), a);
        case kInverseSquare:
          return Divide(T(1), WrapMul(a, a));
        default:
          return std::pow(a, exponent);
      }
    }
  }
  enum Kind {
    kGeneral,
    kSquare,
    kCube,
    kRoot,
    kInverseRoot,
    kInverse,
    kInverseSquare
  } kind;
  T exponent;
};

constexpr int kReal = kFloats | kInts;
constexpr int kAll = kFloats | kInts | kComplex;

constexpr ElementOp kPlus =
    MakeOp<Plus, 2, kAll>("add_stub").NoWideUnsigned().ComplexHalfToo();
constexpr ElementOp kPlusScaled =
    MakeOp<PlusScaled, 2, kAll>("add_stub").NoWideUnsigned().ComplexHalfToo();
constexpr ElementOp kMinus =
    MakeOp<Minus, 2, kAll>("add_stub").NoWideUnsigned().ComplexHalfToo();
constexpr ElementOp kMinusScaled =
    MakeOp<MinusScaled, 2, kAll>("add_stub").NoWideUnsigned().ComplexHalfToo();
constexpr ElementOp kTimes =
    MakeOp<Times, 2, kAll>("mul_cpu").ComplexHalfToo().ExactNumber();
constexpr ElementOp kQuotient =
    MakeOp<Quotient, 2, kFloats | kComplex>("div_cpu").Float().ExactNumber();
constexpr ElementOp kDivTrunc = MakeOp<DivTrunc, 2, kReal>("div_trunc_cpu")
                                    .NoBool()
                                    .NoWideUnsigned()
                                    .ChecksZero()
                                    .ExactNumber();
constexpr ElementOp kDivFloor = MakeOp<DivFloor, 2, kReal>("div_floor_cpu")
                                    .NoBool()
                                    .NoWideUnsigned()
                                    .ChecksZero()
                                    .ExactNumber();
constexpr ElementOp kRemainder = MakeOp<Remainder, 2, kReal>("remainder_cpu")
                                     .NoBool()
                                     .NoWideUnsigned()
                                     .ChecksZero();
constexpr ElementOp kDivTruncHalf =
    MakeOp<DivTruncHalf, 2, kFloats>("div_trunc_cpu");
constexpr ElementOp kDivTruncBFloat16 =
    MakeOp<DivTruncBFloat16, 2, kFloats>("div_trunc_cpu");
constexpr ElementOp kFmod =
    MakeOp<Fmod, 2, kReal>("fmod_cpu").NoBool().NoWideUnsigned().ChecksZero();
constexpr ElementOp kPower =
    MakeOp<Power, 2, kAll>("pow").NoBool().NoWideUnsigned();
constexpr ElementOp kPowerOfScalar =
    MakeOp<PowerOfScalar, 1, kAll>("pow").NoBool().NoWideUnsigned();

bool IsBool(const Input& in) {
  return in.tensor != nullptr ? in.tensor->dtype() == DType::kBool
                              : in.number->is_bool();
}

absl::Status CheckSub(const Input& a, const Input& b) {
  if (IsBool(a) && IsBool(b)) {
    return absl::UnimplementedError(
        "Subtraction, the `-` operator, with two bool tensors is not "
        "supported. Use the `^` or `logical_xor()` operator instead.");
  }
  if (IsBool(a) || IsBool(b)) {
    return absl::UnimplementedError(
        "Subtraction, the `-` operator, with a bool tensor is not supported. "
        "If you are trying to invert a mask, use the `~` or `logical_not()` "
        "operator instead.");
  }
  return absl::OkStatus();
}

bool IsOne(const Scalar& s) { return s.is_int() && s.ToInt() == 1; }

absl::Status CheckAlpha(DType dtype, const Scalar& alpha) {
  if (alpha.is_bool() && dtype != DType::kBool) {
    return absl::InvalidArgumentError(
        "Boolean alpha only supported for Boolean results.");
  }
  if (IsIntegral(dtype, true) && !alpha.is_integral()) {
    return absl::InvalidArgumentError(
        "For integral input tensors, argument alpha must not be a floating "
        "point number.");
  }
  if (!IsComplex(dtype) && alpha.is_complex()) {
    return absl::InvalidArgumentError(
        "For non-complex input tensors, argument alpha must not be a complex "
        "number.");
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Scaled(const ElementOp& plain, const ElementOp& scaled,
                              Target target, const Input& a, const Input& b,
                              const Scalar& alpha) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, CommonDType({a, b}));
  // A complex 1 makes NaN of infinities.
  if (IsOne(alpha) && !IsComplex(dtype)) {
    return RunElementwise(plain, {a, b}, Params(), target);
  }
  TANDEM_RETURN_IF_ERROR(CheckAlpha(dtype, alpha));
  if (dtype == DType::kBool && !alpha.Equals(Scalar(0))) {
    return RunElementwise(plain, {a, b}, Params(), target);
  }
  return RunElementwise(scaled, {a, b}, Params(alpha), target);
}

absl::StatusOr<Tensor> AddImpl(Target target, const Input& a, const Input& b,
                               const Scalar& alpha) {
  return Scaled(kPlus, kPlusScaled, target, a, b, alpha);
}
absl::StatusOr<Tensor> SubImpl(Target target, const Input& a, const Input& b,
                               const Scalar& alpha) {
  TANDEM_RETURN_IF_ERROR(CheckSub(a, b));
  return Scaled(kMinus, kMinusScaled, target, a, b, alpha);
}
absl::StatusOr<Tensor> RsubImpl(Target target, const Input& a, const Input& b,
                                const Scalar& alpha) {
  return SubImpl(target, b, a, alpha);
}
absl::StatusOr<Tensor> AddReluImpl(Target target, const Input& a,
                                   const Input& b, const Scalar& alpha) {
  TANDEM_ASSIGN_OR_RETURN(Tensor sum, AddImpl({}, a, b, alpha));
  return Clamp(target, sum, Scalar(0), std::nullopt);
}

using ScaledFunction = absl::StatusOr<Tensor> (*)(Target, const Input&,
                                                  const Input&, const Scalar&);
template <ScaledFunction G, typename B>
absl::StatusOr<Tensor> MixedScaled(Target target, const Tensor& a, const B& b,
                                   const Scalar& alpha) {
  return G(target, a, b, alpha);
}
template <ScaledFunction G>
void AddScaled(MatchingRegistrar& r,
               std::initializer_list<absl::string_view> names) {
  AddAll<&MixedScaled<G, Tensor>>(r, names);
  AddAll<&MixedScaled<G, Scalar>>(r, names);
}

template <typename B>
absl::StatusOr<Tensor> DivMode(Target target, const Tensor& a, const B& b,
                               std::optional<absl::string_view> mode) {
  if (!mode.has_value()) {
    return RunElementwise(kQuotient, {a, b}, Params(), target);
  }
  if (*mode == "trunc") {
    if constexpr (std::is_same_v<B, Tensor>) {
      TANDEM_ASSIGN_OR_RETURN(const DType dtype, CommonDType({a, b}));
      if (b.numel() != 1 &&
          (dtype == DType::kHalf || dtype == DType::kBFloat16)) {
        return RunElementwise(
            dtype == DType::kHalf ? kDivTruncHalf : kDivTruncBFloat16, {a, b},
            Params(), target);
      }
    }
    return RunElementwise(kDivTrunc, {a, b}, Params(), target);
  }
  if (*mode == "floor") {
    return RunElementwise(kDivFloor, {a, b}, Params(), target);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "div expected rounding_mode to be one of None, 'trunc', or 'floor' but "
      "found '",
      *mode, "'"));
}

// A result of one value everywhere, with the strides of the operator.
absl::StatusOr<Tensor> Constant(absl::Span<const Input> inputs, DType dtype,
                                Target target, const Scalar& value) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, CommonSizes(inputs));
  TANDEM_ASSIGN_OR_RETURN(Tensor out,
                          PrepareTarget(inputs, sizes, dtype, target));
  TANDEM_RETURN_IF_ERROR(FillElements(out, value));
  return out;
}

absl::StatusOr<Tensor> PowAs(DType dtype, Target target, const Input& a,
                             const Input& b) {
  if (b.number != nullptr) {
    const Scalar& exponent = *b.number;
    if (exponent.Equals(Scalar(0))) {
      return Constant({a}, dtype, target, Scalar(1));
    }
    if (exponent.Equals(Scalar(1))) {
      TANDEM_ASSIGN_OR_RETURN(
          Tensor out, PrepareTarget({a}, a.tensor->sizes(), dtype, target));
      TANDEM_RETURN_IF_ERROR(CopyElements(*a.tensor, out));
      return out;
    }
    if (IsIntegral(dtype, true) && exponent.is_integral() &&
        exponent.ToInt() < 0) {
      return absl::InvalidArgumentError(
          "Integers to negative integer powers are not allowed.");
    }
    return RunElementwise(kPowerOfScalar, {a}, Params(exponent), target,
                          {dtype, ""});
  }
  if (a.number != nullptr) {
    // Its result is contiguous, whatever the exponent's strides.
    Tensor contiguous;
    if (target.tensor == nullptr && !b.tensor->is_meta()) {
      TANDEM_ASSIGN_OR_RETURN(contiguous,
                              Tensor::Empty(b.tensor->sizes(), dtype));
      target = Target::Out(contiguous);
    }
    if (a.number->Equals(Scalar(1))) {
      return Constant({b}, dtype, target, Scalar(1));
    }
    return RunElementwise(kPower, {a, b}, Params(), target, {dtype, ""});
  }
  return RunElementwise(kPower, {a, b}, Params(), target, {dtype, ""});
}

absl::StatusOr<Tensor> PowImpl(Target target, const Input& a, const Input& b) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, CommonDType({a, b}));
  return PowAs(dtype, target, a, b);
}

absl::StatusOr<Tensor> FloatPower(Target target, const Input& a,
                                  const Input& b) {
  const auto is_complex = [](const Input& in) {
    return in.tensor != nullptr ? IsComplex(in.tensor->dtype())
                                : in.number->is_complex();
  };
  const DType dtype =
      is_complex(a) || is_complex(b) ? DType::kComplexDouble : DType::kDouble;
  if (target.tensor != nullptr && target.tensor->dtype() != dtype) {
    return absl::InvalidArgumentError(
        target.in_place
            ? absl::StrCat("the base given to float_power_ has dtype ",
                           TypeName(target.tensor->dtype()),
                           " but the operation's result requires dtype ",
                           TypeName(dtype))
            : absl::StrCat("the output given to float_power has dtype ",
                           TypeName(target.tensor->dtype()),
                           " but the operation's result requires dtype ",
                           TypeName(dtype)));
  }
  return PowAs(dtype, target, a, b);
}

absl::StatusOr<Tensor> Square(Target target, const Tensor& self) {
  const Scalar two(2);
  return PowImpl(target, self, two);
}

// self * 2^other; an integer exponent does not change a float's dtype.
absl::StatusOr<Tensor> Ldexp(Target target, const Input& a, const Input& b) {
  const Scalar two(2.0);
  if (target.tensor != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(DType dtype, CommonDType({a, b}));
    if (IsIntegral(dtype, /*include_bool=*/true)) dtype = DType::kFloat;
    if (!CanCast(dtype, target.tensor->dtype())) {
      return absl::InvalidArgumentError(
          absl::StrCat("ldexp can't be cast to the desired output type ",
                       TypeName(target.tensor->dtype())));
    }
  }
  if (IsFloatingPoint(a.tensor->dtype()) &&
      IsIntegral(b.tensor->dtype(), /*include_bool=*/true)) {
    if (b.tensor->dtype() == DType::kBool) {
      return NotImplementedFor("ldexp_cpu_exp", DType::kBool);
    }
    const DType wide =
        a.tensor->dtype() == DType::kDouble ? DType::kDouble : DType::kFloat;
    TANDEM_ASSIGN_OR_RETURN(Tensor power, PowAs(wide, {}, two, b));
    return RunElementwise(kTimes, {a, power}, Params(), target,
                          {a.tensor->dtype(), ""});
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor power, PowImpl({}, two, b));
  return RunElementwise(kTimes, {a, power}, Params(), target);
}

}  // namespace

absl::StatusOr<Tensor> Add(const Input& a, const Input& b) {
  return AddImpl({}, a, b, Scalar(1));
}
absl::StatusOr<Tensor> Sub(const Input& a, const Input& b) {
  return SubImpl({}, a, b, Scalar(1));
}
absl::StatusOr<Tensor> Mul(const Input& a, const Input& b) {
  return RunElementwise(kTimes, {a, b});
}
absl::StatusOr<Tensor> Div(const Input& a, const Input& b) {
  return RunElementwise(kQuotient, {a, b});
}

void AddPointwiseArithmetic(MatchingRegistrar& r) {
  AddScaled<&AddImpl>(r, {"add"});
  AddScaled<&SubImpl>(r, {"sub", "subtract"});
  AddScaled<&RsubImpl>(r, {"rsub"});
  AddScaled<&AddReluImpl>(r, {"_add_relu"});
  AddBinary<&Binary<kTimes>>(r, {"mul", "multiply"});
  AddBinary<&Binary<kQuotient>>(r, {"div", "divide", "true_divide"});
  AddAll<&DivMode<Tensor>>(r, {"div", "divide"});
  AddAll<&DivMode<Scalar>>(r, {"div", "divide"});
  AddBinary<&Binary<kDivFloor>>(r, {"floor_divide"});
  AddBinary<&Binary<kRemainder>>(r, {"remainder"});
  AddBinary<&Binary<kFmod>>(r, {"fmod"});
  AddBinary<&PowImpl>(r, {"pow"});
  AddBinary<&FloatPower>(r, {"float_power"});
  AddAll<&Square>(r, {"square"});
  AddBinary<&Ldexp>(r, {"ldexp"});
}

}  // namespace tandem::reference
