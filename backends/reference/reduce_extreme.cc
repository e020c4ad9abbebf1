// The largest and the smallest, and where they are. NaN wins.

#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {
namespace {

template <typename T>
bool IsNan(T x) {
  return x != x;
}

// Is x a better extreme than `best`?
template <bool kMax, typename T>
bool Beats(T x, T best) {
  if (IsNan(best)) return false;
  return IsNan(x) || (kMax ? x > best : x < best);
}

template <bool kMax, typename T>
struct ExtremeOp {
  using In = T;
  using State = T;
  using Out = T;
  static constexpr bool kOrdered = false;
  State Init() const {
    using L = std::numeric_limits<T>;
    if constexpr (L::has_infinity) {
      return kMax ? -L::infinity() : L::infinity();
    } else {
      return kMax ? L::lowest() : L::max();
    }
  }
  void Update(State& s, In x, int64_t) const {
    if (Beats<kMax>(x, s)) s = x;
  }
  void Combine(State& s, const State& o) const {
    if (Beats<kMax>(o, s)) s = o;
  }
  Out Finish(const State& s) const { return s; }
};

template <bool kMax, typename T>
struct ArgOp {
  using In = T;
  struct State {
    T value;
    int64_t index;
  };
  using Out = int64_t;
  static constexpr bool kOrdered = true;
  State Init() const { return {ExtremeOp<kMax, T>().Init(), -1}; }
  void Update(State& s, In x, int64_t index) const {
    if (s.index < 0 || Beats<kMax>(x, s.value)) s = {x, index};
  }
  Out Finish(const State& s) const { return s.index; }
};

constexpr int kReal = kFloats | kInts;

// Every reduced dim must have elements; `all`: no dim was named.
absl::Status CheckNotEmpty(absl::string_view op, const Tensor& self,
                           const DimMask& mask, bool all,
                           absl::Span<const int64_t> dims = {}) {
  if (self.numel() != 0) return absl::OkStatus();
  if (all) {
    return absl::InvalidArgumentError(absl::StrCat(
        op,
        "(): Expected reduction dim to be specified for input.numel() == 0.",
        absl::StartsWith(op, "arg")
            ? ""
            : " Specify the reduction dim with the 'dim' argument."));
  }
  // Dims as they were given, in that order.
  for (int64_t d : dims) {
    if (self.dim() > 0 && self.size(d < 0 ? d + self.dim() : d) == 0) {
      return absl::OutOfRangeError(absl::StrCat(
          op, "(): Expected reduction dim ", d, " to have non-zero size."));
    }
  }
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (mask[d] && self.size(d) == 0) {
      return absl::OutOfRangeError(absl::StrCat(
          op, "(): Expected reduction dim ", d, " to have non-zero size."));
    }
  }
  return absl::OkStatus();
}

bool IsWideUnsigned(DType d) {
  return d == DType::kUInt16 || d == DType::kUInt32 || d == DType::kUInt64;
}

template <template <typename> class Op>
absl::StatusOr<Tensor> Run(const Tensor& self, const DimMask& mask,
                           bool keepdim, DType result, Target target,
                           absl::string_view name) {
  const Dims sizes = ReducedSizes(self.sizes(), mask, keepdim);
  if (self.is_meta()) {
    return Tensor::Meta(sizes, ContiguousStrides(sizes), result);
  }
  if (IsWideUnsigned(self.dtype()))
    return NotImplementedFor(name, self.dtype());
  if (self.numel() == 0 && IsComplex(self.dtype())) {  // nothing to compare
    TANDEM_ASSIGN_OR_RETURN(const Tensor none, Tensor::Empty(sizes, result));
    return FinishReduction(none, sizes, result, target.tensor);
  }
  absl::StatusOr<Tensor> out = Tensor();
  TANDEM_RETURN_IF_ERROR(
      VisitCompute<kReal>(self.dtype(), name, [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                                ToDType(self, DTypeOf<T>::value));
        TANDEM_ASSIGN_OR_RETURN(
            const Tensor computed,
            Tensor::Empty(ReducedSizes(self.sizes(), mask, false),
                          DTypeOf<typename Op<T>::Out>::value));
        TANDEM_RETURN_IF_ERROR(RunReduction(Op<T>(), x, mask, computed));
        out = FinishReduction(computed, sizes, result, target.tensor);
        return out.status();
      }));
  return out;
}

