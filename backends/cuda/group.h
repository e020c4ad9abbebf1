// The group backend "cuda".
#ifndef TANDEM_BACKENDS_CUDA_GROUP_H_
#define TANDEM_BACKENDS_CUDA_GROUP_H_

#include <memory>

#include "absl/container/flat_hash_map.h"
#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/group.h"

namespace tandem::cuda {

// Groups are made of the kernels that are bound, elementwise stretches fused;
// warm ones run as CUDA graphs.
std::shared_ptr<const GroupBackend> MakeGroupBackend(
    std::shared_ptr<Runtime> runtime,
    absl::flat_hash_map<const Operator*, std::shared_ptr<const Binding>>
        bindings);

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_GROUP_H_
