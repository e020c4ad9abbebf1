// sort, argsort, msort. Where stability is not asked for, equal elements come
// in the order that the standard library's sort leaves them in, as PyTorch's.
#include "tandem/backends/reference/sort.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

using Two = std::tuple<Tensor, Tensor>;

template <typename T>
void SortRowsUnstable(const T* from, T* values, int64_t* indices, int64_t rows,
                      int64_t size, bool descending) {
  std::vector<std::pair<T, int64_t>> order(size);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t i = 0; i < size; ++i) order[i] = {from[i], i};
    std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
      return SortsBefore(a.first, b.first, descending);
    });
    for (int64_t i = 0; i < size; ++i) {
      std::tie(values[i], indices[i]) = order[i];
    }
    from += size;
    values += size;
    indices += size;
  }
}

template <typename T>
void SortRows(const T* from, T* values, int64_t* indices, int64_t rows,
              int64_t size, bool descending) {
  std::vector<int64_t> order(size);
  for (int64_t r = 0; r < rows; ++r) {
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      return SortsBefore(from[a], from[b], descending);
    });
    for (int64_t i = 0; i < size; ++i) {
      values[i] = from[order[i]];
      indices[i] = order[i];
    }
    from += size;
    values += size;
    indices += size;
  }
}

// Whole numbers, by digits from the lowest on: equal elements stay in order.
template <typename T>
void SortByDigits(const T* from, T* values, int64_t* indices, int64_t size,
                  bool descending) {
  constexpr int kBits = 11;
  constexpr uint64_t kDigits = uint64_t{1} << kBits;
  struct Item {
    uint64_t key;
    int64_t index;
  };
  const auto [low, high] = std::minmax_element(from, from + size);
  const uint64_t least = static_cast<uint64_t>(*low),
                 most = static_cast<uint64_t>(*high);
  std::vector<Item> items(size), next(size);
  for (int64_t i = 0; i < size; ++i) {
    const uint64_t v = static_cast<uint64_t>(from[i]);
    items[i] = {descending ? most - v : v - least, i};
  }
  for (int shift = 0; shift < 64 && (most - least) >> shift != 0;
       shift += kBits) {
    std::vector<int64_t> starts(kDigits + 1, 0);
    for (const Item& item : items) {
      ++starts[(item.key >> shift & (kDigits - 1)) + 1];
    }
    std::partial_sum(starts.begin(), starts.end(), starts.begin());
    for (const Item& item : items) {
      next[starts[item.key >> shift & (kDigits - 1)]++] = item;
    }
    items.swap(next);
  }
  for (int64_t i = 0; i < size; ++i) {
    values[i] = from[items[i].index];
    indices[i] = items[i].index;
  }
}

absl::Status SortInto(const Tensor& rows, const Tensor& values,
                      const Tensor& indices, int64_t size, bool descending,
                      bool stable) {
  // PyTorch sorts one long row of integers so, stable or not.
  constexpr int64_t kLong = 32768;
  const bool wide_unsigned = rows.dtype() == DType::kUInt16 ||
                             rows.dtype() == DType::kUInt32 ||
                             rows.dtype() == DType::kUInt64;
  const bool by_digits = stable ? size >= 1024
                                : rows.dim() == 1 && !descending &&
                                      size >= kLong && !wide_unsigned;
  const auto run = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (by_digits) {
        for (int64_t at = 0; at < rows.numel(); at += size) {
          SortByDigits(rows.data<T>() + at, values.data<T>() + at,
                       indices.data<int64_t>() + at, size, descending);
        }
        return absl::OkStatus();
      }
    }
    const auto sort = stable ? &SortRows<T> : &SortRowsUnstable<T>;
    sort(rows.data<T>(), values.data<T>(), indices.data<int64_t>(),
         rows.numel() / size, size, descending);
    return absl::OkStatus();
  };
  switch (rows.dtype()) {
    case DType::kUInt16:
      return run(TypeTag<uint16_t>{});
    case DType::kUInt32:
      return run(TypeTag<uint32_t>{});
    case DType::kUInt64:
      return run(TypeTag<uint64_t>{});
    default:
      return VisitRealAndBool(rows.dtype(), "sort_stable", run);
  }
}

