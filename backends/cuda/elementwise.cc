// Elementwise operators: the rows of backends/elementwise/operators.inc, and
// some that only generated code has.
#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/backends/elementwise/number.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using elementwise::InfoOf;
using elementwise::Op;

enum Flags : unsigned {
  kPlain = 0,
  kFloat = 1,      // integers give the default float type
  kTest = 2,       // gives bool
  kFloats = 4,     // of floating point alone
  kIntegers = 8,   // of integers and bool alone
  kNoBool = 16,    // not of bools
  kCondition = 32  // x is a condition
};

struct Row {
  const char* name;
  Op op;             // Op::kCount: `text` is the expression
  const char* text;  // of its own
  unsigned flags;
  const char* operands;  // places of x, y, z among the arguments
  const char* params;    // places of p(0), …
};

// What operators of a row share once operands and parameters are known.
absl::StatusOr<Tensor> Compute(Gpu& gpu, absl::string_view text, unsigned flags,
                               absl::Span<const LoopOperand> operands,
                               absl::Span<const Scalar> params,
                               const Tensor* in_place) {
  ResultType type;
  Dims sizes;
  bool any = false, with_number = false;
  absl::InlinedVector<const Tensor*, 3> tensors;
  for (size_t i = 0; i < operands.size(); ++i) {
    const Tensor* t = operands[i].tensor;
    if (t == nullptr) {
      if (operands[i].number->is_complex()) return Declined();
      type.Add(*operands[i].number);
      with_number = true;
      continue;
    }
    if (!t->defined() || t->is_sparse() || t->is_quantized() || t->is_meta()) {
      return Declined();
    }
    if (!IsOnCuda(*t) && t->dim() != 0) return Declined();
    if (i == 0 && (flags & kCondition) != 0) {
      if (t->dtype() != DType::kBool) return Declined();
    } else {
      type.Add(*t);
    }
    if (!any) {
      sizes.assign(t->sizes().begin(), t->sizes().end());
      any = true;
    } else if (t->sizes() != DimSpan(sizes)) {
      absl::StatusOr<Dims> common = BroadcastSizes(sizes, t->sizes());
      if (!common.ok()) return Declined();
      sizes = *std::move(common);
    }
    tensors.push_back(t);
  }
  absl::StatusOr<DType> common = type.Get();
  if (!common.ok()) return Declined();
  DType dtype = *common;
  const bool integral = IsIntegral(dtype, /*include_bool=*/true);
  if ((flags & kFloat) != 0 && integral) dtype = DType::kFloat;
  if ((flags & kFloats) != 0 && !IsFloatingPoint(dtype)) return Declined();
  if ((flags & kIntegers) != 0 && !integral) return Declined();
  if ((flags & kNoBool) != 0 && dtype == DType::kBool) return Declined();
  if (integral) {
    for (const Scalar& p : params) {
      if (!p.is_integral() && (flags & kFloat) == 0) return Declined();
    }
  }
  Loop loop;
  loop.expression = text;
  loop.compute = ComputeType(dtype);
  if (loop.compute == DType::kUndefined) return Declined();
  loop.test = (flags & kTest) != 0;
  if (loop.test && loop.compute == DType::kBool) loop.compute = DType::kUInt8;
  if ((flags & kCondition) != 0) loop.bools = 1;
  const DType result = loop.test ? DType::kBool : dtype;
  Tensor out;
  absl::InlinedVector<Tensor, 3> copies;
  absl::InlinedVector<LoopOperand, 3> read(operands.begin(), operands.end());
  if (in_place != nullptr) {
    out = *in_place;
    if (!IsOnCuda(out) || out.sizes() != DimSpan(sizes) ||
        !CanCast(result, out.dtype()) || !out.is_non_overlapping_and_dense()) {
      return Declined();
    }
    copies.reserve(read.size());
    for (LoopOperand& o : read) {
      if (o.tensor == nullptr || o.tensor->is_same(out) ||
          o.tensor->storage() != out.storage()) {
        continue;
      }
      if (o.tensor->offset() == out.offset() &&
          o.tensor->sizes() == out.sizes() &&
          o.tensor->strides() == out.strides()) {
        continue;
      }
      TANDEM_ASSIGN_OR_RETURN(
          Tensor copy, EmptyLikeOnGpu(gpu, *o.tensor, o.tensor->dtype()));
      TANDEM_RETURN_IF_ERROR(CopyOnGpu(gpu, *o.tensor, copy));
      copies.push_back(std::move(copy));
      o.tensor = &copies.back();
    }
  } else {
    const Dims strides =
        PointwiseStrides(absl::MakeConstSpan(tensors), sizes, with_number);
    TANDEM_ASSIGN_OR_RETURN(out, gpu.EmptyStrided(sizes, strides, result));
  }
  TANDEM_RETURN_IF_ERROR(RunLoop(gpu, loop, read, params, out));
  return out;
}

