// Builtins that are written in TorchScript, and what operators meant in old
// archives. Their graphs are inlined where they are called.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_BUILTIN_FUNCTIONS_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_BUILTIN_FUNCTIONS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/session.h"
#include "tandem/frontends/script/tree.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem::script {

// A function and the signature that calls of it are matched with.
struct BuiltinOverload {
  const FunctionSchema* schema;
  const Function* function;
};

// Compiled when first asked for. Used by one thread.
class BuiltinFunctions {
 public:
  explicit BuiltinFunctions(const OperatorTable* operators);
  ~BuiltinFunctions();

  // Functions that are overloads of an operator ("aten::mul") beside the rows.
  absl::StatusOr<std::vector<BuiltinOverload>> Overloads(
      absl::string_view name);
  // What a row meant in archives of `version`; nothing if what it means now.
  absl::StatusOr<std::optional<BuiltinOverload>> Upgrader(
      const FunctionSchema& row, int64_t version);

 private:
  struct Definition {
    const SyntaxTree* tree;
    const DefStmt* def;
    Function* function = nullptr;
  };
  absl::Status Parse(std::string source, absl::string_view qualifier);
  absl::Status ParseAll();
  absl::StatusOr<const Function*> Compile(Definition* definition);

  Session session_;
  CompilationUnit unit_;
  bool parsed_ = false;
  std::vector<std::unique_ptr<SyntaxTree>> trees_;
  // By "aten::mul", in order; upgraders by "upgrader::div_Tensor_0_3".
  absl::flat_hash_map<std::string, std::vector<Definition>> definitions_;
  absl::flat_hash_map<std::string, std::unique_ptr<FunctionSchema>>
      old_schemas_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_BUILTIN_FUNCTIONS_H_
