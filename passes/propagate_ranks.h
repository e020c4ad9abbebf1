// Numbers of dims that earlier checks have decided, and checks that these
// decide.
//
//   %d = aten::dim(%y)  # y = conv2d(x, …)       %d = aten::dim(%x)
//   %bad = aten::ne(%d, 4)                       %bad = aten::ne(%d, 4)
//   prim::If(%bad): raise …                  ->  prim::If(%bad): raise …
//   %e = aten::dim(%z)  # z = conv2d(y, …)
//   %worse = aten::ne(%e, 4)                     %worse = aten::ne(4, 4)
//   prim::If(%worse): raise …                    prim::If(%worse): raise …
#ifndef TANDEM_PASSES_PROPAGATE_RANKS_H_
#define TANDEM_PASSES_PROPAGATE_RANKS_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Scripted layers look at the rank of what they get (batch normalisation does
// in each call); such looks stand between the operators. Operators that keep
// the rank (KeepsRank) pass it on, so each look becomes one at where the tensor
// comes from; after a check that raises, the rank is known. fold_constants
// removes what is decided then. Graphs with calls that were not inlined, or
// with operators that change a tensor's sizes in place, are left alone.
absl::StatusOr<PassResult> PropagateRanks(Graph* graph,
                                          const PassContext& context,
                                          const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_PROPAGATE_RANKS_H_
