// Attention as written becomes one operator.
//
//   %t = aten::transpose(%k, -2, -1)
//   %s = aten::matmul(%q, %t)
//   %c = aten::div(%s, 8.)               ->  %y = aten::scaled_dot_product_
//   %m = aten::add(%c, %mask, 1)               attention(%q, %k, %v, %mask,
//   %p = aten::softmax(%m, -1, %none)          0., False, 0.125, False)
//   %y = aten::matmul(%p, %v)
#ifndef TANDEM_PASSES_FUSE_ATTENTION_H_
#define TANDEM_PASSES_FUSE_ATTENTION_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Where q, k and v are known to have the same rank of at least 3. The scale may
// be a factor or divisor of q, of the product, or missing. softmax may say a
// dtype, and its result be converted to one, where both are known to be q's.
//
// With the option `masks` also with a mask: added, or a boolean one that fills
// with -inf. The operator then differs from what was written in two ways, which
// whoever gives the option rules out: a mask with more rows or batches than the
// scores is an error (it would repeat them), and a row that is masked as a
// whole gives 0 instead of NaN.
absl::StatusOr<PassResult> FuseAttention(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_FUSE_ATTENTION_H_
