// The group backend "native": elementwise chains and reductions in one pass.
#ifndef TANDEM_BACKENDS_NATIVE_NATIVE_GROUP_H_
#define TANDEM_BACKENDS_NATIVE_NATIVE_GROUP_H_

#include "absl/status/status.h"
#include "tandem/backends/registry.h"

namespace tandem::native {

absl::Status RegisterGroups(Registry& registry);

}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_NATIVE_GROUP_H_
