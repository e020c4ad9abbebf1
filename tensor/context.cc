#include "tandem/tensor/context.h"

#include <algorithm>

#include "absl/time/clock.h"
#include "tandem/tensor/generator.h"

namespace tandem {
namespace {

thread_local const CallContext* current = nullptr;

}  // namespace

bool MemoryBudget::Account::Take(int64_t bytes) {
  if (limit_ == kUnlimited) {
    used_.fetch_add(bytes, std::memory_order_relaxed);
    return true;
  }
  int64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (bytes > limit_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes,
                                        std::memory_order_relaxed));
  return true;
}

const CallContext& CurrentContext() {
  static const CallContext kDefault;
  return current != nullptr ? *current : kDefault;
}

Generator& CurrentGenerator() {
  if (current != nullptr && current->generator != nullptr) {
    return *current->generator;
  }
  thread_local Generator generator;
  return generator;
}

ScopedContext::ScopedContext(const CallContext& context) : previous_(current) {
  current = &context;
}

ScopedContext::~ScopedContext() { current = previous_; }

absl::Status CheckStop() {
  const CallContext& context = CurrentContext();
  if (context.cancel != nullptr &&
      context.cancel->load(std::memory_order_relaxed)) {
    return absl::CancelledError("cancelled");
  }
  if (context.deadline != absl::InfiniteFuture() &&
      absl::Now() > context.deadline) {
    return absl::DeadlineExceededError("the deadline of the call has passed");
  }
  return absl::OkStatus();
}

absl::Status ParallelFor(int64_t total, int64_t grain,
                         absl::FunctionRef<void(int64_t, int64_t)> body) {
  if (total <= 0) return absl::OkStatus();
  grain = std::max<int64_t>(grain, 1);
  if (total <= grain) {
    body(0, total);
    return absl::OkStatus();
  }
  const CallContext& context = CurrentContext();
  const int64_t pieces = (total + grain - 1) / grain;
  if (context.tasks == nullptr || context.tasks->threads() <= 1) {
    for (int64_t i = 0; i < pieces; ++i) {
      if (absl::Status s = CheckStop(); !s.ok()) return s;
      body(i * grain, std::min(total, (i + 1) * grain));
    }
    return absl::OkStatus();
  }
  std::atomic<bool> stopped{false};
  context.tasks->Run(pieces, [&](int64_t i) {
    if (stopped.load(std::memory_order_relaxed)) return;
    ScopedContext scope(context);
    if (!CheckStop().ok()) {
      stopped.store(true, std::memory_order_relaxed);
      return;
    }
    body(i * grain, std::min(total, (i + 1) * grain));
  });
  return stopped.load() ? CheckStop() : absl::OkStatus();
}

}  // namespace tandem
