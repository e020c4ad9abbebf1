// What sorting and selecting share.
#ifndef TANDEM_BACKENDS_REFERENCE_SORT_H_
#define TANDEM_BACKENDS_REFERENCE_SORT_H_

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

void AddSort(KernelRegistrar& r);
void AddSortSelect(KernelRegistrar& r);

// NaN is the largest number.
template <typename T>
bool SortsBefore(const T& a, const T& b, bool descending) {
  using C = Compute<T>;
  const C x = static_cast<C>(a), y = static_cast<C>(b);
  return descending ? x > y || (x != x && y == y) : x < y || (x == x && y != y);
}

// self with `dim` last, contiguous: its rows are what is sorted.
absl::StatusOr<Tensor> RowsOf(const Tensor& self, int64_t dim);
// The place in `result` (of self's rank) for such rows.
absl::StatusOr<Tensor> PlaceOfRows(const Tensor& result, int64_t dim);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_SORT_H_
