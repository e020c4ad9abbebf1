// torch.nn's layers as Python text of ours, which is interpreted to make them
// and compiled like a user's file.
#ifndef TANDEM_FRONTENDS_SCRIPT_LAYER_SOURCE_H_
#define TANDEM_FRONTENDS_SCRIPT_LAYER_SOURCE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace tandem::script {

// The text of "torch.nn.modules.linear", "torch.nn.init"; empty if unknown.
absl::string_view LayerSource(absl::string_view module);

// "torch.nn.modules.linear.Linear" of "torch.nn.Linear"; empty if unknown.
std::string LayerName(absl::string_view name);

// Parts that LayerSource puts together.
absl::string_view ConvSource();
absl::string_view NormSource(absl::string_view module);
absl::string_view PoolSource(absl::string_view module);
absl::string_view LossSource();
absl::string_view RnnSource();
absl::string_view TransformerSource();

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_LAYER_SOURCE_H_
