// Operators made of those of several families.
#ifndef TANDEM_BACKENDS_REFERENCE_COMPOSITES_H_
#define TANDEM_BACKENDS_REFERENCE_COMPOSITES_H_

#include "absl/status/status.h"
#include "tandem/backends/registry.h"

namespace tandem::reference {

absl::Status RegisterComposites(Registry& registry);

// Parts of it.
void AddCalculus(KernelRegistrar& r);    // cov, trapezoid, gradient …
void AddMembership(KernelRegistrar& r);  // isin
void AddSegments(KernelRegistrar& r);    // segment_reduce, hash_tensor
void AddSoftmaxBackward(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_COMPOSITES_H_
