// The reference backend: every operator, plainly, with PyTorch's semantics.
#ifndef TANDEM_BACKENDS_REFERENCE_REFERENCE_H_
#define TANDEM_BACKENDS_REFERENCE_REFERENCE_H_

#include "absl/status/status.h"
#include "tandem/backends/registry.h"

namespace tandem::reference {

// Adds its kernels to `registry` as backend "reference".
absl::Status Register(Registry& registry);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_REFERENCE_H_
