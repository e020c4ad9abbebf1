#include "tandem/tools/command.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/onednn/onednn.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/passes/builtin.h"
#include "tandem/passes/text_pass.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::tools {
namespace {

void OnSignal(int) {
  // A second signal ends the process at once.
  if (CancelFlag().exchange(true)) _exit(kInterrupted);
}

}  // namespace

std::atomic<bool>& CancelFlag() {
  static std::atomic<bool> flag{false};
  return flag;
}

void InstallSignalHandlers() {
  CancelFlag();
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
}

absl::StatusOr<std::unique_ptr<Session>> Session::Create(const Options& options,
                                                         bool list,
                                                         cuda::Options cuda) {
  std::unique_ptr<Session> session(new Session());
  TANDEM_RETURN_IF_ERROR(native::Register(session->registry_));
  TANDEM_RETURN_IF_ERROR(reference::Register(session->registry_));
  const std::vector<std::string> wanted =
      absl::StrSplit(options.Get("backend"), ',', absl::SkipEmpty());
  // While the model is read and compiled.
  onednn::Options onednn;
  onednn.preload =
      std::find(wanted.begin(), wanted.end(), "onednn") != wanted.end();
  TANDEM_RETURN_IF_ERROR(onednn::Register(session->registry_, onednn));
  // Its registration goes through the whole table of operators.
  const bool on_gpu =
      std::find(wanted.begin(), wanted.end(), "cuda") != wanted.end();
  if (on_gpu || list) {
    TANDEM_ASSIGN_OR_RETURN(
        session->cuda_, cuda::Register(session->registry_, std::move(cuda)));
  }
  if (on_gpu) {
    TANDEM_ASSIGN_OR_RETURN(session->gpu_, session->cuda_->Get(0));
  }
  TANDEM_RETURN_IF_ERROR(RegisterPasses(session->passes_));
  Session* const s = session.get();
  session->plugins_ = std::make_unique<PluginHost>(
      &session->registry_, &session->operators_,
      [s](std::string name, TextPass pass) {
        return s->passes_.Add(
            MakeTextPass({std::move(name), "of a plugin"}, std::move(pass)));
      });
  if (const char* path = std::getenv("TANDEM_PLUGIN_PATH"); path != nullptr) {
    session->plugins_->search_path = SplitSearchPath(path);
  }
  for (const std::string& plugin : options.All("load")) {
    TANDEM_RETURN_IF_ERROR(session->plugins_->Load(plugin));
  }
  EngineOptions engine;
  if (options.Has("backend")) {
    engine.backends = wanted;
    for (const std::string& name : engine.backends) {
      const auto& known = session->registry_.backends();
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "there is no backend '", name, "'; `tandem plugins` lists them"));
      }
    }
    if (std::find(engine.backends.begin(), engine.backends.end(),
                  "reference") == engine.backends.end()) {
      engine.backends.push_back("reference");
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t threads, options.GetInt("threads", 1));
  if (threads < 1 || threads > 1024) {
    return absl::InvalidArgumentError(
        "--threads needs a number from 1 to 1024");
  }
  engine.threads = static_cast<int>(threads);
  TANDEM_ASSIGN_OR_RETURN(const int64_t megabytes, options.GetInt("memory", 0));
  if (megabytes > 0) {
    session->memory_ = std::make_unique<MemoryBudget>(megabytes * 1'000'000);
  }
  TANDEM_ASSIGN_OR_RETURN(session->deadline_seconds_,
                          options.GetDouble("deadline", 0));
  session->verify_ = !options.Has("no-verify");
  TANDEM_RETURN_IF_ERROR(session->ReadPipeline(options));
  session->engine_ =
      std::make_unique<Engine>(&session->registry_, std::move(engine));
  return session;
}

CallOptions Session::call_options() const {
  CallOptions options;
  options.memory = memory_.get();
  options.cancel = &CancelFlag();
  if (deadline_seconds_ > 0) {
    options.deadline = absl::Now() + absl::Seconds(deadline_seconds_);
  }
  return options;
}

// An operator that tandem does not have comes from a plugin, or never.
absl::Status Session::NamePlugins(absl::Status status) const {
  if (!absl::StrContains(status.message(), "Unknown builtin op") &&
      !absl::StrContains(status.message(), "unknown operator")) {
    return status;
  }
  std::vector<std::string> loaded;
  for (const PluginHost::Loaded& l : plugins_->loaded())
    loaded.push_back(l.name);
  std::string text(status.message());
  while (!text.empty() && text.back() == '\n') text.pop_back();
  absl::StrAppend(
      &text, "\nOperators of others come from plugins: ",
      loaded.empty() ? std::string("none is loaded (--load PLUGIN)")
                     : absl::StrCat("loaded are ", absl::StrJoin(loaded, ", ")),
      "; the search path is ",
      plugins_->search_path.empty()
          ? std::string("empty (TANDEM_PLUGIN_PATH)")
          : absl::StrJoin(plugins_->search_path, ":"));
  return absl::Status(status.code(), text);
}

absl::StatusOr<Module> Session::Load(const std::string& path,
                                     TandemExtras* extras) const {
  TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<File> file, File::Open(path));
  return Load(std::move(file), extras);
}

