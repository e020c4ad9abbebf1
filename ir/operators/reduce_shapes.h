// Which dims a reduction removes, and the sizes that are left.
#ifndef TANDEM_IR_OPERATORS_REDUCE_SHAPES_H_
#define TANDEM_IR_OPERATORS_REDUCE_SHAPES_H_

#include <optional>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// A flag for each dim.
using DimMask = absl::InlinedVector<bool, 6>;

// From a dim argument: wrapped, none twice ("dim 0 appears multiple times in
// the list of dims"). No dims, or an empty list, stand for all of them.
absl::StatusOr<DimMask> ReducedDims(
    std::optional<absl::Span<const int64_t>> dims, int64_t rank);
// One dim.
absl::StatusOr<DimMask> ReducedDim(int64_t dim, int64_t rank);
DimMask AllDims(int64_t rank);

// Sizes without the masked dims, or with 1 in their place.
Dims ReducedSizes(DimSpan sizes, const DimMask& mask, bool keepdim);

// dtype of sum, prod, cumsum …: the one asked for, else int64 for integers and
// bool.
DType SumDType(DType self, std::optional<DType> dtype);

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_REDUCE_SHAPES_H_
