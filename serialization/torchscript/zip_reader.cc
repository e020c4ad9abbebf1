#include "tandem/serialization/torchscript/zip_reader.h"

#include <zlib.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "tandem/serialization/torchscript/crc32.h"

namespace tandem {
namespace {

constexpr uint32_t kLocalHeader = 0x04034B50;
constexpr uint32_t kDescriptor = 0x08074B50;
constexpr uint32_t kDirectoryEntry = 0x02014B50;
constexpr uint32_t kEnd = 0x06054B50;
constexpr uint32_t kEnd64 = 0x06064B50;
constexpr uint32_t kEnd64Locator = 0x07064B50;

constexpr uint64_t kLocalHeaderSize = 30;
constexpr uint64_t kDirectoryEntrySize = 46;
constexpr uint64_t kEndSize = 22;
constexpr uint64_t kEnd64Size = 56;
constexpr uint64_t kLocatorSize = 20;

constexpr uint16_t kEncrypted = 1 << 0;
constexpr uint16_t kHasDescriptor = 1 << 3;
constexpr uint16_t kPatched = 1 << 5;
constexpr uint16_t kStrongEncryption = 1 << 6;
constexpr uint16_t kUtf8Name = 1 << 11;
constexpr uint16_t kMaskedHeader = 1 << 13;

// No deflate stream packs more than this many bytes into one.
constexpr uint64_t kMaxDeflateRatio = 1032;

uint16_t Get16(const uint8_t* p) {
  return static_cast<uint16_t>(p[0] | p[1] << 8);
}
uint32_t Get32(const uint8_t* p) {
  return Get16(p) | uint32_t{Get16(p + 2)} << 16;
}
uint64_t Get64(const uint8_t* p) {
  return Get32(p) | uint64_t{Get32(p + 4)} << 32;
}

// The name under which two records would be one to a careless reader. False if
// it leaves the archive.
bool FoldName(absl::string_view name, std::string* folded) {
  std::string text(name);
  std::replace(text.begin(), text.end(), '\\', '/');
  if (absl::StartsWith(text, "/")) return false;
  std::vector<absl::string_view> parts;
  for (absl::string_view part : absl::StrSplit(text, '/')) {
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (parts.empty()) return false;
      parts.pop_back();
    } else {
      parts.push_back(part);
    }
  }
  // Below code/ and extra/ names follow those of classes and of the user, where
  // "net" and "Net" may well both exist.
  const bool keep_case =
      parts.size() > 2 && (parts[1] == "code" || parts[1] == "extra");
  *folded = absl::StrJoin(parts, "/");
  if (!keep_case) absl::AsciiStrToLower(folded);
  return true;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  const auto* p = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* const end = p + text.size();
  while (p < end) {
    if (*p < 0x80) {
      ++p;
      continue;
    }
    int more = 0;
    uint32_t low = 0;
    uint32_t code = 0;
    if ((*p & 0xE0) == 0xC0) {
      more = 1, low = 0x80, code = *p & 0x1F;
    } else if ((*p & 0xF0) == 0xE0) {
      more = 2, low = 0x800, code = *p & 0x0F;
    } else if ((*p & 0xF8) == 0xF0) {
      more = 3, low = 0x10000, code = *p & 0x07;
    } else {
      return false;
    }
    if (end - p <= more) return false;
    for (int i = 1; i <= more; ++i) {
      if ((p[i] & 0xC0) != 0x80) return false;
      code = code << 6 | (p[i] & 0x3F);
    }
    if (code < low || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
      return false;
    }
    p += more + 1;
  }
  return true;
}

std::string Printable(absl::string_view text, size_t max_size) {
  const bool cut = text.size() > max_size;
  absl::string_view shown = text.substr(0, max_size);
  if (cut) {
    // Not in the middle of a letter.
    while (!shown.empty() && (shown.back() & 0xC0) == 0x80) {
      shown.remove_suffix(1);
    }
    if (!shown.empty() && (shown.back() & 0x80) != 0) shown.remove_suffix(1);
  }
  const bool utf8 = IsUtf8(shown);
  std::string out;
  for (const char c : shown) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20 || byte == 0x7F || (byte >= 0x80 && !utf8)) {
      absl::StrAppend(&out, "\\x", absl::Hex(byte, absl::kZeroPad2));
    } else {
      out.push_back(c);
    }
  }
  if (cut) absl::StrAppend(&out, "... (", text.size(), " bytes)");
  return out;
}

