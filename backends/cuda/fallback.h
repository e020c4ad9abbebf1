// An operator without a kernel here: on the CPU, over copies.
#ifndef TANDEM_BACKENDS_CUDA_FALLBACK_H_
#define TANDEM_BACKENDS_CUDA_FALLBACK_H_

#include "absl/status/status.h"
#include "tandem/backends/cuda/binding.h"

namespace tandem::cuda {

// Copies the tensors of the call to the CPU, runs the kernels of the CPU's
// backends on them, copies back what they wrote and moves new tensors to the
// device. Errors are those of the CPU's kernels.
absl::Status RunOnHost(Gpu& gpu, const Binding& binding,
                       const KernelCall& call);

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_FALLBACK_H_
