#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_WRITER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_WRITER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/ir/ivalue.h"
#include "tandem/ir/type.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/torchscript/zip_writer.h"

namespace tandem {

class Engine;

// The source of a program, as an archive's code/ has it.
struct PrintedCode {
  struct File {
    std::string qualifier;  // "__torch__.a": the record code/__torch__/a.py
    std::string text;
    // The pickle of the source ranges (.debug_pkl); none if empty.
    std::string debug;
  };
  std::vector<File> files;
  // What the code calls CONSTANTS.c0, c1, ...
  std::vector<IValue> constants;
  // The least file format version whose operators mean what the code means
  // (div 4, full 5, linspace 8, logspace 9, gelu 10; else 3).
  int64_t version = 3;
};

// Prints the classes, enums and NamedTuples of the saved objects, in this
// order, and all that they need. A printer of code lies outside this folder.
using CodePrinter =
    std::function<absl::StatusOr<PrintedCode>(const std::vector<TypePtr>&)>;

struct SaveOptions {
  CodePrinter print;
  // Runs __getstate__; null: a class that has one cannot be saved.
  const Engine* engine = nullptr;
  // Records below extra/, in this order.
  std::vector<std::pair<std::string, std::string>> extra_files;
  // The folder of all records; empty: the file's name without its extension,
  // as torch.jit.save names it.
  std::string folder;
};

// Writes an archive as torch.jit.save does: the same records in the same order
// and layout. The old file stays until the new one is whole; equal modules give
// equal bytes.
absl::Status SaveModule(const Module& module, const std::string& path,
                        const SaveOptions& options);
// To a sink, which is committed at the end. The folder defaults to "archive".
absl::Status SaveModule(const Module& module, ByteSink& sink,
                        const SaveOptions& options);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_MODULE_WRITER_H_
