#include "tandem/passes/fuse_attention.h"

#include <utility>
#include <vector>

#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/known_shapes.h"
#include "tandem/passes/rewrite.h"

namespace tandem {
namespace {

std::optional<double> NumberOf(const Value* v) {
  std::optional<IValue> c = ConstantOf(v);
  if (!c.has_value()) return std::nullopt;
  if (c->is_int()) return static_cast<double>(c->AsInt());
  if (c->is_double()) return c->AsDouble();
  if (c->is_tensor() && c->AsTensor().defined() && c->AsTensor().dim() == 0) {
    const absl::StatusOr<Scalar> s = c->AsTensor().Item();
    if (s.ok() && !s->is_complex()) return s->ToDouble();
  }
  return std::nullopt;
}

bool IsLast(const Value* v) {
  const std::optional<IValue> c = ConstantOf(v);
  return c.has_value() && c->is_int() && c->AsInt() == -1;
}

class Fuser {
 public:
  Fuser(Graph* graph, const Operator* attention)
      : attention_(attention),
        aliases_(*graph, {/*distinct_constants=*/true}) {}

  // `n` is the product with v.
  bool Fuse(Node* n) {
    if (!n->Is("aten::matmul") || n->inputs().size() != 2) return false;
    std::vector<Node*> between;
    // The node that makes `v`, if only this chain uses it and nobody changes
    // it.
    const auto inner = [&](Value* v) -> Node* {
      Node* made = v->node();
      if (made->op() == nullptr || v->uses().size() != 1 ||
          made->owning_block() != n->owning_block() || aliases_.IsWritten(v)) {
        return nullptr;
      }
      return made;
    };
    Node* softmax = inner(n->input(0));
    if (softmax == nullptr || !softmax->Is("aten::softmax") ||
        softmax->op()->schema.overload_name != "int" ||
        !IsLast(softmax->input(1)) ||
        !softmax->input(2)->type()->is(TypeKind::kNone)) {
      return false;
    }
    between.push_back(softmax);
    double scale = 1;
    Node* scores = inner(softmax->input(0));
    if (scores != nullptr && TakeScale(*scores, &scale)) {
      between.push_back(scores);
      scores = inner(scores->input(0));
    }
    if (scores == nullptr || !scores->Is("aten::matmul")) return false;
    between.push_back(scores);
    Value* q = scores->input(0);
    Node* scaled = inner(q);
    if (scaled != nullptr && TakeScale(*scaled, &scale)) {
      between.push_back(scaled);
      q = scaled->input(0);
    }
    Node* transpose = scores->input(1)->node();
    if (!SwapsLastTwo(*transpose)) return false;
    Value* k = transpose->input(0);
    Value* v = n->input(1);
    const auto rank = KnownRank(q);
    if (!rank.has_value() || *rank < 3 || KnownRank(k) != rank ||
        KnownRank(v) != rank) {
      return false;
    }
    // All is computed at the end of the chain now.
    for (const Value* in : {q, k, v}) {
      if (aliases_.IsWritten(in)) return false;
    }
    Graph* graph = n->graph();
    const auto constant = [&](IValue value, const TypePtr& type) {
      return InsertConstantBefore(n, std::move(value), type);
    };
    Node* node =
        graph->Create(attention_, {q, k, v, constant(IValue(), Type::None()),
                                   constant(IValue(0.0), Type::Float()),
                                   constant(IValue(false), Type::Bool()),
                                   constant(IValue(scale), Type::Float()),
                                   constant(IValue(false), Type::Bool())});
    node->set_range(n->range());
    node->output()->set_type(n->output()->type());
    node->InsertBefore(n);
    n->output()->ReplaceAllUsesWith(node->output());
    n->Destroy();
    for (Node* b : between) b->Destroy();
    if (!transpose->output()->has_uses()) transpose->Destroy();
    return true;
  }

 private:
  static bool TakeScale(const Node& n, double* scale) {
    const bool mul = n.Is("aten::mul");
    if ((!mul && !n.Is("aten::div")) || n.inputs().size() != 2) return false;
    const std::optional<double> c = NumberOf(n.input(1));
    if (!c.has_value() || *c == 0) return false;
    *scale = mul ? *scale * *c : *scale / *c;
    return true;
  }

  // k as (…, D, L): transpose of the last two dims, or a permute that is one.
  static bool SwapsLastTwo(const Node& n) {
    if (n.Is("aten::transpose") && n.op()->schema.overload_name == "int") {
      const std::optional<IValue> a = ConstantOf(n.input(1));
      const std::optional<IValue> b = ConstantOf(n.input(2));
      if (!a.has_value() || !b.has_value() || !a->is_int() || !b->is_int()) {
        return false;
      }
      int64_t x = a->AsInt(), y = b->AsInt();
      const auto rank = KnownRank(n.input(0));
      if (rank.has_value()) {
        if (x >= 0) x -= *rank;
        if (y >= 0) y -= *rank;
      }
      return (x == -2 && y == -1) || (x == -1 && y == -2);
    }
    return false;
  }

  const Operator* const attention_;
  const AliasAnalysis aliases_;
};

}  // namespace

absl::StatusOr<PassResult> FuseAttention(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options) {
  PassResult result;
  const Operator* attention =
      context.operators->Find("aten::scaled_dot_product_attention", "");
  if (attention == nullptr || attention->schema.arguments.size() != 8) {
    return result;
  }
  Fuser fuser(graph, attention);
  ForEachNode(graph->block(), [&](Node* n) {
    if (n->op() != nullptr && fuser.Fuse(n)) {
      result.Count("attentions fused");
    }
  });
  return result;
}

}  // namespace tandem
