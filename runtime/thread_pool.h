// Threads that wait without burning cores.
#ifndef TANDEM_RUNTIME_THREAD_POOL_H_
#define TANDEM_RUNTIME_THREAD_POOL_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "tandem/tensor/context.h"

namespace tandem {

// A queue of tasks and threads that take from it. Threads start at the first
// task, so a pool that is not needed costs nothing. Thread-safe.
class ThreadPool : public TaskRunner {
 public:
  // `workers` threads beside the callers.
  explicit ThreadPool(int workers) : workers_(workers) {}
  // Finishes what is queued.
  ~ThreadPool() override;

  int workers() const { return workers_; }
  void Submit(std::function<void()> task);
  // Runs one queued task on this thread; false when there is none. A thread
  // that waits for a task helps in this way, so nested waits cannot starve.
  bool RunOne();

  int threads() const override { return workers_ + 1; }
  // The caller takes part.
  void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) override;

 private:
  void Start() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Work();
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mutex_) {
    return stopping_ || !queue_.empty();
  }

  const int workers_;
  absl::Mutex mutex_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tandem

#endif  // TANDEM_RUNTIME_THREAD_POOL_H_
