// Where a writer of archives puts its bytes.
#ifndef TANDEM_SERIALIZATION_FILES_BYTE_SINK_H_
#define TANDEM_SERIALIZATION_FILES_BYTE_SINK_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tandem {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Appends.
  virtual absl::Status Write(absl::Span<const uint8_t> bytes) = 0;
  // Replaces bytes that were written before; all of them must exist.
  virtual absl::Status Overwrite(uint64_t offset,
                                 absl::Span<const uint8_t> bytes) = 0;
  // All is written: makes it last.
  virtual absl::Status Commit() = 0;
};

// Writes a new file beside `path` and puts it in place of an old one only when
// it is whole and on the disk. A failure, or no Commit, leaves the old file as
// it was and nothing beside it.
absl::StatusOr<std::unique_ptr<ByteSink>> CreateFileSink(
    const std::string& path);

// Appends to a string, which must outlive the sink.
std::unique_ptr<ByteSink> CreateStringSink(std::string* out);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_FILES_BYTE_SINK_H_
