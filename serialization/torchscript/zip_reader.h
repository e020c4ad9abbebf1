#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_ZIP_READER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_ZIP_READER_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/serialization/files/file.h"

namespace tandem {

// What a zip file may ask of its reader. All sizes in bytes.
struct ZipLimits {
  // Of one deflated record after inflating.
  uint64_t max_inflated_record = uint64_t{64} << 20;
  // Of all records that are inflated while the reader lives; 0 stands for twice
  // the file's size + 64 MiB.
  uint64_t max_inflated_total = 0;
};

// One record, as the central directory has it. Names point into the file.
struct ZipEntry {
  absl::string_view name;
  uint16_t method = 0;  // 0 stored, 8 deflated
  uint32_t crc = 0;
  uint64_t packed_size = 0;
  uint64_t size = 0;
  uint64_t header_offset = 0;
  uint64_t data_offset = 0;
  bool is_folder() const { return !name.empty() && name.back() == '/'; }
};

// A record's bytes: in the mapped file where it is stored, else inflated.
struct ZipRecord {
  uint8_t* data = nullptr;
  size_t size = 0;
  // Keeps `data` alive.
  std::shared_ptr<void> owner;
  // Where `data` begins in the file; of an inflated record its packed bytes.
  uint64_t offset = 0;

  absl::Span<const uint8_t> bytes() const { return {data, size}; }
  absl::string_view text() const {
    return {reinterpret_cast<const char*>(data), size};
  }
};

// Reads a zip file strictly: what could be read in two ways is refused.
//
//   - one end record, whose comment ends with the file; a zip64 end record, if
//     present, agrees with it and lies right before it, the directory right
//     before that;
//   - local headers agree with the directory in name, method, sizes and CRC
//     (sizes and CRC may be zero there if a data descriptor follows);
//   - no two names alike, also after folding of case, '\', '.' and '..' (case
//     isn't folded below code/ and extra/, where user's names decide);
//   - no record overlaps another, the directory or the end of the file;
//   - only stored and deflated records, none encrypted, none a symbolic link.
//
// Bytes between records, before the first one, and comments are allowed. Errors
// name the file, the record and the byte offset. Linear in the directory's
// size.
class ZipReader {
 public:
  static absl::StatusOr<std::unique_ptr<ZipReader>> Open(
      std::shared_ptr<File> file, const ZipLimits& limits = {});

  const std::shared_ptr<File>& file() const { return file_; }
  // In the directory's order.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  // The entry of exactly this name, or null.
  const ZipEntry* Find(absl::string_view name) const;

  enum class Check {
    kCrc,   // the whole record is read and its checksum compared
    kSkip,  // nothing is touched but the bytes asked for (stored records only)
  };
  // Thread-safe.
  absl::StatusOr<ZipRecord> Read(const ZipEntry& entry,
                                 Check check = Check::kCrc);

  // A message "FILE: record "NAME" at byte N: WHAT".
  absl::Status Error(absl::string_view name, uint64_t offset,
                     absl::string_view what) const;

 private:
  ZipReader(std::shared_ptr<File> file, const ZipLimits& limits);

  struct Directory {
    uint64_t offset = 0;
    uint64_t size = 0;
    uint64_t count = 0;
  };
  absl::StatusOr<Directory> FindDirectory() const;
  absl::Status ReadEnd64(uint64_t end, Directory* directory,
                         uint64_t* directory_end) const;
  absl::Status ReadDirectory(const Directory& directory);
  absl::Status ReadZip64Field(absl::Span<const uint8_t> extra, uint64_t at,
                              bool directory, absl::string_view name,
                              absl::Span<uint64_t* const> wanted) const;
  absl::Status CheckName(const ZipEntry& entry, uint16_t flags,
                         uint64_t at) const;
  // Finds the data and returns the record's end, its descriptor included.
  absl::StatusOr<uint64_t> CheckLocalHeader(ZipEntry& entry,
                                            uint16_t flags) const;
  absl::StatusOr<ZipRecord> Inflate(const ZipEntry& entry);

  std::shared_ptr<File> file_;
  absl::Span<const uint8_t> bytes_;
  ZipLimits limits_;
  std::vector<ZipEntry> entries_;
  absl::flat_hash_map<absl::string_view, size_t> by_name_;
  std::atomic<uint64_t> inflated_{0};
  // Every CRC is 0: the writer was told to leave them out.
  bool without_crc_ = false;
};

// `text` as it may stand in a message: UTF-8, no control characters, not long.
std::string Printable(absl::string_view text, size_t max_size = 200);

// A message of several lines as it may be shown: as Printable, but for newlines
// and tabs; what is too long loses its middle.
std::string PrintableLines(absl::string_view text, size_t max_size = 16000);

// Whether `text` is well-formed UTF-8 (no surrogates, no overlong forms).
bool IsUtf8(absl::string_view text);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_ZIP_READER_H_
