// The files of one program: the user's, and those of PyTorch's own Python that
// it uses; not for use outside of this folder.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_MODULES_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_MODULES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/builtin_functions.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/session.h"
#include "tandem/frontends/script/python_file.h"
#include "tandem/frontends/script/python_object.h"

namespace tandem::script {

class PythonModules {
 public:
  PythonModules(CompilationUnit* unit, std::shared_ptr<const Source> source);

  PythonFile& main() { return *main_; }
  Session& session() { return session_; }
  CompilationUnit& unit() { return unit_; }
  // But for its resolver.
  const CompileContext& context() const { return context_; }

  // The value of a name with dots ("torch.nn.functional.relu"); null if it is
  // unknown.
  absl::StatusOr<Sugared> Qualified(const std::string& name,
                                    FunctionCompiler& f,
                                    const SourceRange& range);
  // The file of PyTorch that has this name, and the name in it; null if there
  // is none.
  PythonFile* FindLibrary(absl::string_view name, std::string* rest);
  // A class by such a name.
  absl::StatusOr<TypePtr> QualifiedType(const std::string& name);

  // Which file and class a type was made of, and what the instance has that is
  // no attribute of the type; null for other types.
  struct Origin {
    PythonFile* file = nullptr;
    const ClassStmt* cls = nullptr;
    ModuleKind kind = ModuleKind::kPlain;
    // Attributes that are functions: of a file, or by their full names.
    absl::flat_hash_map<std::string, Py> functions;
    // Why an attribute could not be had.
    absl::flat_hash_map<std::string, std::string> failed;
  };
  const Origin* FindOrigin(const ClassType& type) const;
  void AddOrigin(const ClassType* type, PythonFile* file,
                 const ClassStmt* cls) {
    Origin& origin = origins_[type];
    origin.file = file;
    origin.cls = cls;
  }
  Origin& origin(const ClassType* type) { return origins_[type]; }
  // In which class a method of a module was found: what super() starts from.
  void AddMethodClass(const Function* method, ClassRef cls) {
    method_classes_[method] = cls;
  }
  ClassRef MethodClass(const Function* method) const {
    const auto found = method_classes_.find(method);
    return found == method_classes_.end() ? ClassRef{} : found->second;
  }

  // Compiles what was found and is not compiled yet.
  absl::Status Finish();
  void AddPending(Function* function) { pending_.push_back(function); }

 private:
  CompilationUnit& unit_;
  Session session_;
  BuiltinFunctions builtins_;
  CompileContext context_;
  std::unique_ptr<PythonFile> main_;
  absl::flat_hash_map<std::string, std::unique_ptr<PythonFile>> libraries_;
  absl::flat_hash_map<const ClassType*, Origin> origins_;
  absl::flat_hash_map<const Function*, ClassRef> method_classes_;
  std::vector<Function*> pending_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_MODULES_H_
