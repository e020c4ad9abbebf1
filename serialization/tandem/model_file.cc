#include "tandem/serialization/tandem/model_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/io/coded_stream.h"
#include "tandem/serialization/files/crc32c.h"
#include "tandem/serialization/tandem/file_header.h"
#include "tandem/serialization/tandem/index_limits.h"
#include "tandem/serialization/tandem/program_reader.h"
#include "tandem/serialization/tandem/program_writer.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

using model_file::CheckIndexSize;
using model_file::NameOfStorage;
using model_file::ReadProgram;
using model_file::WriteProgram;

// The revision of ir/operators' table; grows when a row changes its meaning.
constexpr uint32_t kOperatorSet = 1;
constexpr absl::string_view kProducer = "tandem 1";
constexpr size_t kPiece = size_t{1} << 20;

absl::Span<const uint8_t> Bytes(absl::string_view text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

// ---- out

// Appends records to a sink.
class RecordWriter {
 public:
  explicit RecordWriter(ByteSink* sink) : sink_(*sink) {}

  absl::Status Write(absl::Span<const uint8_t> bytes) {
    crc_ = Crc32c(crc_, bytes.data(), bytes.size());
    offset_ += bytes.size();
    return sink_.Write(bytes);
  }

  absl::Status Align() {
    const uint8_t zeros[FileHeader::kAlignment] = {};
    const uint64_t pad =
        (FileHeader::kAlignment - offset_ % FileHeader::kAlignment) %
        FileHeader::kAlignment;
    return pad == 0 ? absl::OkStatus() : Write({zeros, pad});
  }

  absl::Status Begin(format::Record* record) {
    TANDEM_RETURN_IF_ERROR(Align());
    record_ = record;
    record_->set_offset(offset_);
    crc_ = 0;
    return absl::OkStatus();
  }

  // In pieces, so that the checksum finds them in the cache.
  absl::Status WriteAll(absl::Span<const uint8_t> bytes) {
    for (size_t at = 0; at < bytes.size(); at += kPiece) {
      TANDEM_RETURN_IF_ERROR(Write(bytes.subspan(at, kPiece)));
    }
    return absl::OkStatus();
  }

  void End() {
    record_->set_length(offset_ - record_->offset());
    record_->set_crc32c(crc_);
  }

  uint64_t offset() const { return offset_; }

 private:
  ByteSink& sink_;
  uint64_t offset_ = 0;
  uint32_t crc_ = 0;
  format::Record* record_ = nullptr;
};

absl::Status WriteStorage(const Storage& storage,
                          const TandemSaveOptions& options,
                          RecordWriter& writer) {
  const uint64_t begin = writer.offset();
  if (options.content != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(
        const bool written,
        options.content(storage, [&](absl::Span<const uint8_t> bytes) {
          return writer.WriteAll(bytes);
        }));
    if (written) {
      if (writer.offset() - begin != storage.bytes()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the content of a storage of ", storage.bytes(),
                         " bytes has ", writer.offset() - begin));
      }
      return absl::OkStatus();
    }
  }
  return writer.WriteAll(
      {static_cast<const uint8_t*>(storage.data()), storage.bytes()});
}

// ---- in

class IndexReader {
 public:
  IndexReader(std::shared_ptr<File> file, const TandemLoadOptions& options)
      : file_(std::move(file)), options_(options) {}

  absl::StatusOr<Module> Load() {
    absl::StatusOr<FileHeader> header =
        FileHeader::Decode(file_->name(), file_->bytes());
    if (!header.ok()) return header.status();
    header_ = *header;
    absl::StatusOr<Module> module = LoadIndex();
    if (module.ok()) return module;
    std::string message =
        absl::StrCat(file_->name(), ": ", module.status().message());
    if (index_.operator_set() > kOperatorSet) {
      absl::StrAppend(&message,
                      " (the file was written for a newer set of operators)");
    }
    return absl::Status(module.status().code(), message);
  }

