#include "tandem/ir/operators/shape_shapes.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// "torch.FloatTensor", or "CPUBoolType" where Python never had such a class.
std::string TensorTypeName(DType dtype) {
  const bool old =
      (IsIntegral(dtype, /*include_bool=*/false) && dtype != DType::kUInt16 &&
       dtype != DType::kUInt32 && dtype != DType::kUInt64) ||
      dtype == DType::kHalf || dtype == DType::kFloat ||
      dtype == DType::kDouble;
  return old ? absl::StrCat("torch.", TypeName(dtype), "Tensor")
             : absl::StrCat("CPU", TypeName(dtype), "Type");
}

// "torch.FloatTensor{[2, 3]}": how PyTorch's text of expand names a tensor.
std::string Described(const Tensor& t) {
  return absl::StrCat(TensorTypeName(t.dtype()), "{", DimsToString(t.sizes()),
                      "}");
}

}  // namespace

absl::StatusOr<int64_t> CheckedMultiply(int64_t a, int64_t b,
                                        absl::string_view what) {
  int64_t product;
  if (__builtin_mul_overflow(a, b, &product)) {
    return Invalid(
        absl::StrCat(what, ": integer multiplication overflow: ", a, " * ", b));
  }
  return product;
}

absl::Status CheckPieces(int64_t count) {
  if (count <= kMaxPieces) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("out of memory: a list of ", count, " tensors"));
}

absl::StatusOr<Dims> InferSizes(DimSpan shape, int64_t numel) {
  Dims result(shape.begin(), shape.end());
  const auto mismatch = [&] {
    return Invalid(absl::StrCat("shape '", DimsToString(shape),
                                "' is invalid for input of size ", numel));
  };
  int64_t product = 1;
  bool overflow = false, zero = false;
  std::optional<size_t> inferred;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == -1) {
      if (inferred.has_value())
        return Invalid("only one dimension can be inferred");
      inferred = d;
    } else if (shape[d] < 0) {
      return Invalid(absl::StrCat("invalid shape dimension ", shape[d],
                                  " at index ", d, " of shape ",
                                  DimsToString(shape)));
    } else if (shape[d] == 0) {
      zero = true;
    } else if (__builtin_mul_overflow(product, shape[d], &product)) {
      overflow = true;
    }
  }
  if (zero) {
    product = 0;
  } else if (overflow) {
    return numel == 0 ? Invalid("numel: integer multiplication overflow")
                      : mismatch();
  }
  if (!inferred.has_value()) {
    if (product != numel) return mismatch();
    return result;
  }
  if (product == 0) {
    if (numel != 0) return mismatch();
    return Invalid(absl::StrCat(
        "cannot reshape tensor of 0 elements into shape ", DimsToString(shape),
        " because the unspecified dimension size -1 can be any value and is "
        "ambiguous"));
  }
  if (numel % product != 0) return mismatch();
  result[*inferred] = numel / product;
  return result;
}

std::optional<Dims> ViewStrides(DimSpan sizes, DimSpan strides,
                                DimSpan new_sizes) {
  if (sizes.empty()) return Dims(new_sizes.size(), 1);
  int64_t numel = 1;
  for (int64_t s : sizes) numel *= s;
  if (numel == 0 && sizes == new_sizes) {
    return Dims(strides.begin(), strides.end());
  }
  Dims result(new_sizes.size());
  int64_t view_d = static_cast<int64_t>(new_sizes.size()) - 1;
  if (numel == 0) {
    for (int64_t d = view_d; d >= 0; --d) {
      result[d] = d == view_d
                      ? 1
                      : std::max<int64_t>(new_sizes[d + 1], 1) * result[d + 1];
    }
    return result;
  }
  // Runs of dims that step evenly are one chunk each; the new dims must divide
  // the chunks.
  int64_t chunk_stride = strides.back();
  int64_t chunk_numel = 1, view_numel = 1;
  for (int64_t d = static_cast<int64_t>(sizes.size()) - 1; d >= 0; --d) {
    chunk_numel *= sizes[d];
    if (d == 0 ||
        (sizes[d - 1] != 1 && strides[d - 1] != chunk_numel * chunk_stride)) {
      while (view_d >= 0 &&
             (view_numel < chunk_numel || new_sizes[view_d] == 1)) {
        result[view_d] = view_numel * chunk_stride;
        view_numel *= new_sizes[view_d];
        --view_d;
      }
      if (view_numel != chunk_numel) return std::nullopt;
      if (d > 0) {
        chunk_stride = strides[d - 1];
        chunk_numel = 1;
        view_numel = 1;
      }
    }
  }
  if (view_d != -1) return std::nullopt;
  return result;
}

