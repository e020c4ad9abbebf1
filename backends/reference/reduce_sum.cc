// Sums, products, means, and the questions any, all and how many.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {
namespace {

template <typename T>
struct SumOp {
  using In = T;
  using State = typename WideSum<T>::type;
  using Out = T;
  static constexpr bool kOrdered = false;
  State Init() const { return State(0); }
  void Update(State& s, In x, int64_t) const {
    s = WrapAdd(s, static_cast<State>(x));
  }
  void Combine(State& s, const State& o) const { s = WrapAdd(s, o); }
  Out Finish(const State& s) const { return static_cast<Out>(s); }
};

template <typename T>
struct MeanOp : SumOp<T> {
  explicit MeanOp(double n) : count(n) {}
  T Finish(const typename SumOp<T>::State& s) const {
    if constexpr (kIsComplex<T>) {
      return static_cast<T>(
          typename SumOp<T>::State(s.real() / count, s.imag() / count));
    } else {
      return static_cast<T>(s / count);
    }
  }
  double count;
};

template <typename T>
struct NanSumOp : SumOp<T> {
  void Update(typename SumOp<T>::State& s, T x, int64_t) const {
    if (x == x) s += static_cast<typename SumOp<T>::State>(x);
  }
};

template <typename T>
struct ProdOp {
  using In = T;
  using State = T;
  using Out = T;
  static constexpr bool kOrdered = false;
  State Init() const { return State(1); }
  void Update(State& s, In x, int64_t) const { s = WrapMul(s, x); }
  void Combine(State& s, const State& o) const { s = WrapMul(s, o); }
  Out Finish(const State& s) const { return s; }
};

struct CountOp {
  using In = bool;
  using State = int64_t;
  using Out = int64_t;
  static constexpr bool kOrdered = false;
  State Init() const { return 0; }
  void Update(State& s, In x, int64_t) const { s += x; }
  void Combine(State& s, const State& o) const { s += o; }
  Out Finish(const State& s) const { return s; }
};
struct AnyOp {
  using In = bool;
  using State = bool;
  using Out = bool;
  static constexpr bool kOrdered = false;
  State Init() const { return false; }
  void Update(State& s, In x, int64_t) const { s = s || x; }
  void Combine(State& s, const State& o) const { s = s || o; }
  Out Finish(const State& s) const { return s; }
};
struct AllOp : AnyOp {
  State Init() const { return true; }
  void Update(State& s, In x, int64_t) const { s = s && x; }
  void Combine(State& s, const State& o) const { s = s && o; }
};

int64_t CountOf(const Tensor& self, const DimMask& mask) {
  int64_t n = 1;
  for (int64_t d = 0; d < self.dim(); ++d) n *= mask[d] ? self.size(d) : 1;
  return n;
}

// Reduces x, whose dtype is Op's, and gives `dtype`.
template <typename Op>
absl::StatusOr<Tensor> Reduce(const Op& op, const Tensor& x,
                              const DimMask& mask, bool keepdim, DType dtype,
                              Target target) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor computed,
                          Tensor::Empty(ReducedSizes(x.sizes(), mask, false),
                                        DTypeOf<typename Op::Out>::value));
  if constexpr (std::is_same_v<Op, SumOp<float>> ||
                std::is_same_v<Op, MeanOp<float>>) {
    // Longer rows (of expanded tensors: there is no memory for others) are
    // summed in pieces, between which a call can be stopped.
    constexpr int64_t kMaxRow = int64_t{1} << 28;
    if (CountOf(x, mask) > kMaxRow) {
      TANDEM_RETURN_IF_ERROR(RunReduction(op, x, mask, computed));
      return FinishReduction(computed, ReducedSizes(x.sizes(), mask, keepdim),
                             dtype, target.tensor);
    }
    TANDEM_RETURN_IF_ERROR(SumInCascades(x, mask, computed));
    if constexpr (std::is_same_v<Op, MeanOp<float>>) {
      float* const sums = computed.data<float>();
      const float count = static_cast<float>(op.count);
      for (int64_t i = 0; i < computed.numel(); ++i) sums[i] /= count;
    }
  } else {
    TANDEM_RETURN_IF_ERROR(RunReduction(op, x, mask, computed));
  }
  return FinishReduction(computed, ReducedSizes(x.sizes(), mask, keepdim),
                         dtype, target.tensor);
}

