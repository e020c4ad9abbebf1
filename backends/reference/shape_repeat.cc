// repeat, tile, repeat_interleave, roll, flip, rot90.
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/take_along.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Ints = absl::Span<const int64_t>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// The result seen as (repeats[0], size[0], repeats[1], size[1], …) is self
// expanded over the repeats.
absl::StatusOr<Tensor> Repeat(const Tensor& self, Ints repeats) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          RepeatedSizes(self.sizes(), repeats));
  TANDEM_ASSIGN_OR_RETURN(Tensor result, Tensor::Empty(sizes, self.dtype()));
  result.impl()->quantizer = self.impl()->quantizer;
  if (result.numel() == 0) return result;
  Dims seen_sizes, own_strides, result_strides;
  const size_t added = repeats.size() - self.sizes().size();
  for (size_t d = 0; d < repeats.size(); ++d) {
    const int64_t size = d < added ? 1 : self.size(d - added);
    seen_sizes.push_back(repeats[d]);
    own_strides.push_back(0);
    result_strides.push_back(result.stride(d) * size);
    seen_sizes.push_back(size);
    own_strides.push_back(d < added ? 0 : self.stride(d - added));
    result_strides.push_back(result.stride(d));
  }
  TANDEM_RETURN_IF_ERROR(
      CopyElements(self.ViewUnchecked(seen_sizes, own_strides, self.offset()),
                   result.ViewUnchecked(seen_sizes, result_strides, 0)));
  return result;
}

absl::StatusOr<Tensor> Tile(const Tensor& self, Ints dims) {
  Dims repeats(dims.begin(), dims.end());
  if (static_cast<int64_t>(repeats.size()) < self.dim()) {
    repeats.insert(repeats.begin(), self.dim() - repeats.size(), 1);
  }
  return Repeat(self, repeats);
}

// ---- repeat_interleave

absl::StatusOr<std::vector<int64_t>> RepeatedIndices(
    const Tensor& repeats, std::optional<int64_t> output_size) {
  if (repeats.dim() == 0) {
    return Invalid("repeat_interleave only accept 1D vector as repeat");
  }
  if (!IsIntegral(repeats.dtype(), false)) {
    return absl::UnimplementedError(
        absl::StrCat("\"repeat_interleave_cpu\" not implemented for '",
                     TypeName(repeats.dtype()), "'"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor counts,
                          Contiguous(repeats, DType::kInt64));
  const Ints values(counts.data<int64_t>(),
                    static_cast<size_t>(counts.numel()));
  int64_t total = 0;
  for (int64_t c : values) {
    if (c < 0) return Invalid("repeats can not be negative");
    if (__builtin_add_overflow(total, c, &total)) {
      return Invalid("repeat_interleave: the size of the result overflows");
    }
  }
  if (output_size.has_value() && *output_size != total) {
    return Invalid("allocated size does not match required size");
  }
  // The budget of the call decides; the tensor it stands for comes first.
  TANDEM_RETURN_IF_ERROR(Tensor::Empty({total}, DType::kInt64).status());
  std::vector<int64_t> index;
  index.reserve(total);
  for (size_t i = 0; i < values.size(); ++i) {
    index.insert(index.end(), values[i], static_cast<int64_t>(i));
  }
  return index;
}

absl::StatusOr<Tensor> RepeatInterleaveIndices(
    const Tensor& repeats, std::optional<int64_t> output_size) {
  if (repeats.dim() != 1) {
    return Invalid("repeat_interleave only accept 1D vector as repeat");
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> index,
                          RepeatedIndices(repeats, output_size));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Tensor::FromSpan<int64_t>(index));
  return ToDType(result, repeats.dtype());
}

absl::StatusOr<Tensor> RepeatInterleaveTensor(
    const Tensor& self, const Tensor& repeats, std::optional<int64_t> dim,
    std::optional<int64_t> output_size) {
  Tensor input = self;
  if (dim.has_value() && self.dim() == 0) {
    TANDEM_RETURN_IF_ERROR(WrapDim(*dim, 0).status());
    return absl::OutOfRangeError(
        "Dimension specified as 0 but tensor has no dimensions");
  }
  if (!dim.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(input, Reshape(self, {-1}));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d,
                          WrapDim(dim.value_or(0), input.dim()));
  Tensor counts = repeats;
  if (repeats.dim() == 0 || (repeats.dim() == 1 && repeats.size(0) == 1)) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor one, Reshape(repeats, {1}));
    TANDEM_ASSIGN_OR_RETURN(counts, Expand(one, {input.size(d)}));
  } else if (repeats.dim() != 1) {
    return Invalid("repeats must be 0-dim or 1-dim tensor");
  } else if (repeats.size(0) != input.size(d)) {
    return Invalid(absl::StrCat(
        "repeats must have the same size as input along dim, but got "
        "repeats.size(0) = ",
        repeats.size(0), " and input.size(", d, ") = ", input.size(d)));
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> index,
                          RepeatedIndices(counts, output_size));
  return TakeAlong(input, d, index);
}

