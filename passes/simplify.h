// Small rewrites that need no more than a node and what feeds it.
//
//   x + 0, x * 1, x // 1 of ints           -> x
//   [a, b][1], len([a, b])                 -> b, 2
//   transpose(transpose(x, 0, 1), 0, 1)    -> x
//   view(view(x, a), b)                    -> view(x, b)
//   not not b, int(tensor(n))              -> b, n
//   x.dim() where the rank is known        -> a constant
#ifndef TANDEM_PASSES_SIMPLIFY_H_
#define TANDEM_PASSES_SIMPLIFY_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Rewrites that look through lists or views ask whether anybody writes to them.
absl::StatusOr<PassResult> Simplify(Graph* graph, const PassContext& context,
                                    const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_SIMPLIFY_H_
