// Writing elements at computed places, one after the other: the engine of
// scatter, index_add and their kin.
#ifndef TANDEM_BACKENDS_REFERENCE_INDEX_COMBINE_H_
#define TANDEM_BACKENDS_REFERENCE_INDEX_COMBINE_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

enum class Combining { kAssign, kSum, kProd, kMax, kMin };

// A 0-dim tensor as one of a single element; others as they are.
Tensor AsVector(const Tensor& t);

// The index as int64 of any strides, each value in [0, size): PyTorch's "index
// 5 is out of bounds for dimension 0 with size 2" otherwise.
absl::StatusOr<Tensor> CheckedIndex(const Tensor& index, int64_t dim,
                                    int64_t size);

// For each place p of `index` (of equal rank): target[p with p[dim] = index[p]]
// combined with source[p]. All have been checked; `source` is of target's
// dtype and may be larger than `index`. `name` for a dtype that it lacks.
absl::Status ScatterInto(const Tensor& target, int64_t dim, const Tensor& index,
                         const Tensor& source, Combining how,
                         absl::string_view name);

// As ScatterInto for sums and products: 16-bit floats are combined in float and
// rounded once.
absl::Status ScatterWide(const Tensor& target, int64_t dim, const Tensor& index,
                         const Tensor& source, Combining how,
                         absl::string_view name);

// The index of index_add along `dim`, expanded to the sizes of its source.
Tensor ExpandedIndex(const Tensor& index, int64_t dim, DimSpan sizes);

// mean of index_reduce and scatter_reduce: the sums divided by how many each
// place got (and itself).
absl::Status DivideByCounts(const Tensor& target, int64_t dim,
                            const Tensor& index, bool include_self);

// Sets the places of `index` to what `how` starts from.
absl::Status ScatterIdentity(const Tensor& target, int64_t dim,
                             const Tensor& index, Combining how,
                             absl::string_view name);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_INDEX_COMBINE_H_
