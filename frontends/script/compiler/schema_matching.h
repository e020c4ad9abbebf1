// Arguments to signatures: which overload a call means, and the conversions it
// needs. Rules and error texts are PyTorch's: overloads are tried in the order
// of their registration, first without and then with implicit conversions, and
// the first that fits is taken.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_SCHEMA_MATCHING_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_SCHEMA_MATCHING_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/ir/schema.h"

namespace tandem::script {

struct MatchedSchema {
  std::vector<Value*> inputs;
  std::vector<TypePtr> returns;
  // As many as returns, or none.
  std::vector<std::string> return_names;
};

// `value` as `type`, or as near as implicit conversion brings it: the caller
// checks the result's type.
absl::StatusOr<Value*> TryConvert(FunctionCompiler& f, const SourceRange& range,
                                  const TypePtr& type, Value* value,
                                  bool allow_conversions);

// The only signature, with conversions.
absl::StatusOr<MatchedSchema> MatchSchema(
    FunctionCompiler& f, const FunctionSchema& schema, const SourceRange& range,
    Arguments args, Arguments kwargs,
    const std::optional<NamedValue>& self = std::nullopt);

// One of several; its index and its match.
absl::StatusOr<std::pair<size_t, MatchedSchema>> MatchSchemas(
    FunctionCompiler& f, const std::vector<const FunctionSchema*>& schemas,
    const SourceRange& range, Arguments args, Arguments kwargs,
    const std::optional<NamedValue>& self = std::nullopt);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_SCHEMA_MATCHING_H_
