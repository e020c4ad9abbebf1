// What operators meant in older versions of PyTorch's file format.

#ifndef TANDEM_FRONTENDS_SCRIPT_UPGRADERS_H_
#define TANDEM_FRONTENDS_SCRIPT_UPGRADERS_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem::script {

// A call in an archive of version <= `last_version` that fits `old_schema`
// means the function `upgrader` of UpgraderSource(), called with the same
// arguments (which also has the old schema's defaults); it is inlined.
//
// Operators whose old calls mean what they mean today have no entry, though
// PyTorch lists them (div with a rounding mode, full.out).
struct OperatorUpgrader {
  absl::string_view op;          // "aten::div"
  absl::string_view old_schema;  // PyTorch's text, "aten::div.Tensor(…) -> …"
  int64_t last_version;
  absl::string_view upgrader;  // "div_Tensor_0_3"
};

// The entries of an operator, in the order in which they are tried; empty for
// most operators.
absl::Span<const OperatorUpgrader> UpgradersOf(absl::string_view op);

// All of them.
absl::Span<const OperatorUpgrader> AllUpgraders();

// The functions as TorchScript source in the dialect of archives (torch.OP is
// any operator of aten), of today's meaning.
absl::string_view UpgraderSource();

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_UPGRADERS_H_
