#include "tandem/serialization/torchscript/module_loader.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/frontends/script/import.h"
#include "tandem/ir/class_type.h"
#include "tandem/serialization/torchscript/debug_ranges.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/serialization/torchscript/tensor_reader.h"
#include "tandem/serialization/torchscript/value_reader.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// The types of an archive's code, for its pickles.
class ArchiveTypes : public TypeSource {
 public:
  ArchiveTypes(script::SourceImporter& importer, const MethodRunner& runner)
      : importer_(importer), runner_(runner) {}

  absl::StatusOr<TypePtr> FindType(absl::string_view name) override {
    return importer_.LoadType(name);
  }
  absl::StatusOr<TypePtr> ParseType(absl::string_view text) override {
    return importer_.ParseType(text);
  }
  absl::Status SetState(const Ref<ModuleObject>& object, Function& method,
                        IValue state) override {
    if (!runner_) {
      return absl::FailedPreconditionError(
          "it would have to be run, which was not allowed");
    }
    std::vector<IValue> arguments;
    arguments.emplace_back(object);
    arguments.push_back(std::move(state));
    return runner_(method, std::move(arguments)).status();
  }

 private:
  script::SourceImporter& importer_;
  const MethodRunner& runner_;
};

class Loader {
 public:
  Loader(std::shared_ptr<Archive> archive, const ScriptLoadOptions& options)
      : archive_(std::move(archive)), options_(options) {}

  absl::StatusOr<ScriptArchive> Load() {
    TANDEM_ASSIGN_OR_RETURN(result_.version, archive_->Version());
    TANDEM_RETURN_IF_ERROR(archive_->CheckByteOrder());
    result_.unit = options_.operators != nullptr
                       ? std::make_shared<CompilationUnit>(options_.operators)
                       : std::make_shared<CompilationUnit>();
    script::SourceImporter importer(
        result_.unit.get(), &result_.constants,
        [this](absl::string_view qualifier) { return ReadCode(qualifier); },
        result_.version);
    ArchiveTypes types(importer, options_.run_method);
    TANDEM_RETURN_IF_ERROR(ReadConstants(types));
    TANDEM_RETURN_IF_ERROR(ReadRoot(types));
    TANDEM_RETURN_IF_ERROR(ReadExtraFiles());
    return std::move(result_);
  }

 private:
  absl::StatusOr<std::shared_ptr<const Source>> ReadCode(
      absl::string_view qualifier) {
    const std::string record = absl::StrCat(
        "code/", absl::StrReplaceAll(qualifier, {{".", "/"}}), ".py");
    if (archive_->Find(record) == nullptr) return nullptr;
    TANDEM_ASSIGN_OR_RETURN(const ZipRecord text, archive_->Read(record));
    return std::make_shared<const Source>(
        std::string(text.text()), record, 1,
        MakeOriginalResolver(archive_, record));
  }

  absl::StatusOr<Pickle> ParsePickle(absl::string_view record,
                                     const ZipRecord& bytes) {
    return Pickle::Parse(archive_->Where(record), bytes.bytes(),
                         ValueReader::IsKnownGlobal, options_.limits.pickle);
  }

  absl::Status ReadConstants(ArchiveTypes& types) {
    TANDEM_ASSIGN_OR_RETURN(const ZipRecord record,
                            archive_->Read("constants.pkl"));
    TANDEM_ASSIGN_OR_RETURN(const Pickle pickle,
                            ParsePickle("constants.pkl", record));
    const PickleValue& root = pickle.root();
    if (root.kind != PickleValue::Kind::kTuple) {
      return pickle.Error(
          root, absl::StrCat("the constants are ", KindName(root.kind),
                             ", a tuple is expected"));
    }
    StorageTable storages(*archive_, "constants/");
    ValueReader reader(pickle, storages, types);
    for (const PickleValue& item : pickle.Items(root)) {
      TANDEM_ASSIGN_OR_RETURN(IValue value, reader.Read(item, Type::Any()));
      result_.constants.push_back(std::move(value));
    }
    return absl::OkStatus();
  }

  absl::Status ReadRoot(ArchiveTypes& types) {
    TANDEM_ASSIGN_OR_RETURN(const ZipRecord record, archive_->Read("data.pkl"));
    TANDEM_ASSIGN_OR_RETURN(const Pickle pickle,
                            ParsePickle("data.pkl", record));
    const PickleValue& root = pickle.root();
    if (root.kind != PickleValue::Kind::kObject) {
      return pickle.Error(
          root, absl::StrCat("the archive's value is ", KindName(root.kind),
                             ", the object of a module is "
                             "expected"));
    }
    StorageTable storages(*archive_, "data/");
    TANDEM_ASSIGN_OR_RETURN(
        IValue value,
        ValueReader(pickle, storages, types).Read(root, Type::Any()));
    if (!value.is_object()) {
      return pickle.Error(root,
                          "the archive's value is not the object of a module");
    }
    result_.root = value.AsRef<ModuleObject>();
    return absl::OkStatus();
  }

  absl::Status ReadExtraFiles() {
    if (options_.extra_files == nullptr) return absl::OkStatus();
    const std::string folder = absl::StrCat(archive_->folder(), "/extra/");
    for (const ZipEntry& entry : archive_->zip().entries()) {
      if (!absl::StartsWith(entry.name, folder) || entry.is_folder()) continue;
      TANDEM_ASSIGN_OR_RETURN(const ZipRecord record,
                              archive_->zip().Read(entry));
      (*options_.extra_files)[std::string(entry.name.substr(folder.size()))] =
          std::string(record.text());
    }
    return absl::OkStatus();
  }

  const std::shared_ptr<Archive> archive_;
  const ScriptLoadOptions& options_;
  ScriptArchive result_;
};

}  // namespace

absl::StatusOr<ScriptArchive> LoadScriptArchive(
    std::shared_ptr<File> file, const ScriptLoadOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Archive> archive,
                          Archive::Open(std::move(file), options.limits));
  if (archive->kind() == Archive::Kind::kValues) {
    return absl::InvalidArgumentError(absl::StrCat(
        archive->file_name(),
        ": is a torch.save file, which holds weights or values and no program "
        "(it has no constants.pkl and no code/). Load it in Python and save "
        "the model with torch.jit.save(torch.jit.script(model), path)."));
  }
  return Loader(std::move(archive), options).Load();
}

absl::StatusOr<ScriptArchive> LoadScriptArchive(
    const std::string& path, const ScriptLoadOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, File::Open(path));
  return LoadScriptArchive(std::move(file), options);
}

}  // namespace tandem
