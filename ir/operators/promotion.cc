#include "tandem/ir/operators/promotion.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

bool IsBareboneUnsigned(DType d) {
  return d == DType::kUInt16 || d == DType::kUInt32 || d == DType::kUInt64;
}

// A lower group counts only where its category is higher.
absl::StatusOr<DType> CombineGroups(DType higher, DType lower) {
  if (higher == DType::kUndefined) return lower;
  if (lower == DType::kUndefined || IsComplex(higher)) return higher;
  if (IsFloatingPoint(higher)) {
    return IsComplex(lower) ? ToComplex(higher) : higher;
  }
  if (higher == DType::kBool || IsFloatingPoint(lower) || IsComplex(lower)) {
    return PromoteTypesOrError(higher, lower);
  }
  return higher;
}

}  // namespace

absl::StatusOr<DType> PromoteTypesOrError(DType a, DType b) {
  const DType result = PromoteTypes(a, b);
  if (result != DType::kUndefined) return result;
  const absl::string_view what = IsBareboneUnsigned(a) || IsBareboneUnsigned(b)
                                     ? "uint16, uint32, uint64 types"
                                     : "Float8 Types";
  return absl::InvalidArgumentError(
      absl::StrCat("Promotion for ", what,
                   " is not supported, attempted to "
                   "promote ",
                   TypeName(a), " and ", TypeName(b)));
}

ResultType& ResultType::Add(const Tensor& t) {
  if (!t.defined()) return *this;
  DType dtype = t.dtype();
  DType* group = t.dim() > 0 ? &dim_ : &zero_dim_;
  if (t.impl()->wrapped_number) {
    if (IsComplex(dtype)) {
      dtype = DType::kComplexFloat;
    } else if (IsFloatingPoint(dtype)) {
      dtype = DType::kFloat;
    }
    if (t.dim() == 0) group = &number_;
  }
  if (*group == DType::kUndefined) {
    *group = dtype;
  } else if (*group != dtype) {
    absl::StatusOr<DType> promoted = PromoteTypesOrError(*group, dtype);
    if (promoted.ok()) {
      *group = *promoted;
    } else {
      status_.Update(promoted.status());
    }
  }
  return *this;
}

ResultType& ResultType::Add(const Scalar& s) {
  const DType dtype = s.is_complex()  ? DType::kComplexFloat
                      : s.is_double() ? DType::kFloat
                                      : s.dtype();
  number_ = number_ == DType::kUndefined ? dtype : PromoteTypes(number_, dtype);
  return *this;
}

absl::StatusOr<DType> ResultType::Get() const {
  if (!status_.ok()) return status_;
  absl::StatusOr<DType> low = CombineGroups(zero_dim_, number_);
  if (!low.ok()) return low;
  return CombineGroups(dim_, *low);
}

absl::StatusOr<Dims> BroadcastSizes(DimSpan a, DimSpan b) {
  const size_t rank = std::max(a.size(), b.size());
  Dims result(rank);
  for (size_t i = 1; i <= rank; ++i) {
    const int64_t x = i <= a.size() ? a[a.size() - i] : 1;
    const int64_t y = i <= b.size() ? b[b.size() - i] : 1;
    if (x != y && x != 1 && y != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "The size of tensor a (", x, ") must match the size of tensor b (", y,
          ") at non-singleton dimension ", rank - i));
    }
    result[rank - i] = x == 1 ? y : x;
  }
  return result;
}

absl::StatusOr<Dims> BroadcastSizes(absl::Span<const Tensor> tensors) {
  Dims result;
  bool first = true;
  for (const Tensor& t : tensors) {
    if (!t.defined()) continue;
    if (first) {
      result.assign(t.sizes().begin(), t.sizes().end());
      first = false;
    } else if (DimSpan(result) != t.sizes()) {
      absl::StatusOr<Dims> common = BroadcastSizes(result, t.sizes());
      if (!common.ok()) return common;
      result = *std::move(common);
    }
  }
  return result;
}

