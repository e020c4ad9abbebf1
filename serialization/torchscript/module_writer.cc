#include "tandem/serialization/torchscript/module_writer.h"

#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/frontends/script/printer.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/torchscript/debug_ranges.h"
#include "tandem/serialization/torchscript/debug_ranges_writer.h"
#include "tandem/serialization/torchscript/pickle_writer.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// Code below this many bytes is stored, as PyTorch does.
constexpr size_t kDeflateAbove = 200;
// From this version on the version's record has another name.
constexpr int64_t kVersionInDataFolder = 6;

absl::Status AddStorages(ZipWriter& zip, absl::string_view folder,
                         const PickleWriter& pickle) {
  for (size_t i = 0; i < pickle.storages().size(); ++i) {
    const Storage& storage = *pickle.storages()[i];
    // A storage of the meta device has a size and no bytes.
    TANDEM_RETURN_IF_ERROR(
        zip.Add(absl::StrCat(folder, "/", i),
                absl::MakeConstSpan(static_cast<const uint8_t*>(storage.data()),
                                    storage.is_meta() ? 0 : storage.bytes())));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status SaveModule(const Module& module, ByteSink& sink,
                        const SaveOptions& options) {
  if (!module.valid()) {
    return absl::InvalidArgumentError("there is no module to be saved");
  }
  PickleWriter::GetState get_state;
  if (options.engine != nullptr) {
    get_state = [&](const Ref<ModuleObject>& object, Function& method) {
      return options.engine->CallFunction(&method, {IValue(object)});
    };
  }
  PickleWriter data(get_state);
  TANDEM_ASSIGN_OR_RETURN(const std::string data_pickle,
                          data.Write(IValue(module.object())));
  TANDEM_ASSIGN_OR_RETURN(const script::PrintedProgram code,
                          script::PrintProgram(data.types()));
  PickleWriter constants(get_state);
  constants.set_detached();
  TANDEM_ASSIGN_OR_RETURN(const std::string constants_pickle,
                          constants.Write(IValue(MakeTuple(code.constants))));

  ZipWriter zip(&sink, options.folder.empty() ? "archive" : options.folder);
  for (const auto& [name, content] : options.extra_files) {
    TANDEM_RETURN_IF_ERROR(zip.Add(absl::StrCat("extra/", name), content));
  }
  TANDEM_RETURN_IF_ERROR(AddStorages(zip, "data", data));
  TANDEM_RETURN_IF_ERROR(zip.Add("data.pkl", data_pickle));
  for (const script::PrintedProgram::File& file : code.files) {
    const std::string record = absl::StrCat(
        "code/", absl::StrReplaceAll(file.qualifier, {{".", "/"}}), ".py");
    TANDEM_RETURN_IF_ERROR(
        zip.Add(record, file.text, file.text.size() > kDeflateAbove));
    std::vector<DebugRange> ranges;
    for (const script::TextRange& r : file.ranges) {
      if (!r.range.valid()) continue;
      ranges.push_back({r.offset, r.range.OriginalOrSelf()});
    }
    TANDEM_ASSIGN_OR_RETURN(const std::string debug, WriteDebugRanges(ranges));
    TANDEM_RETURN_IF_ERROR(zip.Add(absl::StrCat(record, ".debug_pkl"), debug,
                                   debug.size() > kDeflateAbove));
  }
  TANDEM_RETURN_IF_ERROR(AddStorages(zip, "constants", constants));
  TANDEM_RETURN_IF_ERROR(zip.Add("constants.pkl", constants_pickle));
  TANDEM_RETURN_IF_ERROR(
      zip.Add(code.version < kVersionInDataFolder ? "version" : ".data/version",
              absl::StrCat(code.version, "\n")));
  TANDEM_RETURN_IF_ERROR(zip.Add("byteorder", "little"));
  TANDEM_RETURN_IF_ERROR(
      zip.Add(".data/serialization_id", zip.SerializationId()));
  return zip.Finish();
}

absl::Status SaveModule(const Module& module, const std::string& path,
                        const SaveOptions& options) {
  SaveOptions named = options;
  if (named.folder.empty()) named.folder = ArchiveFolderOf(path);
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSink> sink,
                          CreateFileSink(path));
  return SaveModule(module, *sink, named);
}

}  // namespace tandem
