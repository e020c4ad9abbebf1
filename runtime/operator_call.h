// Calls of single operators outside of any plan: what eager code needs.
#ifndef TANDEM_RUNTIME_OPERATOR_CALL_H_
#define TANDEM_RUNTIME_OPERATOR_CALL_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/ivalue.h"

namespace tandem {

// An operator and the kernels that run it, found once. Immutable.
class OperatorCall {
 public:
  // Kernels come from `backends` in this order.
  OperatorCall(const Operator& op, const Registry& registry,
               absl::Span<const std::string> backends);

  const Operator& op() const { return op_; }
  size_t num_inputs() const { return op_.schema.arguments.size(); }
  size_t num_outputs() const { return op_.schema.returns.size(); }

  // Runs the operator on registers [inputs..., outputs...]. Inputs have the
  // types of the schema (numbers in the schema's kind) and may be replaced;
  // outputs are written. Errors are the kernel's, or say that nothing runs it.
  absl::Status Run(IValue* registers) const;

 private:
  struct TensorArgument {
    uint8_t index;
    bool optional;
  };
  absl::Status RunSlowly(IValue* registers) const;
  absl::Status Check(const KernelOptions& options, size_t argument,
                     const Tensor& t, IValue* out) const;

  const Operator& op_;
  std::vector<const KernelEntry*> kernels_;
  const KernelEntry* quantized_ = nullptr;
  absl::InlinedVector<TensorArgument, 4> tensors_;
  absl::InlinedVector<uint8_t, 2> tensor_lists_;
};

}  // namespace tandem

#endif  // TANDEM_RUNTIME_OPERATOR_CALL_H_
