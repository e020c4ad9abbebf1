// What is Python in PyTorch and compiled into programs that use it.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_LIBRARY_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_LIBRARY_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tandem::script {

// The text of a module's file ("torch.autograd.grad_mode"); empty if there is
// none.
absl::string_view LibrarySource(absl::string_view module);

// The name where it is defined ("torch.no_grad" is
// "torch.autograd.grad_mode.no_grad"); the name itself if that is there.
std::string LibraryName(absl::string_view name);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_LIBRARY_H_
