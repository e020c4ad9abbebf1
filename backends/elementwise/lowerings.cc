// Operators of PyTorch as expressions. Arguments that are no tensors must be
// constants.
#include <cmath>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "tandem/backends/elementwise/expression.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::elementwise {
namespace {

using Id = absl::StatusOr<int>;

absl::Status Refuse(absl::string_view why) {
  return absl::UnimplementedError(why);
}

// The argument's constant; None is one.
absl::StatusOr<IValue> Constant(const Node& n, size_t i) {
  std::optional<IValue> v = ConstantArgument(n.input(i));
  if (!v.has_value()) return Refuse("an argument that is not a constant");
  return *std::move(v);
}
absl::StatusOr<Scalar> NumberAt(const Node& n, size_t i) {
  TANDEM_ASSIGN_OR_RETURN(const IValue v, Constant(n, i));
  if (!v.is_scalar() || v.is_complex()) return Refuse("not a real number");
  return v.AsScalar();
}
absl::Status IsNone(const Node& n, size_t i) {
  TANDEM_ASSIGN_OR_RETURN(const IValue v, Constant(n, i));
  return v.is_none() ? absl::OkStatus() : Refuse("another dtype");
}
absl::StatusOr<Term> TermAt(Expressions& x, const Node& n, size_t i) {
  Term t;
  // A number of a trace, weak in promotion.
  if (const std::optional<IValue> c = ConstantOf(n.input(i));
      c.has_value() && c->is_tensor() && c->AsTensor().defined() &&
      c->AsTensor().impl()->wrapped_number) {
    TANDEM_ASSIGN_OR_RETURN(t.number, c->AsTensor().Item());
    return t;
  }
  TANDEM_ASSIGN_OR_RETURN(t.expression, x.TensorOf(n.input(i)));
  return t;
}
absl::StatusOr<Term> NumberTerm(const Node& n, size_t i) {
  Term t;
  TANDEM_ASSIGN_OR_RETURN(t.number, NumberAt(n, i));
  return t;
}
absl::Status IsOne(const Node& n, size_t i) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, NumberAt(n, i));
  return !s.is_bool() && s.ToDouble() == 1 ? absl::OkStatus()
                                           : Refuse("alpha is not 1");
}
bool IsFloating(const Expression& e) { return e.computed <= 1; }

