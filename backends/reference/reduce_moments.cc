// Variances and standard deviations, by Welford's updates in double.

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {
namespace {

template <typename T>
using RealOf = decltype(std::abs(T()));

// Of complex numbers: the mean of |x - mean|^2.
template <typename T>
struct VarianceOp {
  using In = T;
  using Wide = typename WideSum<T>::type;
  struct State {
    Wide mean = Wide(0);
    double m2 = 0;
    int64_t count = 0;
  };
  using Out = RealOf<T>;
  static constexpr bool kOrdered = false;
  VarianceOp(double c, bool root) : correction(c), square_root(root) {}
  static double Product(Wide a, Wide b) {
    if constexpr (kIsComplex<T>) {
      return a.real() * b.real() + a.imag() * b.imag();
    } else {
      return a * b;
    }
  }
  State Init() const { return State(); }
  void Update(State& s, In x, int64_t) const {
    const Wide v = static_cast<Wide>(x);
    const Wide delta = v - s.mean;
    ++s.count;
    s.mean += delta / static_cast<double>(s.count);
    s.m2 += Product(delta, v - s.mean);
  }
  void Combine(State& s, const State& o) const {
    if (o.count == 0) return;
    if (s.count == 0) {
      s = o;
      return;
    }
    const double n = static_cast<double>(s.count + o.count);
    const Wide delta = o.mean - s.mean;
    s.m2 += o.m2 + Product(delta, delta) * static_cast<double>(s.count) *
                       static_cast<double>(o.count) / n;
    s.mean += delta * (static_cast<double>(o.count) / n);
    s.count += o.count;
  }
  Out Finish(const State& s) const {
    const double divisor =
        std::max(0.0, static_cast<double>(s.count) - correction);
    const double variance = s.m2 / divisor;
    return static_cast<Out>(square_root ? std::sqrt(variance) : variance);
  }
  double correction;
  bool square_root;
};

template <typename T>
struct MeanByUpdatesOp : VarianceOp<T> {
  using Out = T;
  MeanByUpdatesOp() : VarianceOp<T>(0, false) {}
  Out Finish(const typename VarianceOp<T>::State& s) const {
    if (s.count > 0) return static_cast<Out>(s.mean);
    const double nan = std::numeric_limits<double>::quiet_NaN();
    if constexpr (kIsComplex<T>) {
      return Out(static_cast<RealOf<T>>(nan), static_cast<RealOf<T>>(nan));
    } else {
      return static_cast<Out>(nan);
    }
  }
};

// Results of moments: variance (or its root), and the mean when asked for.
struct Moments {
  Tensor spread, mean;
};

absl::StatusOr<Moments> Compute(const Tensor& self, OptionalDims dims,
                                const std::optional<Scalar>& correction,
                                bool keepdim, bool root, bool with_mean,
                                const Tensor* out) {
  if (!IsFloatingPoint(self.dtype()) && !IsComplex(self.dtype())) {
    return absl::UnimplementedError(
        with_mean ? absl::StrCat(root ? "std" : "var",
                                 "_mean only support floating point and "
                                 "complex dtypes")
                  : "std and var only support floating point and complex "
                    "dtypes");
  }
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDims(dims, self.dim()));
  const Dims sizes = ReducedSizes(self.sizes(), mask, keepdim);
  const DType dtype =
      IsComplex(self.dtype()) ? ToReal(self.dtype()) : self.dtype();
  Moments result;
  if (self.is_meta()) {
    TANDEM_ASSIGN_OR_RETURN(
        result.spread, Tensor::Meta(sizes, ContiguousStrides(sizes), dtype));
    TANDEM_ASSIGN_OR_RETURN(
        result.mean,
        Tensor::Meta(sizes, ContiguousStrides(sizes), self.dtype()));
    return result;
  }
  // out= sets the type of the computation.
  if (out != nullptr && IsComplex(out->dtype())) {
    return NotImplementedFor("std_cpu", out->dtype());
  }
  const double c = correction.has_value() ? correction->ToDouble() : 1.0;
  DType in = self.dtype();
  if (in == DType::kComplexHalf) in = DType::kComplexFloat;
  if (out != nullptr && in == DType::kFloat && out->dtype() == DType::kDouble) {
    in = DType::kDouble;
  }
  TANDEM_RETURN_IF_ERROR(VisitCompute<kFloats | kComplex>(
      in, "std_var", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                                ToDType(self, DTypeOf<T>::value));
        const Dims kept = ReducedSizes(self.sizes(), mask, false);
        TANDEM_ASSIGN_OR_RETURN(const Tensor spread,
                                Tensor::Empty(kept, DTypeOf<RealOf<T>>::value));
        TANDEM_RETURN_IF_ERROR(
            RunReduction(VarianceOp<T>(c, root), x, mask, spread));
        TANDEM_ASSIGN_OR_RETURN(result.spread,
                                FinishReduction(spread, sizes, dtype, out));
        if (with_mean) {
          TANDEM_ASSIGN_OR_RETURN(const Tensor mean,
                                  Tensor::Empty(kept, DTypeOf<T>::value));
          TANDEM_RETURN_IF_ERROR(
              RunReduction(MeanByUpdatesOp<T>(), x, mask, mean));
          TANDEM_ASSIGN_OR_RETURN(
              result.mean, FinishReduction(mean, sizes, self.dtype(), nullptr));
        }
        return absl::OkStatus();
      }));
  return result;
}

