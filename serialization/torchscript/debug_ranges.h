#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_DEBUG_RANGES_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_DEBUG_RANGES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/ir/source_range.h"
#include "tandem/serialization/torchscript/archive.h"

namespace tandem {

// From a byte on, a code file was printed from this place of the program's
// original source.
struct DebugRange {
  size_t offset = 0;  // in the code file
  SourceRange original;
};

// Reads the pickle of a .debug_pkl record: both the form with a table of texts
// and the older one with a text in each record. Offsets ascend.
absl::StatusOr<std::vector<DebugRange>> ReadDebugRanges(
    std::string where, absl::Span<const uint8_t> bytes,
    const PickleLimits& limits);

// Finds the original place of ranges in the code file "code/a/b.py". Its debug
// record is read at the first question; without one, or with a damaged one,
// there are no originals: nothing but messages depends on them. Thread-safe.
Source::OriginalResolver MakeOriginalResolver(
    std::shared_ptr<const Archive> archive, std::string code_record);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_DEBUG_RANGES_H_