absl::StatusOr<Tensor> RepeatInterleaveInt(const Tensor& self, int64_t repeats,
                                           std::optional<int64_t> dim,
                                           std::optional<int64_t> output_size) {
  if (repeats < 0) return Invalid("Repeats must be non-negative");
  Tensor input = self;
  if (dim.has_value() && self.dim() == 0) {
    TANDEM_RETURN_IF_ERROR(WrapDim(*dim, 0).status());
    return absl::OutOfRangeError(
        "Dimension out of range (expected to be in range of [-1, 0], but got "
        "1)");
  }
  if (!dim.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(input, Reshape(self, {-1}));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d,
                          WrapDim(dim.value_or(0), input.dim()));
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t total,
      CheckedMultiply(input.size(d), repeats, "repeat_interleave"));
  if (output_size.has_value() && *output_size != total) {
    return Invalid(
        absl::StrCat("repeat_interleave: Invalid output_size, expected ", total,
                     " but got ", *output_size));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor column, Unsqueeze(input, d + 1));
  Dims sizes(column.sizes().begin(), column.sizes().end());
  sizes[d + 1] = repeats;
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, Expand(column, sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy,
                          Clone(expanded, MemoryFormat::kContiguous));
  Dims merged(input.sizes().begin(), input.sizes().end());
  merged[d] = total;
  return View(copy, merged);
}

// ---- roll, flip, rot90

absl::StatusOr<Tensor> RollOne(const Tensor& self, int64_t shift, int64_t dim) {
  if (self.dim() == 0) {
    return absl::OutOfRangeError(absl::StrCat("Dimension specified as ", dim,
                                              " but tensor has no dimensions"));
  }
  if (self.numel() == 0) return Clone(self);
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.size(d);
  int64_t start = -(shift % size);
  if (start < 0) start += size;
  TANDEM_ASSIGN_OR_RETURN(const Tensor head,
                          Narrow(self, d, start, size - start));
  TANDEM_ASSIGN_OR_RETURN(const Tensor tail, Narrow(self, d, 0, start));
  return Cat({head, tail}, d);
}

absl::StatusOr<Tensor> Roll(const Tensor& self, Ints shifts, Ints dims) {
  if (dims.size() != 1 || shifts.size() != 1) {
    if (shifts.empty()) return Invalid("`shifts` required");
    if (dims.empty() && shifts.size() == 1) {
      TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Reshape(self, {-1}));
      TANDEM_ASSIGN_OR_RETURN(const Tensor rolled, RollOne(flat, shifts[0], 0));
      return View(rolled, self.sizes());
    }
    if (shifts.size() != dims.size()) {
      return Invalid(absl::StrCat("shifts and dimensions must align. shifts: ",
                                  shifts.size(), ", dims:", dims.size()));
    }
  }
  Tensor result = self;
  for (size_t i = 0; i < dims.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(result, RollOne(result, shifts[i], dims[i]));
  }
  return result;
}