absl::Status RunRow(const Call& call) {
  const Row& row = *static_cast<const Row*>(call.binding.data);
  absl::InlinedVector<LoopOperand, 3> operands;
  Scalar numbers[kMaxLoopOperands];
  absl::InlinedVector<Scalar, 3> params;
  for (const char* c = row.operands; *c != 0; ++c) {
    const IValue& v = call.in(static_cast<size_t>(*c - '0'));
    LoopOperand o;
    if (v.is_tensor()) {
      o.tensor = &v.AsTensor();
    } else if (v.is_scalar()) {
      Scalar& number = numbers[operands.size()];
      number = v.AsScalar();
      o.number = &number;
    } else {
      return Declined();
    }
    operands.push_back(o);
  }
  for (const char* c = row.params; *c != 0; ++c) {
    const IValue& v = call.in(static_cast<size_t>(*c - '0'));
    if (!v.is_scalar() || v.is_complex()) return Declined();
    params.push_back(v.AsScalar());
  }
  const FunctionSchema& schema = call.binding.op->schema;
  const absl::string_view text =
      row.op == Op::kCount ? absl::string_view(row.text) : InfoOf(row.op).text;
  const Tensor* in_place = schema.is_mutable() ? &call.tensor(0) : nullptr;
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Compute(call.gpu, text, row.flags,
                                              operands, params, in_place));
  call.out(0) = IValue(std::move(out));
  return absl::OkStatus();
}

constexpr Op kOwn = Op::kCount;

