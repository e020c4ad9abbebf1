// The parts of the index family, one file each, and what they share.
#ifndef TANDEM_BACKENDS_REFERENCE_INDEX_H_
#define TANDEM_BACKENDS_REFERENCE_INDEX_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

void AddIndexAdvanced(KernelRegistrar& r);
void AddIndexAlong(KernelRegistrar& r);
void AddIndexCount(KernelRegistrar& r);
void AddIndexEmbedding(KernelRegistrar& r);
void AddIndexMask(KernelRegistrar& r);
void AddIndexScatter(KernelRegistrar& r);
void AddIndexSearch(KernelRegistrar& r);
void AddIndexUnique(KernelRegistrar& r);

// op from op_ where the result is contiguous whatever self's strides are.
template <auto F>
struct Contiguously;
template <typename... A, absl::StatusOr<Tensor> (*F)(const Tensor&, A...)>
struct Contiguously<F> {
  static absl::StatusOr<Tensor> Call(const Tensor& self, A... a) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CopyOfView(self));
    return F(copy, a...);
  }
  static absl::StatusOr<Tensor> Out(const Tensor& self, A... a,
                                    const Tensor& out) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, Call(self, a...));
    return WriteOutExact(result, out);
  }
};

// Places of the elements that are not zero, int64 [count, dim].
// PyTorch's error where the memory of `out` touches that of an input.
absl::Status CheckApart(const Tensor& out, const Tensor& input);

absl::StatusOr<Tensor> Nonzero(const Tensor& self);

// self[indices] and self[indices] = values (+= where accumulated).
absl::StatusOr<Tensor> IndexTensor(const Tensor& self,
                                   absl::Span<const Tensor> indices);
absl::StatusOr<Tensor> IndexPutInPlace(const Tensor& self,
                                       absl::Span<const Tensor> indices,
                                       const Tensor& values, bool accumulate);

absl::StatusOr<Tensor> Gather(const Tensor& self, int64_t dim,
                              const Tensor& index, bool sparse_grad);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_INDEX_H_
