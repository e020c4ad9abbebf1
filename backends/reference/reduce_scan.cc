// Running results along a dim: cumsum, cumprod, cummax, cummin, logcumsumexp.

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {
namespace {

constexpr int kAllTypes = kFloats | kInts | kComplex;

// State after each element, from left to right.
template <typename T>
struct RunningSum {
  using State = typename WideSum<T>::type;
  static State Init() { return State(0); }
  static void Update(State& s, T x) { s = WrapAdd(s, static_cast<State>(x)); }
};
template <typename T>
struct RunningProduct {
  using State = typename WideSum<T>::type;
  static State Init() { return State(1); }
  static void Update(State& s, T x) { s = WrapMul(s, static_cast<State>(x)); }
};
template <typename T>
struct RunningLogSumExp {
  using State = T;
  static State Init() {
    return State(-std::numeric_limits<decltype(std::abs(T()))>::infinity());
  }
  static void Update(State& s, T x) {
    if constexpr (kIsComplex<T>) {
      const bool less = s.real() < x.real();
      const T low = less ? s : x, high = less ? x : s;
      if (std::isinf(low.real()) && low.real() < 0) {
        s = high;
      } else {
        s = high + std::log(T(1) + std::exp(low - high));
      }
    } else {
      const T low = std::isnan(x) ? x : std::min(s, x);
      const T high = std::isnan(x) ? x : std::max(s, x);
      s = low != high || std::isfinite(low)
              ? std::log1p(std::exp(low - high)) + high
              : x;
    }
  }
};

template <template <typename> class Running, int kTypes>
absl::StatusOr<Tensor> Scan(Target target, const Tensor& self, int64_t dim,
                            DType result, absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (self.is_meta()) {
    return Tensor::Meta(self.sizes(), ContiguousStrides(self.sizes()), result);
  }
  if (result == DType::kBool) {
    if (self.numel() != 0) return NotImplementedFor(name, result);
    TANDEM_ASSIGN_OR_RETURN(const Tensor none,
                            Tensor::Empty(self.sizes(), result));
    return FinishReduction(none, self.sizes(), result, target.tensor);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor cast, ToDType(self, result));
  const DType computed = ReductionComputeType(result);
  absl::StatusOr<Tensor> out = Tensor();
  TANDEM_RETURN_IF_ERROR(
      VisitCompute<kTypes>(result, name, [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        using Op = Running<T>;
        TANDEM_ASSIGN_OR_RETURN(const Tensor x, ToDType(cast, computed));
        TANDEM_ASSIGN_OR_RETURN(const Tensor y,
                                Tensor::Empty(self.sizes(), computed));
        const int64_t n = self.dim() == 0 ? 1 : self.size(d);
        TANDEM_RETURN_IF_ERROR(
            ForEachSlice({y, x}, d, [&](char* const* data, const int64_t* s) {
              typename Op::State state = Op::Init();
              for (int64_t i = 0; i < n; ++i) {
                Op::Update(state,
                           *reinterpret_cast<const T*>(data[1] + i * s[1]));
                *reinterpret_cast<T*>(data[0] + i * s[0]) =
                    static_cast<T>(state);
              }
            }));
        out = FinishReduction(y, self.sizes(), result, target.tensor);
        return out.status();
      }));
  return out;
}

DType ScanDType(const Tensor& self, std::optional<DType> dtype, Target target) {
  if (dtype.has_value()) return *dtype;
  if (target.tensor != nullptr) return target.tensor->dtype();
  return SumDType(self.dtype(), std::nullopt);
}

absl::Status CheckInPlace(Target target, const Tensor& self,
                          std::optional<DType> dtype) {
  if (target.in_place && dtype.has_value() && *dtype != self.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Bad in-place call: input tensor dtype ", CppName(self.dtype()),
        " and output tensor dtype ", CppName(*dtype), " should match"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> CumSum(Target target, const Tensor& self, int64_t dim,
                              std::optional<DType> dtype) {
  TANDEM_RETURN_IF_ERROR(CheckInPlace(target, self, dtype));
  return Scan<RunningSum, kAllTypes>(
      target, self, dim, ScanDType(self, dtype, target), "cumsum_out_cpu");
}
absl::StatusOr<Tensor> CumProd(Target target, const Tensor& self, int64_t dim,
                               std::optional<DType> dtype) {
  TANDEM_RETURN_IF_ERROR(CheckInPlace(target, self, dtype));
  return Scan<RunningProduct, kAllTypes>(
      target, self, dim, ScanDType(self, dtype, target), "cumprod_out_cpu");
}
absl::StatusOr<Tensor> LogCumSumExp(Target target, const Tensor& self,
                                    int64_t dim) {
  return Scan<RunningLogSumExp, kFloats | kComplex>(
      target, self, dim, self.dtype(), "logcumsumexp_out_cpu");
}

template <bool kMax>
absl::StatusOr<TensorPair> CumExtreme(const Tensor& self, int64_t dim) {
  if (self.dim() == 0) {
    if (dim < -1 || dim > 0) {
      return absl::OutOfRangeError(absl::StrCat(
          kMax ? "cummax" : "cummin",
          "(): Expected reduction dim -1 or 0 for scalar but got ", dim));
    }
    TANDEM_ASSIGN_OR_RETURN(Tensor value, CloneContiguous(self, self.dtype()));
    TANDEM_ASSIGN_OR_RETURN(Tensor index, Tensor::Zeros({}, DType::kInt64));
    return TensorPair(value, index);
  }
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  if (self.numel() == 0) {
    TANDEM_ASSIGN_OR_RETURN(Tensor none,
                            Tensor::Empty(self.sizes(), self.dtype()));
    TANDEM_ASSIGN_OR_RETURN(Tensor nowhere,
                            Tensor::Empty(self.sizes(), DType::kInt64));
    return TensorPair(none, nowhere);
  }
  constexpr absl::string_view kName = kMax ? "cummax_cpu" : "cummin_cpu";
  if (self.dtype() == DType::kUInt16 || self.dtype() == DType::kUInt32 ||
      self.dtype() == DType::kUInt64) {
    return NotImplementedFor(kName, self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor indices,
                          Tensor::Empty(self.sizes(), DType::kInt64));
  Tensor values;
  TANDEM_RETURN_IF_ERROR(VisitCompute<kFloats | kInts>(
      self.dtype(), kName, [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                                ToDType(self, DTypeOf<T>::value));
        TANDEM_ASSIGN_OR_RETURN(const Tensor y,
                                Tensor::Empty(self.sizes(), DTypeOf<T>::value));
        const int64_t n = self.dim() == 0 ? 1 : self.size(d);
        TANDEM_RETURN_IF_ERROR(ForEachSlice(
            {y, indices, x}, d, [&](char* const* data, const int64_t* s) {
              T best = T();
              int64_t index = 0;
              for (int64_t i = 0; i < n; ++i) {
                const T v = *reinterpret_cast<const T*>(data[2] + i * s[2]);
                // The last of equals; a NaN stays.
                if (i == 0 || v != v ||
                    (!(best != best) && (kMax ? v >= best : v <= best))) {
                  best = v;
                  index = i;
                }
                *reinterpret_cast<T*>(data[0] + i * s[0]) = best;
                *reinterpret_cast<int64_t*>(data[1] + i * s[1]) = index;
              }
            }));
        TANDEM_ASSIGN_OR_RETURN(
            values, FinishReduction(y, self.sizes(), self.dtype(), nullptr));
        return absl::OkStatus();
      }));
  return TensorPair(values, indices);
}

template <bool kMax>
absl::Status CumExtremeHelper(const Tensor& self, const Tensor& values,
                              const Tensor& indices, int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(TensorPair result, CumExtreme<kMax>(self, dim));
  TANDEM_RETURN_IF_ERROR(WriteOut(std::get<0>(result), values).status());
  return WriteOut(std::get<1>(result), indices).status();
}

}  // namespace

absl::StatusOr<Tensor> CumSumOf(const Tensor& self, int64_t dim) {
  return CumSum({}, self, dim, std::nullopt);
}

void AddReduceScan(MatchingRegistrar& r) {
  AddAll<&CumSum>(r, {"cumsum"});
  AddAll<&CumProd>(r, {"cumprod"});
  AddAll<&LogCumSumExp>(r, {"logcumsumexp", "_logcumsumexp"});
  r.AddExact("aten::cummax", &CumExtreme<true>);
  r.AddExact("aten::cummax.out", &Variants<CumExtreme<true>>::Out);
  r.AddExact("aten::cummin", &CumExtreme<false>);
  r.AddExact("aten::cummin.out", &Variants<CumExtreme<false>>::Out);
  r.AddExact("aten::_cummax_helper", &CumExtremeHelper<true>);
  r.AddExact("aten::_cummin_helper", &CumExtremeHelper<false>);
}

}  // namespace tandem::reference