absl::StatusOr<Tensor> MetaResult(const Tensor& self, const DimMask& mask,
                                  bool keepdim, DType dtype) {
  const Dims sizes = ReducedSizes(self.sizes(), mask, keepdim);
  return Tensor::Meta(sizes, ContiguousStrides(sizes), dtype);
}

DType ResultDType(const Tensor& self, std::optional<DType> dtype,
                  Target target) {
  if (dtype.has_value()) return *dtype;
  if (target.tensor != nullptr) return target.tensor->dtype();
  return SumDType(self.dtype(), std::nullopt);
}

// self as `dtype`, in the type that is computed.
absl::StatusOr<Tensor> Prepare(const Tensor& self, DType dtype) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ToDType(self, dtype));
  const DType computed = ReductionComputeType(dtype);
  return computed == DType::kUndefined ? x : ToDType(x, computed);
}

template <template <typename> class Op, int kTypes>
absl::StatusOr<Tensor> SumLike(Target target, const Tensor& self,
                               const DimMask& mask, bool keepdim,
                               std::optional<DType> dtype,
                               absl::string_view name) {
  const DType result = ResultDType(self, dtype, target);
  if (self.is_meta()) return MetaResult(self, mask, keepdim, result);
  if (result == DType::kComplexHalf) return NotImplementedFor(name, result);
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Prepare(self, result));
  absl::StatusOr<Tensor> out = Tensor();
  TANDEM_RETURN_IF_ERROR(
      VisitCompute<kTypes>(result, name, [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        out = Reduce(Op<T>(), x, mask, keepdim, result, target);
        return out.status();
      }));
  return out;
}

constexpr int kAllTypes = kFloats | kInts | kComplex;

absl::StatusOr<Tensor> SumDims(Target target, const Tensor& self,
                               OptionalDims dims, bool keepdim,
                               std::optional<DType> dtype) {
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  return SumLike<SumOp, kAllTypes>(target, self, mask, keepdim, dtype,
                                   "sum_cpu");
}
absl::StatusOr<Tensor> SumAll(Target target, const Tensor& self,
                              std::optional<DType> dtype) {
  return SumDims(target, self, std::nullopt, false, dtype);
}

absl::StatusOr<Tensor> ProdDim(Target target, const Tensor& self, int64_t dim,
                               bool keepdim, std::optional<DType> dtype) {
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDim(dim, self.dim()));
  return SumLike<ProdOp, kAllTypes>(target, self, mask, keepdim, dtype,
                                    "prod_out_cpu");
}
absl::StatusOr<Tensor> ProdAll(Target target, const Tensor& self,
                               std::optional<DType> dtype) {
  return SumLike<ProdOp, kAllTypes>(target, self, AllDims(self.dim()), false,
                                    dtype, "prod_out_cpu");
}

template <typename T>
using NanSumOrSum = std::conditional_t<kIsInt<T>, SumOp<T>, NanSumOp<T>>;

absl::StatusOr<Tensor> NanSum(Target target, const Tensor& self,
                              OptionalDims dims, bool keepdim,
                              std::optional<DType> dtype) {
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  if (IsComplex(self.dtype())) {
    return absl::UnimplementedError(
        "nansum on CPU does not support complex inputs");
  }
  if (IsIntegral(self.dtype(), true)) {  // no NaN, and any result type
    return SumLike<SumOp, kAllTypes>(target, self, mask, keepdim, dtype,
                                     "sum_cpu");
  }
  return SumLike<NanSumOrSum, kFloats | kInts>(target, self, mask, keepdim,
                                               dtype, "nansum_cpu");
}

absl::Status CheckMean(absl::string_view op, const Tensor& self,
                       std::optional<DType> dtype) {
  const DType given = dtype.value_or(self.dtype());
  if (IsFloatingPoint(given) || IsComplex(given)) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat(
      op, "(): could not infer output dtype. ",
      dtype.has_value() ? "Optional" : "Input",
      " dtype must be either a floating point or complex dtype. Got: ",
      TypeName(given)));
}

