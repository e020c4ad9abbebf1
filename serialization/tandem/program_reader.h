// A program with its module out of the tables of an index.
#ifndef TANDEM_SERIALIZATION_TANDEM_PROGRAM_READER_H_
#define TANDEM_SERIALIZATION_TANDEM_PROGRAM_READER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/ir/operator_table.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/tandem/proto/model.pb.h"
#include "tandem/tensor/storage.h"

namespace tandem::model_file {

// `storages` are those of program.storages(), over their records. Everything is
// checked, types included: what is returned runs as safely as what a compiler
// made. Errors name table and entry.
absl::StatusOr<Module> ReadProgram(const format::Program& program,
                                   const std::vector<Ref<Storage>>& storages,
                                   const OperatorTable& operators,
                                   const std::string& plugin_hint);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_PROGRAM_READER_H_
