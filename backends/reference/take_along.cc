#include "tandem/backends/reference/take_along.h"

#include <cstring>

#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

// Rows of one element each.
template <typename T>
void TakeElements(const char* from, char* to, const Rows& rows,
                  absl::Span<const int64_t> index) {
  const T* src = reinterpret_cast<const T*>(from);
  T* dst = reinterpret_cast<T*>(to);
  for (int64_t o = 0; o < rows.outer; ++o, src += rows.length) {
    for (int64_t i : index) *dst++ = src[i];
  }
}

}  // namespace

Rows RowsAlong(DimSpan sizes, int64_t dim, int64_t element_size) {
  Rows rows;
  rows.row = element_size;
  for (int64_t d = 0; d < static_cast<int64_t>(sizes.size()); ++d) {
    if (d < dim) {
      rows.outer *= sizes[d];
    } else if (d == dim) {
      rows.length = sizes[d];
    } else {
      rows.row *= sizes[d];
    }
  }
  return rows;
}

absl::StatusOr<Tensor> TakeAlong(const Tensor& self, int64_t dim,
                                 absl::Span<const int64_t> index) {
  Dims sizes(self.sizes().begin(), self.sizes().end());
  if (!sizes.empty()) sizes[dim] = static_cast<int64_t>(index.size());
  TANDEM_ASSIGN_OR_RETURN(Tensor result, Tensor::Empty(sizes, self.dtype()));
  result.impl()->quantizer = self.impl()->quantizer;
  if (result.numel() == 0) return result;
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense, Contiguous(self));
  const Rows rows =
      RowsAlong(dense.sizes(), dim, static_cast<int64_t>(dense.element_size()));
  const char* from = dense.raw_data();
  char* to = result.raw_data();
  if (rows.row == static_cast<int64_t>(dense.element_size())) {
    VisitBySize(self.dtype(), [&](auto tag) {
      TakeElements<typename decltype(tag)::type>(from, to, rows, index);
    });
    return result;
  }
  const int64_t block = rows.length * rows.row;
  for (int64_t o = 0; o < rows.outer; ++o, from += block) {
    TANDEM_RETURN_IF_ERROR(CheckStop());
    for (int64_t i : index) {
      std::memcpy(to, from + i * rows.row, static_cast<size_t>(rows.row));
      to += rows.row;
    }
  }
  return result;
}

absl::StatusOr<Tensor> InFormat(const Tensor& contiguous, MemoryFormat format) {
  const Dims strides = StridesOfFormat(contiguous.sizes(), format);
  if (contiguous.strides() == DimSpan(strides)) return contiguous;
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Tensor::EmptyStrided(contiguous.sizes(), strides, contiguous.dtype()));
  result.impl()->quantizer = contiguous.impl()->quantizer;
  TANDEM_RETURN_IF_ERROR(CopyElements(contiguous, result));
  return result;
}

}  // namespace tandem::reference
