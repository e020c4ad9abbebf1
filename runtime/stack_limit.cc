#include "tandem/runtime/stack_limit.h"

#include <pthread.h>

#include <algorithm>

namespace tandem {
namespace {

// Kernels, allocation and the formatting of an error run on what is left.
constexpr uintptr_t kReserve = 512 * 1024;

uintptr_t Measure() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return 0;
  void* base = nullptr;
  size_t size = 0;
  const int failed = pthread_attr_getstack(&attributes, &base, &size);
  pthread_attr_destroy(&attributes);
  if (failed != 0 || size == 0) return 0;
  return reinterpret_cast<uintptr_t>(base) +
         std::min<uintptr_t>(kReserve, size / 2);
}

}  // namespace

uintptr_t LowestStackAddress() {
  thread_local const uintptr_t lowest = Measure();
  return lowest;
}

}  // namespace tandem
