// torch.nn.functional's functions, whose names are that module's.

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/class_compiler.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/functional_source.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/frontends/script/python_program.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

constexpr absl::string_view kFunctional = "torch.nn.functional.";

class FunctionalResolver : public Resolver {
 public:
  explicit FunctionalResolver(PythonProgram::Impl* program)
      : program_(*program) {}
  absl::StatusOr<Sugared> ResolveValue(absl::string_view name,
                                       FunctionCompiler& f,
                                       const SourceRange& range) override {
    if (name == "torch") return MakeModuleName("torch", &program_);
    if (name == "annotate") {
      return Sugared(std::make_shared<SpecialForm>(Form::kAnnotate));
    }
    if (Sugared exception = PythonException(name)) return exception;
    return program_.Qualified(absl::StrCat(kFunctional, name), f, range);
  }
  absl::StatusOr<TypePtr> ResolveType(absl::string_view,
                                      const SourceRange&) override {
    return TypePtr();
  }

 private:
  PythonProgram::Impl& program_;
};

}  // namespace

absl::StatusOr<Function*> PythonProgram::Impl::FindFunctional(
    absl::string_view name) {
  if (functional_tree_ == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(
        functional_tree_,
        ParseFile(std::make_shared<Source>(std::string(FunctionalSource()),
                                           "torch/nn/functional.py"),
                  Dialect::kPython));
    functional_resolver_ = std::make_unique<FunctionalResolver>(this);
    functional_context_ = context_;
    functional_context_.resolver = functional_resolver_.get();
  }
  const std::string qualified = absl::StrCat("__torch__.", kFunctional, name);
  if (Function* known = unit_.FindFunction(qualified)) return known;
  for (const Stmt* stmt : functional_tree_->statements()) {
    const auto* def = stmt->As<DefStmt>();
    if (def == nullptr || def->name.name != name) continue;
    Function* function = unit_.AddFunction(qualified);
    DefineFunction(functional_context_, *functional_tree_, function, *def,
                   nullptr);
    return function;
  }
  return nullptr;
}

}  // namespace tandem::script
