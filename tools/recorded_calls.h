// Recorded calls against ours: what `check` and `script --calls` share.
#ifndef TANDEM_TOOLS_RECORDED_CALLS_H_
#define TANDEM_TOOLS_RECORDED_CALLS_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/runtime/module.h"
#include "tandem/tools/command.h"
#include "tandem/tools/compare.h"

namespace tandem::tools {

// Runs the calls of a file NAME.io.pt (docs: tests/golden/README.md), each
// sequence on what `load` gives. Empty when all of them give what was recorded,
// else the first difference.
std::string CheckRecordedCalls(
    const Session& session, Tolerance tolerance, const std::string& path,
    const std::function<absl::StatusOr<Module>()>& load);

}  // namespace tandem::tools

#endif  // TANDEM_TOOLS_RECORDED_CALLS_H_
