// Lists of views: split, chunk, tensor_split, unbind.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

using Tensors = absl::StatusOr<std::vector<Tensor>>;
using Ints = absl::Span<const int64_t>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// The piece [start, start + length) along `d`, which lies inside.
absl::StatusOr<Tensor> Piece(const Tensor& self, int64_t d, int64_t start,
                             int64_t length) {
  Dims sizes(self.sizes().begin(), self.sizes().end());
  sizes[d] = length;
  return MakeView(self, sizes, self.strides(),
                  self.offset() + start * self.stride(d));
}

Tensors SplitWithSizes(const Tensor& self, Ints split_sizes, int64_t dim) {
  if (self.dim() == 0) {
    return Invalid("split expects at least a 1-dimensional tensor");
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.size(d);
  std::vector<Tensor> pieces;
  pieces.reserve(split_sizes.size());
  int64_t start = 0;
  bool fits = true;
  for (int64_t length : split_sizes) {
    if (length < 0) {
      return Invalid(absl::StrCat(
          "split_with_sizes expects split_sizes have only non-negative "
          "entries, but got split_sizes=",
          DimsToString(split_sizes)));
    }
    fits = fits && length <= size - start;
    if (!fits) continue;
    TANDEM_ASSIGN_OR_RETURN(Tensor piece, Piece(self, d, start, length));
    pieces.push_back(std::move(piece));
    start += length;
  }
  if (!fits || start != size) {
    return Invalid(
        absl::StrCat("split_with_sizes expects split_sizes to sum exactly to ",
                     size, " (input tensor's size at dimension ", dim,
                     "), but got split_sizes=", DimsToString(split_sizes)));
  }
  return pieces;
}

Tensors Split(const Tensor& self, int64_t split_size, int64_t dim) {
  if (self.dim() == 0) {
    return Invalid("split expects at least a 1-dimensional tensor");
  }
  if (split_size < 0) {
    return Invalid(absl::StrCat(
        "split expects split_size be non-negative, but got split_size=",
        split_size));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.size(d);
  if (split_size == 0 && size != 0) {
    return Invalid(absl::StrCat(
        "split_size can only be 0 if dimension size is 0, but got dimension "
        "size of ",
        size));
  }
  const int64_t count =
      split_size == 0
          ? 1
          : std::max<int64_t>(size / split_size + (size % split_size != 0), 1);
  TANDEM_RETURN_IF_ERROR(CheckPieces(count));
  std::vector<Tensor> pieces;
  pieces.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t start = i * split_size;
    TANDEM_ASSIGN_OR_RETURN(
        Tensor piece,
        Piece(self, d, start, std::min(split_size, size - start)));
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

Tensors Chunk(const Tensor& self, int64_t chunks, int64_t dim) {
  if (self.dim() == 0) {
    return Invalid("chunk expects at least a 1-dimensional tensor");
  }
  if (chunks <= 0) {
    return Invalid(absl::StrCat(
        "chunk expects `chunks` to be greater than 0, got: ", chunks));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.size(d);
  if (size == 0) {
    TANDEM_RETURN_IF_ERROR(CheckPieces(chunks));
    return SplitWithSizes(self, Dims(chunks, 0), d);
  }
  return Split(self, size / chunks + (size % chunks != 0), d);
}

// ---- tensor_split

absl::Status CheckTensorSplit(const Tensor& self) {
  if (self.dim() > 0) return absl::OkStatus();
  return Invalid(
      "tensor_split expected at least a 1-dimensional tensor, but got a tensor "
      "with 0 dims");
}

Tensors TensorSplitSections(const Tensor& self, int64_t sections, int64_t dim) {
  TANDEM_RETURN_IF_ERROR(CheckTensorSplit(self));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (sections <= 0) {
    return Invalid(absl::StrCat(
        "number of sections must be larger than 0, got ", sections));
  }
  TANDEM_RETURN_IF_ERROR(CheckPieces(sections));
  const int64_t smaller = self.size(d) / sections;
  const int64_t longer = self.size(d) % sections;
  std::vector<Tensor> pieces;
  pieces.reserve(sections);
  int64_t start = 0;
  for (int64_t i = 0; i < sections; ++i) {
    const int64_t length = smaller + (i < longer ? 1 : 0);
    TANDEM_ASSIGN_OR_RETURN(Tensor piece, Piece(self, d, start, length));
    pieces.push_back(std::move(piece));
    start += length;
  }
  return pieces;
}

Tensors TensorSplitIndices(const Tensor& self, Ints indices, int64_t dim) {
  TANDEM_RETURN_IF_ERROR(CheckTensorSplit(self));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  std::vector<Tensor> pieces;
  pieces.reserve(indices.size() + 1);
  int64_t start = 0;
  for (int64_t end : indices) {
    TANDEM_ASSIGN_OR_RETURN(Tensor piece, Slice(self, d, start, end, 1));
    pieces.push_back(std::move(piece));
    start = end;
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor piece, Slice(self, d, start, self.size(d), 1));
  pieces.push_back(std::move(piece));
  return pieces;
}

Tensors TensorSplitTensor(const Tensor& self, const Tensor& split,
                          int64_t dim) {
  TANDEM_RETURN_IF_ERROR(CheckTensorSplit(self));
  if (split.dtype() != DType::kInt64) {
    return Invalid(
        absl::StrCat("tensor_split expected tensor_indices_or_sections to have "
                     "dtype of long, but got ",
                     TypeName(split.dtype())));
  }
  if (split.dim() > 1) {
    return Invalid(absl::StrCat(
        "tensor_split expected tensor_indices_or_sections to be a "
        "zero-dimensional or one-dimensional tensor, but got a tensor with ",
        split.dim(), " dims"));
  }
  if (split.dim() == 0) {
    TANDEM_ASSIGN_OR_RETURN(const Scalar sections, split.Item());
    return TensorSplitSections(self, sections.ToInt(), dim);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense, Contiguous(split));
  return TensorSplitIndices(
      self, Ints(dense.data<int64_t>(), static_cast<size_t>(dense.numel())),
      dim);
}

// ---- hsplit, vsplit, dsplit

enum class Along { kHorizontal, kVertical, kDepth };

absl::StatusOr<int64_t> SplitDim(const Tensor& self, Along along) {
  const char name[] = {"hvd"[static_cast<int>(along)], 0};
  const int64_t needed = static_cast<int64_t>(along) + 1;
  if (self.dim() < needed) {
    return Invalid(absl::StrCat(
        "torch.", name, "split requires a tensor with at least ", needed,
        " dimension, but got a tensor with ", self.dim(), " dimensions!"));
  }
  switch (along) {
    case Along::kHorizontal:
      return self.dim() == 1 ? 0 : 1;
    case Along::kVertical:
      return 0;
    default:
      return 2;
  }
}

template <Along along>
Tensors SplitEvenly(const Tensor& self, int64_t sections) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, SplitDim(self, along));
  if (sections == 0 || self.size(d) % sections != 0) {
    const char name[] = {"hvd"[static_cast<int>(along)], 0};
    return Invalid(absl::StrCat(
        "torch.", name, "split attempted to split along dimension ", d,
        ", but the size of the dimension ", self.size(d),
        " is not divisible by the split_size ", sections, "!"));
  }
  return TensorSplitSections(self, sections, d);
}

template <Along along>
Tensors SplitAt(const Tensor& self, Ints indices) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, SplitDim(self, along));
  return TensorSplitIndices(self, indices, d);
}

