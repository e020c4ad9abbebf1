// Constants to the front, and lists and tuples of constants made once.
//
//   %1 : int = prim::Constant[value=1]()
//   %s : int[] = prim::ListConstruct(%1, %1)   ->   %s : int[] =
//   prim::Constant[
//                                                       value=[1, 1]]()
#ifndef TANDEM_PASSES_LIFT_CONSTANTS_H_
#define TANDEM_PASSES_LIFT_CONSTANTS_H_

#include "tandem/passes/pass.h"

namespace tandem {

// A list becomes a constant only if nobody can change it or get at it.
absl::StatusOr<PassResult> LiftConstants(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_LIFT_CONSTANTS_H_
