// Functional operators that stand for in-place ones (passes/remove_mutation.h).
#ifndef TANDEM_RUNTIME_IN_PLACE_H_
#define TANDEM_RUNTIME_IN_PLACE_H_

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tandem/backends/group.h"
#include "tandem/ir/graph.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// PyTorch's refusal of an in-place operator on `self` that would give what
// `result` is.
absl::Status CheckInPlace(const Tensor& self, const Tensor& result);

// Are both laid out alike (where a dim has more than one element)?
bool SameLayout(const Tensor& self, const Tensor& result);

// Of the nodes of a group that are marked with kInPlaceAttribute, by the shape
// functions of its operators. An error where one would be refused, or where it
// cannot be told: kernels run the group then, and refuse with PyTorch's words.
absl::Status CheckInPlace(const Graph& group,
                          absl::Span<const ValueDescription> inputs);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_IN_PLACE_H_