 private:
  absl::StatusOr<Module> LoadIndex() {
    if (header_.index_length > options_.max_index_bytes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the index has ", header_.index_length,
                       " bytes, the limit is ", options_.max_index_bytes));
    }
    const auto bytes =
        file_->bytes().subspan(header_.index_offset, header_.index_length);
    if (Crc32c(0, bytes.data(), bytes.size()) != header_.index_crc) {
      return absl::DataLossError(
          "the index is damaged: its checksum does not fit");
    }
    TANDEM_RETURN_IF_ERROR(CheckIndexSize(bytes));
    google::protobuf::io::CodedInputStream in(bytes.data(),
                                              static_cast<int>(bytes.size()));
    in.SetRecursionLimit(16);
    if (!index_.ParseFromCodedStream(&in) || !in.ConsumedEntireMessage()) {
      return absl::InvalidArgumentError("the index is malformed");
    }
    TANDEM_RETURN_IF_ERROR(CheckRecords());
    TANDEM_RETURN_IF_ERROR(MakeStorages());
    TANDEM_RETURN_IF_ERROR(ReadExtras());
    const std::string hint =
        options_.plugin_path.empty()
            ? " (no plugin path is given)"
            : absl::StrCat(" and no plugin has it (looked in ",
                           options_.plugin_path, ")");
    TANDEM_ASSIGN_OR_RETURN(
        Module module,
        ReadProgram(index_.program(), storages_,
                    options_.operators != nullptr ? *options_.operators
                                                  : OperatorTable::Builtin(),
                    hint));
    if (options_.extras != nullptr) TakeUnknownFields();
    return module;
  }

  // What is left of the messages when all that is known is gone.
  void TakeUnknownFields() {
    format::Program& program = *index_.mutable_program();
    program.clear_types();
    program.clear_declared_types();
    program.clear_operators();
    program.clear_functions();
    program.clear_classes();
    program.clear_enums();
    program.clear_interfaces();
    program.clear_graphs();
    program.clear_storages();
    program.clear_objects();
    program.clear_root();
    program.clear_sources();
    program.clear_ranges();
    program.clear_scopes();
    options_.extras->unknown_program_fields = program.SerializeAsString();
    index_.clear_program();
    index_.clear_records();
    index_.clear_extra_files();
    index_.clear_producer();
    index_.clear_operator_set();
    index_.clear_passes();
    options_.extras->unknown_index_fields = index_.SerializeAsString();
  }

  // Each lies between header and index, aligned, apart from the others.
  absl::Status CheckRecords() {
    std::vector<std::pair<uint64_t, uint64_t>> spans;
    for (int i = 0; i < index_.records_size(); ++i) {
      const format::Record& r = index_.records(i);
      if (r.offset() % FileHeader::kAlignment != 0 ||
          r.offset() < FileHeader::kSize || r.offset() > header_.index_offset ||
          r.length() > header_.index_offset - r.offset()) {
        return absl::InvalidArgumentError(
            absl::StrCat("record ", i, " (", r.length(), " bytes at ",
                         r.offset(), ") does not lie in the file"));
      }
      if (r.length() > 0) spans.emplace_back(r.offset(), r.length());
    }
    std::sort(spans.begin(), spans.end());
    for (size_t i = 1; i < spans.size(); ++i) {
      if (spans[i - 1].first + spans[i - 1].second > spans[i].first) {
        return absl::InvalidArgumentError(
            absl::StrCat("the records at ", spans[i - 1].first, " and ",
                         spans[i].first, " overlap"));
      }
    }
    used_.resize(index_.records_size());
    return absl::OkStatus();
  }

  absl::StatusOr<const format::Record*> Use(uint32_t number) {
    if (number >= used_.size() || used_[number]) {
      return absl::InvalidArgumentError(
          absl::StrCat("record ", number, " is not there, or used twice"));
    }
    used_[number] = true;
    return &index_.records(static_cast<int>(number));
  }

  absl::Status Verify(const format::Record& record, absl::string_view what) {
    const uint32_t crc =
        Crc32c(0, file_->bytes().data() + record.offset(), record.length());
    if (crc == record.crc32c()) return absl::OkStatus();
    return absl::DataLossError(absl::StrFormat(
        "the record of %s (%u bytes at %u) is damaged: its checksum is %08x, "
        "it was written as %08x",
        what, record.length(), record.offset(), crc, record.crc32c()));
  }

  absl::Status MakeStorages() {
    const format::Program& program = index_.program();
    for (int i = 0; i < program.storages_size(); ++i) {
      const format::Storage& in = program.storages(i);
      if (in.length() > uint64_t{1} << 56) {
        return absl::InvalidArgumentError(
            absl::StrCat("storage ", i, " is too long"));
      }
      if (!in.has_record()) {
        storages_.push_back(Storage::Meta(in.length()));
        continue;
      }
      TANDEM_ASSIGN_OR_RETURN(const format::Record* record, Use(in.record()));
      if (record->length() != in.length()) {
        return absl::InvalidArgumentError(
            absl::StrCat("storage ", i, " has ", in.length(),
                         " bytes, its record ", record->length()));
      }
      if (options_.verify_weights) {
        TANDEM_RETURN_IF_ERROR(Verify(*record, NameOfStorage(program, i)));
      }
      storages_.push_back(Storage::Borrow(file_->data() + record->offset(),
                                          record->length(), file_,
                                          /*writable=*/true));
    }
    return absl::OkStatus();
  }

  absl::Status ReadExtras() {
    for (const format::ExtraFile& in : index_.extra_files()) {
      TANDEM_ASSIGN_OR_RETURN(const format::Record* record, Use(in.record()));
      if (options_.extras == nullptr) continue;
      TANDEM_RETURN_IF_ERROR(
          Verify(*record, absl::StrCat("the extra file \"", in.name(), "\"")));
      options_.extras->files.emplace_back(
          in.name(),
          std::string(reinterpret_cast<const char*>(file_->bytes().data()) +
                          record->offset(),
                      record->length()));
    }
    if (options_.extras == nullptr) return absl::OkStatus();
    options_.extras->passes = {index_.passes().begin(), index_.passes().end()};
    return absl::OkStatus();
  }

  const std::shared_ptr<File> file_;
  const TandemLoadOptions& options_;
  FileHeader header_;
  format::Index index_;
  std::vector<bool> used_;
  std::vector<Ref<Storage>> storages_;
};

}  // namespace