absl::StatusOr<Tensor> FlipLr(const Tensor& self) {
  if (self.dim() < 2) return Invalid("Input must be >= 2-d.");
  return Flip(self, {1});
}

absl::StatusOr<Tensor> FlipUd(const Tensor& self) {
  if (self.dim() < 1) return Invalid("Input must be >= 1-d.");
  return Flip(self, {0});
}

absl::StatusOr<Tensor> Rot90(const Tensor& self, int64_t k, Ints dims) {
  const int64_t rank = self.dim();
  if (dims.size() != 2) {
    return Invalid(absl::StrCat(
        "expected total rotation dims == 2, but got dims = ", dims.size()));
  }
  if (rank < 2) {
    return Invalid(
        absl::StrCat("expected total dims >= 2, but got total dims = ", rank));
  }
  if (dims[0] == dims[1]) {
    return Invalid(absl::StrCat(
        "expected rotation dims to be different, but got dim0 = ", dims[0],
        " and dim1 = ", dims[1]));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t a, WrapDim(dims[0], rank));
  TANDEM_ASSIGN_OR_RETURN(const int64_t b, WrapDim(dims[1], rank));
  if (a == b) {
    return Invalid(absl::StrCat(
        "expected rotation dims to be different, but got dim0 = ", dims[0],
        " and dim1 = ", dims[1]));
  }
  switch (((k % 4) + 4) % 4) {
    case 1: {
      TANDEM_ASSIGN_OR_RETURN(const Tensor flipped, Flip(self, {b}));
      return Transpose(flipped, a, b);
    }
    case 2:
      return Flip(self, {a, b});
    case 3: {
      TANDEM_ASSIGN_OR_RETURN(const Tensor flipped, Flip(self, {a}));
      return Transpose(flipped, a, b);
    }
    default:
      return Clone(self, MemoryFormat::kContiguous);
  }
}

}  // namespace

absl::StatusOr<Tensor> Flip(const Tensor& self, Ints dims) {
  TANDEM_ASSIGN_OR_RETURN(const Dims wrapped, WrapDims(dims, self.dim()));
  Tensor taken = self;
  if (self.dim() > 0) {
    for (int64_t d : wrapped) {
      Dims index(self.size(d));
      for (int64_t i = 0; i < self.size(d); ++i)
        index[i] = self.size(d) - 1 - i;
      TANDEM_ASSIGN_OR_RETURN(taken, TakeAlong(taken, d, index));
    }
  }
  if (taken.is_same(self)) return Clone(self);
  if (self.is_contiguous()) return taken;
  TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLike(self, self.dtype()));
  TANDEM_RETURN_IF_ERROR(CopyElements(taken, result));
  return result;
}

void AddShapeRepeat(KernelRegistrar& r) {
  r.Add("aten::repeat", &Repeat)
      .Add("aten::repeat.out", &Variants<Repeat>::OutExact)
      .Add("aten::tile", &Tile)
      .Add("aten::repeat_interleave.Tensor", &RepeatInterleaveIndices)
      .Add("aten::repeat_interleave.Tensor_out",
           &Variants<RepeatInterleaveIndices>::OutExact)
      .Add("aten::repeat_interleave.self_Tensor", &RepeatInterleaveTensor)
      .Add("aten::repeat_interleave.self_int", &RepeatInterleaveInt)
      .Add("aten::roll", &Roll)
      .Add("aten::roll.out", &Variants<Roll>::OutExact)
      .Add("aten::flip", &Flip)
      .Add("aten::flip.out", &Variants<Flip>::OutExact)
      .Add("aten::fliplr", &FlipLr)
      .Add("aten::flipud", &FlipUd)
      .Add("aten::rot90", &Rot90)
      .Add("aten::rot90.out", &Variants<Rot90>::OutExact);
}

}  // namespace tandem::reference
