// Dropout outside of training gives its input.
//
//   %y : Tensor = aten::dropout(%x, %p, %false)
//   %z : Tensor = aten::relu(%y)                  ->   %z = aten::relu(%x)
#ifndef TANDEM_PASSES_REMOVE_DROPOUT_H_
#define TANDEM_PASSES_REMOVE_DROPOUT_H_

#include "tandem/passes/pass.h"

namespace tandem {

// All forms (dropout, feature_, alpha_, feature_alpha_, in place too) whose
// `train` is the constant false and whose p is valid. Freeze first.
absl::StatusOr<PassResult> RemoveDropout(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_REMOVE_DROPOUT_H_
