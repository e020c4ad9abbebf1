// What an index may cost before it is believed, and names for its parts.
#ifndef TANDEM_SERIALIZATION_TANDEM_INDEX_LIMITS_H_
#define TANDEM_SERIALIZATION_TANDEM_INDEX_LIMITS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tandem/serialization/tandem/proto/model.pb.h"

namespace tandem::model_file {

// A message of a few bytes takes a hundred times as many in memory. Counts the
// messages of a serialized Index before any is made; ResourceExhaustedError
// where they are out of proportion to the bytes that hold them.
absl::Status CheckIndexSize(absl::Span<const uint8_t> index);

// '"encoder.weight"', where the root's attributes lead to a tensor over the
// storage; "storage 3" else.
std::string NameOfStorage(const format::Program& program, int storage);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_INDEX_LIMITS_H_