absl::StatusOr<Module> Session::Load(std::shared_ptr<File> file,
                                     TandemExtras* extras) const {
  absl::StatusOr<Module> module = Open(std::move(file), extras);
  if (!module.ok()) return NamePlugins(module.status());
  TANDEM_ASSIGN_OR_RETURN(Module ready, RunPipeline(*module));
  TANDEM_RETURN_IF_ERROR(MoveToGpu(ready));
  return ready;
}

absl::StatusOr<Module> Session::Open(std::shared_ptr<File> file,
                                     TandemExtras* extras) const {
  if (IsTandemFile(file->bytes())) {
    TandemLoadOptions options;
    options.verify_weights = verify_;
    options.operators = &registry_.operators();
    options.plugin_path = absl::StrJoin(plugins_->search_path, ":");
    options.extras = extras;
    return LoadTandem(std::move(file), options);
  }
  LoadOptions options;
  options.limits.verify_weights = verify_;
  options.operators = &registry_.operators();
  options.engine = engine_.get();
  options.memory = memory_.get();
  options.cancel = &CancelFlag();
  std::map<std::string, std::string> files;
  if (extras != nullptr) options.extra_files = &files;
  TANDEM_ASSIGN_OR_RETURN(Module module, LoadModule(std::move(file), options));
  if (extras != nullptr) extras->files.assign(files.begin(), files.end());
  return module;
}

absl::Status Session::MoveToGpu(const Module& module) const {
  if (gpu_ == nullptr) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(cuda::MoveModule(*gpu_, module.object()));
  for (const auto& function : module.unit()->functions()) {
    // What does not compile says so when it is called.
    if (!function->EnsureDefined().ok()) continue;
    if (function->graph() == nullptr) continue;
    TANDEM_RETURN_IF_ERROR(cuda::MoveConstants(*gpu_, function->graph()));
  }
  return absl::OkStatus();
}

absl::StatusOr<IValue> Session::Call(const Module& module,
                                     absl::string_view method,
                                     std::vector<IValue> args,
                                     const NamedValues& kwargs,
                                     const CallOptions& options) const {
  if (gpu_ == nullptr) {
    return engine_->Call(module, method, std::move(args), kwargs, options);
  }
  cuda::ArgumentsOnDevice there(gpu_);
  for (IValue& v : args) {
    TANDEM_ASSIGN_OR_RETURN(v, there.Move(v));
  }
  NamedValues named = kwargs;
  for (auto& [name, v] : named) {
    TANDEM_ASSIGN_OR_RETURN(v, there.Move(v));
  }
  TANDEM_ASSIGN_OR_RETURN(
      const IValue result,
      engine_->Call(module, method, std::move(args), named, options));
  TANDEM_RETURN_IF_ERROR(there.WriteBack());
  return cuda::ToCpu(*cuda_, result);
}

absl::StatusOr<Module> Session::RunPipeline(const Module& module) const {
  if (pipeline_.empty()) return module;
  PassContext context;
  context.registry = &registry_;
  context.operators = &registry_.operators();
  std::vector<PassRun> runs;
  TANDEM_ASSIGN_OR_RETURN(
      Program program, pipeline_.Run({module.unit(), module.object(), nullptr},
                                     context, pipeline_options_, &runs));
  if (report_passes_) std::cerr << DescribeRuns(runs);
  return Module(program.unit, program.object);
}

absl::Status Session::ReadPipeline(const Options& options) {
  TANDEM_ASSIGN_OR_RETURN(pipeline_,
                          Pipeline::Parse(options.Get("pipeline"), passes_));
  for (absl::string_view word :
       absl::StrSplit(options.Get("passes"), ',', absl::SkipEmpty())) {
    if (word == "report") {
      report_passes_ = true;
    } else if (word == "print") {
      pipeline_options_.print = [](absl::string_view text) {
        std::cerr << text << "\n";
      };
    } else if (word == "verify") {
      pipeline_options_.verify = true;
    } else {
      return absl::InvalidArgumentError(absl::StrCat(
          "--passes takes report, print and verify, not '", word, "'"));
    }
  }
  return absl::OkStatus();
}

int Fail(absl::string_view command, const absl::Status& status) {
  std::cout.flush();
  std::string message(status.message());
  while (!message.empty() && message.back() == '\n') message.pop_back();
  if (message.empty()) message = status.ToString();
  std::cerr << "tandem " << command << ": " << message << std::endl;
  if (absl::IsCancelled(status) && CancelFlag().load()) return kInterrupted;
  return kFailed;
}

int Misused(const Command& command, absl::string_view why) {
  std::cerr << "tandem " << command.name << ": " << why << "\nusage: tandem "
            << command.usage << "\n`tandem " << command.name
            << " --help` says more" << std::endl;
  return kUsage;
}

Progress::Progress() : terminal_(isatty(2) == 1) {}

void Progress::Show(absl::string_view text) {
  if (!terminal_) return;
  std::cerr << "\r\033[K" << text.substr(0, 100) << std::flush;
  shown_ = true;
}

void Progress::Clear() {
  if (shown_) std::cerr << "\r\033[K" << std::flush;
  shown_ = false;
}

}  // namespace tandem::tools
