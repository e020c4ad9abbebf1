// A module as passes see it: its program and its object.
#ifndef TANDEM_PASSES_PROGRAM_H_
#define TANDEM_PASSES_PROGRAM_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"

namespace tandem {

// What a runtime's Module is made of.
struct Program {
  std::shared_ptr<CompilationUnit> unit;
  Ref<ModuleObject> object;
  // Of a derived program: the unit that it was derived from first, whose
  // classes and functions it still refers to. Kept alive by `unit`.
  std::shared_ptr<CompilationUnit> base;

  const ClassType& type() const { return *object->type(); }
};

struct DeriveOptions {
  // Which methods and attributes of the module's own class are kept; empty: all
  // of them. Hooks and accessors are always kept.
  std::function<bool(absl::string_view)> keep_method;
  std::function<bool(absl::string_view)> keep_attribute;
  // Graphs are moved instead of copied: `program` is not used any more.
  bool consume = false;
};

// A program of its own that does the same: a new class of the same name
// with copies of the
// methods, which passes may change while the original goes on as it was.
// Modules in the tree are copied (shared ones stay shared), what else their
// attributes hold is shared. Calls of other classes' methods go to the original
// ones. A method that does not compile keeps its error.
absl::StatusOr<Program> Derive(const Program& program,
                               const DeriveOptions& options = {});

// Methods, hooks and accessors of the module's own class, each once.
std::vector<Function*> FunctionsOf(const Program& program);

// Notes in the classes which attributes a function of the unit stores to
// (ClassType::Attribute::is_written). Compiles the whole unit; what fails to
// compile fails again when it is called.
void MarkWrittenAttributes(const CompilationUnit& unit);

}  // namespace tandem

#endif  // TANDEM_PASSES_PROGRAM_H_
