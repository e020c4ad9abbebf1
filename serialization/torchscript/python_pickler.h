// Pickles as Python's own pickler writes them.
#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_PYTHON_PICKLER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_PYTHON_PICKLER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/ivalue.h"
#include "tandem/tensor/storage.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

struct StateDictEntries;

// One pickle of protocol 2 (Python's default of torch.save): everything that
// can be referred to is memoized, in Python's order. Equal texts of the program
// are one object here; in Python they may be several. Storages are numbered in
// the order in which they are met.
class PythonPickler {
 public:
  absl::StatusOr<std::string> Write(const IValue& value);
  absl::StatusOr<std::string> WriteStateDict(const StateDictEntries& state);

  const std::vector<Ref<Storage>>& storages() const { return storages_; }

 private:
  struct MetStorage {
    DType dtype;
    uint32_t key_memo;
  };

  absl::Status Put(const IValue& value, int depth);
  absl::Status PutNode(const IValue& value, int depth);
  absl::Status PutItems(const std::vector<IValue>& items, int depth);
  absl::Status PutTuple(const std::vector<IValue>& items, int depth);
  absl::Status PutDict(const DictObject& dict, int depth);
  absl::Status PutTensor(const Tensor& tensor, int depth);
  absl::Status PutStrided(const Tensor& tensor, int depth);
  absl::Status PutSparse(const Tensor& tensor, int depth);
  void PutMeta(const Tensor& tensor);
  absl::Status PutQuantizer(const Quantizer& quantizer, int depth);
  absl::Status PutStorage(const Tensor& tensor);
  void PutInt(int64_t v);
  void PutFloat(double v);
  void PutBool(bool v) { Emit(v ? "\x88" : "\x89"); }
  void PutNewText(absl::string_view text);
  // A text of the values / one that torch.save itself brings.
  void PutText(absl::string_view text);
  void PutConstant(absl::string_view text);
  void PutGlobal(absl::string_view module, absl::string_view name);
  void PutSizes(DimSpan values);
  void PutSizeObject(DimSpan values);
  void PutEmptyOrderedDict();
  void CloseTuple(size_t size);
  void Memoize();
  void Recall(uint32_t id);
  void Emit(absl::string_view bytes) {
    out_.append(bytes.data(), bytes.size());
  }

  std::string out_;
  uint32_t next_memo_ = 0;
  absl::flat_hash_map<std::string, uint32_t> texts_, constants_, globals_;
  absl::flat_hash_map<const void*, uint32_t> nodes_;
  absl::flat_hash_set<const void*> open_;  // being written
  absl::flat_hash_map<const void*, MetStorage> met_;
  std::vector<Ref<Storage>> storages_;
  std::vector<Tensor> kept_;  // their addresses are keys
};

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_PYTHON_PICKLER_H_
