#include "tandem/passes/eliminate_common_subexpressions.h"

#include <cstring>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/hash/hash.h"
#include "tandem/ir/alias_analysis.h"

namespace tandem {
namespace {

uint64_t Bits(double d) {
  uint64_t bits;
  std::memcpy(&bits, &d, sizeof(bits));
  return bits;
}

// The same value in every respect, not only equal: 1 is not 1.0 nor True, 0.0
// not -0.0; tensors and containers by identity.
bool IsSameConstant(const IValue& a, const IValue& b) {
  if (a.tag() != b.tag()) return false;
  switch (a.tag()) {
    case IValue::Tag::kDouble: {
      const double x = a.AsDouble(), y = b.AsDouble();
      return Bits(x) == Bits(y);
    }
    case IValue::Tag::kString:
      return a.AsString() == b.AsString();
    case IValue::Tag::kDevice:
      return Equal(a, b);
    default:
      return a.Is(b);
  }
}

size_t HashConstant(const IValue& v) {
  switch (v.tag()) {
    case IValue::Tag::kBool:
      return absl::HashOf(1, v.AsBool());
    case IValue::Tag::kInt:
      return absl::HashOf(2, v.AsInt());
    case IValue::Tag::kDouble:
      return absl::HashOf(3, Bits(v.AsDouble()));
    case IValue::Tag::kString:
      return absl::HashOf(4, v.AsString());
    default:
      return static_cast<size_t>(v.tag());
  }
}

bool IsSameType(const Type& a, const Type& b) {
  return &a == &b || a.Equals(b);
}

bool IsSamePayload(const NodeAttribute::Payload& a,
                   const NodeAttribute::Payload& b) {
  if (a.index() != b.index()) return false;
  if (const auto* v = std::get_if<IValue>(&a)) {
    return IsSameConstant(*v, std::get<IValue>(b));
  }
  if (const auto* t = std::get_if<TypePtr>(&a)) {
    return IsSameType(**t, *std::get<TypePtr>(b));
  }
  if (const auto* types = std::get_if<std::vector<TypePtr>>(&a)) {
    const auto& others = std::get<std::vector<TypePtr>>(b);
    if (types->size() != others.size()) return false;
    for (size_t i = 0; i < types->size(); ++i) {
      if (!IsSameType(*(*types)[i], *others[i])) return false;
    }
    return true;
  }
  const auto same = [&](const auto* x, const auto& y) {
    using T = std::decay_t<decltype(*x)>;
    return *x == std::get<T>(y);
  };
  if (const auto* x = std::get_if<std::string>(&a)) return same(x, b);
  if (const auto* x = std::get_if<int64_t>(&a)) return same(x, b);
  if (const auto* x = std::get_if<double>(&a)) {
    return Bits(*x) == Bits(std::get<double>(b));
  }
  if (const auto* x = std::get_if<std::vector<int64_t>>(&a)) return same(x, b);
  if (const auto* x = std::get_if<std::vector<std::string>>(&a)) {
    return same(x, b);
  }
  return false;  // subgraphs
}

struct NodeHash {
  size_t operator()(const Node* n) const {
    size_t hash =
        absl::HashOf(static_cast<int>(n->kind()), n->op(), n->inputs().size());
    for (const Value* v : n->inputs()) hash = absl::HashOf(hash, v);
    for (const NodeAttribute& a : n->attributes()) {
      hash = absl::HashOf(hash, a.name);
      if (const auto* v = std::get_if<IValue>(&a.payload)) {
        hash = absl::HashOf(hash, HashConstant(*v));
      } else if (const auto* s = std::get_if<std::string>(&a.payload)) {
        hash = absl::HashOf(hash, *s);
      }
    }
    return hash;
  }
};

struct NodeEqual {
  bool operator()(const Node* a, const Node* b) const {
    if (a->kind() != b->kind() || a->op() != b->op() ||
        a->inputs() != b->inputs() ||
        a->outputs().size() != b->outputs().size() ||
        a->attributes().size() != b->attributes().size()) {
      return false;
    }
    for (size_t i = 0; i < a->attributes().size(); ++i) {
      const NodeAttribute& x = a->attributes()[i];
      const NodeAttribute* y = b->FindAttribute(x.name);
      if (y == nullptr || !IsSamePayload(x.payload, y->payload)) return false;
    }
    for (size_t i = 0; i < a->outputs().size(); ++i) {
      if (!IsSameType(*a->output(i)->type(), *b->output(i)->type())) {
        return false;
      }
    }
    return true;
  }
};

class Merger {
 public:
  explicit Merger(Graph* graph)
      : aliases_(*graph, {/*distinct_constants=*/true}) {}

