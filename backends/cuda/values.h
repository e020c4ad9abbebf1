// Tensors, and values that hold tensors, from one device to another.
#ifndef TANDEM_BACKENDS_CUDA_VALUES_H_
#define TANDEM_BACKENDS_CUDA_VALUES_H_

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/backends/cuda/runtime.h"
#include "tandem/ir/ivalue.h"

namespace tandem::cuda {

inline bool IsOnCuda(const Tensor& t) {
  return t.defined() && t.device().type == DeviceType::kCuda;
}

// A copy on the device, with the strides of a dense tensor kept. The tensor is
// on the CPU. UnimplementedError for sparse and quantized ones.
absl::StatusOr<Tensor> ToGpu(Gpu& gpu, const Tensor& t);
// A copy on the CPU; waits for the device. The tensor is on `gpu`.
absl::StatusOr<Tensor> ToHost(Gpu& gpu, const Tensor& t);
// host's elements into the device's tensor of the same sizes and dtype.
absl::Status WriteToGpu(Gpu& gpu, const Tensor& host, const Tensor& t);

// Moves values: tensors in lists, tuples, dicts and objects. A tensor that is
// met twice stays one tensor, and views of one memory stay views of one (apart
// from small views of large memory where values are not changed in place).
// Lists, dicts and objects are changed in place if `in_place` (a module's),
// else replaced by new ones where a tensor moves.
class Mover {
 public:
  // `gpu` null: to the CPU.
  Mover(Runtime* runtime, Gpu* gpu, bool in_place)
      : runtime_(runtime), gpu_(gpu), in_place_(in_place) {}
  absl::StatusOr<IValue> Move(const IValue& value);
  absl::StatusOr<Tensor> MoveTensor(const Tensor& t);

  // All tensors that moved, from and to.
  absl::Span<const std::pair<Tensor, Tensor>> moved() const { return moved_; }
  // The tensor that became `moved`; undefined when none did.
  Tensor OriginalOf(const Tensor& moved) const;

 private:
  absl::StatusOr<Tensor> ToDevice(const Tensor& host);

  Runtime* const runtime_;
  Gpu* const gpu_;
  const bool in_place_;
  std::vector<std::pair<Tensor, Tensor>> moved_;  // from, to
  absl::flat_hash_map<const TensorImpl*, size_t> index_;
  // Storages that moved whole, and what they became.
  absl::flat_hash_map<const Storage*, std::pair<Ref<Storage>, Ref<Storage>>>
      storages_;
  absl::flat_hash_map<const void*, IValue> objects_;
};

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_VALUES_H_
