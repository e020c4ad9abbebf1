// The text of graphs as PyTorch prints them (Graph::ToString).
#ifndef TANDEM_IR_PRINT_H_
#define TANDEM_IR_PRINT_H_

#include <string>

#include "tandem/ir/graph.h"

namespace tandem {

// "graph(%x : Tensor):\n  …  return (%y)\n", then the subgraphs of forks, each
// after "with prim::fork_0 = ". `with_locations` adds " # FILE:LINE:COL" to
// nodes whose range (the original one, if known) is in a named source.
std::string GraphToString(const Graph& graph, bool with_locations = true);

// One node with its blocks, as a line of the graph has it.
std::string NodeToString(const Node& node, bool with_locations = true);

}  // namespace tandem

#endif  // TANDEM_IR_PRINT_H_
