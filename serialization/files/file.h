#ifndef TANDEM_SERIALIZATION_FILES_FILE_H_
#define TANDEM_SERIALIZATION_FILES_FILE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace tandem {

// The bytes of an archive: a file mapped into memory, or a buffer. Tensors that
// are loaded from it keep it alive, so it is held by shared_ptr.
//
// The mapping is private and writable: a program that changes a weight in place
// gets its own copy of the page, and the file stays as it is. Whoever truncates
// the file while it is mapped takes the pages away under the reader (SIGBUS),
// as with every mapped file; replace model files by renaming.
class File {
 public:
  // Maps a regular file. A folder, pipe or device is refused, not waited for.
  static absl::StatusOr<std::shared_ptr<File>> Open(const std::string& path);

  // Takes bytes that are in memory already; `name` is for messages.
  static std::shared_ptr<File> FromBuffer(std::string name, std::string bytes);

  ~File();
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // The path, or the name the buffer was given.
  const std::string& name() const { return name_; }
  absl::Span<const uint8_t> bytes() const { return {data_, size_}; }
  // Writable, since tensors lie in it; the reader itself never writes.
  uint8_t* data() { return data_; }
  size_t size() const { return size_; }

 private:
  File() = default;

  std::string name_;
  std::string buffer_;
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  bool mapped_ = false;
};

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_FILES_FILE_H_
