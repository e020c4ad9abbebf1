// tensor.tolist() of programs.
#ifndef TANDEM_RUNTIME_TO_LIST_H_
#define TANDEM_RUNTIME_TO_LIST_H_

#include "absl/status/statusor.h"
#include "tandem/ir/ivalue.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// The elements as nested lists `type`, `dim` levels deep; `code` says what the
// annotation asked for: 0 int, 1 float, 2 complex, 3 bool (PyTorch's codes).
// PyTorch's errors where rank or dtype do not fit.
absl::StatusOr<IValue> ToList(const Tensor& tensor, int64_t dim, int64_t code,
                              const Type& type);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_TO_LIST_H_
