// What a tensor of a file must fulfil before a kernel may see it.
#ifndef TANDEM_SERIALIZATION_TANDEM_TENSOR_CHECKS_H_
#define TANDEM_SERIALIZATION_TANDEM_TENSOR_CHECKS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "tandem/tensor/tensor.h"

namespace tandem::model_file {

// A view (offset and strides in elements) inside a storage of `bytes`: nothing
// negative, no overflow, no element past the end.
absl::Status CheckView(uint64_t bytes, DType dtype, int64_t offset,
                       DimSpan sizes, DimSpan strides);

// Schemes 0 (per tensor), 1 and 4 (per channel): scale and zero point within
// what the dtype holds; one contiguous double (float) scale and int64 (float)
// zero point for each channel.
absl::Status CheckQuantizer(const Quantizer& quantizer, const Tensor& tensor);

// Parts that fit the sizes, every index in range.
absl::Status CheckSparse(Layout layout, DimSpan sizes,
                         const SparseParts& parts);

}  // namespace tandem::model_file

#endif  // TANDEM_SERIALIZATION_TANDEM_TENSOR_CHECKS_H_
