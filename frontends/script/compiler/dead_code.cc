// Removes what no result and no effect needs.

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "tandem/frontends/script/compiler/cleanup.h"

namespace tandem::script {
namespace {

// An inverse mark and sweep: from the results and from nodes with effects.
class DeadCodeEliminator {
 public:
  explicit DeadCodeEliminator(Graph* graph) : graph_(*graph) {}

  void Run() {
    EliminateForkInputs(graph_.block());
    MarkNode(graph_.return_node());
    MarkBlock(graph_.block());
    Sweep(graph_.block());
  }

 private:
  // Inputs that a fork's graph does not use.
  void EliminateForkInputs(Block* block) {
    for (Node* node : *block) {
      for (Block* inner : node->blocks()) EliminateForkInputs(inner);
      if (!node->is(NodeKind::kFork)) continue;
      const auto& graph = node->Get<std::shared_ptr<Graph>>("Subgraph");
      for (size_t i = 0; i < graph->inputs().size();) {
        if (graph->inputs()[i]->has_uses()) {
          ++i;
          continue;
        }
        graph->block()->EraseInput(i);
        node->RemoveInput(i);
      }
    }
  }

  // What is written may be seen elsewhere, so writes count as effects. Dead
  // random numbers are not drawn.
  static bool HasEffects(const Node* node) {
    if (node->is(NodeKind::kOperator)) {
      const Operator& op = *node->op();
      // manual_seed has no result that could be dead.
      const uint8_t ignored =
          op.schema.returns.empty() ? 0 : static_cast<uint8_t>(Effect::kRandom);
      return (op.effects & ~ignored) != 0 || op.schema.is_mutable();
    }
    if (node->is(NodeKind::kFork)) return false;
    return node->HasSideEffects();
  }
  bool HasEffectsInside(const Node* node) {
    if (HasEffects(node)) return true;
    if (node->blocks().empty()) return false;
    if (const auto known = effects_.find(node); known != effects_.end()) {
      return known->second;
    }
    bool effects = false;
    for (const Block* block : node->blocks()) {
      for (const Node* inner : *block) {
        effects = effects || HasEffectsInside(inner);
      }
    }
    effects_[node] = effects;
    return effects;
  }

  // A block's results are alive where what the owner gives is.
  bool MarkReturn(Node* node) {
    if (marked_.contains(node)) return false;
    const Node* owner = node->owning_block()->owning_node();
    if (owner == nullptr) return MarkNode(node);
    if (owner->is(NodeKind::kLoop)) {
      const Block* body = owner->block();
      for (size_t i = 0; i < owner->outputs().size(); ++i) {
        if (live_.contains(owner->output(i)) ||
            body->input(i + 1)->has_uses()) {
          live_.insert(body->output(i + 1));
        }
      }
      live_.insert(body->output(0));
    } else {
      for (size_t i = 0; i < owner->outputs().size(); ++i) {
        if (live_.contains(owner->output(i))) live_.insert(node->input(i));
      }
    }
    marked_.insert(node);
    return true;
  }

  bool MarkBlock(Block* block) {
    bool any = false;
    for (Node* node : *block) {
      if (HasEffectsInside(node)) any |= MarkNode(node);
    }
    any |= MarkReturn(block->return_node());
    for (Node* node = block->last(); node != block->param_node();
         node = node->prev()) {
      if (node->is(NodeKind::kLoop)) {
        // What one turn needs the turn before must give.
        while (MarkBlock(node->block())) any = true;
      } else {
        for (Block* inner : node->blocks()) any |= MarkBlock(inner);
      }
      for (Value* output : node->outputs()) {
        if (live_.contains(output)) {
          any |= MarkNode(node);
          break;
        }
      }
    }
    return any;
  }

  bool MarkNode(Node* node) {
    if (!marked_.insert(node).second) return false;
    for (Block* block = node->owning_block(); block != nullptr;) {
      Node* owner = block->owning_node();
      if (owner == nullptr) break;
      MarkNode(owner);
      block = owner->owning_block();
    }
    for (Value* input : node->inputs()) live_.insert(input);
    return true;
  }

  void Sweep(Block* block) {
    for (Node* node = block->last(); node != block->param_node();) {
      Node* prev = node->prev();
      RemoveDeadResults(node);
      for (Block* inner : node->blocks()) Sweep(inner);
      bool used = marked_.contains(node);
      for (Value* output : node->outputs()) used = used || output->has_uses();
      if (!used) node->Destroy();
      node = prev;
    }
  }

  void RemoveDeadResults(Node* node) {
    if (node->is(NodeKind::kIf)) {
      for (size_t i = node->outputs().size(); i-- > 0;) {
        if (node->output(i)->has_uses()) continue;
        node->EraseOutput(i);
        for (Block* block : node->blocks()) block->EraseOutput(i);
      }
    } else if (node->is(NodeKind::kLoop)) {
      Block* body = node->block();
      for (size_t i = node->outputs().size(); i-- > 0;) {
        if (node->output(i)->has_uses() || body->input(i + 1)->has_uses()) {
          continue;
        }
        node->EraseOutput(i);
        node->RemoveInput(i + 2);
        body->EraseInput(i + 1);
        body->EraseOutput(i + 1);
      }
    }
  }

  Graph& graph_;
  absl::flat_hash_set<const Node*> marked_;
  absl::flat_hash_set<const Value*> live_;
  absl::flat_hash_map<const Node*, bool> effects_;  // of nodes with blocks
};

}  // namespace

void EliminateDeadCode(Graph* graph) { DeadCodeEliminator(graph).Run(); }

}  // namespace tandem::script
