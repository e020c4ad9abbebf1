// Types into the tables of an index.
#ifndef TANDEM_SERIALIZATION_TANDEM_TYPE_WRITER_H_
#define TANDEM_SERIALIZATION_TANDEM_TYPE_WRITER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/type.h"
#include "tandem/serialization/tandem/proto/model.pb.h"

namespace tandem::model_file {

// Numbers types, equal ones alike. What named types are made of is written by
// whoever has their values.
class TypeWriter {
 public:
  TypeWriter(const CompilationUnit& unit, format::Program* program)
      : unit_(unit), program_(program) {}

  // Errors: a type variable, a class of another program, more than 256 levels.
  absl::StatusOr<uint32_t> Put(const TypePtr& type) { return Put(type, 0); }

  // Classes, enums and interfaces that were put, in the order in which they
  // were met; it grows while types are put.
  const std::vector<TypePtr>& named() const { return named_; }

 private:
  absl::StatusOr<uint32_t> Put(const TypePtr& type, int depth);

  const CompilationUnit& unit_;
  format::Program* const program_;
  absl::flat_hash_map<TypePtr, uint32_t> by_pointer_;
  absl::flat_hash_map<std::string, uint32_t> by_content_;
  std::vector<TypePtr> named_;
};

void PutDevice(const Device& device, format::Device* out);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_TYPE_WRITER_H_
