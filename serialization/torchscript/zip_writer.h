#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_ZIP_WRITER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_ZIP_WRITER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/serialization/files/byte_sink.h"

namespace tandem {

// Writes a zip file in the layout of PyTorch's own writer, byte for byte: all
// records below one folder, data at multiples of 64 bytes, sizes in descriptors
// after the data, a zip64 end record always. Equal records give equal files.
class ZipWriter {
 public:
  ZipWriter(ByteSink* sink, std::string folder)
      : sink_(sink), folder_(std::move(folder)) {}

  // The record FOLDER/NAME. Errors: the sink's; a name that was used before.
  absl::Status Add(absl::string_view name, absl::Span<const uint8_t> bytes,
                   bool deflate = false);
  absl::Status Add(absl::string_view name, absl::string_view text,
                   bool deflate = false);

  // 40 digits that tell archives apart, made of the records' names and
  // checksums: the content of .data/serialization_id.
  std::string SerializationId() const;

  // Writes the directory and commits the sink.
  absl::Status Finish();

 private:
  struct Entry {
    std::string name;
    uint16_t flags = 0;
    uint16_t method = 0;
    uint32_t crc = 0;
    uint64_t packed_size = 0;
    uint64_t size = 0;
    uint64_t offset = 0;
  };
  absl::Status Write(absl::string_view bytes);

  ByteSink* const sink_;
  const std::string folder_;
  uint64_t offset_ = 0;
  std::vector<Entry> entries_;
  absl::flat_hash_set<std::string> names_;
};

// The folder that PyTorch names after a file: its name without the extension.
std::string ArchiveFolderOf(absl::string_view path);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_ZIP_WRITER_H_
