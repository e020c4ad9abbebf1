#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_TENSOR_READER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_TENSOR_READER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/serialization/torchscript/archive.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/tensor/device.h"
#include "tandem/tensor/dtype.h"
#include "tandem/tensor/storage.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// The storages of one folder of an archive ("data/", "constants/"), each made
// once: tensors that shared a storage when they were saved share it again. A
// storage lies in the mapped file; it is copied only where the record is
// deflated or lies at an address that is no multiple of 16.
class StorageTable {
 public:
  StorageTable(const Archive& archive, std::string folder)
      : archive_(archive), folder_(std::move(folder)) {}

  struct Reference {
    Ref<Storage> storage;
    DType dtype = DType::kUndefined;  // kUndefined of an untyped storage
    int64_t numel = 0;                // as the reference says, in elements
    std::string record;               // "data/0"
  };

  // The storage of a persistent id ("storage", class, key, location, numel).
  // The record must have just the bytes that numel and class say. Storages of
  // other devices are read into this one's memory; "meta" has none.
  absl::StatusOr<Reference> Resolve(const Pickle& pickle,
                                    const PickleValue& persistent);

 private:
  absl::StatusOr<Ref<Storage>> Load(const Pickle& pickle,
                                    const PickleValue& persistent,
                                    absl::string_view record,
                                    uint64_t expected_bytes,
                                    uint64_t element_size);

  const Archive& archive_;
  const std::string folder_;
  absl::flat_hash_map<std::string, Ref<Storage>> storages_;
};

// Whether `module`.`name` is among the globals that tensors are made of.
bool IsTensorGlobal(absl::string_view module, absl::string_view name);

// "torch FloatStorage" -> float; kUndefined for an untyped storage; nullopt for
// what is no storage class.
std::optional<DType> DTypeOfStorageClass(absl::string_view module,
                                         absl::string_view name);

// Makes the tensors of one pickle. Every view is checked against its storage,
// whatever the pickle says. One call in the pickle gives one tensor, however
// often it is asked for.
class TensorReader {
 public:
  TensorReader(const Pickle& pickle, StorageTable& storages)
      : pickle_(pickle), storages_(storages) {}

  // Is the value a call that makes a tensor?
  bool IsTensor(const PickleValue& value) const;
  absl::StatusOr<Tensor> Read(const PickleValue& value);

 private:
  using Arguments = absl::Span<const PickleValue>;

  absl::StatusOr<Tensor> Rebuild(const PickleValue& value,
                                 absl::string_view function,
                                 Arguments arguments);
  // torch._utils._rebuild_tensor, _v2 and _v3, _rebuild_qtensor.
  absl::StatusOr<Tensor> RebuildStrided(const PickleValue& value,
                                        absl::string_view function,
                                        Arguments arguments);
  absl::Status Quantize(const PickleValue& value, const PickleValue& quantizer,
                        Tensor& tensor);
  absl::StatusOr<Tensor> RebuildSparse(const PickleValue& value,
                                       Arguments arguments);
  static bool IsCoalesced(const Tensor& indices);
  absl::Status CheckSparse(const PickleValue& value, const Tensor& tensor);
  absl::StatusOr<Tensor> RebuildMeta(const PickleValue& value,
                                     Arguments arguments);

  absl::StatusOr<int64_t> Int(const PickleValue& value, absl::string_view what);
  absl::StatusOr<bool> Bool(const PickleValue& value, absl::string_view what);
  absl::StatusOr<Dims> Sizes(const PickleValue& value, absl::string_view what);
  absl::StatusOr<DType> ReadDType(const PickleValue& value);
  absl::StatusOr<Layout> ReadLayout(const PickleValue& value);
  absl::Status Flags(const PickleValue& metadata, Tensor& tensor);

  const Pickle& pickle_;
  StorageTable& storages_;
  absl::flat_hash_map<uint32_t, Tensor> tensors_;
};

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_TENSOR_READER_H_
