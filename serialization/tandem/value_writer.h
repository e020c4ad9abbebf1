// Values into the tables of an index.
#ifndef TANDEM_SERIALIZATION_TANDEM_VALUE_WRITER_H_
#define TANDEM_SERIALIZATION_TANDEM_VALUE_WRITER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/ir/ivalue.h"
#include "tandem/serialization/tandem/proto/model.pb.h"
#include "tandem/serialization/tandem/type_writer.h"
#include "tandem/tensor/storage.h"

namespace tandem::model_file {

// Numbers shared values, each once, what is held before what holds it. What is
// shared inside the program stays shared; storages are numbered as they are
// met.
class ValueWriter {
 public:
  // `number_of` numbers functions.
  ValueWriter(TypeWriter* types, format::Program* program,
              std::function<uint32_t(const Function*)> number_of)
      : types_(*types), program_(program), number_of_(std::move(number_of)) {}

  // Errors: a value that has no place in a file (futures, generators), one that
  // holds itself, more than 256 levels.
  absl::Status Put(const IValue& value, format::Value* out) {
    return Put(value, 0, out);
  }

  const std::vector<Ref<Storage>>& storages() const { return storages_; }

 private:
  absl::Status Put(const IValue& value, int depth, format::Value* out);
  absl::StatusOr<uint32_t> PutObject(const IValue& value, int depth);
  absl::Status FillObject(const IValue& value, int depth, format::Object* out);
  absl::Status FillTensor(const Tensor& tensor, int depth, format::Tensor* out);
  absl::Status FillList(const ListObject& list, int depth, format::List* out);
  absl::StatusOr<uint32_t> PutTensor(const Tensor& tensor, int depth);
  absl::StatusOr<uint32_t> PutStorage(const Tensor& tensor);

  TypeWriter& types_;
  format::Program* const program_;
  const std::function<uint32_t(const Function*)> number_of_;
  absl::flat_hash_map<const void*, uint32_t> objects_;
  absl::flat_hash_set<const void*> open_;  // being written
  // Values whose addresses are keys must live on.
  std::vector<IValue> kept_;
  absl::flat_hash_map<const Storage*, uint32_t> storage_numbers_;
  std::vector<Ref<Storage>> storages_;
};

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_VALUE_WRITER_H_
