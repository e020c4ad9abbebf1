// Sparse tensors for the operators of other families.
#ifndef TANDEM_BACKENDS_REFERENCE_SPARSE_H_
#define TANDEM_BACKENDS_REFERENCE_SPARSE_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// The dense tensor that `t` (COO, or CSR of two dimensions) stands for; a dense
// tensor is itself. Errors: indices out of range, parts that do not fit.
absl::StatusOr<Tensor> Densified(const Tensor& t);

// Its parts, checked to fit each other and the sizes (indices int64 of two
// dimensions, as many values), but not that indices are in range. Error: not of
// that layout ("coalesce expected sparse coordinate tensor layout but got
// Strided").
absl::StatusOr<const SparseParts*> PartsOf(const Tensor& t, Layout layout,
                                           absl::string_view op);

// A tensor of these parts, of the values' dtype.
absl::StatusOr<Tensor> MakeSparse(DimSpan sizes, Layout layout,
                                  SparseParts parts);
inline absl::StatusOr<Tensor> MakeCoo(DimSpan sizes, Tensor indices,
                                      Tensor values, bool coalesced) {
  SparseParts parts;
  parts.indices = std::move(indices);
  parts.values = std::move(values);
  parts.coalesced = coalesced;
  return MakeSparse(sizes, Layout::kSparse, std::move(parts));
}

// Indices in order, each once: values of equal indices are added in the order
// that they stand in.
absl::StatusOr<Tensor> Coalesced(const Tensor& self);

// to[i] += from[i], in the elements' own dtype.
absl::Status AddElements(DType dtype, const char* from, char* to, int64_t n);

// The non-zero elements (slices, where `sparse_dim` is less than all).
absl::StatusOr<Tensor> DenseToCoo(const Tensor& self, int64_t sparse_dim);

// Parts of the family.
absl::Status AddSparseMakers(Registry& registry);  // constructors, conversions
absl::Status AddSparseValues(Registry& registry);  // arithmetic on values

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_SPARSE_H_
