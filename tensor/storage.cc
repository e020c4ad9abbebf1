#include "tandem/tensor/storage.h"

#include <cstring>
#include <new>
#include <utility>

#include "absl/base/optimization.h"
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

// Data of small storages begins here in the header's own block, aligned as any.
constexpr size_t kHeaderBytes = 128;
constexpr size_t kMaxInlineBytes = 384;

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

static_assert(sizeof(Storage) <= kHeaderBytes);

absl::StatusOr<Ref<Storage>> Storage::Allocate(size_t bytes) {
  MemoryBudget* budget = CurrentContext().memory;
  Block own;
  size_t wanted = kHeaderBytes;
  if (bytes <= kMaxInlineBytes) {
    if (budget != nullptr && !budget->Take(static_cast<int64_t>(bytes))) {
      return OutOfMemory(bytes, budget);
    }
    wanted += bytes;
  } else {
    TANDEM_ASSIGN_OR_RETURN(own, Take(bytes, budget));
  }
  size_t block_bytes;
  void* memory = memory_pool::Allocate(wanted, &block_bytes);
  if (ABSL_PREDICT_FALSE(memory == nullptr)) {
    memory_pool::Free(own.data, own.capacity);
    if (budget != nullptr) budget->Give(static_cast<int64_t>(bytes));
    return OutOfMemory(wanted, nullptr);
  }
  auto* storage = new (memory) Storage();
  storage->block_bytes_ = block_bytes;
  storage->bytes_ = bytes;
  if (budget != nullptr) storage->account_ = budget->account();
  if (own.data != nullptr) {
    storage->data_ = own.data;
    storage->capacity_ = own.capacity;
  } else if (bytes != 0) {
    storage->data_ = static_cast<char*>(memory) + kHeaderBytes;
  }
  return Ref<Storage>::Adopt(storage);
}

Ref<Storage> Storage::Borrow(void* data, size_t bytes,
                             std::shared_ptr<const void> keep_alive,
                             bool writable) {
  size_t block_bytes;
  void* memory = memory_pool::Allocate(kHeaderBytes, &block_bytes);
  if (ABSL_PREDICT_FALSE(memory == nullptr)) throw std::bad_alloc();
  auto* storage = new (memory) Storage();
  storage->block_bytes_ = block_bytes;
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
  if (account_) account_->Give(static_cast<int64_t>(bytes_));
  account_ = nullptr;
  if (capacity_ != 0) memory_pool::Free(data_, capacity_);
  data_ = nullptr;
  capacity_ = 0;
}

void Storage::Dispose() {
  const size_t block_bytes = block_bytes_;
  this->~Storage();
  memory_pool::Free(this, block_bytes);
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
  if (budget != nullptr) account_ = budget->account();
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
  account_ = nullptr;
  return absl::OkStatus();
}

}  // namespace tandem
