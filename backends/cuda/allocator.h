// Device memory that is kept and handed out again.
#ifndef TANDEM_BACKENDS_CUDA_ALLOCATOR_H_
#define TANDEM_BACKENDS_CUDA_ALLOCATOR_H_

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "tandem/backends/cuda/driver.h"

namespace tandem::cuda {

// A piece of a segment that the driver gave.
struct MemoryBlock {
  DevicePointer address = 0;
  size_t bytes = 0;  // what it holds, no less than was asked for
  StreamHandle stream = nullptr;
  bool free = false;
  bool small = false;
  MemoryBlock* previous = nullptr;  // neighbours within the segment
  MemoryBlock* next = nullptr;
  absl::flat_hash_set<StreamHandle> others;  // streams that used it too
};

// Memory is ordered by the stream that it was allocated for: what was freed is
// given out again for the same stream at once, since work there is done in
// order. Memory that other streams used as well (RecordUse) waits for them.
//
// Requests are rounded to 512 bytes; small ones (up to 1 MB) are cut from
// segments of 2 MB, others from segments of 20 MB or of their own size. At most
// `max_cached_bytes` of whole free segments are kept. Thread-safe. The context
// must be current on the calling thread.
class Allocator {
 public:
  struct Stats {
    size_t in_use = 0;    // bytes of blocks that are out
    size_t reserved = 0;  // bytes that the driver gave
    size_t pending = 0;   // bytes that wait for other streams
    int64_t driver_allocations = 0;
  };

  Allocator(const Driver* driver, size_t max_cached_bytes)
      : driver_(driver), max_cached_(max_cached_bytes) {}
  // All blocks have been freed.
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  // ResourceExhaustedError "CUDA out of memory. …" once the cache is given back
  // and the driver still has none. `bytes` > 0.
  absl::StatusOr<MemoryBlock*> Allocate(size_t bytes, StreamHandle stream);
  void Free(MemoryBlock* block);
  // Work on `stream` reads or writes the block.
  void RecordUse(MemoryBlock* block, StreamHandle stream);

  // Gives whole free segments back to the driver.
  void ReleaseCached();
  // Free blocks of this stream are not given back while it is pinned: graphs
  // that were captured there write to them.
  void Pin(StreamHandle stream);
  // The stream ends: unpins it and gives its free segments back.
  void Retire(StreamHandle stream);

  Stats stats() const;

 private:
  struct Order {
    bool operator()(const MemoryBlock* a, const MemoryBlock* b) const {
      return a->bytes != b->bytes ? a->bytes < b->bytes
                                  : a->address < b->address;
    }
  };
  using FreeBlocks = std::set<MemoryBlock*, Order>;
  struct Pool {
    FreeBlocks free[2];  // large, small
    bool pinned = false;
  };
  struct Pending {
    EventHandle event;
    MemoryBlock* block;
  };

  MemoryBlock* Find(size_t bytes, StreamHandle stream, bool small)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Put(MemoryBlock* block) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Merge(MemoryBlock* block, MemoryBlock* neighbour)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void CollectPending(bool wait) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReleaseLocked(StreamHandle only, size_t keep)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Driver* const driver_;
  const size_t max_cached_;
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<StreamHandle, Pool> pools_ ABSL_GUARDED_BY(mutex_);
  std::vector<Pending> pending_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<MemoryBlock*, int> waiting_ ABSL_GUARDED_BY(mutex_);
  Stats stats_ ABSL_GUARDED_BY(mutex_);
  size_t cached_ ABSL_GUARDED_BY(mutex_) = 0;  // bytes of whole free segments
};

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_ALLOCATOR_H_