std::string PrintableLines(absl::string_view text, size_t max_size) {
  const auto clean = [](absl::string_view part) {
    const bool utf8 = IsUtf8(part);
    std::string out;
    for (const char c : part) {
      const auto byte = static_cast<uint8_t>(c);
      if ((byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7F ||
          (byte >= 0x80 && !utf8)) {
        absl::StrAppend(&out, "\\x", absl::Hex(byte, absl::kZeroPad2));
      } else {
        out.push_back(c);
      }
    }
    return out;
  };
  if (text.size() <= max_size) return clean(text);
  absl::string_view head = text.substr(0, max_size * 3 / 4);
  absl::string_view tail = text.substr(text.size() - max_size / 4);
  while (!head.empty() && (head.back() & 0x80) != 0) head.remove_suffix(1);
  while (!tail.empty() && (tail.front() & 0xC0) == 0x80) tail.remove_prefix(1);
  return absl::StrCat(clean(head), "\n... (", text.size(), " bytes)\n",
                      clean(tail));
}

ZipReader::ZipReader(std::shared_ptr<File> file, const ZipLimits& limits)
    : file_(std::move(file)), bytes_(file_->bytes()), limits_(limits) {
  if (limits_.max_inflated_total == 0) {
    limits_.max_inflated_total =
        2 * uint64_t{bytes_.size()} + (uint64_t{64} << 20);
  }
}

absl::Status ZipReader::Error(absl::string_view name, uint64_t offset,
                              absl::string_view what) const {
  return absl::InvalidArgumentError(absl::StrCat(file_->name(), ": record \"",
                                                 Printable(name), "\" at byte ",
                                                 offset, ": ", what));
}

absl::StatusOr<std::unique_ptr<ZipReader>> ZipReader::Open(
    std::shared_ptr<File> file, const ZipLimits& limits) {
  std::unique_ptr<ZipReader> reader(new ZipReader(std::move(file), limits));
  absl::StatusOr<Directory> directory = reader->FindDirectory();
  if (!directory.ok()) return directory.status();
  absl::Status status = reader->ReadDirectory(*directory);
  if (!status.ok()) return status;
  return reader;
}

absl::StatusOr<ZipReader::Directory> ZipReader::FindDirectory() const {
  const uint64_t size = bytes_.size();
  const auto refuse = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(file_->name(), ": ", what));
  };
  // The end record lies before a comment of at most 65,535 bytes, which reaches
  // to the end of the file.
  uint64_t end = size;
  bool seen = false;
  for (uint64_t back = kEndSize; back <= size && back <= kEndSize + 0xFFFF;
       ++back) {
    const uint8_t* p = bytes_.data() + (size - back);
    if (p[0] != 'P' || Get32(p) != kEnd) continue;
    seen = true;
    if (Get16(p + 20) != back - kEndSize) continue;
    if (end != size) {
      return refuse(absl::StrCat(
          "the zip archive has two end of central directory records, at bytes ",
          size - back, " and ", end, ": it can be read in two ways"));
    }
    end = size - back;
  }
  if (end == size) {
    return refuse(
        seen ? "the zip archive's end of central directory record does not end "
               "with the file (bytes follow it, or its comment is cut off)"
             : "not a complete zip archive: it has no end of central directory "
               "record (truncated?)");
  }
  const uint8_t* p = bytes_.data() + end;
  if (Get16(p + 4) != 0 || Get16(p + 6) != 0) {
    return refuse(absl::StrCat(
        "the zip archive's end record at byte ", end, " says it is disk ",
        Get16(p + 4), " of several; archives of one file only are read"));
  }
  if (Get16(p + 8) != Get16(p + 10)) {
    return refuse(absl::StrCat("the zip archive's end record at byte ", end,
                               " counts ", Get16(p + 8),
                               " entries on this disk and ", Get16(p + 10),
                               " in all; they must be equal"));
  }
  Directory directory;
  directory.count = Get16(p + 10);
  directory.size = Get32(p + 12);
  directory.offset = Get32(p + 16);
  uint64_t directory_end = end;
  absl::Status status = ReadEnd64(end, &directory, &directory_end);
  if (!status.ok()) return status;
  if (directory.offset > directory_end ||
      directory.size != directory_end - directory.offset) {
    return refuse(absl::StrCat(
        "the zip archive's central directory is said to lie at byte ",
        directory.offset, " with ", directory.size,
        " bytes, but it must end at byte ", directory_end,
        " where the end record begins"));
  }
  if (directory.count > directory.size / kDirectoryEntrySize) {
    return refuse(absl::StrCat("the zip archive's end record counts ",
                               directory.count,
                               " entries, too many for a central directory of ",
                               directory.size, " bytes"));
  }
  return directory;
}

