// `tandem check`: recorded calls against ours.
#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/serialization/torchscript/module_writer.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tools/command.h"
#include "tandem/tools/recorded_calls.h"

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
    return CheckRecordedCalls(session_, tolerance_, c.calls,
                              [&] { return Load(c.model); });
  }

 private:
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
