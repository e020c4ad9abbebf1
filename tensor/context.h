// What a running call gives to the code below it: memory, random numbers,
// threads, a way to stop. Hangs on the caller's objects, never on the process;
// a scope binds it to the current thread.
#ifndef TANDEM_TENSOR_CONTEXT_H_
#define TANDEM_TENSOR_CONTEXT_H_

#include <atomic>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tandem/tensor/ref.h"

namespace tandem {

class Generator;

// Bytes that tensors of a program may hold at once; shared by threads. What was
// allocated under it may outlive it.
class MemoryBudget {
 public:
  static constexpr int64_t kUnlimited = INT64_MAX;

  // The count itself, which every storage that it counts holds on to.
  class Account : public RefCounted {
   public:
    explicit Account(int64_t limit) : limit_(limit) {}
    // False, and nothing taken, when `bytes` more would pass the limit.
    bool Take(int64_t bytes);
    void Give(int64_t bytes) {
      used_.fetch_sub(bytes, std::memory_order_relaxed);
    }
    int64_t limit() const { return limit_; }
    int64_t used() const { return used_.load(std::memory_order_relaxed); }

   private:
    const int64_t limit_;
    std::atomic<int64_t> used_{0};
  };

  explicit MemoryBudget(int64_t limit = kUnlimited)
      : account_(MakeRef<Account>(limit)) {}
  bool Take(int64_t bytes) { return account_->Take(bytes); }
  void Give(int64_t bytes) { account_->Give(bytes); }
  int64_t limit() const { return account_->limit(); }
  int64_t used() const { return account_->used(); }
  const Ref<Account>& account() const { return account_; }

 private:
  Ref<Account> account_;
};

// Runs pieces of a kernel side by side. Implemented by the runtime.
class TaskRunner {
 public:
  virtual ~TaskRunner() = default;
  virtual int threads() const = 0;
  // Calls task(i) for each i in [0, count), in any order, returns when all
  // ended.
  virtual void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) = 0;
};

// Where print() writes.
class OutputSink {
 public:
  virtual ~OutputSink() = default;
  virtual void Write(absl::string_view text) = 0;
};

struct CallContext {
  MemoryBudget* memory = nullptr;  // null: no limit
  Generator* generator = nullptr;  // null: the thread's own, seeded by default
  TaskRunner* tasks = nullptr;     // null: kernels run on the calling thread
  OutputSink* output = nullptr;    // null: standard output
  OutputSink* warnings = nullptr;  // null: standard error
  const std::atomic<bool>* cancel = nullptr;  // null: cannot be cancelled
  absl::Time deadline = absl::InfiniteFuture();
  int64_t max_call_depth = 2000;  // nested calls of functions
};

// The context of the innermost scope on this thread; a default one outside.
const CallContext& CurrentContext();

// The generator that random operators draw from.
Generator& CurrentGenerator();

class ScopedContext {
 public:
  explicit ScopedContext(const CallContext& context);
  ~ScopedContext();
  ScopedContext(const ScopedContext&) = delete;
  ScopedContext& operator=(const ScopedContext&) = delete;

 private:
  const CallContext* const previous_;
};

// Cancelled or past the deadline? Loops and long kernels ask at least every
// 10 ms. CancelledError("cancelled") or DeadlineExceededError.
absl::Status CheckStop();

// Splits [0, total) into pieces of at least `grain` elements for the context's
// tasks, on this thread when it has none. `body(begin, end)` checks nothing:
// CheckStop() is asked between pieces and its error returned.
absl::Status ParallelFor(int64_t total, int64_t grain,
                         absl::FunctionRef<void(int64_t, int64_t)> body);

}  // namespace tandem

#endif  // TANDEM_TENSOR_CONTEXT_H_
