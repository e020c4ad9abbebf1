#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_WRITER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_WRITER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/ivalue.h"
#include "tandem/tensor/storage.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// Writes values as PyTorch's C++ pickler does: protocol 2, its choice of
// opcodes, texts and globals memoized by value, containers, objects and tensors
// by identity where they are reached more than once. Storages are numbered in
// the order in which they are met; the caller writes their bytes to the records
// FOLDER/0, FOLDER/1, ...
//
//   PickleWriter writer;
//   TANDEM_ASSIGN_OR_RETURN(std::string pickle, writer.Write(value));
//   for (const Ref<Storage>& storage : writer.storages()) ...
class PickleWriter {
 public:
  // Gives the state of an object whose class has __getstate__.
  using GetState = std::function<absl::StatusOr<IValue>(
      const Ref<ModuleObject>& object, Function& get_state)>;

  explicit PickleWriter(GetState get_state = nullptr)
      : get_state_(std::move(get_state)) {}

  // Tensors are written as needing no gradient: PyTorch takes no others as
  // constants.
  void set_detached() { detached_ = true; }

  // The pickle of one value. Storages are numbered on from those before.
  // Errors: values that cannot be saved (futures, functions), cycles, more than
  // 256 levels.
  absl::StatusOr<std::string> Write(const IValue& value);

  const std::vector<Ref<Storage>>& storages() const { return storages_; }
  // Classes, enums and NamedTuples of the values, each once, in the order in
  // which they were met.
  const std::vector<TypePtr>& types() const { return types_; }

 private:
  absl::Status CountReferences(const IValue& value, int depth);
  absl::Status Put(const IValue& value, int depth);
  absl::Status PutNode(const IValue& value, int depth);
  absl::Status PutTensor(const Tensor& tensor, int depth);
  absl::Status PutStrided(const Tensor& tensor, int depth);
  absl::Status PutSparse(const Tensor& tensor, int depth);
  absl::Status PutStorage(const Tensor& tensor);
  absl::Status PutList(const ListObject& list, int depth);
  absl::Status PutDict(const DictObject& dict, int depth);
  absl::Status PutTuple(const TupleObject& tuple, int depth);
  absl::Status PutObject(const Ref<ModuleObject>& object, int depth);
  void PutInt(int64_t v);
  void PutFloat(double v);
  void PutBool(bool v);
  void PutString(absl::string_view text);
  void PutGlobal(absl::string_view module, absl::string_view name);
  // A qualified name, split at its last dot.
  void PutClass(absl::string_view qualified_name);
  void PutDevice(absl::string_view text);
  void PutIntTuple(DimSpan values);
  void PutHooks();
  void PutMemo();
  void GetMemo(uint32_t id);
  void Meet(const TypePtr& type);
  void Emit(absl::string_view bytes) {
    out_.append(bytes.data(), bytes.size());
  }

  const GetState get_state_;
  bool detached_ = false;
  std::string out_;
  uint32_t next_memo_ = 0;
  absl::flat_hash_map<std::string, uint32_t> string_memo_, global_memo_,
      device_memo_;
  absl::flat_hash_map<const void*, uint32_t> pointer_memo_;
  // By storage and dtype: a storage seen as two dtypes is referred to twice.
  absl::flat_hash_map<std::pair<const void*, DType>, uint32_t> storage_memo_;
  // How often a shared value is reached.
  absl::flat_hash_map<const void*, int> references_;
  absl::flat_hash_set<const void*> open_;  // being written
  // What getting a state made must live as long as its address is a key.
  std::vector<IValue> kept_;
  absl::flat_hash_map<const void*, size_t> storage_numbers_;
  std::vector<Ref<Storage>> storages_;
  absl::flat_hash_set<std::string> met_;
  std::vector<TypePtr> types_;
};

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_PICKLE_WRITER_H_
