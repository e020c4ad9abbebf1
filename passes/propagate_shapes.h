// Types of tensors from the types of what they are made of.
//
//   graph(%x : Float(2, *), %w : Float(3, 4)):
//     %y = aten::linear(%x, %w, %none)            %y : Float(2, 3)
//     %z = aten::relu(%x)                         %z : Float(2, s0)
//
// s0 is a size that is not known but the same wherever it stands.
#ifndef TANDEM_PASSES_PROPAGATE_SHAPES_H_
#define TANDEM_PASSES_PROPAGATE_SHAPES_H_

#include "tandem/passes/pass.h"

namespace tandem {

// Gives each tensor that passes/shape_analysis.h knows something of its dtype,
// sizes and strides. Types of parameters are believed. Option
// inputs=float32:NxCx224x224;int64:N types the tensor parameters (in order,
// `self` aside) first; a letter is a size that is not known, the same letter
// the same size.
absl::StatusOr<PassResult> PropagateShapes(Graph* graph,
                                           const PassContext& context,
                                           const PassOptions& options);

}  // namespace tandem

#endif  // TANDEM_PASSES_PROPAGATE_SHAPES_H_