template <Op kOp, bool kFloat>
Id Unary(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  return x.Elementwise(kOp, {a}, {}, kFloat);
}
// Of floats alone: integers are an error, or stay integers.
template <Op kOp>
Id Activation(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  if (!IsFloating(x.at(a.expression))) return Refuse("not of floats");
  return x.Elementwise(kOp, {a});
}
template <Op kOp, bool kFloat>
Id Binary(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(const Term b, TermAt(x, n, 1));
  return x.Elementwise(kOp, {a, b}, {}, kFloat);
}
template <Op kOp, bool kFloat>
Id WithNumber(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(const Term b, NumberTerm(n, 1));
  return x.Elementwise(kOp, {a, b}, {}, kFloat);
}
// add, sub and rsub, with alpha.
template <Op kOp, bool kReversed>
Id Sum(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(Term a, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(Term b, TermAt(x, n, 1));
  TANDEM_ASSIGN_OR_RETURN(const Scalar alpha, NumberAt(n, 2));
  if (kReversed) std::swap(a, b);
  if (!alpha.is_bool() && alpha.ToDouble() == 1) {
    return x.Elementwise(kOp, {a, b});
  }
  if (!IsFloating(x.at(a.expression)) || !IsFloating(x.at(b.expression)) ||
      alpha.is_bool()) {
    return Refuse("alpha beside integers");
  }
  return x.Elementwise(Op::kAddScaled, {a, b},
                       {kOp == Op::kAdd ? alpha : -alpha});
}
template <Op kOp, bool kReversed>
Id SumWithNumber(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(Term a, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(Term b, NumberTerm(n, 1));
  TANDEM_RETURN_IF_ERROR(IsOne(n, 2));
  if (kOp == Op::kSub && b.number.is_bool()) return Refuse("a bool taken off");
  if (kReversed) std::swap(a, b);
  return x.Elementwise(kOp, {a, b});
}

// Parameters from the arguments after self.
template <Op kOp, int kCount>
Id WithParams(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  if (!IsFloating(x.at(a.expression))) return Refuse("not of floats");
  Scalar params[kCount];
  for (int i = 0; i < kCount; ++i) {
    TANDEM_ASSIGN_OR_RETURN(params[i], NumberAt(n, i + 1));
  }
  return x.Elementwise(kOp, {a}, absl::MakeConstSpan(params, kCount));
}
Id Relu6(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  if (!IsFloating(x.at(a.expression))) return Refuse("not of floats");
  return x.Elementwise(Op::kClamp, {a}, {Scalar(0), Scalar(6)});
}
Id HardTanh(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar low, NumberAt(n, 1));
  TANDEM_ASSIGN_OR_RETURN(const Scalar high, NumberAt(n, 2));
  if (!(low.ToDouble() <= high.ToDouble())) return Refuse("bounds");
  return WithParams<Op::kClamp, 2>(x, n);
}
Id Clamp(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  if (!IsFloating(x.at(a.expression))) return Refuse("not of floats");
  std::optional<Scalar> bounds[2];
  for (int i = 0; i < 2; ++i) {
    TANDEM_ASSIGN_OR_RETURN(const IValue v, Constant(n, i + 1));
    if (v.is_none()) continue;
    if (!v.is_scalar() || v.is_complex()) return Refuse("bounds");
    bounds[i] = v.AsScalar();
    if (std::isnan(bounds[i]->ToDouble())) return Refuse("bounds");
  }
  if (bounds[0] && bounds[1]) {
    return x.Elementwise(Op::kClamp, {a}, {*bounds[0], *bounds[1]});
  }
  if (bounds[0]) return x.Elementwise(Op::kClampMin, {a}, {*bounds[0]});
  if (bounds[1]) return x.Elementwise(Op::kClampMax, {a}, {*bounds[1]});
  return Refuse("no bounds");
}
Id Gelu(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(const IValue v, Constant(n, 1));
  if (!v.is_string() || !IsFloating(x.at(a.expression))) return Refuse("gelu");
  if (v.AsString() == "none") return x.Elementwise(Op::kGelu, {a});
  if (v.AsString() == "tanh") return x.Elementwise(Op::kGeluTanh, {a});
  return Refuse("gelu");
}
Id Pow(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, NumberAt(n, 1));
  if (!IsFloating(x.at(a.expression))) return Refuse("not of floats");
  const double e = s.ToDouble();
  if (e == 2) return x.Elementwise(Op::kSquare, {a});
  if (e == 3) return x.Elementwise(Op::kCube, {a});
  if (e == 0.5) return x.Elementwise(Op::kSqrt, {a});
  if (e == -0.5) return x.Elementwise(Op::kRsqrt, {a});
  if (e == -1) return x.Elementwise(Op::kReciprocal, {a});
  return Refuse("a general power");
}
template <Op kOp>
Id Scaled3(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(const Term b, TermAt(x, n, 1));
  TANDEM_ASSIGN_OR_RETURN(const Term c, TermAt(x, n, 2));
  TANDEM_ASSIGN_OR_RETURN(const Scalar value, NumberAt(n, 3));
  for (const Term& t : {a, b, c}) {
    if (!IsFloating(x.at(t.expression))) return Refuse("not of floats");
  }
  return x.Elementwise(kOp, {a, b, c}, {value});
}
template <bool kNumber>
Id Lerp(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(const Term b, TermAt(x, n, 1));
  TANDEM_ASSIGN_OR_RETURN(const Term c,
                          kNumber ? NumberTerm(n, 2) : TermAt(x, n, 2));
  const int type = x.at(a.expression).computed;
  if (type > 1 || x.at(b.expression).computed != type ||
      (!kNumber && x.at(c.expression).computed != type)) {
    return Refuse("mixed dtypes");
  }
  return x.Elementwise(Op::kLerp, {a, b, c});
}
template <bool kNumberA, bool kNumberB>
Id Where(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term c, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(const Term a,
                          kNumberA ? NumberTerm(n, 1) : TermAt(x, n, 1));
  TANDEM_ASSIGN_OR_RETURN(const Term b,
                          kNumberB ? NumberTerm(n, 2) : TermAt(x, n, 2));
  return x.Elementwise(Op::kWhere, {c, a, b});
}
Id MaskedFill(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Term self, TermAt(x, n, 0));
  TANDEM_ASSIGN_OR_RETURN(const Term mask, TermAt(x, n, 1));
  TANDEM_ASSIGN_OR_RETURN(const Term value, NumberTerm(n, 2));
  if (!IsFloating(x.at(self.expression))) return Refuse("not of floats");
  return x.Elementwise(Op::kWhere, {mask, value, self});
}
template <Op kOp>
Id OfBools(Expressions& x, const Node& n) {
  for (size_t i = 0; i < (kOp == Op::kNot ? 1 : 2); ++i) {
    TANDEM_ASSIGN_OR_RETURN(const Term a, TermAt(x, n, i));
    if (x.at(a.expression).computed != 3) return Refuse("not of bools");
  }
  if constexpr (kOp == Op::kNot) {
    return Unary<kOp, false>(x, n);
  } else {
    return Binary<kOp, false>(x, n);
  }
}

