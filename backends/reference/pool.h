// What the files of the pool family share.
#ifndef TANDEM_BACKENDS_REFERENCE_POOL_H_
#define TANDEM_BACKENDS_REFERENCE_POOL_H_

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// A contiguous tensor of a dtype that computes, in place of `t`: 16-bit floats
// as float, quantized elements as their integers.
absl::StatusOr<Tensor> PoolOperand(const Tensor& t);

// `computed` (contiguous, from PoolOperand) as the result for `input`: its
// dtype and quantizer, channels-last where the input is.
absl::StatusOr<Tensor> PoolResult(const Tensor& computed, const Tensor& input);

// Number of planes before the last `rank` dims.
int64_t PlaneCount(const Tensor& t, int64_t rank);

void RegisterMaxPool(KernelRegistrar& r);
void RegisterAvgPool(KernelRegistrar& r);
void RegisterFractionalPool(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_POOL_H_
