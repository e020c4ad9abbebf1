// Result sizes and dtypes that most operators share.
#ifndef TANDEM_IR_OPERATORS_PROMOTION_H_
#define TANDEM_IR_OPERATORS_PROMOTION_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// torch.result_type over operands: dimensioned tensors first, then 0-dim
// tensors, then numbers; a lower group counts only with a higher category.
class ResultType {
 public:
  ResultType& Add(const Tensor& t);  // undefined tensors are skipped
  ResultType& Add(const Scalar& s);
  // Error "Promotion for … is not supported"; no operand at all: kUndefined.
  absl::StatusOr<DType> Get() const;

 private:
  DType dim_ = DType::kUndefined;
  DType zero_dim_ = DType::kUndefined;
  DType number_ = DType::kUndefined;
  absl::Status status_;  // the first promotion that PyTorch refuses
};

// torch.promote_types with PyTorch's error text.
absl::StatusOr<DType> PromoteTypesOrError(DType a, DType b);

// Common sizes by broadcasting; PyTorch's error text ("The size of tensor a (2)
// must match the size of tensor b (3) at non-singleton dimension 0").
absl::StatusOr<Dims> BroadcastSizes(DimSpan a, DimSpan b);
absl::StatusOr<Dims> BroadcastSizes(absl::Span<const Tensor> tensors);

// `t` viewed with `sizes` (strides 0 where it is repeated); error text of
// expand.
absl::StatusOr<Tensor> ExpandTo(const Tensor& t, DimSpan sizes);

// Strides of the result of an elementwise operator over these operands, as
// PyTorch's TensorIterator chooses them: dense in the order of the operands'
// strides. Undefined tensors are skipped; operands are not yet expanded. A
// number beside tensors counts as a 0-dim operand (`with_number`).
Dims PointwiseStrides(absl::Span<const Tensor> operands, DimSpan sizes,
                      bool with_number = false);
Dims PointwiseStrides(absl::Span<const Tensor* const> operands, DimSpan sizes,
                      bool with_number = false);

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_PROMOTION_H_
