#include "tandem/serialization/torchscript/module_loader.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "tandem/frontends/script/import.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/torchscript/debug_ranges.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/serialization/torchscript/tensor_reader.h"
#include "tandem/serialization/torchscript/value_reader.h"
#include "tandem/tensor/generator.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

class Silence final : public OutputSink {
 public:
  void Write(absl::string_view) override {}
};

// The types of an archive's code, for its pickles.
class ArchiveTypes : public TypeSource {
 public:
  ArchiveTypes(script::SourceImporter& importer, const LoadOptions& options)
      : importer_(importer), options_(options) {}

  absl::StatusOr<TypePtr> FindType(absl::string_view name) override {
    return importer_.LoadType(name);
  }
  absl::StatusOr<TypePtr> ParseType(absl::string_view text) override {
    return importer_.ParseType(text);
  }
  absl::Status SetState(const Ref<ModuleObject>& object, Function& method,
                        IValue state) override {
    if (options_.engine == nullptr) {
      return absl::FailedPreconditionError(
          "it must be run, and no engine was given to run it");
    }
    Silence silence;
    CallOptions call;
    call.memory = options_.memory;
    call.generator = &generator_;
    call.output = &silence;
    call.warnings = &silence;
    call.cancel = options_.cancel;
    call.deadline = absl::Now() + options_.max_setstate_time;
    call.max_steps = options_.max_setstate_steps;
    std::vector<IValue> arguments;
    arguments.emplace_back(object);
    arguments.push_back(std::move(state));
    return options_.engine
        ->CallFunction(&method, std::move(arguments), {}, call)
        .status();
  }

 private:
  script::SourceImporter& importer_;
  const LoadOptions& options_;
  Generator generator_;
};

class Loader {
 public:
  Loader(std::shared_ptr<Archive> archive, const LoadOptions& options)
      : archive_(std::move(archive)), options_(options) {}

  absl::StatusOr<Module> Load() {
    TANDEM_ASSIGN_OR_RETURN(const int64_t version, archive_->Version());
    TANDEM_RETURN_IF_ERROR(archive_->CheckByteOrder());
    auto unit = options_.operators != nullptr
                    ? std::make_shared<CompilationUnit>(options_.operators)
                    : std::make_shared<CompilationUnit>();
    script::SourceImporter importer(
        unit.get(), &constants_,
        [this](absl::string_view qualifier) { return ReadCode(qualifier); },
        version);
    ArchiveTypes types(importer, options_);
    TANDEM_RETURN_IF_ERROR(ReadConstants(types));
    TANDEM_ASSIGN_OR_RETURN(Ref<ModuleObject> root, ReadRoot(types));
    TANDEM_RETURN_IF_ERROR(ReadExtraFiles());
    return Module(std::move(unit), std::move(root));
  }

 private:
  absl::StatusOr<std::shared_ptr<const Source>> ReadCode(
      absl::string_view qualifier) {
    const std::string record = absl::StrCat(
        "code/", absl::StrReplaceAll(qualifier, {{".", "/"}}), ".py");
    const ZipEntry* entry = archive_->Find(record);
    if (entry == nullptr) return nullptr;
    if (entry->size > options_.max_source_bytes) {
      return absl::InvalidArgumentError(absl::StrCat(
          archive_->Where(record), ": a source file of ", entry->size,
          " bytes; the limit is ", options_.max_source_bytes));
    }
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
      constants_.push_back(std::move(value));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Ref<ModuleObject>> ReadRoot(ArchiveTypes& types) {
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
    return value.AsRef<ModuleObject>();
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
  const LoadOptions& options_;
  // The values of CONSTANTS.cN.
  std::vector<IValue> constants_;
};

}  // namespace

absl::StatusOr<Module> LoadModule(std::shared_ptr<File> file,
                                  const LoadOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Archive> archive,
                          Archive::Open(std::move(file), options.limits));
  if (archive->kind() == Archive::Kind::kValues) {
    return absl::InvalidArgumentError(absl::StrCat(
        archive->file_name(),
        ": is a torch.save file, which holds weights or values and no program "
        "(it has no constants.pkl and no code/). Load it in Python and save "
        "the model with torch.jit.save(torch.jit.script(model), path)."));
  }
  absl::StatusOr<Module> module = Loader(std::move(archive), options).Load();
  if (module.ok()) return module;
  // Messages quote a stranger's names and code.
  return absl::Status(module.status().code(),
                      PrintableLines(module.status().message()));
}

absl::StatusOr<Module> LoadModule(const std::string& path,
                                  const LoadOptions& options) {
  TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, File::Open(path));
  return LoadModule(std::move(file), options);
}

}  // namespace tandem
