// The operators of operators.inc as kernels: functional, in place, with
// numbers.
#include <cmath>

#include "tandem/backends/native/elementwise.h"
#include "tandem/backends/native/families.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {
namespace {

using Result = absl::StatusOr<Tensor>;

template <Op kOp, bool kInPlace>
Result Unary(const Tensor& self) {
  return RunUnary(kOp, self, kInPlace);
}
template <Op kOp, bool kInPlace>
Result Binary(const Tensor& self, const Tensor& other) {
  return RunBinary(kOp, self, other, kInPlace);
}
template <Op kOp, bool kInPlace>
Result WithNumber(const Tensor& self, const Scalar& other) {
  return RunWithNumber(kOp, self, other, kInPlace);
}

bool IsOne(const Scalar& s) {
  return !s.is_bool() && !s.is_complex() && s.ToDouble() == 1;
}
// A factor that multiplies elements of the tensor's dtype.
bool IsFactor(const Scalar& s, const Tensor& t) {
  if (s.is_bool() || s.is_complex() || !t.defined()) return false;
  return IsFloatingPoint(t.dtype()) ||
         (IsIntegral(t.dtype(), /*include_bool=*/false) && s.is_int());
}

template <bool kInPlace>
Result Add(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  if (IsOne(alpha)) return RunBinary(Op::kAdd, self, other, kInPlace);
  if (!IsFactor(alpha, self)) return Declined();
  return RunBinary(Op::kAddScaled, self, other, kInPlace, {alpha});
}
template <bool kInPlace>
Result Sub(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  if (!IsFactor(alpha, self)) return Declined();
  if (IsOne(alpha)) return RunBinary(Op::kSub, self, other, kInPlace);
  return RunBinary(Op::kAddScaled, self, other, kInPlace, {-alpha});
}
template <bool kInPlace>
Result AddNumber(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  if (!IsOne(alpha)) return Declined();
  return RunWithNumber(Op::kAdd, self, other, kInPlace);
}
template <bool kInPlace>
Result SubNumber(const Tensor& self, const Scalar& other, const Scalar& alpha) {
  if (!IsOne(alpha) || other.is_bool()) return Declined();
  return RunWithNumber(Op::kSub, self, other, kInPlace);
}
Result Rsub(const Tensor& self, const Tensor& other, const Scalar& alpha) {
  if (!IsOne(alpha)) return Declined();
  return Sub<false>(other, self, alpha);
}
Result RsubNumber(const Tensor& self, const Scalar& other,
                  const Scalar& alpha) {
  if (!IsOne(alpha) || other.is_bool()) return Declined();
  return RunWithNumber(Op::kSub, self, other, false, /*number_first=*/true);
}

bool IsNan(const Scalar& s) {
  return s.is_double() && std::isnan(s.ToDouble());
}

template <bool kInPlace>
Result Clamp(const Tensor& self, const std::optional<Scalar>& min,
             const std::optional<Scalar>& max) {
  if ((min.has_value() && IsNan(*min)) || (max.has_value() && IsNan(*max))) {
    return Declined();
  }
  if (min.has_value() && max.has_value()) {
    return RunUnary(Op::kClamp, self, kInPlace, {*min, *max});
  }
  if (min.has_value()) return RunUnary(Op::kClampMin, self, kInPlace, {*min});
  if (max.has_value()) return RunUnary(Op::kClampMax, self, kInPlace, {*max});
  return Declined();
}
template <bool kInPlace>
Result ClampMin(const Tensor& self, const Scalar& min) {
  return Clamp<kInPlace>(self, min, std::nullopt);
}
template <bool kInPlace>
Result ClampMax(const Tensor& self, const Scalar& max) {
  return Clamp<kInPlace>(self, std::nullopt, max);
}
bool IsFloat(const Tensor& t) {
  return t.defined() && IsFloatingPoint(t.dtype());
}
bool IsShortFloat(const Tensor& t) {
  return t.dtype() == DType::kHalf || t.dtype() == DType::kBFloat16;
}
template <bool kInPlace>
Result HardTanh(const Tensor& self, const Scalar& min, const Scalar& max) {
  if (!IsFloat(self) || !(min.ToDouble() <= max.ToDouble())) return Declined();
  return RunUnary(Op::kClamp, self, kInPlace, {min, max});
}
template <bool kInPlace>
Result Relu6(const Tensor& self) {
  return HardTanh<kInPlace>(self, Scalar(0), Scalar(6));
}
template <bool kInPlace>
Result LeakyRelu(const Tensor& self, const Scalar& slope) {
  return RunUnary(Op::kLeakyRelu, self, kInPlace, {slope});
}
template <bool kInPlace>
Result Elu(const Tensor& self, const Scalar& alpha, const Scalar& scale,
           const Scalar& input_scale) {
  return RunUnary(Op::kElu, self, kInPlace, {alpha, scale, input_scale});
}
template <bool kInPlace>
Result Celu(const Tensor& self, const Scalar& alpha) {
  if (!IsFloat(self) || alpha.ToDouble() == 0) return Declined();
  return Elu<kInPlace>(self, alpha, Scalar(1.0), Scalar(1 / alpha.ToDouble()));
}
template <bool kInPlace>
Result Selu(const Tensor& self) {
  return Elu<kInPlace>(self, Scalar(1.6732632423543772848170429916717),
                       Scalar(1.0507009873554804934193349852946), Scalar(1.0));
}
Result Softplus(const Tensor& self, const Scalar& beta,
                const Scalar& threshold) {
  return RunUnary(Op::kSoftplus, self, false, {beta, threshold});
}
template <bool kInPlace>
Result Threshold(const Tensor& self, const Scalar& threshold,
                 const Scalar& value) {
  return RunUnary(Op::kThreshold, self, kInPlace, {threshold, value});
}
template <bool kInPlace>
Result Gelu(const Tensor& self, absl::string_view approximate) {
  if (approximate == "none") return RunUnary(Op::kGelu, self, kInPlace);
  if (approximate == "tanh") return RunUnary(Op::kGeluTanh, self, kInPlace);
  return Declined();
}

// Its result is contiguous whatever the input is.
Result LogSigmoid(const Tensor& self) {
  if (!self.defined() || !IsPlain(*self.impl())) return Declined();
  return RunUnary(Op::kLogSigmoid, self, false);
}

template <bool kInPlace>
Result Pow(const Tensor& self, const Scalar& exponent) {
  if (!IsFloat(self) || exponent.is_complex()) return Declined();
  const double e = exponent.ToDouble();
  if (e == 2) return RunUnary(Op::kSquare, self, kInPlace);
  if (e == 0.5) return RunUnary(Op::kSqrt, self, kInPlace);
  // Others of 16-bit floats are rounded at more steps.
  if (IsShortFloat(self)) return Declined();
  if (e == 3) return RunUnary(Op::kCube, self, kInPlace);
  if (e == -0.5) return RunUnary(Op::kRsqrt, self, kInPlace);
  if (e == -1) return RunUnary(Op::kReciprocal, self, kInPlace);
  return Declined();
}

template <bool kInPlace>
Result AddCMul(const Tensor& self, const Tensor& a, const Tensor& b,
               const Scalar& value) {
  if (!IsFactor(value, self)) return Declined();
  return RunGeneral(Op::kAddCMul, {{&self}, {&a}, {&b}},
                    kInPlace ? &self : nullptr, {value});
}
template <bool kInPlace>
Result AddCDiv(const Tensor& self, const Tensor& a, const Tensor& b,
               const Scalar& value) {
  if (!IsFactor(value, self)) return Declined();
  return RunGeneral(Op::kAddCDiv, {{&self}, {&a}, {&b}},
                    kInPlace ? &self : nullptr, {value});
}
template <bool kInPlace>
Result Lerp(const Tensor& self, const Tensor& end, const Tensor& weight) {
  return RunGeneral(Op::kLerp, {{&self}, {&end}, {&weight}},
                    kInPlace ? &self : nullptr);
}
template <bool kInPlace>
Result LerpNumber(const Tensor& self, const Tensor& end, const Scalar& weight) {
  if (!IsFloat(self) || !IsFloat(end)) return Declined();
  return RunGeneral(Op::kLerp, {{&self}, {&end}, {nullptr, &weight}},
                    kInPlace ? &self : nullptr);
}

// The weight along dim 1.
Result Prelu(const Tensor& self, const Tensor& weight) {
  if (!self.defined() || !weight.defined() || weight.dim() > 1 ||
      self.dim() == 0) {
    return Declined();
  }
  if (self.dim() == weight.dim() || weight.numel() == 1) {
    if (self.dim() == 1 && weight.numel() != 1) return Declined();
    return RunGeneral(Op::kPrelu, {{&self}, {&weight}}, nullptr);
  }
  if (self.dim() < 2 || self.size(1) != weight.numel()) return Declined();
  Dims sizes(self.dim(), 1), strides(self.dim(), 1);
  sizes[1] = weight.numel();
  strides[1] = weight.stride(0);
  strides[0] = weight.numel();
  const Tensor along = weight.ViewUnchecked(sizes, strides, weight.offset());
  return RunGeneral(Op::kPrelu, {{&self}, {&along}}, nullptr);
}

Result Glu(const Tensor& self, int64_t dim) {
  if (!self.defined() || self.dim() == 0 || dim < -self.dim() ||
      dim >= self.dim()) {
    return Declined();
  }
  if (dim < 0) dim += self.dim();
  const int64_t size = self.size(dim);
  if (size % 2 != 0) return Declined();
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes[dim] = size / 2;
  const Tensor a = self.ViewUnchecked(sizes, self.strides(), self.offset());
  const Tensor b = self.ViewUnchecked(
      sizes, self.strides(), self.offset() + size / 2 * self.stride(dim));
  return RunGeneral(Op::kGlu, {{&a}, {&b}}, nullptr);
}

// One difference along a dim; higher orders and joined ends are left.
Result Diff(const Tensor& self, int64_t n, int64_t dim, const Tensor& prepend,
            const Tensor& append) {
  if (!self.defined() || n != 1 || prepend.defined() || append.defined() ||
      self.dtype() == DType::kBool || self.dim() == 0 || dim < -self.dim() ||
      dim >= self.dim()) {
    return Declined();
  }
  if (dim < 0) dim += self.dim();
  if (self.size(dim) < 2) return Declined();
  Dims sizes(self.sizes().begin(), self.sizes().end());
  --sizes[dim];
  const Tensor earlier =
      self.ViewUnchecked(sizes, self.strides(), self.offset());
  const Tensor later = self.ViewUnchecked(sizes, self.strides(),
                                          self.offset() + self.stride(dim));
  return RunGeneral(Op::kSub, {{&later}, {&earlier}}, nullptr);
}

Result Outer(const Tensor& self, const Tensor& other) {
  if (!self.defined() || !other.defined() || self.dim() != 1 ||
      other.dim() != 1 || self.dtype() != other.dtype()) {
    return Declined();
  }
  const Tensor column =
      self.ViewUnchecked({self.size(0), 1}, {self.stride(0), 1}, self.offset());
  return RunGeneral(Op::kMul, {{&column}, {&other}}, nullptr);
}

Result Where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return RunGeneral(Op::kWhere, {{&condition}, {&a}, {&b}}, nullptr);
}
Result WhereNumberOther(const Tensor& condition, const Tensor& a,
                        const Scalar& b) {
  return RunGeneral(Op::kWhere, {{&condition}, {&a}, {nullptr, &b}}, nullptr);
}
Result WhereNumberSelf(const Tensor& condition, const Scalar& a,
                       const Tensor& b) {
  return RunGeneral(Op::kWhere, {{&condition}, {nullptr, &a}, {&b}}, nullptr);
}
template <bool kInPlace>
Result MaskedFill(const Tensor& self, const Tensor& mask, const Scalar& value) {
  if (!IsFloat(self) || !mask.defined()) return Declined();
  // A new result is contiguous, whatever self is.
  if (!kInPlace &&
      (!HasPlainStrides(*self.impl()) || !HasPlainStrides(*mask.impl()))) {
    return Declined();
  }
  return RunGeneral(Op::kWhere, {{&mask}, {nullptr, &value}, {&self}},
                    kInPlace ? &self : nullptr);
}

