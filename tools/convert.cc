// `tandem convert`: from one format to another.
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/serialization/safetensors/safetensors.h"
#include "tandem/serialization/tandem/model_file.h"
#include "tandem/serialization/torchscript/archive.h"
#include "tandem/serialization/torchscript/module_writer.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/serialization/torchscript/plain_values_writer.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tools/command.h"

namespace tandem::tools {
namespace {

constexpr FlagInfo kFlags[] = {
    kPipelineFlag,
    kPassesFlag,
    kNoVerifyFlag,
};

absl::Status Save(const Session& session, const Module& module,
                  const std::string& path, TandemExtras extras) {
  if (absl::EndsWith(path, ".tandem")) {
    TandemSaveOptions options;
    options.extras = std::move(extras);
    return SaveTandem(module, path, options);
  }
  if (absl::EndsWith(path, ".pt")) {
    SaveOptions options;
    options.engine = &session.engine();
    options.extra_files = std::move(extras.files);
    return SaveModule(module, path, options);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "'", path,
      "': the name of the file to be written ends in .tandem or .pt, which "
      "says its format"));
}

// A file of torch.save, which holds no program.
bool HoldsValues(const std::string& path) {
  absl::StatusOr<std::shared_ptr<File>> file = File::Open(path);
  if (!file.ok()) return false;
  const auto archive = Archive::Open(*std::move(file), {});
  return archive.ok() && (*archive)->kind() == Archive::Kind::kValues;
}

absl::Status ConvertValues(const std::string& from, const std::string& to) {
  TANDEM_ASSIGN_OR_RETURN(const IValue value, LoadPlainValues(from));
  if (absl::EndsWith(to, ".pt")) return SavePlainValues(value, to);
  if (!absl::EndsWith(to, ".safetensors")) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", from,
                     "' holds values and no program: it becomes a "
                     ".pt of values, or .safetensors"));
  }
  std::vector<std::pair<std::string, Tensor>> tensors;
  bool named = value.is_dict();
  if (named) {
    value.AsDict().ForEach([&](const IValue& key, const IValue& item) {
      named = named && key.is_string() && item.is_tensor();
      if (named) tensors.emplace_back(key.AsString(), item.AsTensor());
    });
  }
  if (!named) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", from, "' is no dict of named tensors, which .safetensors needs"));
  }
  return SaveSafetensors(to, tensors);
}

int Run(const Options& options) {
  if (options.words().size() != 2) {
    return Misused(ConvertCommand(), "name the model and the file to write");
  }
  if (HoldsValues(options.words()[0])) {
    const absl::Status saved =
        ConvertValues(options.words()[0], options.words()[1]);
    return saved.ok() ? kOk : Fail("convert", saved);
  }
  auto session = Session::Create(options);
  if (!session.ok()) return Fail("convert", session.status());
  Progress progress;
  progress.Show("loading");
  TandemExtras extras;
  const absl::StatusOr<Module> module =
      (*session)->Load(options.words()[0], &extras);
  if (!module.ok()) return Fail("convert", module.status());
  if (options.Has("pipeline")) {
    extras.passes.push_back(options.Get("pipeline"));
  }
  progress.Show("writing");
  const absl::Status saved =
      Save(**session, *module, options.words()[1], std::move(extras));
  progress.Clear();
  return saved.ok() ? kOk : Fail("convert", saved);
}

}  // namespace

const Command& ConvertCommand() {
  static const Command kCommand = {
      "convert", "convert IN OUT.tandem|OUT.pt [flags]",
      "Writes a model in another format.\n"
      "IN is a .pt archive or a .tandem file. An OUT.pt is what PyTorch opens, "
      "its code\n"
      "printed anew. A torch.save file of values becomes another, or "
      ".safetensors. The\n"
      "old OUT, if there is one, stays until the new one is whole.",
      kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
