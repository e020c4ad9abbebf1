// softmax, log_softmax and logsumexp.

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/float_functions.h"
#include "tandem/backends/reference/float_rows.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"

namespace tandem::reference {
namespace {

enum class Kind {
  kSoftmax,
  kSafe,  // a row of nothing but -inf gives zeros
  kLog
};

template <typename T, Kind kKind>
void SoftmaxSlice(const char* in, int64_t in_stride, char* out,
                  int64_t out_stride, int64_t n, bool lanes) {
  const auto x = [&](int64_t i) {
    return *reinterpret_cast<const T*>(in + i * in_stride);
  };
  const auto y = [&](int64_t i) -> T& {
    return *reinterpret_cast<T*>(out + i * out_stride);
  };
  T high = -std::numeric_limits<T>::infinity();
  for (int64_t i = 0; i < n; ++i) {
    const T v = x(i);
    if (v > high || v != v) high = v;
    if (high != high) break;
  }
  if (kKind == Kind::kSafe && std::isinf(high) && high < 0) {
    for (int64_t i = 0; i < n; ++i) y(i) = T(0);
    return;
  }
  // Along the innermost dim in lanes, along others one after the other. The
  // terms are kept where the results will be.
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const T e = LaneExp(x(i) - high);
    sum += e;
    y(i) = e;
  }
  lanes = lanes && out_stride == sizeof(T);
  if constexpr (std::is_same_v<T, float>) {
    if (lanes) sum = LaneSum(n, reinterpret_cast<const float*>(out));
  }
  if constexpr (kKind == Kind::kLog) {
    const T log_sum = RoundedLog(sum);
    for (int64_t i = 0; i < n; ++i) y(i) = x(i) - high - log_sum;
  } else if (lanes) {
    const T scale = 1 / sum;
    for (int64_t i = 0; i < n; ++i) y(i) *= scale;
  } else {
    for (int64_t i = 0; i < n; ++i) y(i) /= sum;
  }
}

template <Kind kKind>
absl::StatusOr<Tensor> Compute(Target target, const Tensor& self, int64_t dim,
                               DType result) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const bool last = d == std::max<int64_t>(self.dim(), 1) - 1;
  const std::string name =
      absl::StrCat(kKind == Kind::kLog ? "log_softmax" : "softmax",
                   last ? "_lastdim_kernel_impl" : "_kernel_impl");
  // Nothing to compute: PyTorch does not come to ask for the dtype.
  const bool empty = self.numel() == 0 && !self.is_meta();
  if (empty && !IsFloatingPoint(result)) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor none,
                            Tensor::Empty(self.sizes(), result));
    return FinishReduction(none, self.sizes(), result, target.tensor);
  }
  if (!IsFloatingPoint(result)) return NotImplementedFor(name, result);
  if (self.is_meta()) {
    return Tensor::Meta(self.sizes(), ContiguousStrides(self.sizes()), result);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor cast, ToDType(self, result));
  absl::StatusOr<Tensor> out = Tensor();
  TANDEM_RETURN_IF_ERROR(
      VisitCompute<kFloats>(result, name, [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                                ToDType(cast, DTypeOf<T>::value));
        TANDEM_ASSIGN_OR_RETURN(const Tensor y,
                                Tensor::Empty(self.sizes(), DTypeOf<T>::value));
        const int64_t n = self.dim() == 0 ? 1 : self.size(d);
        TANDEM_RETURN_IF_ERROR(
            ForEachSlice({y, x}, d, [&](char* const* data, const int64_t* s) {
              SoftmaxSlice<T, kKind>(data[1], s[1], data[0], s[0], n, last);
            }));
        out = FinishReduction(y, self.sizes(), result, target.tensor);
        return out.status();
      }));
  return out;
}

template <Kind kKind>
absl::StatusOr<Tensor> Softmax(Target target, const Tensor& self, int64_t dim,
                               std::optional<DType> dtype) {
  return Compute<kKind>(target, self, dim, dtype.value_or(self.dtype()));
}

template <Kind kKind>
absl::StatusOr<Tensor> SoftmaxHalfToFloat(Target target, const Tensor& self,
                                          int64_t dim, bool half_to_float) {
  if (half_to_float) {
    return absl::InvalidArgumentError(
        "softmax with half to float conversion is not supported on CPU");
  }
  return Compute<kKind>(target, self, dim, self.dtype());
}

