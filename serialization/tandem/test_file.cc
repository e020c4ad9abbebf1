#include "tandem/serialization/tandem/test_file.h"

#include <algorithm>
#include <cstring>

#include "tandem/serialization/files/crc32c.h"
#include "tandem/serialization/tandem/file_header.h"
#include "tandem/serialization/tandem/model_file.h"

namespace tandem::testing {

std::string Resigned(std::string bytes) {
  const auto view = [&] {
    return absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(bytes.data()),
                               bytes.size());
  };
  if (!IsTandemFile(view()) || bytes.size() < FileHeader::kSize) {
    bytes.insert(0, FileHeader::kSize, '\0');
  }
  uint64_t offset = 0;
  std::memcpy(&offset, &bytes[16], 8);
  offset = offset / FileHeader::kAlignment * FileHeader::kAlignment;
  if (offset < FileHeader::kSize || offset > bytes.size()) {
    offset = FileHeader::kSize;
  }
  FileHeader header;
  header.index_offset = offset;
  header.index_length = bytes.size() - offset;
  header.file_length = bytes.size();
  header.index_crc = Crc32c(0, bytes.data() + offset, header.index_length);
  const auto encoded = header.Encode();
  std::memcpy(&bytes[0], encoded.data(), encoded.size());
  return bytes;
}

}  // namespace tandem::testing