absl::StatusOr<Geometry> ExpandedGeometry(const Tensor& self, DimSpan sizes) {
  const int64_t rank = static_cast<int64_t>(sizes.size());
  const int64_t own_rank = self.dim();
  if (rank < own_rank) {
    return Invalid(absl::StrCat(
        "expand(", Described(self), ", size=", DimsToString(sizes),
        "): the number of sizes provided (", rank,
        ") must be greater or equal to the number of dimensions in the tensor "
        "(",
        own_rank, ")"));
  }
  Geometry g;
  g.offset = self.offset();
  g.sizes.resize(rank);
  g.strides.resize(rank);
  for (int64_t d = rank - 1; d >= 0; --d) {
    const int64_t own = d - (rank - own_rank);
    int64_t size = own >= 0 ? self.size(own) : 1;
    int64_t stride;
    if (own >= 0) {
      stride = self.stride(own);
    } else if (d + 1 < rank) {
      stride = static_cast<int64_t>(static_cast<uint64_t>(g.sizes[d + 1]) *
                                    static_cast<uint64_t>(g.strides[d + 1]));
    } else {
      stride = 0;  // of a 0-dim tensor
    }
    int64_t target = sizes[d];
    if (target == -1 && own_rank > 0) {
      if (own < 0) {
        return Invalid(absl::StrCat("The expanded size of the tensor (", target,
                                    ") isn't allowed in a leading, "
                                    "non-existing dimension ",
                                    d));
      }
      target = size;
    }
    if (size != target) {
      if (size != 1) {
        return Invalid(
            absl::StrCat("The expanded size of the tensor (", target,
                         ") must match the existing size (", size,
                         ") at non-singleton dimension ", d,
                         ".  Target sizes: ", DimsToString(sizes),
                         ".  Tensor sizes: ", DimsToString(self.sizes())));
      }
      size = target;
      stride = 0;
    }
    g.sizes[d] = size;
    g.strides[d] = stride;
  }
  for (int64_t s : g.sizes) {
    if (s < 0) return Invalid("numel: integer multiplication overflow");
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(g.sizes).status());
  return g;
}

SliceRange ClampSlice(int64_t size, std::optional<int64_t> start,
                      std::optional<int64_t> end, int64_t step) {
  int64_t first = start.value_or(0);
  int64_t last = end.value_or(INT64_MAX);
  if (first < 0) first += size;
  if (last < 0) last += size;
  first = std::clamp<int64_t>(first, 0, size);
  last = std::clamp<int64_t>(last, first, size);
  const int64_t span = last - first;
  return {first, span / step + (span % step != 0)};
}

absl::StatusOr<Dims> WrapDims(DimSpan dims, int64_t rank) {
  Dims result;
  absl::InlinedVector<bool, 16> seen(std::max<int64_t>(rank, 1));
  for (int64_t dim : dims) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, rank));
    if (seen[d]) {
      return Invalid(absl::StrCat(
          "dim ", d, " appears multiple times in the list of dims"));
    }
    seen[d] = true;
    result.push_back(d);
  }
  return result;
}

