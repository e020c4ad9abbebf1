#include "tandem/backends/reference/reference.h"

#include "tandem/backends/reference/families.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {

absl::Status Register(Registry& registry) {
  TANDEM_RETURN_IF_ERROR(RegisterShape(registry));
  TANDEM_RETURN_IF_ERROR(RegisterPointwise(registry));
  return absl::OkStatus();
}

}  // namespace tandem::reference
