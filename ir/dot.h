// Graphs as pictures: the language of Graphviz.
#ifndef TANDEM_IR_DOT_H_
#define TANDEM_IR_DOT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tandem/ir/graph.h"

namespace tandem {

// A digraph for `dot -Tsvg`: a box for each node, an edge for each value that
// one takes from another, a cluster for each block and each subgraph of a fork.
// Constants are written into the boxes of those that use them, by the name of
// the parameter where the operator's schema has one.
std::string GraphToDot(const Graph& graph, absl::string_view title = "graph");

}  // namespace tandem

#endif  // TANDEM_IR_DOT_H_
