#include "tandem/serialization/torchscript/plain_values_writer.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/python_pickler.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

absl::Status WriteRecords(const std::string& pickle,
                          const std::vector<Ref<Storage>>& storages,
                          ByteSink& sink, const std::string& folder) {
  ZipWriter zip(&sink, folder);
  TANDEM_RETURN_IF_ERROR(zip.Add("data.pkl", pickle));
  TANDEM_RETURN_IF_ERROR(zip.Add(".format_version", "1"));
  TANDEM_RETURN_IF_ERROR(zip.Add(".storage_alignment", "64"));
  TANDEM_RETURN_IF_ERROR(zip.Add("byteorder", "little"));
  for (size_t i = 0; i < storages.size(); ++i) {
    TANDEM_RETURN_IF_ERROR(zip.Add(
        absl::StrCat("data/", i),
        absl::MakeConstSpan(static_cast<const uint8_t*>(storages[i]->data()),
                            storages[i]->bytes())));
  }
  TANDEM_RETURN_IF_ERROR(zip.Add("version", "3\n"));
  TANDEM_RETURN_IF_ERROR(
      zip.Add(".data/serialization_id", zip.SerializationId()));
  return zip.Finish();
}

}  // namespace

absl::Status SavePlainValues(const IValue& value, ByteSink& sink,
                             const std::string& folder) {
  PythonPickler pickler;
  TANDEM_ASSIGN_OR_RETURN(const std::string pickle, pickler.Write(value));
  return WriteRecords(pickle, pickler.storages(), sink, folder);
}

absl::Status SavePlainValues(const IValue& value, const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSink> sink,
                          CreateFileSink(path));
  return SavePlainValues(value, *sink, ArchiveFolderOf(path));
}

absl::Status SaveStateDict(const StateDictEntries& state, ByteSink& sink,
                           const std::string& folder) {
  PythonPickler pickler;
  TANDEM_ASSIGN_OR_RETURN(const std::string pickle,
                          pickler.WriteStateDict(state));
  return WriteRecords(pickle, pickler.storages(), sink, folder);
}

absl::Status SaveStateDict(const StateDictEntries& state,
                           const std::string& path) {
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSink> sink,
                          CreateFileSink(path));
  return SaveStateDict(state, *sink, ArchiveFolderOf(path));
}

}  // namespace tandem
