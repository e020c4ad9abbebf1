// Removes what has no effect on results, memory or the outside.
//
//   %a : Tensor = aten::relu(%x)
//   %b : Tensor = aten::neg(%x)        ->    %a : Tensor = aten::relu(%x)
//   return (%a)                              return (%a)
#ifndef TANDEM_PASSES_ELIMINATE_DEAD_CODE_H_
#define TANDEM_PASSES_ELIMINATE_DEAD_CODE_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Nodes live if they have effects, if a live node uses them, or if they write
// to memory that escapes or that a live node sees. Results of ifs and loops
// that nobody uses go too. As in PyTorch, an operator that only could have
// failed is not kept for that, and a loop not for never ending.
absl::StatusOr<PassResult> EliminateDeadCode(Graph* graph,
                                             const PassContext& context,
                                             const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_ELIMINATE_DEAD_CODE_H_
