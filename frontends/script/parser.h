// TorchScript's text to syntax trees.

#ifndef TANDEM_FRONTENDS_SCRIPT_PARSER_H_
#define TANDEM_FRONTENDS_SCRIPT_PARSER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/frontends/script/lexer.h"
#include "tandem/frontends/script/tree.h"
#include "tandem/ir/source_range.h"

namespace tandem::script {

// How deep expressions, blocks and definitions may nest, taken together.
// Chains of binary operators of one level (`a + b + c + …`) do not nest.
inline constexpr int kMaxNesting = 256;
// How high an expression may be; `a.b.c.d` is three high.
inline constexpr int kMaxHeight = 512;

// Parses a whole file: definitions and classes, and before them the lines
// `op_version_set = N` and `import …` of old archives, which are skipped.
// kPython takes any statement at the top level. The last line needs its end.
//
// Errors are kInvalidArgument with PyTorch's text: the message, and the place
// underlined. Time and memory are linear in the text's size.
absl::StatusOr<std::unique_ptr<SyntaxTree>> ParseFile(
    std::shared_ptr<const Source> source,
    Dialect dialect = Dialect::kTorchScript);

// A statement of a Python file's top level, with its decorators.
struct PythonPart {
  size_t begin = 0;
  size_t end = 0;
  std::string name;  // of a function or class
};

// Splits a Python file at its top level, without parsing: a function may use
// Python that is not understood, and the others still be compiled.
std::vector<PythonPart> SplitPython(const Source& source);
absl::StatusOr<std::unique_ptr<SyntaxTree>> ParsePythonPart(
    std::shared_ptr<const Source> source, const PythonPart& part,
    std::shared_ptr<const SourceParts> shown = nullptr);
// The pieces that errors in these parts show.
std::shared_ptr<const SourceParts> ShownParts(
    const Source& source, const std::vector<PythonPart>& parts);

// Parses a text that is one expression: a type annotation in a string, say.
// `*expr` lives in the tree.
absl::StatusOr<std::unique_ptr<SyntaxTree>> ParseExpression(
    std::shared_ptr<const Source> source, const Expr** expr,
    Dialect dialect = Dialect::kTorchScript);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PARSER_H_