// In-place variants (a name with _ behind it) come with each.
constexpr Row kRows[] = {
    {"aten::add.Tensor", kOwn, "x + y * p(0)", kPlain, "01", "2"},
    {"aten::add.Scalar", kOwn, "x + y * p(0)", kPlain, "01", "2"},
    {"aten::sub.Tensor", kOwn, "x - y * p(0)", kNoBool, "01", "2"},
    {"aten::sub.Scalar", kOwn, "x - y * p(0)", kNoBool, "01", "2"},
    {"aten::rsub.Tensor", kOwn, "y - x * p(0)", kNoBool, "01", "2"},
    {"aten::rsub.Scalar", kOwn, "y - x * p(0)", kNoBool, "01", "2"},
    {"aten::mul.Tensor", Op::kMul, "", kPlain, "01", ""},
    {"aten::mul.Scalar", Op::kMul, "", kPlain, "01", ""},
    {"aten::div.Tensor", Op::kDiv, "", kFloat, "01", ""},
    {"aten::div.Scalar", Op::kDiv, "", kFloat, "01", ""},
    {"aten::maximum", Op::kMaximum, "", kPlain, "01", ""},
    {"aten::minimum", Op::kMinimum, "", kPlain, "01", ""},
    {"aten::remainder.Tensor", kOwn, "Remainder(x, y)", kNoBool, "01", ""},
    {"aten::remainder.Scalar", kOwn, "Remainder(x, y)", kNoBool, "01", ""},
    {"aten::fmod.Tensor", kOwn, "Fmod(x, y)", kFloats, "01", ""},
    {"aten::fmod.Scalar", kOwn, "Fmod(x, y)", kFloats, "01", ""},
    {"aten::floor_divide", kOwn, "FloorDivide(x, y)", kNoBool, "01", ""},
    {"aten::floor_divide.Scalar", kOwn, "FloorDivide(x, y)", kNoBool, "01", ""},
    {"aten::atan2", kOwn, "Atan2(x, y)", kFloat, "01", ""},
    {"aten::pow.Tensor_Tensor", kOwn, "Pow(x, y)", kFloats, "01", ""},
    {"aten::pow.Scalar", kOwn, "Pow(x, y)", kFloats, "01", ""},

    {"aten::eq.Tensor", Op::kEq, "", kTest, "01", ""},
    {"aten::eq.Scalar", Op::kEq, "", kTest, "01", ""},
    {"aten::ne.Tensor", Op::kNe, "", kTest, "01", ""},
    {"aten::ne.Scalar", Op::kNe, "", kTest, "01", ""},
    {"aten::lt.Tensor", Op::kLt, "", kTest, "01", ""},
    {"aten::lt.Scalar", Op::kLt, "", kTest, "01", ""},
    {"aten::le.Tensor", Op::kLe, "", kTest, "01", ""},
    {"aten::le.Scalar", Op::kLe, "", kTest, "01", ""},
    {"aten::gt.Tensor", Op::kGt, "", kTest, "01", ""},
    {"aten::gt.Scalar", Op::kGt, "", kTest, "01", ""},
    {"aten::ge.Tensor", Op::kGe, "", kTest, "01", ""},
    {"aten::ge.Scalar", Op::kGe, "", kTest, "01", ""},
    {"aten::logical_and", kOwn, "x != 0 && y != 0", kTest, "01", ""},
    {"aten::logical_or", kOwn, "x != 0 || y != 0", kTest, "01", ""},
    {"aten::logical_xor", kOwn, "(x != 0) != (y != 0)", kTest, "01", ""},
    {"aten::logical_not", kOwn, "x == 0", kTest, "0", ""},
    {"aten::isnan", kOwn, "x != x", kTest, "0", ""},
    {"aten::isfinite", kOwn, "x - x == 0", kTest | kFloats, "0", ""},
    {"aten::isinf", kOwn, "x == x && x - x != 0", kTest | kFloats, "0", ""},

    {"aten::bitwise_and.Tensor", Op::kAnd, "", kIntegers, "01", ""},
    {"aten::bitwise_and.Scalar", Op::kAnd, "", kIntegers, "01", ""},
    {"aten::bitwise_or.Tensor", Op::kOr, "", kIntegers, "01", ""},
    {"aten::bitwise_or.Scalar", Op::kOr, "", kIntegers, "01", ""},
    {"aten::bitwise_xor.Tensor", Op::kXor, "", kIntegers, "01", ""},
    {"aten::bitwise_xor.Scalar", Op::kXor, "", kIntegers, "01", ""},
    {"aten::__and__.Tensor", Op::kAnd, "", kIntegers, "01", ""},
    {"aten::__and__.Scalar", Op::kAnd, "", kIntegers, "01", ""},
    {"aten::__or__.Tensor", Op::kOr, "", kIntegers, "01", ""},
    {"aten::__or__.Scalar", Op::kOr, "", kIntegers, "01", ""},
    {"aten::__xor__.Tensor", Op::kXor, "", kIntegers, "01", ""},
    {"aten::__xor__.Scalar", Op::kXor, "", kIntegers, "01", ""},
    {"aten::bitwise_not", kOwn,
     "sizeof(T) == 1 && (T)2 == (T)1 ? (T)!x : (T)~x", kIntegers, "0", ""},

    {"aten::neg", Op::kNeg, "", kNoBool, "0", ""},
    {"aten::abs", Op::kAbs, "", kNoBool, "0", ""},
    {"aten::sign", Op::kSign, "", kNoBool, "0", ""},
    {"aten::relu", Op::kRelu, "", kNoBool, "0", ""},
    {"aten::square", Op::kSquare, "", kNoBool, "0", ""},
    {"aten::reciprocal", Op::kReciprocal, "", kFloat, "0", ""},
    {"aten::sqrt", Op::kSqrt, "", kFloat, "0", ""},
    {"aten::rsqrt", Op::kRsqrt, "", kFloat, "0", ""},
    {"aten::exp", Op::kExp, "", kFloat, "0", ""},
    {"aten::expm1", Op::kExpm1, "", kFloat, "0", ""},
    {"aten::log", Op::kLog, "", kFloat, "0", ""},
    {"aten::log2", Op::kLog2, "", kFloat, "0", ""},
    {"aten::log10", kOwn, "Log10(x)", kFloat, "0", ""},
    {"aten::log1p", Op::kLog1p, "", kFloat, "0", ""},
    {"aten::tanh", Op::kTanh, "", kFloat, "0", ""},
    {"aten::sigmoid", Op::kSigmoid, "", kFloat, "0", ""},
    {"aten::erf", Op::kErf, "", kFloat, "0", ""},
    {"aten::erfc", kOwn, "Erfc(x)", kFloat, "0", ""},
    {"aten::sin", kOwn, "Sin(x)", kFloat, "0", ""},
    {"aten::cos", kOwn, "Cos(x)", kFloat, "0", ""},
    {"aten::tan", kOwn, "Tan(x)", kFloat, "0", ""},
    {"aten::asin", kOwn, "Asin(x)", kFloat, "0", ""},
    {"aten::acos", kOwn, "Acos(x)", kFloat, "0", ""},
    {"aten::atan", kOwn, "Atan(x)", kFloat, "0", ""},
    {"aten::sinh", kOwn, "Sinh(x)", kFloat, "0", ""},
    {"aten::cosh", kOwn, "Cosh(x)", kFloat, "0", ""},
    {"aten::floor", Op::kFloor, "", kFloats, "0", ""},
    {"aten::ceil", Op::kCeil, "", kFloats, "0", ""},
    {"aten::round", Op::kRound, "", kFloats, "0", ""},
    {"aten::trunc", Op::kTrunc, "", kFloats, "0", ""},
    {"aten::silu", Op::kSilu, "", kFloats, "0", ""},
    {"aten::mish", Op::kMish, "", kFloats, "0", ""},
    {"aten::hardswish", Op::kHardSwish, "", kFloats, "0", ""},
    {"aten::hardsigmoid", Op::kHardSigmoid, "", kFloats, "0", ""},
    {"aten::log_sigmoid", Op::kLogSigmoid, "", kFloats, "0", ""},
    {"aten::relu6", kOwn, "Min(Max(x, C(0)), C(6))", kFloats, "0", ""},
    {"aten::selu", kOwn,
     "C(1.0507009873554804934193349852946) * Select(x > C(0), x, "
     "C(1.6732632423543772848170429916717) * Expm1(x))",
     kFloats, "0", ""},
    {"aten::hardtanh", Op::kClamp, "", kFloats, "0", "12"},
    {"aten::clamp_min", Op::kClampMin, "", kNoBool, "0", "1"},
    {"aten::clamp_max", Op::kClampMax, "", kNoBool, "0", "1"},
    {"aten::clamp_min.Tensor", Op::kMaximum, "", kNoBool, "01", ""},
    {"aten::clamp_max.Tensor", Op::kMinimum, "", kNoBool, "01", ""},
    {"aten::leaky_relu", Op::kLeakyRelu, "", kFloats, "0", "1"},
    {"aten::elu", Op::kElu, "", kFloats, "0", "123"},
    {"aten::softplus", Op::kSoftplus, "", kFloats, "0", "12"},
    {"aten::threshold", Op::kThreshold, "", kNoBool, "0", "12"},
    {"aten::hardshrink", kOwn, "Select(x >= -p(0) && x <= p(0), C(0), x)",
     kFloats, "0", "1"},
    {"aten::softshrink", kOwn,
     "Select(x > p(0), x - p(0), Select(x < -p(0), x + p(0), x * C(0)))",
     kFloats, "0", "1"},
    {"aten::addcmul", Op::kAddCMul, "", kNoBool, "012", "3"},
    {"aten::addcdiv", Op::kAddCDiv, "", kFloats, "012", "3"},
    {"aten::lerp.Tensor", Op::kLerp, "", kFloats, "012", ""},
    {"aten::lerp.Scalar", Op::kLerp, "", kFloats, "012", ""},
    {"aten::where.self", kOwn, "Select(x, y, z)", kCondition, "012", ""},
    {"aten::where.ScalarSelf", kOwn, "Select(x, y, z)", kCondition, "012", ""},
    {"aten::where.ScalarOther", kOwn, "Select(x, y, z)", kCondition, "012", ""},
};