template <typename T>
using MaxOp = ExtremeOp<true, T>;
template <typename T>
using MinOp = ExtremeOp<false, T>;
template <typename T>
using ArgMaxOp = ArgOp<true, T>;
template <typename T>
using ArgMinOp = ArgOp<false, T>;

template <bool kMax>
absl::StatusOr<Tensor> Extreme(Target target, const Tensor& self,
                               const DimMask& mask, bool keepdim,
                               absl::string_view name) {
  if constexpr (kMax) {
    return Run<MaxOp>(self, mask, keepdim, self.dtype(), target, name);
  } else {
    return Run<MinOp>(self, mask, keepdim, self.dtype(), target, name);
  }
}
template <bool kMax>
absl::StatusOr<Tensor> ArgExtreme(const Tensor& self, const DimMask& mask,
                                  bool keepdim, Target target,
                                  absl::string_view name) {
  if constexpr (kMax) {
    return Run<ArgMaxOp>(self, mask, keepdim, DType::kInt64, target, name);
  } else {
    return Run<ArgMinOp>(self, mask, keepdim, DType::kInt64, target, name);
  }
}

template <bool kMax>
absl::StatusOr<Tensor> AMax(Target target, const Tensor& self,
                            absl::Span<const int64_t> dims, bool keepdim) {
  constexpr absl::string_view kName = kMax ? "amax" : "amin";
  if (target.tensor != nullptr && target.tensor->dtype() != self.dtype()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Expected the dtype for input and out to match, but got ",
                     TypeName(self.dtype()), " for input's dtype and ",
                     TypeName(target.tensor->dtype()), " for out's dtype."));
  }
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(kName, self, mask, dims.empty(), dims));
  return Extreme<kMax>(target, self, mask, keepdim,
                       kMax ? "max_values_cpu" : "min_values_cpu");
}

// max() over everything.
template <bool kMax>
absl::StatusOr<Tensor> MaxAll(Target target, const Tensor& self) {
  const DimMask mask = AllDims(self.dim());
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(kMax ? "max" : "min", self, mask, true));
  return Extreme<kMax>(target, self, mask, false, kMax ? "max_all" : "min_all");
}

template <bool kMax>
absl::StatusOr<TensorPair> MaxDim(const Tensor& self, int64_t dim,
                                  bool keepdim) {
  constexpr absl::string_view kName = kMax ? "max" : "min";
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDim(dim, self.dim()));
  if (IsComplex(self.dtype())) {
    return absl::UnimplementedError(
        absl::StrCat(kName, "(): does not support complex input"));
  }
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(kName, self, mask, false));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor values,
      Extreme<kMax>({}, self, mask, keepdim, kMax ? "max_cpu" : "min_cpu"));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor indices,
      ArgExtreme<kMax>(self, mask, keepdim, {}, kMax ? "max_cpu" : "min_cpu"));
  return TensorPair(values, indices);
}

