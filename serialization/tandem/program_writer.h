// A program with its module into the tables of an index.
#ifndef TANDEM_SERIALIZATION_TANDEM_PROGRAM_WRITER_H_
#define TANDEM_SERIALIZATION_TANDEM_PROGRAM_WRITER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/tandem/proto/model.pb.h"
#include "tandem/tensor/storage.h"

namespace tandem::model_file {

// Fills `program` but for the records of storages. Compiles what is still to be
// compiled. Returns the storages, in the order of program->storages().
absl::StatusOr<std::vector<Ref<Storage>>> WriteProgram(
    const Module& module, format::Program* program);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_PROGRAM_WRITER_H_
