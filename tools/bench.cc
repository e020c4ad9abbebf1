// `tandem bench`: how long loading and calls take.
#include <sys/resource.h>

#include <algorithm>
#include <iostream>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/tools/command.h"
#include "tandem/tools/inputs.h"

namespace tandem::tools {
namespace {

constexpr FlagInfo kFlags[] = {
    {"method", true, "NAME  the method to call (forward)"},
    {"input", true,
     "as for run: NAME=VALUE, or FILE.pt with the tuple of arguments"},
    {"calls", true,
     "N  only load and make N calls: load and first-call times; or X.io.pt: "
     "the first "
     "recorded call's arguments"},
    {"callers", true, "N  threads that call one loaded module (1)"},
    {"seconds", true, "S  how long to measure (1)"},
    {"json", false, "one line of JSON"},
    kBackendFlag,
    kThreadsFlag,
    kLoadFlag,
    kPipelineFlag,
    kPassesFlag,
    kNoVerifyFlag,
};

double CpuMicros() {
  rusage u;
  getrusage(RUSAGE_SELF, &u);
  return 1e6 * static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

double PeakMegabytes() {
  rusage u;
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_maxrss) / 1000;
}

double Micros(absl::Duration d) { return absl::ToDoubleMicroseconds(d); }

// Arguments of the first recorded call.
absl::StatusOr<CallArguments> FirstCall(const std::string& path,
                                        std::string* method) {
  absl::StatusOr<IValue> file = LoadPlainValues(path);
  if (!file.ok()) return file.status();
  CallArguments arguments;
  const auto missing = [&] {
    return absl::InvalidArgumentError("'" + path + "' has no recorded call");
  };
  if (!file->is_dict()) return missing();
  const IValue* sequences = file->AsDict().Find(IValue("sequences"));
  if (sequences == nullptr || !sequences->is_list() ||
      sequences->AsList().values.empty()) {
    return missing();
  }
  const IValue& sequence = sequences->AsList().values[0];
  if (!sequence.is_list() || sequence.AsList().values.empty()) return missing();
  const IValue& call = sequence.AsList().values[0];
  if (!call.is_dict()) return missing();
  const IValue* args = call.AsDict().Find(IValue("args"));
  const IValue* name = call.AsDict().Find(IValue("method"));
  if (args == nullptr || name == nullptr || !name->is_string())
    return missing();
  *method = name->AsString();
  if (args->is_tuple()) arguments.positional = args->AsTuple().values;
  if (args->is_list()) arguments.positional = args->AsList().values;
  if (const IValue* kwargs = call.AsDict().Find(IValue("kwargs"));
      kwargs != nullptr && kwargs->is_dict()) {
    for (const auto& [key, value] : kwargs->AsDict().Items()) {
      if (key.is_string()) arguments.named.emplace_back(key.AsString(), value);
    }
  }
  return arguments;
}

struct Work {
  const Session* session;
  const Module* module;
  std::string method;
  CallArguments arguments;
  absl::Status Call() const {
    return session
        ->Call(*module, method, arguments.positional, arguments.named,
               session->call_options())
        .status();
  }
};

int MeasureCallers(const Work& work, int callers, double seconds, bool json) {
  std::vector<std::thread> threads;
  std::vector<int64_t> counts(callers);
  std::atomic<bool> stop{false};
  const double cpu = CpuMicros();
  const absl::Time start = absl::Now();
  for (int t = 0; t < callers; ++t) {
    threads.emplace_back([&, t] {
      int64_t n = 0;
      while (!stop.load(std::memory_order_relaxed) && work.Call().ok()) ++n;
      counts[t] = n;
    });
  }
  absl::SleepFor(absl::Seconds(seconds));
  stop = true;
  for (std::thread& t : threads) t.join();
  const double elapsed = absl::ToDoubleSeconds(absl::Now() - start);
  int64_t total = 0;
  for (int64_t n : counts) total += n;
  const double cpu_us =
      total == 0 ? 0 : (CpuMicros() - cpu) / static_cast<double>(total);
  std::cout << absl::StrFormat(
      json ? "{\"calls_per_s\": %.3f, \"cpu_us\": %.3f}\n"
           : "%.3f calls/s, %.3f us of CPU a call\n",
      static_cast<double>(total) / elapsed, cpu_us);
  return kOk;
}

int MeasureCalls(const Work& work, double seconds, bool json) {
  // Many timed calls, their times kept; short calls are timed one by one, too.
  std::vector<double> times;
  const double cpu = CpuMicros();
  const absl::Time end = absl::Now() + absl::Seconds(seconds);
  do {
    const absl::Time before = absl::Now();
    if (absl::Status s = work.Call(); !s.ok()) return Fail("bench", s);
    times.push_back(Micros(absl::Now() - before));
  } while (absl::Now() < end || times.size() < 2);
  const double cpu_us = (CpuMicros() - cpu) / static_cast<double>(times.size());
  std::sort(times.begin(), times.end());
  std::cout << absl::StrFormat(
      json
          ? "{\"n\": %d, \"min_us\": %.3f, \"med_us\": %.3f, \"p99_us\": %.3f, "
            "\"cpu_us\": %.3f}\n"
          : "%d calls: least %.3f us, median %.3f us, p99 %.3f us, CPU %.3f "
            "us\n",
      times.size(), times.front(), times[times.size() / 2],
      times[times.size() * 99 / 100], cpu_us);
  return kOk;
}

int Run(const Options& options) {
  if (options.words().size() != 1)
    return Misused(BenchCommand(), "name one model");
  auto session = Session::Create(options);
  if (!session.ok()) return Fail("bench", session.status());
  const bool json = options.Has("json");
  const absl::StatusOr<double> seconds = options.GetDouble("seconds", 1);
  const absl::StatusOr<int64_t> callers = options.GetInt("callers", 1);
  if (!seconds.ok() || !callers.ok() || *callers < 1 || *callers > 1024) {
    return Misused(BenchCommand(), "--seconds and --callers need numbers");
  }
  const absl::Time start = absl::Now();
  const absl::StatusOr<Module> module = (*session)->Load(options.words()[0]);
  if (!module.ok()) return Fail("bench", module.status());
  const double load_ms = Micros(absl::Now() - start) / 1000;
  Work work{session->get(), &*module, options.Get("method", "forward"), {}};
  int64_t only = 0;
  if (options.Has("calls") && !absl::SimpleAtoi(options.Get("calls"), &only)) {
    auto first = FirstCall(options.Get("calls"), &work.method);
    if (!first.ok()) return Fail("bench", first.status());
    work.arguments = *std::move(first);
  } else {
    const absl::StatusOr<Function*> method = module->GetMethod(work.method);
    if (!method.ok()) return Fail("bench", method.status());
    auto arguments = ParseInputs(options.All("input"), (*method)->schema());
    if (!arguments.ok()) return Fail("bench", arguments.status());
    work.arguments = *std::move(arguments);
  }
  const double cpu = CpuMicros();
  const absl::Time first = absl::Now();
  if (absl::Status s = work.Call(); !s.ok()) return Fail("bench", s);
  const double first_ms = Micros(absl::Now() - first) / 1000;
  const double first_cpu_ms = (CpuMicros() - cpu) / 1000;
  if (only > 0) {
    for (int64_t i = 1; i < only; ++i) {
      if (absl::Status s = work.Call(); !s.ok()) return Fail("bench", s);
    }
    std::cout << absl::StrFormat(
        json
            ? "{\"load_ms\": %.3f, \"first_ms\": %.3f, \"first_cpu_ms\": %.3f, "
              "\"peak_mb\": %.1f}\n"
            : "load %.3f ms, first call %.3f ms (CPU %.3f ms), peak %.1f MB\n",
        load_ms, first_ms, first_cpu_ms, PeakMegabytes());
    return kOk;
  }
  if (options.Has("callers") && *callers > 1) {
    return MeasureCallers(work, static_cast<int>(*callers), *seconds, json);
  }
  return MeasureCalls(work, *seconds, json);
}

}  // namespace

const Command& BenchCommand() {
  static const Command kCommand = {"bench",
                                   "bench MODEL.pt [--input …] [--threads N] "
                                   "[--callers N] [--seconds S] [--json]",
                                   "Times calls of a model: least, median, "
                                   "99th percentile, CPU time of the process.",
                                   kFlags, &Run};
  return kCommand;
}

}  // namespace tandem::tools
