// Which values are written inside the expression that uses them.
#ifndef TANDEM_FRONTENDS_SCRIPT_INLINE_PLAN_H_
#define TANDEM_FRONTENDS_SCRIPT_INLINE_PLAN_H_

#include "absl/container/flat_hash_set.h"
#include "tandem/ir/graph.h"

namespace tandem::script {

// A value without a name that is used once may be written in place, if reading
// the text back evaluates nodes in the same order: expressions are evaluated
// from left to right, arguments before the operator. So a walk over the nodes
// from last to first, beside a walk over the expression from right to left,
// inlines as long as both meet the same node.
class InlinePlan {
 public:
  // Decides for all nodes of the block and its nested blocks. May be called
  // for several blocks.
  void Scan(const Block& block);

  bool contains(const Node* node) const { return inlined_.contains(node); }

 private:
  void ScanNode(const Node* node);
  absl::flat_hash_set<const Node*> inlined_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_INLINE_PLAN_H_
