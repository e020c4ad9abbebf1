// Sparse tensors for the operators of other families.
#ifndef TANDEM_BACKENDS_REFERENCE_SPARSE_H_
#define TANDEM_BACKENDS_REFERENCE_SPARSE_H_

#include "absl/status/statusor.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// The dense tensor that `t` (COO, or CSR of two dimensions) stands for; a dense
// tensor is itself. Errors: indices out of range, parts that do not fit.
absl::StatusOr<Tensor> Densified(const Tensor& t);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_SPARSE_H_
