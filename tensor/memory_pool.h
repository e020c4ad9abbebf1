// Free lists of small blocks and of recently used buffers, one set a thread:
// a warm call takes its headers and buffers from here without the allocator.
#ifndef TANDEM_TENSOR_MEMORY_POOL_H_
#define TANDEM_TENSOR_MEMORY_POOL_H_

#include <cstddef>

namespace tandem::memory_pool {

// 64-byte aligned memory of at least `bytes` (rounded up to its size class,
// which *capacity names), or null when there is none.
void* Allocate(size_t bytes, size_t* capacity);
// Gives back what Allocate returned, with that capacity.
void Free(void* data, size_t capacity);

// Bytes that the lists of one thread hold at most.
inline constexpr size_t kMaxPooledBytes = size_t{64} << 20;

}  // namespace tandem::memory_pool

#endif  // TANDEM_TENSOR_MEMORY_POOL_H_