// ---- along rows: the last dim

// The expression whose last dim is a row that fits a tile.
absl::StatusOr<int> RowsAt(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const int a, x.TensorOf(n.input(0)));
  const Expression& e = x.at(a);
  if (e.sizes.empty() || e.sizes.back() < 2 ||
      e.sizes.back() > x.limits().max_row ||
      DimSpan(e.strides) != DimSpan(ContiguousStrides(e.sizes))) {
    return Refuse("rows that do not fit");
  }
  return a;
}
bool IsLast(int64_t dim, const Expression& e) {
  return dim == -1 || dim == static_cast<int64_t>(e.sizes.size()) - 1;
}
absl::StatusOr<int64_t> LastDimOnly(const Node& n, size_t i) {
  TANDEM_ASSIGN_OR_RETURN(const IValue v, Constant(n, i));
  if (v.is_int()) return v.AsInt();
  if (!v.is_list() || v.AsList().values.size() != 1) {
    return Refuse("not along the last dim alone");
  }
  return v.AsList().values[0].AsInt();
}
template <Action kAction>
Id Softmax(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const int a, RowsAt(x, n));
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim, LastDimOnly(n, 1));
  TANDEM_RETURN_IF_ERROR(IsNone(n, 2));
  if (!IsLast(dim, x.at(a)) || x.at(a).computed != 0) return Refuse("softmax");
  Expression e;
  e.kind = Expression::Kind::kCompute;
  e.action = kAction;
  e.sizes = x.at(a).sizes;
  e.in = {a};
  return x.Add(std::move(e));
}
// sum and mean have a dtype at the end, amax and amin have none.
template <Action kAction>
Id Reduce(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const int a, RowsAt(x, n));
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim, LastDimOnly(n, 1));
  TANDEM_ASSIGN_OR_RETURN(const IValue keep, Constant(n, 2));
  if constexpr (kAction == Action::kSum || kAction == Action::kMean) {
    TANDEM_RETURN_IF_ERROR(IsNone(n, 3));
  }
  if (!IsLast(dim, x.at(a)) || !IsFloating(x.at(a)) || !keep.is_bool()) {
    return Refuse("a reduction of another kind");
  }
  Expression e;
  e.kind = Expression::Kind::kCompute;
  e.action = kAction;
  e.computed = x.at(a).computed;
  e.sizes = x.at(a).sizes;
  e.sizes.pop_back();
  if (keep.AsBool()) e.sizes.push_back(1);
  e.in = {a};
  return x.Add(std::move(e));
}
Id LayerNorm(Expressions& x, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const int a, RowsAt(x, n));
  TANDEM_ASSIGN_OR_RETURN(const IValue shape, Constant(n, 1));
  const int64_t row = x.at(a).sizes.back();
  if (x.at(a).computed != 0 || !shape.is_list() ||
      shape.AsList().values.size() != 1 ||
      shape.AsList().values[0].AsInt() != row) {
    return Refuse("layer_norm over more than the last dim");
  }
  Expression e;
  e.kind = Expression::Kind::kCompute;
  e.action = Action::kLayerNorm;
  e.sizes = x.at(a).sizes;
  e.in = {a, -1, -1};
  for (int i = 1; i <= 2; ++i) {
    const std::optional<IValue> v = ConstantOf(n.input(i + 1));
    if (v.has_value() && v->is_none()) continue;
    TANDEM_ASSIGN_OR_RETURN(const int w, x.TensorOf(n.input(i + 1)));
    const Expression& p = x.at(w);
    if (p.kind != Expression::Kind::kInput || p.computed != 0 ||
        p.sizes.size() != 1 || p.sizes[0] != row || p.strides[0] != 1) {
      return Refuse("layer_norm's weight");
    }
    e.in[i] = w;
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar eps, NumberAt(n, 4));
  e.eps = eps.ToDouble();
  return x.Add(std::move(e));
}

