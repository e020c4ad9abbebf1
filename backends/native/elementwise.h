// One elementwise operator over tensors of float, double, int64 or bool; of
// 16-bit floats, computed in float and rounded once, and of narrow integers,
// computed in int64. Whatever else comes (other dtypes, mixed ones, errors to
// be told) is declined.
#ifndef TANDEM_BACKENDS_NATIVE_ELEMENTWISE_H_
#define TANDEM_BACKENDS_NATIVE_ELEMENTWISE_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/elementwise/number.h"
#include "tandem/backends/native/kernel_table.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/tensor.h"

namespace tandem::native {

using elementwise::ComputedOf;
using elementwise::IsTest;
using elementwise::kDTypes;
using elementwise::kSizes;
using elementwise::Number;
using elementwise::Numbers;

// Elements a piece of parallel work has at least.
inline constexpr int64_t kGrain = 32768;

// Is the tensor's memory its elements in row-major order, on this machine?
inline bool IsPlain(const TensorImpl& t) {
  return t.contiguous && t.layout == Layout::kStrided &&
         t.device.type == DeviceType::kCpu && t.storage;
}
// The same, and dims of size 1 have row-major strides too.
bool HasPlainStrides(const TensorImpl& t);

// op(self), op(a, b) and so on; `in_place`: into the first tensor. `params`:
// null for none.
absl::StatusOr<Tensor> RunUnary(Op op, const Tensor& self, bool in_place,
                                absl::Span<const Scalar> params = {});
absl::StatusOr<Tensor> RunBinary(Op op, const Tensor& a, const Tensor& b,
                                 bool in_place,
                                 absl::Span<const Scalar> params = {});
// `number_first`: op(number, self).
absl::StatusOr<Tensor> RunWithNumber(Op op, const Tensor& self,
                                     const Scalar& number, bool in_place,
                                     bool number_first = false,
                                     absl::Span<const Scalar> params = {});
// An operand of RunGeneral: a tensor, or a number beside it.
struct Operand {
  const Tensor* tensor = nullptr;
  const Scalar* number = nullptr;
};
// Any strides, broadcasting. The tensors have one dtype, except the condition
// of Op::kWhere, which is bool. `out`: written in place; null: a new tensor.
absl::StatusOr<Tensor> RunGeneral(Op op, absl::Span<const Operand> operands,
                                  const Tensor* out,
                                  absl::Span<const Scalar> params = {});

}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_ELEMENTWISE_H_