template <bool kRoot>
absl::StatusOr<Tensor> Correction(Target target, const Tensor& self,
                                  OptionalDims dims,
                                  std::optional<Scalar> correction,
                                  bool keepdim) {
  TANDEM_ASSIGN_OR_RETURN(Moments m, Compute(self, dims, correction, keepdim,
                                             kRoot, false, target.tensor));
  return m.spread;
}
template <bool kRoot>
absl::StatusOr<Tensor> UnbiasedDims(Target target, const Tensor& self,
                                    OptionalDims dims, bool unbiased,
                                    bool keepdim) {
  return Correction<kRoot>(target, self, dims, Scalar(unbiased ? 1 : 0),
                           keepdim);
}
template <bool kRoot>
absl::StatusOr<Tensor> Unbiased(Target target, const Tensor& self,
                                bool unbiased) {
  return UnbiasedDims<kRoot>(target, self, std::nullopt, unbiased, false);
}

template <bool kRoot>
absl::StatusOr<TensorPair> CorrectionMean(const Tensor& self, OptionalDims dims,
                                          std::optional<Scalar> correction,
                                          bool keepdim) {
  TANDEM_ASSIGN_OR_RETURN(Moments m, Compute(self, dims, correction, keepdim,
                                             kRoot, true, nullptr));
  return TensorPair(m.spread, m.mean);
}
template <bool kRoot>
absl::StatusOr<TensorPair> UnbiasedDimsMean(const Tensor& self,
                                            OptionalDims dims, bool unbiased,
                                            bool keepdim) {
  return CorrectionMean<kRoot>(self, dims, Scalar(unbiased ? 1 : 0), keepdim);
}
template <bool kRoot>
absl::StatusOr<TensorPair> UnbiasedMean(const Tensor& self, bool unbiased) {
  return UnbiasedDimsMean<kRoot>(self, std::nullopt, unbiased, false);
}

}  // namespace

void AddReduceMoments(MatchingRegistrar& r) {
  AddAll<&Correction<false>>(r, {"var"});
  AddAll<&UnbiasedDims<false>>(r, {"var"});
  AddAll<&Unbiased<false>>(r, {"var"});
  AddAll<&Correction<true>>(r, {"std"});
  AddAll<&UnbiasedDims<true>>(r, {"std"});
  AddAll<&Unbiased<true>>(r, {"std"});
  r.AddExact("aten::var_mean.correction", &CorrectionMean<false>);
  r.AddExact("aten::var_mean.dim", &UnbiasedDimsMean<false>);
  r.AddExact("aten::var_mean", &UnbiasedMean<false>);
  r.AddExact("aten::var_mean.correction_out",
             &Variants<CorrectionMean<false>>::Out);
  r.AddExact("aten::std_mean.correction", &CorrectionMean<true>);
  r.AddExact("aten::std_mean.dim", &UnbiasedDimsMean<true>);
  r.AddExact("aten::std_mean", &UnbiasedMean<true>);
  r.AddExact("aten::std_mean.correction_out",
             &Variants<CorrectionMean<true>>::Out);
}

}  // namespace tandem::reference
