// `tandem check`: recorded calls against ours.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tandem/serialization/torchscript/module_writer.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tools/command.h"
#include "tandem/tools/compare.h"

namespace tandem::tools {
namespace {

struct Case {
  std::string name, model, calls;
};

bool IsFolder(const std::string& path) {
  struct stat s;
  return stat(path.c_str(), &s) == 0 && S_ISDIR(s.st_mode);
}

bool Exists(const std::string& path) {
  struct stat s;
  return stat(path.c_str(), &s) == 0;
}

std::string BaseName(absl::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash != absl::string_view::npos) path.remove_prefix(slash + 1);
  return std::string(path.substr(0, path.find('.')));
}

// NAME.pt with NAME.io.pt beside it, by name.
std::vector<Case> CasesIn(const std::string& folder) {
  std::vector<Case> cases;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return cases;
  while (const dirent* entry = readdir(dir)) {
    const std::string file = entry->d_name;
    if (!absl::EndsWith(file, ".pt") || absl::EndsWith(file, ".io.pt"))
      continue;
    const std::string stem = file.substr(0, file.size() - 3);
    const std::string calls = absl::StrCat(folder, "/", stem, ".io.pt");
    if (Exists(calls))
      cases.push_back({stem, absl::StrCat(folder, "/", file), calls});
  }
  closedir(dir);
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return a.name < b.name; });
  return cases;
}

