// What names of a Python file stand for; not for use outside of this folder.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_VALUES_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_VALUES_H_

#include <string>

#include "absl/status/statusor.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/sugared_value.h"
#include "tandem/frontends/script/tree.h"

namespace tandem::script {

// The name of the type that Python gives a literal, "object" if it is none.
const char* PythonTypeOf(const Expr* value);

// A literal that nobody can change: a number, text, bool, None, tuples of
// these, and arithmetic over them.
bool IsImmutableLiteral(const Expr& value);

// `List[int]`, `Optional[Tensor]`: what may be another name of a type.
bool IsTypeExpression(const Expr& value);

// A function with @torch.jit.ignore, which only Python can run. Its call is
// checked as PyTorch does, and then refused.
class IgnoredFunction : public SugaredValue {
 public:
  IgnoredFunction(const CompileContext& context, const SyntaxTree& tree,
                  const DefStmt* def, Value* self)
      : context_(context), tree_(tree), def_(*def), self_(self) {}
  std::string kind() const override { return "python function"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override;

 private:
  const CompileContext& context_;
  const SyntaxTree& tree_;
  const DefStmt& def_;
  Value* const self_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_VALUES_H_
