// Copies of a tensor with one view of it replaced: select_scatter and its kin,
// and writes to the diagonal.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

// Copies src over `place`, a view of `result`.
absl::StatusOr<Tensor> Put(const Tensor& result,
                           const absl::StatusOr<Tensor>& place,
                           const Tensor& src) {
  if (!place.ok()) return place.status();
  if (place->sizes() != src.sizes()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected src to have a size equal to the slice of self. src size = ",
        DimsToString(src.sizes()),
        ", slice size = ", DimsToString(place->sizes())));
  }
  TANDEM_RETURN_IF_ERROR(CopyElements(src, *place));
  return result;
}

// A copy with the strides of self, gaps and all, so that strides that speak of
// its storage mean the same; of a tensor whose elements overlap a plain copy.
absl::StatusOr<Tensor> CloneWithStrides(const Tensor& self) {
  int64_t last = 0;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (self.numel() == 0 || (self.stride(d) == 0 && self.size(d) > 1)) {
      return CloneToWrite(self);
    }
    last += (self.size(d) - 1) * self.stride(d);
  }
  // More gaps than elements may come of a hostile view alone.
  if (last / 64 > self.numel() || self.is_meta()) return CloneToWrite(self);
  TANDEM_ASSIGN_OR_RETURN(const Tensor storage,
                          Tensor::Zeros({last + 1}, self.dtype()));
  Tensor copy = storage.ViewUnchecked(self.sizes(), self.strides(), 0);
  TANDEM_RETURN_IF_ERROR(CopyElements(self, copy));
  return copy;
}

absl::StatusOr<Tensor> SelectScatter(const Tensor& self, const Tensor& src,
                                     int64_t dim, int64_t index) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CloneWithStrides(self));
  return Put(copy, Select(copy, dim, index), src);
}

absl::StatusOr<Tensor> SliceScatter(const Tensor& self, const Tensor& src,
                                    int64_t dim, std::optional<int64_t> start,
                                    std::optional<int64_t> end, int64_t step) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CloneWithStrides(self));
  return Put(copy, Slice(copy, dim, start, end, step), src);
}

absl::StatusOr<Tensor> DiagonalScatter(const Tensor& self, const Tensor& src,
                                       int64_t offset, int64_t dim1,
                                       int64_t dim2) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CloneWithStrides(self));
  return Put(copy, Diagonal(copy, offset, dim1, dim2), src);
}

// One past the last element of a view, as far as `limit`.
int64_t EndOfView(DimSpan sizes, DimSpan strides, int64_t offset,
                  int64_t limit) {
  __int128 end = static_cast<__int128>(offset) + 1;
  for (size_t d = 0; d < sizes.size() && d < strides.size(); ++d) {
    end += static_cast<__int128>(sizes[d] - 1) * strides[d];
  }
  return end > limit ? limit : static_cast<int64_t>(end);
}

// The strides speak of self's storage, so the copy keeps where it stands in it,
// and what else is there as far as the two views reach.
absl::StatusOr<Tensor> AsStridedScatter(const Tensor& self, const Tensor& src,
                                        DimSpan size, DimSpan stride,
                                        std::optional<int64_t> offset) {
  TANDEM_ASSIGN_OR_RETURN(Tensor copy, CloneWithStrides(self));
  if (!self.is_meta() && self.numel() > 0 && copy.strides() == self.strides()) {
    const int64_t all =
        static_cast<int64_t>(self.storage()->bytes() / self.element_size());
    const int64_t n =
        std::max(EndOfView(self.sizes(), self.strides(), self.offset(), all),
                 EndOfView(size, stride, offset.value_or(self.offset()), all));
    if (n / 64 <= self.numel() + src.numel()) {
      TANDEM_ASSIGN_OR_RETURN(const Tensor part,
                              Tensor::OverStorage(Ref<Storage>(self.storage()),
                                                  0, {n}, {1}, self.dtype()));
      TANDEM_ASSIGN_OR_RETURN(const Tensor storage,
                              Tensor::Empty({n}, self.dtype()));
      TANDEM_RETURN_IF_ERROR(CopyElements(part, storage));
      copy = storage.ViewUnchecked(self.sizes(), self.strides(), self.offset());
    }
  }
  return Put(copy, AsStrided(copy, size, stride, offset), src);
}

absl::StatusOr<Tensor> FillDiagonal(const Tensor& self, const Scalar& value,
                                    bool wrap) {
  const int64_t rank = self.dim();
  if (rank < 2) {
    return absl::InvalidArgumentError("dimensions must larger than 1");
  }
  const int64_t rows = self.size(0), columns = self.size(1);
  if (rank > 2) {
    for (int64_t d = 1; d < rank; ++d) {
      if (self.size(d) != rows) {
        return absl::InvalidArgumentError(
            "all dimensions of input must be of equal length");
      }
    }
  }
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  int64_t step = 0, size = rows;
  for (int64_t d = 0; d < rank; ++d) {
    step += self.stride(d);
    size = std::min(size, self.size(d));
  }
  if (self.numel() == 0) return self;
  const Tensor diagonal = self.ViewUnchecked({size}, {step}, self.offset());
  TANDEM_RETURN_IF_ERROR(FillElements(diagonal, value));
  // A tall matrix starts again below, one row left out.
  if (wrap && rank == 2 && rows > columns + 1) {
    for (int64_t row = columns + 1; row < rows; row += columns + 1) {
      const int64_t length = std::min(columns, rows - row);
      TANDEM_RETURN_IF_ERROR(
          FillElements(self.ViewUnchecked({length}, {step},
                                          self.offset() + row * self.stride(0)),
                       value));
    }
  }
  return self;
}

}  // namespace

void AddShapeScatter(KernelRegistrar& r) {
  r.Add("aten::select_scatter", &SelectScatter)
      .Add("aten::select_scatter.out", &Variants<SelectScatter>::OutExact)
      .Add("aten::slice_scatter", &SliceScatter)
      .Add("aten::slice_scatter.out", &Variants<SliceScatter>::OutExact)
      .Add("aten::diagonal_scatter", &DiagonalScatter)
      .Add("aten::diagonal_scatter.out", &Variants<DiagonalScatter>::OutExact)
      .Add("aten::as_strided_scatter", &AsStridedScatter)
      .Add("aten::as_strided_scatter.out",
           &Variants<AsStridedScatter>::OutExact)
      .Add("aten::fill_diagonal_", &FillDiagonal);
}

}  // namespace tandem::reference