absl::Status ZipReader::ReadEnd64(uint64_t end, Directory* directory,
                                  uint64_t* directory_end) const {
  const auto refuse = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(file_->name(), ": the zip archive's zip64 end ", what));
  };
  if (end < kLocatorSize) return absl::OkStatus();
  const uint64_t locator = end - kLocatorSize;
  const uint8_t* p = bytes_.data() + locator;
  if (Get32(p) != kEnd64Locator) return absl::OkStatus();
  if (Get32(p + 4) != 0 || Get32(p + 16) > 1) {
    return refuse(
        absl::StrCat("locator at byte ", locator, " speaks of several disks"));
  }
  const uint64_t record = Get64(p + 8);
  if (record > locator || locator - record < kEnd64Size ||
      Get32(bytes_.data() + record) != kEnd64) {
    return refuse(absl::StrCat("locator at byte ", locator, " points at byte ",
                               record, ", where no zip64 end record lies"));
  }
  p = bytes_.data() + record;
  if (Get64(p + 4) != locator - record - 12) {
    return refuse(absl::StrCat("record at byte ", record, " gives its size as ",
                               Get64(p + 4), ", but it is ",
                               locator - record - 12));
  }
  if (Get32(p + 16) != 0 || Get32(p + 20) != 0) {
    return refuse(
        absl::StrCat("record at byte ", record, " speaks of several disks"));
  }
  const Directory whole = {Get64(p + 48), Get64(p + 40), Get64(p + 32)};
  if (Get64(p + 24) != whole.count) {
    return refuse(absl::StrCat("record at byte ", record, " counts ",
                               Get64(p + 24), " entries on this disk and ",
                               whole.count, " in all; they must be equal"));
  }
  // What the plain record doesn't leave to this one must be the same in both.
  if ((directory->count != 0xFFFF && directory->count != whole.count) ||
      (directory->size != 0xFFFFFFFF && directory->size != whole.size) ||
      (directory->offset != 0xFFFFFFFF && directory->offset != whole.offset)) {
    return refuse(absl::StrCat(
        "record at byte ", record,
        " and the plain end record describe different central directories"));
  }
  *directory = whole;
  *directory_end = record;
  return absl::OkStatus();
}

