// The canonical text of the IR: lossless, and read back by a parser.
//
//   graph(%x : Tensor, %w : Tensor):
//     %1 : int = prim::Constant[value=1]()
//     %y : Tensor = aten::add.Tensor(%x, %w, %1)
//     return (%y)
//
// For tests of passes, files of reproducers and whatever compares programs.
// Printing what was parsed gives the same text: overloads are named, unnamed
// values are numbered in the order of the text, numbers are written so that
// they come back bit by bit.
#ifndef TANDEM_IR_CANONICAL_H_
#define TANDEM_IR_CANONICAL_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/graph.h"

namespace tandem {

struct CanonicalPrintOptions {
  // Where nodes come from (" at 0[12:40]") and, behind the graph, the sources
  // with their text.
  bool ranges = false;
  // Takes what has no place in a text, written as extern(INDEX): tensors of
  // more than `max_inline_elements`, sparse and quantized ones, generators,
  // futures, objects. Equal references share an entry; entries that are there
  // already are kept and found again. Without it all dense tensors are written
  // out, and the rest is an error.
  std::vector<IValue>* externals = nullptr;
  int64_t max_inline_elements = 16;
};

// A graph with the subgraphs of its forks. Classes, enums, interfaces and
// functions are named, not defined. InvalidArgumentError: something that has
// no text (see `externals`), a malformed graph, containers nested more than 256
// deep.
absl::StatusOr<std::string> PrintCanonical(
    const Graph& graph, const CanonicalPrintOptions& options = {});

struct CanonicalParseOptions {
  // Rows that nodes may name; null: those that come with tandem.
  const OperatorTable* operators = nullptr;
  // Where named types and functions are looked up (null: there are none). It
  // must live as long as the graph.
  const CompilationUnit* unit = nullptr;
  // What extern(INDEX) stands for.
  const std::vector<IValue>* externals = nullptr;
  // Checks the result with VerifyGraph.
  bool verify = true;
};

// Reads a graph. Beyond what PrintCanonical writes it takes text by hand:
// comments (# to the end of the line), free layout, a missing " : TYPE" (a
// parameter is a Tensor, a result has the type its operator's schema says),
// and literals in place of inputs, which become constants:
//
//   %y = aten::add.Tensor(%x, %w, 1)
//
// InvalidArgumentError names line, column and what was expected there. Any
// text is safe: nesting is bounded, memory and time are in proportion to it.
absl::StatusOr<std::unique_ptr<Graph>> ParseGraph(
    absl::string_view text, const CanonicalParseOptions& options = {});

// The same with operators of a table.
absl::StatusOr<std::unique_ptr<Graph>> ParseGraph(
    absl::string_view text, const OperatorTable& operators);

}  // namespace tandem

#endif  // TANDEM_IR_CANONICAL_H_