absl::StatusOr<Tensor> ExpandTo(const Tensor& t, DimSpan sizes) {
  const int64_t rank = static_cast<int64_t>(sizes.size());
  if (rank < t.dim()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expand(torch.", TypeName(t.dtype()), "Tensor{",
        DimsToString(t.sizes()), "}, size=", DimsToString(sizes),
        "): the number of sizes provided (", rank,
        ") must be greater or equal to the number of dimensions in the tensor "
        "(",
        t.dim(), ")"));
  }
  Dims new_sizes(rank), new_strides(rank);
  for (int64_t d = rank - 1; d >= 0; --d) {
    const int64_t own = d - rank + t.dim();
    int64_t size = own >= 0 ? t.size(own) : 1;
    int64_t stride = own >= 0        ? t.stride(own)
                     : t.dim() == 0  ? 0
                     : d == rank - 1 ? 1
                                     : new_sizes[d + 1] * new_strides[d + 1];
    int64_t target = sizes[d];
    if (target == -1) {
      if (own < 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("The expanded size of the tensor (-1) isn't allowed "
                         "in a leading, non-existing dimension ",
                         d));
      }
      target = size;
    }
    if (size != target) {
      if (size != 1) {
        return absl::InvalidArgumentError(absl::StrCat(
            "The expanded size of the tensor (", target,
            ") must match the existing size (", size,
            ") at non-singleton dimension ", d, ".  Target sizes: ",
            DimsToString(sizes), ".  Tensor sizes: ", DimsToString(t.sizes())));
      }
      size = target;
      stride = 0;
    }
    new_sizes[d] = size;
    new_strides[d] = stride;
  }
  absl::StatusOr<int64_t> numel = CheckedNumel(new_sizes);
  if (!numel.ok()) return numel.status();
  return t.ViewUnchecked(new_sizes, new_strides, t.offset());
}

Dims PointwiseStrides(absl::Span<const Tensor> operands, DimSpan sizes,
                      bool with_number) {
  absl::InlinedVector<const Tensor*, 4> pointers;
  for (const Tensor& t : operands) pointers.push_back(&t);
  return PointwiseStrides(absl::MakeConstSpan(pointers), sizes, with_number);
}

Dims PointwiseStrides(absl::Span<const Tensor* const> operands, DimSpan sizes,
                      bool with_number) {
  const int64_t rank = static_cast<int64_t>(sizes.size());
  // All of one shape: their common layout, if they have one.
  bool same_shape = !with_number || rank == 0;
  bool contiguous = true, channels_last = true, dense = true;
  bool same_strides = true;
  const Tensor* first = nullptr;
  for (const Tensor* t : operands) {
    if (!t->defined()) continue;
    if (t->sizes() != sizes) same_shape = false;
    contiguous = contiguous && t->is_contiguous();
    if (first == nullptr) {
      first = t;
    } else {
      same_strides = same_strides && t->strides() == first->strides();
    }
  }
  if (first == nullptr || (same_shape && contiguous)) {
    return ContiguousStrides(sizes);
  }
  if (same_shape) {
    for (const Tensor* t : operands) {
      if (!t->defined()) continue;
      channels_last =
          channels_last && t->is_contiguous(MemoryFormat::kChannelsLast);
      dense = dense && t->is_non_overlapping_and_dense();
    }
    if (channels_last) return ChannelsLastStrides(sizes);
    if (dense && same_strides) {
      return Dims(first->strides().begin(), first->strides().end());
    }
  }
  // Dims innermost first, sorted by the operands' strides; what does not
  // decide moves nothing.
  const auto compare = [&](int64_t a, int64_t b) {
    for (const Tensor* t : operands) {
      if (!t->defined()) continue;
      const int64_t own = rank - t->dim();
      // Dims of size 1 keep their stride unless they are broadcast.
      const auto stride = [&](int64_t d) {
        if (d < own) return int64_t{0};
        return t->size(d - own) == 1 && sizes[d] != 1 ? int64_t{0}
                                                      : t->stride(d - own);
      };
      const int64_t sa = stride(a), sb = stride(b);
      if (sa == 0 || sb == 0) continue;
      if (sa != sb) return sa < sb ? -1 : 1;
      if (sizes[a] > sizes[b]) return 1;
    }
    return 0;
  };
  Dims order(rank), result(rank);
  for (int64_t i = 0; i < rank; ++i) order[i] = rank - 1 - i;
  bool changed = false;
  for (int64_t i = 1; i < rank; ++i) {
    int64_t moving = i;
    for (int64_t j = i - 1; j >= 0; --j) {
      const int c = compare(order[j], order[moving]);
      if (c < 0) break;
      if (c > 0) {
        std::swap(order[j], order[moving]);
        moving = j;
        changed = true;
      }
    }
  }
  if (!changed) return ContiguousStrides(sizes);
  int64_t step = 1;
  for (int64_t d : order) {
    result[d] = step;
    step *= sizes[d];
  }
  return result;
}

}  // namespace tandem
