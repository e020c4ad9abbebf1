// What the subcommands of `tandem` share: the engine, loading, cancellation.
#ifndef TANDEM_TOOLS_COMMAND_H_
#define TANDEM_TOOLS_COMMAND_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/backends/abi/plugin_host.h"
#include "tandem/backends/cuda/cuda.h"
#include "tandem/backends/registry.h"
#include "tandem/passes/pass.h"
#include "tandem/passes/pipeline.h"
#include "tandem/runtime/engine.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/tandem/model_file.h"
#include "tandem/tools/options.h"

namespace tandem::tools {

// Exit codes of the command.
inline constexpr int kOk = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kInterrupted = 130;

// A subcommand.
struct Command {
  absl::string_view name;
  absl::string_view usage;  // "run MODEL [flags]"
  absl::string_view help;   // what it does, a few lines
  absl::Span<const FlagInfo> flags;
  int (*run)(const Options& options);
};

const Command& RunCommand();
const Command& ScriptCommand();
const Command& CheckCommand();
const Command& ShowCommand();
const Command& BenchCommand();
const Command& ConvertCommand();
const Command& ProfileCommand();
const Command& PluginsCommand();

// Flags that make an engine, for the commands that run models.
inline constexpr FlagInfo kBackendFlag = {
    "backend", true,
    "native,reference  kernels come from the first that has one, groups too"};
inline constexpr FlagInfo kThreadsFlag = {"threads", true,
                                          "N  threads inside a kernel (1)"};
inline constexpr FlagInfo kMemoryFlag = {
    "memory", true, "MB  most that tensors of the program may take"};
inline constexpr FlagInfo kDeadlineFlag = {
    "deadline", true, "S  seconds after which a call is stopped"};
inline constexpr FlagInfo kPipelineFlag = {
    "pipeline", true,
    "inference | freeze,fold_constants,…  passes that rewrite the model first"};
inline constexpr FlagInfo kPassesFlag = {
    "passes", true,
    "report | print | verify[,…]  says what the passes did, prints graphs, "
    "checks them"};
inline constexpr FlagInfo kNoVerifyFlag = {
    "no-verify", false, "do not compare the checksums of weights"};

inline constexpr FlagInfo kLoadFlag = {
    "load", true,
    "PLUGIN  a shared object; a name is looked for in $TANDEM_PLUGIN_PATH"};

// Registry, plugins, engine and budget as the flags ask.
class Session {
 public:
  // `list`: registers backends that are not asked for, too. `cuda`: how the
  // GPU's is set up.
  static absl::StatusOr<std::unique_ptr<Session>> Create(
      const Options& options, bool list = false,
      cuda::Options cuda = cuda::Options());

  const Registry& registry() const { return registry_; }
  const PassRegistry& passes() const { return passes_; }
  const PluginHost& plugins() const { return *plugins_; }
  const Engine& engine() const { return *engine_; }
  // Calls a method; where models run on a GPU, arguments go there first, and
  // what comes back, with changes of the arguments, is on the CPU again.
  absl::StatusOr<IValue> Call(const Module& module, absl::string_view method,
                              std::vector<IValue> args,
                              const NamedValues& kwargs,
                              const CallOptions& options) const;
  // Opens a .pt archive or a model.tandem, whatever it is named, and runs the
  // pipeline on it; __setstate__ runs under a budget and prints nothing.
  // `extras`, if not null, gets what lies beside the model.
  absl::StatusOr<Module> Load(const std::string& path,
                              TandemExtras* extras = nullptr) const;
  absl::StatusOr<Module> Load(std::shared_ptr<File> file,
                              TandemExtras* extras = nullptr) const;
  // The same error, with where operators come from if it is about one.
  absl::Status NamePlugins(absl::Status status) const;
  // With deadline, memory budget and the flag that SIGINT sets.
  CallOptions call_options() const;

 private:
  absl::StatusOr<Module> Open(std::shared_ptr<File> file,
                              TandemExtras* extras) const;

  Session() = default;
  absl::StatusOr<Module> RunPipeline(const Module& module) const;
  absl::Status ReadPipeline(const Options& options);
  absl::Status MoveToGpu(const Module& module) const;
  OperatorTable operators_{&OperatorTable::Builtin()};
  Registry registry_{&operators_};
  std::shared_ptr<cuda::Runtime> cuda_;
  cuda::Gpu* gpu_ = nullptr;  // null: models run on the CPU
  std::unique_ptr<PluginHost> plugins_;
  PassRegistry passes_;
  Pipeline pipeline_;
  PipelineOptions pipeline_options_;
  bool report_passes_ = false;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<MemoryBudget> memory_;
  double deadline_seconds_ = 0;
  bool verify_ = true;
};

// Set by SIGINT and SIGTERM; calls and loads look at it.
std::atomic<bool>& CancelFlag();
void InstallSignalHandlers();

// Prints "tandem COMMAND: message" on stderr; the exit code.
int Fail(absl::string_view command, const absl::Status& status);
int Misused(const Command& command, absl::string_view why);

// A line that rewrites itself on a terminal's stderr; silent elsewhere.
class Progress {
 public:
  Progress();
  ~Progress() { Clear(); }
  void Show(absl::string_view text);
  void Clear();

 private:
  const bool terminal_;
  bool shown_ = false;
};

}  // namespace tandem::tools

#endif  // TANDEM_TOOLS_COMMAND_H_