absl::StatusOr<Tensor> MeanDims(Target target, const Tensor& self,
                                OptionalDims dims, bool keepdim,
                                std::optional<DType> dtype) {
  TANDEM_RETURN_IF_ERROR(CheckMean("mean", self, dtype));
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  DType result = dtype.value_or(self.dtype());
  if (target.tensor != nullptr && !dtype.has_value() &&
      CanCast(result, target.tensor->dtype())) {
    result = target.tensor->dtype();
  }
  if (self.is_meta()) return MetaResult(self, mask, keepdim, result);
  if (result == DType::kComplexHalf) {
    return NotImplementedFor("sum_cpu", result);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Prepare(self, result));
  const double count = static_cast<double>(CountOf(self, mask));
  absl::StatusOr<Tensor> out = Tensor();
  TANDEM_RETURN_IF_ERROR(VisitCompute<kFloats | kComplex>(
      result, "mean_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        out = Reduce(MeanOp<T>(count), x, mask, keepdim, result, target);
        return out.status();
      }));
  return out;
}
absl::StatusOr<Tensor> MeanAll(Target target, const Tensor& self,
                               std::optional<DType> dtype) {
  return MeanDims(target, self, std::nullopt, false, dtype);
}

absl::StatusOr<Tensor> CountNonzeroDims(Target target, const Tensor& self,
                                        absl::Span<const int64_t> dims) {
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  if (self.is_meta()) return MetaResult(self, mask, false, DType::kInt64);
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ToDType(self, DType::kBool));
  return Reduce(CountOp(), x, mask, false, DType::kInt64, target);
}
absl::StatusOr<Tensor> CountNonzero(Target target, const Tensor& self,
                                    std::optional<int64_t> dim) {
  return CountNonzeroDims(target, self,
                          dim.has_value() ? absl::MakeConstSpan(&*dim, 1)
                                          : absl::Span<const int64_t>());
}

absl::StatusOr<Tensor> NanMean(Target target, const Tensor& self,
                               OptionalDims dims, bool keepdim,
                               std::optional<DType> dtype) {
  if (!IsFloatingPoint(self.dtype()) && !IsComplex(self.dtype())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "nanmean(): expected input to have floating point or complex dtype but "
        "got ",
        TypeName(self.dtype())));
  }
  TANDEM_RETURN_IF_ERROR(CheckMean("nanmean", self, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum,
                          NanSum({}, self, dims, keepdim, dtype));
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  if (self.is_meta()) return sum;
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor x,
      ToDType(self,
              self.dtype() == DType::kDouble ? DType::kDouble : DType::kFloat));
  // Numbers that are not NaN.
  TANDEM_ASSIGN_OR_RETURN(const Tensor is_number, EqualSelf(x));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor count,
      Reduce(CountOp(), is_number, mask, keepdim, DType::kInt64, {}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor mean, Div(sum, count));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, ToDType(mean, sum.dtype()));
  if (target.tensor == nullptr) return result;
  return WriteOut(result, *target.tensor);
}

template <typename Op>
absl::StatusOr<Tensor> Question(Target target, const Tensor& self,
                                OptionalDims dims, bool keepdim) {
  const DType result =
      self.dtype() == DType::kUInt8 ? DType::kUInt8 : DType::kBool;
  // An empty list reduces nothing, no list everything.
  DimMask mask(self.dim(), false);
  if (!dims.has_value() || !dims->empty()) {
    TANDEM_ASSIGN_OR_RETURN(mask, ReducedDims(dims, self.dim()));
  }
  if (target.tensor != nullptr && target.tensor->dtype() != DType::kBool &&
      target.tensor->dtype() != DType::kUInt8) {
    return absl::InvalidArgumentError(
        absl::StrCat(std::is_same_v<Op, AnyOp> ? "any" : "all",
                     " only supports bool tensor for result, got: ",
                     TypeName(target.tensor->dtype())));
  }
  if (self.is_meta()) return MetaResult(self, mask, keepdim, result);
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ToDType(self, DType::kBool));
  return Reduce(Op(), x, mask, keepdim, result, target);
}
template <typename Op>
absl::StatusOr<Tensor> QuestionDim(Target target, const Tensor& self,
                                   int64_t dim, bool keepdim) {
  return Question<Op>(target, self, absl::MakeConstSpan(&dim, 1), keepdim);
}
template <typename Op>
absl::StatusOr<Tensor> QuestionAll(Target target, const Tensor& self) {
  return Question<Op>(target, self, std::nullopt, false);
}
template <typename Op>
absl::StatusOr<Tensor> QuestionBool(const Tensor& self) {
  if (self.dtype() != DType::kBool) {
    return absl::InvalidArgumentError(
        "Expected self.scalar_type() == at::kBool to be true, but got false.  "
        "(Could this error message be improved?  If so, please report an "
        "enhancement request to PyTorch.)");
  }
  return Question<Op>({}, self, std::nullopt, false);
}

