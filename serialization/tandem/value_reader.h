// Values out of the tables of an index.
#ifndef TANDEM_SERIALIZATION_TANDEM_VALUE_READER_H_
#define TANDEM_SERIALIZATION_TANDEM_VALUE_READER_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/serialization/tandem/proto/model.pb.h"
#include "tandem/serialization/tandem/type_reader.h"
#include "tandem/tensor/storage.h"

namespace tandem::model_file {

// Makes the objects of a file, each checked against its declared types and each
// view against its storage: the file is believed in nothing.
class ValueReader {
 public:
  // All must outlive it. `storages` are those of the program, in order.
  ValueReader(const format::Program& program, const TypeReader& types,
              const std::vector<Function*>& functions,
              const std::vector<Ref<Storage>>& storages)
      : program_(program),
        types_(types),
        functions_(functions),
        storages_(storages) {}

  // First the texts, which members of enums may be; then, when classes, enums
  // and interfaces are filled, the rest.
  absl::Status ReadTexts();
  absl::Status ReadObjects();

  // A value that refers to objects that were made.
  absl::StatusOr<IValue> Get(const format::Value& value) const;
  absl::StatusOr<IValue> Object(uint64_t number) const;

 private:
  absl::StatusOr<IValue> Make(const format::Object& object);
  absl::StatusOr<Tensor> MakeTensor(const format::Tensor& in);
  absl::StatusOr<Tensor> MakeSparse(const format::Tensor& in);
  absl::Status Quantize(const format::Quantizer& in, Tensor& tensor);
  absl::StatusOr<Tensor> TensorObject(uint64_t number) const;
  absl::StatusOr<IValue> MakeList(const format::List& in);
  absl::StatusOr<IValue> MakeDict(const format::Dict& in);
  absl::StatusOr<IValue> MakeTuple(const format::Tuple& in);
  absl::StatusOr<IValue> MakeInstance(const format::Instance& in);
  absl::StatusOr<IValue> MakeMember(const format::EnumMember& in);
  // Takes note of how deep and large a value is that holds this one.
  void Hold(const IValue& value, const format::Value& in);

  const format::Program& program_;
  const TypeReader& types_;
  const std::vector<Function*>& functions_;
  const std::vector<Ref<Storage>>& storages_;
  std::vector<IValue> objects_;
  std::vector<bool> made_;
  // Of each object: how deep it nests, and the size of a tuple's value, parts
  // counted as often as they are reached.
  std::vector<uint32_t> depths_;
  std::vector<uint64_t> sizes_;
  uint32_t depth_ = 0;  // of the object that is being made
  uint64_t size_ = 0;
};

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_VALUE_READER_H_
