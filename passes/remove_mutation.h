// In-place operators become those that give new tensors.
//
//   %a : Tensor = aten::conv2d(%x, …)         %a : Tensor = aten::conv2d(%x, …)
//   %b : Tensor = aten::relu_(%a)        ->   %b : Tensor = aten::relu(%a)
//   return (%a)                               return (%b)
#ifndef TANDEM_PASSES_REMOVE_MUTATION_H_
#define TANDEM_PASSES_REMOVE_MUTATION_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Where the tensor was made in the same block and nothing that may share
// its memory is looked at afterwards; where the schema has one tensor alone, so
// that the dtype stays (relu_, clamp_, mul_ by a number), or both dtypes are
// known and the same. Where that does not say that the sizes stay as well (a
// sum with another tensor), or nothing is known of the dtype, the node is
// marked (kInPlaceAttribute): what PyTorch refuses stays refused.
absl::StatusOr<PassResult> RemoveMutation(Graph* graph,
                                          const PassContext& context,
                                          const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_REMOVE_MUTATION_H_