absl::StatusOr<Tensor> Trace(Target target, const Tensor& self) {
  if (self.dim() != 2) {
    return absl::InvalidArgumentError(absl::StrCat(
        "trace: expected a matrix, but got tensor with dim ", self.dim()));
  }
  if (self.dtype() == DType::kBool || self.dtype() == DType::kComplexHalf) {
    return NotImplementedFor("trace", self.dtype());
  }
  const int64_t n = std::min(self.size(0), self.size(1));
  return SumAll(
      target,
      self.ViewUnchecked({n}, {self.stride(0) + self.stride(1)}, self.offset()),
      std::nullopt);
}

absl::StatusOr<Tensor> SumToSize(const Tensor& self,
                                 absl::Span<const int64_t> size) {
  if (size.empty()) return Sum(self, std::nullopt, false);
  const int64_t rank = static_cast<int64_t>(size.size());
  const int64_t lead = self.dim() - rank;
  bool fits = lead >= 0;
  DimMask mask(self.dim(), false);
  bool any = false;
  for (int64_t d = 0; d < self.dim() && fits; ++d) {
    if (d < lead) {
      mask[d] = any = true;
    } else if (size[d - lead] == 1 && self.size(d) != 1) {
      mask[d] = any = true;
    } else if (size[d - lead] != self.size(d)) {
      fits = false;
    }
  }
  if (!fits) {
    return absl::InvalidArgumentError(absl::StrCat(
        "size {", DimsToString(size), "} is not expandable to size {",
        DimsToString(self.sizes()), "}."));
  }
  if (!any) return self;
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum,
                          (SumLike<SumOp, kAllTypes>({}, self, mask, true,
                                                     std::nullopt, "sum_cpu")));
  return sum.ViewUnchecked(size, ContiguousStrides(size), sum.offset());
}

}  // namespace

absl::StatusOr<Tensor> Sum(const Tensor& self, OptionalDims dims,
                           bool keepdim) {
  return SumDims({}, self, dims, keepdim, std::nullopt);
}
absl::StatusOr<Tensor> Mean(const Tensor& self, OptionalDims dims,
                            bool keepdim) {
  return MeanDims({}, self, dims, keepdim, std::nullopt);
}

void AddReduceSum(MatchingRegistrar& r) {
  AddAll<&SumAll>(r, {"sum"});
  AddAll<&SumDims>(r, {"sum"});
  AddAll<&ProdAll>(r, {"prod"});
  AddAll<&ProdDim>(r, {"prod"});
  AddAll<&MeanAll>(r, {"mean"});
  AddAll<&MeanDims>(r, {"mean"});
  AddAll<&NanSum>(r, {"nansum"});
  AddAll<&NanMean>(r, {"nanmean"});
  AddAll<&CountNonzero>(r, {"count_nonzero"});
  AddAll<&CountNonzeroDims>(r, {"count_nonzero"});
  AddAll<&QuestionAll<AnyOp>>(r, {"any"});
  AddAll<&QuestionDim<AnyOp>>(r, {"any"});
  AddAll<&Question<AnyOp>>(r, {"any"});
  AddAll<&QuestionAll<AllOp>>(r, {"all"});
  AddAll<&QuestionDim<AllOp>>(r, {"all"});
  AddAll<&Question<AllOp>>(r, {"all"});
  AddAll<&Trace>(r, {"trace"});
  r.AddExact("aten::_is_all_true", &QuestionBool<AllOp>);
  r.AddExact("aten::_is_any_true", &QuestionBool<AnyOp>);
  r.AddExact("aten::sum_to_size", &SumToSize);
}

}  // namespace tandem::reference
