// Early exits (return, break, continue) to values and conditions.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_EXIT_TRANSFORM_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_EXIT_TRANSFORM_H_

#include "absl/status/status.h"
#include "tandem/frontends/script/compiler/session.h"
#include "tandem/ir/graph.h"

namespace tandem::script {

// Removes prim::ReturnStmt and prim::LoopContinuation: what follows a node that
// may have exited goes into a prim::If over a flag, and the values that were
// exited with become results. Fails only if blocks come to nest too deeply.
absl::Status TransformExits(Graph* graph, Session* session);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_EXIT_TRANSFORM_H_
