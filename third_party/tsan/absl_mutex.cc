// Shows absl::Mutex and absl::CondVar to ThreadSanitizer, which can't see into
// the system's compiled Abseil and would report every guarded access as a race.
//
// These definitions come before the library's in the dynamic linker's order:
// each calls the library's own function and tells ThreadSanitizer what it
// orders. Linked into everything by --config=tsan only.

#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

// Exported by the runtime; its header doesn't declare them.
extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);

namespace {

// While a thread waits or unlocks, Abseil evaluates conditions, its own and
// other threads', under the lock that ThreadSanitizer doesn't see it hold.
class IgnoreReads {
 public:
  IgnoreReads() { AnnotateIgnoreReadsBegin(__FILE__, __LINE__); }
  ~IgnoreReads() { AnnotateIgnoreReadsEnd(__FILE__, __LINE__); }
};

template <typename F>
F Library(const char* symbol) {
  return reinterpret_cast<F>(dlsym(RTLD_NEXT, symbol));
}

// Calls `wait`, which gives `mutex` up and takes it again.
template <typename F>
auto Waiting(void* mutex, F wait) {
  __tsan_release(mutex);
  struct Acquire {
    void* mutex;
    ~Acquire() { __tsan_acquire(mutex); }
  } acquire{mutex};
  IgnoreReads ignore;
  return wait();
}

}  // namespace

// Of the library the function with this mangled name: a member of CLASS that
// takes TYPES. Debian's inline namespace is part of the name.
#define TANDEM_LIBRARY(RESULT, MANGLED, ...)         \
  using Function = RESULT (*)(__VA_ARGS__);          \
  static const Function library = Library<Function>( \
      "_ZN4absl7debian"                              \
      "3" MANGLED)

namespace absl {
ABSL_NAMESPACE_BEGIN

void Mutex::Lock() {
  TANDEM_LIBRARY(void, "5Mutex4LockEv", Mutex*);
  library(this);
  __tsan_acquire(this);
}

bool Mutex::TryLock() {
  TANDEM_LIBRARY(bool, "5Mutex7TryLockEv", Mutex*);
  const bool locked = library(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::Unlock() {
  TANDEM_LIBRARY(void, "5Mutex6UnlockEv", Mutex*);
  __tsan_release(this);
  IgnoreReads ignore;
  library(this);
}

void Mutex::ReaderLock() {
  TANDEM_LIBRARY(void, "5Mutex10ReaderLockEv", Mutex*);
  library(this);
  __tsan_acquire(this);
}

bool Mutex::ReaderTryLock() {
  TANDEM_LIBRARY(bool, "5Mutex13ReaderTryLockEv", Mutex*);
  const bool locked = library(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::ReaderUnlock() {
  TANDEM_LIBRARY(void, "5Mutex12ReaderUnlockEv", Mutex*);
  __tsan_release(this);
  IgnoreReads ignore;
  library(this);
}

void Mutex::Await(const Condition& condition) {
  TANDEM_LIBRARY(void, "5Mutex5AwaitERKNS0_9ConditionE", Mutex*,
                 const Condition*);
  Waiting(this, [&] { library(this, &condition); });
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  TANDEM_LIBRARY(bool,
                 "5Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE",
                 Mutex*, const Condition*, Duration);
  return Waiting(this, [&] { return library(this, &condition, timeout); });
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  TANDEM_LIBRARY(bool, "5Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE",
                 Mutex*, const Condition*, Time);
  return Waiting(this, [&] { return library(this, &condition, deadline); });
}

void Mutex::LockWhen(const Condition& condition) {
  TANDEM_LIBRARY(void, "5Mutex8LockWhenERKNS0_9ConditionE", Mutex*,
                 const Condition*);
  {
    IgnoreReads ignore;
    library(this, &condition);
  }
  __tsan_acquire(this);
}

void CondVar::Wait(Mutex* mutex) {
  TANDEM_LIBRARY(void, "7CondVar4WaitEPNS0_5MutexE", CondVar*, Mutex*);
  Waiting(mutex, [&] { library(this, mutex); });
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  TANDEM_LIBRARY(bool, "7CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE",
                 CondVar*, Mutex*, Duration);
  return Waiting(mutex, [&] { return library(this, mutex, timeout); });
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  TANDEM_LIBRARY(bool, "7CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE",
                 CondVar*, Mutex*, Time);
  return Waiting(mutex, [&] { return library(this, mutex, deadline); });
}

ABSL_NAMESPACE_END
}  // namespace absl
