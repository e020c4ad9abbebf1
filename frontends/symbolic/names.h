// Names of nodes, as FX makes them.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_NAMES_H_
#define TANDEM_FRONTENDS_SYMBOLIC_NAMES_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

namespace tandem::fx {

// Gives unique names that are Python identifiers and hide no keyword and no
// builtin. A name is never given twice, even when what had it is gone.
class Namespace {
 public:
  // `may_hide`: the name is of the builtin itself.
  std::string CreateName(absl::string_view candidate, bool may_hide = false);

 private:
  absl::flat_hash_set<std::string> used_;
  absl::flat_hash_map<std::string, int64_t> base_count_;
};

// "MyFn" -> "my_fn", "ALL" -> "all".
std::string SnakeCase(absl::string_view s);
bool IsIdentifier(absl::string_view s);
// A keyword or a builtin of Python, or a name that FX gives to all graphs.
bool IsReservedName(absl::string_view s);
// "self.seq" and "0.bias": getattr(self.seq, "0").bias
std::string FormatTarget(absl::string_view base, absl::string_view target);

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_NAMES_H_
