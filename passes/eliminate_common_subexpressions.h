// Computes once what is computed twice.
//
//   %a : Tensor = aten::relu(%x)           %a : Tensor = aten::relu(%x)
//   %b : Tensor = aten::relu(%x)     ->    %c : Tensor = aten::add(%a, %a, %1)
//   %c : Tensor = aten::add(%a, %b, %1)
#ifndef TANDEM_PASSES_ELIMINATE_COMMON_SUBEXPRESSIONS_H_
#define TANDEM_PASSES_ELIMINATE_COMMON_SUBEXPRESSIONS_H_

#include "tandem/passes/pass.h"

namespace tandem {

// A node becomes an equal one that comes before it in its block or around it.
// Both are pure, nobody changes what they read or give, and not both results
// may get to a caller, who could tell them apart by writing to one.
absl::StatusOr<PassResult> EliminateCommonSubexpressions(
    Graph* graph, const PassContext& context, const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_ELIMINATE_COMMON_SUBEXPRESSIONS_H_
