#ifndef TANDEM_SERIALIZATION_TORCHSCRIPT_PLAIN_VALUES_H_
#define TANDEM_SERIALIZATION_TORCHSCRIPT_PLAIN_VALUES_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/ivalue.h"
#include "tandem/serialization/files/file.h"
#include "tandem/serialization/torchscript/archive.h"

namespace tandem {

// Reads a file that torch.save wrote of plain values: None, bool, int, float,
// complex, str, list, tuple, dict, tensors, devices, dtypes (as their numbers);
// a state dict is one. Objects of Python classes are refused.
//
// Tensors lie in the mapped file and share storages as they did when saved;
// lists, dicts, tuples and tensors keep their identity. Lists and dicts get the
// type that their elements have in common, Any where there is none (or no
// element).
//
//   TANDEM_ASSIGN_OR_RETURN(IValue calls, LoadPlainValues("relu.io.pt"));
absl::StatusOr<IValue> LoadPlainValues(const std::string& path,
                                       const ArchiveLimits& limits = {});
absl::StatusOr<IValue> LoadPlainValues(std::shared_ptr<File> file,
                                       const ArchiveLimits& limits = {});

// The type that all of `values` have: that of the first, made Optional where
// others are None; Any where they differ otherwise or there are none.
TypePtr CommonType(absl::Span<const IValue> values);

// Can the value be a dict's key? Not a NaN: it would never be found, and many
// of them would make every insertion slow.
bool IsDictKey(const IValue& value);

}  // namespace tandem

#endif  // TANDEM_SERIALIZATION_TORCHSCRIPT_PLAIN_VALUES_H_
