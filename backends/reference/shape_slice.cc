// Views of some of the elements: select, slice, narrow, diagonal, unfold,
// as_strided.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// An integer that came as a 0-dim tensor (narrow.Tensor).
absl::StatusOr<Tensor> NarrowTensor(const Tensor& self, int64_t dim,
                                    const Tensor& start, int64_t length) {
  if (start.dim() != 0 || !IsIntegral(start.dtype(), false)) {
    return Invalid("start must be an 0-dim integral Tensor.");
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar value, start.Item());
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  int64_t first = value.ToInt();
  if (self.dim() > 0 && first < 0) {
    if (first < -self.size(d)) {
      return absl::OutOfRangeError(absl::StrCat(
          "start out of range (expected to be in range of [", -self.size(d),
          ", ", self.size(d), "], but got ", first, ")"));
    }
    first += self.size(d);
  }
  return Narrow(self, d, first, length);
}

absl::StatusOr<Tensor> NarrowCopy(const Tensor& self, int64_t dim,
                                  int64_t start, int64_t length) {
  if (self.dim() == 0) {
    return Invalid("narrow() cannot be applied to a 0-dim tensor.");
  }
  if (dim >= self.dim()) {
    return Invalid(
        "Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, "
        "but got false.  (Could this error message be improved?  If so, please "
        "report an enhancement request to PyTorch.)");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.size(d);
  if (length < 0 && start >= -size && start <= size) {
    return Invalid(absl::StrCat("start (", start < 0 ? start + size : start,
                                ") + length (", length,
                                ") exceeds dimension size (", size, ")."));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor view, Narrow(self, d, start, length));
  return CopyOfView(view);
}

absl::StatusOr<Tensor> Unfold(const Tensor& self, int64_t dimension,
                              int64_t size, int64_t step) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dimension, self.dim()));
  const bool scalar = self.dim() == 0;
  const int64_t length = scalar ? 1 : self.size(d);
  if (size < 0) {
    return Invalid(absl::StrCat("size is ", size, " but must be >= 0"));
  }
  if (size > length) {
    return Invalid(absl::StrCat("maximum size for tensor at dimension ", d,
                                " is ", length, " but size is ", size));
  }
  if (step <= 0) {
    return Invalid(absl::StrCat("step is ", step, " but must be > 0"));
  }
  Dims sizes(self.sizes().begin(), self.sizes().end());
  Dims strides(self.strides().begin(), self.strides().end());
  sizes.push_back(size);
  strides.push_back(scalar ? 1 : self.stride(d));
  if (!scalar) {
    sizes[d] = (length - size) / step + 1;
    // A single window needs no stride; a huge step would overflow it.
    int64_t stride;
    if (!__builtin_mul_overflow(strides[d], step, &stride)) {
      strides[d] = stride;
    }
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  return MakeView(self, sizes, strides, self.offset());
}

absl::StatusOr<Tensor> AsStridedInPlace(const Tensor& self, DimSpan size,
                                        DimSpan stride,
                                        std::optional<int64_t> offset) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor view,
                          AsStrided(self, size, stride, offset));
  return BecomeView(view, self);
}

}  // namespace

absl::StatusOr<Tensor> Select(const Tensor& self, int64_t dim, int64_t index) {
  const int64_t rank = self.dim();
  if (rank == 0) {
    return absl::OutOfRangeError(
        "select() cannot be applied to a 0-dim tensor.");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, rank));
  const int64_t size = self.size(d);
  if (index < -size || index >= size) {
    return absl::OutOfRangeError(absl::StrCat(
        "select(): index ", index, " out of range for tensor of size ",
        DimsToString(self.sizes()), " at dimension ", d));
  }
  if (index < 0) index += size;
  Dims sizes(rank - 1), strides(rank - 1);
  for (int64_t i = 0, j = 0; i < rank; ++i) {
    if (i == d) continue;
    sizes[j] = self.size(i);
    strides[j++] = self.stride(i);
  }
  return MakeView(self, sizes, strides, self.offset() + index * self.stride(d));
}

