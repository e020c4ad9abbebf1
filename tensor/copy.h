// Moving elements between tensors of any strides and dtypes.
#ifndef TANDEM_TENSOR_COPY_H_
#define TANDEM_TENSOR_COPY_H_

#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// dst[...] = src[...], converting dtypes as PyTorch's copy_ (floats truncate to
// integers, complex keeps the real part, anything to bool is != 0), `src`
// broadcast to dst's sizes. Overlapping memory gives the elements before the
// copy. Conj and neg bits of both sides are honoured. Quantized tensors: same
// dtype copies integers.
absl::Status CopyElements(const Tensor& src, const Tensor& dst);

// Every element = value, converted to the dtype.
absl::Status FillElements(const Tensor& dst, const Scalar& value);

// A contiguous copy in `dtype`, always new memory, conj and neg resolved.
absl::StatusOr<Tensor> CloneContiguous(const Tensor& src, DType dtype);
// A copy that keeps dense strides (MemoryFormat::kPreserve), as clone().
absl::StatusOr<Tensor> Clone(const Tensor& src,
                             MemoryFormat format = MemoryFormat::kPreserve);
// `src` itself if it already is contiguous with that dtype and no lazy bits,
// else a copy.
absl::StatusOr<Tensor> Contiguous(const Tensor& src);
absl::StatusOr<Tensor> Contiguous(const Tensor& src, DType dtype);
// `src` itself or a converted copy that keeps dense strides (to(dtype)).
absl::StatusOr<Tensor> ToDType(const Tensor& src, DType dtype);
// `src` without conj and neg bits: itself or a copy.
absl::StatusOr<Tensor> ResolveLazyBits(const Tensor& src);

// New memory with the strides that empty_like(src) gets: those of src where it
// is dense and does not overlap, else of its order of dims.
absl::StatusOr<Tensor> EmptyLike(const Tensor& src, DType dtype,
                                 MemoryFormat format = MemoryFormat::kPreserve);

}  // namespace tandem

#endif  // TANDEM_TENSOR_COPY_H_