absl::Status ZipReader::ReadZip64Field(
    absl::Span<const uint8_t> extra, uint64_t at, bool directory,
    absl::string_view name, absl::Span<uint64_t* const> wanted) const {
  bool found = false;
  size_t pos = 0;
  while (extra.size() - pos >= 4) {
    const uint16_t id = Get16(extra.data() + pos);
    const uint16_t size = Get16(extra.data() + pos + 2);
    if (size > extra.size() - pos - 4) {
      return Error(
          name, at + pos,
          absl::StrCat("an extra field of the ",
                       directory ? "central directory" : "local header",
                       " runs over the end of the extra area"));
    }
    if (id == 1) {
      if (found) {
        return Error(name, at + pos, "it has two zip64 extra fields");
      }
      found = true;
      // Local headers give both sizes whenever one is needed; whatever else
      // the field holds beyond the wanted values is not read.
      if (size < 8 * wanted.size()) {
        return Error(
            name, at + pos,
            absl::StrCat("the zip64 extra field has ", size, " bytes, ",
                         8 * wanted.size(), " are needed"));
      }
      for (size_t i = 0; i < wanted.size(); ++i) {
        *wanted[i] = Get64(extra.data() + pos + 4 + 8 * i);
      }
    }
    pos += 4 + size_t{size};
  }
  if (directory && pos != extra.size()) {
    return Error(name, at + pos, "the extra area ends within a field");
  }
  if (!found && !wanted.empty()) {
    return Error(name, at,
                 "a size or offset is left to a zip64 extra field, which is "
                 "missing");
  }
  return absl::OkStatus();
}

