// Scripted functions and modules from source text.
#ifndef TANDEM_EXAMPLES_HYBRID_SCRIPT_H_
#define TANDEM_EXAMPLES_HYBRID_SCRIPT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tandem/frontends/eager/script_function.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/module.h"

namespace tandem::examples {

// A function of a Python file's text. All throw Error.
eager::ScriptFunction ScriptFunction(
    const std::shared_ptr<CompilationUnit>& unit, const std::string& source,
    const std::string& name);

// A module of the class `name` in `source`, which is written as in archives;
// classes of the unit are known by their qualified names. `members` are the
// attributes that are not None.
Module ScriptModule(const std::shared_ptr<CompilationUnit>& unit,
                    const std::string& source, const std::string& name,
                    std::vector<std::pair<std::string, IValue>> members);

// What `.graph` and `.code` show of a method or a function.
std::string Graph(const Function& function);
std::string Code(Function& function);

}  // namespace tandem::examples

#endif  // TANDEM_EXAMPLES_HYBRID_SCRIPT_H_
