#include "tandem/backends/reference/reference.h"

#include "tandem/backends/reference/composites.h"
#include "tandem/backends/reference/families.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {

absl::Status Register(Registry& registry) {
  TANDEM_RETURN_IF_ERROR(RegisterShape(registry));
  TANDEM_RETURN_IF_ERROR(RegisterPointwise(registry));
  TANDEM_RETURN_IF_ERROR(RegisterMatmul(registry));
  TANDEM_RETURN_IF_ERROR(RegisterConv(registry));
  TANDEM_RETURN_IF_ERROR(RegisterPool(registry));
  TANDEM_RETURN_IF_ERROR(RegisterNorm(registry));
  TANDEM_RETURN_IF_ERROR(RegisterFactory(registry));
  TANDEM_RETURN_IF_ERROR(RegisterUpsample(registry));
  TANDEM_RETURN_IF_ERROR(RegisterScalar(registry));
  TANDEM_RETURN_IF_ERROR(RegisterString(registry));
  TANDEM_RETURN_IF_ERROR(RegisterList(registry));
  TANDEM_RETURN_IF_ERROR(RegisterDict(registry));
  TANDEM_RETURN_IF_ERROR(RegisterPrim(registry));
  TANDEM_RETURN_IF_ERROR(RegisterFft(registry));
  TANDEM_RETURN_IF_ERROR(RegisterVision(registry));
  TANDEM_RETURN_IF_ERROR(RegisterRandom(registry));
  TANDEM_RETURN_IF_ERROR(RegisterReduce(registry));
  TANDEM_RETURN_IF_ERROR(RegisterRnn(registry));
  TANDEM_RETURN_IF_ERROR(RegisterAttention(registry));
  TANDEM_RETURN_IF_ERROR(RegisterLoss(registry));
  TANDEM_RETURN_IF_ERROR(RegisterQuantize(registry));
  TANDEM_RETURN_IF_ERROR(RegisterLinalg(registry));
  TANDEM_RETURN_IF_ERROR(RegisterSparse(registry));
  TANDEM_RETURN_IF_ERROR(RegisterQuantized(registry));
  TANDEM_RETURN_IF_ERROR(RegisterIndex(registry));
  TANDEM_RETURN_IF_ERROR(RegisterSort(registry));
  TANDEM_RETURN_IF_ERROR(RegisterComposites(registry));
  return absl::OkStatus();
}

}  // namespace tandem::reference