  PassResult Run(Graph* graph) {
    VisitBlock(graph->block());
    return std::move(result_);
  }

 private:
  bool IsMergeable(const Node* n) const {
    if (!n->blocks().empty() || n->outputs().empty()) return false;
    switch (n->kind()) {
      case NodeKind::kConstant:
        return !aliases_.IsWritten(n->output());
      case NodeKind::kOperator:
      case NodeKind::kListConstruct:
      case NodeKind::kTupleConstruct:
      case NodeKind::kDictConstruct:
      case NodeKind::kTupleIndex:
      case NodeKind::kTupleSlice:
      case NodeKind::kTupleUnpack:
      case NodeKind::kListUnpack:
      case NodeKind::kGetAttr:
      case NodeKind::kUncheckedCast:
      case NodeKind::kIsInstance:
      case NodeKind::kEnumName:
      case NodeKind::kEnumValue:
        break;
      default:
        return false;
    }
    if (!aliases_.IsPure(n) || n->HasSideEffects()) return false;
    if (n->op() != nullptr && n->inputs().empty()) return false;
    for (const Value* v : n->inputs()) {
      if (aliases_.IsWritten(v)) return false;
    }
    return true;
  }

  // New memory in both that a caller could get at?
  bool MayBeToldApart(const Node* a, const Node* b) const {
    // What gives on memory of its inputs gives the same both times.
    for (size_t i = 0; i < a->outputs().size(); ++i) {
      const Value* x = a->output(i);
      const Value* y = b->output(i);
      if (!aliases_.MayEscape(x) || !aliases_.MayEscape(y)) continue;
      bool is_view = a->is(NodeKind::kGetAttr) || a->is(NodeKind::kConstant);
      for (const Value* in : a->inputs()) {
        is_view =
            is_view || aliases_.MayAlias(x, in) || aliases_.MayContain(in, x);
      }
      if (!is_view) return true;
    }
    return false;
  }

  void VisitBlock(Block* block) {
    std::vector<const Node*> added;
    for (Node *n = block->first(), *next; n != block->return_node(); n = next) {
      next = n->next();
      for (Block* b : n->blocks()) VisitBlock(b);
      if (!IsMergeable(n)) continue;
      const auto it = seen_.find(n);
      if (it == seen_.end()) {
        seen_.insert(n);
        added.push_back(n);
        continue;
      }
      Node* first = *it;
      if (MayBeToldApart(first, n)) continue;
      for (size_t i = 0; i < n->outputs().size(); ++i) {
        n->output(i)->ReplaceAllUsesWith(first->output(i));
      }
      n->Destroy();
      result_.Count(first->is(NodeKind::kConstant) ? "constants merged"
                                                   : "nodes merged");
    }
    for (const Node* n : added) seen_.erase(const_cast<Node*>(n));
  }

  const AliasAnalysis aliases_;
  PassResult result_;
  absl::flat_hash_set<Node*, NodeHash, NodeEqual> seen_;
};

}  // namespace

absl::StatusOr<PassResult> EliminateCommonSubexpressions(
    Graph* graph, const PassContext& context, const PassOptions& options) {
  return Merger(graph).Run(graph);
}

}  // namespace tandem
