// The variables of a function while it is compiled: frames that nest as blocks
// do. Values are written as prim::Store nodes and read as prim::Load nodes;
// to_ssa.h replaces these afterwards.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_ENVIRONMENT_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_ENVIRONMENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/sugared_value.h"
#include "tandem/ir/graph.h"

namespace tandem::script {

// False for names that graphs do not keep: `_0`, and the compiler's own (`$…`).
bool IsMeaningfulName(absl::string_view name);

class Environment {
 public:
  Environment(FunctionCompiler* compiler, Block* block,
              std::shared_ptr<Environment> next)
      : f_(*compiler), block_(block), next_(std::move(next)) {}

  Block* block() const { return block_; }
  const std::shared_ptr<Environment>& next() const { return next_; }

  // Null if unknown. A value of the graph is loaded at the insertion point.
  Sugared FindInThisFrame(absl::string_view name);
  Sugared FindInParentFrame(absl::string_view name);
  Sugared FindInAnyFrame(absl::string_view name);

  absl::Status SetVariable(const SourceRange& range, absl::string_view name,
                           Value* value);
  // `annotated_type`, if not null, is the variable's declared type.
  absl::Status SetSugared(const SourceRange& range, absl::string_view name,
                          Sugared value, const TypePtr& annotated_type);
  // The variable, or else the builtin, type or value that the name stands for.
  absl::StatusOr<Sugared> Get(absl::string_view name, const SourceRange& range);
  absl::StatusOr<Value*> GetValue(absl::string_view name,
                                  const SourceRange& range);
  absl::Status Remove(absl::string_view name, const SourceRange& range);

  void SetType(absl::string_view name, TypePtr type);
  // Kept for the case that the variable is used: why it has no value.
  void SetVariableError(absl::string_view name, std::string message);
  // Names of values of the graph set in this frame, sorted.
  std::vector<std::string> DefinedVariables() const;

 private:
  Sugared InsertLoad(absl::string_view name, const TypePtr& type);

  FunctionCompiler& f_;
  Block* const block_;
  const std::shared_ptr<Environment> next_;
  absl::flat_hash_map<std::string, TypePtr> types_;
  absl::flat_hash_map<std::string, Sugared> values_;
  absl::flat_hash_map<std::string, std::string> errors_;  // in the outermost
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_ENVIRONMENT_H_
