// Types into the tables of an index.
#ifndef TANDEM_SERIALIZATION_TANDEM_TYPE_WRITER_H_
#define TANDEM_SERIALIZATION_TANDEM_TYPE_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/type.h"
#include "tandem/serialization/tandem/proto/model.pb.h"

namespace tandem::model_file {

// Numbers types, equal ones alike. What named types are made of is written by
// whoever has their values.
class TypeWriter {
 public:
  explicit TypeWriter(format::Program* program) : program_(program) {}

  // A program that passes derived refers to classes of the one before: where
  // both have one of a name, the one that is met later gets another, made as
  // PyTorch makes them. Errors: a type variable, more than 256 levels.
  absl::StatusOr<uint32_t> Put(const TypePtr& type) { return Put(type, 0); }

  // Classes, enums and interfaces that were put, in the order in which they
  // were met; it grows while types are put.
  const std::vector<TypePtr>& named() const { return named_; }

 private:
  absl::StatusOr<uint32_t> Put(const TypePtr& type, int depth);

  format::Program* const program_;
  absl::flat_hash_map<std::string, const Type*> classes_;
  absl::flat_hash_map<TypePtr, uint32_t> by_pointer_;
  absl::flat_hash_map<std::string, uint32_t> by_content_;
  std::vector<TypePtr> named_;
};

// "__torch__.___torch_mangle_2.M" of "__torch__.M" and 2.
std::string MangledName(absl::string_view qualified_name, int number);

void PutDevice(const Device& device, format::Device* out);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_TYPE_WRITER_H_
