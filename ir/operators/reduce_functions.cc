// Shape functions of reductions, scans, softmax and sorting.
#include "tandem/ir/operators/reduce_shapes.h"
#include "tandem/ir/operators/shape_function_tables.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::shape_functions {
namespace {

using Results = absl::StatusOr<ShapeResults>;

#define TANDEM_SELF(t)        \
  const Tensor& t = a.self(); \
  if (!t.defined()) return Unknown()

// Sizes without the dims of the argument `dim`; without one, without all.
absl::StatusOr<Dims> Left(const ShapeArguments& a, const Tensor& t) {
  const IValue* dim = a.Find("dim");
  DimMask mask = AllDims(t.dim());
  if (dim != nullptr) {
    const std::optional<Dims> dims = a.ints("dim");
    if (!dims.has_value()) return Unknown();
    TANDEM_ASSIGN_OR_RETURN(
        mask, ReducedDims(absl::Span<const int64_t>(*dims), t.dim()));
  }
  return ReducedSizes(t.sizes(), mask, a.flag("keepdim"));
}

Results Reduced(const ShapeArguments& a, DType dtype) {
  TANDEM_SELF(t);
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, Left(a, t));
  // As TensorIterator lays them out, where that is not plain.
  return One(sizes, dtype, /*strides_known=*/t.is_contiguous());
}

Results Sum(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (a.Is("aten::prod") && a.Find("dim") != nullptr &&
      !a.Find("dim")->is_int()) {
    return Unknown();
  }
  return Reduced(a, SumDType(t.dtype(), a.dtype()));
}
Results Mean(const ShapeArguments& a) {
  TANDEM_SELF(t);
  const DType dtype = a.dtype().value_or(t.dtype());
  if (IsIntegral(dtype, true)) return Unknown();
  return Reduced(a, dtype);
}
Results Spread(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (IsComplex(t.dtype()) || IsIntegral(t.dtype(), true)) return Unknown();
  return Reduced(a, t.dtype());
}
Results Norm(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (IsComplex(t.dtype()) || IsIntegral(t.dtype(), true)) return Unknown();
  return Reduced(a, a.dtype().value_or(t.dtype()));
}
Results SameType(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return Reduced(a, t.dtype());
}
Results Tested(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return Reduced(a, t.dtype() == DType::kUInt8 ? DType::kUInt8 : DType::kBool);
}
Results Position(const ShapeArguments& a) { return Reduced(a, DType::kInt64); }

Results Two(Tensor values, DType other) {
  TANDEM_ASSIGN_OR_RETURN(Tensor indices, Made(values.sizes(), other));
  ShapeResults r;
  r.values.emplace_back(std::move(values));
  r.values.emplace_back(std::move(indices));
  return r;
}

// max(self), max.dim, max.other.
Results Extreme(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (a.tensor("other").defined() || a.overload() == "names_dim") {
    return Unknown();
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, Left(a, t));
  if (a.Find("dim") == nullptr) return One(sizes, t.dtype());
  TANDEM_ASSIGN_OR_RETURN(Tensor values, Made(sizes, t.dtype()));
  TANDEM_ASSIGN_OR_RETURN(ShapeResults r,
                          Two(std::move(values), DType::kInt64));
  r.strides_known = t.is_contiguous();
  return r;
}

Results Median(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (a.Find("dim") == nullptr) return One(Dims(), t.dtype());
  return Extreme(a);
}

Results Scan(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return One(t.sizes(), SumDType(t.dtype(), a.dtype()),
             /*strides_known=*/t.is_contiguous());
}

Results Softmax(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return One(t.sizes(), a.dtype().value_or(t.dtype()),
             /*strides_known=*/t.is_contiguous());
}

Results Sort(const ShapeArguments& a) {
  TANDEM_SELF(t);
  TANDEM_ASSIGN_OR_RETURN(Tensor values, Made(t.sizes(), t.dtype()));
  TANDEM_ASSIGN_OR_RETURN(ShapeResults r,
                          Two(std::move(values), DType::kInt64));
  r.strides_known = t.is_contiguous();
  return r;
}
Results ArgSort(const ShapeArguments& a) {
  TANDEM_SELF(t);
  return One(t.sizes(), DType::kInt64, /*strides_known=*/t.is_contiguous());
}
Results TopK(const ShapeArguments& a) {
  TANDEM_SELF(t);
  if (t.dim() == 0) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const int64_t dim,
                          WrapDim(a.integer("dim", -1), t.dim()));
  Dims sizes(t.sizes().begin(), t.sizes().end());
  sizes[static_cast<size_t>(dim)] = a.integer("k", 0);
  TANDEM_ASSIGN_OR_RETURN(Tensor values, Made(sizes, t.dtype()));
  TANDEM_ASSIGN_OR_RETURN(ShapeResults r,
                          Two(std::move(values), DType::kInt64));
  r.strides_known = t.is_contiguous();
  return r;
}

constexpr absl::string_view kSum[] = {"sum", "prod", "nansum"};
constexpr absl::string_view kMean[] = {"mean", "nanmean"};
constexpr absl::string_view kSpread[] = {"var", "std"};
constexpr absl::string_view kNorm[] = {"norm", "linalg_vector_norm"};
constexpr absl::string_view kSameType[] = {"amax", "amin", "logsumexp"};
constexpr absl::string_view kTested[] = {"all", "any"};
constexpr absl::string_view kPosition[] = {"argmax", "argmin", "count_nonzero"};
constexpr absl::string_view kExtreme[] = {"max", "min"};
constexpr absl::string_view kMedian[] = {"median", "nanmedian"};
constexpr absl::string_view kScan[] = {"cumsum", "cumprod"};
constexpr absl::string_view kSoftmax[] = {"softmax", "log_softmax", "_softmax",
                                          "_log_softmax"};
constexpr absl::string_view kSort[] = {"sort"};
constexpr absl::string_view kArgSort[] = {"argsort"};
constexpr absl::string_view kTopK[] = {"topk"};

constexpr Entry kEntries[] = {
    {&Sum, kSum},           {&Mean, kMean},         {&Spread, kSpread},
    {&Norm, kNorm},         {&SameType, kSameType}, {&Tested, kTested},
    {&Position, kPosition}, {&Extreme, kExtreme},   {&Median, kMedian},
    {&Scan, kScan},         {&Softmax, kSoftmax},   {&Sort, kSort},
    {&ArgSort, kArgSort},   {&TopK, kTopK},
};

}  // namespace

absl::Span<const Entry> Reductions() { return kEntries; }

}  // namespace tandem::shape_functions
