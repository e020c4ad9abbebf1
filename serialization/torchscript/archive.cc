#include "tandem/serialization/torchscript/archive.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/file_format.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// Version and byte order are a few letters.
constexpr uint64_t kMaxSmallRecord = 64;

}  // namespace

absl::StatusOr<std::unique_ptr<Archive>> Archive::Open(
    std::shared_ptr<File> file, const ArchiveLimits& limits) {
  const std::string what = RecogniseBytes(file->bytes());
  absl::StatusOr<std::unique_ptr<ZipReader>> zip =
      ZipReader::Open(file, limits.zip);
  if (!zip.ok()) {
    if (what.empty()) return zip.status();
    return absl::InvalidArgumentError(absl::StrCat(file->name(), ": ", what));
  }
  std::unique_ptr<Archive> archive(new Archive(*std::move(zip), limits));
  TANDEM_RETURN_IF_ERROR(archive->FindFolderAndKind());
  return archive;
}

absl::Status Archive::FindFolderAndKind() {
  const auto refuse = [&](absl::string_view what) {
    return absl::InvalidArgumentError(
        absl::StrCat(zip_->file()->name(), ": ", what));
  };
  if (zip_->entries().empty()) {
    return refuse("the zip archive is empty: it does not contain any files");
  }
  const absl::string_view first = zip_->entries()[0].name;
  const size_t slash = first.find('/');
  if (slash == absl::string_view::npos) {
    const std::string what = RecogniseZip(*zip_, "");
    if (!what.empty()) return refuse(what);
    return refuse(absl::StrCat(
        "the zip archive's records must lie in a folder (data.pkl, version and "
        "so on in one subdirectory), but its first one is \"",
        Printable(first), "\""));
  }
  folder_ = std::string(first.substr(0, slash));
  const bool has_data = Find("data.pkl") != nullptr;
  const bool has_constants = Find("constants.pkl") != nullptr;
  bool has_code = false;
  for (const ZipEntry& entry : zip_->entries()) {
    has_code = has_code ||
               absl::StartsWith(entry.name, absl::StrCat(folder_, "/code/"));
  }
  if (!has_data || !(has_constants || has_code)) {
    const std::string what = RecogniseZip(*zip_, folder_);
    if (!what.empty()) return refuse(what);
  }
  if (!has_data) {
    return absl::NotFoundError(
        absl::StrCat(zip_->file()->name(),
                     ": no archive of PyTorch, or one that lost a "
                     "record: it has no record \"",
                     Printable(folder_), "/data.pkl\""));
  }
  kind_ = has_constants || has_code ? Kind::kScript : Kind::kValues;
  return absl::OkStatus();
}

const ZipEntry* Archive::Find(absl::string_view record) const {
  return zip_->Find(absl::StrCat(folder_, "/", record));
}

absl::StatusOr<ZipRecord> Archive::Read(absl::string_view record) const {
  const ZipEntry* entry = Find(record);
  if (entry == nullptr) {
    return absl::NotFoundError(
        absl::StrCat(file_name(), ": the archive has no record \"",
                     Printable(folder_), "/", Printable(record), "\""));
  }
  return zip_->Read(*entry);
}

std::string Archive::Where(absl::string_view record) const {
  return absl::StrCat(file_name(), ": record \"", Printable(folder_), "/",
                      Printable(record), "\"");
}

absl::StatusOr<int64_t> Archive::Version() const {
  int64_t version = 0;
  bool found = false;
  for (const absl::string_view record : {".data/version", "version"}) {
    const ZipEntry* entry = Find(record);
    if (entry == nullptr) continue;
    if (entry->size > kMaxSmallRecord) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(record), ": the version takes ", entry->size,
                       " bytes; a number is expected"));
    }
    TANDEM_ASSIGN_OR_RETURN(const ZipRecord text, zip_->Read(*entry));
    const absl::string_view digits = absl::StripAsciiWhitespace(text.text());
    int64_t number = 0;
    // Digits alone: no sign, no point, no hexadecimal number.
    bool right = !digits.empty();
    for (const char c : digits) right = right && absl::ascii_isdigit(c);
    if (!right || !absl::SimpleAtoi(digits, &number)) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(record), ": the version is \"",
                       Printable(text.text()), "\", not a number"));
    }
    if (found && number != version) {
      return absl::InvalidArgumentError(
          absl::StrCat(Where(record), ": the version is ", number,
                       ", but .data/version says ", version));
    }
    found = true;
    version = number;
  }
  if (!found) {
    return absl::NotFoundError(absl::StrCat(
        file_name(), ": the archive has no record \"", Printable(folder_),
        "/version\" and no \"", Printable(folder_), "/.data/version\""));
  }
  if (version < 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        file_name(), ": Attempted to read a PyTorch file with version ",
        version,
        ", but the minimum supported version for reading is 1. Your PyTorch "
        "script module file is too old. Please re-export it again."));
  }
  if (version > kMaxVersion) {
    return absl::InvalidArgumentError(absl::StrCat(
        file_name(), ": Attempted to read a PyTorch file with version ",
        version, ", but the maximum supported version for reading is ",
        kMaxVersion,
        ". It was written by a newer PyTorch than this reader knows."));
  }
  return version;
}

absl::Status Archive::CheckByteOrder() const {
  const ZipEntry* entry = Find("byteorder");
  if (entry == nullptr) return absl::OkStatus();
  if (entry->size > kMaxSmallRecord) {
    return absl::InvalidArgumentError(
        absl::StrCat(Where("byteorder"), ": takes ", entry->size,
                     " bytes; \"little\" is expected"));
  }
  TANDEM_ASSIGN_OR_RETURN(const ZipRecord record, zip_->Read(*entry));
  if (record.text() == "little") return absl::OkStatus();
  if (record.text() == "big") {
    return absl::UnimplementedError(absl::StrCat(
        Where("byteorder"),
        ": the archive's storages are big-endian, which is not read; save it "
        "on a little-endian machine"));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(Where("byteorder"), ": says \"", Printable(record.text()),
                   "\"; \"little\" is expected"));
}

}  // namespace tandem
