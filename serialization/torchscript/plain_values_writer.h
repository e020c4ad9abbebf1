// torch.save of plain values and of state dicts.
#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_PLAIN_VALUES_WRITER_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_PLAIN_VALUES_WRITER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "tandem/ir/ivalue.h"
#include "tandem/serialization/torchscript/zip_writer.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// Writes a file as torch.save does: the same records, and the pickle of
// Python's own pickler, which torch.load(weights_only=True) reads. Values are
// None, bools, numbers, texts, devices, tensors of all layouts and lists, dicts
// and tuples of them; a NamedTuple becomes a tuple. What is shared stays
// shared, storages too. The old file stays until the new one is whole.
//
// Errors: objects, enums and other values that are not plain; a storage that is
// seen as two dtypes; values that hold themselves or are nested deeper than
// 256.
absl::Status SavePlainValues(const IValue& value, const std::string& path);
// To a sink, which is committed at the end; `folder` is that of all records.
absl::Status SavePlainValues(const IValue& value, ByteSink& sink,
                             const std::string& folder = "archive");

// What Module.state_dict() gives: tensors by name, in order, and the versions
// of the modules by path, which load_state_dict looks at ("": the root).
struct StateDictEntries {
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::vector<std::pair<std::string, int64_t>> versions;
};

// Writes torch.save(module.state_dict()): tensors need no gradient there.
absl::Status SaveStateDict(const StateDictEntries& state,
                           const std::string& path);
absl::Status SaveStateDict(const StateDictEntries& state, ByteSink& sink,
                           const std::string& folder = "archive");

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_PLAIN_VALUES_WRITER_H_
