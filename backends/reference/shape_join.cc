// cat, stack and what is made of them.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/take_along.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

using TensorSpan = absl::Span<const Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::Status CheckNotEmpty(TensorSpan tensors, absl::string_view name) {
  if (!tensors.empty()) return absl::OkStatus();
  return Invalid(absl::StrCat(name, " expects a non-empty TensorList"));
}

using Reshaper = absl::StatusOr<Tensor> (*)(const Tensor&);

absl::StatusOr<std::vector<Tensor>> Each(TensorSpan tensors, Reshaper f) {
  std::vector<Tensor> result;
  result.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    TANDEM_ASSIGN_OR_RETURN(Tensor r, f(t));
    result.push_back(std::move(r));
  }
  return result;
}

absl::StatusOr<Tensor> HStack(TensorSpan tensors) {
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(tensors, "hstack"));
  TANDEM_ASSIGN_OR_RETURN(const auto parts, Each(tensors, &AtLeast1d));
  return Cat(parts, parts[0].dim() == 1 ? 0 : 1);
}

absl::StatusOr<Tensor> VStack(TensorSpan tensors) {
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(tensors, "vstack"));
  TANDEM_ASSIGN_OR_RETURN(const auto parts, Each(tensors, &AtLeast2d));
  return Cat(parts, 0);
}

absl::StatusOr<Tensor> DStack(TensorSpan tensors) {
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(tensors, "dstack"));
  TANDEM_ASSIGN_OR_RETURN(const auto parts, Each(tensors, &AtLeast3d));
  return Cat(parts, 2);
}

absl::StatusOr<Tensor> ColumnStack(TensorSpan tensors) {
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(tensors, "column_stack"));
  TANDEM_ASSIGN_OR_RETURN(const auto parts, Each(tensors, [](const Tensor& t) {
                            return t.dim() <= 1 ? Reshape(t, {t.numel(), 1})
                                                : absl::StatusOr<Tensor>(t);
                          }));
  return HStack(parts);
}

template <absl::StatusOr<Tensor> (*F)(TensorSpan)>
absl::StatusOr<Tensor> StackOut(TensorSpan tensors, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(tensors));
  return WriteOut(result, out);
}

absl::StatusOr<Tensor> WriteCat(const Tensor& result, const Tensor& out) {
  if (!CanCast(result.dtype(), out.dtype())) {
    return Invalid(
        absl::StrCat("torch.cat(): input types can't be cast to the desired "
                     "output type ",
                     TypeName(out.dtype())));
  }
  return WriteOut(result, out);
}

absl::StatusOr<Tensor> CatOut(TensorSpan tensors, int64_t dim,
                              const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Cat(tensors, dim));
  return WriteCat(result, out);
}

absl::StatusOr<Tensor> StackDimOut(TensorSpan tensors, int64_t dim,
                                   const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Stack(tensors, dim));
  return WriteCat(result, out);
}

absl::StatusOr<Tensor> BlockDiag(TensorSpan tensors) {
  if (tensors.empty()) return Tensor::Empty({1, 0}, DType::kFloat);
  int64_t rows = 0, columns = 0;
  ResultType type;
  std::vector<Tensor> blocks;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (t.dim() > 2) {
      return Invalid(absl::StrCat(
          "torch.block_diag: Input tensors must have 2 or fewer dimensions. "
          "Input ",
          i, " has ", t.dim(), " dimensions"));
    }
    type.Add(t);
    TANDEM_ASSIGN_OR_RETURN(Tensor block, AtLeast2d(t));
    rows += block.size(0);
    columns += block.size(1);
    blocks.push_back(std::move(block));
  }
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, type.Get());
  TANDEM_ASSIGN_OR_RETURN(Tensor result, Tensor::Zeros({rows, columns}, dtype));
  int64_t row = 0, column = 0;
  for (const Tensor& block : blocks) {
    const Tensor place = result.ViewUnchecked(block.sizes(), result.strides(),
                                              row * columns + column);
    TANDEM_RETURN_IF_ERROR(CopyElements(block, place));
    row += block.size(0);
    column += block.size(1);
  }
  return result;
}

