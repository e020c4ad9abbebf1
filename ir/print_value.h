// Values as text, as print() and str() of a program give them.
#ifndef TANDEM_IR_PRINT_VALUE_H_
#define TANDEM_IR_PRINT_VALUE_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "tandem/ir/ivalue.h"
#include "tandem/tensor/print.h"

namespace tandem {

// Appends what str(value) gives: strings as they are (also inside containers),
// tensors by TensorToString. Errors: a tensor that cannot be printed, a text
// longer than `max_bytes`, containers nested more than 256 deep (a list that
// holds itself).
absl::Status AppendValueText(const IValue& value, std::string* out,
                             size_t max_bytes = kMaxTextBytes);

}  // namespace tandem

#endif  // TANDEM_IR_PRINT_VALUE_H_
