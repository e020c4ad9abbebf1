// The passes that come with tandem.
#ifndef TANDEM_PASSES_BUILTIN_H_
#define TANDEM_PASSES_BUILTIN_H_

#include "absl/status/status.h"
#include "tandem/passes/pass.h"

namespace tandem {

// Adds them and the preset `inference`.
absl::Status RegisterPasses(PassRegistry& registry);

}  // namespace tandem

#endif  // TANDEM_PASSES_BUILTIN_H_
