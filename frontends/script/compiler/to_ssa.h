// From variables as loads and stores to static single assignment.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_TO_SSA_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_TO_SSA_H_

#include "absl/status/status.h"
#include "tandem/ir/graph.h"

namespace tandem::script {

class FunctionCompiler;

// Makes variables that branches and loops change their nodes' results and
// carried values, break and continue prim::LoopContinuation nodes, puts the
// conditions of loops into their bodies, and replaces prim::Load and
// prim::Store by the values themselves. Exits stay: see exit_transform.h.
void ConvertToSsa(Graph* graph);

// Loops with both a trip count and a condition of their own become while loops
// with a counter: so they can be written as code.
absl::Status CanonicalizeModifiedLoops(FunctionCompiler* compiler);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_TO_SSA_H_