absl::Status ZipReader::CheckName(const ZipEntry& entry, uint16_t flags,
                                  uint64_t at) const {
  if (entry.name.empty()) {
    return Error(entry.name, at, "the record's name is empty");
  }
  if (entry.name.find('\0') != absl::string_view::npos) {
    return Error(entry.name, at, "the record's name holds a NUL");
  }
  if ((flags & kUtf8Name) && !IsUtf8(entry.name)) {
    return Error(entry.name, at,
                 "the record's name is not UTF-8 though marked as such");
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> ZipReader::CheckLocalHeader(ZipEntry& entry,
                                                     uint16_t flags) const {
  const uint64_t at = entry.header_offset;
  const uint64_t size = bytes_.size();
  if (at > size || size - at < kLocalHeaderSize ||
      Get32(bytes_.data() + at) != kLocalHeader) {
    return Error(entry.name, at,
                 "no local header lies where the central directory says");
  }
  const uint8_t* p = bytes_.data() + at;
  const uint16_t local_flags = Get16(p + 6);
  const uint64_t name_size = Get16(p + 26);
  const uint64_t extra_size = Get16(p + 28);
  if (size - at - kLocalHeaderSize < name_size + extra_size) {
    return Error(entry.name, at,
                 "the local header's name and extra field run over the end of "
                 "the file");
  }
  const absl::string_view name(
      reinterpret_cast<const char*>(p) + kLocalHeaderSize, name_size);
  if (name != entry.name) {
    return Error(
        entry.name, at,
        absl::StrCat("the local header has the name \"", Printable(name),
                     "\", the central directory another one"));
  }
  if (Get16(p + 8) != entry.method) {
    return Error(
        entry.name, at,
        absl::StrCat("the local header says compression method ", Get16(p + 8),
                     ", the central directory ", entry.method));
  }
  constexpr uint16_t kMustAgree =
      kEncrypted | kPatched | kStrongEncryption | kMaskedHeader;
  if ((local_flags ^ flags) & kMustAgree) {
    return Error(entry.name, at,
                 absl::StrCat("the local header has the flags 0x",
                              absl::Hex(local_flags),
                              ", the central directory 0x", absl::Hex(flags)));
  }
  const uint32_t crc = Get32(p + 14);
  uint64_t packed_size = Get32(p + 18);
  uint64_t unpacked_size = Get32(p + 22);
  std::vector<uint64_t*> wanted;
  if (packed_size == 0xFFFFFFFF || unpacked_size == 0xFFFFFFFF) {
    wanted = {&unpacked_size, &packed_size};
  }
  absl::Status status = ReadZip64Field(
      bytes_.subspan(at + kLocalHeaderSize + name_size, extra_size),
      at + kLocalHeaderSize + name_size, false, entry.name, wanted);
  if (!status.ok()) return status;
  const bool same = crc == entry.crc && packed_size == entry.packed_size &&
                    unpacked_size == entry.size;
  const bool late = (local_flags & kHasDescriptor) != 0;
  const bool left_out = crc == 0 && packed_size == 0 && unpacked_size == 0;
  if (!same && !(late && left_out)) {
    return Error(
        entry.name, at,
        absl::StrCat("the local header gives ", packed_size, " and ",
                     unpacked_size, " bytes and CRC 0x", absl::Hex(crc),
                     ", the central directory ", entry.packed_size, " and ",
                     entry.size, " bytes and CRC 0x", absl::Hex(entry.crc)));
  }
  entry.data_offset = at + kLocalHeaderSize + name_size + extra_size;
  if (size - entry.data_offset < entry.packed_size) {
    return Error(entry.name, entry.data_offset,
                 absl::StrCat("the record's ", entry.packed_size,
                              " bytes run over the end of the file"));
  }
  uint64_t end = entry.data_offset + entry.packed_size;
  if (!late) return end;
  // A descriptor comes with or without signature, in 32 or 64 bits.
  for (const bool signature : {true, false}) {
    for (const bool wide : {false, true}) {
      const uint64_t length = (signature ? 4 : 0) + 4 + (wide ? 16 : 8);
      if (size - end < length) continue;
      const uint8_t* d = bytes_.data() + end;
      if (signature && Get32(d) != kDescriptor) continue;
      if (signature) d += 4;
      if (Get32(d) != entry.crc) continue;
      if ((wide ? Get64(d + 4) : Get32(d + 4)) != entry.packed_size) continue;
      if ((wide ? Get64(d + 12) : Get32(d + 8)) != entry.size) continue;
      return end + length;
    }
  }
  // Some writers set the flag, know the sizes, and write no descriptor.
  if (same && (size - end < 4 || Get32(bytes_.data() + end) != kDescriptor)) {
    return end;
  }
  return Error(
      entry.name, end,
      "the data descriptor after the record disagrees with the central "
      "directory");
}

absl::Status ZipReader::ReadDirectory(const Directory& directory) {
  entries_.reserve(directory.count);
  by_name_.reserve(directory.count);
  absl::flat_hash_set<std::string> folded_names;
  folded_names.reserve(directory.count);
  struct Extent {
    uint64_t begin, end;
    size_t entry;
  };
  std::vector<Extent> extents;
  extents.reserve(directory.count);
  uint64_t at = directory.offset;
  const uint64_t directory_end = directory.offset + directory.size;
  without_crc_ = true;
  for (uint64_t i = 0; i < directory.count; ++i) {
    const uint8_t* p = bytes_.data() + at;
    if (directory_end - at < kDirectoryEntrySize ||
        Get32(p) != kDirectoryEntry) {
      return absl::InvalidArgumentError(absl::StrCat(
          file_->name(), ": the zip archive's central directory has no entry ",
          i, " at byte ", at, " (", directory.count, " entries are counted)"));
    }
    const uint16_t flags = Get16(p + 8);
    const uint64_t name_size = Get16(p + 28);
    const uint64_t extra_size = Get16(p + 30);
    const uint64_t comment_size = Get16(p + 32);
    if (directory_end - at - kDirectoryEntrySize <
        name_size + extra_size + comment_size) {
      return absl::InvalidArgumentError(absl::StrCat(
          file_->name(), ": entry ", i, " of the zip archive's central ",
          "directory, at byte ", at, ", runs over the directory's end"));
    }
    ZipEntry entry;
    entry.name = {reinterpret_cast<const char*>(p) + kDirectoryEntrySize,
                  name_size};
    entry.method = Get16(p + 10);
    entry.crc = Get32(p + 16);
    entry.packed_size = Get32(p + 20);
    entry.size = Get32(p + 24);
    entry.header_offset = Get32(p + 42);
    absl::Status status = CheckName(entry, flags, at);
    if (!status.ok()) return status;
    // The zip64 field holds just those values that don't fit, in this order.
    std::vector<uint64_t*> wanted;
    if (entry.size == 0xFFFFFFFF) wanted.push_back(&entry.size);
    if (entry.packed_size == 0xFFFFFFFF) wanted.push_back(&entry.packed_size);
    if (entry.header_offset == 0xFFFFFFFF) {
      wanted.push_back(&entry.header_offset);
    }
    const uint64_t extra_at = at + kDirectoryEntrySize + name_size;
    status = ReadZip64Field(bytes_.subspan(extra_at, extra_size), extra_at,
                            true, entry.name, wanted);
    if (!status.ok()) return status;
    if (flags & (kEncrypted | kStrongEncryption | kMaskedHeader)) {
      return Error(entry.name, at, "the record is encrypted");
    }
    if (flags & kPatched) {
      return Error(entry.name, at, "the record holds patched data");
    }
    if (entry.method != 0 && entry.method != Z_DEFLATED) {
      return Error(
          entry.name, at,
          absl::StrCat("the record has compression method ", entry.method,
                       "; only 0 (stored) and 8 (deflate) are read"));
    }
    if (entry.method == 0 && entry.packed_size != entry.size) {
      return Error(entry.name, at,
                   absl::StrCat("the stored record's sizes differ: ",
                                entry.packed_size, " and ", entry.size));
    }
    if (entry.is_folder() && entry.size != 0) {
      return Error(entry.name, at, "a folder's entry has content");
    }
    if (Get16(p + 34) != 0) {
      return Error(
          entry.name, at,
          absl::StrCat("the record is said to be on disk ", Get16(p + 34)));
    }
    constexpr uint8_t kMadeByUnix = 3;
    constexpr uint32_t kModeMask = 0170000, kModeLink = 0120000;
    if (p[5] == kMadeByUnix && (Get32(p + 38) >> 16 & kModeMask) == kModeLink) {
      return Error(entry.name, at, "the record is a symbolic link");
    }
    absl::StatusOr<uint64_t> end = CheckLocalHeader(entry, flags);
    if (!end.ok()) return end.status();
    std::string folded;
    if (!FoldName(entry.name, &folded)) {
      return Error(entry.name, at,
                   "the record's name leads out of the archive");
    }
    if (!folded_names.insert(std::move(folded)).second) {
      return Error(entry.name, at,
                   "another record has the same name (but for case, '\\' or "
                   "dots)");
    }
    without_crc_ = without_crc_ && entry.crc == 0;
    extents.push_back({entry.header_offset, *end, entries_.size()});
    by_name_.emplace(entry.name, entries_.size());
    entries_.push_back(entry);
    at += kDirectoryEntrySize + name_size + extra_size + comment_size;
  }
  if (at != directory_end) {
    return absl::InvalidArgumentError(absl::StrCat(
        file_->name(), ": the zip archive's central directory goes on for ",
        directory_end - at, " bytes after the ", directory.count,
        " entries that its end record counts"));
  }
  std::sort(extents.begin(), extents.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  for (size_t i = 0; i < extents.size(); ++i) {
    const bool last = i + 1 == extents.size();
    const uint64_t limit = last ? directory.offset : extents[i + 1].begin;
    if (extents[i].end <= limit) continue;
    // The one listed later is named: it is the odd one among shared records.
    const bool next_later = !last && extents[i + 1].entry > extents[i].entry;
    const ZipEntry& entry = entries_[extents[next_later ? i + 1 : i].entry];
    const std::string other =
        last ? "the central directory"
             : absl::StrCat(
                   "record \"",
                   Printable(
                       entries_[extents[next_later ? i : i + 1].entry].name),
                   "\"");
    return Error(entry.name, entry.header_offset,
                 absl::StrCat("its bytes overlap with ", other));
  }
  return absl::OkStatus();
}

const ZipEntry* ZipReader::Find(absl::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : &entries_[it->second];
}

absl::StatusOr<ZipRecord> ZipReader::Read(const ZipEntry& entry, Check check) {
  absl::StatusOr<ZipRecord> record;
  if (entry.method == 0) {
    ZipRecord stored;
    stored.data = file_->data() + entry.data_offset;
    stored.size = entry.size;
    stored.owner = file_;
    stored.offset = entry.data_offset;
    record = std::move(stored);
  } else {
    record = Inflate(entry);
    if (!record.ok()) return record;
  }
  if (check == Check::kSkip || without_crc_) return record;
  const uint32_t crc = Crc32(0, record->data, record->size);
  if (crc != entry.crc) {
    return Error(
        entry.name, entry.data_offset,
        absl::StrCat("checksum error: the bytes have CRC 0x",
                     absl::Hex(crc, absl::kZeroPad8), ", the archive says 0x",
                     absl::Hex(entry.crc, absl::kZeroPad8)));
  }
  return record;
}

absl::StatusOr<ZipRecord> ZipReader::Inflate(const ZipEntry& entry) {
  const uint64_t at = entry.data_offset;
  if (entry.size > limits_.max_inflated_record) {
    return Error(entry.name, at,
                 absl::StrCat("would inflate to ", entry.size,
                              " bytes; the limit for one record is ",
                              limits_.max_inflated_record));
  }
  if (entry.size / kMaxDeflateRatio > entry.packed_size) {
    return Error(
        entry.name, at,
        absl::StrCat("is said to inflate from ", entry.packed_size, " to ",
                     entry.size, " bytes, which deflate cannot do"));
  }
  const uint64_t before = inflated_.fetch_add(entry.size);
  if (before > limits_.max_inflated_total ||
      entry.size > limits_.max_inflated_total - before) {
    inflated_.fetch_sub(entry.size);
    return Error(entry.name, at,
                 absl::StrCat("inflating it would make more than ",
                              limits_.max_inflated_total,
                              " bytes of all records together, the limit"));
  }
  // One byte more than declared shows whether the stream goes on.
  std::shared_ptr<uint8_t> buffer(new (std::nothrow) uint8_t[entry.size + 1],
                                  std::default_delete<uint8_t[]>());
  if (buffer == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat(file_->name(), ": record \"", Printable(entry.name),
                     "\": cannot allocate ", entry.size, " bytes"));
  }
  z_stream stream;
  std::memset(&stream, 0, sizeof(stream));
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return absl::ResourceExhaustedError(
        absl::StrCat(file_->name(), ": record \"", Printable(entry.name),
                     "\": no memory to inflate it"));
  }
  // zlib counts in 32 bits; the record's size is given to it in pieces.
  constexpr uint64_t kPiece = uint64_t{1} << 30;
  uint64_t in_left = entry.packed_size;
  uint64_t out_left = entry.size + 1;
  stream.next_in = file_->data() + at;
  stream.next_out = buffer.get();
  int result = Z_OK;
  while (result == Z_OK) {
    const auto in = static_cast<uInt>(std::min(in_left, kPiece));
    const auto out = static_cast<uInt>(std::min(out_left, kPiece));
    stream.avail_in = in;
    stream.avail_out = out;
    result = inflate(&stream, Z_NO_FLUSH);
    in_left -= in - stream.avail_in;
    out_left -= out - stream.avail_out;
    if (out_left == 0) break;
  }
  std::string why;
  if (result == Z_DATA_ERROR) {
    why = absl::StrCat("corrupt deflate stream (",
                       stream.msg != nullptr ? stream.msg : "no reason given",
                       ")");
  } else if (out_left == 0) {
    why = absl::StrCat("inflates to more than the ", entry.size,
                       " bytes that the archive says");
  } else if (result != Z_STREAM_END) {
    why = "the deflate stream is cut off";
  } else if (out_left != 1) {
    why = absl::StrCat("inflates to ", entry.size + 1 - out_left,
                       " bytes, the archive says ", entry.size);
  } else if (in_left != 0) {
    why = absl::StrCat(in_left, " bytes follow the deflate stream");
  }
  inflateEnd(&stream);
  if (!why.empty()) {
    return Error(entry.name, at + entry.packed_size - in_left, why);
  }
  ZipRecord record;
  record.data = buffer.get();
  record.size = entry.size;
  record.owner = buffer;
  record.offset = at;
  return record;
}

}  // namespace tandem