// Bools, as logical_not, ~ and their kin see them.
template <Op kOp, bool kInPlace>
Result OfBools(const Tensor& self, const Tensor& other) {
  if (!self.defined() || self.dtype() != DType::kBool) return Declined();
  return RunBinary(kOp, self, other, kInPlace);
}
template <bool kInPlace>
Result Not(const Tensor& self) {
  if (!self.defined() || self.dtype() != DType::kBool) return Declined();
  return RunUnary(Op::kNot, self, kInPlace);
}

// NAME and NAME_.
template <Op kOp>
void AddUnary(KernelRegistrar& r, absl::string_view name) {
  r.Add(absl::StrCat("aten::", name), &Unary<kOp, false>)
      .Add(absl::StrCat("aten::", name, "_"), &Unary<kOp, true>);
}
template <Op kOp>
void AddTest(KernelRegistrar& r, absl::string_view name) {
  r.Add(absl::StrCat("aten::", name, ".Tensor"), &Binary<kOp, false>)
      .Add(absl::StrCat("aten::", name, ".Scalar"), &WithNumber<kOp, false>);
}

}  // namespace

absl::Status RegisterElementwise(Registry& registry) {
  KernelRegistrar r(registry, "native");
  r.Add("aten::add.Tensor", &Add<false>)
      .Add("aten::add_.Tensor", &Add<true>)
      .Add("aten::add.Scalar", &AddNumber<false>)
      .Add("aten::add_.Scalar", &AddNumber<true>)
      .Add("aten::sub.Tensor", &Sub<false>)
      .Add("aten::sub_.Tensor", &Sub<true>)
      .Add("aten::sub.Scalar", &SubNumber<false>)
      .Add("aten::sub_.Scalar", &SubNumber<true>)
      .Add("aten::rsub.Tensor", &Rsub)
      .Add("aten::rsub.Scalar", &RsubNumber)
      .Add("aten::mul.Tensor", &Binary<Op::kMul, false>)
      .Add("aten::mul_.Tensor", &Binary<Op::kMul, true>)
      .Add("aten::mul.Scalar", &WithNumber<Op::kMul, false>)
      .Add("aten::mul_.Scalar", &WithNumber<Op::kMul, true>)
      .Add("aten::div.Tensor", &Binary<Op::kDiv, false>)
      .Add("aten::div_.Tensor", &Binary<Op::kDiv, true>)
      .Add("aten::div.Scalar", &WithNumber<Op::kDiv, false>)
      .Add("aten::div_.Scalar", &WithNumber<Op::kDiv, true>)
      .Add("aten::maximum", &Binary<Op::kMaximum, false>)
      .Add("aten::minimum", &Binary<Op::kMinimum, false>)
      .Add("aten::max.other", &Binary<Op::kMaximum, false>)
      .Add("aten::min.other", &Binary<Op::kMinimum, false>)
      .Add("aten::isnan", &Unary<Op::kIsNan, false>)
      .Add("aten::mish", &Unary<Op::kMish, false>)
      .Add("aten::mish_", &Unary<Op::kMish, true>)
      .Add("aten::log_sigmoid", &LogSigmoid)
      .Add("aten::atan2", &Binary<Op::kAtan2, false>)
      .Add("aten::atan2_", &Binary<Op::kAtan2, true>)
      .Add("aten::arctan2", &Binary<Op::kAtan2, false>)
      .Add("aten::prelu", &Prelu)
      .Add("aten::_prelu_kernel", &Binary<Op::kPrelu, false>)
      .Add("aten::glu", &Glu)
      .Add("aten::diff", &Diff)
      .Add("aten::outer", &Outer)
      .Add("aten::ger", &Outer);
  AddUnary<Op::kNeg>(r, "neg");
  AddUnary<Op::kAbs>(r, "abs");
  AddUnary<Op::kSign>(r, "sign");
  AddUnary<Op::kRelu>(r, "relu");
  AddUnary<Op::kSquare>(r, "square");
  AddUnary<Op::kReciprocal>(r, "reciprocal");
  AddUnary<Op::kSqrt>(r, "sqrt");
  AddUnary<Op::kRsqrt>(r, "rsqrt");
  AddUnary<Op::kExp>(r, "exp");
  AddUnary<Op::kExpm1>(r, "expm1");
  AddUnary<Op::kLog>(r, "log");
  AddUnary<Op::kLog2>(r, "log2");
  AddUnary<Op::kLog1p>(r, "log1p");
  AddUnary<Op::kTanh>(r, "tanh");
  AddUnary<Op::kSigmoid>(r, "sigmoid");
  AddUnary<Op::kErf>(r, "erf");
  AddUnary<Op::kSin>(r, "sin");
  AddUnary<Op::kCos>(r, "cos");
  AddUnary<Op::kFloor>(r, "floor");
  AddUnary<Op::kCeil>(r, "ceil");
  AddUnary<Op::kRound>(r, "round");
  AddUnary<Op::kTrunc>(r, "trunc");
  AddUnary<Op::kSilu>(r, "silu");
  AddUnary<Op::kHardSwish>(r, "hardswish");
  AddUnary<Op::kHardSigmoid>(r, "hardsigmoid");
  AddTest<Op::kEq>(r, "eq");
  AddTest<Op::kNe>(r, "ne");
  AddTest<Op::kLt>(r, "lt");
  AddTest<Op::kLe>(r, "le");
  AddTest<Op::kGt>(r, "gt");
  AddTest<Op::kGe>(r, "ge");
  r.Add("aten::clamp", &Clamp<false>)
      .Add("aten::clamp_", &Clamp<true>)
      .Add("aten::clamp_min", &ClampMin<false>)
      .Add("aten::clamp_min_", &ClampMin<true>)
      .Add("aten::clamp_max", &ClampMax<false>)
      .Add("aten::clamp_max_", &ClampMax<true>)
      .Add("aten::hardtanh", &HardTanh<false>)
      .Add("aten::hardtanh_", &HardTanh<true>)
      .Add("aten::relu6", &Relu6<false>)
      .Add("aten::relu6_", &Relu6<true>)
      .Add("aten::leaky_relu", &LeakyRelu<false>)
      .Add("aten::leaky_relu_", &LeakyRelu<true>)
      .Add("aten::elu", &Elu<false>)
      .Add("aten::elu_", &Elu<true>)
      .Add("aten::celu", &Celu<false>)
      .Add("aten::celu_", &Celu<true>)
      .Add("aten::selu", &Selu<false>)
      .Add("aten::selu_", &Selu<true>)
      .Add("aten::softplus", &Softplus)
      .Add("aten::threshold", &Threshold<false>)
      .Add("aten::threshold_", &Threshold<true>)
      .Add("aten::gelu", &Gelu<false>)
      .Add("aten::gelu_", &Gelu<true>)
      .Add("aten::pow.Tensor_Scalar", &Pow<false>)
      .Add("aten::pow_.Scalar", &Pow<true>)
      .Add("aten::addcmul", &AddCMul<false>)
      .Add("aten::addcmul_", &AddCMul<true>)
      .Add("aten::addcdiv", &AddCDiv<false>)
      .Add("aten::addcdiv_", &AddCDiv<true>)
      .Add("aten::lerp.Tensor", &Lerp<false>)
      .Add("aten::lerp_.Tensor", &Lerp<true>)
      .Add("aten::lerp.Scalar", &LerpNumber<false>)
      .Add("aten::lerp_.Scalar", &LerpNumber<true>)
      .Add("aten::where.self", &Where)
      .Add("aten::where.ScalarOther", &WhereNumberOther)
      .Add("aten::where.ScalarSelf", &WhereNumberSelf)
      .Add("aten::masked_fill.Scalar", &MaskedFill<false>)
      .Add("aten::masked_fill_.Scalar", &MaskedFill<true>)
      .Add("aten::logical_not", &Not<false>)
      .Add("aten::logical_not_", &Not<true>)
      .Add("aten::bitwise_not", &Not<false>)
      .Add("aten::bitwise_not_", &Not<true>)
      .Add("aten::logical_and", &OfBools<Op::kAnd, false>)
      .Add("aten::logical_and_", &OfBools<Op::kAnd, true>)
      .Add("aten::logical_or", &OfBools<Op::kOr, false>)
      .Add("aten::logical_or_", &OfBools<Op::kOr, true>)
      .Add("aten::logical_xor", &OfBools<Op::kXor, false>)
      .Add("aten::logical_xor_", &OfBools<Op::kXor, true>)
      .Add("aten::bitwise_and.Tensor", &Binary<Op::kAnd, false>)
      .Add("aten::bitwise_or.Tensor", &Binary<Op::kOr, false>)
      .Add("aten::bitwise_xor.Tensor", &Binary<Op::kXor, false>)
      .Add("aten::__and__.Tensor", &Binary<Op::kAnd, false>)
      .Add("aten::__or__.Tensor", &Binary<Op::kOr, false>)
      .Add("aten::__xor__.Tensor", &Binary<Op::kXor, false>);
  return r.status();
}

}  // namespace tandem::native
