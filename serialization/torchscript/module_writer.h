#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_WRITER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_WRITER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/torchscript/zip_writer.h"

namespace tandem {

class Engine;

struct SaveOptions {
  // Runs __getstate__; null: a class that has one cannot be saved.
  const Engine* engine = nullptr;
  // Records below extra/, in this order.
  std::vector<std::pair<std::string, std::string>> extra_files;
  // The folder of all records; empty: the file's name without its extension,
  // as torch.jit.save names it.
  std::string folder;
};

// Writes an archive as torch.jit.save does: the same records in the same order
// and layout, the program printed as code with the places that it came from.
// The old file stays until the new one is whole; equal modules give equal
// bytes. Errors: what has no code (frontends/script/printer.h) or no pickle.
absl::Status SaveModule(const Module& module, const std::string& path,
                        const SaveOptions& options);
// To a sink, which is committed at the end. The folder defaults to "archive".
absl::Status SaveModule(const Module& module, ByteSink& sink,
                        const SaveOptions& options);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_WRITER_H_
