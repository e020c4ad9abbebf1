#include "tandem/tensor/storage.h"

#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/memory_pool.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

absl::Status OutOfMemory(size_t bytes, const MemoryBudget* budget) {
  if (budget != nullptr) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "out of memory: a tensor needs ", bytes, " bytes, the limit is ",
        budget->limit(), " bytes of which ", budget->used(), " are in use"));
  }
  return absl::ResourceExhaustedError(
      absl::StrCat("out of memory: you tried to allocate ", bytes, " bytes"));
}

// A storage header and its data for small tensors share no block: headers are
// all of one size class, so the pool serves them at once.
struct Block {
  void* data = nullptr;
  size_t capacity = 0;
};

absl::StatusOr<Block> Take(size_t bytes, MemoryBudget* budget) {
  Block block;
  if (bytes == 0) return block;
  if (bytes > static_cast<size_t>(INT64_MAX / 2))
    return OutOfMemory(bytes, budget);
  if (budget != nullptr && !budget->Take(static_cast<int64_t>(bytes))) {
    return OutOfMemory(bytes, budget);
  }
  block.data = memory_pool::Allocate(bytes, &block.capacity);
  if (block.data == nullptr) {
    if (budget != nullptr) budget->Give(static_cast<int64_t>(bytes));
    return OutOfMemory(bytes, nullptr);
  }
  return block;
}

}  // namespace

absl::StatusOr<Ref<Storage>> Storage::Allocate(size_t bytes) {
  MemoryBudget* budget = CurrentContext().memory;
  TANDEM_ASSIGN_OR_RETURN(const Block block, Take(bytes, budget));
  size_t header;
  void* memory = memory_pool::Allocate(sizeof(Storage), &header);
  if (memory == nullptr) {
    memory_pool::Free(block.data, block.capacity);
    if (budget != nullptr) budget->Give(static_cast<int64_t>(bytes));
    return OutOfMemory(sizeof(Storage), nullptr);
  }
  auto* storage = new (memory) Storage();
  storage->data_ = block.data;
  storage->bytes_ = bytes;
  storage->capacity_ = block.capacity;
  storage->budget_ = budget;
  return Ref<Storage>::Adopt(storage);
}

Ref<Storage> Storage::Borrow(void* data, size_t bytes,
                             std::shared_ptr<const void> keep_alive,
                             bool writable) {
  size_t header;
  auto* storage =
      new (memory_pool::Allocate(sizeof(Storage), &header)) Storage();
  storage->data_ = data;
  storage->bytes_ = bytes;
  storage->writable_ = writable;
  storage->keep_alive_ = std::move(keep_alive);
  return Ref<Storage>::Adopt(storage);
}

Ref<Storage> Storage::Meta(size_t bytes) {
  return Borrow(nullptr, bytes, nullptr, false);
}

Storage::~Storage() { FreeData(); }

void Storage::FreeData() {
  if (capacity_ == 0) return;
  memory_pool::Free(data_, capacity_);
  if (budget_ != nullptr) budget_->Give(static_cast<int64_t>(bytes_));
  data_ = nullptr;
  capacity_ = 0;
}

void Storage::Dispose() {
  this->~Storage();
  size_t header = (sizeof(Storage) + 63) & ~size_t{63};
  memory_pool::Free(this, header);
}

absl::Status Storage::Resize(size_t bytes) {
  if (bytes == bytes_) return absl::OkStatus();
  MemoryBudget* budget = CurrentContext().memory;
  TANDEM_ASSIGN_OR_RETURN(const Block block, Take(bytes, budget));
  if (data_ != nullptr && block.data != nullptr) {
    std::memcpy(block.data, data_, bytes < bytes_ ? bytes : bytes_);
  }
  FreeData();
  keep_alive_.reset();
  data_ = block.data;
  bytes_ = bytes;
  capacity_ = block.capacity;
  writable_ = true;
  budget_ = budget;
  return absl::OkStatus();
}

absl::Status Storage::EnsureWritable() {
  if (writable_ || data_ == nullptr) return absl::OkStatus();
  const size_t bytes = bytes_;
  TANDEM_ASSIGN_OR_RETURN(const Block block, Take(bytes, nullptr));
  if (bytes > 0) std::memcpy(block.data, data_, bytes);
  keep_alive_.reset();
  data_ = block.data;
  capacity_ = block.capacity;
  writable_ = true;
  budget_ = nullptr;
  return absl::OkStatus();
}

}  // namespace tandem
