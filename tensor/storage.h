// The bytes under tensors: own, or borrowed from a mapped file.
#ifndef TANDEM_TENSOR_STORAGE_H_
#define TANDEM_TENSOR_STORAGE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/ref.h"

namespace tandem {

// A block of memory with an identity: tensors that share it are views of each
// other. Always at least 64-byte aligned when allocated here.
class Storage : public RefCounted {
 public:
  // Uninitialised memory, counted against the context's budget. Small storages
  // share one block with their header. ResourceExhaustedError names the size.
  static absl::StatusOr<Ref<Storage>> Allocate(size_t bytes);
  // Memory of another owner, which `keep_alive` holds. Written to only if
  // `writable`; otherwise EnsureWritable() copies first.
  static Ref<Storage> Borrow(void* data, size_t bytes,
                             std::shared_ptr<const void> keep_alive,
                             bool writable);
  // A storage without memory: tensors on the meta device.
  static Ref<Storage> Meta(size_t bytes);

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  bool is_meta() const { return data_ == nullptr && bytes_ != 0; }
  // Own memory that no budget counts.
  bool is_private() const {
    return !account_ && keep_alive_ == nullptr && writable_;
  }

  // Grows or shrinks, keeping the content (resize_).
  absl::Status Resize(size_t bytes);
  // Makes borrowed read-only memory private before a write. A mapping made
  // copy-on-write (MAP_PRIVATE, writable) needs none.
  absl::Status EnsureWritable();

 private:
  Storage() = default;
  ~Storage() override;
  void Dispose() override;
  void FreeData();

  void* data_ = nullptr;
  size_t bytes_ = 0;
  size_t capacity_ = 0;     // of own memory apart from this block; else 0
  size_t block_bytes_ = 0;  // of the block that holds this and small data
  bool writable_ = true;
  Ref<MemoryBudget::Account> account_;  // null: no budget counts this
  std::shared_ptr<const void> keep_alive_;
};

}  // namespace tandem

#endif  // TANDEM_TENSOR_STORAGE_H_
