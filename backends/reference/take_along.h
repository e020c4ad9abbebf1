// Moving whole rows by their numbers: what index_select, padding and repeats
// are made of.
#ifndef TANDEM_BACKENDS_REFERENCE_TAKE_ALONG_H_
#define TANDEM_BACKENDS_REFERENCE_TAKE_ALONG_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// result[.., i, ..] = self[.., index[i], ..] along `dim`, contiguous. The
// indices lie in [0, self.size(dim)).
absl::StatusOr<Tensor> TakeAlong(const Tensor& self, int64_t dim,
                                 absl::Span<const int64_t> index);

// Contiguous memory of a tensor's elements as bytes: `outer` blocks of `length`
// rows of `row` bytes each, with `dim` the rows.
struct Rows {
  int64_t outer = 1, length = 1, row = 1;
};
Rows RowsAlong(DimSpan sizes, int64_t dim, int64_t element_size);

// The tensor with the same elements in the strides of that format.
absl::StatusOr<Tensor> InFormat(const Tensor& contiguous, MemoryFormat format);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_TAKE_ALONG_H_
