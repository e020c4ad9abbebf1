// `tandem run`: one call of a method.
#include <sys/stat.h>

#include <iostream>

#include "absl/strings/str_cat.h"
#include "tandem/ir/python_text.h"
#include "tandem/tools/command.h"
#include "tandem/tools/inputs.h"

namespace tandem::tools {
namespace {

constexpr FlagInfo kFlags[] = {
    {"method", true, "NAME  the method to call (forward)"},
    {"input", true,
     "NAME=VALUE  FILE.npy, FILE.wav, 1x3x224x224 (random), 5, 0.5, true, "
     "\"text\"; "
     "or FILE.pt with the tuple of all arguments"},
    {"output-dir", true, "FOLDER  writes each tensor of the result as .npy"},
    {"seed", true, "N  of random operators"},
    kBackendFlag,
    kThreadsFlag,
    kLoadFlag,
    kMemoryFlag,
    kDeadlineFlag,
    kPipelineFlag,
    kPassesFlag,
    kNoVerifyFlag,
};

absl::Status WriteTensors(const IValue& v, const std::string& stem) {
  switch (v.tag()) {
    case IValue::Tag::kTensor: {
      const std::string path = stem + ".npy";
      if (absl::Status s = WriteNpy(path, v.AsTensor()); !s.ok()) return s;
      std::cout << "wrote " << path << "\n";
      return absl::OkStatus();
    }
    case IValue::Tag::kList:
    case IValue::Tag::kTuple: {
      const auto& values = v.is_list() ? v.AsList().values : v.AsTuple().values;
      for (size_t i = 0; i < values.size(); ++i) {
        if (absl::Status s =
                WriteTensors(values[i], absl::StrCat(stem, "_", i));
            !s.ok()) {
          return s;
        }
      }
      return absl::OkStatus();
    }
    case IValue::Tag::kDict:
      for (const auto& [key, value] : v.AsDict().Items()) {
        std::string name = key.ToString();
        for (char& c : name) c = c == '/' ? '_' : c;
        if (absl::Status s = WriteTensors(value, absl::StrCat(stem, "_", name));
            !s.ok()) {
          return s;
        }
      }
      return absl::OkStatus();
    default:
      return absl::OkStatus();
  }
}

int Run(const Options& options) {
  if (options.words().size() != 1)
    return Misused(RunCommand(), "name one model");
  auto session = Session::Create(options);
  if (!session.ok()) return Fail("run", session.status());
  Progress progress;
  progress.Show("loading");
  const absl::StatusOr<Module> module = (*session)->Load(options.words()[0]);
  if (!module.ok()) return Fail("run", module.status());
  const std::string name = options.Get("method", "forward");
  const absl::StatusOr<Function*> method = module->GetMethod(name);
  if (!method.ok()) return Fail("run", method.status());
  if (absl::Status s = (*method)->EnsureDefined(); !s.ok())
    return Fail("run", s);
  auto arguments = ParseInputs(options.All("input"), (*method)->schema());
  if (!arguments.ok()) return Fail("run", arguments.status());
  CallOptions call = (*session)->call_options();
  Generator generator;
  const absl::StatusOr<int64_t> seed =
      options.GetInt("seed", static_cast<int64_t>(Generator::kDefaultSeed));
  if (!seed.ok()) return Misused(RunCommand(), seed.status().message());
  generator.Seed(static_cast<uint64_t>(*seed));
  call.generator = &generator;
  progress.Show("running");
  const absl::StatusOr<IValue> result = (*session)->Call(
      *module, name, std::move(arguments->positional), arguments->named, call);
  progress.Clear();
  std::fflush(stdout);
  if (!result.ok()) return Fail("run", result.status());
  if (options.Has("output-dir")) {
    const std::string folder = options.Get("output-dir");
    mkdir(folder.c_str(), 0777);
    if (absl::Status s = WriteTensors(*result, folder + "/output"); !s.ok()) {
      return Fail("run", s);
    }
  } else {
    std::cout << ToPythonString(*result, ",\n ") << std::endl;
  }
  return kOk;
}

}  // namespace

const Command& RunCommand() {
  static const Command kCommand = {
      "run", "run MODEL.pt [--method forward] [--input NAME=VALUE] [flags]",
      "Calls a method of a model and shows the result.\n"
      "Without --input, arguments take their defaults.",
      kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
