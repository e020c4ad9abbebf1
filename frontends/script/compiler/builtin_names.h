// Names that every program knows: print, len, range, int …

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_BUILTIN_NAMES_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_BUILTIN_NAMES_H_

#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/sugared_value.h"

namespace tandem::script {

// Null if the name is no builtin.
Sugared BuiltinName(absl::string_view name);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_BUILTIN_NAMES_H_
