#include "tandem/frontends/script/compiler/session.h"

#include <optional>

namespace tandem::script {

std::string HighlightAll(const SourceRange& range) {
  std::string out;
  if (std::optional<SourceRange> original = range.Original()) {
    absl::StrAppend(&out, original->Highlight(), "Serialized ");
  }
  absl::StrAppend(&out, range.Highlight());
  return out;
}

absl::Status Session::Error(const SourceRange& range,
                            absl::string_view message) const {
  std::string text = absl::StrCat("\n", message, ":\n", HighlightAll(range));
  for (size_t i = calls_.size(); i > 1; --i) {
    const Call& callee = calls_[i - 1];
    const Call& caller = calls_[i - 2];
    absl::StrAppend(&text, "'", callee.function,
                    "' is being compiled since it was called from '",
                    caller.function, "'\n", HighlightAll(caller.range));
  }
  return absl::InvalidArgumentError(text);
}

}  // namespace tandem::script
