// Functions of two and three floating point variables.

#include <cmath>
#include <complex>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"

namespace tandem::reference {
namespace {

#define TANDEM_BINARY(Name, ...)                  \
  template <typename T>                           \
  struct Name : Stateless {                       \
    using Stateless::Stateless;                   \
    T operator()(T a, T b) const { __VA_ARGS__; } \
  }

TANDEM_BINARY(Atan2, return std::atan2(a, b));
TANDEM_BINARY(Hypot, return std::hypot(a, b));
TANDEM_BINARY(CopySign, return std::copysign(a, b));
TANDEM_BINARY(NextAfter, return std::nextafter(a, b));
TANDEM_BINARY(Heaviside, return a == 0 ? b : static_cast<T>(a > 0));

template <typename T>
struct LogAddExp : Stateless {
  using Stateless::Stateless;
  T operator()(T a, T b) const {
    if constexpr (kIsComplex<T>) {
      using R = typename T::value_type;
      const auto is_nan = [](T z) {
        return std::isnan(z.real()) || std::isnan(z.imag());
      };
      if (is_nan(a) || is_nan(b)) {
        const R nan = std::numeric_limits<R>::quiet_NaN();
        return T(nan, nan);
      }
      const bool a_less = a.real() < b.real();
      const T low = a_less ? a : b, high = a_less ? b : a;
      if (!std::isfinite(low.real()) && low.real() == high.real()) {
        return low.real() < 0 ? low : std::log(std::exp(low) + std::exp(high));
      }
      return high + std::log(T(1) + std::exp(low - high));
    } else {
      if (std::isinf(a) && a == b) return a;
      const T high = std::max(a, b);
      return std::isnan(a) || std::isnan(b)
                 ? a + b
                 : high + std::log1p(std::exp(-std::abs(a - b)));
    }
  }
};

template <typename T>
struct LogAddExp2 : Stateless {
  using Stateless::Stateless;
  T operator()(T a, T b) const {
    if (std::isinf(a) && a == b) return a;
    constexpr T kInverseLn2 = T(1.44269504088896340736L);
    return std::isnan(a) || std::isnan(b)
               ? a + b
               : std::max(a, b) +
                     std::log1p(std::exp2(-std::abs(a - b))) * kInverseLn2;
  }
};

template <typename T>
struct XLogY : Stateless {
  using Stateless::Stateless;
  T operator()(T x, T y) const {
    if (std::isnan(y)) return y;
    return x == 0 ? T(0) : x * std::log(y);
  }
};
template <typename T>
struct XLog1pY : Stateless {
  using Stateless::Stateless;
  T operator()(T x, T y) const {
    if (std::isnan(y)) return y;
    return x == 0 ? T(0) : x * std::log1p(y);
  }
};

// start + weight (end - start), from the nearer end.
template <typename T>
T Interpolate(T start, T end, T weight) {
  const bool near_start = std::abs(weight) < 0.5;
  return near_start ? start + WrapMul(weight, end - start)
                    : end - WrapMul(end - start, T(1) - weight);
}
template <typename T>
struct LerpScalar {
  explicit LerpScalar(const Params& p) : weight(p.Get<T>(0)) {}
  T operator()(T a, T b) const { return Interpolate(a, b, weight); }
  T weight;
};
template <typename T>
struct LerpTensor : Stateless {
  using Stateless::Stateless;
  T operator()(T a, T b, T w) const { return Interpolate(a, b, w); }
};

template <typename T>
struct AddCMul {
  explicit AddCMul(const Params& p) : value(p.Get<T>(0)) {}
  T operator()(T a, T b, T c) const {
    return WrapAdd(a, WrapMul(WrapMul(value, b), c));
  }
  T value;
};
template <typename T>
struct AddCDiv {
  explicit AddCDiv(const Params& p) : value(p.Get<T>(0)) {}
  T operator()(T a, T b, T c) const { return a + Divide(WrapMul(value, b), c); }
  T value;
};

constexpr int kReal = kFloats | kInts;
constexpr int kAll = kFloats | kInts | kComplex;

constexpr ElementOp kAtan2 = MakeOp<Atan2, 2, kFloats>("atan2_cpu").Float();
constexpr ElementOp kHypot = MakeOp<Hypot, 2, kFloats>("hypot_cpu");
constexpr ElementOp kCopySign =
    MakeOp<CopySign, 2, kFloats>("copysign_cpu").Float();
constexpr ElementOp kNextAfter = MakeOp<NextAfter, 2, kFloats>("nextafter_cpu");
constexpr ElementOp kHeaviside =
    MakeOp<Heaviside, 2, kReal>("heaviside_cpu")
        .NoWideUnsigned()
        .ComplexError("heaviside is not yet implemented for complex tensors.");
constexpr ElementOp kLogAddExp =
    MakeOp<LogAddExp, 2, kFloats | kComplex>("logaddexp_cpu");
constexpr ElementOp kLogAddExp2 =
    MakeOp<LogAddExp2, 2, kFloats>("logaddexp2_cpu");
constexpr ElementOp kXLogY = MakeOp<XLogY, 2, kFloats>("xlogy_cpu").Float();
constexpr ElementOp kXLog1pY =
    MakeOp<XLog1pY, 2, kFloats>("xlog1py_cpu").Float();
constexpr ElementOp kLerpScalar =
    MakeOp<LerpScalar, 2, kFloats | kComplex>("lerp_kernel_scalar");
constexpr ElementOp kLerpTensor =
    MakeOp<LerpTensor, 3, kFloats | kComplex>("lerp_kernel_tensor");
constexpr ElementOp kAddCMul = MakeOp<AddCMul, 3, kAll>("addcmul_cpu_out")
                                   .NoBool()
                                   .NoWideUnsigned()
                                   .ComplexHalfToo();
constexpr ElementOp kAddCDiv =
    MakeOp<AddCDiv, 3, kFloats | kComplex>("addcdiv_cpu_out");

absl::StatusOr<Tensor> HeavisideOf(Target target, const Tensor& self,
                                   const Tensor& values) {
  if (IsComplex(self.dtype()) || IsComplex(values.dtype()) ||
      (target.tensor != nullptr && IsComplex(target.tensor->dtype()))) {
    return absl::UnimplementedError(kHeaviside.complex_error);
  }
  if (self.dtype() != values.dtype() ||
      (target.tensor != nullptr && target.tensor->dtype() != self.dtype())) {
    return absl::InvalidArgumentError(
        "heaviside is not yet implemented for tensors with different dtypes.");
  }
  return RunElementwise(kHeaviside, {self, values}, Params(), target);
}

// 16-bit types step by their own last bit, not by float's.
template <typename T>
absl::StatusOr<Tensor> NextAfter16(const Tensor& self, const Tensor& other) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, CommonSizes({self, other}));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, PrepareTarget({self, other}, sizes, self.dtype(), {}));
  StridedLoop loop(
      sizes, {StridedLoop::Operand::Of(out), StridedLoop::Operand::Of(self),
              StridedLoop::Operand::Of(other)});
  TANDEM_RETURN_IF_ERROR(loop.RunParallel([](char* const* data,
                                             const int64_t* s, int64_t n) {
    for (int64_t i = 0; i < n; ++i) {
      const T a = *reinterpret_cast<const T*>(data[1] + i * s[1]);
      const T b = *reinterpret_cast<const T*>(data[2] + i * s[2]);
      const float x = a, y = b;
      T& out = *reinterpret_cast<T*>(data[0] + i * s[0]);
      if (std::isnan(x) || std::isnan(y)) {
        out = T(x + y);
      } else if (x == y) {
        out = b;
      } else if (x == 0) {
        out = T::FromBits(static_cast<uint16_t>((b.bits & 0x8000) | 1));
      } else {
        const bool outward = (x < y) == (x > 0);
        out = T::FromBits(static_cast<uint16_t>(a.bits + (outward ? 1 : -1)));
      }
    }
  }));
  return out;
}

