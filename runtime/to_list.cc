#include "tandem/runtime/to_list.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

IValue Element(const Tensor& t, int64_t offset) {
  switch (t.dtype()) {
    case DType::kInt64:
      return IValue(t.data<int64_t>()[offset]);
    case DType::kDouble:
      return IValue(t.data<double>()[offset]);
    case DType::kBool:
      return IValue(t.data<bool>()[offset]);
    default:
      return IValue(t.data<std::complex<double>>()[offset]);
  }
}

IValue Build(const Tensor& t, int64_t dim, int64_t offset, const Type& type) {
  if (dim == t.dim()) return Element(t, offset);
  auto list = MakeList(type.element());
  list->values.reserve(static_cast<size_t>(t.size(dim)));
  for (int64_t k = 0; k < t.size(dim); ++k) {
    list->values.push_back(
        Build(t, dim + 1, offset + k * t.stride(dim), *type.element()));
  }
  return IValue(list);
}

}  // namespace

absl::StatusOr<IValue> ToList(const Tensor& tensor, int64_t dim, int64_t code,
                              const Type& type) {
  if (!tensor.defined()) {
    return absl::InvalidArgumentError("tolist() needs a tensor");
  }
  if (!tensor.device().is_cpu() || tensor.is_sparse()) {
    return absl::UnimplementedError("tolist() needs a dense tensor on the CPU");
  }
  if (dim != tensor.dim()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Output annotation list dimension and runtime tensor "
                     "dimension must match for "
                     "tolist(). Expected ",
                     dim, " got ", tensor.dim()));
  }
  const DType dtype = tensor.dtype();
  const bool fits = code == 0   ? dtype == DType::kInt64
                    : code == 1 ? IsFloatingPoint(dtype)
                    : code == 3 ? dtype == DType::kBool
                                : IsComplex(dtype);
  if (!fits) {
    const absl::string_view wanted = code == 0   ? "Long"
                                     : code == 1 ? "Float"
                                     : code == 3 ? "Bool"
                                                 : "ComplexFloat";
    return absl::InvalidArgumentError(absl::StrCat(
        "Output annotation element type and runtime tensor element type "
        "must match for tolist(): ",
        wanted, " vs ", TypeName(dtype)));
  }
  const DType wide = code == 0   ? DType::kInt64
                     : code == 1 ? DType::kDouble
                     : code == 3 ? DType::kBool
                                 : DType::kComplexDouble;
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Contiguous(tensor, wide));
  return Build(t, 0, 0, type);
}

}  // namespace tandem
