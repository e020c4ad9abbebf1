// Which memory format a tensor's strides suggest for a result.
#ifndef TANDEM_BACKENDS_REFERENCE_MEMORY_FORMAT_H_
#define TANDEM_BACKENDS_REFERENCE_MEMORY_FORMAT_H_

#include "absl/status/statusor.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// Channels-last for 4 (5) dims whose strides are in that order, else
// contiguous: PyTorch's suggest_memory_format().
MemoryFormat SuggestMemoryFormat(const Tensor& t);

// Uninitialised memory in that format.
absl::StatusOr<Tensor> EmptyInFormat(DimSpan sizes, DType dtype,
                                     MemoryFormat format);

// `t` itself if it is contiguous in that format and has no lazy bits, else a
// copy that is.
absl::StatusOr<Tensor> ContiguousIn(const Tensor& t, MemoryFormat format);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_MEMORY_FORMAT_H_