Tensors Unbind(const Tensor& self, int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (self.dim() == 0) {
    return absl::OutOfRangeError(
        "Dimension specified as 0 but tensor has no dimensions");
  }
  const int64_t count = self.size(d);
  TANDEM_RETURN_IF_ERROR(CheckPieces(count));
  std::vector<Tensor> pieces;
  pieces.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    TANDEM_ASSIGN_OR_RETURN(Tensor piece, Select(self, d, i));
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

}  // namespace

void AddShapeSplit(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::split.Tensor", &Split, lazy)
      .Add("aten::split.sizes", &SplitWithSizes, lazy)
      .Add("aten::split", &SplitWithSizes, lazy)
      .Add("aten::split_with_sizes", &SplitWithSizes, lazy)
      .Add("aten::split_copy.Tensor", &Variants<Split>::Copy, lazy)
      .Add("aten::split_copy.Tensor_out", &Variants<Split>::Out, lazy)
      .Add("aten::split_with_sizes_copy", &Variants<SplitWithSizes>::Copy, lazy)
      .Add("aten::split_with_sizes_copy.out", &Variants<SplitWithSizes>::Out,
           lazy)
      .Add("aten::unsafe_split.Tensor", &Split, lazy)
      .Add("aten::unsafe_split.Tensor_out", &Variants<Split>::Out, lazy)
      .Add("aten::unsafe_split_with_sizes", &SplitWithSizes, lazy)
      .Add("aten::unsafe_split_with_sizes.out", &Variants<SplitWithSizes>::Out,
           lazy)
      .Add("aten::chunk", &Chunk, lazy)
      .Add("aten::unsafe_chunk", &Chunk, lazy)
      .Add("aten::tensor_split.sections", &TensorSplitSections, lazy)
      .Add("aten::tensor_split.indices", &TensorSplitIndices, lazy)
      .Add("aten::tensor_split.tensor_indices_or_sections", &TensorSplitTensor,
           lazy)
      .Add("aten::hsplit.int", &SplitEvenly<Along::kHorizontal>, lazy)
      .Add("aten::hsplit.array", &SplitAt<Along::kHorizontal>, lazy)
      .Add("aten::vsplit.int", &SplitEvenly<Along::kVertical>, lazy)
      .Add("aten::vsplit.array", &SplitAt<Along::kVertical>, lazy)
      .Add("aten::dsplit.int", &SplitEvenly<Along::kDepth>, lazy)
      .Add("aten::dsplit.array", &SplitAt<Along::kDepth>, lazy)
      .Add("aten::unbind.int", &Unbind, lazy)
      .Add("aten::unbind_copy.int", &Variants<Unbind>::Copy, lazy)
      .Add("aten::unbind_copy.int_out", &Variants<Unbind>::Out, lazy);
}

}  // namespace tandem::reference
