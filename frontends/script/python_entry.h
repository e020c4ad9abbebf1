// Functions and modules of a file as objects that can be called and saved; not
// for use outside of this folder.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_ENTRY_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_ENTRY_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/python.h"
#include "tandem/frontends/script/python_modules.h"

namespace tandem::script {

// See PythonProgram::CompileEntry.
absl::StatusOr<Ref<ModuleObject>> CompilePythonEntry(PythonModules* modules,
                                                     absl::string_view name,
                                                     const RunFunction& run);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_ENTRY_H_
