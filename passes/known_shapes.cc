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
  if (n->op() == nullptr || n->inputs().empty() || steps == 0) {
    return std::nullopt;
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
        "aten::neg", "aten::clone", "aten::detach", "aten::layer_norm"}) {
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

}  // namespace

std::optional<int64_t> KnownRank(const Value* v) {
  return RankOf(v, kMaxSteps);
}

std::optional<DType> KnownDType(const Value* v) {
  const TensorType* type = v->type()->AsTensor();
  return type == nullptr ? std::nullopt : type->details().dtype;
}

}  // namespace tandem
