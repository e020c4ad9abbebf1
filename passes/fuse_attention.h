// Attention as people write it becomes aten::scaled_dot_product_attention.
//
//   %s : Tensor = aten::matmul(%q, %kt)           (kt: k transposed)
//   %d : Tensor = aten::div(%s, %8)               (or mul, or on q, or nothing)
//   %p : Tensor = aten::softmax(%d, -1, None)
//   %y : Tensor = aten::matmul(%p, %v)
// ->
//   %y : Tensor = aten::scaled_dot_product_attention(%q, %k, %v, None, 0.,
//   False,
//                                                    scale=0.125)
#ifndef TANDEM_PASSES_FUSE_ATTENTION_H_
#define TANDEM_PASSES_FUSE_ATTENTION_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Where q, k and v are known to have one rank of at least three and nobody else
// sees what is between. Dropout must have been removed. Results differ by
// rounding.
absl::StatusOr<PassResult> FuseAttention(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_FUSE_ATTENTION_H_
