// Results of branches and loops in the order of their first uses, so that a
// graph does not depend on the order in which they were found.

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "tandem/frontends/script/compiler/cleanup.h"

namespace tandem::script {
namespace {

size_t Depth(const Node* node) {
  size_t depth = 0;
  for (const Block* block = node->owning_block();
       block != nullptr && block->owning_node() != nullptr;
       block = block->owning_node()->owning_block()) {
    ++depth;
  }
  return depth;
}

size_t BlockIndex(const Block* block) {
  const auto blocks = block->owning_node()->blocks();
  return static_cast<size_t>(std::find(blocks.begin(), blocks.end(), block) -
                             blocks.begin());
}

// Which of two nodes comes first in the printed graph.
bool IsBefore(const Node* a, const Node* b) {
  size_t depth_a = Depth(a);
  size_t depth_b = Depth(b);
  for (; depth_a > depth_b; --depth_a) {
    a = a->owning_block()->owning_node();
    if (a == b) return false;  // b contains a
  }
  for (; depth_b > depth_a; --depth_b) {
    b = b->owning_block()->owning_node();
    if (a == b) return true;
  }
  while (a->owning_block() != b->owning_block()) {
    const Node* outer_a = a->owning_block()->owning_node();
    const Node* outer_b = b->owning_block()->owning_node();
    if (outer_a == nullptr || outer_b == nullptr) return false;
    if (outer_a == outer_b) {
      return BlockIndex(a->owning_block()) < BlockIndex(b->owning_block());
    }
    a = outer_a;
    b = outer_b;
  }
  const Node* end = a->owning_block()->return_node();
  if (b == end) return a != end;
  if (a == end) return false;
  return a->IsBefore(b);
}

bool IsBefore(const Use& a, const Use& b) {
  if (a.user == b.user) return a.index < b.index;
  return IsBefore(a.user, b.user);
}

std::optional<Use> FirstUse(const Value* value) {
  std::optional<Use> first;
  for (const Use& use : value->uses()) {
    if (!first.has_value() || IsBefore(use, *first)) first = use;
  }
  return first;
}

std::vector<size_t> OrderOf(const Node* node) {
  std::vector<std::optional<Use>> first;
  for (const Value* output : node->outputs()) {
    first.push_back(FirstUse(output));
  }
  std::vector<size_t> order(first.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (!first[a].has_value()) return false;
    if (!first[b].has_value()) return true;
    return IsBefore(*first[a], *first[b]);
  });
  return order;
}

// Moves name, type and uses to a new value.
void Transfer(Value* from, Value* to) {
  if (from->has_name()) {
    const std::string name = from->name();
    from->SetName("");
    to->SetName(name);
  }
  from->ReplaceAllUsesWith(to);
}

void PermuteOutputs(Node* node, const std::vector<size_t>& order) {
  const size_t count = order.size();
  for (const size_t i : order) {
    Value* moved = node->AddOutput(node->output(i)->type());
    Transfer(node->output(i), moved);
  }
  for (size_t i = 0; i < count; ++i) node->EraseOutput(0);
}

void PermuteBlockOutputs(Block* block, const std::vector<size_t>& order,
                         size_t first) {
  const std::vector<Value*> old(block->outputs().begin() + first,
                                block->outputs().end());
  for (size_t i = 0; i < old.size(); ++i) block->EraseOutput(first);
  for (const size_t i : order) block->AddOutput(old[i]);
}

void PermuteLoop(Node* node, const std::vector<size_t>& order) {
  const std::vector<Value*> inputs(node->inputs().begin() + 2,
                                   node->inputs().end());
  for (size_t i = 0; i < inputs.size(); ++i) node->RemoveInput(2);
  for (const size_t i : order) node->AddInput(inputs[i]);
  PermuteOutputs(node, order);
  Block* body = node->block();
  PermuteBlockOutputs(body, order, 1);
  for (const size_t i : order) {
    Value* moved = body->AddInput("", body->input(i + 1)->type());
    Transfer(body->input(i + 1), moved);
  }
  for (size_t i = 0; i < order.size(); ++i) body->EraseInput(1);
}

}  // namespace

void CanonicalizeOutputs(Block* block) {
  // From behind: the order of a node's results depends on what follows it.
  for (Node* node = block->last(); node != block->param_node();
       node = node->prev()) {
    if (node->is(NodeKind::kIf) || node->is(NodeKind::kLoop)) {
      const std::vector<size_t> order = OrderOf(node);
      if (!std::is_sorted(order.begin(), order.end())) {
        if (node->is(NodeKind::kLoop)) {
          PermuteLoop(node, order);
        } else {
          PermuteOutputs(node, order);
          for (Block* inner : node->blocks()) {
            PermuteBlockOutputs(inner, order, 0);
          }
        }
      }
    }
    for (Block* inner : node->blocks()) CanonicalizeOutputs(inner);
  }
}

}  // namespace tandem::script
