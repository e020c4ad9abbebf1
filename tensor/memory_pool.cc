#include "tandem/tensor/memory_pool.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

namespace tandem::memory_pool {
namespace {

constexpr size_t kUnit = 64;
constexpr size_t kLinearLimit = 1024;  // steps of 64 up to here, then quarters
constexpr int kLinearClasses = kLinearLimit / kUnit;
constexpr int kClassesPerDoubling = 4;
constexpr int kNumClasses = kLinearClasses + 64;  // up to 64 MB
constexpr int kMaxPerClass = 64;

constexpr size_t kHugePage = size_t{2} << 20;
constexpr size_t kHugePages = 2 * kHugePage;

struct FreeBlock {
  FreeBlock* next;
};

// The class of a size and the capacity that blocks of the class have, whose
// class is the same again. Quarter steps waste at most a fifth.
int ClassOf(size_t bytes, size_t* capacity) {
  if (bytes <= kLinearLimit) {
    const size_t units = bytes == 0 ? 1 : (bytes + kUnit - 1) / kUnit;
    *capacity = units * kUnit;
    return static_cast<int>(units) - 1;
  }
  const int log =
      63 - __builtin_clzll(bytes - 1);  // 2^log < bytes <= 2^(log+1)
  const size_t base = size_t{1} << log;
  const size_t step = base / kClassesPerDoubling;  // a multiple of kUnit
  const size_t quarter = (bytes - base + step - 1) / step;  // 1 ... 4
  *capacity = base + quarter * step;
  return kLinearClasses + (log - 10) * kClassesPerDoubling +
         static_cast<int>(quarter) - 1;
}

struct Pool {
  FreeBlock* lists[kNumClasses] = {};
  int counts[kNumClasses] = {};
  size_t bytes = 0;
  bool closed = false;
  ~Pool() {
    closed = true;
    for (FreeBlock*& list : lists) {
      while (list != nullptr) {
        FreeBlock* next = list->next;
        std::free(list);
        list = next;
      }
    }
  }
};

// Objects may be freed while a thread ends, after its pool: then `closed`
// sends them to the allocator.
Pool& ThreadPool() {
  thread_local Pool pool;
  return pool;
}

}  // namespace

void* Allocate(size_t bytes, size_t* capacity) {
  if (bytes > (SIZE_MAX >> 2)) return nullptr;
  const int c = ClassOf(bytes, capacity);
  if (c < kNumClasses) {
    Pool& pool = ThreadPool();
    if (FreeBlock* block = pool.lists[c]; block != nullptr) {
      pool.lists[c] = block->next;
      --pool.counts[c];
      pool.bytes -= *capacity;
      return block;
    }
  }
  if (*capacity < kHugePages) return std::aligned_alloc(64, *capacity);
  // Fresh memory costs a page fault for each page that is touched, and weights
  // an entry of the TLB for each: by 2 MB both are rare.
  void* block = nullptr;
  if (posix_memalign(&block, kHugePage, *capacity) != 0) return nullptr;
  madvise(block, *capacity / kHugePage * kHugePage, MADV_HUGEPAGE);
  return block;
}

void Free(void* data, size_t capacity) {
  if (data == nullptr) return;
  size_t rounded;
  const int c = ClassOf(capacity, &rounded);
  if (c < kNumClasses && rounded == capacity) {
    Pool& pool = ThreadPool();
    if (!pool.closed && pool.counts[c] < kMaxPerClass &&
        pool.bytes + capacity <= kMaxPooledBytes) {
      auto* block = static_cast<FreeBlock*>(data);
      block->next = pool.lists[c];
      pool.lists[c] = block;
      ++pool.counts[c];
      pool.bytes += capacity;
      return;
    }
  }
  std::free(data);
}

}  // namespace tandem::memory_pool
