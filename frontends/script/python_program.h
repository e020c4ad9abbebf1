// What is behind python.h; not for use elsewhere.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_PROGRAM_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_PROGRAM_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/builtin_functions.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/resolver.h"
#include "tandem/frontends/script/compiler/session.h"
#include "tandem/frontends/script/python.h"
#include "tandem/frontends/script/tree.h"

namespace tandem::script {

class PythonProgram::Impl : public Resolver {
 public:
  Impl(CompilationUnit* unit, std::shared_ptr<const Source> source);

  const std::vector<std::string>& function_names() const {
    return function_names_;
  }

  // --- python_program.cc
  // A function of the file; null if there is none.
  absl::StatusOr<Function*> FindFunction(absl::string_view name);
  absl::StatusOr<TypePtr> FindType(absl::string_view name);
  // Compiles what was found and is not compiled yet.
  absl::Status Finish();
  absl::StatusOr<Sugared> ResolveValue(absl::string_view name,
                                       FunctionCompiler& f,
                                       const SourceRange& range) override;
  absl::StatusOr<TypePtr> ResolveType(absl::string_view name,
                                      const SourceRange& range) override;
  absl::StatusOr<Function*> ResolveMethod(const ClassType& type,
                                          absl::string_view name) override;
  // The value of a name in a module ("torch.nn.functional.relu").
  absl::StatusOr<Sugared> Qualified(const std::string& name,
                                    FunctionCompiler& f,
                                    const SourceRange& range);

  // --- python_functional.cc
  // A function of torch.nn.functional; null if there is none.
  absl::StatusOr<Function*> FindFunctional(absl::string_view name);

  // --- python_entry.cc
  absl::StatusOr<Ref<ModuleObject>> CompileEntry(absl::string_view name);

 private:
  struct Definition {
    const SyntaxTree* tree = nullptr;
    const Stmt* stmt = nullptr;
    absl::Status status;  // why it cannot be had
  };
  // A variable of the file. Its value is known where the file sets it once, to
  // a literal that cannot change.
  struct Global {
    const SyntaxTree* tree = nullptr;
    const Expr* value = nullptr;
    std::string type;  // Python's name of it
    int assignments = 0;
  };

  void Add(const SyntaxTree& tree, const Stmt* stmt);
  void AddGlobal(const SyntaxTree& tree, const Expr& target, const Expr* value);
  absl::StatusOr<Sugared> GlobalValue(const Global& global, FunctionCompiler& f,
                                      const SourceRange& range);
  // The base class's name as its module knows it ("torch.nn.Module").
  std::string QualifiedName(const Expr& expr) const;
  bool IsModuleClass(const ClassStmt& cls) const;
  absl::StatusOr<Ref<ModuleObject>> FunctionEntry(Function* function);
  absl::StatusOr<Ref<ModuleObject>> ModuleEntry(absl::string_view name,
                                                const ClassStmt& cls);

  CompilationUnit& unit_;
  Session session_;
  BuiltinFunctions builtins_;
  CompileContext context_;
  CompileContext functional_context_;
  std::unique_ptr<Resolver> functional_resolver_;
  std::vector<std::unique_ptr<SyntaxTree>> trees_;
  std::unique_ptr<SyntaxTree> functional_tree_;
  absl::flat_hash_map<std::string, Definition> definitions_;
  absl::flat_hash_map<std::string, std::string> imports_;
  absl::flat_hash_map<std::string, Global> globals_;
  absl::flat_hash_map<std::string, Function*> functions_;
  std::vector<std::string> function_names_;
  std::vector<Function*> pending_;
};

// A module of Python's or PyTorch's, by its real name.
Sugared MakeModuleName(std::string name, PythonProgram::Impl* program);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_PROGRAM_H_
