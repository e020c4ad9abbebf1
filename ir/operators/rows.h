// The text of the <family>.schema files.
#ifndef TANDEM_IR_OPERATORS_ROWS_H_
#define TANDEM_IR_OPERATORS_ROWS_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem {

// One operator a line: PyTorch's schema, then optionally "; EFFECT".
struct FamilyRows {
  absl::string_view family;
  absl::string_view rows;
};

absl::Span<const FamilyRows> BuiltinRows();

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_ROWS_H_
