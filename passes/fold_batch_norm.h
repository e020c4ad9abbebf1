// Batch normalisation outside of training goes into the convolution before it.
//
//   %a : Tensor = aten::conv2d(%x, %w, %b, …)
//   %y : Tensor = aten::batch_norm(%a, %gamma, %beta, %mean, %var, %false, …)
// ->
//   %y : Tensor = aten::conv2d(%x, %w2, %b2, …)
#ifndef TANDEM_PASSES_FOLD_BATCH_NORM_H_
#define TANDEM_PASSES_FOLD_BATCH_NORM_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Where weights and statistics are constants of one dtype, float or double, and
// nobody else sees the convolution's result. Freeze first. Results differ by
// rounding.
absl::StatusOr<PassResult> FoldBatchNorm(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_FOLD_BATCH_NORM_H_