// ---- Operators with arguments of their own

absl::StatusOr<Tensor> Apply(Gpu& gpu, const Tensor& self,
                             absl::string_view text, unsigned flags,
                             absl::Span<const Scalar> params, bool in_place) {
  return Compute(gpu, text, flags, {LoopOperand{&self, nullptr}}, params,
                 in_place ? &self : nullptr);
}

template <bool kInPlace>
absl::StatusOr<Tensor> Clamp(Gpu& gpu, const Tensor& self,
                             const std::optional<Scalar>& min,
                             const std::optional<Scalar>& max) {
  const auto is_nan = [](const std::optional<Scalar>& s) {
    return s.has_value() && std::isnan(s->ToDouble());
  };
  if (is_nan(min) || is_nan(max)) return Declined();
  if (min.has_value() && max.has_value()) {
    return Apply(gpu, self, InfoOf(Op::kClamp).text, kNoBool, {*min, *max},
                 kInPlace);
  }
  if (min.has_value()) {
    return Apply(gpu, self, InfoOf(Op::kClampMin).text, kNoBool, {*min},
                 kInPlace);
  }
  if (max.has_value()) {
    return Apply(gpu, self, InfoOf(Op::kClampMax).text, kNoBool, {*max},
                 kInPlace);
  }
  return Declined();
}
template <bool kInPlace>
absl::StatusOr<Tensor> Gelu(Gpu& gpu, const Tensor& self,
                            absl::string_view approximate) {
  if (approximate != "none" && approximate != "tanh") return Declined();
  const Op op = approximate == "none" ? Op::kGelu : Op::kGeluTanh;
  return Apply(gpu, self, InfoOf(op).text, kFloats, {}, kInPlace);
}
template <bool kInPlace>
absl::StatusOr<Tensor> PowScalar(Gpu& gpu, const Tensor& self,
                                 const Scalar& exponent) {
  if (exponent.is_complex() || !self.defined()) return Declined();
  if (IsIntegral(self.dtype(), true)) {
    if (!exponent.is_integral() || exponent.ToInt() < 0) return Declined();
    return Apply(gpu, self, "IntPow(x, p(0))", kNoBool, {exponent}, kInPlace);
  }
  const double e = exponent.ToDouble();
  absl::string_view text = "Pow(x, p(0))";
  if (e == 2) text = InfoOf(Op::kSquare).text;
  if (e == 3) text = InfoOf(Op::kCube).text;
  if (e == 0.5) text = InfoOf(Op::kSqrt).text;
  if (e == -0.5) text = InfoOf(Op::kRsqrt).text;
  if (e == -1) text = InfoOf(Op::kReciprocal).text;
  return Apply(gpu, self, text, kFloats, {exponent}, kInPlace);
}
// div with rounding_mode; the other operand is a tensor or a number.
template <bool kInPlace, typename Other>
absl::StatusOr<Tensor> DivMode(Gpu& gpu, const Tensor& self, Other&& other,
                               std::optional<absl::string_view> mode) {
  absl::string_view text = InfoOf(Op::kDiv).text;
  unsigned flags = kFloat;
  if (mode.has_value()) {
    flags = kNoBool;
    if (*mode == "floor") {
      text = "FloorDivide(x, y)";
    } else if (*mode == "trunc") {
      text = "TruncDivide(x, y)";
    } else {
      return Declined();
    }
  }
  LoopOperand second;
  if constexpr (std::is_same_v<std::decay_t<Other>, Tensor>) {
    second.tensor = &other;
  } else {
    second.number = &other;
  }
  return Compute(gpu, text, flags, {LoopOperand{&self, nullptr}, second}, {},
                 kInPlace ? &self : nullptr);
}
template <bool kInPlace>
absl::StatusOr<Tensor> DivTensorMode(Gpu& gpu, const Tensor& self,
                                     const Tensor& other,
                                     std::optional<absl::string_view> mode) {
  return DivMode<kInPlace>(gpu, self, other, mode);
}
template <bool kInPlace>
absl::StatusOr<Tensor> DivScalarMode(Gpu& gpu, const Tensor& self,
                                     const Scalar& other,
                                     std::optional<absl::string_view> mode) {
  return DivMode<kInPlace>(gpu, self, other, mode);
}
// The result has self's dtype.
template <bool kInPlace>
absl::StatusOr<Tensor> MaskedFill(Gpu& gpu, const Tensor& self,
                                  const Tensor& mask, const Scalar& value) {
  if (!self.defined() || !CanCast(value.dtype(), self.dtype()) ||
      !IsOnCuda(self)) {
    return Declined();
  }
  // In self's dtype, so that promotion keeps it.
  const Scalar same =
      self.dtype() == DType::kBool ? Scalar(value.ToBool()) : value;
  return Compute(gpu, "Select(x, y, z)", kCondition,
                 {LoopOperand{&mask, nullptr}, LoopOperand{nullptr, &same},
                  LoopOperand{&self, nullptr}},
                 {}, kInPlace ? &self : nullptr);
}
template <bool kInPlace>
absl::StatusOr<Tensor> MaskedFillTensor(Gpu& gpu, const Tensor& self,
                                        const Tensor& mask,
                                        const Tensor& value) {
  if (!value.defined() || value.dim() != 0 || IsOnCuda(value)) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, value.Item());
  return MaskedFill<kInPlace>(gpu, self, mask, s);
}
absl::StatusOr<Tensor> PRelu(Gpu& gpu, const Tensor& self,
                             const Tensor& weight) {
  if (!weight.defined() || weight.dtype() != self.dtype()) return Declined();
  Tensor w = weight;
  if (weight.numel() != 1) {
    if (weight.dim() != 1 || self.dim() < 2 || weight.numel() != self.size(1)) {
      return Declined();
    }
    Dims sizes(static_cast<size_t>(self.dim()), 1);
    Dims strides(static_cast<size_t>(self.dim()), 1);
    sizes[1] = weight.numel();
    strides[1] = weight.stride(0);
    w = weight.ViewUnchecked(sizes, strides, weight.offset());
  } else if (weight.dim() > self.dim()) {
    w = weight.ViewUnchecked({}, {}, weight.offset());
  }
  return Compute(gpu, "Select(x > C(0), x, x * y)", kFloats,
                 {LoopOperand{&self, nullptr}, LoopOperand{&w, nullptr}}, {},
                 nullptr);
}
absl::StatusOr<Tensor> Glu(Gpu& gpu, const Tensor& self, int64_t dim) {
  const absl::StatusOr<int64_t> d = WrapDim(dim, self.dim());
  if (!d.ok() || self.dim() == 0 || self.size(*d) % 2 != 0) return Declined();
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes[*d] /= 2;
  const Tensor a = self.ViewUnchecked(sizes, self.strides(), self.offset());
  const Tensor b = self.ViewUnchecked(
      sizes, self.strides(), self.offset() + sizes[*d] * self.stride(*d));
  return Compute(gpu, "x * Sigmoid(y)", kFloats,
                 {LoopOperand{&a, nullptr}, LoopOperand{&b, nullptr}}, {},
                 nullptr);
}
// In evaluation it is its input.
absl::StatusOr<Tensor> Dropout(Gpu&, const Tensor& self, double, bool train) {
  if (train) return Declined();
  return self;
}

}  // namespace

