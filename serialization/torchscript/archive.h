#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_ARCHIVE_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_ARCHIVE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/serialization/files/file.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/serialization/torchscript/zip_reader.h"

namespace tandem {

// What reading an archive may take, and whether weights are checked.
struct ArchiveLimits {
  ZipLimits zip;
  PickleLimits pickle;
  // Compare the checksums of the records of weights. Without it the time to
  // load does not grow with the weights: they are mapped, not read.
  bool verify_weights = true;
};

// A zip file of PyTorch's layout: all records lie in one folder, which is taken
// from the first entry. Other formats are recognised and refused with a
// sentence that says what the file is and what to do.
class Archive {
 public:
  enum class Kind {
    kScript,  // torch.jit.save: data.pkl, constants.pkl, code/
    kValues,  // torch.save: data.pkl
  };

  static absl::StatusOr<std::unique_ptr<Archive>> Open(
      std::shared_ptr<File> file, const ArchiveLimits& limits = {});

  Kind kind() const { return kind_; }
  const std::string& file_name() const { return zip_->file()->name(); }
  // Without the slash.
  const std::string& folder() const { return folder_; }
  const ArchiveLimits& limits() const { return limits_; }
  ZipReader& zip() const { return *zip_; }

  // Null when absent; `record` is the name after the folder, "data.pkl".
  const ZipEntry* Find(absl::string_view record) const;
  // NotFoundError names the record.
  absl::StatusOr<ZipRecord> Read(absl::string_view record) const;
  // 'm.pt: record "m/data.pkl"', as messages begin.
  std::string Where(absl::string_view record) const;

  // The file format version: .data/version, else version; 1 to 10.
  absl::StatusOr<int64_t> Version() const;
  // OK if storages are little-endian, as the record byteorder says.
  absl::Status CheckByteOrder() const;

  // The newest version of PyTorch's format that is read.
  static constexpr int64_t kMaxVersion = 10;

 private:
  Archive(std::unique_ptr<ZipReader> zip, const ArchiveLimits& limits)
      : zip_(std::move(zip)), limits_(limits) {}
  absl::Status FindFolderAndKind();

  std::unique_ptr<ZipReader> zip_;
  ArchiveLimits limits_;
  std::string folder_;
  Kind kind_ = Kind::kScript;
};

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_ARCHIVE_H_