// The largest so far and the sum of exp(x - largest), in one pass.
template <typename T>
struct LogSumExpOp {
  using In = T;
  using Wide = typename WideSum<T>::type;
  struct State {
    double high;
    Wide sum;
  };
  using Out = T;
  static constexpr bool kOrdered = false;
  static double Real(Wide x) {
    if constexpr (kIsComplex<T>) {
      return x.real();
    } else {
      return x;
    }
  }
  State Init() const {
    return {-std::numeric_limits<double>::infinity(), Wide(0)};
  }
  void Update(State& s, In x, int64_t) const {
    Combine(s, {Real(static_cast<Wide>(x)), Term(static_cast<Wide>(x))});
  }
  // exp(x - Re x)
  static Wide Term(Wide x) {
    if constexpr (kIsComplex<T>) {
      return std::exp(Wide(0, x.imag()));
    } else {
      return x != x ? x : Wide(1);
    }
  }
  void Combine(State& s, const State& o) const {
    if (o.high == -std::numeric_limits<double>::infinity()) return;
    if (o.high > s.high || o.high != o.high) {
      s.sum = s.sum * std::exp(s.high - o.high) + o.sum;
      s.high = o.high;
    } else if (o.high == s.high) {
      s.sum += o.sum;
    } else {
      s.sum += o.sum * std::exp(o.high - s.high);
    }
  }
  Out Finish(const State& s) const {
    if (std::isinf(s.high)) return static_cast<Out>(s.high);
    return static_cast<Out>(std::log(s.sum) + s.high);
  }
};

absl::StatusOr<Tensor> LogSumExp(Target target, const Tensor& self,
                                 absl::Span<const int64_t> dims, bool keepdim) {
  const DType result = IsIntegral(self.dtype(), /*include_bool=*/true)
                           ? DType::kFloat
                           : self.dtype();
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  const Dims sizes = ReducedSizes(self.sizes(), mask, keepdim);
  if (self.is_meta()) {
    return Tensor::Meta(sizes, ContiguousStrides(sizes), result);
  }
  absl::StatusOr<Tensor> out = Tensor();
  TANDEM_RETURN_IF_ERROR(VisitCompute<kFloats | kComplex>(
      result, "exp_vml_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                                ToDType(self, DTypeOf<T>::value));
        TANDEM_ASSIGN_OR_RETURN(
            const Tensor y,
            Tensor::Empty(ReducedSizes(self.sizes(), mask, false),
                          DTypeOf<T>::value));
        TANDEM_RETURN_IF_ERROR(RunReduction(LogSumExpOp<T>(), x, mask, y));
        out = FinishReduction(y, sizes, result, target.tensor);
        return out.status();
      }));
  return out;
}

// True in the mask: left out. The mask is one of attention scores (L, L), of
// keys (B, L) for scores of (B, H, L, L), or has self's sizes.
absl::StatusOr<Tensor> MaskedSoftmax(const Tensor& self, const Tensor& mask,
                                     std::optional<int64_t> dim,
                                     std::optional<int64_t> mask_type) {
  if (mask.dtype() != DType::kBool) {
    return absl::InvalidArgumentError("Mask should be a boolean tensor");
  }
  Tensor m = mask;
  if (mask_type == 1 && self.dim() == 4 && mask.dim() == 2) {
    m = mask.ViewUnchecked({mask.size(0), 1, 1, mask.size(1)},
                           {mask.stride(0), 0, 0, mask.stride(1)},
                           mask.offset());
  }
  TANDEM_ASSIGN_OR_RETURN(m, ExpandTo(m, self.sizes()));
  const Scalar low(-std::numeric_limits<double>::infinity());
  TANDEM_ASSIGN_OR_RETURN(const Tensor masked, MaskedFillOf(self, m, low));
  return Compute<Kind::kSoftmax>({}, masked, dim.value_or(self.dim() - 1),
                                 self.dtype());
}

absl::StatusOr<Tensor> SafeSoftmax(const Tensor& self, int64_t dim,
                                   std::optional<DType> dtype) {
  return Compute<Kind::kSafe>({}, self, dim, dtype.value_or(self.dtype()));
}

}  // namespace

absl::StatusOr<Tensor> SoftmaxOf(const Tensor& self, int64_t dim) {
  return Compute<Kind::kSoftmax>({}, self, dim, self.dtype());
}
absl::StatusOr<Tensor> LogSoftmaxOf(const Tensor& self, int64_t dim) {
  return Compute<Kind::kLog>({}, self, dim, self.dtype());
}

void AddReduceSoftmax(MatchingRegistrar& r) {
  AddAll<&Softmax<Kind::kSoftmax>>(r, {"softmax", "special_softmax"});
  AddAll<&Softmax<Kind::kLog>>(r, {"log_softmax", "special_log_softmax"});
  AddAll<&SoftmaxHalfToFloat<Kind::kSoftmax>>(r, {"_softmax"});
  AddAll<&SoftmaxHalfToFloat<Kind::kLog>>(r, {"_log_softmax"});
  AddAll<&LogSumExp>(r, {"logsumexp", "special_logsumexp"});
  r.AddExact("aten::_safe_softmax", &SafeSoftmax);
  r.AddExact("aten::_masked_softmax", &MaskedSoftmax);
  r.AddExact("aten::_masked_softmax.out", &Variants<MaskedSoftmax>::Out);
}

}  // namespace tandem::reference
