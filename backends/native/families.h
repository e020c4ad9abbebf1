// The families of operators that have native kernels; one function a family,
// called by Register().
#ifndef TANDEM_BACKENDS_NATIVE_FAMILIES_H_
#define TANDEM_BACKENDS_NATIVE_FAMILIES_H_

#include "absl/status/status.h"
#include "tandem/backends/registry.h"

namespace tandem::native {

absl::Status RegisterAttention(Registry& registry);
absl::Status RegisterElementwise(Registry& registry);
absl::Status RegisterReduce(Registry& registry);
absl::Status RegisterSoftmax(Registry& registry);
absl::Status RegisterMatmul(Registry& registry);
absl::Status RegisterVision(Registry& registry);

}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_FAMILIES_H_
