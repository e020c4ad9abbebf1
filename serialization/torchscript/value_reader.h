#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_VALUE_READER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_VALUE_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/type.h"
#include "tandem/serialization/torchscript/pickle.h"
#include "tandem/serialization/torchscript/tensor_reader.h"

namespace tandem {

// What a reader of values asks of the program that they belong to.
class TypeSource {
 public:
  virtual ~TypeSource() = default;
  // The class, enum, interface or NamedTuple of this qualified name.
  virtual absl::StatusOr<TypePtr> FindType(absl::string_view name) = 0;
  // A type as it is written in code: "List[Optional[__torch__.C]]".
  virtual absl::StatusOr<TypePtr> ParseType(absl::string_view text) = 0;
  // Runs __setstate__ of an object that was just made.
  virtual absl::Status SetState(const Ref<ModuleObject>& object,
                                Function& method, IValue state) = 0;
};

// Turns the values of a script archive's pickle into ours, checked against the
// types that the program declares: PyTorch believes the pickle, we do not.
//
// Objects, containers and tensors keep their identity. Attributes are assigned
// by name; one that is missing stays None where its type allows it. Errors name
// the record, the byte and the path of attributes.
class ValueReader {
 public:
  ValueReader(const Pickle& pickle, StorageTable& storages, TypeSource& types)
      : pickle_(pickle), tensors_(pickle, storages), types_(types) {}

  // `type` is what the value must conform to, Any if nothing is known.
  absl::StatusOr<IValue> Read(const PickleValue& value, const TypePtr& type);

  // The globals that may appear in a script archive's pickles.
  static bool IsKnownGlobal(absl::string_view module, absl::string_view name);

 private:
  absl::StatusOr<IValue> ReadAsMember(const PickleValue& value,
                                      const TypePtr& type);
  absl::StatusOr<IValue> ReadNode(const PickleValue& value,
                                  const TypePtr& type);
  absl::StatusOr<IValue> ReadString(const PickleValue& value);
  absl::StatusOr<IValue> ReadCall(const PickleValue& value,
                                  const TypePtr& type);
  absl::StatusOr<IValue> ReadTuple(const PickleValue& value,
                                   const TypePtr& type);
  absl::StatusOr<IValue> ReadList(const PickleValue& list,
                                  const TypePtr& element);
  absl::StatusOr<IValue> ReadDict(const PickleValue& dict, const TypePtr& key,
                                  const TypePtr& value);
  absl::StatusOr<IValue> ReadTagged(const PickleValue& value,
                                    const TypePtr& type);
  absl::StatusOr<IValue> ReadEnum(const PickleValue& value,
                                  const TypePtr& type);
  absl::StatusOr<IValue> ReadObject(const PickleValue& value,
                                    const TypePtr& type);
  absl::Status ReadAttributes(const PickleValue& state,
                              const ClassType& class_type,
                              ModuleObject& object);
  absl::StatusOr<TypePtr> TypeOfTag(const PickleValue& tag);
  absl::StatusOr<TypePtr> TypeOfGlobal(const PickleValue& global);

  // The value is not of the type.
  absl::Status Mismatch(const PickleValue& value, const Type& type) const;
  absl::Status Error(const PickleValue& value, absl::string_view what) const;

  const Pickle& pickle_;
  TensorReader tensors_;
  TypeSource& types_;
  absl::flat_hash_map<uint32_t, IValue> made_;     // by node
  absl::flat_hash_map<uint64_t, IValue> strings_;  // by place in the record
  absl::flat_hash_map<uint64_t, TypePtr> tags_;    // likewise
  absl::flat_hash_map<std::string, TypePtr> globals_;
  std::vector<absl::string_view> path_;  // of attributes
};

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_VALUE_READER_H_
