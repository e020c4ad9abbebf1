// Opens and saves model.tandem: programs, values and weights in one file whose
// weights are mapped, not read. docs/format.md has it byte by byte.
//
//   TANDEM_RETURN_IF_ERROR(SaveTandem(module, "m.tandem"));
//   TANDEM_ASSIGN_OR_RETURN(Module m, LoadTandem("m.tandem"));
#ifndef TANDEM_SERIALIZATION_TANDEM_MODEL_FILE_H_
#define TANDEM_SERIALIZATION_TANDEM_MODEL_FILE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/ir/operator_table.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/files/byte_sink.h"
#include "tandem/serialization/files/file.h"
#include "tandem/tensor/storage.h"

namespace tandem {

// What a file holds beside the module. What was loaded may be handed to the
// next save as it is.
struct TandemExtras {
  // Files beside the model, in order.
  std::vector<std::pair<std::string, std::string>> files;
  // Passes that the program went through, for people.
  std::vector<std::string> passes;
  // Fields of the index that a newer tandem wrote, kept as they are.
  std::string unknown_index_fields, unknown_program_fields;
};

struct TandemLoadOptions {
  // Compare the checksums of weights. Without it the time to open does not grow
  // with them: they are mapped, and read where a call first needs them. The
  // header's and the index's checksums are always compared.
  bool verify_weights = true;
  // The operators that the program may use; null: those that tandem has.
  const OperatorTable* operators = nullptr;
  // Where operators were looked for beside the built-in ones, for the message
  // about one that is missing: "TANDEM_PLUGINS=/usr/lib/tandem".
  std::string plugin_path;
  // ResourceExhaustedError beyond it.
  uint64_t max_index_bytes = uint64_t{256} << 20;
  // Gets what is beside the module, if not null.
  TandemExtras* extras = nullptr;
};

// Errors begin with the file's name and say which part of it is damaged, and
// name the parameter or buffer whose weights are.
absl::StatusOr<Module> LoadTandem(const std::string& path,
                                  const TandemLoadOptions& options = {});
absl::StatusOr<Module> LoadTandem(std::shared_ptr<File> file,
                                  const TandemLoadOptions& options = {});

// Do the bytes begin as a model.tandem does, whole or not?
bool IsTandemFile(absl::Span<const uint8_t> bytes);

struct TandemSaveOptions {
  TandemExtras extras;
  // Gives the bytes of a storage piece by piece, just as many as it has, for
  // models that are larger than memory: their tensors lie on storages of the
  // meta device until they are loaded again. False: the storage has its bytes
  // itself. They are asked for in the order in which they are written.
  using Emit = std::function<absl::Status(absl::Span<const uint8_t>)>;
  std::function<absl::StatusOr<bool>(const Storage& storage, const Emit& emit)>
      content;
};

// The old file stays until the new one is whole and on the disk; equal modules
// give equal bytes. Weights go from where they are to the file: what is mapped
// takes no memory. Errors: values that cannot be saved (futures, generators,
// tensors of other devices), what the disk says.
absl::Status SaveTandem(const Module& module, const std::string& path,
                        const TandemSaveOptions& options = {});
// To a sink, which is committed at the end.
absl::Status SaveTandem(const Module& module, ByteSink& sink,
                        const TandemSaveOptions& options = {});

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TANDEM_MODEL_FILE_H_