absl::StatusOr<Two> SortStable(const Tensor& self, std::optional<bool> stable,
                               int64_t dim, bool descending) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (IsComplex(self.dtype())) {
    return absl::UnimplementedError(
        " Sort does not support complex dtypes on "
        "CPU");
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor values, EmptyLike(self, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices, EmptyLike(self, DType::kInt64));
  if (self.dim() == 0) {
    TANDEM_RETURN_IF_ERROR(CopyElements(self, values));
    TANDEM_RETURN_IF_ERROR(FillElements(indices, Scalar(int64_t{0})));
    return Two(std::move(values), std::move(indices));
  }
  if (self.numel() == 0) return Two(std::move(values), std::move(indices));
  TANDEM_ASSIGN_OR_RETURN(const Tensor rows, RowsOf(self, d));
  TANDEM_ASSIGN_OR_RETURN(const Tensor sorted,
                          Tensor::Empty(rows.sizes(), self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor order,
                          Tensor::Empty(rows.sizes(), DType::kInt64));
  TANDEM_RETURN_IF_ERROR(
      SortInto(rows, sorted, order, self.size(d), descending,
               stable.value_or(false) || self.stride(d) == 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor value_place, PlaceOfRows(values, d));
  TANDEM_ASSIGN_OR_RETURN(const Tensor index_place, PlaceOfRows(indices, d));
  TANDEM_RETURN_IF_ERROR(CopyElements(sorted, value_place));
  TANDEM_RETURN_IF_ERROR(CopyElements(order, index_place));
  return Two(std::move(values), std::move(indices));
}

absl::StatusOr<Two> Sort(const Tensor& self, int64_t dim, bool descending) {
  return SortStable(self, std::nullopt, dim, descending);
}

absl::StatusOr<Two> WriteBoth(absl::StatusOr<Two> result, const Tensor& values,
                              const Tensor& indices) {
  if (!result.ok()) return result;
  TANDEM_RETURN_IF_ERROR(WriteOutExact(std::get<0>(*result), values).status());
  TANDEM_RETURN_IF_ERROR(WriteOutExact(std::get<1>(*result), indices).status());
  return Two(values, indices);
}

absl::StatusOr<Two> SortOut(const Tensor& self, int64_t dim, bool descending,
                            const Tensor& values, const Tensor& indices) {
  return WriteBoth(Sort(self, dim, descending), values, indices);
}

absl::StatusOr<Two> SortStableOut(const Tensor& self,
                                  std::optional<bool> stable, int64_t dim,
                                  bool descending, const Tensor& values,
                                  const Tensor& indices) {
  return WriteBoth(SortStable(self, stable, dim, descending), values, indices);
}

absl::StatusOr<Tensor> ArgSort(const Tensor& self, int64_t dim,
                               bool descending) {
  TANDEM_ASSIGN_OR_RETURN(const Two result, Sort(self, dim, descending));
  return std::get<1>(result);
}

absl::StatusOr<Tensor> ArgSortStable(const Tensor& self, bool stable,
                                     int64_t dim, bool descending) {
  TANDEM_ASSIGN_OR_RETURN(const Two result,
                          SortStable(self, stable, dim, descending));
  return std::get<1>(result);
}

absl::StatusOr<Tensor> MSort(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Two result, Sort(self, 0, false));
  return std::get<0>(result);
}

}  // namespace

absl::StatusOr<Tensor> RowsOf(const Tensor& self, int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor last, MoveDim(self, dim, -1));
  return Contiguous(last);
}

absl::StatusOr<Tensor> PlaceOfRows(const Tensor& result, int64_t dim) {
  return MoveDim(result, dim, -1);
}

void AddSort(KernelRegistrar& r) {
  r.Add("aten::sort", &Sort)
      .Add("aten::sort.stable", &SortStable)
      .Add("aten::sort.values", &SortOut)
      .Add("aten::sort.values_stable", &SortStableOut)
      .Add("aten::argsort", &ArgSort)
      .Add("aten::argsort.stable", &ArgSortStable)
      .Add("aten::argsort.stable_out", &Variants<ArgSortStable>::OutExact)
      .Add("aten::msort", &MSort)
      .Add("aten::msort.out", &Variants<MSort>::OutExact);
}

absl::Status RegisterSort(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddSort(r);
  AddSortSelect(r);
  return r.status();
}

}  // namespace tandem::reference
