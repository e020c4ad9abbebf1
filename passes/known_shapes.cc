#include "tandem/passes/known_shapes.h"

#include "tandem/ir/type.h"

namespace tandem {
namespace {

// How far back to look.
constexpr int kMaxSteps = 32;

std::optional<int64_t> ListLength(const Value* v) {
  const Node* n = v->node();
  if (n->is(NodeKind::kListConstruct)) {
    return static_cast<int64_t>(n->inputs().size());
  }
  const std::optional<IValue> c = ConstantOf(v);
  if (c.has_value() && c->is_list()) {
    return static_cast<int64_t>(c->AsList().values.size());
  }
  return std::nullopt;
}

std::optional<int64_t> RankOf(const Value* v, int steps) {
  if (const TensorType* type = v->type()->AsTensor();
      type != nullptr && type->details().sizes.has_value()) {
    return static_cast<int64_t>(type->details().sizes->size());
  }
  const Node* n = v->node();
  if (steps == 0) return std::nullopt;
  if (n->is(NodeKind::kConstant)) {
    const IValue c = n->constant();
    if (!c.is_tensor() || !c.AsTensor().defined()) return std::nullopt;
    return c.AsTensor().dim();
  }
  if (n->is(NodeKind::kListUnpack)) {
    // Pieces of one tensor.
    const Node* pieces = n->input(0)->node();
    if (pieces->op() == nullptr || pieces->inputs().empty()) {
      return std::nullopt;
    }
    const auto whole = RankOf(pieces->input(0), steps - 1);
    if (!whole.has_value()) return std::nullopt;
    if (pieces->Is("aten::unbind")) return *whole - 1;
    if (pieces->Is("aten::chunk") || pieces->Is("aten::split") ||
        pieces->Is("aten::split_with_sizes")) {
      return whole;
    }
    return std::nullopt;
  }
  if (n->op() == nullptr || n->inputs().empty()) return std::nullopt;
  if (n->Is("aten::select") && n->op()->schema.overload_name == "int") {
    const auto whole = RankOf(n->input(0), steps - 1);
    return whole.has_value() ? std::optional<int64_t>(*whole - 1)
                             : std::nullopt;
  }
  if (n->Is("aten::unsqueeze")) {
    const auto inner = RankOf(n->input(0), steps - 1);
    return inner.has_value() ? std::optional<int64_t>(*inner + 1)
                             : std::nullopt;
  }
  if ((n->Is("aten::view") || n->Is("aten::reshape") ||
       n->Is("aten::permute")) &&
      n->op()->schema.overload_name.empty()) {
    // A list that grows later would have to be written: views of such lists
    // are not what anybody writes, but their length at the call counts.
    return ListLength(n->input(1));
  }
  for (const char* name :
       {"aten::transpose", "aten::contiguous", "aten::softmax", "aten::relu",
        "aten::neg", "aten::clone", "aten::detach", "aten::layer_norm",
        "aten::slice", "aten::to", "aten::dropout"}) {
    if (n->Is(name)) return RankOf(n->input(0), steps - 1);
  }
  if ((n->Is("aten::mul") || n->Is("aten::div") || n->Is("aten::add") ||
       n->Is("aten::sub"))) {
    if (n->op()->schema.overload_name == "Scalar") {
      return RankOf(n->input(0), steps - 1);
    }
    const auto a = RankOf(n->input(0), steps - 1);
    const auto b = RankOf(n->input(1), steps - 1);
    if (a.has_value() && b.has_value()) return *a > *b ? a : b;
  }
  return std::nullopt;
}

// Of one tensor: results of its dtype, of as many dims.
constexpr const char* kSameDTypeAndRank[] = {
    "aten::relu",
    "aten::relu_",
    "aten::relu6",
    "aten::relu6_",
    "aten::hardswish",
    "aten::hardswish_",
    "aten::hardtanh",
    "aten::hardtanh_",
    "aten::hardsigmoid_",
    "aten::leaky_relu",
    "aten::leaky_relu_",
    "aten::silu",
    "aten::silu_",
    "aten::gelu",
    "aten::elu",
    "aten::elu_",
    "aten::mish",
    "aten::mish_",
    "aten::dropout",
    "aten::dropout_",
    "aten::feature_dropout",
    "aten::batch_norm",
    "aten::layer_norm",
    "aten::group_norm",
    "aten::instance_norm",
    "aten::max_pool1d",
    "aten::max_pool2d",
    "aten::max_pool3d",
    "aten::avg_pool1d",
    "aten::avg_pool2d",
    "aten::avg_pool3d",
    "aten::adaptive_avg_pool1d",
    "aten::adaptive_avg_pool2d",
    "aten::adaptive_avg_pool3d",
    "aten::contiguous",
    "aten::clone",
    "aten::detach",
    "aten::alias",
    "aten::neg",
    "aten::transpose",
    "aten::add_",
    "aten::sub_",
    "aten::mul_",
    "aten::div_",
    "aten::clamp_",
    "aten::sigmoid_",
    "aten::tanh_",
};
// The same dtype, other dims.
constexpr const char* kSameDType[] = {
    "aten::view",    "aten::reshape", "aten::flatten", "aten::unflatten",
    "aten::permute", "aten::t",       "aten::squeeze", "aten::unsqueeze",
    "aten::select",  "aten::slice",   "aten::expand",
};
// As many dims, of a dtype that may be another one. Convolutions take a batch
// or none, and give what they took.
constexpr const char* kSameRank[] = {
    "aten::conv1d",       "aten::conv2d",  "aten::conv3d",
    "aten::_convolution", "aten::sigmoid", "aten::tanh",
    "aten::hardsigmoid",  "aten::softmax", "aten::conv_transpose2d",
};
constexpr int kMaxDTypeSteps = 256;

template <size_t N>
bool OneOf(const Node& n, const char* const (&names)[N]) {
  for (const char* name : names) {
    if (n.Is(name)) return true;
  }
  return false;
}

// A view as another dtype, as softmax with one, is none of these.
std::optional<DType> InferDType(const Value* v, int* steps) {
  if (const auto dtype = TypedDType(v); dtype.has_value()) return dtype;
  const Node* n = v->node();
  if (--*steps < 0) return std::nullopt;
  if (n->is(NodeKind::kConstant)) {
    const IValue c = n->constant();
    if (!c.is_tensor() || !c.AsTensor().defined()) return std::nullopt;
    return c.AsTensor().dtype();
  }
  if (n->is(NodeKind::kListUnpack)) {
    // Pieces of one tensor.
    const Node* pieces = n->input(0)->node();
    for (const char* name : {"aten::unbind", "aten::chunk", "aten::split",
                             "aten::split_with_sizes"}) {
      if (pieces->Is(name)) return InferDType(pieces->input(0), steps);
    }
    return std::nullopt;
  }
  if (n->op() == nullptr || n->inputs().empty()) return std::nullopt;
  const std::string& overload = n->op()->schema.overload_name;
  if (n->Is("aten::conv1d") || n->Is("aten::conv2d") || n->Is("aten::conv3d") ||
      n->Is("aten::_convolution") || n->Is("aten::linear")) {
    // Weights and input have one dtype.
    return InferDType(n->input(1), steps);
  }
  if (OneOf(*n, kSameDTypeAndRank) ||
      (OneOf(*n, kSameDType) && overload != "dtype")) {
    return InferDType(n->input(0), steps);
  }
  const auto floating = [](std::optional<DType> d) {
    return d.has_value() && IsFloatingPoint(*d) ? d : std::nullopt;
  };
  if (n->Is("aten::sigmoid") || n->Is("aten::tanh") ||
      n->Is("aten::hardsigmoid")) {
    return floating(InferDType(n->input(0), steps));
  }
  if (n->Is("aten::add") || n->Is("aten::sub") || n->Is("aten::mul") ||
      n->Is("aten::div")) {
    if (n->inputs().size() < 2 || !n->input(0)->type()->is(TypeKind::kTensor)) {
      return std::nullopt;
    }
    const auto a = floating(InferDType(n->input(0), steps));
    if (!a.has_value()) return std::nullopt;
    const Type& other = *n->input(1)->type();
    if (other.is(TypeKind::kInt) || other.is(TypeKind::kFloat)) return a;
    if (!other.is(TypeKind::kTensor)) return std::nullopt;
    return InferDType(n->input(1), steps) == a ? a : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int64_t> KnownRank(const Value* v) {
  return RankOf(v, kMaxSteps);
}

std::optional<DType> TypedDType(const Value* v) {
  const TensorType* type = v->type()->AsTensor();
  return type == nullptr ? std::nullopt : type->details().dtype;
}

std::optional<DType> KnownDType(const Value* v) {
  int steps = kMaxDTypeSteps;
  return InferDType(v, &steps);
}

bool KeepsRank(const Node& n) {
  return n.op() != nullptr && !n.inputs().empty() &&
         (OneOf(n, kSameDTypeAndRank) || OneOf(n, kSameRank));
}

}  // namespace tandem
