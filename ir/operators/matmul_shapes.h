// Sizes of matrix products, with PyTorch's error texts.
#ifndef TANDEM_IR_OPERATORS_MATMUL_SHAPES_H_
#define TANDEM_IR_OPERATORS_MATMUL_SHAPES_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// Sizes [m, n] of mm and addmm; `op` starts the text ("mm: mat1 and mat2 shapes
// cannot be multiplied (2x3 and 4x5)").
absl::StatusOr<Dims> MmSizes(absl::string_view op, DimSpan a, DimSpan b);

// Sizes [batch, m, n] of bmm and baddbmm.
absl::StatusOr<Dims> BmmSizes(DimSpan a, DimSpan b);

// Checks sizes of addmv (mv: `self` is [m]): self + mat @ vec.
absl::Status CheckMvSizes(DimSpan self, DimSpan mat, DimSpan vec);

// Checks the vectors of dot and vdot.
absl::Status CheckDotSizes(DimSpan a, DimSpan b);

// Sizes of matmul: vectors lose their dim, batches broadcast.
absl::StatusOr<Dims> MatMulSizes(DimSpan a, DimSpan b);

// Sizes of linear(input, weight): weight [out, in] or [in].
absl::StatusOr<Dims> LinearSizes(DimSpan input, DimSpan weight, bool has_bias);

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_MATMUL_SHAPES_H_
