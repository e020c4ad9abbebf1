// Rearrangements by several dims at once: pixel_shuffle, channel_shuffle,
// meshgrid, products and combinations, matrices from diagonals.
#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/take_along.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

using TensorSpan = absl::Span<const Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// self seen with `split` sizes, its dims in `order`, copied to `sizes`.
absl::StatusOr<Tensor> Rearranged(const Tensor& self, DimSpan split,
                                  DimSpan order, DimSpan sizes,
                                  MemoryFormat format) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor seen, Reshape(self, split));
  TANDEM_ASSIGN_OR_RETURN(const Tensor turned, Permute(seen, order));
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy,
                          Clone(turned, MemoryFormat::kContiguous));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, View(copy, sizes));
  return InFormat(result, format);
}

absl::Status CheckFactor(const Tensor& self, absl::string_view op,
                         absl::string_view factor_name, int64_t factor) {
  if (self.dim() < 3) {
    return Invalid(absl::StrCat(op,
                                " expects input to have at least 3 "
                                "dimensions, but got input with ",
                                self.dim(), " dimension(s)"));
  }
  if (factor <= 0) {
    return Invalid(absl::StrCat(op, " expects a positive ", factor_name,
                                ", but got ", factor));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> PixelShuffle(const Tensor& self, int64_t r) {
  TANDEM_RETURN_IF_ERROR(
      CheckFactor(self, "pixel_shuffle", "upscale_factor", r));
  const int64_t rank = self.dim();
  const int64_t channels = self.size(rank - 3);
  TANDEM_ASSIGN_OR_RETURN(const int64_t square,
                          CheckedMultiply(r, r, "pixel_shuffle"));
  if (channels % square != 0) {
    return Invalid(absl::StrCat(
        "pixel_shuffle expects its input's 'channel' dimension to be divisible "
        "by the square of upscale_factor, but input.size(-3)=",
        channels, " is not divisible by ", square));
  }
  const int64_t h = self.size(rank - 2), w = self.size(rank - 1);
  TANDEM_ASSIGN_OR_RETURN(const int64_t out_h,
                          CheckedMultiply(h, r, "pixel_shuffle"));
  TANDEM_ASSIGN_OR_RETURN(const int64_t out_w,
                          CheckedMultiply(w, r, "pixel_shuffle"));
  const Dims batch(self.sizes().begin(), self.sizes().end() - 3);
  Dims split = batch, order, sizes = batch;
  for (int64_t s : {channels / square, r, r, h, w}) split.push_back(s);
  for (int64_t s : {channels / square, out_h, out_w}) sizes.push_back(s);
  const int64_t b = rank - 3;
  for (int64_t d = 0; d < b; ++d) order.push_back(d);
  for (int64_t d : {0, 3, 1, 4, 2}) order.push_back(b + d);
  return Rearranged(self, split, order, sizes, SuggestedMemoryFormat(self));
}

absl::StatusOr<Tensor> PixelUnshuffle(const Tensor& self, int64_t r) {
  TANDEM_RETURN_IF_ERROR(
      CheckFactor(self, "pixel_unshuffle", "downscale_factor", r));
  const int64_t rank = self.dim();
  const int64_t c = self.size(rank - 3), h = self.size(rank - 2),
                w = self.size(rank - 1);
  if (h % r != 0) {
    return Invalid(absl::StrCat(
        "pixel_unshuffle expects height to be divisible by downscale_factor, "
        "but input.size(-2)=",
        h, " is not divisible by ", r));
  }
  if (w % r != 0) {
    return Invalid(absl::StrCat(
        "pixel_unshuffle expects width to be divisible by downscale_factor, "
        "but input.size(-1)=",
        w, " is not divisible by ", r));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t square,
                          CheckedMultiply(r, r, "pixel_unshuffle"));
  TANDEM_ASSIGN_OR_RETURN(const int64_t channels,
                          CheckedMultiply(c, square, "pixel_unshuffle"));
  const Dims batch(self.sizes().begin(), self.sizes().end() - 3);
  Dims split = batch, order, sizes = batch;
  for (int64_t s : {c, h / r, r, w / r, r}) split.push_back(s);
  for (int64_t s : {channels, h / r, w / r}) sizes.push_back(s);
  const int64_t b = rank - 3;
  for (int64_t d = 0; d < b; ++d) order.push_back(d);
  for (int64_t d : {0, 2, 4, 1, 3}) order.push_back(b + d);
  return Rearranged(self, split, order, sizes, SuggestedMemoryFormat(self));
}

absl::StatusOr<Tensor> ChannelShuffle(const Tensor& self, int64_t groups) {
  if (self.dim() <= 2) {
    return Invalid(
        absl::StrCat("channel_shuffle expects input with > 2 dims, but got "
                     "input with sizes ",
                     DimsToString(self.sizes())));
  }
  const int64_t c = self.size(1);
  if (groups <= 0) {
    return Invalid(absl::StrCat(
        "Number of groups to divide channels in must be positive. Value of "
        "groups:",
        groups));
  }
  if (c % groups != 0) {
    return Invalid(
        absl::StrCat("Number of channels must be divisible by groups. Got ", c,
                     " channels and ", groups, " groups."));
  }
  if (self.numel() == 0) return self.Alias();
  Dims split{self.size(0), groups, c / groups}, order{0, 2, 1};
  for (int64_t d = 2; d < self.dim(); ++d) {
    split.push_back(self.size(d));
    order.push_back(d + 1);
  }
  return Rearranged(self, split, order, self.sizes(),
                    SuggestedMemoryFormat(self));
}

// ---- grids

absl::StatusOr<std::vector<Tensor>> MeshgridIndexing(
    TensorSpan tensors, absl::string_view indexing) {
  if (tensors.empty()) {
    return Invalid("meshgrid expects a non-empty TensorList");
  }
  for (const Tensor& t : tensors) {
    if (t.dtype() != tensors[0].dtype()) {
      return Invalid("meshgrid expects all tensors to have the same dtype");
    }
    if (t.dim() > 1) {
      return Invalid(absl::StrCat(
          "torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got "
          "a tensor of size ",
          DimsToString(t.sizes())));
    }
  }
  if (indexing != "ij" && indexing != "xy") {
    return Invalid(absl::StrCat(
        "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but "
        "received: ",
        indexing));
  }
  const size_t n = tensors.size();
  // The dim that each tensor runs along; "xy" swaps the first two.
  std::vector<size_t> along(n);
  std::iota(along.begin(), along.end(), 0);
  const bool swap = indexing == "xy" && n >= 2;
  if (swap) std::swap(along[0], along[1]);
  Dims sizes(n);
  for (size_t i = 0; i < n; ++i) sizes[along[i]] = tensors[i].numel();
  std::vector<Tensor> grids;
  grids.reserve(n);
  for (size_t i = 0; i < n; ++i) {
    Dims shape(n, 1);
    shape[along[i]] = tensors[i].numel();
    TANDEM_ASSIGN_OR_RETURN(const Tensor line, View(tensors[i], shape));
    TANDEM_ASSIGN_OR_RETURN(Tensor grid, Expand(line, sizes));
    grids.push_back(std::move(grid));
  }
  return grids;
}

absl::StatusOr<std::vector<Tensor>> Meshgrid(TensorSpan tensors) {
  return MeshgridIndexing(tensors, "ij");
}

absl::StatusOr<Tensor> CartesianProd(TensorSpan tensors) {
  for (const Tensor& t : tensors) {
    if (t.dim() != 1) {
      return Invalid(absl::StrCat("Expect a 1D vector, but got shape ",
                                  DimsToString(t.sizes())));
    }
  }
  if (tensors.size() == 1) return tensors[0];
  TANDEM_ASSIGN_OR_RETURN(std::vector<Tensor> grids, Meshgrid(tensors));
  for (Tensor& grid : grids) {
    TANDEM_ASSIGN_OR_RETURN(grid, Reshape(grid, {-1}));
  }
  return Stack(grids, 1);
}

// C(n, r), or C(n + r - 1, r) with repetition; error past int64.
absl::StatusOr<int64_t> CountCombinations(int64_t n, int64_t r, bool repeat) {
  if (repeat) {
    if (n == 0) return r == 0 ? 1 : 0;
    n += r - 1;
  }
  if (r > n) return 0;
  __int128 count = 1;
  for (int64_t i = 1; i <= std::min(r, n - r); ++i) {
    count = count * (n - std::min(r, n - r) + i) / i;
    if (count > INT64_MAX) {
      return Invalid("combinations: the number of combinations overflows");
    }
  }
  return static_cast<int64_t>(count);
}

absl::StatusOr<Tensor> Combinations(const Tensor& self, int64_t r,
                                    bool with_replacement) {
  if (self.dim() != 1) {
    return Invalid(absl::StrCat("Expect a 1D vector, but got shape ",
                                DimsToString(self.sizes())));
  }
  if (r < 0) {
    return Invalid(absl::StrCat("Expect a non-negative number, but got ", r));
  }
  if (r == 0) return Tensor::Empty({0}, self.dtype());
  const int64_t n = self.numel();
  TANDEM_ASSIGN_OR_RETURN(const int64_t count,
                          CountCombinations(n, r, with_replacement));
  TANDEM_ASSIGN_OR_RETURN(const Tensor numbers,
                          Tensor::Empty({count, r}, DType::kInt64));
  if (count > 0) {
    int64_t* row = numbers.data<int64_t>();
    for (int64_t j = 0; j < r; ++j) row[j] = with_replacement ? 0 : j;
    for (int64_t i = 1; i < count; ++i) {
      int64_t* next = row + r;
      std::copy(row, next, next);
      // The last place that can still grow.
      int64_t j = r - 1;
      while (next[j] == (with_replacement ? n - 1 : n - r + j)) --j;
      ++next[j];
      for (int64_t k = j + 1; k < r; ++k) {
        next[k] = with_replacement ? next[j] : next[k - 1] + 1;
      }
      row = next;
    }
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor picked,
      TakeAlong(self, 0,
                absl::MakeConstSpan(numbers.data<int64_t>(),
                                    static_cast<size_t>(numbers.numel()))));
  return View(picked, {count, r});
}

// ---- diagonals

absl::StatusOr<Tensor> DiagEmbed(const Tensor& self, int64_t offset,
                                 int64_t dim1, int64_t dim2) {
  const int64_t rank = self.dim() + 1;
  if (self.dim() == 0) {
    return absl::OutOfRangeError(
        absl::StrCat("Dimension out of range (expected to be in range of [-1, "
                     "0], but got ",
                     dim1, ")"));
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t a, WrapDim(dim1, rank));
  TANDEM_ASSIGN_OR_RETURN(const int64_t b, WrapDim(dim2, rank));
  if (a == b) {
    return Invalid(absl::StrCat("diagonal dimensions cannot be identical ",
                                dim1, ", ", dim2));
  }
  const int64_t n = self.size(self.dim() - 1);
  int64_t edge;
  if (offset == INT64_MIN ||
      __builtin_add_overflow(n, std::abs(offset), &edge)) {
    return Invalid("diag_embed: the size of the result overflows");
  }
  Dims sizes(self.sizes().begin(), self.sizes().end() - 1);
  sizes.insert(sizes.begin() + std::min(a, b), edge);
  sizes.insert(sizes.begin() + std::max(a, b), edge);
  TANDEM_ASSIGN_OR_RETURN(Tensor result, Tensor::Zeros(sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor diagonal,
                          Diagonal(result, offset, a, b));
  TANDEM_RETURN_IF_ERROR(CopyElements(self, diagonal));
  return result;
}

absl::StatusOr<Tensor> Diag(const Tensor& self, int64_t offset) {
  if (self.dim() == 1) return DiagEmbed(self, offset, 0, 1);
  if (self.dim() != 2) {
    return Invalid(absl::StrCat("diag(): Supports 1D or 2D tensors. Got ",
                                self.dim(), "D"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor view, Diagonal(self, offset, 0, 1));
  return CopyOfView(view);
}

absl::StatusOr<Tensor> DiagFlat(const Tensor& self, int64_t offset) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Reshape(self, {-1}));
  return DiagEmbed(flat, offset, 0, 1);
}

}  // namespace

void AddShapeRearrange(KernelRegistrar& r) {
  r.Add("aten::pixel_shuffle", &PixelShuffle)
      .Add("aten::pixel_shuffle.out", &Variants<PixelShuffle>::OutExact)
      .Add("aten::pixel_unshuffle", &PixelUnshuffle)
      .Add("aten::pixel_unshuffle.out", &Variants<PixelUnshuffle>::OutExact)
      .Add("aten::channel_shuffle", &ChannelShuffle)
      .Add("aten::channel_shuffle.out", &Variants<ChannelShuffle>::OutExact)
      .Add("aten::native_channel_shuffle", &ChannelShuffle)
      .Add("aten::meshgrid", &Meshgrid)
      .Add("aten::meshgrid.indexing", &MeshgridIndexing)
      .Add("aten::cartesian_prod", &CartesianProd)
      .Add("aten::combinations", &Combinations)
      .Add("aten::diag", &Diag)
      .Add("aten::diag.out", &Variants<Diag>::OutExact)
      .Add("aten::diag_embed", &DiagEmbed)
      .Add("aten::diag_embed.out", &Variants<DiagEmbed>::OutExact)
      .Add("aten::diagflat", &DiagFlat);
}

}  // namespace tandem::reference
