// What the files of the attention family share.
#ifndef TANDEM_BACKENDS_REFERENCE_ATTENTION_H_
#define TANDEM_BACKENDS_REFERENCE_ATTENTION_H_

#include <optional>

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// What happens to rows of a softmax of which nothing is left.
enum class EmptyRows { kNan, kZero };

// In place over the last dim of contiguous float or double scores: softmax of
// scores + mask. `mask` may be undefined, bool (true is kept when `keep`, is
// left out otherwise) or of the scores' dtype; expanded to their sizes.
absl::Status MaskedSoftmaxInPlace(const Tensor& scores, const Tensor& mask,
                                  bool keep, EmptyRows empty);

void RegisterNativeAttention(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_ATTENTION_H_
