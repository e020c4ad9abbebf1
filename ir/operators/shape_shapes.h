// Sizes, strides and offsets of the results of view and joining operators.
// Error texts are PyTorch's.
#ifndef TANDEM_IR_OPERATORS_SHAPE_SHAPES_H_
#define TANDEM_IR_OPERATORS_SHAPE_SHAPES_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// The sizes that view and reshape are asked for, with one -1 replaced by what
// is left of `numel`.
absl::StatusOr<Dims> InferSizes(DimSpan shape, int64_t numel);

// Strides with which a tensor of `sizes` and `strides` shows as `new_sizes`
// (of the same numel) without moving elements; nullopt when it cannot.
std::optional<Dims> ViewStrides(DimSpan sizes, DimSpan strides,
                                DimSpan new_sizes);

struct Geometry {
  Dims sizes, strides;
  int64_t offset = 0;
};

// expand(size): -1 keeps a size, repeated dims get stride 0. `type` is how the
// error text names the tensor ("torch.FloatTensor{[2, 3]}").
absl::StatusOr<Geometry> ExpandedGeometry(const Tensor& self, DimSpan sizes);

// x[start:end:step] along a dim of `size`: first index and number of elements.
// `step` must be positive.
struct SliceRange {
  int64_t start = 0, length = 0;
};
SliceRange ClampSlice(int64_t size, std::optional<int64_t> start,
                      std::optional<int64_t> end, int64_t step);

// Each dim wrapped into [0, rank), none twice ("dim 1 appears multiple times in
// the list of dims").
absl::StatusOr<Dims> WrapDims(DimSpan dims, int64_t rank);

// The order of dims that movedim(source, destination) permutes to.
absl::StatusOr<Dims> MoveDimOrder(int64_t rank, DimSpan source,
                                  DimSpan destination);

// diagonal(offset, dim1, dim2) of that geometry.
absl::StatusOr<Geometry> DiagonalGeometry(const Tensor& self, int64_t offset,
                                          int64_t dim1, int64_t dim2);

// Sizes of cat along `dim` (wrapped). 1-dim tensors without elements are
// skipped, as PyTorch does for old programs; `skip` gets their places.
absl::StatusOr<Dims> CatSizes(absl::Span<const Tensor> tensors, int64_t dim);
bool IsSkippedByCat(const Tensor& t);

// Sizes after constant_pad_nd: `pad` holds (before, after) from the last dim
// on; negative values cut.
absl::StatusOr<Dims> PaddedSizes(DimSpan sizes, DimSpan pad);

// The memory format that the strides of a 4-dim or 5-dim tensor speak for, as
// PyTorch's suggest_memory_format: channels last, or contiguous for the rest.
MemoryFormat SuggestedMemoryFormat(const Tensor& t);
// Strides of that format where the sizes have it, contiguous ones otherwise.
Dims StridesOfFormat(DimSpan sizes, MemoryFormat format);

// Sizes of repeat(repeats); errors on overflow.
absl::StatusOr<Dims> RepeatedSizes(DimSpan sizes, DimSpan repeats);

// How many pieces a list result may have: each is a header of its own.
inline constexpr int64_t kMaxPieces = int64_t{1} << 24;
absl::Status CheckPieces(int64_t count);

// a * b or an error that names what overflowed.
absl::StatusOr<int64_t> CheckedMultiply(int64_t a, int64_t b,
                                        absl::string_view what);

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_SHAPE_SHAPES_H_