template <bool kMax>
absl::StatusOr<Tensor> ArgMax(Target target, const Tensor& self,
                              std::optional<int64_t> dim, bool keepdim) {
  constexpr absl::string_view kName = kMax ? "argmax" : "argmin";
  constexpr absl::string_view kImpl = kMax ? "argmax_cpu" : "argmin_cpu";
  if (IsComplex(self.dtype())) {
    return absl::UnimplementedError(
        absl::StrCat(kName, "(): does not support complex input"));
  }
  if (self.dtype() == DType::kBool) {
    return absl::UnimplementedError(
        absl::StrCat(kName, "(): does not support bool input"));
  }
  if (target.tensor != nullptr && target.tensor->dtype() != DType::kInt64) {
    return absl::InvalidArgumentError(
        absl::StrCat("Expected out tensor to have dtype long int, but got ",
                     CppName(target.tensor->dtype()), " instead"));
  }
  if (dim.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDim(*dim, self.dim()));
    TANDEM_RETURN_IF_ERROR(CheckNotEmpty(kName, self, mask, false));
    return ArgExtreme<kMax>(self, mask, keepdim, target, kImpl);
  }
  TANDEM_RETURN_IF_ERROR(CheckNotEmpty(kName, self, AllDims(self.dim()), true));
  const Dims sizes(keepdim ? self.dim() : 0, 1);
  if (self.is_meta()) {
    return Tensor::Meta(sizes, ContiguousStrides(sizes), DType::kInt64);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor index,
      ArgExtreme<kMax>(flat.ViewUnchecked({flat.numel()}, {1}, flat.offset()),
                       DimMask{true}, false, {}, kImpl));
  return FinishReduction(index, sizes, DType::kInt64, target.tensor);
}

absl::StatusOr<TensorPair> AMinMax(const Tensor& self,
                                   std::optional<int64_t> dim, bool keepdim) {
  if (IsComplex(self.dtype())) {
    return absl::UnimplementedError(
        absl::StrCat("aminmax not implemented for ", TypeName(self.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(DimMask mask, ReducedDims(std::nullopt, self.dim()));
  if (dim.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(mask, ReducedDim(*dim, self.dim()));
    TANDEM_RETURN_IF_ERROR(CheckNotEmpty("aminmax", self, mask, false));
  } else if (self.numel() == 0) {
    return absl::InvalidArgumentError(
        "aminmax(): cannot compute aminmax over an empty dimension as the "
        "operation has no identity.");
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor low, Extreme<false>({}, self, mask, keepdim, "aminmax_cpu"));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor high, Extreme<true>({}, self, mask, keepdim, "aminmax_cpu"));
  return TensorPair(low, high);
}
absl::StatusOr<TensorPair> AMinMaxAll(const Tensor& self) {
  return AMinMax(self, std::nullopt, false);
}
absl::StatusOr<TensorPair> AMinMaxDim(const Tensor& self, int64_t dim,
                                      bool keepdim) {
  return AMinMax(self, dim, keepdim);
}

}  // namespace

absl::StatusOr<Tensor> AMaxOf(const Tensor& self,
                              absl::Span<const int64_t> dims, bool keepdim) {
  return AMax<true>({}, self, dims, keepdim);
}

void AddReduceExtreme(MatchingRegistrar& r) {
  AddAll<&AMax<true>>(r, {"amax"});
  AddAll<&AMax<false>>(r, {"amin"});
  AddAll<&MaxAll<true>>(r, {"max"});
  AddAll<&MaxAll<false>>(r, {"min"});
  AddAll<&ArgMax<true>>(r, {"argmax"});
  AddAll<&ArgMax<false>>(r, {"argmin"});
  r.AddExact("aten::max.dim", &MaxDim<true>);
  r.AddExact("aten::max.dim_max", &Variants<MaxDim<true>>::Out);
  r.AddExact("aten::min.dim", &MaxDim<false>);
  r.AddExact("aten::min.dim_min", &Variants<MaxDim<false>>::Out);
  r.AddExact("aten::aminmax", &AMinMax);
  r.AddExact("aten::aminmax.out", &Variants<AMinMax>::Out);
  r.AddExact("aten::_aminmax", &AMinMaxAll);
  r.AddExact("aten::_aminmax.out", &Variants<AMinMaxAll>::Out);
  r.AddExact("aten::_aminmax.dim", &AMinMaxDim);
  r.AddExact("aten::_aminmax.dim_out", &Variants<AMinMaxDim>::Out);
}

}  // namespace tandem::reference
