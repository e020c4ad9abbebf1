#include "tandem/backends/cuda/allocator.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

constexpr size_t kUnit = 512;
constexpr size_t kSmall = size_t{1} << 20;
constexpr size_t kSmallSegment = size_t{2} << 20;
constexpr size_t kLargeSegment = size_t{20} << 20;
constexpr size_t kRound = size_t{2} << 20;

size_t RoundUp(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

bool IsWholeSegment(const MemoryBlock* b) {
  return b->previous == nullptr && b->next == nullptr;
}

}  // namespace

Allocator::~Allocator() {
  absl::MutexLock lock(&mutex_);
  CollectPending(/*wait=*/true);
  for (auto& [stream, pool] : pools_) pool.pinned = false;
  ReleaseLocked(nullptr, 0);
}

MemoryBlock* Allocator::Find(size_t bytes, StreamHandle stream, bool small) {
  const auto pool = pools_.find(stream);
  if (pool == pools_.end()) return nullptr;
  FreeBlocks& free = pool->second.free[small];
  MemoryBlock key;
  key.bytes = bytes;
  const auto it = free.lower_bound(&key);
  if (it == free.end()) return nullptr;
  MemoryBlock* block = *it;
  // A large block that would be mostly wasted or cut up stays for a larger
  // request.
  if (!small && block->bytes > bytes + kLargeSegment) return nullptr;
  free.erase(it);
  if (IsWholeSegment(block)) cached_ -= block->bytes;
  return block;
}

absl::StatusOr<MemoryBlock*> Allocator::Allocate(size_t bytes,
                                                 StreamHandle stream) {
  const size_t asked = bytes;
  if (bytes > (size_t{1} << 62)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "CUDA out of memory. Tried to allocate ", bytes, " bytes."));
  }
  bytes = RoundUp(std::max<size_t>(bytes, 1), kUnit);
  const bool small = bytes <= kSmall;
  absl::MutexLock lock(&mutex_);
  CollectPending(/*wait=*/false);
  MemoryBlock* block = Find(bytes, stream, small);
  if (block == nullptr) {
    const size_t segment = small                       ? kSmallSegment
                           : bytes < kLargeSegment / 2 ? kLargeSegment
                                                       : RoundUp(bytes, kRound);
    DevicePointer address = 0;
    Result result = driver_->MemAlloc(&address, segment);
    if (result == kErrorOutOfMemory) {
      CollectPending(/*wait=*/true);
      block = Find(bytes, stream, small);
      if (block == nullptr) {
        ReleaseLocked(nullptr, 0);
        result = driver_->MemAlloc(&address, segment);
      }
    }
    if (block == nullptr) {
      if (result == kErrorOutOfMemory) {
        size_t free = 0, total = 0;
        driver_->MemGetInfo(&free, &total);
        return absl::ResourceExhaustedError(absl::StrCat(
            "CUDA out of memory. Tried to allocate ", asked,
            " bytes. The GPU "
            "has a total capacity of ",
            total, " bytes of which ", free, " bytes are free; ", stats_.in_use,
            " bytes are in use by tensors and ",
            stats_.reserved - stats_.in_use, " bytes are reserved."));
      }
      TANDEM_RETURN_IF_ERROR(driver_->Check(result, "cuMemAlloc"));
      block = new MemoryBlock();
      block->address = address;
      block->bytes = segment;
      block->stream = stream;
      block->small = small;
      stats_.reserved += segment;
      ++stats_.driver_allocations;
    }
  }
  const size_t rest = block->bytes - bytes;
  if (rest >= (small ? kUnit : kSmall)) {
    auto* tail = new MemoryBlock();
    tail->address = block->address + bytes;
    tail->bytes = rest;
    tail->stream = stream;
    tail->small = small;
    tail->free = true;
    tail->previous = block;
    tail->next = block->next;
    if (tail->next != nullptr) tail->next->previous = tail;
    block->next = tail;
    block->bytes = bytes;
    pools_[stream].free[small].insert(tail);
  }
  block->free = false;
  stats_.in_use += block->bytes;
  return block;
}

