// A class of a Python file; not for use outside of this folder.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_CLASS_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_CLASS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/python_file.h"
#include "tandem/frontends/script/python_object.h"
#include "tandem/frontends/script/tree.h"

namespace tandem::script {

class PythonClass {
 public:
  PythonClass(PythonFile* file, const ClassStmt& cls, const SyntaxTree& tree)
      : file_(*file), cls_(cls), tree_(tree) {}

  // Adds the type to the unit. Of a torch.nn.Module class methods are compiled
  // when they are used, of others all of them.
  absl::StatusOr<TypePtr> Compile(const std::string& qualified_name);
  // A method, property or static method that is not in the type (yet); null if
  // the class has no such name. `self` is null for `Class.name`.
  absl::StatusOr<Sugared> FindMember(const ClassType& type,
                                     absl::string_view name, Value* self,
                                     FunctionCompiler& f,
                                     const SourceRange& range);
  // The class and its bases, in the order in which names are looked for.
  absl::StatusOr<std::vector<ClassRef>> Lineage() const;
  // A method and the class that has it.
  struct Method {
    ClassRef cls;
    const DefStmt* def = nullptr;
  };
  // The method of this name, of the class or its bases (after `after`, where
  // super() asks); def is null if there is none.
  absl::StatusOr<Method> FindMethod(absl::string_view name,
                                    const ClassRef* after = nullptr) const;
  // What torch.jit.script compiles of a module class by itself.
  absl::StatusOr<std::vector<std::string>> EntryMethods() const;
  // Adds the module's method to its type if it is not there. A method of a base
  // that is reached by super() gets a name of its own.
  absl::StatusOr<Function*> AddModuleMethod(const ClassType& type,
                                            const Method& method,
                                            absl::string_view name = "");

  bool IsFinal(absl::string_view name) const;

  // The same signature with a body that raises: @torch.jit.unused.
  static const DefStmt* WithoutBody(const DefStmt& def, SyntaxTree* tree);

 private:
  absl::StatusOr<TypePtr> CompileInstance(const std::string& qualified_name,
                                          const std::vector<ClassRef>& lineage);

  PythonFile& file_;
  const ClassStmt& cls_;
  const SyntaxTree& tree_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_CLASS_H_
