// Nested tensors: batches of sequences of unequal lengths, as the fast path of
// transformer encoders makes them of a padded batch and its mask.
//
// Here a nested tensor is the padded batch [N, L, D] with the lengths beside
// it. Operators that know nothing of them see the padded batch; what they
// compute in the padding is never read.
#ifndef TANDEM_BACKENDS_REFERENCE_NESTED_H_
#define TANDEM_BACKENDS_REFERENCE_NESTED_H_

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

bool IsNested(const Tensor& t);

// int64[N]; `t` is nested.
const Tensor& NestedLengths(const Tensor& t);

// `padded` as a nested tensor of these lengths (int64[N]).
Tensor MakeNested(const Tensor& padded, const Tensor& lengths);

void RegisterNested(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_NESTED_H_
