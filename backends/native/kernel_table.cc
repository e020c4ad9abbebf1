#include "tandem/backends/native/kernel_table.h"

#include <atomic>

namespace tandem::native {
namespace {

const KernelTable* Best() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2")) {
    return &Avx512Kernels();
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2")) {
    return &Avx2Kernels();
  }
  return &Sse2Kernels();
}

}  // namespace

const KernelTable& Kernels() {
  // The same for every thread: whoever comes first may write it.
  static std::atomic<const KernelTable*> best{nullptr};
  const KernelTable* table = best.load(std::memory_order_relaxed);
  if (table == nullptr) {
    table = Best();
    best.store(table, std::memory_order_relaxed);
  }
  return *table;
}

}  // namespace tandem::native
