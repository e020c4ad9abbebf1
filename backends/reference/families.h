// The families of operators that the reference backend covers; one function a
// family, called by Register().
#ifndef TANDEM_BACKENDS_REFERENCE_FAMILIES_H_
#define TANDEM_BACKENDS_REFERENCE_FAMILIES_H_

#include "absl/status/status.h"
#include "tandem/backends/registry.h"

namespace tandem::reference {

absl::Status RegisterAttention(Registry& registry);
absl::Status RegisterConv(Registry& registry);
absl::Status RegisterDict(Registry& registry);
absl::Status RegisterFactory(Registry& registry);
absl::Status RegisterFft(Registry& registry);
absl::Status RegisterIndex(Registry& registry);
absl::Status RegisterLinalg(Registry& registry);
absl::Status RegisterList(Registry& registry);
absl::Status RegisterLoss(Registry& registry);
absl::Status RegisterMatmul(Registry& registry);
absl::Status RegisterNorm(Registry& registry);
absl::Status RegisterPointwise(Registry& registry);
absl::Status RegisterPool(Registry& registry);
absl::Status RegisterPrim(Registry& registry);
absl::Status RegisterQuantize(Registry& registry);
absl::Status RegisterQuantized(Registry& registry);
absl::Status RegisterRandom(Registry& registry);
absl::Status RegisterReduce(Registry& registry);
absl::Status RegisterScalar(Registry& registry);
absl::Status RegisterRnn(Registry& registry);
absl::Status RegisterShape(Registry& registry);
absl::Status RegisterSort(Registry& registry);
absl::Status RegisterSparse(Registry& registry);
absl::Status RegisterString(Registry& registry);
absl::Status RegisterUpsample(Registry& registry);
absl::Status RegisterVision(Registry& registry);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_FAMILIES_H_