absl::StatusOr<Tensor> NextAfterOf(Target target, const Tensor& self,
                                   const Tensor& other) {
  if (self.dtype() == other.dtype() &&
      (self.dtype() == DType::kHalf || self.dtype() == DType::kBFloat16)) {
    absl::StatusOr<Tensor> result = self.dtype() == DType::kHalf
                                        ? NextAfter16<Half>(self, other)
                                        : NextAfter16<BFloat16>(self, other);
    if (!result.ok() || target.tensor == nullptr) return result;
    return target.in_place ? WriteSelf(*result, *target.tensor)
                           : WriteOut(*result, *target.tensor);
  }
  return RunElementwise(kNextAfter, {self, other}, Params(), target);
}

absl::Status CheckSameDType(const Tensor& self, const Tensor& other,
                            absl::string_view name) {
  if (self.dtype() == other.dtype()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("expected dtype ", CppName(self.dtype()), " for `", name,
                   "` but got dtype ", CppName(other.dtype())));
}

absl::StatusOr<Tensor> LerpByScalar(Target target, const Tensor& self,
                                    const Tensor& end, const Scalar& weight) {
  TANDEM_RETURN_IF_ERROR(CheckSameDType(self, end, "end"));
  return RunElementwise(kLerpScalar, {self, end}, Params(weight), target);
}
absl::StatusOr<Tensor> LerpByTensor(Target target, const Tensor& self,
                                    const Tensor& end, const Tensor& weight) {
  TANDEM_RETURN_IF_ERROR(CheckSameDType(self, end, "end"));
  if (weight.dim() > 0) {
    TANDEM_RETURN_IF_ERROR(CheckSameDType(self, weight, "weight"));
  }
  return RunElementwise(kLerpTensor, {self, end, weight}, Params(), target);
}

