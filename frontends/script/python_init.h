// The __init__ of a torch.nn.Module class; not for use outside of this folder.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_INIT_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_INIT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/sugared_value.h"

namespace tandem::script {

// `super` in a method: `super().__init__()` of a class that has no bases but
// torch.nn.Module or object does nothing.
Sugared MakeSuper();

// `self.register_buffer(name, value)` and `register_parameter`; null for other
// names. They define an attribute, so they work in __init__ only.
Sugared RegisterMethod(absl::string_view name, Value* self);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_INIT_H_
