#include "tandem/backends/reference/reduce.h"

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {

DType ReductionComputeType(DType dtype) {
  switch (dtype) {
    case DType::kHalf:
    case DType::kBFloat16:
    case DType::kFloat:
      return DType::kFloat;
    case DType::kDouble:
    case DType::kComplexFloat:
    case DType::kComplexDouble:
      return dtype;
    default:
      return IsIntegral(dtype, /*include_bool=*/true) ? DType::kInt64
                                                      : DType::kUndefined;
  }
}

absl::Status ForEachSlice(absl::Span<const Tensor> tensors, int64_t dim,
                          SliceFunction function) {
  const Tensor& first = tensors[0];
  absl::InlinedVector<Dims, 4> sizes, strides;
  absl::InlinedVector<int64_t, 4> step;
  absl::InlinedVector<StridedLoop::Operand, 4> operands;
  for (const Tensor& t : tensors) {
    Dims s(t.sizes().begin(), t.sizes().end());
    Dims st(t.strides().begin(), t.strides().end());
    const int64_t size = static_cast<int64_t>(t.element_size());
    step.push_back(t.dim() == 0 ? size : t.stride(dim) * size);
    if (t.dim() > 0) s[dim] = 1;
    sizes.push_back(std::move(s));
    strides.push_back(std::move(st));
  }
  for (size_t i = 0; i < tensors.size(); ++i) {
    operands.push_back({tensors[i].raw_data(), sizes[i], strides[i],
                        static_cast<int64_t>(tensors[i].element_size())});
  }
  const StridedLoop loop(sizes[0], operands);
  const int64_t length = first.dim() == 0 ? 1 : first.size(dim);
  const size_t count = tensors.size();
  return loop.RunParallel(
      [&](char* const* data, const int64_t* s, int64_t n) {
        char* p[StridedLoop::kMaxOperands];
        for (size_t k = 0; k < count; ++k) p[k] = data[k];
        for (int64_t i = 0; i < n; ++i) {
          function(p, step.data());
          for (size_t k = 0; k < count; ++k) p[k] += s[k];
        }
      },
      std::max<int64_t>(
          1, StridedLoop::kGrain / 4 / std::max<int64_t>(length, 1)));
}

absl::StatusOr<Tensor> FinishReduction(const Tensor& computed, DimSpan sizes,
                                       DType dtype, const Tensor* out) {
  if (out == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(Tensor result, ToDType(computed, dtype));
    if (result.sizes() == sizes) return result;
    return result.ViewUnchecked(sizes, ContiguousStrides(sizes), 0);
  }
  if (!CanCast(dtype, out->dtype())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "result type ", TypeName(dtype),
        " can't be cast to the desired output type ", TypeName(out->dtype())));
  }
  TANDEM_RETURN_IF_ERROR(ResizeOutput(*out, sizes));
  TANDEM_RETURN_IF_ERROR(CheckWritable(*out));
  TANDEM_RETURN_IF_ERROR(CopyElements(
      computed.ViewUnchecked(sizes, ContiguousStrides(sizes), 0), *out));
  return *out;
}

absl::Status RegisterReduce(Registry& registry) {
  MatchingRegistrar r(registry);
  AddReduceSum(r);
  AddReduceExtreme(r);
  AddReduceMoments(r);
  AddReduceNorm(r);
  AddReduceScan(r);
  AddReduceSoftmax(r);
  AddReduceOrder(r);
  return r.status();
}

}  // namespace tandem::reference
