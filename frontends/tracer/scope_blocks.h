// From the blocks of submodule calls in a recorded graph to methods.
#ifndef TANDEM_FRONTENDS_TRACER_SCOPE_BLOCKS_H_
#define TANDEM_FRONTENDS_TRACER_SCOPE_BLOCKS_H_

#include "absl/status/status.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/graph.h"

namespace tandem::tracer {

// Makes each call of a submodule a method of its class ("forward", a further
// call "forward1"), reads of attributes prim::GetAttr in the method that needs
// them, and values that a method uses from outside its arguments. The graph's
// first input is the module itself. Removes dead code and tuples that are
// unpacked at once. As PyTorch's FixupTraceScopeBlocks.
absl::Status FixupScopeBlocks(Graph* graph, CompilationUnit* unit);

// The cleaning alone: for the trace of a function.
absl::Status CleanUp(Graph* graph);

// Tensors of a type, also within others, as the plain Tensor.
TypePtr WithoutShape(const TypePtr& type);

// The signature of a traced graph: names of its inputs, types without shapes.
FunctionSchema SchemaOf(const Graph& graph, absl::string_view name);

}  // namespace tandem::tracer

#endif  // TANDEM_FRONTENDS_TRACER_SCOPE_BLOCKS_H_
