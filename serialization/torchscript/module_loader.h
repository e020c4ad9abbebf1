#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_LOADER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_LOADER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/operator_table.h"
#include "tandem/serialization/torchscript/archive.h"
#include "tandem/serialization/torchscript/file.h"

namespace tandem {

// Runs a method of the program that is being loaded; `arguments` begin with the
// object. The caller limits steps, memory and time: a __setstate__ is a
// stranger's code.
using MethodRunner = std::function<absl::StatusOr<IValue>(
    Function& method, std::vector<IValue> arguments)>;

struct ScriptLoadOptions {
  ArchiveLimits limits;
  // The operators that the program may use; null: those that tandem has.
  const OperatorTable* operators = nullptr;
  // Runs __setstate__. Without it, a class that has one is refused.
  MethodRunner run_method;
  // Gets the records below extra/, by their names after it, if not null.
  std::map<std::string, std::string>* extra_files = nullptr;
};

// A script archive in memory: the program and its root object. The weights lie
// in the mapped file.
struct ScriptArchive {
  std::shared_ptr<CompilationUnit> unit;
  // Declared after `unit`: an object goes before its class.
  Ref<ModuleObject> root;
  int64_t version = 0;
  // The values of CONSTANTS.cN.
  std::vector<IValue> constants;
};

// Opens an archive that torch.jit.save wrote, of file format version 1 to 10.
//
// All classes that the root object needs are compiled, so that errors of the
// code show here with their place. Values are checked against declared types.
// Records that nothing refers to are not read, nor traced_inputs.
absl::StatusOr<ScriptArchive> LoadScriptArchive(
    const std::string& path, const ScriptLoadOptions& options = {});
absl::StatusOr<ScriptArchive> LoadScriptArchive(
    std::shared_ptr<File> file, const ScriptLoadOptions& options = {});

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_LOADER_H_
