// Gives each node that a group backend would take the steps that compute its
// sizes for its own, so that they can join its group.
//
//   %n = aten::size(%x, 0)                 %n2 = aten::size(%x, 0)
//   %s = prim::ListConstruct(%n, -1)       %s2 = prim::ListConstruct(%n2, -1)
//   %a = aten::view(%y, %s)            ->  %a = aten::view(%y, %s2)
//   %b = aten::view(%z, %s)                … and again for %b
#ifndef TANDEM_PASSES_SHAPE_STEPS_H_
#define TANDEM_PASSES_SHAPE_STEPS_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "tandem/backends/group.h"
#include "tandem/ir/graph.h"

namespace tandem {

// Nodes whose only purpose is the sizes of another one, by that one.
using ShapeSteps = absl::flat_hash_map<const Node*, std::vector<Node*>>;

// Copies steps to right before their node, and removes those that nobody needs
// any more. A group executable knows the sizes of all its tensors when it is
// compiled: a view in it need not wait for numbers from outside. Nothing is
// done where operators change sizes in place.
ShapeSteps CopyShapeSteps(Graph* graph,
                          absl::Span<const GroupBackend* const> backends);

}  // namespace tandem

#endif  // TANDEM_PASSES_SHAPE_STEPS_H_
