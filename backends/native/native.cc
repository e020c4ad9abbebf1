#include "tandem/backends/native/native.h"

#include "tandem/backends/native/families.h"
#include "tandem/backends/native/native_group.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::native {

absl::Status Register(Registry& registry) {
  TANDEM_RETURN_IF_ERROR(RegisterElementwise(registry));
  TANDEM_RETURN_IF_ERROR(RegisterReduce(registry));
  TANDEM_RETURN_IF_ERROR(RegisterSoftmax(registry));
  TANDEM_RETURN_IF_ERROR(RegisterMatmul(registry));
  TANDEM_RETURN_IF_ERROR(RegisterAttention(registry));
  TANDEM_RETURN_IF_ERROR(RegisterVision(registry));
  return RegisterGroups(registry);
}

}  // namespace tandem::native
