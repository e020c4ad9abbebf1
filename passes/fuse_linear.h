// A product with a constant matrix and a constant bias added to it become
// aten::linear.
//
//   %m : Tensor = aten::matmul(%x, %wt)
//   %y : Tensor = aten::add(%m, %b, %1)      ->   %y = aten::linear(%x, %w, %b)
//   %y : Tensor = aten::addmm(%b, %x, %wt, %1, %1)   likewise
#ifndef TANDEM_PASSES_FUSE_LINEAR_H_
#define TANDEM_PASSES_FUSE_LINEAR_H_

#include "tandem/passes/pass.h"

namespace tandem {

// %wt is a constant matrix, %b a constant vector as long as its rows; %w is a
// view of %wt.
absl::StatusOr<PassResult> FuseLinear(Graph* graph, const PassContext& context,
                                      const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_FUSE_LINEAR_H_
