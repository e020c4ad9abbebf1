// "tandem.format": what f"{x:spec}" means.
#ifndef TANDEM_FRONTENDS_SCRIPT_FORMAT_SOURCE_H_
#define TANDEM_FRONTENDS_SCRIPT_FORMAT_SOURCE_H_

#include "absl/strings/string_view.h"

namespace tandem::script {

// Functions in TorchScript: format_int, format_float, format_str, format_bool,
// format_tensor (value, spec) and repr_str.
absl::string_view FormatSource();

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_FORMAT_SOURCE_H_
