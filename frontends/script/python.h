// Compiles functions and classes of a Python file.

#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/source_range.h"
#include "tandem/ir/type.h"

namespace tandem::script {

// Runs a compiled function: what PythonProgram needs to make modules, whose
// __init__ computes with tensors. The room of the compiler runs nothing itself.
using RunFunction = std::function<absl::StatusOr<IValue>(
    Function* function, std::vector<IValue> arguments)>;

// A file's functions and classes, compiled when they are asked for with all
// that they use, as torch.jit.script does. Nothing of the file is run: names of
// modules (torch, math, typing) are known through the file's imports, global
// variables are not values, and functions of torch.nn.functional are those of
// functional_source.h.
//
//   TANDEM_ASSIGN_OR_RETURN(auto program, PythonProgram::Parse(&unit, source));
//   TANDEM_ASSIGN_OR_RETURN(Function* f, program->CompileFunction("f"));
class PythonProgram {
 public:
  // The unit must outlive the program. A last line without end is taken.
  static absl::StatusOr<std::unique_ptr<PythonProgram>> Parse(
      CompilationUnit* unit, std::shared_ptr<const Source> source);
  ~PythonProgram();
  PythonProgram(const PythonProgram&) = delete;
  PythonProgram& operator=(const PythonProgram&) = delete;

  // A function at the top level; its qualified name is "__torch__.NAME".
  // Errors have PyTorch's texts.
  absl::StatusOr<Function*> CompileFunction(absl::string_view name);
  // A class, enum, NamedTuple or interface at the top level.
  absl::StatusOr<TypePtr> CompileType(absl::string_view name);
  // A function or a module as an object with a method forward, as
  // torch.jit.save keeps it: a function's defaults are not kept.
  //
  // A module is made first, as Python would: `name` is a class derived from
  // torch.nn.Module ("Model") or a call that gives a module ("Model(3, bias=
  // False)", "make_model()"). Its __init__ and what that calls are interpreted;
  // `run` runs the tensor operators in it. Then the methods are compiled for
  // this instance, as torch.jit.script does. Without `run` only modules that
  // need no operator can be made.
  absl::StatusOr<Ref<ModuleObject>> CompileEntry(absl::string_view name,
                                                 const RunFunction& run = {});
  // All functions and classes of the file, into the unit: what
  // torch.jit.CompilationUnit does with a text. The first error ends it.
  absl::Status CompileAll();
  // The functions at the top level, in order.
  std::vector<std::string> function_names() const;
  // Functions and classes at the top level, by name.
  std::vector<std::string> names() const;

  class Impl;

 private:
  explicit PythonProgram(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Adds the functions of a text (`def forward(self, x: Tensor): …`) to a class
// of the unit as methods, and compiles them: torch.jit.ScriptModule.define.
// They see the class's attributes and methods, each other, and `torch`, `F`,
// `math` and the names of typing without importing them. On an error the class
// may have gained methods that do not compile. No call of the class may run.
absl::Status DefineMethods(CompilationUnit* unit, ClassType* type,
                           std::shared_ptr<const Source> source);

// The text of a file as a source of that name.
absl::StatusOr<std::shared_ptr<const Source>> ReadSource(
    const std::string& path);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_H_