namespace {

// pow.Scalar and pow_.Scalar do not.
bool TakeTheSame(const Operator& a, const Operator& b) {
  const auto &x = a.schema.arguments, &y = b.schema.arguments;
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); ++i) {
    if (x[i].type->ToString() != y[i].type->ToString()) return false;
  }
  return true;
}

}  // namespace

void AddElementwise(Registrar& r) {
  const OperatorTable& table = r.registry().operators();
  for (const Row& row : kRows) {
    r.AddBoxed(row.name, &RunRow, &row);
    // add.Tensor -> add_.Tensor
    const absl::string_view name = row.name;
    const size_t dot = std::min(name.find('.'), name.size());
    const std::string in_place = absl::StrCat(name.substr(0, dot), "_");
    const absl::string_view overload =
        dot == name.size() ? "" : name.substr(dot + 1);
    const Operator* own = table.Find(name.substr(0, dot), overload);
    const Operator* other = table.Find(in_place, overload);
    if (own != nullptr && other != nullptr && TakeTheSame(*own, *other)) {
      r.AddBoxed(absl::StrCat(in_place, name.substr(dot)), &RunRow, &row);
    }
  }
  r.Add<&Clamp<false>>("aten::clamp")
      .Add<&Clamp<true>>("aten::clamp_")
      .Add<&Gelu<false>>("aten::gelu")
      .Add<&Gelu<true>>("aten::gelu_")
      .Add<&PowScalar<false>>("aten::pow.Tensor_Scalar")
      .Add<&PowScalar<true>>("aten::pow_.Scalar")
      .Add<&DivTensorMode<false>>("aten::div.Tensor_mode")
      .Add<&DivTensorMode<true>>("aten::div_.Tensor_mode")
      .Add<&DivScalarMode<false>>("aten::div.Scalar_mode")
      .Add<&DivScalarMode<true>>("aten::div_.Scalar_mode")
      .Add<&MaskedFill<false>>("aten::masked_fill.Scalar")
      .Add<&MaskedFill<true>>("aten::masked_fill_.Scalar")
      .Add<&MaskedFillTensor<false>>("aten::masked_fill.Tensor")
      .Add<&MaskedFillTensor<true>>("aten::masked_fill_.Tensor")
      .Add<&PRelu>("aten::prelu")
      .Add<&Glu>("aten::glu")
      .Add<&Dropout>("aten::dropout")
      .Add<&Dropout>("aten::feature_dropout")
      .Add<&Dropout>("aten::dropout_")
      .Add<&Dropout>("aten::feature_dropout_");
}

}  // namespace tandem::cuda
