// Annotations to types.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_TYPE_PARSER_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_TYPE_PARSER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/compiler/resolver.h"
#include "tandem/frontends/script/compiler/session.h"
#include "tandem/frontends/script/tree.h"
#include "tandem/ir/type.h"

namespace tandem::script {

class TypeParser {
 public:
  // `resolver` finds named types.
  TypeParser(Session* session, Resolver* resolver, const SyntaxTree& tree)
      : session_(*session), resolver_(*resolver), tree_(tree) {}

  absl::StatusOr<TypePtr> Parse(const Expr& expr);
  // BroadcastingListN[int|float]: a list type, and N; only for parameters.
  absl::StatusOr<std::optional<std::pair<TypePtr, int32_t>>>
  ParseBroadcastingList(const Expr& expr);

 private:
  absl::StatusOr<TypePtr> ParseName(const std::string& name,
                                    const SourceRange& range);
  absl::StatusOr<TypePtr> ParseSubscript(const std::string& name,
                                         const SubscriptExpr& expr);
  absl::StatusOr<TypePtr> ParseOnly(const SubscriptExpr& expr);

  Session& session_;
  Resolver& resolver_;
  const SyntaxTree& tree_;
};

// "Tensor", "int", … : types that need no one to find them; null if the name is
// no such.
TypePtr BuiltinType(absl::string_view name);

// "a.b.C" of names and attributes; nothing for other expressions.
std::optional<std::string> DottedName(const Expr& expr);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_TYPE_PARSER_H_