absl::StatusOr<Dims> MoveDimOrder(int64_t rank, DimSpan source,
                                  DimSpan destination) {
  if (source.size() != destination.size()) {
    return Invalid(absl::StrCat(
        "movedim: Invalid source or destination dims: source (",
        DimsToString(source), " dims) should contain the same number of dims ",
        "as destination (", DimsToString(destination), " dims)"));
  }
  Dims from, to;
  for (size_t i = 0; i < source.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t s, WrapDim(source[i], rank));
    TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(destination[i], rank));
    from.push_back(s);
    to.push_back(d);
  }
  const auto has_repeats = [](Dims dims) {
    std::sort(dims.begin(), dims.end());
    return std::adjacent_find(dims.begin(), dims.end()) != dims.end();
  };
  if (has_repeats(from)) {
    return Invalid(absl::StrCat("movedim: repeated dim in `source` (",
                                DimsToString(source), ")"));
  }
  if (has_repeats(to)) {
    return Invalid(absl::StrCat("movedim: repeated dim in `destination` (",
                                DimsToString(destination), ")"));
  }
  Dims order(rank, -1);
  if (rank == 0) return order;
  absl::InlinedVector<bool, 16> moved(rank);
  for (size_t i = 0; i < from.size(); ++i) {
    order[to[i]] = from[i];
    moved[from[i]] = true;
  }
  int64_t next = 0;
  for (int64_t& d : order) {
    if (d >= 0) continue;
    while (moved[next]) ++next;
    d = next++;
  }
  return order;
}

absl::StatusOr<Geometry> DiagonalGeometry(const Tensor& self, int64_t offset,
                                          int64_t dim1, int64_t dim2) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d1, WrapDim(dim1, self.dim()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d2, WrapDim(dim2, self.dim()));
  if (d1 == d2) {
    return Invalid(absl::StrCat("diagonal dimensions cannot be identical ",
                                dim1, ", ", dim2));
  }
  const int64_t rows = self.size(d1), columns = self.size(d2);
  const int64_t length =
      offset >= 0 ? std::max<int64_t>(std::min(rows, columns - offset), 0)
                  : std::max<int64_t>(std::min(rows + offset, columns), 0);
  Geometry g;
  g.offset = self.offset();
  if (length > 0) {
    g.offset +=
        offset >= 0 ? offset * self.stride(d2) : -offset * self.stride(d1);
  }
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d == d1 || d == d2) continue;
    g.sizes.push_back(self.size(d));
    g.strides.push_back(self.stride(d));
  }
  g.sizes.push_back(length);
  g.strides.push_back(self.stride(d1) + self.stride(d2));
  return g;
}

bool IsSkippedByCat(const Tensor& t) { return t.dim() == 1 && t.size(0) == 0; }

absl::StatusOr<Dims> CatSizes(absl::Span<const Tensor> tensors, int64_t dim) {
  const Tensor* first = nullptr;
  size_t first_index = 0;
  for (size_t i = 0; i < tensors.size() && first == nullptr; ++i) {
    if (!IsSkippedByCat(tensors[i])) {
      first = &tensors[i];
      first_index = i;
    }
  }
  if (first == nullptr) return Dims{0};
  Dims sizes(first->sizes().begin(), first->sizes().end());
  int64_t total = 0;
  for (size_t i = first_index; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    if (IsSkippedByCat(t)) continue;
    if (t.dim() != first->dim()) {
      return Invalid(
          absl::StrCat("Tensors must have same number of dimensions: got ",
                       first->dim(), " and ", t.dim()));
    }
    for (int64_t d = 0; d < t.dim(); ++d) {
      if (d == dim || t.size(d) == sizes[d]) continue;
      return Invalid(
          absl::StrCat("Sizes of tensors must match except in dimension ", dim,
                       ". Expected size ", sizes[d], " but got size ",
                       t.size(d), " for tensor number ", i, " in the list."));
    }
    if (__builtin_add_overflow(total, t.size(dim), &total)) {
      return Invalid("cat: the size of the result overflows");
    }
  }
  sizes[dim] = total;
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  return sizes;
}

