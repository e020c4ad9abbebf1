// What eager operators run with: kernels, random numbers, threads.
#ifndef TANDEM_FRONTENDS_EAGER_CONTEXT_H_
#define TANDEM_FRONTENDS_EAGER_CONTEXT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/runtime/engine.h"
#include "tandem/runtime/operator_call.h"
#include "tandem/runtime/thread_pool.h"
#include "tandem/tensor/generator.h"

namespace tandem::eager {

// Thread-safe. Random operators of all threads draw from one generator, one at
// a time, as PyTorch's do.
//
//   tandem::Registry registry;
//   reference::Register(registry);
//   eager::Context context(&registry);
//   eager::SetDefaultContext(&context);
class Context {
 public:
  // The registry must outlive it. Kernels come from options.backends.
  explicit Context(const Registry* registry, EngineOptions options = {});
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Scripted functions run here.
  const Engine& engine() const { return engine_; }
  const OperatorTable& operators() const {
    return engine_.registry().operators();
  }
  // As torch.manual_seed.
  void ManualSeed(uint64_t seed);

  // Runs an operator on args in the schema's order, past any recorder. Results
  // are one for each return of the schema.
  absl::Status Run(const Operator& op, absl::Span<IValue> args,
                   Results* results);
  // The same on registers: inputs, then outputs.
  absl::Status Run(const OperatorCall& call, IValue* registers);

  // An operator with its kernels, looked up once.
  const OperatorCall& Find(const Operator& op);
  // By its number in the generated table; null when the table of this context
  // has no such row.
  const OperatorCall* Find(uint32_t index);

  // Runs `body` with the generator to itself.
  template <typename F>
  auto WithGenerator(F&& body) {
    absl::MutexLock lock(&generator_mutex_);
    return body(generator_);
  }

 private:
  const Engine engine_;
  std::unique_ptr<ThreadPool>
      pool_;  // null: kernels run on the caller's thread
  std::vector<std::atomic<const OperatorCall*>> by_index_;
  absl::Mutex mutex_;
  absl::flat_hash_map<const Operator*, std::unique_ptr<const OperatorCall>>
      by_operator_ ABSL_GUARDED_BY(mutex_);
  absl::Mutex generator_mutex_;
  Generator generator_;
};

// The context of all threads that have none of their own; not owned.
void SetDefaultContext(Context* context);
// Of this thread. Null: eager operators say that there is no context.
Context* CurrentContext();

// Overrides the default for this thread.
class ScopedDefaultContext {
 public:
  explicit ScopedDefaultContext(Context* context);
  ~ScopedDefaultContext();
  ScopedDefaultContext(const ScopedDefaultContext&) = delete;
  ScopedDefaultContext& operator=(const ScopedDefaultContext&) = delete;

 private:
  Context* const previous_;
};

// torch.manual_seed on the current context.
void manual_seed(uint64_t seed);

// Whether results of parameters would require gradients: what traces show
// (requires_grad=1). Per thread, on at first; nothing else depends on it.
bool GradEnabled();
class NoGrad {
 public:
  explicit NoGrad(bool enabled = false);
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  const bool previous_;
};

// Runs an operator, or gives it to the recorder of this thread. `args` are in
// the schema's order, one for each argument.
absl::Status Dispatch(const Operator& op, absl::Span<IValue> args,
                      Results* results,
                      Spelling spelling = Spelling::kFunction);

}  // namespace tandem::eager

#endif  // TANDEM_FRONTENDS_EAGER_CONTEXT_H_
