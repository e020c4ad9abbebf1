#include "tandem/runtime/engine.h"

#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tandem/passes/inline.h"
#include "tandem/passes/partition.h"
#include "tandem/passes/program.h"
#include "tandem/runtime/arguments.h"
#include "tandem/runtime/executor.h"
#include "tandem/runtime/plan.h"
#include "tandem/runtime/plan_builder.h"
#include "tandem/runtime/thread_pool.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr absl::string_view kClassPayload = "tandem/exception_class";
constexpr absl::string_view kMessagePayload = "tandem/exception_message";

// Plans of one function, by engine; hangs on the function and dies with it.
struct FunctionPlans {
  absl::Mutex mutex;
  std::vector<std::pair<uint64_t, std::unique_ptr<Plan>>> plans
      ABSL_GUARDED_BY(mutex);
};

uint64_t NextEngineId() {
  static std::atomic<uint64_t> next{1};
  return next.fetch_add(1);
}

// Guards the creation of FunctionPlans.
absl::Mutex& CreationMutex() {
  static auto* const kMutex = new absl::Mutex();
  return *kMutex;
}

FunctionPlans& PlansOf(const Function* function) {
  absl::MutexLock lock(&CreationMutex());
  if (function->runtime_data == nullptr) {
    function->runtime_data = std::make_shared<FunctionPlans>();
  }
  return *static_cast<FunctionPlans*>(function->runtime_data.get());
}

}  // namespace

Engine::Engine(const Registry* registry, EngineOptions options)
    : registry_(registry), options_(std::move(options)), id_(NextEngineId()) {
  for (const std::string& name : options_.backends) {
    has_groups_ |= registry_->FindGroupBackend(name) != nullptr;
  }
  if (options_.fork_threads > 0) {
    fork_pool_ = std::make_unique<ThreadPool>(options_.fork_threads);
  }
  if (options_.threads > 1) {
    kernel_pool_ = std::make_unique<ThreadPool>(options_.threads - 1);
  }
}

Engine::~Engine() = default;

absl::StatusOr<const Plan*> Engine::PlanFor(const Function* function) const {
  FunctionPlans& plans = PlansOf(function);
  absl::MutexLock lock(&plans.mutex);
  for (const auto& [id, plan] : plans.plans) {
    if (id == id_) return plan.get();
  }
  if (!function->unit()->writes_marked.load(std::memory_order_acquire)) {
    absl::MutexLock unit_lock(&CreationMutex());
    if (!function->unit()->writes_marked.load(std::memory_order_relaxed)) {
      MarkWrittenAttributes(*function->unit());
      function->unit()->writes_marked.store(true, std::memory_order_release);
    }
  }
  TANDEM_RETURN_IF_ERROR(const_cast<Function*>(function)->EnsureDefined());
  if (function->graph() == nullptr) {
    return absl::FailedPreconditionError(absl::StrCat(
        "function '", function->qualified_name(), "' has no body"));
  }
  const Graph* graph = function->graph();
  std::unique_ptr<Graph> partitioned;
  PartitionReport report;
  if (has_groups_) {
    partitioned = graph->Clone();
    const absl::Status inlined = InlineCalls(partitioned.get());
    if (inlined.ok()) {
      TANDEM_ASSIGN_OR_RETURN(
          report, Partition(partitioned.get(), *registry_, options_.backends));
      graph = partitioned.get();
    } else if (!absl::IsResourceExhausted(inlined)) {
      return inlined;  // else: too large to look into, calls stay calls
    }
  }
  TANDEM_ASSIGN_OR_RETURN(
      std::unique_ptr<Plan> plan,
      BuildPlan(*function, *graph, *registry_, options_.backends));
  plan->refusals = std::move(report.refusals);
  const Plan* result = plan.get();
  plans.plans.emplace_back(id_, std::move(plan));
  return result;
}

