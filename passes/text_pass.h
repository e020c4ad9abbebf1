// A pass that works on canonical text, as those of plugins do.
#ifndef TANDEM_PASSES_TEXT_PASS_H_
#define TANDEM_PASSES_TEXT_PASS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/passes/pass.h"

namespace tandem {

// The new text of a whole graph; nullopt when nothing changes. Constants that
// have no place in a text are extern(INDEX) and must stay so.
using GraphTextFunction =
    std::function<absl::StatusOr<std::optional<std::string>>(
        absl::string_view graph)>;

// What comes back is parsed with the context's operators and verified; its
// parameters and results must be of the number that the graph has. Otherwise
// the graph stays as it was, and the error names the pass and the place in the
// text.
std::unique_ptr<Pass> MakeTextPass(PassInfo info, GraphTextFunction function);

}  // namespace tandem

#endif  // TANDEM_PASSES_TEXT_PASS_H_
