// Small parts that composite kernels (einsum, attention, losses, recurrent
// layers) are made of: views without checks, elementwise products, sums.
#ifndef TANDEM_BACKENDS_REFERENCE_PARTS_H_
#define TANDEM_BACKENDS_REFERENCE_PARTS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

template <typename... A>
absl::Status Invalid(const A&... parts) {
  return absl::InvalidArgumentError(absl::StrCat(parts...));
}

// The name of the C++ element type, as some of PyTorch's errors give it:
// "float", "long int", "c10::Half".
absl::string_view CppTypeName(DType dtype);

// Views. The caller keeps to the bounds.
Tensor PermuteView(const Tensor& t, DimSpan order);
Tensor TransposeView(const Tensor& t, int64_t d0, int64_t d1);
Tensor UnsqueezeView(const Tensor& t, int64_t dim);
Tensor SelectView(const Tensor& t, int64_t dim, int64_t index);
Tensor NarrowView(const Tensor& t, int64_t dim, int64_t start, int64_t length);
// The same elements in other sizes of equal number: a view of a contiguous
// tensor, otherwise of its copy.
absl::StatusOr<Tensor> ReshapeTo(const Tensor& t, DimSpan sizes);

// a * b with promotion and broadcasting; new contiguous memory.
absl::StatusOr<Tensor> Multiply(const Tensor& a, const Tensor& b);
// Sum over the dims marked in `over` (one flag a dim), which keep size 1; new
// contiguous memory of the same dtype (bool becomes int64).
absl::StatusOr<Tensor> SumKeepDims(const Tensor& t,
                                   const absl::InlinedVector<bool, 8>& over);

// The number as an element of `dtype`; PyTorch's error where it does not fit
// ("value cannot be converted to type float without overflow").
absl::Status CheckFits(const Scalar& value, DType dtype);

// 0 none, 1 mean, 2 sum: the results of a loss in its compute type. `losses` is
// contiguous; the mean is over its elements.
absl::StatusOr<Tensor> Reduce(const Tensor& losses, int64_t reduction);

// As torch.dropout: with probability p an element becomes 0, the rest is scaled
// by 1 / (1 - p). Draws from CurrentGenerator(). Error: p outside of [0, 1].
absl::StatusOr<Tensor> Dropout(const Tensor& t, double p, bool train);

// `computed` (contiguous) in the dtype and, for 4 and 5 dims, the layout of
// `input` (channels-last or contiguous).
absl::StatusOr<Tensor> MatchLayout(const Tensor& computed, const Tensor& input);

// Dtypes of a normalisation's input and parameters: OK with *mixed = false when
// they agree, with *mixed = true for a 16-bit input with float parameters;
// PyTorch's errors otherwise. Undefined parameters are skipped.
absl::Status CheckMixedDTypes(const Tensor& input,
                              absl::Span<const Tensor> parameters, bool* mixed);

// 16-bit floats are computed in float, others in their own type.
inline DType ComputeDType(DType dtype) {
  return dtype == DType::kHalf || dtype == DType::kBFloat16 ? DType::kFloat
                                                            : dtype;
}

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_PARTS_H_
