// Pictures of graphs of the FX dialect.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_GRAPH_DRAWER_H_
#define TANDEM_FRONTENDS_SYMBOLIC_GRAPH_DRAWER_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/symbolic/graph_module.h"

namespace tandem::fx {

// A digraph for Graphviz: a box for each node with what torch.fx's
// FxGraphDrawer writes into it (name, opcode, target, what a module is made
// of, arguments that are no nodes, users, and what ShapeProp found), an edge
// for each use, a color for each opcode.
std::string GraphToDot(GraphModule& module, absl::string_view name = "graph");

// The picture as SVG, by the program `dot`. NotFoundError when there is none.
absl::Status WriteSvg(GraphModule& module, const std::string& path,
                      absl::string_view name = "graph");

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_GRAPH_DRAWER_H_
