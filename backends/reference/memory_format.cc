#include "tandem/backends/reference/memory_format.h"

#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {

MemoryFormat SuggestMemoryFormat(const Tensor& t) {
  const int64_t rank = t.dim();
  if ((rank != 4 && rank != 5) || t.stride(1) == 0) {
    return MemoryFormat::kContiguous;
  }
  // Channels first, then the spatial dims from the last, then the batch.
  int64_t least = 0;
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t d = i == 0 ? 1 : i == rank - 1 ? 0 : rank - i;
    if (t.size(d) == 0 || t.stride(d) < least) return MemoryFormat::kContiguous;
    // [N, 1, H, W] in both orders at once counts as contiguous.
    if (d == 0 && least == t.stride(1)) return MemoryFormat::kContiguous;
    least = t.stride(d);
    if (t.size(d) > 1) least *= t.size(d);
  }
  return rank == 4 ? MemoryFormat::kChannelsLast
                   : MemoryFormat::kChannelsLast3d;
}

absl::StatusOr<Tensor> EmptyInFormat(DimSpan sizes, DType dtype,
                                     MemoryFormat format) {
  if (format == MemoryFormat::kContiguous) return Tensor::Empty(sizes, dtype);
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  return Tensor::EmptyStrided(sizes, ChannelsLastStrides(sizes), dtype);
}

absl::StatusOr<Tensor> ContiguousIn(const Tensor& t, MemoryFormat format) {
  if (format == MemoryFormat::kContiguous) return Contiguous(t);
  if (t.is_contiguous(format) && !t.impl()->conj && !t.impl()->neg) return t;
  return Clone(t, format);
}

}  // namespace tandem::reference
