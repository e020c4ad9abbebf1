// By masks and by what is not zero: masked_select, masked_scatter, nonzero,
// argwhere, where(condition).
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/index.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/take_along.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// Numbers, in row-major order, of the elements that are not zero.
absl::StatusOr<std::vector<int64_t>> NonzeroNumbers(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor flags, Contiguous(self, DType::kBool));
  const bool* set = flags.data<bool>();
  const int64_t count = std::count(set, set + flags.numel(), true);
  std::vector<int64_t> numbers;
  numbers.reserve(count);
  for (int64_t i = 0; i < flags.numel(); ++i) {
    if (set[i]) numbers.push_back(i);
  }
  return numbers;
}

// Writes the coordinates of element `number` at out[d * step].
void Unravel(int64_t number, DimSpan sizes, int64_t* out, int64_t step) {
  for (int64_t d = static_cast<int64_t>(sizes.size()) - 1; d >= 0; --d) {
    out[d * step] = number % sizes[d];
    number /= sizes[d];
  }
}

absl::StatusOr<Tensor> NonzeroOut(const Tensor& self, const Tensor& out) {
  if (out.dtype() != DType::kInt64) {
    return Invalid(
        absl::StrCat("nonzero: Expected out tensor to have scalar type Long "
                     "but got scalar type",
                     TypeName(out.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, Nonzero(self));
  if (out.sizes() != result.sizes()) {
    TANDEM_RETURN_IF_ERROR(
        SetSizesAndStrides(out, result.sizes(), result.strides()));
  }
  return WriteOut(result, out);
}

absl::StatusOr<Tensor> NonzeroStatic(const Tensor& self, int64_t size,
                                     int64_t fill_value) {
  if (size < 0) {
    return Invalid("nonzero_static: 'size' must be an non-negative integer");
  }
  const int64_t rank = self.dim();
  TANDEM_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Empty({size, rank}, DType::kInt64));
  TANDEM_RETURN_IF_ERROR(FillElements(result, Scalar(fill_value)));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers,
                          NonzeroNumbers(self));
  const int64_t count =
      std::min<int64_t>(size, static_cast<int64_t>(numbers.size()));
  for (int64_t i = 0; i < count; ++i) {
    Unravel(numbers[i], self.sizes(), result.data<int64_t>() + i * rank, 1);
  }
  return result;
}

absl::StatusOr<std::vector<Tensor>> NonzeroNumpy(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor places,
                          Nonzero(AtLeast1d(self).value()));
  std::vector<Tensor> columns;
  for (int64_t d = 0; d < places.size(1); ++d) {
    TANDEM_ASSIGN_OR_RETURN(Tensor column, Select(places, 1, d));
    columns.push_back(std::move(column));
  }
  return columns;
}

absl::StatusOr<Tensor> MaskedSelect(const Tensor& self, const Tensor& mask) {
  if (mask.dtype() != DType::kBool) {
    return Invalid("masked_select: expected BoolTensor for mask");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(mask.sizes(), self.sizes()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide_mask, Expand(mask, sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide, Expand(self, sizes));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers,
                          NonzeroNumbers(wide_mask));
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Reshape(wide, {-1}));
  return TakeAlong(flat, 0, numbers);
}

absl::StatusOr<Tensor> MaskedScatter(const Tensor& self, const Tensor& mask,
                                     const Tensor& source) {
  if (self.dtype() != source.dtype()) {
    return Invalid(absl::StrCat(
        "masked_scatter: expected self and source to have same dtypes but got",
        TypeName(self.dtype()), " and ", TypeName(source.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide, Expand(mask, self.sizes()));
  if (mask.dtype() != DType::kBool) {
    return Invalid(absl::StrCat(
        "masked_scatter_ only supports boolean masks, but got mask with dtype ",
        TypeName(mask.dtype())));
  }
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers,
                          NonzeroNumbers(wide));
  if (static_cast<int64_t>(numbers.size()) > source.numel()) {
    return Invalid("Number of elements of source < number of ones in mask");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor from, CopyOfView(source));
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense, Contiguous(self));
  VisitBySize(self.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* to = dense.data<T>();
    const T* values = from.data<T>();
    for (int64_t number : numbers) to[number] = *values++;
  });
  if (!dense.is_same(self)) {
    TANDEM_RETURN_IF_ERROR(CopyElements(dense, self));
  }
  return self;
}

// Out of place self and mask broadcast with each other.
absl::StatusOr<Tensor> MaskedScatterCopy(const Tensor& self, const Tensor& mask,
                                         const Tensor& source) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(mask.sizes(), self.sizes()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide, Expand(self, sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor copy, CopyOfView(wide));
  return MaskedScatter(copy, mask, source);
}

absl::StatusOr<Tensor> MaskedSelectOut(const Tensor& self, const Tensor& mask,
                                       const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  TANDEM_RETURN_IF_ERROR(CheckApart(out, self));
  TANDEM_RETURN_IF_ERROR(CheckApart(out, mask));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, MaskedSelect(self, mask));
  return WriteOutExact(result, out);
}

}  // namespace

absl::StatusOr<Tensor> Nonzero(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> numbers,
                          NonzeroNumbers(self));
  const int64_t count = static_cast<int64_t>(numbers.size());
  const int64_t rank = self.dim();
  // Column by column in memory, as PyTorch lays it out.
  TANDEM_ASSIGN_OR_RETURN(const Tensor columns,
                          Tensor::Empty({rank, count}, DType::kInt64));
  for (int64_t i = 0; i < count; ++i) {
    Unravel(numbers[i], self.sizes(), columns.data<int64_t>() + i, count);
  }
  return columns.ViewUnchecked({count, rank}, {1, count}, 0);
}

void AddIndexMask(KernelRegistrar& r) {
  r.Add("aten::nonzero", &Nonzero)
      .Add("aten::nonzero.out", &NonzeroOut)
      .Add("aten::nonzero_numpy", &NonzeroNumpy)
      .Add("aten::nonzero_static", &NonzeroStatic)
      .Add("aten::nonzero_static.out", &Variants<NonzeroStatic>::Out)
      .Add("aten::argwhere", &Nonzero)
      .Add("aten::where", &NonzeroNumpy)
      .Add("aten::masked_select", &MaskedSelect)
      .Add("aten::masked_select.out", &MaskedSelectOut)
      .Add("aten::masked_scatter_", &MaskedScatter)
      .Add("aten::masked_scatter", &MaskedScatterCopy)
      .Add("aten::masked_scatter.out", &Variants<MaskedScatterCopy>::OutExact);
}

}  // namespace tandem::reference
