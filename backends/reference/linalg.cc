#include "tandem/backends/reference/linalg.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/ir/operators/promotion.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

}  // namespace

absl::Status CheckMatrix(const Tensor& a, absl::string_view op,
                         absl::string_view argument) {
  if (a.dim() < 2) {
    return Invalid(absl::StrCat(op, ": The input tensor ", argument,
                                " must have at least 2 dimensions."));
  }
  if (!IsFloatingPoint(a.dtype()) && !IsComplex(a.dtype())) {
    return Invalid(absl::StrCat(
        op, ": Expected a floating point or complex tensor as input. Got ",
        TypeName(a.dtype())));
  }
  if (a.dtype() != DType::kFloat && a.dtype() != DType::kDouble &&
      a.dtype() != DType::kComplexFloat && a.dtype() != DType::kComplexDouble) {
    return Invalid(absl::StrCat(
        op, ": Low precision dtypes not supported. Got ", TypeName(a.dtype())));
  }
  return absl::OkStatus();
}

absl::Status CheckSquare(const Tensor& a, absl::string_view op,
                         absl::string_view argument) {
  TANDEM_RETURN_IF_ERROR(CheckMatrix(a, op, argument));
  const int64_t m = a.size(a.dim() - 2), n = a.size(a.dim() - 1);
  if (m != n) {
    return Invalid(
        absl::StrCat(op, ": ", argument,
                     " must be batches of square matrices, but they are ", m,
                     " by ", n, " matrices"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Batch> LoadBatch(const Tensor& a) {
  Batch b;
  TANDEM_ASSIGN_OR_RETURN(
      b.data, Contiguous(a, IsComplex(a.dtype()) ? DType::kComplexDouble
                                                 : DType::kDouble));
  b.rows = a.size(a.dim() - 2);
  b.cols = a.size(a.dim() - 1);
  b.count = 1;
  for (int64_t d = 0; d + 2 < a.dim(); ++d) b.count *= a.size(d);
  return b;
}

absl::StatusOr<Batch> LoadBatch(const Tensor& a, DimSpan lead) {
  Dims sizes(lead.begin(), lead.end());
  sizes.push_back(a.size(a.dim() - 2));
  sizes.push_back(a.size(a.dim() - 1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(a, sizes));
  return LoadBatch(expanded);
}

absl::StatusOr<Batch> NewBatch(DimSpan lead, int64_t rows, int64_t cols,
                               DType like) {
  Dims sizes(lead.begin(), lead.end());
  sizes.push_back(rows);
  sizes.push_back(cols);
  Batch b;
  TANDEM_ASSIGN_OR_RETURN(
      b.data, Tensor::Zeros(sizes, IsComplex(like) ? DType::kComplexDouble
                                                   : DType::kDouble));
  b.rows = rows;
  b.cols = cols;
  b.count = 1;
  for (int64_t s : lead) b.count *= s;
  return b;
}

absl::StatusOr<Tensor> Finish(const Batch& b, DType dtype, bool by_rows) {
  if (by_rows) return CloneContiguous(b.data, dtype);
  Dims strides = ContiguousStrides(b.data.sizes());
  const size_t rank = strides.size();
  strides[rank - 2] = 1;
  strides[rank - 1] = std::max<int64_t>(1, b.rows);
  TANDEM_ASSIGN_OR_RETURN(Tensor out,
                          Tensor::EmptyStrided(b.data.sizes(), strides, dtype));
  if (out.numel() > 0) TANDEM_RETURN_IF_ERROR(CopyElements(b.data, out));
  return out;
}

absl::Status TakeLayout(const Tensor& result, const Tensor& out) {
  if (out.sizes() == result.sizes() || !CanCast(result.dtype(), out.dtype())) {
    return absl::OkStatus();
  }
  return SetSizesAndStrides(out, result.sizes(), result.strides());
}

absl::StatusOr<Dims> CommonLead(const Tensor& a, const Tensor& b) {
  return BroadcastSizes(LeadOf(a), LeadOf(b));
}

absl::Status CheckInfos(const Tensor& info, absl::string_view op,
                        absl::FunctionRef<std::string(int32_t)> text) {
  for (int64_t b = 0; b < info.numel(); ++b) {
    const int32_t i = info.data<int32_t>()[b];
    if (i == 0) continue;
    return Invalid(absl::StrCat(
        op, ": ",
        info.dim() == 0 ? "" : absl::StrCat("(Batch element ", b, "): "),
        text(i)));
  }
  return absl::OkStatus();
}

absl::Status RegisterLinalg(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddLinalgComposites(r);
  AddLinalgFactors(r);
  AddLinalgLdl(r);
  AddLinalgSolvers(r);
  AddLinalgSpectra(r);
  return r.status();
}

}  // namespace tandem::reference
