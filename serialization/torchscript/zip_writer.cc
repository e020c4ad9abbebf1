#include "tandem/serialization/torchscript/zip_writer.h"

#include <string.h>
#include <zlib.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tandem/serialization/torchscript/crc32.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr uint64_t kAlignment = 64;
constexpr uint64_t kLocalHeaderSize = 30;
constexpr uint32_t kLarge = 0xFFFFFFFF;
constexpr uint16_t kUtf8Name = 0x0800;
constexpr uint16_t kHasDescriptor = 0x0008;

std::string Le(uint64_t v, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) {
    out.push_back(static_cast<char>(v >> (8 * i) & 255));
  }
  return out;
}
std::string Le16(uint64_t v) { return Le(v, 2); }
std::string Le32(uint64_t v) { return Le(v, 4); }
std::string Le64(uint64_t v) { return Le(v, 8); }

uint64_t Clip32(uint64_t v) { return std::min<uint64_t>(v, kLarge); }

absl::StatusOr<std::string> Deflated(absl::Span<const uint8_t> bytes) {
  if (bytes.size() > (size_t{1} << 30)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a record of ", bytes.size(), " bytes is too large to be deflated"));
  }
  z_stream stream;
  memset(&stream, 0, sizeof(stream));
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return absl::ResourceExhaustedError("no memory to deflate a record");
  }
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = const_cast<Bytef*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(&out[0]);
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) {
    return absl::InternalError("deflating a record failed");
  }
  return out;
}

uint64_t Fnv1a(uint64_t hash, absl::string_view bytes) {
  for (const char c : bytes) {
    hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3;
  }
  return hash;
}

}  // namespace

absl::Status ZipWriter::Write(absl::string_view bytes) {
  offset_ += bytes.size();
  return sink_->Write(absl::MakeConstSpan(
      reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
}

absl::Status ZipWriter::Add(absl::string_view name, absl::string_view text,
                            bool deflate) {
  return Add(name,
             absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(text.data()),
                                 text.size()),
             deflate);
}

absl::Status ZipWriter::Add(absl::string_view name,
                            absl::Span<const uint8_t> bytes, bool deflate) {
  Entry entry;
  entry.name = absl::StrCat(folder_, "/", name);
  if (!names_.insert(entry.name).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("the archive has two records named \"", name, "\""));
  }
  if (entry.name.size() > 0xFFFF) {
    return absl::InvalidArgumentError("a record's name is too long");
  }
  std::string packed;
  if (bytes.empty()) deflate = false;
  if (deflate) {
    TANDEM_ASSIGN_OR_RETURN(packed, Deflated(bytes));
    entry.method = Z_DEFLATED;
  }
  entry.crc = Crc32(0, bytes.data(), bytes.size());
  entry.size = bytes.size();
  entry.packed_size = deflate ? packed.size() : bytes.size();
  entry.offset = offset_;
  // An empty record needs no sizes after its data.
  entry.flags = bytes.empty() ? kUtf8Name : kUtf8Name | kHasDescriptor;
  const bool wide = entry.size >= kLarge || entry.packed_size >= kLarge;
  std::string extra;
  if (wide) {
    extra = absl::StrCat(Le16(1), Le16(16), Le64(entry.size),
                         Le64(entry.packed_size));
  }
  const uint64_t start =
      offset_ + kLocalHeaderSize + entry.name.size() + extra.size() + 4;
  const uint64_t pad = (kAlignment - start % kAlignment) % kAlignment;
  absl::StrAppend(&extra, "FB", Le16(pad), std::string(pad, 'Z'));
  TANDEM_RETURN_IF_ERROR(Write(absl::StrCat(
      "PK\3\4", Le16(deflate ? 20 : 0), Le16(entry.flags), Le16(entry.method),
      Le32(0), Le32(wide ? entry.crc : 0), Le32(wide ? kLarge : 0),
      Le32(wide ? kLarge : 0), Le16(entry.name.size()), Le16(extra.size()),
      entry.name, extra)));
  if (deflate) {
    TANDEM_RETURN_IF_ERROR(Write(packed));
  } else if (!bytes.empty()) {
    TANDEM_RETURN_IF_ERROR(
        Write({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
  }
  if ((entry.flags & kHasDescriptor) != 0) {
    TANDEM_RETURN_IF_ERROR(Write(
        absl::StrCat("PK\7\10", Le32(entry.crc),
                     wide ? Le64(entry.packed_size) : Le32(entry.packed_size),
                     wide ? Le64(entry.size) : Le32(entry.size))));
  }
  entries_.push_back(std::move(entry));
  return absl::OkStatus();
}

std::string ZipWriter::SerializationId() const {
  uint64_t names = 0xCBF29CE484222325, contents = names;
  for (const Entry& entry : entries_) {
    // Without the folder: a renamed archive is the same.
    names = Fnv1a(names, absl::string_view(entry.name).substr(folder_.size()));
    names = Fnv1a(names, absl::string_view("\0", 1));
    contents = Fnv1a(contents, Le32(entry.crc));
  }
  return absl::StrFormat("%020u%020u", names, contents);
}

absl::Status ZipWriter::Finish() {
  const uint64_t start = offset_;
  for (const Entry& entry : entries_) {
    std::string extra;
    if (entry.size >= kLarge) absl::StrAppend(&extra, Le64(entry.size));
    if (entry.packed_size >= kLarge) {
      absl::StrAppend(&extra, Le64(entry.packed_size));
    }
    if (entry.offset >= kLarge) absl::StrAppend(&extra, Le64(entry.offset));
    if (!extra.empty()) {
      extra = absl::StrCat(Le16(1), Le16(extra.size()), extra);
    }
    std::string out =
        absl::StrCat("PK\1\2", Le16(0), Le16(entry.method != 0 ? 20 : 0),
                     Le16(entry.flags), Le16(entry.method), Le32(0));
    absl::StrAppend(&out, Le32(entry.crc), Le32(Clip32(entry.packed_size)),
                    Le32(Clip32(entry.size)), Le16(entry.name.size()));
    absl::StrAppend(&out, Le16(extra.size()), Le16(0), Le16(0), Le16(0));
    absl::StrAppend(&out, Le32(0), Le32(Clip32(entry.offset)), entry.name,
                    extra);
    TANDEM_RETURN_IF_ERROR(Write(out));
  }
  const uint64_t end = offset_;
  const uint64_t size = end - start;
  const uint64_t count = entries_.size();
  std::string out = absl::StrCat("PK\6\6", Le64(44), Le16(0x031E), Le16(45),
                                 Le32(0), Le32(0));
  absl::StrAppend(&out, Le64(count), Le64(count), Le64(size), Le64(start));
  absl::StrAppend(&out, "PK\6\7", Le32(0), Le64(end), Le32(1));
  const uint64_t small_count = std::min<uint64_t>(count, 0xFFFF);
  absl::StrAppend(&out, "PK\5\6", Le32(0), Le16(small_count),
                  Le16(small_count));
  absl::StrAppend(&out, Le32(Clip32(size)), Le32(Clip32(start)), Le16(0));
  TANDEM_RETURN_IF_ERROR(Write(out));
  return sink_->Commit();
}

std::string ArchiveFolderOf(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos) path.remove_prefix(slash + 1);
  const size_t dot = path.rfind('.');
  if (dot != absl::string_view::npos && dot > 0) path = path.substr(0, dot);
  return path.empty() || path == "." || path == ".." ? "archive"
                                                     : std::string(path);
}

}  // namespace tandem