absl::StatusOr<Dims> PaddedSizes(DimSpan sizes, DimSpan pad) {
  if (pad.size() % 2 != 0) {
    return Invalid(absl::StrCat(
        "Length of pad must be even but instead it equals ", pad.size()));
  }
  const size_t padded = pad.size() / 2;
  if (padded > sizes.size()) {
    return Invalid(absl::StrCat(
        "Length of pad should be no more than twice the number of dimensions "
        "of the input. Pad length is ",
        pad.size(), "while the input has ", sizes.size(), "dimensions."));
  }
  Dims result(sizes.begin(), sizes.end());
  for (size_t i = 0; i < padded; ++i) {
    const size_t d = sizes.size() - 1 - i;
    int64_t size;
    if (__builtin_add_overflow(sizes[d], pad[2 * i], &size) ||
        __builtin_add_overflow(size, pad[2 * i + 1], &size)) {
      return Invalid("constant_pad_nd: the size of the result overflows");
    }
    if (size < 0) {
      return Invalid(absl::StrCat(
          "The input size ", sizes[d], ", plus negative padding ", pad[2 * i],
          " and ", pad[2 * i + 1],
          " resulted in a negative output size, which is invalid. Check "
          "dimension ",
          d, " of your input."));
    }
    result[d] = size;
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(result).status());
  return result;
}

MemoryFormat SuggestedMemoryFormat(const Tensor& t) {
  const int64_t rank = t.dim();
  if (rank != 4 && rank != 5) return MemoryFormat::kContiguous;
  // Channels first in memory, then the innermost dims outwards. Where sizes of
  // 1 leave it open, the tensor counts as contiguous.
  if (t.stride(1) == 0) return MemoryFormat::kContiguous;
  int64_t least = 0;
  const auto grows = [&](int64_t d) {
    if (t.size(d) == 0 || t.stride(d) < least) return false;
    if (d == 0 && least == t.stride(1)) return false;
    least = t.stride(d);
    if (t.size(d) > 1) least *= t.size(d);
    return true;
  };
  if (!grows(1)) return MemoryFormat::kContiguous;
  for (int64_t d = rank - 1; d >= 2; --d) {
    if (!grows(d)) return MemoryFormat::kContiguous;
  }
  if (!grows(0)) return MemoryFormat::kContiguous;
  return rank == 4 ? MemoryFormat::kChannelsLast
                   : MemoryFormat::kChannelsLast3d;
}

Dims StridesOfFormat(DimSpan sizes, MemoryFormat format) {
  if ((format == MemoryFormat::kChannelsLast && sizes.size() == 4) ||
      (format == MemoryFormat::kChannelsLast3d && sizes.size() == 5)) {
    return ChannelsLastStrides(sizes);
  }
  return ContiguousStrides(sizes);
}

absl::StatusOr<Dims> RepeatedSizes(DimSpan sizes, DimSpan repeats) {
  if (repeats.size() < sizes.size()) {
    return Invalid(
        "Number of dimensions of repeat dims can not be smaller than number "
        "of dimensions of tensor");
  }
  Dims result(repeats.size());
  const size_t added = repeats.size() - sizes.size();
  for (size_t d = 0; d < repeats.size(); ++d) {
    const int64_t size = d < added ? 1 : sizes[d - added];
    TANDEM_ASSIGN_OR_RETURN(result[d],
                            CheckedMultiply(size, repeats[d], "repeat"));
  }
  const bool negative = std::any_of(result.begin(), result.end(),
                                    [](int64_t size) { return size < 0; });
  if (!negative && !CheckedNumel(result).ok()) {
    return Invalid(
        absl::StrCat("Storage size calculation overflowed with sizes=",
                     DimsToString(result)));
  }
  return result;
}

}  // namespace tandem