using Table = absl::flat_hash_map<std::string, LowerFunction>;

Table MakeTable() {
  return Table{
      {"aten::add.Tensor", &Sum<Op::kAdd, false>},
      {"aten::sub.Tensor", &Sum<Op::kSub, false>},
      {"aten::rsub.Tensor", &Sum<Op::kSub, true>},
      {"aten::add.Scalar", &SumWithNumber<Op::kAdd, false>},
      {"aten::sub.Scalar", &SumWithNumber<Op::kSub, false>},
      {"aten::rsub.Scalar", &SumWithNumber<Op::kSub, true>},
      {"aten::mul.Tensor", &Binary<Op::kMul, false>},
      {"aten::mul.Scalar", &WithNumber<Op::kMul, false>},
      {"aten::div.Tensor", &Binary<Op::kDiv, true>},
      {"aten::div.Scalar", &WithNumber<Op::kDiv, true>},
      {"aten::maximum", &Binary<Op::kMaximum, false>},
      {"aten::minimum", &Binary<Op::kMinimum, false>},
      {"aten::eq.Tensor", &Binary<Op::kEq, false>},
      {"aten::ne.Tensor", &Binary<Op::kNe, false>},
      {"aten::lt.Tensor", &Binary<Op::kLt, false>},
      {"aten::le.Tensor", &Binary<Op::kLe, false>},
      {"aten::gt.Tensor", &Binary<Op::kGt, false>},
      {"aten::ge.Tensor", &Binary<Op::kGe, false>},
      {"aten::eq.Scalar", &WithNumber<Op::kEq, false>},
      {"aten::ne.Scalar", &WithNumber<Op::kNe, false>},
      {"aten::lt.Scalar", &WithNumber<Op::kLt, false>},
      {"aten::le.Scalar", &WithNumber<Op::kLe, false>},
      {"aten::gt.Scalar", &WithNumber<Op::kGt, false>},
      {"aten::ge.Scalar", &WithNumber<Op::kGe, false>},
      {"aten::neg", &Unary<Op::kNeg, false>},
      {"aten::abs", &Unary<Op::kAbs, false>},
      {"aten::sign", &Unary<Op::kSign, false>},
      {"aten::relu", &Unary<Op::kRelu, false>},
      {"aten::square", &Unary<Op::kSquare, false>},
      {"aten::floor", &Activation<Op::kFloor>},
      {"aten::ceil", &Activation<Op::kCeil>},
      {"aten::round", &Activation<Op::kRound>},
      {"aten::trunc", &Activation<Op::kTrunc>},
      {"aten::reciprocal", &Unary<Op::kReciprocal, true>},
      {"aten::sqrt", &Unary<Op::kSqrt, true>},
      {"aten::rsqrt", &Unary<Op::kRsqrt, true>},
      {"aten::exp", &Unary<Op::kExp, true>},
      {"aten::expm1", &Unary<Op::kExpm1, true>},
      {"aten::log", &Unary<Op::kLog, true>},
      {"aten::log2", &Unary<Op::kLog2, true>},
      {"aten::log1p", &Unary<Op::kLog1p, true>},
      {"aten::tanh", &Unary<Op::kTanh, true>},
      {"aten::sigmoid", &Unary<Op::kSigmoid, true>},
      {"aten::erf", &Unary<Op::kErf, true>},
      {"aten::silu", &Activation<Op::kSilu>},
      {"aten::mish", &Activation<Op::kMish>},
      {"aten::hardswish", &Activation<Op::kHardSwish>},
      {"aten::hardsigmoid", &Activation<Op::kHardSigmoid>},
      {"aten::gelu", &Gelu},
      {"aten::relu6", &Relu6},
      {"aten::hardtanh", &HardTanh},
      {"aten::clamp", &Clamp},
      {"aten::clamp_min", &WithParams<Op::kClampMin, 1>},
      {"aten::clamp_max", &WithParams<Op::kClampMax, 1>},
      {"aten::leaky_relu", &WithParams<Op::kLeakyRelu, 1>},
      {"aten::elu", &WithParams<Op::kElu, 3>},
      {"aten::softplus", &WithParams<Op::kSoftplus, 2>},
      {"aten::threshold", &WithParams<Op::kThreshold, 2>},
      {"aten::pow.Tensor_Scalar", &Pow},
      {"aten::addcmul", &Scaled3<Op::kAddCMul>},
      {"aten::addcdiv", &Scaled3<Op::kAddCDiv>},
      {"aten::lerp.Tensor", &Lerp<false>},
      {"aten::lerp.Scalar", &Lerp<true>},
      {"aten::where.self", &Where<false, false>},
      {"aten::where.ScalarSelf", &Where<true, false>},
      {"aten::where.ScalarOther", &Where<false, true>},
      {"aten::masked_fill.Scalar", &MaskedFill},
      {"aten::logical_not", &OfBools<Op::kNot>},
      {"aten::bitwise_not", &OfBools<Op::kNot>},
      {"aten::logical_and", &OfBools<Op::kAnd>},
      {"aten::logical_or", &OfBools<Op::kOr>},
      {"aten::logical_xor", &OfBools<Op::kXor>},
      {"aten::bitwise_and.Tensor", &OfBools<Op::kAnd>},
      {"aten::bitwise_or.Tensor", &OfBools<Op::kOr>},
      {"aten::__and__.Tensor", &OfBools<Op::kAnd>},
      {"aten::__or__.Tensor", &OfBools<Op::kOr>},
      {"aten::softmax.int", &Softmax<Action::kSoftmax>},
      {"aten::log_softmax.int", &Softmax<Action::kLogSoftmax>},
      {"aten::layer_norm", &LayerNorm},
      {"aten::sum.dim_IntList", &Reduce<Action::kSum>},
      {"aten::mean.dim", &Reduce<Action::kMean>},
      {"aten::amax", &Reduce<Action::kMax>},
      {"aten::amin", &Reduce<Action::kMin>},
  };
}

}  // namespace

const LowerFunction* FindLowering(const Operator& op) {
  static const Table* const kTable = new Table(MakeTable());
  const auto it = kTable->find(op.schema.FullName());
  return it == kTable->end() ? nullptr : &it->second;
}

}  // namespace tandem::elementwise
