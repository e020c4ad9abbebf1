#include "tandem/passes/remove_mutation.h"

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/known_shapes.h"
#include "tandem/passes/rewrite.h"

namespace tandem {
namespace {

// Comparisons, which give bools: written to a tensor they get its dtype.
bool GivesBools(absl::string_view name) {
  for (absl::string_view op :
       {"eq", "ne", "lt", "le", "gt", "ge", "less", "less_equal", "greater",
        "greater_equal", "not_equal", "logical_and", "logical_or",
        "logical_xor", "logical_not"}) {
    if (name == absl::StrCat("aten::", op)) return true;
  }
  return false;
}

// "aten::relu_" -> "aten::relu" with the same arguments; null when there is
// none.
const Operator* FunctionalOf(const Operator& op, const OperatorTable& table) {
  if (op.effects != 0 || !absl::EndsWith(op.schema.name, "_") ||
      absl::EndsWith(op.schema.name, "__")) {
    return nullptr;
  }
  const FunctionSchema& s = op.schema;
  if (s.arguments.empty() || s.returns.size() != 1 ||
      !s.arguments[0].type->is(TypeKind::kTensor) ||
      !s.arguments[0].alias.has_value() || !s.arguments[0].alias->is_write) {
    return nullptr;
  }
  const Operator* other =
      table.Find(s.name.substr(0, s.name.size() - 1), s.overload_name);
  if (other == nullptr || GivesBools(other->schema.name) || !other->is_pure() ||
      other->schema.arguments.size() != s.arguments.size() ||
      other->schema.returns.size() != 1) {
    return nullptr;
  }
  for (size_t i = 0; i < s.arguments.size(); ++i) {
    if (!s.arguments[i].type->Equals(*other->schema.arguments[i].type) ||
        (i > 0 && s.arguments[i].alias.has_value())) {
      return nullptr;
    }
  }
  return other;
}

// Would the functional operator give the dtype of its first argument?
bool KeepsDType(const Node& n, bool may_autocast) {
  const auto dtype_of = [&](const Value* v) {
    return may_autocast ? TypedDType(v) : KnownDType(v);
  };
  const std::optional<DType> self = dtype_of(n.input(0));
  // abs_ refuses complex tensors, abs has none.
  if (n.op()->schema.name == "aten::abs_" && !self.has_value()) return false;
  for (size_t i = 1; i < n.inputs().size(); ++i) {
    const Type& type = *n.op()->schema.arguments[i].type;
    const Type& inner = type.is(TypeKind::kOptional) ? *type.element() : type;
    if (inner.is(TypeKind::kList)) {
      if (inner.element()->is(TypeKind::kTensor)) return false;
      continue;
    }
    if (!inner.is(TypeKind::kTensor)) continue;
    if (n.input(i)->type()->is(TypeKind::kNone)) continue;
    const std::optional<DType> other = dtype_of(n.input(i));
    if (!self.has_value() || !other.has_value()) return false;
    // Floats stay what they are beside integers.
    if (self != other &&
        !(IsFloatingPoint(*self) && IsIntegral(*other, true))) {
      return false;
    }
  }
  return true;
}

// May the functional operator give other sizes or another dtype than its first
// argument has, where the in-place one is an error: a larger tensor added to
// it, the sigmoid of integers?
bool MayDiffer(const Node& n, bool may_autocast) {
  if (MayChangeSizes(n)) return false;  // that is what it is for
  const std::optional<DType> self =
      may_autocast ? TypedDType(n.input(0)) : KnownDType(n.input(0));
  if (n.op()->schema.name == "aten::relu_") return false;
  if (!self.has_value() || !IsFloatingPoint(*self)) return true;
  for (size_t i = 1; i < n.inputs().size(); ++i) {
    const Type& type = *n.input(i)->type();
    if (!type.is(TypeKind::kInt) && !type.is(TypeKind::kFloat) &&
        !type.is(TypeKind::kBool) && !type.is(TypeKind::kStr) &&
        !type.is(TypeKind::kNone)) {
      return true;
    }
  }
  return false;
}

// May the tensor have strides that new tensors never have (with gaps, or
// several elements in one place)? What is written in place keeps them; and some
// are refused.
bool MayHaveGaps(const Value* v) {
  for (int depth = 0; depth < 16; ++depth) {
    const Node& n = *v->node();
    if (!n.is(NodeKind::kOperator) || n.inputs().empty()) return false;
    const std::string& name = n.op()->schema.name;
    if (name == "aten::empty_strided" || name == "aten::new_empty_strided") {
      return true;
    }
    const Argument& self = n.op()->schema.arguments[0];
    // Only views can, and what is written in place.
    if (!self.alias.has_value()) return false;
    for (absl::string_view gaps :
         {"expand", "expand_as", "broadcast_to", "as_strided", "slice",
          "select", "narrow", "unfold", "diagonal", "movedim", "real", "imag",
          "view_as_real", "chunk", "split"}) {
      if (name == absl::StrCat("aten::", gaps)) return true;
    }
    v = n.input(0);
  }
  return true;
}

// The node in `block` that is `node` or contains it; null when it is elsewhere.
const Node* AncestorIn(const Block* block, const Node* node) {
  while (node != nullptr && node->owning_block() != block) {
    node = node->owning_block() == nullptr
               ? nullptr
               : node->owning_block()->owning_node();
  }
  return node;
}

// A value that may share the memory that `n` writes: would somebody see the old
// values through it, or the new ones no more? Not if it is made after `n` (from
// what `n` gives then), nor if nobody looks at it after `n`.
bool SeesWrite(const Value* v, const Node* n) {
  const Node* made = AncestorIn(n->owning_block(), v->node());
  if (made == nullptr || made->is(NodeKind::kParam)) return true;
  if (!made->is(NodeKind::kReturn) && n->IsBefore(made)) return false;
  for (const Use& use : v->uses()) {
    const Node* user = AncestorIn(n->owning_block(), use.user);
    if (user == nullptr || (user != n && n->IsBefore(user))) return true;
  }
  return false;
}

void GatherTensors(const Block& block, std::vector<const Value*>* out) {
  const auto add = [&](const Value* v) { out->push_back(v); };
  for (const Value* v : block.inputs()) add(v);
  for (const Node* n : block) {
    for (const Value* v : n->outputs()) add(v);
    for (const Block* b : n->blocks()) GatherTensors(*b, out);
  }
}

}  // namespace

absl::StatusOr<PassResult> RemoveMutation(Graph* graph,
                                          const PassContext& context,
                                          const PassOptions& options) {
  PassResult result;
  const bool may_autocast = AnyNode(
      *graph->block(), [](const Node& n) { return n.is(NodeKind::kEnter); });
  const auto functional_of = [&](const Node& n) -> const Operator* {
    if (n.op() == nullptr || n.inputs().empty()) return nullptr;
    const Operator* op = FunctionalOf(*n.op(), *context.operators);
    return op != nullptr && KeepsDType(n, may_autocast) &&
                   !MayHaveGaps(n.input(0))
               ? op
               : nullptr;
  };
  for (bool again = true; again;) {
    again = false;
    if (!AnyNode(*graph->block(), functional_of)) break;
    // What is removed while this round walks on only takes aliases away: the
    // answers for the graph as it was stay true, if too careful, which is why
    // there is another round. A round is linear in the graph but for the
    // values that each write asks for.
    const AliasAnalysis aliases(*graph, {/*distinct_constants=*/true});
    std::vector<const Value*> values;
    GatherTensors(*graph->block(), &values);
    absl::flat_hash_set<const Node*> removed;
    ForEachNode(graph->block(), [&](Node* n) {
      const Operator* functional = functional_of(*n);
      if (functional == nullptr) return;
      Value* self = n->input(0);
      Node* made = self->node();
      if (made->owning_block() != n->owning_block() ||
          made->is(NodeKind::kParam) || made->is(NodeKind::kConstant) ||
          (!removed.contains(made) && aliases.HasWrites(made))) {
        return;
      }
      // Nobody else may see its memory, nor what holds it. Where a value stands
      // is the cheaper question.
      for (const Value* v : values) {
        if (v != self && v != n->output() && SeesWrite(v, n) &&
            aliases.MayOverlap(v, self)) {
          return;
        }
      }
      const bool may_differ = MayDiffer(*n, may_autocast);
      n->set_op(functional);
      if (may_differ) n->SetAttribute(kInPlaceAttribute, int64_t{1});
      n->output()->set_type(self->type());
      self->ReplaceUsesAfter(n, n->output());
      result.Count("writes removed");
      removed.insert(n);
      again = true;
    });
  }
  return result;
}

}  // namespace tandem
