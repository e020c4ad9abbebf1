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

// A program and what it runs on.
struct CanonicalProgram {
  std::shared_ptr<CompilationUnit> unit;
  // The module's object, or None.
  IValue root;
};

// The text of a whole program: its types (classes with attributes, constants,
// methods, hooks and properties; enums; interfaces; NamedTuples), all functions
// with signature and graph, and the state of `root`, an object or None:
//
//   class __torch__.Scale module
//     parameter weight : Tensor
//     method @__torch__.Scale.forward
//   function __torch__.Scale.forward of __torch__.Scale(self : …) -> (Tensor)
//     graph(%self : __torch__.Scale,
//           %x : Tensor):
//       …
//   object 0 : __torch__.Scale
//     weight = extern(0)
//   root object(0)
//
// Functions that are not compiled (Function::EnsureDefined does it) are named
// without a graph; after parsing, asking for one is an error. Objects keep
// their identity, and so do external values; equal containers and small tensors
// that two attributes share become one each.
absl::StatusOr<std::string> PrintCanonicalProgram(
    const CompilationUnit& unit, const IValue& root,
    const CanonicalPrintOptions& options = {});

// Reads it back. `options.unit` is not looked at. Errors and safety as those of
// ParseGraph; objects that refer to each other in a circle are refused.
absl::StatusOr<CanonicalProgram> ParseProgram(
    absl::string_view text, const CanonicalParseOptions& options = {});

}  // namespace tandem

#endif  // TANDEM_IR_CANONICAL_H_
