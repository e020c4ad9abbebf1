// Comparisons, logic, and the larger or smaller of two.

#include <cmath>
#include <complex>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"

namespace tandem::reference {
namespace {

#define TANDEM_PREDICATE(Name, ...)                  \
  template <typename T>                              \
  struct Name : Stateless {                          \
    using Stateless::Stateless;                      \
    bool operator()(T a, T b) const { __VA_ARGS__; } \
  }
TANDEM_PREDICATE(Eq, return a == b);
TANDEM_PREDICATE(Ne, return a != b);
TANDEM_PREDICATE(Lt, return a < b);
TANDEM_PREDICATE(Le, return a <= b);
TANDEM_PREDICATE(Gt, return a > b);
TANDEM_PREDICATE(Ge, return a >= b);
TANDEM_PREDICATE(And, return a != T(0) && b != T(0));
TANDEM_PREDICATE(Or, return a != T(0) || b != T(0));
TANDEM_PREDICATE(Xor, return (a != T(0)) != (b != T(0)));

template <typename T>
struct Not : Stateless {
  using Stateless::Stateless;
  bool operator()(T a) const { return a == T(0); }
};

template <typename T>
bool IsNan(T a) {
  return a != a;
}

#define TANDEM_BINARY(Name, ...)                  \
  template <typename T>                           \
  struct Name : Stateless {                       \
    using Stateless::Stateless;                   \
    T operator()(T a, T b) const { __VA_ARGS__; } \
  }
// NaN wins.
TANDEM_BINARY(Maximum, return IsNan(a) || a > b ? a : b);
TANDEM_BINARY(Minimum, return IsNan(a) || a < b ? a : b);
// NaN loses.
TANDEM_BINARY(Fmax, return IsNan(b) || a > b ? a : b);
TANDEM_BINARY(Fmin, return IsNan(b) || a < b ? a : b);

constexpr int kReal = kFloats | kInts;
constexpr int kAll = kFloats | kInts | kComplex;

constexpr ElementOp kEq = MakeOp<Eq, 2, kAll>("eq_cpu").ComplexHalfToo();
constexpr ElementOp kNe = MakeOp<Ne, 2, kAll>("ne_cpu").ComplexHalfToo();
constexpr ElementOp kLt = MakeOp<Lt, 2, kReal>("lt_cpu").NoWideUnsigned();
constexpr ElementOp kLe = MakeOp<Le, 2, kReal>("le_cpu").NoWideUnsigned();
constexpr ElementOp kGt = MakeOp<Gt, 2, kReal>("gt_cpu").NoWideUnsigned();
constexpr ElementOp kGe = MakeOp<Ge, 2, kReal>("ge_cpu").NoWideUnsigned();
constexpr ElementOp kAnd =
    MakeOp<And, 2, kAll>("logical_and_cpu").NoWideUnsigned();
constexpr ElementOp kOr =
    MakeOp<Or, 2, kAll>("logical_or_cpu").NoWideUnsigned();
constexpr ElementOp kXor =
    MakeOp<Xor, 2, kAll>("logical_xor_cpu").NoWideUnsigned();
constexpr ElementOp kNot =
    MakeOp<Not, 1, kAll>("logical_not_cpu").NoWideUnsigned().ConvertsOut();
constexpr ElementOp kMaximum =
    MakeOp<Maximum, 2, kReal>("maximum_cpu")
        .ComplexError("maximum not implemented for complex tensors.");
constexpr ElementOp kMinimum =
    MakeOp<Minimum, 2, kReal>("minimum_cpu")
        .ComplexError("minimum not implemented for complex tensors.");
constexpr ElementOp kFmax =
    MakeOp<Fmax, 2, kReal>("fmax_cpu")
        .ComplexError("fmax not implemented for complex tensors.");
constexpr ElementOp kFmin =
    MakeOp<Fmin, 2, kReal>("fmin_cpu")
        .ComplexError("fmin not implemented for complex tensors.");

// |a - b| <= atol + |rtol b|, in the default float type for integers.
template <typename T>
struct IsCloseOp {
  using C = std::conditional_t<kIsInt<T>, float, T>;
  explicit IsCloseOp(const Params& p)
      : rtol(p.values[0].ToDouble()),
        atol(p.values[1].ToDouble()),
        equal_nan(p.values[2].ToBool()) {}
  bool operator()(T a, T b) const {
    if (a == b || (equal_nan && IsNan(a) && IsNan(b))) return true;
    if (rtol == 0 && atol == 0) return false;
    using R = decltype(std::abs(C()));
    const C x = static_cast<C>(a), y = static_cast<C>(b);
    const R allowed = static_cast<R>(atol) + std::abs(y * static_cast<R>(rtol));
    const R actual = std::abs(x - y);
    return std::isfinite(actual) && actual <= allowed;
  }
  double rtol, atol;
  bool equal_nan;
};
constexpr ElementOp kIsClose =
    MakeOp<IsCloseOp, 2, kAll>("isclose_cpu").ComplexHalfToo();

absl::StatusOr<Tensor> IsClose(const Tensor& self, const Tensor& other,
                               double rtol, double atol, bool equal_nan) {
  if (self.dtype() != other.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat(
        TypeName(self.dtype()), " did not match ", TypeName(other.dtype())));
  }
  if (!(rtol >= 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "rtol must be greater than or equal to zero, but got ", rtol));
  }
  if (!(atol >= 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "atol must be greater than or equal to zero, but got ", atol));
  }
  return RunElementwise(kIsClose, {self, other},
                        Params(Scalar(rtol), Scalar(atol), Scalar(equal_nan)));
}

