#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_DEBUG_RANGES_WRITER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_DEBUG_RANGES_WRITER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/serialization/torchscript/debug_ranges.h"

namespace tandem {

// The pickle of a .debug_pkl record, in the form with a table of texts: lines
// that several sources have are written once.
absl::StatusOr<std::string> WriteDebugRanges(
    absl::Span<const DebugRange> ranges);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_DEBUG_RANGES_WRITER_H_
