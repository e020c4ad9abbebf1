#include "tandem/passes/eliminate_dead_code.h"

#include <vector>

#include "absl/container/flat_hash_set.h"
#include "tandem/ir/alias_analysis.h"

namespace tandem {
namespace {

// Pairs of writers and live values that are compared; past it all writers live.
constexpr size_t kMaxComparisons = 20'000'000;

bool IsNumber(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kInt:
    case TypeKind::kFloat:
    case TypeKind::kBool:
    case TypeKind::kNone:
    case TypeKind::kStr:
    case TypeKind::kDevice:
      return true;
    default:
      return false;
  }
}

class Eliminator {
 public:
  explicit Eliminator(Graph* graph) : graph_(graph), aliases_(*graph) {}

  PassResult Run() {
    FindWriters(*graph_->block());
    for (Value* v : graph_->outputs()) MarkValue(v);
    MarkEffects(*graph_->block());
    Propagate();
    SweepBlock(graph_->block());
    return std::move(result_);
  }

 private:
  // Ifs and loops live for what is in them; all others for what they do.
  static bool IsControl(const Node& n) { return !n.blocks().empty(); }

  void FindWriters(const Block& block) {
    for (Node* n : block) {
      if (!IsControl(*n) && aliases_.HasWrites(n)) writers_.push_back(n);
      for (const Block* b : n->blocks()) FindWriters(*b);
    }
  }

  // Writes that can be seen from outside of the graph.
  bool WritesOutside(const Node* n) const {
    for (const Value* v : n->inputs()) {
      if (aliases_.MayWrite(n, v) && aliases_.MayEscape(v)) return true;
    }
    return false;
  }

  void MarkEffects(const Block& block) {
    for (Node* n : block) {
      if (!IsControl(*n)) {
        const bool effects =
            aliases_.HasEffects(n) ||
            (n->HasSideEffects() && !n->is(NodeKind::kSetAttr));
        if (effects || (aliases_.HasWrites(n) && WritesOutside(n))) {
          MarkNode(n);
        }
      }
      for (const Block* b : n->blocks()) MarkEffects(*b);
    }
  }

  void MarkNode(Node* n) {
    if (live_.insert(n).second) nodes_.push_back(n);
  }
  void MarkValue(Value* v) {
    if (!live_values_.insert(v).second) return;
    values_.push_back(v);
    if (!IsNumber(*v->type())) with_memory_.push_back(v);
  }

  void Propagate() {
    size_t compared = 0, comparisons = 0;
    for (;;) {
      while (!nodes_.empty() || !values_.empty()) {
        if (!nodes_.empty()) {
          Node* n = nodes_.back();
          nodes_.pop_back();
          VisitNode(n);
        } else {
          Value* v = values_.back();
          values_.pop_back();
          VisitValue(v);
        }
      }
      // Who writes what is live lives too.
      const size_t end = with_memory_.size();
      comparisons += (end - compared) * writers_.size();
      for (Node* w : writers_) {
        if (live_.contains(w)) continue;
        bool hit = comparisons > kMaxComparisons;
        for (size_t i = compared; i < end && !hit; ++i) {
          hit = aliases_.MayWrite(w, with_memory_[i]);
        }
        if (hit) MarkNode(w);
      }
      compared = end;
      if (nodes_.empty()) return;
    }
  }

  void VisitValue(Value* v) {
    Node* n = v->node();
    const size_t i = v->index();
    if (n->is(NodeKind::kParam)) {
      // A carried value of a loop: its start and its next. Other blocks have
      // no parameters but the graph's.
      Node* loop = n->owning_block()->owning_node();
      if (loop == nullptr) return;
      MarkNode(loop);
      if (loop->is(NodeKind::kLoop) && i > 0) MarkCarried(loop, i - 1);
      return;
    }
    MarkNode(n);
    if (n->is(NodeKind::kIf)) {
      for (Block* b : n->blocks()) MarkValue(b->output(i));
    } else if (n->is(NodeKind::kLoop)) {
      MarkCarried(n, i);
    }
  }
  void MarkCarried(Node* loop, size_t i) {
    MarkValue(loop->block()->input(i + 1));
    MarkValue(loop->input(i + 2));
    MarkValue(loop->block()->output(i + 1));
  }

  void VisitNode(Node* n) {
    // What decides whether it runs.
    if (Node* owner = n->owning_block()->owning_node(); owner != nullptr) {
      MarkNode(owner);
    }
    if (n->is(NodeKind::kIf)) return MarkValue(n->input());
    if (n->is(NodeKind::kLoop)) {
      MarkValue(n->input(0));
      MarkValue(n->input(1));
      return MarkValue(n->block()->output(0));
    }
    for (Value* v : n->inputs()) MarkValue(v);
    for (Block* b : n->blocks()) {
      for (Value* v : b->outputs()) MarkValue(v);
    }
  }

  // ---- removal, users before what they use

  void SweepBlock(Block* block) {
    for (Node *n = block->last(), *prev; n != block->param_node(); n = prev) {
      prev = n->prev();
      if (!live_.contains(n)) {
        bool used = false;
        for (const Value* v : n->outputs()) used = used || v->has_uses();
        if (used) continue;
        n->Destroy();
        result_.Count("nodes removed");
        continue;
      }
      if (n->is(NodeKind::kIf)) SweepIf(n);
      if (n->is(NodeKind::kLoop)) BreakDeadCycles(n);
      for (Block* b : n->blocks()) SweepBlock(b);
      if (n->is(NodeKind::kLoop)) SweepLoop(n);
    }
  }
  void SweepIf(Node* n) {
    for (size_t i = n->outputs().size(); i-- > 0;) {
      if (n->output(i)->has_uses()) continue;
      n->EraseOutput(i);
      for (Block* b : n->blocks()) b->EraseOutput(i);
      result_.Count("results removed");
    }
  }
  bool IsDeadCarried(const Node* loop, size_t i) const {
    return !live_values_.contains(loop->output(i)) &&
           !live_values_.contains(loop->block()->input(i + 1)) &&
           !loop->output(i)->has_uses();
  }
  // A dead carried value is its own next: nothing in the body computes it then.
  void BreakDeadCycles(Node* n) {
    Block* body = n->block();
    for (size_t i = 0; i < n->outputs().size(); ++i) {
      if (IsDeadCarried(n, i)) {
        body->return_node()->ReplaceInput(i + 1, body->input(i + 1));
      }
    }
  }
  void SweepLoop(Node* n) {
    Block* body = n->block();
    for (size_t i = n->outputs().size(); i-- > 0;) {
      if (!IsDeadCarried(n, i) || body->input(i + 1)->uses().size() != 1 ||
          body->output(i + 1) != body->input(i + 1)) {
        continue;
      }
      body->EraseOutput(i + 1);
      body->EraseInput(i + 1);
      n->EraseOutput(i);
      n->RemoveInput(i + 2);
      result_.Count("results removed");
    }
  }

  Graph* const graph_;
  const AliasAnalysis aliases_;
  PassResult result_;
  std::vector<Node*> writers_;
  absl::flat_hash_set<const Node*> live_;
  absl::flat_hash_set<const Value*> live_values_;
  std::vector<Value*> with_memory_;
  std::vector<Node*> nodes_;
  std::vector<Value*> values_;
};

}  // namespace

absl::StatusOr<PassResult> EliminateDeadCode(Graph* graph,
                                             const PassContext& context,
                                             const PassOptions& options) {
  return Eliminator(graph).Run();
}

}  // namespace tandem
