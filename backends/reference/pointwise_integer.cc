// Bitwise operators, shifts, gcd and lcm.

#include <cstdint>

#include "tandem/backends/reference/pointwise.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

#define TANDEM_INTEGER(Name, ...)                 \
  template <typename T>                           \
  struct Name : Stateless {                       \
    using Stateless::Stateless;                   \
    T operator()(T a, T b) const { __VA_ARGS__; } \
  }

int64_t Gcd(int64_t a, int64_t b) {
  while (a != 0) {
    const int64_t c = a;
    a = a == -1 ? 0 : b % a;
    b = c;
  }
  return b < 0 ? WrapSub<int64_t>(0, b) : b;
}

TANDEM_INTEGER(BitAnd, return a & b);
TANDEM_INTEGER(BitOr, return a | b);
TANDEM_INTEGER(BitXor, return a ^ b);
// A shift by the width or more, or by a negative number, moves every bit out.
TANDEM_INTEGER(ShiftLeft,
               return b < 0 || b >= 64
                          ? 0
                          : static_cast<T>(static_cast<uint64_t>(a) << b));
TANDEM_INTEGER(ShiftRight, return b < 0 || b >= 64 ? (a < 0 ? -1 : 0) : a >> b);
TANDEM_INTEGER(GcdOf, return Gcd(a, b));
// Up to its sign, which is of the result's own width.
template <typename T>
struct SignedLcm : Stateless {
  using Stateless::Stateless;
  T operator()(T a, T b) const {
    const T g = Gcd(a, b);
    if (g == 0) return 0;
    return WrapMul<T>(a == INT64_MIN && g == -1 ? a : a / g, b);
  }
};
template <typename T>
struct AbsOf : Stateless {
  using Stateless::Stateless;
  T operator()(T a) const { return a < 0 ? WrapSub<T>(0, a) : a; }
};

template <typename T>
struct BitNot : Stateless {
  using Stateless::Stateless;
  T operator()(T a) const { return ~a; }
};
template <typename T>
struct BoolNot : Stateless {
  using Stateless::Stateless;
  bool operator()(T a) const { return a == 0; }
};

constexpr ElementOp kBitAnd = MakeOp<BitAnd, 2, kInts>("bitwise_and_cpu");
constexpr ElementOp kBitOr = MakeOp<BitOr, 2, kInts>("bitwise_or_cpu");
constexpr ElementOp kBitXor = MakeOp<BitXor, 2, kInts>("bitwise_xor_cpu");
constexpr ElementOp kShiftLeft =
    MakeOp<ShiftLeft, 2, kInts>("lshift_cpu").NoBool().NoWideUnsigned();
constexpr ElementOp kShiftRight =
    MakeOp<ShiftRight, 2, kInts>("rshift_cpu").NoBool().NoWideUnsigned();
constexpr ElementOp kGcd =
    MakeOp<GcdOf, 2, kInts>("gcd_cpu").NoBool().NoWideUnsigned();
constexpr ElementOp kSignedLcm =
    MakeOp<SignedLcm, 2, kInts>("lcm_cpu").NoBool().NoWideUnsigned();
constexpr ElementOp kAbsInt = MakeOp<AbsOf, 1, kInts>("lcm_cpu");
constexpr ElementOp kBitNot =
    MakeOp<BitNot, 1, kInts>("bitwise_not_cpu").NoWideUnsigned();
constexpr ElementOp kBoolNot = MakeOp<BoolNot, 1, kInts>("bitwise_not_cpu");

absl::StatusOr<Tensor> BitwiseNot(Target target, const Tensor& self) {
  return RunElementwise(self.dtype() == DType::kBool ? kBoolNot : kBitNot,
                        {self}, Params(), target);
}

absl::StatusOr<Tensor> Lcm(Target target, const Input& a, const Input& b) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor lcm, RunElementwise(kSignedLcm, {a, b}));
  if (target.tensor == nullptr) {
    return RunElementwise(kAbsInt, {lcm}, Params(), Target::InPlace(lcm));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor positive,
                          RunElementwise(kAbsInt, {lcm}));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, PrepareTarget({a, b}, positive.sizes(),
                                                    positive.dtype(), target));
  TANDEM_RETURN_IF_ERROR(CopyElements(positive, out));
  return out;
}

}  // namespace

void AddPointwiseInteger(MatchingRegistrar& r) {
  AddAll<&BitwiseNot>(r, {"bitwise_not"});
  AddBinary<&Binary<kBitAnd>>(r, {"bitwise_and", "__and__", "__iand__"});
  AddBinary<&Binary<kBitOr>>(r, {"bitwise_or", "__or__", "__ior__"});
  AddBinary<&Binary<kBitXor>>(r, {"bitwise_xor", "__xor__", "__ixor__"});
  AddBinary<&Binary<kShiftLeft>>(
      r, {"bitwise_left_shift", "__lshift__", "__ilshift__"});
  AddBinary<&Binary<kShiftRight>>(
      r, {"bitwise_right_shift", "__rshift__", "__irshift__"});
  AddBinary<&Binary<kGcd>>(r, {"gcd"});
  AddBinary<&Lcm>(r, {"lcm"});
}

}  // namespace tandem::reference