absl::StatusOr<Tensor> Slice(const Tensor& self, int64_t dim,
                             std::optional<int64_t> start,
                             std::optional<int64_t> end, int64_t step) {
  if (self.dim() == 0) {
    return Invalid("slice() cannot be applied to a 0-dim tensor.");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (step <= 0) return Invalid("slice step must be positive");
  const SliceRange range = ClampSlice(self.size(d), start, end, step);
  Dims sizes(self.sizes().begin(), self.sizes().end());
  Dims strides(self.strides().begin(), self.strides().end());
  const int64_t offset = self.offset() + range.start * strides[d];
  sizes[d] = range.length;
  int64_t stride;
  if (!__builtin_mul_overflow(strides[d], step, &stride)) strides[d] = stride;
  return MakeView(self, sizes, strides, offset);
}

absl::StatusOr<Tensor> Narrow(const Tensor& self, int64_t dim, int64_t start,
                              int64_t length) {
  if (self.dim() == 0) {
    return Invalid("narrow() cannot be applied to a 0-dim tensor.");
  }
  if (length < 0) return Invalid("narrow(): length must be non-negative.");
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.size(d);
  if (start < -size || start > size) {
    return absl::OutOfRangeError(
        absl::StrCat("start out of range (expected to be in range of [", -size,
                     ", ", size, "], but got ", start, ")"));
  }
  if (start < 0) start += size;
  if (length > size - start) {
    return Invalid(absl::StrCat("start (", start, ") + length (", length,
                                ") exceeds dimension size (", size, ")."));
  }
  return Slice(self, d, start, start + length, 1);
}

absl::StatusOr<Tensor> Diagonal(const Tensor& self, int64_t offset,
                                int64_t dim1, int64_t dim2) {
  TANDEM_ASSIGN_OR_RETURN(const Geometry g,
                          DiagonalGeometry(self, offset, dim1, dim2));
  return MakeView(self, g.sizes, g.strides, g.offset);
}

absl::StatusOr<Tensor> AsStrided(const Tensor& self, DimSpan size,
                                 DimSpan stride,
                                 std::optional<int64_t> offset) {
  if (self.is_quantized() && self.impl()->quantizer->scheme != 0) {
    return Invalid(
        "Setting strides is possible only on uniformly quantized tensor");
  }
  return self.AsStrided(size, stride, offset.value_or(self.offset()));
}

void AddShapeSlice(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::select.int", &Select, lazy)
      .Add("aten::select_copy.int", &Variants<Select>::Copy, lazy)
      .Add("aten::select_copy.int_out", &Variants<Select>::OutExact, lazy)
      .Add("aten::slice.Tensor", &Slice, lazy)
      .Add("aten::slice_copy.Tensor", &Variants<Slice>::Copy, lazy)
      .Add("aten::slice_copy.Tensor_out", &Variants<Slice>::OutExact, lazy)
      .Add("aten::narrow", &Narrow, lazy)
      .Add("aten::narrow.Tensor", &NarrowTensor, lazy)
      .Add("aten::narrow_copy", &NarrowCopy, lazy)
      .Add("aten::narrow_copy.out", &Variants<NarrowCopy>::OutExact, lazy)
      .Add("aten::diagonal", &Diagonal, lazy)
      .Add("aten::diagonal_copy", &Variants<Diagonal>::Copy, lazy)
      .Add("aten::diagonal_copy.out", &Variants<Diagonal>::OutExact, lazy)
      .Add("aten::unfold", &Unfold, lazy)
      .Add("aten::unfold_copy", &Variants<Unfold>::Copy, lazy)
      .Add("aten::unfold_copy.out", &Variants<Unfold>::OutExact, lazy)
      .Add("aten::as_strided", &AsStrided, lazy)
      .Add("aten::as_strided_", &AsStridedInPlace, lazy)
      .Add("aten::as_strided_copy", &Variants<AsStrided>::Copy, lazy)
      .Add("aten::as_strided_copy.out", &Variants<AsStrided>::OutExact, lazy);
}

}  // namespace tandem::reference