absl::StatusOr<IValue> Engine::Call(const Module& module,
                                    absl::string_view method,
                                    std::vector<IValue> args,
                                    const NamedValues& kwargs,
                                    const CallOptions& options) const {
  TANDEM_ASSIGN_OR_RETURN(Function * function, module.GetMethod(method));
  const ClassType& type = module.type();
  const IValue self(module.object());
  const bool hooked = method == "forward" && !(type.forward_hooks.empty() &&
                                               type.forward_pre_hooks.empty());
  if (!hooked)
    return Invoke(function, &self, absl::MakeSpan(args), kwargs, options);
  // Hooks see the positional arguments as a tuple and may replace them, or the
  // result; what returns None replaces nothing.
  for (Function* hook : type.forward_pre_hooks) {
    TANDEM_ASSIGN_OR_RETURN(
        IValue changed,
        CallFunction(hook, {self, IValue(MakeTuple(args))}, {}, options));
    if (changed.is_tuple()) {
      args = changed.AsTuple().values;
    } else if (!changed.is_none()) {
      args = {std::move(changed)};
    }
  }
  std::vector<IValue> all = args;
  all.insert(all.begin(), self);
  TANDEM_ASSIGN_OR_RETURN(
      IValue result, CallFunction(function, std::move(all), kwargs, options));
  for (Function* hook : type.forward_hooks) {
    TANDEM_ASSIGN_OR_RETURN(
        IValue changed,
        CallFunction(hook, {self, IValue(MakeTuple(args)), result}, {},
                     options));
    if (!changed.is_none()) result = std::move(changed);
  }
  return result;
}

absl::StatusOr<IValue> Engine::CallFunction(Function* function,
                                            std::vector<IValue> args,
                                            const NamedValues& kwargs,
                                            const CallOptions& options) const {
  return Invoke(function, nullptr, absl::MakeSpan(args), kwargs, options);
}

absl::StatusOr<IValue> Engine::Invoke(Function* function, const IValue* self,
                                      absl::Span<IValue> args,
                                      const NamedValues& kwargs,
                                      const CallOptions& options) const {
  TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  BoundArguments bound;
  TANDEM_RETURN_IF_ERROR(BindArguments(function->schema(), function->name(),
                                       self, args, kwargs, &bound));
  TANDEM_ASSIGN_OR_RETURN(const Plan* plan, PlanFor(function));
  CallContext context = CurrentContext();
  if (options.memory != nullptr) context.memory = options.memory;
  if (options.generator != nullptr) context.generator = options.generator;
  if (options.output != nullptr) context.output = options.output;
  if (options.warnings != nullptr) context.warnings = options.warnings;
  if (options.cancel != nullptr) context.cancel = options.cancel;
  context.deadline = std::min(context.deadline, options.deadline);
  if (kernel_pool_ != nullptr) context.tasks = kernel_pool_.get();
  ScopedContext scope(context);
  Execution execution(*this, options);
  Execution::Results results;
  absl::Status status =
      execution.RunGuarded(*plan, bound.data(), bound.size(), &results);
  execution.WaitForForks();
  if (!status.ok()) return execution.Describe(std::move(status));
  if (results.empty()) return IValue();
  if (results.size() == 1) return std::move(results[0]);
  return IValue(MakeTuple(std::vector<IValue>(results.begin(), results.end())));
}

absl::Status Execution::Describe(absl::Status failure) const {
  const std::string message(failure.message());
  const std::string last =
      absl::StrCat(exception_class_.empty() ? "RuntimeError" : exception_class_,
                   ": ", message);
  std::string text =
      "The following operation failed in the TorchScript interpreter.\n";
  bool originals = false;
  for (const Site& site : traceback_)
    originals |= site.range.Original().has_value();
  const auto append = [&](bool original) {
    for (auto it = traceback_.rbegin(); it != traceback_.rend(); ++it) {
      if (!it->range.valid()) continue;
      const SourceRange range =
          original ? it->range.OriginalOrSelf() : it->range;
      absl::StrAppend(&text,
                      range.Highlight(it->function == nullptr
                                          ? std::string()
                                          : std::string(it->function->name())));
      if (!absl::EndsWith(text, "\n")) text += '\n';
    }
  };
  absl::StrAppend(&text, "Traceback of TorchScript",
                  originals ? ", serialized code" : "",
                  " (most recent call last):\n");
  append(false);
  if (originals) {
    absl::StrAppend(
        &text,
        "\nTraceback of TorchScript, original code (most recent call last):\n");
    append(true);
  }
  absl::StrAppend(&text, last, "\n");
  absl::Status described(failure.code(), text);
  described.SetPayload(kClassPayload, absl::Cord(exception_class_));
  described.SetPayload(kMessagePayload, absl::Cord(message));
  return described;
}

std::string ExceptionClass(const absl::Status& status) {
  const auto payload = status.GetPayload(kClassPayload);
  return payload.has_value() ? std::string(*payload) : "";
}

std::string ExceptionMessage(const absl::Status& status) {
  const auto payload = status.GetPayload(kMessagePayload);
  return payload.has_value() ? std::string(*payload)
                             : std::string(status.message());
}

}  // namespace tandem
