// The first 64 bytes of a model.tandem file (docs/format.md).
#ifndef TANDEM_SERIALIZATION_TANDEM_FILE_HEADER_H_
#define TANDEM_SERIALIZATION_TANDEM_FILE_HEADER_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tandem {

struct FileHeader {
  static constexpr uint64_t kSize = 64;
  // Of records and of the index; a page of weights is mapped as it lies.
  static constexpr uint64_t kAlignment = 64;
  // What this code writes, and the newest that it reads.
  static constexpr uint32_t kVersion = 1;

  uint32_t version = kVersion;
  // The oldest format version whose readers understand the file.
  uint32_t readable_from = 1;
  uint64_t index_offset = 0;
  uint64_t index_length = 0;
  uint64_t file_length = 0;
  uint32_t index_crc = 0;

  std::array<uint8_t, kSize> Encode() const;
  // `bytes` is the whole file; everything that the header says is checked but
  // the index's checksum. Errors begin with `name`.
  static absl::StatusOr<FileHeader> Decode(const std::string& name,
                                           absl::Span<const uint8_t> bytes);
};

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TANDEM_FILE_HEADER_H_