absl::Status SaveTandem(const Module& module, ByteSink& sink,
                        const TandemSaveOptions& options) {
  if (!module.valid()) {
    return absl::InvalidArgumentError("there is no module to be saved");
  }
  format::Index index;
  index.set_producer(std::string(kProducer));
  index.set_operator_set(kOperatorSet);
  for (const std::string& pass : options.extras.passes) index.add_passes(pass);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<Ref<Storage>> storages,
                          WriteProgram(module, index.mutable_program()));
  if (!index.MergeFromString(options.extras.unknown_index_fields) ||
      !index.mutable_program()->MergeFromString(
          options.extras.unknown_program_fields)) {
    return absl::InvalidArgumentError("the extra fields are malformed");
  }

  RecordWriter writer(&sink);
  // A file without a header is none until all is written.
  const std::array<uint8_t, FileHeader::kSize> blank{};
  TANDEM_RETURN_IF_ERROR(writer.Write(blank));
  for (size_t i = 0; i < storages.size(); ++i) {
    const Storage& storage = *storages[i];
    if (storage.is_meta() && options.content == nullptr) continue;
    format::Record* record = index.add_records();
    TANDEM_RETURN_IF_ERROR(writer.Begin(record));
    if (absl::Status s = WriteStorage(storage, options, writer); !s.ok()) {
      return s;
    }
    writer.End();
    index.mutable_program()
        ->mutable_storages(static_cast<int>(i))
        ->set_record(static_cast<uint32_t>(index.records_size() - 1));
  }
  for (const auto& [name, content] : options.extras.files) {
    format::ExtraFile* file = index.add_extra_files();
    file->set_name(name);
    file->set_record(static_cast<uint32_t>(index.records_size()));
    TANDEM_RETURN_IF_ERROR(writer.Begin(index.add_records()));
    TANDEM_RETURN_IF_ERROR(writer.WriteAll(Bytes(content)));
    writer.End();
  }
  if (index.ByteSizeLong() > INT32_MAX) {
    return absl::ResourceExhaustedError(
        "the program is too large: its index passes 2 GB");
  }
  TANDEM_RETURN_IF_ERROR(writer.Align());
  const std::string bytes = index.SerializeAsString();
  FileHeader header;
  header.index_offset = writer.offset();
  header.index_length = bytes.size();
  header.file_length = writer.offset() + bytes.size();
  header.index_crc = Crc32c(0, bytes.data(), bytes.size());
  TANDEM_RETURN_IF_ERROR(writer.WriteAll(Bytes(bytes)));
  TANDEM_RETURN_IF_ERROR(sink.Overwrite(0, header.Encode()));
  return sink.Commit();
}

absl::Status SaveTandem(const Module& module, const std::string& path,
                        const TandemSaveOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSink> sink,
                          CreateFileSink(path));
  return SaveTandem(module, *sink, options);
}

absl::StatusOr<Module> LoadTandem(std::shared_ptr<File> file,
                                  const TandemLoadOptions& options) {
  return IndexReader(std::move(file), options).Load();
}

absl::StatusOr<Module> LoadTandem(const std::string& path,
                                  const TandemLoadOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, File::Open(path));
  return LoadTandem(std::move(file), options);
}

}  // namespace tandem
