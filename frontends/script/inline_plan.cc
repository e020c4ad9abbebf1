#include "tandem/frontends/script/inline_plan.h"

#include <vector>

namespace tandem::script {
namespace {

const Node* PreviousNonConstant(const Node* n) {
  do {
    n = n->prev();
  } while (n->is(NodeKind::kConstant));
  return n;
}

bool MayBeInlined(const Value* v) {
  const Node* producer = v->node();
  if (producer->is(NodeKind::kParam)) return false;
  if (producer->outputs().size() != 1 || v->uses().size() != 1) return false;
  if (!producer->blocks().empty()) return false;
  const Use& use = v->uses()[0];
  // A name is the program's own variable; only a return needs none.
  if (v->has_name() && !use.user->is(NodeKind::kReturn)) return false;
  // Carried values are assigned before the condition is evaluated.
  if (use.user->is(NodeKind::kLoop) && use.index >= 2) return false;
  // The body of a fork may use its captures several times.
  if (use.user->is(NodeKind::kFork) || use.user->is(NodeKind::kAwaitable)) {
    return false;
  }
  // In a condition it would refine types once more when read back.
  return !producer->is(NodeKind::kIsInstance);
}

}  // namespace

void InlinePlan::Scan(const Block& block) {
  // Iterative over nested blocks: each is finished when its owner is met.
  ScanNode(block.return_node());
  for (const Node* n = block.last(); n != block.param_node(); n = n->prev()) {
    ScanNode(n);
  }
}

void InlinePlan::ScanNode(const Node* root) {
  if (contains(root)) return;
  for (const Block* b : root->blocks()) Scan(*b);
  // An expression may be as deep as the graph is long: a stack of its own.
  struct Frame {
    const Node* node;
    size_t inputs_left;
  };
  std::vector<Frame> stack = {{root, root->inputs().size()}};
  const Node* point = PreviousNonConstant(root);
  while (!stack.empty()) {
    Frame& frame = stack.back();
    if (frame.inputs_left == 0) {
      if (stack.size() > 1) inlined_.insert(frame.node);
      stack.pop_back();
      continue;
    }
    const Value* v = frame.node->input(--frame.inputs_left);
    const Node* producer = v->node();
    if (producer == point && MayBeInlined(v)) {
      // No frame has blocks below the root: values with blocks stay.
      stack.push_back({producer, producer->inputs().size()});
      point = PreviousNonConstant(producer);
    } else if (producer->is(NodeKind::kConstant)) {
      inlined_.insert(producer);
    }
  }
}

}  // namespace tandem::script
