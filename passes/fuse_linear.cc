#include "tandem/passes/fuse_linear.h"

#include <utility>

#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/rewrite.h"

namespace tandem {
namespace {

std::optional<Tensor> ConstantTensor(const Value* v, int64_t rank) {
  const std::optional<IValue> c = ConstantOf(v);
  if (!c.has_value() || !c->is_tensor() || !c->AsTensor().defined() ||
      c->AsTensor().dim() != rank || c->AsTensor().is_sparse() ||
      c->AsTensor().is_quantized()) {
    return std::nullopt;
  }
  return c->AsTensor();
}

bool IsOne(const Value* v) {
  const std::optional<IValue> c = ConstantOf(v);
  return c.has_value() && ((c->is_int() && c->AsInt() == 1) ||
                           (c->is_double() && c->AsDouble() == 1));
}

class Fuser {
 public:
  Fuser(Graph* graph, const Operator* linear)
      : linear_(linear), aliases_(*graph, {/*distinct_constants=*/true}) {}

  // Puts linear(x, wt transposed, bias) in the place of `last`.
  bool Replace(Node* last, Value* x, Value* wt, Value* bias) {
    const std::optional<Tensor> w = ConstantTensor(wt, 2);
    const std::optional<Tensor> b = ConstantTensor(bias, 1);
    if (!w || !b || b->size(0) != w->size(1) || b->dtype() != w->dtype() ||
        aliases_.IsWritten(wt) || aliases_.IsWritten(bias)) {
      return false;
    }
    Tensor weight = w->ViewUnchecked({w->size(1), w->size(0)},
                                     {w->stride(1), w->stride(0)}, w->offset());
    Value* constant =
        InsertConstantBefore(last, IValue(std::move(weight)), Type::Tensor());
    Node* node = last->graph()->Create(linear_, {x, constant, bias});
    node->set_range(last->range());
    node->output()->set_type(last->output()->type());
    node->InsertBefore(last);
    last->output()->ReplaceAllUsesWith(node->output());
    last->Destroy();
    return true;
  }

  bool Fuse(Node* n) {
    if (n->Is("aten::addmm") && n->op()->schema.overload_name.empty()) {
      return IsOne(n->input(3)) && IsOne(n->input(4)) &&
             Replace(n, n->input(1), n->input(2), n->input(0));
    }
    const bool in_place = n->Is("aten::add_");
    if ((!n->Is("aten::add") && !in_place) ||
        n->op()->schema.overload_name != "Tensor" || !IsOne(n->input(2))) {
      return false;
    }
    Node* product = n->input(0)->node();
    if ((!product->Is("aten::matmul") && !product->Is("aten::mm")) ||
        product->inputs().size() != 2 ||
        product->owning_block() != n->owning_block() ||
        product->output()->uses().size() != 1 ||
        // It moves down to the addition: what it reads must stay.
        aliases_.IsWritten(product->input(0))) {
      return false;
    }
    if (!Replace(n, product->input(0), product->input(1), n->input(1))) {
      return false;
    }
    product->Destroy();
    return true;
  }

 private:
  const Operator* const linear_;
  const AliasAnalysis aliases_;
};

}  // namespace

absl::StatusOr<PassResult> FuseLinear(Graph* graph, const PassContext& context,
                                      const PassOptions& options) {
  PassResult result;
  const Operator* linear = context.operators->Find("aten::linear", "");
  if (linear == nullptr) return result;
  Fuser fuser(graph, linear);
  ForEachNode(graph->block(), [&](Node* n) {
    if (n->op() != nullptr && fuser.Fuse(n)) result.Count("linears fused");
  });
  return result;
}

}  // namespace tandem
