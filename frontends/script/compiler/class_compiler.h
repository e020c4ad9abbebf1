// Class texts to types: classes, modules, NamedTuples, enums, interfaces.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_CLASS_COMPILER_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_CLASS_COMPILER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/tree.h"

namespace tandem::script {

// Adds the type to the context's unit. Its methods are compiled when they are
// first asked for; `functions` gets them, so that the caller may ask.
absl::Status CompileClass(const CompileContext& context, const SyntaxTree& tree,
                          std::string qualified_name, const ClassStmt& cls,
                          std::vector<Function*>* functions);

// Lets the function compile itself from `def` when it is first asked for. The
// tree and what the context points to must live until then.
void DefineFunction(const CompileContext& context, const SyntaxTree& tree,
                    Function* function, const DefStmt& def,
                    const ClassType* self);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_CLASS_COMPILER_H_