class Capture : public OutputSink {
 public:
  void Write(absl::string_view text) override {
    text_.append(text.data(), text.size());
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// "RuntimeError: x" and "builtins.ValueError: x" without their first word.
absl::string_view WithoutClass(absl::string_view error) {
  if (absl::ConsumePrefix(&error, "RuntimeError: ")) return error;
  if (absl::StartsWith(error, "builtins.")) {
    const size_t colon = error.find(": ");
    if (colon != absl::string_view::npos) return error.substr(colon + 2);
  }
  return error;
}

const IValue* Find(const IValue& dict, const char* key) {
  return dict.is_dict() ? dict.AsDict().Find(IValue(key)) : nullptr;
}

IValue CopyContainers(const IValue& v) {
  switch (v.tag()) {
    case IValue::Tag::kList: {
      auto list = MakeList(v.AsList().element_type);
      for (const IValue& e : v.AsList().values)
        list->values.push_back(CopyContainers(e));
      return IValue(list);
    }
    case IValue::Tag::kTuple: {
      std::vector<IValue> values;
      for (const IValue& e : v.AsTuple().values)
        values.push_back(CopyContainers(e));
      return IValue(MakeTuple(std::move(values)));
    }
    case IValue::Tag::kDict: {
      auto dict = MakeDict(v.AsDict().key_type, v.AsDict().value_type);
      for (const auto& [key, value] : v.AsDict().Items()) {
        dict->Set(key, CopyContainers(value));
      }
      return IValue(dict);
    }
    default:
      return v;
  }
}

class Checker {
 public:
  // `through`: empty, or the format that each model is saved in and opened from
  // again before it runs.
  Checker(const Session& session, Tolerance tolerance, std::string through)
      : session_(session),
        tolerance_(tolerance),
        through_(std::move(through)) {}

  // Empty when all calls of the case give what was recorded.
  std::string Run(const Case& c) const {
    const absl::StatusOr<IValue> calls = LoadPlainValues(c.calls);
    if (!calls.ok()) return std::string(calls.status().message());
    const IValue* sequences = Find(*calls, "sequences");
    if (sequences == nullptr || !sequences->is_list())
      return "no sequences are recorded";
    const auto& list = sequences->AsList().values;
    for (size_t s = 0; s < list.size(); ++s) {
      if (!list[s].is_list()) return "a sequence is no list";
      const absl::StatusOr<Module> module = Load(c.model);
      if (!module.ok())
        return absl::StrCat("load: ", module.status().message());
      const auto& sequence = list[s].AsList().values;
      Generator generator;
      for (size_t k = 0; k < sequence.size(); ++k) {
        std::string why = RunCall(*module, sequence[k], &generator);
        if (!why.empty())
          return absl::StrCat("sequence ", s, ", call ", k, ": ", why);
      }
    }
    return "";
  }

 private:
  std::string RunCall(const Module& module, const IValue& call,
                      Generator* generator) const {
    const IValue* method = Find(call, "method");
    const IValue* args = Find(call, "args");
    if (method == nullptr || !method->is_string() || args == nullptr) {
      return "the recorded call has no method or args";
    }
    std::vector<IValue> positional;
    if (args->is_tuple()) positional = args->AsTuple().values;
    if (args->is_list()) positional = args->AsList().values;
    NamedValues named;
    if (const IValue* kwargs = Find(call, "kwargs");
        kwargs != nullptr && kwargs->is_dict()) {
      for (const auto& [key, value] : kwargs->AsDict().Items()) {
        if (key.is_string()) named.emplace_back(key.AsString(), value);
      }
    }
    // Python's lists and dicts are copied on their way into a program: what it
    // does to them does not show outside. Tensors are shared.
    const std::vector<IValue> given = positional;
    for (IValue& v : positional) v = CopyContainers(v);
    for (auto& [name, v] : named) v = CopyContainers(v);
    const IValue* seed = Find(call, "seed");
    if (seed != nullptr && seed->is_int()) {
      generator->Seed(static_cast<uint64_t>(seed->AsInt()));
    }
    Capture output, warnings;
    CallOptions options = session_.call_options();
    options.generator = generator;
    options.output = &output;
    options.warnings = &warnings;
    const absl::StatusOr<IValue> got = session_.engine().Call(
        module, method->AsString(), positional, named, options);
    const IValue* error = Find(call, "error");
    if (error != nullptr && error->is_string()) {
      if (got.ok())
        return absl::StrCat("no error, but recorded is: ", error->AsString());
      const absl::string_view want = WithoutClass(error->AsString());
      if (absl::StrContains(got.status().message(), want)) return "";
      return absl::StrCat("another error.\n  ours: ", got.status().message(),
                          "\n  recorded: ", want);
    }
    if (!got.ok()) return absl::StrCat("failed: ", got.status().message());
    if (const IValue* want = Find(call, "output"); want != nullptr) {
      std::string why = Compare(*got, *want, tolerance_);
      if (!why.empty()) return absl::StrCat("output", why);
    }
    if (const IValue* after = Find(call, "args_after"); after != nullptr) {
      const IValue now = after->is_list() ? IValue(MakeList(Type::Any(), given))
                                          : IValue(MakeTuple(given));
      std::string why = Compare(now, *after, tolerance_);
      if (!why.empty()) return absl::StrCat("arguments after the call", why);
    }
    if (const IValue* want = Find(call, "stdout");
        want != nullptr && want->is_string()) {
      if (output.text() != want->AsString()) {
        return absl::StrCat("it printed\n", output.text(),
                            "--- but recorded is\n", want->AsString());
      }
    }
    return "";
  }

  absl::StatusOr<Module> Load(const std::string& path) const {
    TANDEM_ASSIGN_OR_RETURN(Module module, session_.Load(path));
    if (through_.empty()) return module;
    std::string bytes;
    const auto sink = CreateStringSink(&bytes);
    absl::Status saved;
    if (through_ == "pt") {
      SaveOptions options;
      options.engine = &session_.engine();
      saved = SaveModule(module, *sink, options);
    } else {
      saved = SaveTandem(module, *sink);
    }
    if (!saved.ok()) {
      return absl::Status(saved.code(),
                          absl::StrCat("saving: ", saved.message()));
    }
    return session_.Load(File::FromBuffer(
        absl::StrCat(path, " through ", through_), std::move(bytes)));
  }

  const Session& session_;
  const Tolerance tolerance_;
  const std::string through_;
};

constexpr FlagInfo kFlags[] = {
    kBackendFlag,
    kThreadsFlag,
    kLoadFlag,
    kMemoryFlag,
    kDeadlineFlag,
    kPipelineFlag,
    kPassesFlag,
    kNoVerifyFlag,
    {"rtol", true, "R  relative tolerance instead of the dtype's own"},
    {"atol", true, "A  absolute tolerance instead of the dtype's own"},
    {"quiet", false, "print failures and the closing line only"},
    {"only", true, "TEXT  cases whose name contains it"},
    {"skip", true, "NAME[,…]  cases that are left out"},
    {"through", true,
     "tandem | pt  save each model in this format and open it again first"},
};

int Run(const Options& options) {
  std::vector<Case> cases;
  const auto& words = options.words();
  for (size_t i = 0; i < words.size(); ++i) {
    if (IsFolder(words[i])) {
      const std::vector<Case> more = CasesIn(words[i]);
      cases.insert(cases.end(), more.begin(), more.end());
    } else if (i + 1 < words.size()) {
      cases.push_back({BaseName(words[i]), words[i], words[i + 1]});
      ++i;
    } else {
      return Misused(CheckCommand(),
                     absl::StrCat("'", words[i],
                                  "' is no folder, and no file of calls "
                                  "follows it"));
    }
  }
  if (words.empty()) return Misused(CheckCommand(), "what is to be checked?");
  auto session = Session::Create(options);
  if (!session.ok()) return Fail("check", session.status());
  Tolerance tolerance;
  for (const char* name : {"rtol", "atol"}) {
    if (!options.Has(name)) continue;
    const auto value = options.GetDouble(name, 0);
    if (!value.ok()) return Misused(CheckCommand(), value.status().message());
    (name[0] == 'r' ? tolerance.rtol : tolerance.atol) = *value;
  }
  const std::string through = options.Get("through");
  if (!through.empty() && through != "tandem" && through != "pt") {
    return Misused(CheckCommand(), "--through takes tandem or pt");
  }
  const Checker checker(**session, tolerance, through);
  const std::vector<std::string> skipped =
      absl::StrSplit(options.Get("skip"), ',');
  Progress progress;
  size_t passed = 0, failed = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    if (options.Has("only") && !absl::StrContains(c.name, options.Get("only")))
      continue;
    if (std::find(skipped.begin(), skipped.end(), c.name) != skipped.end()) {
      continue;
    }
    progress.Show(absl::StrCat("[", i + 1, "/", cases.size(), "] ", c.name));
    const std::string why = checker.Run(c);
    if (CancelFlag().load()) return kInterrupted;
    progress.Clear();
    if (why.empty()) {
      ++passed;
      if (!options.Has("quiet")) std::cout << "PASS " << c.name << std::endl;
    } else {
      ++failed;
      std::cout << "FAIL " << c.name << ": " << why << std::endl;
    }
  }
  std::cout << passed << " passed, " << failed << " failed" << std::endl;
  return failed == 0 ? kOk : kFailed;
}

}  // namespace

const Command& CheckCommand() {
  static const Command kCommand = {
      "check", "check MODEL.pt MODEL.io.pt | FOLDER … [flags]",
      "Runs recorded calls and compares what they give with what was "
      "recorded.\n"
      "A folder stands for all its pairs NAME.pt, NAME.io.pt.",
      kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
