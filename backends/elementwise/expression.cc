#include "tandem/backends/elementwise/expression.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::elementwise {
namespace {

absl::Status Refuse(absl::string_view why) {
  return absl::UnimplementedError(why);
}

absl::StatusOr<Tensor> Shape(const Expression& e) {
  return Tensor::Meta(e.sizes, e.strides, kDTypes[e.computed]);
}

}  // namespace

int Expressions::Add(Expression e) {
  if (e.kind == Expression::Kind::kCompute) {
    e.strides = ContiguousStrides(e.sizes);
  }
  all_.push_back(std::move(e));
  return static_cast<int>(all_.size()) - 1;
}

absl::StatusOr<int> Expressions::AddInput(const ValueDescription& d,
                                          int argument) {
  if (!d.is_tensor) return Refuse("a number that is not a constant");
  if (d.quantized || d.device.type != limits_.device)
    return Refuse("not a plain tensor");
  Expression e;
  const int computed = ComputedOf(d.dtype);
  if (computed < 0) return Refuse(absl::StrCat("dtype ", TypeName(d.dtype)));
  if (d.sizes.size() > 16) return Refuse("more than 16 dims");
  e.computed = static_cast<uint8_t>(computed);
  e.sizes = d.sizes;
  e.strides = d.strides;
  e.argument = argument;
  return Add(std::move(e));
}

absl::StatusOr<int> Expressions::TensorOf(const Value* value) {
  if (const auto it = values_.find(value); it != values_.end()) {
    return it->second;
  }
  const std::optional<IValue> constant = ConstantOf(value);
  if (!constant.has_value() || !constant->is_tensor() ||
      !constant->AsTensor().defined()) {
    return Refuse("an operand that is no tensor");
  }
  const Tensor& t = constant->AsTensor();
  const TensorImpl& impl = *t.impl();
  if (impl.conj || impl.neg || impl.layout != Layout::kStrided ||
      impl.wrapped_number || !impl.storage) {
    return Refuse("a constant that is not a plain tensor");
  }
  ValueDescription d;
  d.is_tensor = true;
  d.quantized = t.is_quantized();
  d.dtype = t.dtype();
  d.device = t.device();
  d.sizes = impl.sizes;
  d.strides = impl.strides;
  TANDEM_ASSIGN_OR_RETURN(
      const int e,
      AddInput(d, num_arguments_ + static_cast<int>(constants_.size())));
  constants_.push_back(t);
  values_[value] = e;
  return e;
}

absl::StatusOr<int> Expressions::Cast(int x, int computed) {
  if (all_[x].computed == computed) return x;
  Expression e;
  e.kind = Expression::Kind::kCompute;
  e.action = Action::kCast;
  e.computed = static_cast<uint8_t>(computed);
  e.sizes = all_[x].sizes;
  e.in = {x};
  return Add(std::move(e));
}

absl::StatusOr<int> Expressions::Elementwise(Op op,
                                             absl::Span<const Term> terms,
                                             absl::Span<const Scalar> params,
                                             bool float_result) {
  const size_t first = op == Op::kWhere ? 1 : 0;  // past the condition
  ResultType type;
  Dims sizes;
  bool with_number = false, any = false;
  absl::InlinedVector<Tensor, kMaxInputs> shapes;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].expression < 0) {
      if (terms[i].number.is_complex()) return Refuse("a complex number");
      type.Add(terms[i].number);
      with_number = true;
      continue;
    }
    const Expression& e = all_[terms[i].expression];
    TANDEM_ASSIGN_OR_RETURN(Tensor shape, Shape(e));
    if (i >= first) {
      type.Add(shape);
    } else if (e.computed != 3) {
      return Refuse("a condition that is not bool");
    }
    if (!any) {
      sizes = e.sizes;
      any = true;
    } else if (sizes != e.sizes) {
      absl::StatusOr<Dims> common = BroadcastSizes(sizes, e.sizes);
      if (!common.ok()) return Refuse("sizes that do not broadcast");
      sizes = *std::move(common);
    }
    shapes.push_back(std::move(shape));
  }
  if (DimSpan(
          PointwiseStrides(absl::MakeConstSpan(shapes), sizes, with_number)) !=
      DimSpan(ContiguousStrides(sizes))) {
    return Refuse("a result that is not contiguous");
  }
  absl::StatusOr<DType> common = type.Get();
  if (!common.ok()) return Refuse("dtypes that do not promote");
  if (float_result && IsIntegral(*common, true)) common = DType::kFloat;
  const int computed = ComputedOf(*common);
  if (computed < 0 || !HasType(op, computed)) {
    return Refuse(absl::StrCat("an operator of ", TypeName(*common)));
  }
  Expression e;
  e.kind = Expression::Kind::kCompute;
  e.op = op;
  e.computed = static_cast<uint8_t>(IsTest(op) ? 3 : computed);
  e.sizes = sizes;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (terms[i].expression >= 0) {
      int x = terms[i].expression;
      if (i >= first) {
        TANDEM_ASSIGN_OR_RETURN(x, Cast(x, computed));
      }
      e.in.push_back(x);
      continue;
    }
    Expression number;
    number.kind = Expression::Kind::kNumber;
    number.computed = static_cast<uint8_t>(computed);
    if (!number.number.Set(computed, terms[i].number)) {
      return Refuse("a number of another kind");
    }
    e.in.push_back(Add(std::move(number)));
  }
  e.has_params = !params.empty();
  if (e.has_params && !e.params.Set(computed, params)) {
    return Refuse("a parameter of another kind");
  }
  return Add(std::move(e));
}

std::string RefusalOf(const Node& node) {
  if (FindLowering(*node.op()) == nullptr) return "not elementwise";
  const FunctionSchema& schema = node.op()->schema;
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    const Value* v = node.input(i);
    const Type& wanted = *schema.arguments[i].type;
    const bool tensor = wanted.is(TypeKind::kTensor) ||
                        (wanted.is(TypeKind::kOptional) &&
                         wanted.element()->is(TypeKind::kTensor));
    if (tensor) {
      if (!v->type()->is(TypeKind::kTensor) &&
          !v->type()->is(TypeKind::kNone)) {
        return absl::StrCat(schema.arguments[i].name, " may be None");
      }
    } else if (!ConstantArgument(v).has_value()) {
      return absl::StrCat(schema.arguments[i].name, " is not a constant");
    }
  }
  return "";
}

absl::Status Expressions::Read(const Graph& group,
                               absl::Span<const ValueDescription> inputs) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(values_[group.inputs()[i]],
                            AddInput(inputs[i], static_cast<int>(i)));
  }
  for (const Node* n : *group.block()) {
    if (!n->is(NodeKind::kOperator)) continue;
    const LowerFunction* lower = FindLowering(*n->op());
    if (lower == nullptr || n->outputs().size() != 1) {
      return Refuse(absl::StrCat(n->name(), " is not of these groups"));
    }
    TANDEM_ASSIGN_OR_RETURN(const int e, (*lower)(*this, *n));
    values_[n->output()] = e;
    absl::StrAppend(&text_, text_.empty() ? "" : "+",
                    absl::StripPrefix(n->name(), "aten::"));
  }
  for (const Value* v : group.outputs()) {
    const auto it = values_.find(v);
    if (it == values_.end() ||
        all_[it->second].kind != Expression::Kind::kCompute) {
      return Refuse("an output that is not computed");
    }
    outputs_.push_back(it->second);
  }
  return absl::OkStatus();
}

}  // namespace tandem::elementwise