// Every tensor cut into `chunks` along `dim` (padded with zeros), its chunks
// flattened from `dim` on, side by side.
absl::StatusOr<Tensor> ChunkCat(TensorSpan tensors, int64_t dim,
                                int64_t chunks) {
  if (chunks < 1) {
    return Invalid("_chunk_cat expects positive num_chunks");
  }
  if (tensors.empty()) {
    return Invalid("_chunk_cat expects a non-empty input tensor list");
  }
  for (const Tensor& t : tensors) {
    if (dim < 0 && t.dim() != tensors[0].dim()) {
      return Invalid(
          "_chunk_cat expects non-negative dim when input tensors have "
          "different ndims");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, tensors[0].dim()));
  std::vector<Tensor> parts;
  for (const Tensor& t : tensors) {
    if (t.numel() == 0) {
      return Invalid("_chunk_cat expects non-empty tensor");
    }
    if (t.dtype() != tensors[0].dtype()) {
      return Invalid(
          "_chunk_cat expects all input tensors with the same dtype");
    }
    if (t.dim() <= d) {
      return Invalid("_chunk_cat expects dim < ndim for all input tensors");
    }
    for (int64_t i = 0; i < d; ++i) {
      if (t.size(i) != tensors[0].size(i)) {
        return Invalid(absl::StrCat(
            "_chunk_cat expects same sizes of 0,...,dim-1 dimensions for all "
            "tensors"));
      }
    }
    const int64_t chunk = (t.size(d) + chunks - 1) / chunks;
    Dims pad(2 * (t.dim() - d), 0);
    pad.back() = chunk * chunks - t.size(d);
    TANDEM_ASSIGN_OR_RETURN(const Tensor padded,
                            ConstantPadNd(t, pad, Scalar(int64_t{0})));
    Dims sizes(t.sizes().begin(), t.sizes().begin() + d);
    sizes.push_back(chunks);
    sizes.push_back(-1);
    TANDEM_ASSIGN_OR_RETURN(Tensor part, Reshape(padded, sizes));
    parts.push_back(std::move(part));
  }
  return Cat(parts, d + 1);
}

absl::StatusOr<Tensor> FlattenDenseTensors(TensorSpan tensors) {
  TANDEM_ASSIGN_OR_RETURN(const auto parts, Each(tensors, [](const Tensor& t) {
                            return Reshape(t, {-1});
                          }));
  return Cat(parts, 0);
}

absl::StatusOr<std::vector<Tensor>> UnflattenDenseTensors(const Tensor& flat,
                                                          TensorSpan tensors) {
  std::vector<Tensor> result;
  int64_t start = 0;
  for (const Tensor& t : tensors) {
    if (t.numel() == 0) {
      TANDEM_ASSIGN_OR_RETURN(Tensor empty,
                              Tensor::Empty(t.sizes(), flat.dtype()));
      result.push_back(std::move(empty));
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor part,
                            Narrow(flat, 0, start, t.numel()));
    TANDEM_ASSIGN_OR_RETURN(Tensor shaped, View(part, t.sizes()));
    result.push_back(std::move(shaped));
    start += t.numel();
  }
  return result;
}

absl::StatusOr<Tensor> PadSequence(TensorSpan sequences, bool batch_first,
                                   double padding_value,
                                   absl::string_view padding_side) {
  if (sequences.empty()) {
    return Invalid("received an empty list of sequences");
  }
  if (padding_side != "left" && padding_side != "right") {
    return Invalid(absl::StrCat(
        "Expected padding_side to be one of left or right, but got ",
        padding_side, "."));
  }
  int64_t longest = 0;
  for (const Tensor& t : sequences) {
    if (t.dim() == 0)
      return Invalid("ArrayRef: invalid slice, N = 1; size = 0");
    longest = std::max(longest, t.size(0));
  }
  const Tensor& first = sequences[0];
  const int64_t count = static_cast<int64_t>(sequences.size());
  Dims sizes = batch_first ? Dims{count, longest} : Dims{longest, count};
  sizes.insert(sizes.end(), first.sizes().begin() + 1, first.sizes().end());
  TANDEM_ASSIGN_OR_RETURN(Tensor result, Tensor::Empty(sizes, first.dtype()));
  TANDEM_RETURN_IF_ERROR(FillElements(result, Scalar(padding_value)));
  for (int64_t i = 0; i < count; ++i) {
    const Tensor& t = sequences[i];
    TANDEM_ASSIGN_OR_RETURN(const Tensor row,
                            Select(result, batch_first ? 0 : 1, i));
    const int64_t start = padding_side == "left" ? longest - t.size(0) : 0;
    TANDEM_ASSIGN_OR_RETURN(const Tensor place,
                            Narrow(row, 0, start, t.size(0)));
    TANDEM_RETURN_IF_ERROR(CopyElements(t, place));
  }
  return result;
}

}  // namespace

