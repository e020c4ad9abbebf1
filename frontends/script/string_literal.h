// String literals as written to the strings they mean.

#ifndef TANDEM_FRONTENDS_SCRIPT_STRING_LITERAL_H_
#define TANDEM_FRONTENDS_SCRIPT_STRING_LITERAL_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/lexer.h"

namespace tandem::script {

// Unescapes a literal with its quotes (1 or 3 on each side) and, in Python,
// its prefix. Errors are only messages (`unsupported hex specifier`): the
// caller knows the place.
absl::StatusOr<std::string> UnescapeString(absl::string_view literal,
                                           Dialect dialect);

// The text between the quotes, without prefix, still escaped.
absl::string_view StringLiteralBody(absl::string_view literal, bool* raw);

// Unescapes what StringLiteralBody gave.
absl::StatusOr<std::string> UnescapeBody(absl::string_view body,
                                         Dialect dialect);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_STRING_LITERAL_H_
