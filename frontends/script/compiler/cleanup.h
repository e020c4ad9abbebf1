// The passes that give a compiled graph PyTorch's final form. They belong to
// compiling: graphs of archives are compared and printed in this form.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_CLEANUP_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_CLEANUP_H_

#include "absl/status/status.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/operator_table.h"

namespace tandem::script {

class FunctionCompiler;

// Operators with several names get one: multiply is mul, clip is clamp.
void NormalizeOperators(Graph* graph, const OperatorTable& operators);

// Lifts closures, inlines them into forks, removes tuples that are only taken
// apart, folds constants of immutable types, pools constants and orders the
// results of branches and loops.
absl::Status CleanUp(Graph* graph, FunctionCompiler* compiler);

// --- its parts

// closures.cc
absl::Status LiftClosures(Block* block, FunctionCompiler* compiler);
absl::Status InlineForkedClosures(Block* block, FunctionCompiler* compiler);
// constant_propagation.cc: true if something changed.
bool PropagateImmutableConstants(Graph* graph);
// constant_pooling.cc
void PoolConstants(Graph* graph);
// canonicalize_outputs.cc
void CanonicalizeOutputs(Block* block);
// dead_code.cc
void EliminateDeadCode(Graph* graph);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_CLEANUP_H_
