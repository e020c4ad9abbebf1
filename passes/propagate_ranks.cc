#include "tandem/passes/propagate_ranks.h"

#include <optional>

#include "absl/container/flat_hash_map.h"
#include "tandem/passes/known_shapes.h"
#include "tandem/passes/rewrite.h"

namespace tandem {
namespace {

using Facts = absl::flat_hash_map<const Value*, int64_t>;

// Code that is not seen, or a change of a tensor's sizes in place.
bool Hides(const Node& n) {
  switch (n.kind()) {
    case NodeKind::kCallFunction:
    case NodeKind::kCallMethod:
    case NodeKind::kFork:
    case NodeKind::kAwaitable:
    case NodeKind::kPythonOp:
    case NodeKind::kUnknown:
      return true;
    default:
      break;
  }
  return MayChangeSizes(n);
}

bool Raises(const Block& block) {
  for (const Node* n : block) {
    if (n->is(NodeKind::kRaiseException)) return true;
  }
  return false;
}

class Ranks {
 public:
  explicit Ranks(PassResult* result) : result_(result) {}

  void Run(Block* block, Facts facts) {
    for (Node *n = block->first(), *next; n != block->return_node(); n = next) {
      next = n->next();
      if (n->Is("aten::dim")) {
        Decide(n, n->input(0), facts);
        continue;
      }
      if (n->Is("aten::len") && n->input()->node()->Is("aten::size") &&
          n->input()->node()->inputs().size() == 1 &&
          n->input()->uses().size() == 1) {
        Decide(n, n->input()->node()->input(0), facts);
        continue;
      }
      for (Block* b : n->blocks()) Run(b, facts);
      if (n->is(NodeKind::kIf)) Learn(*n, &facts);
    }
  }

 private:
  // Whose rank it has.
  Value* Root(Value* v) {
    Value* root = v;
    while (root->node()->op() != nullptr &&
           root->type()->is(TypeKind::kTensor)) {
      const Node& n = *root->node();
      if (!roots_.contains(root)) roots_[root] = OneStep(n);
      Value* next = roots_[root];
      if (next == nullptr) break;
      root = next;
    }
    // The next look from here is short.
    if (root != v) roots_[v] = root;
    return root;
  }

  Value* OneStep(const Node& n) {
    if (KeepsRank(n)) return n.input(0);
    if (n.Is("aten::add") || n.Is("aten::sub") || n.Is("aten::mul") ||
        n.Is("aten::div")) {
      if (n.inputs().size() < 2 || !n.input(0)->type()->is(TypeKind::kTensor)) {
        return nullptr;
      }
      const Type& other = *n.input(1)->type();
      if (other.is(TypeKind::kInt) || other.is(TypeKind::kFloat)) {
        return n.input(0);
      }
      if (!other.is(TypeKind::kTensor)) return nullptr;
      Value* a = Root(n.input(0));
      return a == Root(n.input(1)) ? a : nullptr;
    }
    return nullptr;
  }

  // `n` gives the rank of `v`.
  void Decide(Node* n, Value* v, const Facts& facts) {
    Value* root = Root(v);
    std::optional<int64_t> rank;
    if (const auto fact = facts.find(root); fact != facts.end()) {
      rank = fact->second;
    } else {
      rank = KnownRank(root);
    }
    if (rank.has_value()) {
      n->output()->ReplaceAllUsesWith(
          InsertConstantBefore(n, IValue(*rank), Type::Int()));
      n->Destroy();
      result_->Count("ranks known");
      return;
    }
    if (n->Is("aten::dim") && root != v) {
      n->ReplaceInput(0, root);
      result_->Count("ranks moved");
    }
  }

  // If(dim(x) != 4): raise; what follows sees rank 4.
  void Learn(const Node& n, Facts* facts) {
    const Node& test = *n.input()->node();
    const bool ne = test.Is("aten::ne"), eq = test.Is("aten::eq");
    if ((!ne && !eq) || !test.input(0)->node()->Is("aten::dim")) return;
    const std::optional<IValue> rank = ConstantOf(test.input(1));
    if (!rank.has_value() || !rank->is_int()) return;
    if (!Raises(*n.block(ne ? 0 : 1))) return;
    (*facts)[Root(test.input(0)->node()->input(0))] = rank->AsInt();
  }

  PassResult* const result_;
  absl::flat_hash_map<const Value*, Value*> roots_;
};

}  // namespace

absl::StatusOr<PassResult> PropagateRanks(Graph* graph, const PassContext&,
                                          const PassOptions&) {
  PassResult result;
  if (AnyNode(*graph->block(), &Hides)) return result;
  Ranks(&result).Run(graph->block(), {});
  return result;
}

}  // namespace tandem
