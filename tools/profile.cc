// `tandem profile`: where the time of calls goes.
#include <algorithm>
#include <fstream>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tandem/runtime/profiler.h"
#include "tandem/tools/command.h"
#include "tandem/tools/inputs.h"

namespace tandem::tools {
namespace {

constexpr FlagInfo kFlags[] = {
    {"method", true, "NAME  the method to call (forward)"},
    {"input", true, "NAME=VALUE  as of `tandem run`"},
    {"calls", true, "N  calls that are measured, after one that is not (10)"},
    {"top", true, "N  lines of each table (20)"},
    {"trace", true, "FILE.json  a trace for Perfetto or chrome://tracing"},
    kBackendFlag,
    kThreadsFlag,
    kLoadFlag,
    kMemoryFlag,
    kDeadlineFlag,
    kPipelineFlag,
    kPassesFlag,
    kNoVerifyFlag,
};

void Print(absl::string_view title, const std::vector<ProfileRow>& rows,
           int64_t top, int64_t calls) {
  int64_t total = 0;
  for (const ProfileRow& r : rows) total += r.total_ns;
  std::cout << title << "\n"
            << absl::StrFormat("%12s %7s %10s  %s\n", "us a call", "share",
                               "runs", "what");
  const size_t shown = std::min(rows.size(), static_cast<size_t>(top));
  for (size_t i = 0; i < shown; ++i) {
    const ProfileRow& r = rows[i];
    std::cout << absl::StrFormat(
        "%12.2f %6.1f%% %10.1f  %s\n",
        static_cast<double>(r.total_ns) / 1000 / static_cast<double>(calls),
        100.0 * static_cast<double>(r.total_ns) /
            static_cast<double>(std::max<int64_t>(total, 1)),
        static_cast<double>(r.calls) / static_cast<double>(calls), r.what);
  }
  if (shown < rows.size()) {
    std::cout << absl::StrFormat("%12s %d more\n", "", rows.size() - shown);
  }
  std::cout << "\n";
}

int Run(const Options& options) {
  if (options.words().size() != 1) {
    return Misused(ProfileCommand(), "name one model");
  }
  const auto calls = options.GetInt("calls", 10);
  const auto top = options.GetInt("top", 20);
  if (!calls.ok() || !top.ok() || *calls < 1 || *top < 1) {
    return Misused(ProfileCommand(), "--calls and --top need numbers");
  }
  auto session = Session::Create(options);
  if (!session.ok()) return Fail("profile", session.status());
  const absl::StatusOr<Module> module = (*session)->Load(options.words()[0]);
  if (!module.ok()) return Fail("profile", module.status());
  const std::string name = options.Get("method", "forward");
  const absl::StatusOr<Function*> method = module->GetMethod(name);
  if (!method.ok()) return Fail("profile", method.status());
  if (absl::Status s = (*method)->EnsureDefined(); !s.ok()) {
    return Fail("profile", s);
  }
  auto arguments = ParseInputs(options.All("input"), (*method)->schema());
  if (!arguments.ok()) return Fail("profile", arguments.status());
  Profiler profiler;
  CallOptions call = (*session)->call_options();
  int64_t whole_ns = 0;
  for (int64_t k = 0; k <= *calls; ++k) {
    if (k == 1) call.profiler = &profiler;
    const int64_t start = profiler.Now();
    const absl::StatusOr<IValue> result = (*session)->Call(
        *module, name, arguments->positional, arguments->named, call);
    if (!result.ok()) return Fail("profile", result.status());
    if (k > 0) whole_ns += profiler.Now() - start;
  }
  const std::vector<Profiler::Event> events = profiler.events();
  std::cout << absl::StrFormat(
      "%d calls, %.2f us each, the clock's own cost included\n\n", *calls,
      static_cast<double>(whole_ns) / 1000 / static_cast<double>(*calls));
  Print("By operator and group", ByOperator(events), *top, *calls);
  Print("By line", ByLine(events), *top, *calls);
  if (profiler.dropped() > 0) {
    std::cout << profiler.dropped() << " more runs were not kept\n";
  }
  if (options.Has("trace")) {
    const std::string path = options.Get("trace");
    std::ofstream file(path, std::ios::binary);
    file << ChromeTrace(events);
    if (!file.flush()) {
      return Fail("profile",
                  absl::UnavailableError(absl::StrCat("cannot write ", path)));
    }
    std::cout << "wrote " << path << "\n";
  }
  return kOk;
}

}  // namespace

const Command& ProfileCommand() {
  static const Command kCommand = {
      "profile", "profile MODEL [--input NAME=VALUE] [--trace FILE.json]",
      "Where the time of warm calls goes: by operator and group, by line of "
      "the\n"
      "source.",
      kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