absl::StatusOr<Tensor> AddCMulOf(Target target, const Tensor& self,
                                 const Tensor& a, const Tensor& b,
                                 const Scalar& value) {
  return RunElementwise(kAddCMul, {self, a, b}, Params(value), target);
}
absl::StatusOr<Tensor> AddCDivOf(Target target, const Tensor& self,
                                 const Tensor& a, const Tensor& b,
                                 const Scalar& value) {
  if (IsIntegral(a.dtype(), true) && IsIntegral(b.dtype(), true)) {
    return absl::InvalidArgumentError(
        "Integer division with addcdiv is no longer supported, and in a future "
        " release addcdiv will perform a true division of tensor1 and tensor2. "
        "The historic addcdiv behavior can be implemented as (input + value * "
        "torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs "
        "and as (input + value * tensor1 / tensor2) for float inputs. The "
        "future addcdiv behavior is just the latter implementation: (input + "
        "value * tensor1 / tensor2), for all dtypes.");
  }
  return RunElementwise(kAddCDiv, {self, a, b}, Params(value), target);
}

}  // namespace

void AddPointwiseBinary(MatchingRegistrar& r) {
  AddBinary<&Binary<kAtan2>>(r, {"atan2", "arctan2"});
  AddBinary<&Binary<kHypot>>(r, {"hypot"});
  AddBinary<&Binary<kCopySign>>(r, {"copysign"});
  AddBinary<&Binary<kLogAddExp>>(r, {"logaddexp"});
  AddBinary<&Binary<kLogAddExp2>>(r, {"logaddexp2"});
  AddBinary<&Binary<kXLogY>>(r, {"xlogy", "special_xlogy"});
  AddBinary<&Binary<kXLog1pY>>(r, {"special_xlog1py"});
  AddAll<&NextAfterOf>(r, {"nextafter"});
  AddAll<&HeavisideOf>(r, {"heaviside"});
  AddAll<&LerpByScalar>(r, {"lerp"});
  AddAll<&LerpByTensor>(r, {"lerp"});
  AddAll<&AddCMulOf>(r, {"addcmul"});
  AddAll<&AddCDivOf>(r, {"addcdiv"});
}

}  // namespace tandem::reference
