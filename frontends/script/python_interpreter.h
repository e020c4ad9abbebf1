// Runs the Python code that makes modules: __init__ and what it calls.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_INTERPRETER_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_INTERPRETER_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/python.h"
#include "tandem/frontends/script/python_file.h"
#include "tandem/frontends/script/python_modules.h"
#include "tandem/frontends/script/python_object.h"

namespace tandem::script {

struct PyArguments {
  std::vector<Py> positional;
  std::vector<std::pair<std::string, Py>> named;
};

// Walks the syntax trees of a program's files with Python's own semantics, as
// far as the making of models needs them: functions, classes, modules,
// containers, numbers, texts. What it does not know itself it lets the compiler
// make a function of (`v0[v1:] = v2`, `torch.rand(v0, v1)`) and runs that.
// Steps, and calls inside of calls, are bounded.
class PythonInterpreter {
 public:
  PythonInterpreter(PythonModules* modules, const RunFunction* run)
      : modules_(*modules), run_(*run) {}

  // Calls a function or class, or the forward of a module.
  absl::StatusOr<Py> Call(const Py& callee, PyArguments args,
                          const SourceRange& range);
  // An expression of the user's file: `Model(3, width=4)`.
  absl::StatusOr<Py> EvaluateIn(PythonFile* file, const SyntaxTree& tree,
                                const Expr& expr);
  absl::StatusOr<Py> GetAttribute(const Py& object, absl::string_view name,
                                  const SourceRange& range);

  // The class and its bases, in the order in which names are looked for;
  // errors name a base that is not known.
  absl::StatusOr<std::vector<ClassRef>> Bases(const ClassRef& cls);
  // What the class or a base assigns to a name (`k = 3`); null if nothing does.
  absl::StatusOr<Py> ClassVariable(const ClassRef& cls, absl::string_view name);

 private:
  enum class Flow { kNext, kBreak, kContinue, kReturn };
  using Frame = std::shared_ptr<PyFrame>;

  // --- statements: python_interpreter.cc
  absl::StatusOr<Flow> Run(List<const Stmt*> statements, const Frame& frame,
                           Py* result);
  absl::StatusOr<Flow> RunStatement(const Stmt& stmt, const Frame& frame,
                                    Py* result);
  absl::StatusOr<Flow> RunFor(const ForStmt& stmt, const Frame& frame,
                              Py* result);
  absl::Status Assign(const Expr& target, const Py& value, const Frame& frame);
  absl::Status SetAttribute(const Py& object, absl::string_view name, Py value,
                            const SourceRange& range);
  absl::Status SetItem(const SubscriptExpr& target, const Py& value,
                       const Frame& frame);
  absl::Status Raise(const Expr* value, const Frame& frame,
                     const SourceRange& range);

  // --- expressions: python_expressions.cc
  absl::StatusOr<Py> Evaluate(const Expr& expr, const Frame& frame);
  absl::StatusOr<Py> EvaluateName(absl::string_view name, const Frame& frame,
                                  const SourceRange& range);
  absl::StatusOr<Py> EvaluateCall(const CallExpr& call, const Frame& frame);
  absl::StatusOr<Py> EvaluateBinary(const BinaryExpr& expr, const Frame& frame);
  absl::StatusOr<Py> BinaryOn(int op, const Py& a, const Py& b,
                              const SourceRange& range);
  absl::StatusOr<Py> EvaluateSubscript(const SubscriptExpr& expr,
                                       const Frame& frame);
  // The text of `[…]` after a tensor, with its parts as arguments.
  absl::StatusOr<std::string> SubscriptText(List<const Expr*> subscripts,
                                            const Frame& frame,
                                            std::vector<Py>* values);
  absl::Status Comprehend(
      const Expr& target, const Expr& iterable, List<const Expr*> conditions,
      List<ComprehensionFor> more, const Frame& frame,
      const std::function<absl::Status(const Frame&)>& element);
  absl::StatusOr<PyArguments> EvaluateArguments(const CallExpr& call,
                                                const Frame& frame);
  absl::StatusOr<Py> FileName(PythonFile& file, absl::string_view name,
                              const SourceRange& range);
  absl::StatusOr<Py> QualifiedName(const std::string& name,
                                   const SourceRange& range);

  // --- objects: python_objects.cc
  absl::StatusOr<bool> Truth(const Py& value, const SourceRange& range);
  absl::StatusOr<std::vector<Py>> Iterate(const Py& iterable,
                                          const SourceRange& range);
  absl::StatusOr<Py> CallFunction(const Py& function, PyArguments args,
                                  const SourceRange& range);
  absl::StatusOr<Py> Instantiate(const ClassRef& cls, PyArguments args,
                                 const SourceRange& range);
  absl::StatusOr<Py> MakeNamedTuple(const ClassRef& cls, PyArguments args,
                                    const SourceRange& range);
  // The method of this name after `after` among the bases; null if none.
  absl::StatusOr<Py> FindMethod(const ClassRef& cls, absl::string_view name,
                                const ClassRef* after = nullptr);
  absl::StatusOr<Py> BindMember(const Py& member, const Py& self,
                                const ClassRef& cls, const SourceRange& range);
  absl::StatusOr<bool> IsInstance(const Py& value, const Py& type,
                                  const SourceRange& range);
  Py DeepCopy(const Py& value, absl::flat_hash_map<PyObject*, Py>* copies);

  // --- builtins: python_builtins.cc
  absl::StatusOr<Py> CallName(const std::string& name, PyArguments args,
                              const SourceRange& range);
  absl::StatusOr<Py> CallBound(const PyObject& bound, PyArguments args,
                               const SourceRange& range);
  absl::StatusOr<Py> CallModuleMethod(const std::string& name, const Py& self,
                                      PyArguments& args,
                                      const SourceRange& range);
  absl::Status InitContainer(const Py& self, PyArguments& args,
                             const SourceRange& range);
  absl::StatusOr<Py> CallListMethod(const std::string& name, const Py& self,
                                    PyArguments& args,
                                    const SourceRange& range);
  absl::StatusOr<Py> CallDictMethod(const std::string& name, const Py& self,
                                    PyArguments& args,
                                    const SourceRange& range);

  // Compiles `text`, where v0, v1, … are the values, and runs it. `callee` and
  // `arguments` make a call's text.
  absl::StatusOr<Py> Compiled(const std::string& text,
                              const std::vector<Py>& values,
                              const SourceRange& range,
                              absl::string_view statement = "return ");
  std::string ArgumentsText(const PyArguments& args, std::vector<Py>* values);

  absl::Status Step(const SourceRange& range);
  template <typename... Args>
  absl::Status Error(const SourceRange& range, const Args&... args) {
    return modules_.session().Error(range, absl::StrCat(args...));
  }

  static constexpr int64_t kMaxSteps = 3'000'000;
  static constexpr int kMaxCalls = 100;

  PythonModules& modules_;
  const RunFunction& run_;
  int64_t steps_ = 0;
  int calls_ = 0;
  int copy_depth_ = 0;
  absl::flat_hash_map<std::string, Py> globals_;  // by file and name
  absl::flat_hash_map<std::string, Py> class_variables_;
  struct Snippet {
    CompilationUnit unit;
    std::unique_ptr<PythonProgram> program;
    Function* function = nullptr;
  };
  absl::flat_hash_map<std::string, std::unique_ptr<Snippet>> snippets_;
};

// torch.nn.modules.container.ModuleList and the like.
ModuleKind ContainerKind(absl::string_view qualified_name);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_INTERPRETER_H_
