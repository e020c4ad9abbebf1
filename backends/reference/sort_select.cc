// The largest, smallest or k-th elements: topk, kthvalue.
#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/sort.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

using Two = std::tuple<Tensor, Tensor>;

// The steps are PyTorch's, since the order of equal elements follows from them.
template <typename T>
void TopRow(const T* from, int64_t size, int64_t k, bool largest, bool sorted,
            std::vector<std::pair<T, int64_t>>* queue, T* values,
            int64_t* indices) {
  queue->resize(size);
  for (int64_t i = 0; i < size; ++i) (*queue)[i] = {from[i], i};
  const auto before = [&](const auto& a, const auto& b) {
    return SortsBefore(a.first, b.first, largest);
  };
  const auto begin = queue->begin();
  if (k * 64 <= size) {
    std::partial_sort(begin, begin + k, queue->end(), before);
  } else if (k > 0) {
    std::nth_element(begin, begin + k - 1, queue->end(), before);
    if (sorted) std::sort(begin, begin + k - 1, before);
  }
  for (int64_t i = 0; i < k; ++i) {
    values[i] = (*queue)[i].first;
    indices[i] = (*queue)[i].second;
  }
}

absl::StatusOr<Two> TopK(const Tensor& self, int64_t k, int64_t dim,
                         bool largest, bool sorted) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.dim() == 0 ? 1 : self.size(d);
  if (k < 0 || k > size) {
    return absl::InvalidArgumentError("selected index k out of range");
  }
  if (self.dtype() == DType::kBool || IsComplex(self.dtype())) {
    return absl::UnimplementedError(absl::StrCat(
        self.dtype() == DType::kBool ? "topk does not support bool"
                                     : " topk does not support complex",
        " dtypes on CPU"));
  }
  Dims sizes(self.sizes().begin(), self.sizes().end());
  if (!sizes.empty()) sizes[d] = k;
  TANDEM_ASSIGN_OR_RETURN(Tensor values, Tensor::Empty(sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices, Tensor::Empty(sizes, DType::kInt64));
  if (self.dim() == 0) {
    TANDEM_RETURN_IF_ERROR(CopyElements(self, values));
    TANDEM_RETURN_IF_ERROR(FillElements(indices, Scalar(int64_t{0})));
    return Two(std::move(values), std::move(indices));
  }
  if (values.numel() == 0) return Two(std::move(values), std::move(indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor rows, RowsOf(self, d));
  Dims row_sizes(rows.sizes().begin(), rows.sizes().end());
  row_sizes.back() = k;
  TANDEM_ASSIGN_OR_RETURN(const Tensor top,
                          Tensor::Empty(row_sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor places,
                          Tensor::Empty(row_sizes, DType::kInt64));
  TANDEM_RETURN_IF_ERROR(
      VisitReal(self.dtype(), "topk_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        std::vector<std::pair<T, int64_t>> queue;
        const int64_t count = rows.numel() / size;
        for (int64_t r = 0; r < count; ++r) {
          TopRow(rows.data<T>() + r * size, size, k, largest, sorted, &queue,
                 top.data<T>() + r * k, places.data<int64_t>() + r * k);
        }
        return absl::OkStatus();
      }));
  TANDEM_ASSIGN_OR_RETURN(const Tensor value_place, PlaceOfRows(values, d));
  TANDEM_ASSIGN_OR_RETURN(const Tensor index_place, PlaceOfRows(indices, d));
  TANDEM_RETURN_IF_ERROR(CopyElements(top, value_place));
  TANDEM_RETURN_IF_ERROR(CopyElements(places, index_place));
  return Two(std::move(values), std::move(indices));
}

absl::StatusOr<Two> TopKOut(const Tensor& self, int64_t k, int64_t dim,
                            bool largest, bool sorted, const Tensor& values,
                            const Tensor& indices) {
  TANDEM_ASSIGN_OR_RETURN(const Two result,
                          TopK(self, k, dim, largest, sorted));
  TANDEM_RETURN_IF_ERROR(WriteOutExact(std::get<0>(result), values).status());
  TANDEM_RETURN_IF_ERROR(WriteOutExact(std::get<1>(result), indices).status());
  return Two(values, indices);
}

// Brings the k-th smallest of `data` to its place, `at` along with it: Hoare's
// selection with the median of three, step by step as PyTorch's, since which of
// equal elements is found follows from it.
template <typename T>
void QuickSelect(T* data, int64_t* at, int64_t size, int64_t k) {
  // NaN behind everything.
  const auto greater = [](const T& a, const T& b) {
    return SortsBefore(a, b, true);
  };
  const auto swap = [&](int64_t i, int64_t j) {
    std::swap(data[i], data[j]);
    std::swap(at[i], at[j]);
  };
  int64_t left = 0, right = size - 1;
  while (right > left) {
    if (right == left + 1) {
      if (greater(data[left], data[right])) swap(left, right);
      return;
    }
    const int64_t middle = left + (right - left) / 2;
    swap(middle, left + 1);
    if (greater(data[left + 1], data[right])) swap(left + 1, right);
    if (greater(data[left], data[right])) swap(left, right);
    if (greater(data[left + 1], data[left])) swap(left, left + 1);
    int64_t i = left + 1, j = right;
    const T pivot = data[left];
    while (true) {
      do {
        ++i;
      } while (greater(pivot, data[i]));
      do {
        --j;
      } while (greater(data[j], pivot));
      if (j < i) break;
      swap(i, j);
    }
    swap(left, j);
    if (j <= k) left = i;
    if (j >= k) right = j - 1;
  }
}

absl::StatusOr<Two> KthValue(const Tensor& self, int64_t k, int64_t dim,
                             bool keepdim) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t size = self.dim() == 0 ? 1 : self.size(d);
  if (size == 0) {
    return absl::OutOfRangeError(absl::StrCat(
        "kthvalue(): Expected reduction dim ", d, " to have non-zero size."));
  }
  if (k < 1 || k > size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "kthvalue(): selected number k out of range for dimension ", d));
  }
  Dims sizes(self.sizes().begin(), self.sizes().end());
  if (!sizes.empty()) {
    if (keepdim) {
      sizes[d] = 1;
    } else {
      sizes.erase(sizes.begin() + d);
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor values, Tensor::Empty(sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices, Tensor::Empty(sizes, DType::kInt64));
  if (self.dim() == 0) {
    TANDEM_RETURN_IF_ERROR(CopyElements(self, values));
    TANDEM_RETURN_IF_ERROR(FillElements(indices, Scalar(int64_t{0})));
    return Two(std::move(values), std::move(indices));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor moved, MoveDim(self, d, -1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor rows,
                          CloneContiguous(moved, self.dtype()));
  TANDEM_RETURN_IF_ERROR(
      VisitReal(self.dtype(), "kthvalue_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        std::vector<int64_t> at(size);
        for (int64_t r = 0; r < values.numel(); ++r) {
          T* row = rows.data<T>() + r * size;
          std::iota(at.begin(), at.end(), 0);
          QuickSelect(row, at.data(), size, k - 1);
          values.data<T>()[r] = row[k - 1];
          indices.data<int64_t>()[r] = at[k - 1];
        }
        return absl::OkStatus();
      }));
  return Two(std::move(values), std::move(indices));
}

absl::StatusOr<Two> KthValueOut(const Tensor& self, int64_t k, int64_t dim,
                                bool keepdim, const Tensor& values,
                                const Tensor& indices) {
  TANDEM_ASSIGN_OR_RETURN(const Two result, KthValue(self, k, dim, keepdim));
  TANDEM_RETURN_IF_ERROR(WriteOutExact(std::get<0>(result), values).status());
  TANDEM_RETURN_IF_ERROR(WriteOutExact(std::get<1>(result), indices).status());
  return Two(values, indices);
}

}  // namespace

void AddSortSelect(KernelRegistrar& r) {
  r.Add("aten::topk", &TopK)
      .Add("aten::topk.values", &TopKOut)
      .Add("aten::kthvalue", &KthValue)
      .Add("aten::kthvalue.values", &KthValueOut);
}

}  // namespace tandem::reference
