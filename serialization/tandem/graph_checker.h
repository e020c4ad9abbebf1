// Checks that a program which no compiler vouches for is well-typed.
#ifndef TANDEM_SERIALIZATION_TANDEM_GRAPH_CHECKER_H_
#define TANDEM_SERIALIZATION_TANDEM_GRAPH_CHECKER_H_

#include "absl/status/status.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem::model_file {

// The executor and the kernels take values by the types that graphs declare.
// This finds every graph whose declarations do not follow from its operators'
// schemas, its callees' signatures and its classes' attributes, beside what
// VerifyUnit finds; and functions that call themselves. InvalidArgumentError
// names function and node.
absl::Status CheckProgramTypes(const CompilationUnit& unit);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_GRAPH_CHECKER_H_
