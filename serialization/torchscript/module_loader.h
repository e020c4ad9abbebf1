#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_LOADER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_LOADER_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tandem/ir/operator_table.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/files/file.h"
#include "tandem/serialization/torchscript/archive.h"
#include "tandem/tensor/context.h"

namespace tandem {

class Engine;

struct LoadOptions {
  ArchiveLimits limits;
  // The operators that the program may use; null: those that tandem has.
  const OperatorTable* operators = nullptr;

  // Of one source file.
  uint64_t max_source_bytes = uint64_t{32} << 20;

  // Runs __setstate__, a stranger's code, within the limits below, without
  // output and with random numbers of its own. Null: a class that has one is
  // refused.
  const Engine* engine = nullptr;
  int64_t max_setstate_steps = 10'000'000;  // of one object
  absl::Duration max_setstate_time = absl::Seconds(10);
  // Bounds what __setstate__ allocates; must outlive the module.
  MemoryBudget* memory = nullptr;
  const std::atomic<bool>* cancel = nullptr;

  // Gets the records below extra/, by their names after it, if not null.
  std::map<std::string, std::string>* extra_files = nullptr;
};

// Opens an archive that torch.jit.save wrote, of file format version 1 to 10.
// The weights lie in the mapped file and are changed there in private.
//
// All classes that the root object needs are compiled, so that errors of the
// code show here with their place. Values are checked against declared types.
// Records that nothing refers to are not read, nor traced_inputs.
absl::StatusOr<Module> LoadModule(const std::string& path,
                                  const LoadOptions& options = {});
absl::StatusOr<Module> LoadModule(std::shared_ptr<File> file,
                                  const LoadOptions& options = {});

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_LOADER_H_
