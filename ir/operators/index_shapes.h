// Sizes of the results of indexing operators. Error texts are PyTorch's.
#ifndef TANDEM_IR_OPERATORS_INDEX_SHAPES_H_
#define TANDEM_IR_OPERATORS_INDEX_SHAPES_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// Where the indexed dims of self[indices] go.
struct IndexPlacement {
  // The order in which self's dims are taken: as they are where the indexed
  // ones are neighbours, those first otherwise.
  Dims order;
  int64_t first = 0;  // of the indexed dims, in that order
  int64_t count = 0;  // of indexed dims
};

// `indexed[d]`: does dim d have an index?
IndexPlacement PlaceIndices(absl::Span<const bool> indexed);

// The common sizes of index tensors ("shape mismatch: indexing tensors could
// not be broadcast together with shapes [2], [3]"). Undefined ones are skipped.
absl::StatusOr<Dims> BroadcastIndices(absl::Span<const Tensor> indices);

// gather and scatter: an index is no larger than self but along `dim`.
absl::Status CheckGather(const Tensor& self, int64_t dim, const Tensor& index);
absl::Status CheckScatter(const Tensor& self, int64_t dim, const Tensor& index,
                          const Tensor* src);

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_INDEX_SHAPES_H_
