// Runs methods of modules: the one entry to execution.
//
//   Registry registry;
//   TANDEM_RETURN_IF_ERROR(reference::Register(registry));
//   Engine engine(&registry, {});
//   TANDEM_ASSIGN_OR_RETURN(IValue y, engine.Call(module, "forward", {x}));
#ifndef TANDEM_RUNTIME_ENGINE_H_
#define TANDEM_RUNTIME_ENGINE_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "tandem/backends/registry.h"
#include "tandem/runtime/module.h"
#include "tandem/tensor/context.h"

namespace tandem {

class Plan;
class Profiler;
class ThreadPool;

struct EngineOptions {
  // Kernels are taken from the first of these that has one; names that nothing
  // registered under are passed over.
  std::vector<std::string> backends = {"native", "reference"};
  // Threads inside a kernel; 1: the caller's alone.
  int threads = 1;
  // Threads that run forks beside the callers; 0: a fork runs where it stands.
  int fork_threads = 2;
};

struct CallOptions {
  MemoryBudget* memory = nullptr;
  Generator* generator = nullptr;  // null: the calling thread's
  OutputSink* output = nullptr;    // null: standard output
  OutputSink* warnings = nullptr;  // null: standard error
  const std::atomic<bool>* cancel = nullptr;
  absl::Time deadline = absl::InfiniteFuture();
  Profiler* profiler = nullptr;  // null: nothing is timed
  // Loop turns, calls and operators; ResourceExhaustedError past it.
  int64_t max_steps = INT64_MAX;
};

using NamedValues = std::vector<std::pair<std::string, IValue>>;

// Thread-safe. The registry must outlive it.
class Engine {
 public:
  explicit Engine(const Registry* registry, EngineOptions options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Calls a method. Arguments are checked against its signature with PyTorch's
  // messages. Failures of the program carry the traceback in the user's source.
  absl::StatusOr<IValue> Call(const Module& module, absl::string_view method,
                              std::vector<IValue> args,
                              const NamedValues& kwargs = {},
                              const CallOptions& options = {}) const;
  // Calls a function or a method with self as first argument, hooks aside.
  absl::StatusOr<IValue> CallFunction(Function* function,
                                      std::vector<IValue> args,
                                      const NamedValues& kwargs = {},
                                      const CallOptions& options = {}) const;

  // The plan of a function, made when first asked for. Lives as long as the
  // function and this engine.
  absl::StatusOr<const Plan*> PlanFor(const Function* function) const;

  const Registry& registry() const { return *registry_; }
  const EngineOptions& options() const { return options_; }
  ThreadPool* fork_pool() const { return fork_pool_.get(); }

 private:
  // `self`, where there is one, comes before `args`, which are moved out.
  absl::StatusOr<IValue> Invoke(Function* function, const IValue* self,
                                absl::Span<IValue> args,
                                const NamedValues& kwargs,
                                const CallOptions& options) const;

  const Registry* const registry_;
  const EngineOptions options_;
  const uint64_t id_;
  bool has_groups_ = false;  // one of the backends compiles groups
  std::unique_ptr<ThreadPool> fork_pool_;
  std::unique_ptr<ThreadPool> kernel_pool_;
};

// The class of exception that a failed Status of a program names
// ("builtins.ValueError"), empty when it is none; and the message alone,
// without the traceback.
std::string ExceptionClass(const absl::Status& status);
std::string ExceptionMessage(const absl::Status& status);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_ENGINE_H_
