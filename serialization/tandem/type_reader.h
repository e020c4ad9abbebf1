// Types out of the tables of an index.
#ifndef TANDEM_SERIALIZATION_TANDEM_TYPE_READER_H_
#define TANDEM_SERIALIZATION_TANDEM_TYPE_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/type.h"
#include "tandem/serialization/tandem/proto/model.pb.h"

namespace tandem::model_file {

// InvalidArgumentError("PLACE[NUMBER]: WHAT").
absl::Status BadEntry(absl::string_view place, int64_t number,
                      absl::string_view what);

// A table's entry by number; error names the table.
absl::Status CheckNumber(absl::string_view table, uint64_t number,
                         uint64_t size);

absl::StatusOr<Device> ReadDevice(const format::Device& device);

// Makes all types at once. Classes, enums and interfaces come without content.
class TypeReader {
 public:
  // Declares the named types in `unit`. Errors: parts that do not come before
  // what they are part of, more than 256 levels, types larger than any program
  // has, two named types of one name.
  absl::Status Read(const format::Program& program, CompilationUnit* unit);

  absl::StatusOr<TypePtr> Get(uint64_t number) const;
  // The named type by number, or an error that says what was expected.
  absl::StatusOr<ClassType*> GetClass(uint64_t number) const;
  absl::StatusOr<EnumType*> GetEnum(uint64_t number) const;
  absl::StatusOr<InterfaceType*> GetInterface(uint64_t number) const;

 private:
  absl::StatusOr<TypePtr> Make(const format::Type& in, CompilationUnit* unit);

  std::vector<TypePtr> types_;
};

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_TYPE_READER_H_
