// What the names of Python's and PyTorch's modules mean to the compiler.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_PYTHON_NAMES_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_PYTHON_NAMES_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/function_compiler.h"

namespace tandem::script {

// The value of "math.pi", "torch.float32", "torch.add", "torch.jit.fork" … ;
// null for names that are none: modules, or unknown.
absl::StatusOr<Sugared> PythonName(absl::string_view qualified_name,
                                   FunctionCompiler& f,
                                   const SourceRange& range);

// True of "torch", "torch.nn", "math" …
bool IsPythonModule(absl::string_view qualified_name);

// True of "open", "map", "type": what Python has and TorchScript has not.
bool IsPythonBuiltin(absl::string_view name);
absl::Status PythonBuiltinError(FunctionCompiler& f, const SourceRange& range,
                                absl::string_view name);

// The exception class of a builtin's name ("ValueError"); null if it is none.
Sugared PythonException(absl::string_view name);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_PYTHON_NAMES_H_
