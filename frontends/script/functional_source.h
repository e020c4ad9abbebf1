// The functions of torch.nn.functional that are Python there, as TorchScript.

#ifndef TANDEM_FRONTENDS_SCRIPT_FUNCTIONAL_SOURCE_H_
#define TANDEM_FRONTENDS_SCRIPT_FUNCTIONAL_SOURCE_H_

#include "absl/strings/string_view.h"

namespace tandem::script {

// Definitions by their names in torch.nn.functional, with PyTorch's parameters;
// those that only warn or rename are left out of the bodies.
absl::string_view FunctionalSource();

// Further parts of the same file.
absl::string_view MoreFunctionalSource();
absl::string_view ResizeFunctionalSource();

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_FUNCTIONAL_SOURCE_H_