absl::StatusOr<Tensor> Cat(TensorSpan tensors, int64_t dim) {
  if (tensors.empty()) {
    return Invalid("torch.cat(): expected a non-empty list of Tensors");
  }
  const Tensor* first = &tensors[0];
  ResultType type;
  MemoryFormat format = SuggestedMemoryFormat(tensors[0]);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (t.dim() == 0) {
      return Invalid(absl::StrCat("zero-dimensional tensor (at position ", i,
                                  ") cannot be concatenated"));
    }
    if (IsSkippedByCat(*first)) first = &t;
    type.Add(t);
    if (SuggestedMemoryFormat(t) != format) format = MemoryFormat::kContiguous;
  }
  DType dtype = first->dtype();
  if (!first->is_quantized()) {
    TANDEM_ASSIGN_OR_RETURN(dtype, type.Get());
  }
  int64_t d = 0;
  if (!IsSkippedByCat(*first)) {
    TANDEM_ASSIGN_OR_RETURN(d, WrapDim(dim, first->dim()));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, CatSizes(tensors, d));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Tensor::EmptyStrided(sizes, StridesOfFormat(sizes, format), dtype));
  result.impl()->quantizer = first->impl()->quantizer;
  const bool dense = result.is_contiguous();
  const Rows to =
      RowsAlong(sizes, d, static_cast<int64_t>(result.element_size()));
  int64_t start = 0;
  for (const Tensor& t : tensors) {
    if (IsSkippedByCat(t)) continue;
    if (dense && t.is_contiguous() && t.dtype() == dtype && !t.impl()->conj &&
        !t.impl()->neg && !t.is_meta()) {
      const int64_t block = t.size(d) * to.row;
      if (t.numel() > 0) {
        const char* src = t.raw_data();
        char* dst = result.raw_data() + start * to.row;
        for (int64_t o = 0; o < to.outer; ++o) {
          std::memcpy(dst, src, static_cast<size_t>(block));
          src += block;
          dst += to.length * to.row;
        }
      }
    } else if (t.numel() > 0) {
      const Tensor place = result.ViewUnchecked(t.sizes(), result.strides(),
                                                start * result.stride(d));
      TANDEM_RETURN_IF_ERROR(CopyElements(t, place));
    }
    start += t.size(d);
  }
  return result;
}

absl::StatusOr<Tensor> Stack(TensorSpan tensors, int64_t dim) {
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(tensors, "stack"));
  const DimSpan sizes = tensors[0].sizes();
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, tensors[0].dim() + 1));
  for (size_t i = 1; i < tensors.size(); ++i) {
    if (tensors[i].sizes() != sizes) {
      return Invalid(
          absl::StrCat("stack expects each tensor to be equal size, but got ",
                       DimsToString(sizes), " at entry 0 and ",
                       DimsToString(tensors[i].sizes()), " at entry ", i));
    }
  }
  if (d < tensors[0].dim()) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor joined, Cat(tensors, d));
    Dims split(sizes.begin(), sizes.end());
    split.insert(split.begin() + d, static_cast<int64_t>(tensors.size()));
    return View(joined, split);
  }
  std::vector<Tensor> parts;
  parts.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    TANDEM_ASSIGN_OR_RETURN(Tensor part, Unsqueeze(t, d));
    parts.push_back(std::move(part));
  }
  return Cat(parts, d);
}

void AddShapeJoin(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::cat", &Cat, lazy)
      .Add("aten::cat.out", &CatOut, lazy)
      .Add("aten::concat", &Cat, lazy)
      .Add("aten::concat.out", &CatOut, lazy)
      .Add("aten::concatenate", &Cat, lazy)
      .Add("aten::concatenate.out", &CatOut, lazy)
      .Add("aten::stack", &Stack, lazy)
      .Add("aten::stack.out", &StackDimOut, lazy)
      .Add("aten::_stack", &Stack, lazy)
      .Add("aten::_stack.out", &StackDimOut, lazy)
      .Add("aten::hstack", &HStack, lazy)
      .Add("aten::hstack.out", &StackOut<HStack>, lazy)
      .Add("aten::vstack", &VStack, lazy)
      .Add("aten::vstack.out", &StackOut<VStack>, lazy)
      .Add("aten::row_stack", &VStack, lazy)
      .Add("aten::row_stack.out", &StackOut<VStack>, lazy)
      .Add("aten::dstack", &DStack, lazy)
      .Add("aten::dstack.out", &StackOut<DStack>, lazy)
      .Add("aten::column_stack", &ColumnStack, lazy)
      .Add("aten::column_stack.out", &StackOut<ColumnStack>, lazy)
      .Add("aten::block_diag", &BlockDiag)
      .Add("aten::block_diag.out", &Variants<BlockDiag>::Out)
      .Add("aten::_chunk_cat", &ChunkCat)
      .Add("aten::_chunk_cat.out", &Variants<ChunkCat>::Out)
      .Add("aten::flatten_dense_tensors", &FlattenDenseTensors)
      .Add("aten::unflatten_dense_tensors", &UnflattenDenseTensors)
      .Add("aten::pad_sequence", &PadSequence);
}

}  // namespace tandem::reference
