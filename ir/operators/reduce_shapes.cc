#include "tandem/ir/operators/reduce_shapes.h"

#include "absl/strings/str_cat.h"

namespace tandem {

DimMask AllDims(int64_t rank) { return DimMask(rank, true); }

absl::StatusOr<DimMask> ReducedDims(
    std::optional<absl::Span<const int64_t>> dims, int64_t rank) {
  if (rank > 64) {
    return absl::InvalidArgumentError(
        "only tensors with up to 64 dims are supported");
  }
  if (!dims.has_value() || dims->empty()) return AllDims(rank);
  DimMask mask(rank, false);
  for (int64_t dim : *dims) {
    const absl::StatusOr<int64_t> d = WrapDim(dim, rank);
    if (!d.ok()) return d.status();
    if (rank == 0) continue;
    if (mask[*d]) {
      return absl::InvalidArgumentError(absl::StrCat(
          "dim ", *d, " appears multiple times in the list of dims"));
    }
    mask[*d] = true;
  }
  return mask;
}

absl::StatusOr<DimMask> ReducedDim(int64_t dim, int64_t rank) {
  return ReducedDims(absl::MakeConstSpan(&dim, 1), rank);
}

Dims ReducedSizes(DimSpan sizes, const DimMask& mask, bool keepdim) {
  Dims result;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (!mask[d]) {
      result.push_back(sizes[d]);
    } else if (keepdim) {
      result.push_back(1);
    }
  }
  return result;
}

DType SumDType(DType self, std::optional<DType> dtype) {
  if (dtype.has_value()) return *dtype;
  return IsIntegral(self, /*include_bool=*/true) ? DType::kInt64 : self;
}

}  // namespace tandem
