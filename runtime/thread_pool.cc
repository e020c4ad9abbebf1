#include "tandem/runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <utility>

namespace tandem {

ThreadPool::~ThreadPool() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&mutex_);
    stopping_ = true;
    threads.swap(threads_);
  }
  for (std::thread& t : threads) t.join();
}

void ThreadPool::Start() {
  while (static_cast<int>(threads_.size()) < workers_) {
    threads_.emplace_back([this] { Work(); });
  }
}

void ThreadPool::Submit(std::function<void()> task) {
  absl::MutexLock lock(&mutex_);
  Start();
  queue_.push_back(std::move(task));
}

bool ThreadPool::RunOne() {
  std::function<void()> task;
  {
    absl::MutexLock lock(&mutex_);
    if (queue_.empty()) return false;
    task = std::move(queue_.front());
    queue_.pop_front();
  }
  task();
  return true;
}

void ThreadPool::Work() {
  for (;;) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mutex_);
      mutex_.Await(absl::Condition(this, &ThreadPool::HasWork));
      if (queue_.empty()) return;  // stopping
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

void ThreadPool::Run(int64_t count, absl::FunctionRef<void(int64_t)> task) {
  if (count <= 0) return;
  if (workers_ == 0 || count == 1) {
    for (int64_t i = 0; i < count; ++i) task(i);
    return;
  }
  // Shared by helpers that may come late, after all is done.
  struct Batch {
    std::atomic<int64_t> next{0};
    int64_t count;
    absl::FunctionRef<void(int64_t)> task;
    absl::Mutex mutex;
    int64_t done ABSL_GUARDED_BY(mutex) = 0;
    Batch(int64_t c, absl::FunctionRef<void(int64_t)> t) : count(c), task(t) {}
    void Help() {
      int64_t finished = 0;
      for (int64_t i; (i = next.fetch_add(1)) < count;) {
        task(i);
        ++finished;
      }
      if (finished > 0) {
        absl::MutexLock lock(&mutex);
        done += finished;
      }
    }
    bool AllDone() const ABSL_SHARED_LOCKS_REQUIRED(mutex) {
      return done == count;
    }
  };
  auto batch = std::make_shared<Batch>(count, task);
  const int64_t helpers = std::min<int64_t>(workers_, count - 1);
  for (int64_t h = 0; h < helpers; ++h) Submit([batch] { batch->Help(); });
  batch->Help();
  absl::MutexLock lock(&batch->mutex);
  batch->mutex.Await(absl::Condition(batch.get(), &Batch::AllDone));
}

}  // namespace tandem
