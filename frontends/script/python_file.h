// One Python file's names; not for use outside of this folder.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_FILE_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_FILE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/resolver.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/frontends/script/python_object.h"
#include "tandem/frontends/script/tree.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/source_range.h"

namespace tandem::script {

class PythonModules;

// The definitions of a file by name, compiled when they are asked for, and its
// imports and global variables. Names inside the file resolve as Python would.
class PythonFile : public Resolver {
 public:
  // `module` ("torch.autograd.grad_mode") is empty for the user's own file. A
  // definition that does not parse is an error only for who asks for it.
  PythonFile(PythonModules* modules, std::string module,
             std::shared_ptr<const Source> source);
  ~PythonFile() override;

  // Definitions of functions, in order.
  const std::vector<std::string>& function_names() const {
    return function_names_;
  }
  // All definitions, by name.
  std::vector<std::string> names() const;
  // The class of this name; null if the name is no class.
  absl::StatusOr<const ClassStmt*> FindClass(absl::string_view name) const;
  bool Defines(absl::string_view name) const {
    return definitions_.contains(name);
  }
  // The tree of a definition, which must be there.
  const SyntaxTree& tree(absl::string_view name) const {
    return *definitions_.find(name)->second.tree;
  }
  // Whether the class comes from torch.nn.Module.
  bool IsModule(const ClassStmt& cls);
  // "__torch__.MODULE.NAME".
  std::string Qualify(absl::string_view name) const;
  // What a class's base names, in this file or PyTorch's; no class if unknown.
  absl::StatusOr<ClassRef> FindBase(const ClassStmt& cls, const Expr& base);

  // Null if there is none.
  absl::StatusOr<Function*> FindFunction(absl::string_view name);
  absl::StatusOr<TypePtr> FindType(absl::string_view name);

  absl::StatusOr<Sugared> ResolveValue(absl::string_view name,
                                       FunctionCompiler& f,
                                       const SourceRange& range) override;
  absl::StatusOr<TypePtr> ResolveType(absl::string_view name,
                                      const SourceRange& range) override;
  absl::StatusOr<Sugared> ResolveMember(const ClassType& type,
                                        absl::string_view name, Value* self,
                                        FunctionCompiler& f,
                                        const SourceRange& range) override;

  bool IsFinal(const ClassType& type, absl::string_view name) override;
  bool HasMember(const ClassType& type, absl::string_view name) override;
  absl::StatusOr<Sugared> ResolveContainer(const ClassType& type, Value* self,
                                           FunctionCompiler& f,
                                           const SourceRange& range) override;

  // `torch`, `F`, `math`, `Tensor`, `List` …, where the file does not say it.
  void ImportUsualNames();
  // The file's functions as methods of a class.
  absl::Status AddMethods(ClassType* type);

  // What this file's class has of that name, where it is no attribute yet.
  absl::StatusOr<Sugared> FindMember(const ClassStmt& cls,
                                     const ClassType& type,
                                     absl::string_view name, Value* self,
                                     FunctionCompiler& f,
                                     const SourceRange& range);

 private:
  friend class PythonClass;
  friend class PythonInterpreter;
  friend class ModuleCompiler;
  struct Definition {
    const SyntaxTree* tree = nullptr;
    const Stmt* stmt = nullptr;
    absl::Status status;  // why it cannot be had
  };
  // A variable of the file.
  struct Global {
    const SyntaxTree* tree = nullptr;
    const Expr* value = nullptr;
    int assignments = 0;
  };

  void Add(const SyntaxTree& tree, const Stmt* stmt);
  void AddGlobal(const SyntaxTree& tree, const Expr& target, const Expr* value);
  absl::StatusOr<Sugared> GlobalValue(absl::string_view name,
                                      const Global& global, FunctionCompiler& f,
                                      const SourceRange& range);
  // A name of this file as its module knows it: "nn.Module" is
  // "torch.nn.Module" after `import torch.nn as nn`.
  std::string Imported(const Expr& expr) const;
  bool IsException(const ClassStmt& cls) const;
  absl::Status Error(const SyntaxTree& tree, TextSpan span,
                     absl::string_view message) const;

  PythonModules& modules_;
  const std::string module_;
  CompileContext context_;
  const std::vector<PythonPart> parts_;
  const std::shared_ptr<const SourceParts> shown_;
  SyntaxTree scratch_;  // for classes that were put together
  std::vector<std::unique_ptr<SyntaxTree>> trees_;
  absl::flat_hash_map<std::string, Definition> definitions_;
  absl::flat_hash_map<std::string, std::string> imports_;
  absl::flat_hash_map<std::string, Global> globals_;
  absl::flat_hash_map<std::string, Function*> functions_;
  absl::flat_hash_map<const DefStmt*, Function*> methods_;
  std::vector<std::string> function_names_;
};

// True of `@name` and `@….name`, called or not.
bool HasDecorator(List<const Expr*> decorators, absl::string_view name);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_FILE_H_
