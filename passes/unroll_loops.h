// Loops that turn a few times, always as often, become their bodies in a row.
//
//   %y : Tensor = prim::Loop(%2, %true, %x)      %a : Tensor = aten::relu(%x)
//     block0(%i : int, %c : Tensor):             %y : Tensor = aten::relu(%a)
//       %n : Tensor = aten::relu(%c)        ->
//       -> (%true, %n)
#ifndef TANDEM_PASSES_UNROLL_LOOPS_H_
#define TANDEM_PASSES_UNROLL_LOOPS_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Loops with a constant trip count of at most `max_trips` (16) that do not stop
// early, if the copies have at most `max_nodes` (2000) nodes. Inner loops
// first.
absl::StatusOr<PassResult> UnrollLoops(Graph* graph, const PassContext& context,
                                       const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_UNROLL_LOOPS_H_
