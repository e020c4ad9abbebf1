#include "tandem/serialization/tandem/file_header.h"

#include <cstring>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/files/crc32c.h"
#include "tandem/serialization/tandem/model_file.h"

namespace tandem {
namespace {

// As PNG's: a byte that no text has, and ends of lines that a transfer as text
// would change.
constexpr uint8_t kMagic[8] = {0x89, 'T', 'D', 'M', '\r', '\n', 0x1A, '\n'};

template <typename T>
void Put(T value, uint8_t* at) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    at[i] = static_cast<uint8_t>(value >> (8 * i));
  }
}

template <typename T>
T Get(const uint8_t* at) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<T>(at[i]) << (8 * i);
  }
  return value;
}

}  // namespace

bool IsTandemFile(absl::Span<const uint8_t> bytes) {
  return bytes.size() >= sizeof(kMagic) &&
         std::memcmp(bytes.data(), kMagic, sizeof(kMagic)) == 0;
}

std::array<uint8_t, FileHeader::kSize> FileHeader::Encode() const {
  std::array<uint8_t, kSize> out{};
  std::memcpy(out.data(), kMagic, sizeof(kMagic));
  Put(version, &out[8]);
  Put(readable_from, &out[12]);
  Put(index_offset, &out[16]);
  Put(index_length, &out[24]);
  Put(file_length, &out[32]);
  Put(index_crc, &out[40]);
  Put(Crc32c(0, out.data(), 60), &out[60]);
  return out;
}

absl::StatusOr<FileHeader> FileHeader::Decode(const std::string& name,
                                              absl::Span<const uint8_t> bytes) {
  const auto bad = [&](const auto&... what) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": ", what...));
  };
  if (!IsTandemFile(bytes)) {
    return bad("is no model.tandem file: it does not begin as one");
  }
  if (bytes.size() < kSize) {
    return bad("is cut off: ", bytes.size(), " bytes, the header alone has ",
               kSize);
  }
  const uint8_t* at = bytes.data();
  FileHeader header;
  header.version = Get<uint32_t>(at + 8);
  header.readable_from = Get<uint32_t>(at + 12);
  header.index_offset = Get<uint64_t>(at + 16);
  header.index_length = Get<uint64_t>(at + 24);
  header.file_length = Get<uint64_t>(at + 32);
  header.index_crc = Get<uint32_t>(at + 40);
  if (Get<uint32_t>(at + 60) != Crc32c(0, at, 60)) {
    return bad("the header is damaged: its checksum does not fit");
  }
  if (header.readable_from > kVersion) {
    return bad("is of format version ", header.version,
               ", which versions of tandem read that know format version ",
               header.readable_from, " or newer; this one knows up to ",
               kVersion,
               ". Open it with a newer tandem, or convert the model with the "
               "version that is to run it.");
  }
  if (header.version == 0) return bad("is of format version 0");
  if (bytes.size() != header.file_length) {
    return bad(
        bytes.size() < header.file_length ? "is cut off: " : "is too long: ",
        bytes.size(), " bytes, it was written with ", header.file_length);
  }
  if (header.index_offset % kAlignment != 0 || header.index_offset < kSize ||
      header.index_offset > header.file_length ||
      header.index_length != header.file_length - header.index_offset) {
    return bad("the header is wrong: the index does not end the file");
  }
  for (int i = 44; i < 60; ++i) {
    if (at[i] != 0) return bad("the header's reserved bytes are not zero");
  }
  return header;
}

}  // namespace tandem
