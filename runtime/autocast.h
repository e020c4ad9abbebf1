// torch.autocast inside programs, on the CPU.
#ifndef TANDEM_RUNTIME_AUTOCAST_H_
#define TANDEM_RUNTIME_AUTOCAST_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/operator_table.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// The class whose objects switch it on and off.
inline constexpr absl::string_view kAutocastClass =
    "__torch__.torch.amp.autocast_mode.autocast";

// What an operator's tensors become while autocast is on; the lists are those
// of PyTorch's autocast for scripts.
enum class AutocastPolicy : uint8_t {
  kNone,
  kReduced,  // float becomes the reduced type (convolutions, matrix products)
  kFull,     // half and bfloat16 become float (losses, norms, exp, …)
};
AutocastPolicy AutocastPolicyOf(const Operator& op);

// `t` as the policy wants it, itself where nothing is to do.
absl::StatusOr<Tensor> Autocast(const Tensor& t, AutocastPolicy policy,
                                DType reduced);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_AUTOCAST_H_