// Is every element of a bool tensor true?
bool AllTrue(const Tensor& t) {
  const StridedLoop loop(t.sizes(), {StridedLoop::Operand::Of(t)});
  bool all = true;
  loop.Run(0, loop.numel(),
           [&](char* const* data, const int64_t* strides, int64_t n) {
             for (int64_t i = 0; i < n && all; ++i) {
               all = data[0][i * strides[0]] != 0;
             }
           });
  return all;
}

absl::StatusOr<bool> AllClose(const Tensor& self, const Tensor& other,
                              double rtol, double atol, bool equal_nan) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor close,
                          IsClose(self, other, rtol, atol, equal_nan));
  return AllTrue(close);
}

absl::StatusOr<bool> EqualTensors(const Tensor& self, const Tensor& other) {
  if (self.sizes() != other.sizes()) return false;
  TANDEM_ASSIGN_OR_RETURN(const Tensor same,
                          RunElementwise(kEq, {self, other}));
  return AllTrue(same);
}

template <typename A, typename B>
absl::StatusOr<DType> ResultTypeOf(const A& a, const B& b) {
  return ResultType().Add(a).Add(b).Get();
}
template <typename A, typename B>
absl::StatusOr<int64_t> ResultTypeCode(const A& a, const B& b) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, ResultTypeOf(a, b));
  return static_cast<int64_t>(dtype);
}

// aten::max.other and aten::max.out beside maximum (max() itself reduces).
template <const ElementOp& kOp>
absl::StatusOr<Tensor> OfTwo(const Tensor& a, const Tensor& b) {
  return RunElementwise(kOp, {a, b});
}
template <const ElementOp& kOp>
absl::StatusOr<Tensor> OfTwoOut(const Tensor& a, const Tensor& b,
                                const Tensor& out) {
  return RunElementwise(kOp, {a, b}, Params(), Target::Out(out));
}

}  // namespace

absl::StatusOr<Tensor> EqualSelf(const Tensor& self) {
  return RunElementwise(kEq, {self, self});
}

void AddPointwiseCompare(MatchingRegistrar& r) {
  AddBinary<&Binary<kEq>>(r, {"eq"});
  AddBinary<&Binary<kNe>>(r, {"ne", "not_equal"});
  AddBinary<&Binary<kLt>>(r, {"lt", "less"});
  AddBinary<&Binary<kLe>>(r, {"le", "less_equal"});
  AddBinary<&Binary<kGt>>(r, {"gt", "greater"});
  AddBinary<&Binary<kGe>>(r, {"ge", "greater_equal"});
  AddBinary<&Binary<kAnd>>(r, {"logical_and"});
  AddBinary<&Binary<kOr>>(r, {"logical_or"});
  AddBinary<&Binary<kXor>>(r, {"logical_xor"});
  AddUnary<kNot>(r, {"logical_not"});
  AddBinary<&Binary<kMaximum>>(r, {"maximum"});
  AddBinary<&Binary<kMinimum>>(r, {"minimum"});
  AddBinary<&Binary<kFmax>>(r, {"fmax"});
  AddBinary<&Binary<kFmin>>(r, {"fmin"});
  r.AddExact("aten::max.other", &OfTwo<kMaximum>);
  r.AddExact("aten::max.out", &OfTwoOut<kMaximum>);
  r.AddExact("aten::min.other", &OfTwo<kMinimum>);
  r.AddExact("aten::min.out", &OfTwoOut<kMinimum>);
  r.AddExact("aten::isclose", &IsClose);
  r.AddExact("aten::allclose", &AllClose);
  r.AddExact("aten::equal", &EqualTensors);
  r.AddExact("aten::result_type.Tensor", &ResultTypeCode<Tensor, Tensor>);
  r.AddExact("aten::result_type.Scalar", &ResultTypeCode<Tensor, Scalar>);
  r.AddExact("aten::result_type.Scalar_Tensor",
             &ResultTypeCode<Scalar, Tensor>);
}

}  // namespace tandem::reference
