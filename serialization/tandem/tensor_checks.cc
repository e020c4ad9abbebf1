#include "tandem/serialization/tandem/tensor_checks.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::model_file {
namespace {

absl::Status Bad(absl::string_view what) {
  return absl::InvalidArgumentError(what);
}

// The range of a quantized dtype's integers.
std::pair<int64_t, int64_t> RangeOf(DType dtype) {
  switch (dtype) {
    case DType::kQInt8:
      return {-128, 127};
    case DType::kQUInt8:
      return {0, 255};
    case DType::kQUInt4x2:
      return {0, 15};
    case DType::kQUInt2x4:
      return {0, 3};
    default:
      return {INT32_MIN, INT32_MAX};
  }
}

// The numbers of a small tensor of indices, in row-major order.
absl::Status ReadIndices(const Tensor& t, std::vector<int64_t>* out) {
  if (t.dtype() != DType::kInt64 && t.dtype() != DType::kInt32) {
    return Bad("a sparse tensor's indices are not integers");
  }
  // Expanded views would make numbers out of nothing.
  if (t.numel() * static_cast<int64_t>(t.element_size()) >
      static_cast<int64_t>(t.storage()->bytes())) {
    return Bad("a sparse tensor's indices are an expanded view");
  }
  out->clear();
  out->reserve(static_cast<size_t>(t.numel()));
  Dims index(t.dim(), 0);
  for (int64_t k = 0; k < t.numel(); ++k) {
    int64_t at = 0;
    for (int64_t d = 0; d < t.dim(); ++d) at += index[d] * t.stride(d);
    out->push_back(t.dtype() == DType::kInt64 ? t.data<int64_t>()[at]
                                              : t.data<int32_t>()[at]);
    for (int64_t d = t.dim() - 1; d >= 0; --d) {
      if (++index[d] < t.size(d)) break;
      index[d] = 0;
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCoo(DimSpan sizes, const SparseParts& parts) {
  const int64_t rank = static_cast<int64_t>(sizes.size());
  if (!parts.indices.defined() || parts.indices.dim() != 2 ||
      parts.values.dim() < 1 || parts.values.size(0) != parts.indices.size(1) ||
      parts.indices.size(0) + parts.values.dim() - 1 != rank) {
    return Bad("a sparse tensor's indices and values do not fit its sizes");
  }
  const int64_t sparse_dim = parts.indices.size(0);
  for (int64_t d = 1; d < parts.values.dim(); ++d) {
    if (parts.values.size(d) != sizes[sparse_dim + d - 1]) {
      return Bad("a sparse tensor's values do not fit its sizes");
    }
  }
  std::vector<int64_t> indices;
  TANDEM_RETURN_IF_ERROR(ReadIndices(parts.indices, &indices));
  const int64_t count = parts.indices.size(1);
  for (int64_t d = 0; d < sparse_dim; ++d) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t index = indices[d * count + i];
      if (index < 0 || index >= sizes[d]) {
        return Bad("a sparse tensor's indices are out of range");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCsr(DimSpan sizes, const SparseParts& parts) {
  if (sizes.size() != 2 || !parts.crow.defined() || !parts.col.defined() ||
      parts.crow.dim() != 1 || parts.col.dim() != 1 ||
      parts.values.dim() != 1 || parts.crow.numel() != sizes[0] + 1 ||
      parts.col.numel() != parts.values.numel()) {
    return Bad("a sparse tensor's rows, columns and values do not fit");
  }
  std::vector<int64_t> indices;
  TANDEM_RETURN_IF_ERROR(ReadIndices(parts.crow, &indices));
  if (indices.front() != 0 || indices.back() != parts.col.numel() ||
      !std::is_sorted(indices.begin(), indices.end())) {
    return Bad("a sparse tensor's rows do not ascend within range");
  }
  TANDEM_RETURN_IF_ERROR(ReadIndices(parts.col, &indices));
  for (const int64_t col : indices) {
    if (col < 0 || col >= sizes[1]) {
      return Bad("a sparse tensor's columns are out of range");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckView(uint64_t bytes, DType dtype, int64_t offset,
                       DimSpan sizes, DimSpan strides) {
  if (offset < 0) return Bad("a tensor has a negative offset");
  __int128 last = offset;
  __int128 count = 1;
  bool empty = false;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] < 0 || strides[d] < 0) {
      return Bad("a tensor has a negative size or stride");
    }
    empty = empty || sizes[d] == 0;
    count *= std::max<int64_t>(sizes[d], 1);
    if (sizes[d] > 1) last += static_cast<__int128>(sizes[d] - 1) * strides[d];
    if (count > INT64_MAX || last > INT64_MAX) {
      return Bad("a tensor's sizes and strides overflow");
    }
  }
  const uint64_t elements = bytes / ElementSize(dtype);
  if (empty ? static_cast<uint64_t>(offset) > elements
            : last >= static_cast<__int128>(elements)) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tensor of sizes ", DimsToString(sizes), ", strides ",
                     DimsToString(strides), ", offset ", offset,
                     " reaches beyond its storage of ", elements, " elements"));
  }
  return absl::OkStatus();
}

absl::Status CheckQuantizer(const Quantizer& q, const Tensor& tensor) {
  if (q.scheme == 0) {
    const auto [low, high] = RangeOf(tensor.dtype());
    if (!std::isfinite(q.scale) || q.scale < 0 || q.zero_point < low ||
        q.zero_point > high) {
      return Bad("a quantized tensor's scale or zero point is out of range");
    }
    return absl::OkStatus();
  }
  if (q.scheme != 1 && q.scheme != 4) {
    return Bad("a quantized tensor's scheme is not one that is known");
  }
  if (q.axis < 0 || q.axis >= tensor.dim()) {
    return Bad("a quantized tensor's axis is none of its dimensions");
  }
  const bool by_float = q.scheme == 4;
  const auto fits = [&](const Tensor& t, DType dtype) {
    return t.defined() && !t.is_meta() && !t.is_sparse() && t.dim() == 1 &&
           t.is_contiguous() && t.dtype() == dtype &&
           t.numel() == tensor.size(q.axis);
  };
  if (!fits(q.scales, by_float ? DType::kFloat : DType::kDouble) ||
      !fits(q.zero_points, by_float ? DType::kFloat : DType::kInt64)) {
    return Bad(
        "a quantized tensor has not one scale and zero point for each of its "
        "channels");
  }
  return absl::OkStatus();
}

absl::Status CheckSparse(Layout layout, DimSpan sizes,
                         const SparseParts& parts) {
  const Tensor* all[] = {&parts.values, &parts.indices, &parts.crow,
                         &parts.col};
  for (const Tensor* t : all) {
    if (t->defined() && (t->is_meta() || t->is_sparse() || t->is_quantized() ||
                         t->impl()->conj || t->impl()->neg)) {
      return Bad("a sparse tensor's parts are no ordinary tensors");
    }
  }
  if (!parts.values.defined()) return Bad("a sparse tensor has no values");
  return layout == Layout::kSparse ? CheckCoo(sizes, parts)
                                   : CheckCsr(sizes, parts);
}

}  // namespace tandem::model_file
