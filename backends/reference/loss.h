// What the files of the loss family share.
#ifndef TANDEM_BACKENDS_REFERENCE_LOSS_H_
#define TANDEM_BACKENDS_REFERENCE_LOSS_H_

#include <functional>

#include "absl/status/statusor.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/half.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// Operands of an elementwise loss: broadcast, contiguous, in the compute type
// of the promoted dtype.
struct LossOperands {
  DType dtype;  // of the result
  Dims sizes;
  absl::InlinedVector<Tensor, 3> values;  // undefined where the argument is
};
absl::StatusOr<LossOperands> BroadcastForLoss(absl::Span<const Tensor> tensors);

// Calls body(TypeTag<float or double>) by the operands' compute type and
// reduces the elements that it fills in: body(tag, out, n).
template <typename Body>
absl::StatusOr<Tensor> ElementwiseLoss(absl::Span<const Tensor> tensors,
                                       absl::string_view name,
                                       int64_t reduction, Body body);

// Rounds to the result's dtype after the reduction; without one the layout is
// that of an elementwise operator over the tensors.
absl::StatusOr<Tensor> FinishLoss(const Tensor& losses, int64_t reduction,
                                  DType dtype,
                                  absl::Span<const Tensor> tensors);

template <typename Body>
absl::StatusOr<Tensor> ElementwiseLoss(absl::Span<const Tensor> tensors,
                                       absl::string_view name,
                                       int64_t reduction, Body body) {
  auto operands = BroadcastForLoss(tensors);
  if (!operands.ok()) return operands.status();
  const LossOperands& o = *operands;
  if (!IsFloatingPoint(o.dtype)) {
    return absl::UnimplementedError(absl::StrCat(
        "\"", name, "\" not implemented for '", TypeName(o.dtype), "'"));
  }
  auto losses = Tensor::Empty(o.sizes, ComputeDType(o.dtype));
  if (!losses.ok()) return losses.status();
  const int64_t n = losses->numel();
  if (losses->dtype() == DType::kDouble) {
    body(o, losses->data<double>(), n);
  } else {
    body(o, losses->data<float>(), n);
  }
  return FinishLoss(*losses, reduction, o.dtype, tensors);
}

void RegisterElementwiseLosses(KernelRegistrar& r);
void RegisterClassLosses(KernelRegistrar& r);
void RegisterMarginLosses(KernelRegistrar& r);
void RegisterCtcLoss(KernelRegistrar& r);

// PyTorch rounds 16-bit floats after every operation that a loss is made of.
inline float RoundedTo(DType dtype, float x) {
  if (dtype == DType::kHalf) return static_cast<float>(Half(x));
  if (dtype == DType::kBFloat16) return static_cast<float>(BFloat16(x));
  return x;
}
inline double RoundedTo(DType, double x) { return x; }

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_LOSS_H_
