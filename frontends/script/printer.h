// From graphs back to code: what `.code` shows and what archives hold.
#ifndef TANDEM_FRONTENDS_SCRIPT_PRINTER_H_
#define TANDEM_FRONTENDS_SCRIPT_PRINTER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/source_range.h"
#include "tandem/ir/type.h"

namespace tandem::script {

// From byte `offset` of a text on (to the next entry), the range that the text
// stands for.
struct TextRange {
  size_t offset;
  SourceRange range;
};

// A method or function as PyTorch's `.code` prints it: the first parameter
// without a type, constants as CONSTANTS.c0, … of a table of its own.
absl::StatusOr<std::string> PrintFunction(Function& function);

// The code of an archive.
struct PrintedProgram {
  struct File {
    std::string qualifier;  // "__torch__.a" is the record code/__torch__/a.py
    std::string text;
    std::vector<TextRange> ranges;
  };
  // In the order in which their first definition was printed.
  std::vector<File> files;
  // CONSTANTS.c0, c1, …
  std::vector<IValue> constants;
  // The least file format version whose operators mean what the code means.
  int64_t version = 3;
};

// Prints classes (in the order in which their first objects were met; the
// first is the root's) and all types and functions that they need. Errors: a
// node that has no code (calls of Python functions, closures), loops that an
// optimisation made.
absl::StatusOr<PrintedProgram> PrintProgram(absl::Span<const TypePtr> types);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PRINTER_H_