void Allocator::RecordUse(MemoryBlock* block, StreamHandle stream) {
  if (stream == block->stream) return;
  absl::MutexLock lock(&mutex_);
  block->others.insert(stream);
}

void Allocator::Free(MemoryBlock* block) {
  absl::MutexLock lock(&mutex_);
  stats_.in_use -= block->bytes;
  int waits = 0;
  for (StreamHandle stream : block->others) {
    EventHandle event = nullptr;
    if (driver_->EventCreate(&event, kEventDisableTiming) != kSuccess) {
      driver_->StreamSynchronize(stream);
      continue;
    }
    if (driver_->EventRecord(event, stream) != kSuccess) {
      driver_->EventDestroy(event);
      driver_->StreamSynchronize(stream);
      continue;
    }
    pending_.push_back({event, block});
    ++waits;
  }
  block->others.clear();
  if (waits > 0) {
    waiting_[block] = waits;
    stats_.pending += block->bytes;
    return;
  }
  Put(block);
  if (cached_ > max_cached_) ReleaseLocked(nullptr, max_cached_);
}

void Allocator::CollectPending(bool wait) {
  size_t kept = 0;
  for (size_t i = 0; i < pending_.size(); ++i) {
    const Pending p = pending_[i];
    if (wait) driver_->EventSynchronize(p.event);
    if (!wait && driver_->EventQuery(p.event) == kErrorNotReady) {
      pending_[kept++] = p;
      continue;
    }
    driver_->EventDestroy(p.event);
    const auto it = waiting_.find(p.block);
    if (--it->second > 0) continue;
    waiting_.erase(it);
    stats_.pending -= p.block->bytes;
    Put(p.block);
  }
  pending_.resize(kept);
}

// `neighbour` becomes part of `block`.
void Allocator::Merge(MemoryBlock* block, MemoryBlock* neighbour) {
  pools_[neighbour->stream].free[neighbour->small].erase(neighbour);
  if (neighbour == block->previous) {
    block->address = neighbour->address;
    block->previous = neighbour->previous;
    if (block->previous != nullptr) block->previous->next = block;
  } else {
    block->next = neighbour->next;
    if (block->next != nullptr) block->next->previous = block;
  }
  block->bytes += neighbour->bytes;
  delete neighbour;
}

void Allocator::Put(MemoryBlock* block) {
  if (block->previous != nullptr && block->previous->free) {
    Merge(block, block->previous);
  }
  if (block->next != nullptr && block->next->free) Merge(block, block->next);
  block->free = true;
  pools_[block->stream].free[block->small].insert(block);
  if (IsWholeSegment(block)) cached_ += block->bytes;
}

void Allocator::ReleaseLocked(StreamHandle only, size_t keep) {
  for (auto& [stream, pool] : pools_) {
    if (pool.pinned || (only != nullptr && stream != only)) continue;
    for (FreeBlocks& free : pool.free) {
      for (auto it = free.begin(); it != free.end() && cached_ > keep;) {
        MemoryBlock* block = *it;
        if (!IsWholeSegment(block)) {
          ++it;
          continue;
        }
        // Waits for the work that uses it.
        driver_->MemFree(block->address);
        stats_.reserved -= block->bytes;
        cached_ -= block->bytes;
        it = free.erase(it);
        delete block;
      }
    }
  }
}

void Allocator::ReleaseCached() {
  absl::MutexLock lock(&mutex_);
  CollectPending(/*wait=*/true);
  ReleaseLocked(nullptr, 0);
}

void Allocator::Pin(StreamHandle stream) {
  absl::MutexLock lock(&mutex_);
  pools_[stream].pinned = true;
}

void Allocator::Retire(StreamHandle stream) {
  absl::MutexLock lock(&mutex_);
  CollectPending(/*wait=*/true);
  pools_[stream].pinned = false;
  ReleaseLocked(stream, 0);
  Pool& pool = pools_[stream];
  if (pool.free[0].empty() && pool.free[1].empty()) pools_.erase(stream);
}

Allocator::Stats Allocator::stats() const {
  absl::MutexLock lock(&mutex_);
  return stats_;
}

}  // namespace tandem::cuda
