// Order statistics: median, mode, quantile.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/matching.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {
namespace {

constexpr int kReal = kFloats | kInts;

template <typename T>
bool IsNan(T x) {
  return x != x;
}
// In increasing order, NaN last.
template <typename T>
bool Less(T a, T b) {
  return a < b || (IsNan(b) && !IsNan(a));
}

template <typename T>
std::vector<T> Gather(const char* p, int64_t stride, int64_t n) {
  std::vector<T> values(n);
  for (int64_t i = 0; i < n; ++i) {
    values[i] = *reinterpret_cast<const T*>(p + i * stride);
  }
  return values;
}

// The index of the lower median; with NaN the first NaN's, unless ignored.
template <typename T>
int64_t MedianIndex(const std::vector<T>& v, bool ignore_nan) {
  const int64_t n = static_cast<int64_t>(v.size());
  int64_t numbers = n;
  for (int64_t i = 0; i < n; ++i) {
    if (!IsNan(v[i])) continue;
    if (!ignore_nan) return i;
    --numbers;
  }
  if (numbers == 0) return 0;
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  const auto nth = order.begin() + (numbers - 1) / 2;
  std::nth_element(order.begin(), nth, order.end(), [&](int64_t a, int64_t b) {
    return Less(v[a], v[b]) || (!Less(v[b], v[a]) && a < b);
  });
  return *nth;
}

// The most frequent value, the least of several; index of its last occurrence.
template <typename T>
int64_t ModeIndex(const std::vector<T>& v) {
  const int64_t n = static_cast<int64_t>(v.size());
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  if (n > 16) {
    // Not stable, as PyTorch's: which of equal values comes last is the
    // algorithm's.
    std::sort(order.begin(), order.end(),
              [&](int64_t a, int64_t b) { return Less(v[a], v[b]); });
  } else {
    // By insertion: NaN, which is less than nothing, stays where it meets.
    for (int64_t i = 1; i < n; ++i) {
      int64_t j = i;
      if (v[order[i]] < v[order[0]]) {
        std::rotate(order.begin(), order.begin() + i, order.begin() + i + 1);
        continue;
      }
      for (; v[order[j]] < v[order[j - 1]]; --j) {
        std::swap(order[j], order[j - 1]);
      }
    }
  }
  int64_t best = 0, best_count = 0;
  for (int64_t begin = 0; begin < n;) {
    int64_t end = begin + 1;
    while (end < n && v[order[end]] == v[order[begin]]) ++end;
    if (end - begin > best_count) {
      best_count = end - begin;
      best = order[end - 1];
    }
    begin = end;
  }
  return best;
}

enum class Statistic { kMedian, kNanMedian, kMode };

template <Statistic kStatistic>
absl::string_view NameOf() {
  return kStatistic == Statistic::kMode        ? "mode"
         : kStatistic == Statistic::kNanMedian ? "nanmedian"
                                               : "median";
}

// One element of each slice along `dim` (all of them where none is given).
template <Statistic kStatistic>
absl::StatusOr<TensorPair> Select(const Tensor& self, int64_t dim, bool keepdim,
                                  absl::string_view impl) {
  TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDim(dim, self.dim()));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, self.dim()));
  const int64_t n = self.dim() == 0 ? 1 : self.size(d);
  if (n == 0) {
    return absl::OutOfRangeError(absl::StrCat(NameOf<kStatistic>(),
                                              "(): Expected reduction dim ", d,
                                              " to have non-zero size."));
  }
  if (self.dtype() == DType::kBool && kStatistic != Statistic::kMode) {
    return NotImplementedFor(impl, self.dtype());
  }
  const Dims sizes = ReducedSizes(self.sizes(), mask, keepdim);
  const Dims ones = ReducedSizes(self.sizes(), mask, true);
  TANDEM_ASSIGN_OR_RETURN(const Tensor indices,
                          Tensor::Empty(ones, DType::kInt64));
  Tensor values;
  if (kStatistic == Statistic::kMode &&
      (self.dim() == 0 || self.numel() == 0)) {  // of any dtype
    TANDEM_ASSIGN_OR_RETURN(values, Tensor::Empty(sizes, self.dtype()));
    if (self.dim() == 0) {
      TANDEM_RETURN_IF_ERROR(CopyElements(self, values));
      *indices.data<int64_t>() = 0;
    }
    return TensorPair(
        values, indices.ViewUnchecked(sizes, ContiguousStrides(sizes), 0));
  }
  TANDEM_RETURN_IF_ERROR(
      VisitCompute<kReal>(self.dtype(), impl, [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        TANDEM_ASSIGN_OR_RETURN(const Tensor x,
                                ToDType(self, DTypeOf<T>::value));
        TANDEM_ASSIGN_OR_RETURN(const Tensor y,
                                Tensor::Empty(ones, DTypeOf<T>::value));
        TANDEM_RETURN_IF_ERROR(ForEachSlice(
            {x, y, indices}, d, [&](char* const* data, const int64_t* s) {
              const std::vector<T> v = Gather<T>(data[0], s[0], n);
              const int64_t i =
                  kStatistic == Statistic::kMode
                      ? ModeIndex(v)
                      : MedianIndex(v, kStatistic == Statistic::kNanMedian);
              *reinterpret_cast<T*>(data[1]) = v[i];
              *reinterpret_cast<int64_t*>(data[2]) = i;
            }));
        TANDEM_ASSIGN_OR_RETURN(
            values, FinishReduction(y, sizes, self.dtype(), nullptr));
        return absl::OkStatus();
      }));
  return TensorPair(values,
                    indices.ViewUnchecked(sizes, ContiguousStrides(sizes), 0));
}

template <Statistic kStatistic>
absl::StatusOr<TensorPair> MedianDim(const Tensor& self, int64_t dim,
                                     bool keepdim) {
  return Select<kStatistic>(self, dim, keepdim, "median_out");
}
absl::StatusOr<TensorPair> Mode(const Tensor& self, int64_t dim, bool keepdim) {
  return Select<Statistic::kMode>(self, dim, keepdim, "mode_cpu");
}

template <Statistic kStatistic>
absl::StatusOr<Tensor> MedianAll(const Tensor& self) {
  if (self.numel() == 0) {
    TANDEM_ASSIGN_OR_RETURN(Tensor nan, Tensor::Empty({}, self.dtype()));
    TANDEM_RETURN_IF_ERROR(
        FillElements(nan, Scalar(std::numeric_limits<double>::quiet_NaN())));
    return nan;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Contiguous(self));
  TANDEM_ASSIGN_OR_RETURN(
      TensorPair result,
      Select<kStatistic>(flat.ViewUnchecked({flat.numel()}, {1}, flat.offset()),
                         0, false, "median_cpu"));
  return std::get<0>(result);
}

enum class Interpolation { kLinear, kLower, kHigher, kMidpoint, kNearest };

absl::StatusOr<Interpolation> ParseInterpolation(absl::string_view text) {
  if (text == "linear") return Interpolation::kLinear;
  if (text == "lower") return Interpolation::kLower;
  if (text == "higher") return Interpolation::kHigher;
  if (text == "midpoint") return Interpolation::kMidpoint;
  if (text == "nearest") return Interpolation::kNearest;
  return absl::InvalidArgumentError(
      absl::StrCat("quantile() interpolation must be one of linear, lower, "
                   "higher, midpoint or nearest, but got ",
                   text));
}

template <typename T>
T QuantileOf(const std::vector<T>& sorted, int64_t numbers, double q,
             Interpolation how) {
  if (numbers == 0) return sorted[0];
  // Ranks are computed in the tensor's type.
  T rank = static_cast<T>(q) * static_cast<T>(numbers - 1);
  switch (how) {
    case Interpolation::kLower:
      rank = std::floor(rank);
      break;
    case Interpolation::kHigher:
      rank = std::ceil(rank);
      break;
    case Interpolation::kNearest:
      rank = std::nearbyint(rank);
      break;
    default:
      break;
  }
  const int64_t below = static_cast<int64_t>(rank);
  const T a = sorted[below];
  if (how != Interpolation::kLinear && how != Interpolation::kMidpoint) {
    return a;
  }
  const T b = sorted[static_cast<int64_t>(std::ceil(rank))];
  const T w =
      how == Interpolation::kMidpoint ? T(0.5) : rank - static_cast<T>(below);
  return std::abs(w) < T(0.5) ? a + w * (b - a) : b - (b - a) * (T(1) - w);
}

absl::StatusOr<Tensor> Quantile(const Tensor& self, absl::Span<const double> qs,
                                bool scalar_q, std::optional<int64_t> dim,
                                bool keepdim, absl::string_view interpolation,
                                bool ignore_nan) {
  TANDEM_ASSIGN_OR_RETURN(const Interpolation how,
                          ParseInterpolation(interpolation));
  TANDEM_ASSIGN_OR_RETURN(const int64_t d,
                          WrapDim(dim.value_or(0), self.dim()));
  Tensor x = self;
  Dims sizes;  // of one quantile
  if (dim.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(const DimMask mask, ReducedDim(d, self.dim()));
    sizes = ReducedSizes(self.sizes(), mask, keepdim);
  } else {
    sizes.assign(keepdim ? self.dim() : 0, 1);
    TANDEM_ASSIGN_OR_RETURN(const Tensor flat, Contiguous(self));
    x = flat.ViewUnchecked({flat.numel()}, {1}, flat.offset());
  }
  const int64_t n = x.dim() == 0 ? 1 : x.size(d);
  if (n > (int64_t{1} << 24)) {
    return absl::InvalidArgumentError("quantile() input tensor is too large");
  }
  Dims ones(x.sizes().begin(), x.sizes().end());
  if (!ones.empty()) ones[d] = 1;
  // The quantiles of one slice side by side, then seen as the first dim.
  const int64_t count = static_cast<int64_t>(qs.size());
  int64_t plane = 1;
  for (int64_t s : sizes) plane *= s;
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty({plane, count}, self.dtype()));
  Dims first_strides = ContiguousStrides(ones);
  for (int64_t& s : first_strides) s *= count;
  const Tensor first = out.ViewUnchecked(ones, first_strides, 0);
  TANDEM_RETURN_IF_ERROR(VisitCompute<kFloats>(
      self.dtype(), "quantile", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        return ForEachSlice(
            {x, first}, d, [&](char* const* data, const int64_t* s) {
              std::vector<T> v = Gather<T>(data[0], s[0], n);
              std::sort(v.begin(), v.end(), &Less<T>);
              int64_t numbers = n;
              while (numbers > 0 && IsNan(v[numbers - 1])) --numbers;
              T* to = reinterpret_cast<T*>(data[1]);
              for (size_t k = 0; k < qs.size(); ++k) {
                to[k] =
                    numbers < n && !ignore_nan
                        ? v[n - 1]
                        : QuantileOf(v, ignore_nan ? numbers : n, qs[k], how);
              }
            });
      }));
  Dims strides = ContiguousStrides(sizes);
  if (scalar_q) return out.ViewUnchecked(sizes, strides, 0);
  for (int64_t& s : strides) s *= count;
  sizes.insert(sizes.begin(), count);
  strides.insert(strides.begin(), 1);
  return out.ViewUnchecked(sizes, strides, 0);
}

absl::Status CheckQuantile(const Tensor& self) {
  if (self.numel() == 0) {
    return absl::InvalidArgumentError(
        "quantile() input tensor must be non-empty");
  }
  if (self.dtype() != DType::kFloat && self.dtype() != DType::kDouble) {
    return absl::InvalidArgumentError(
        "quantile() input tensor must be either float or double dtype");
  }
  return absl::OkStatus();
}

template <bool kIgnoreNan>
absl::StatusOr<Tensor> QuantileScalar(const Tensor& self, double q,
                                      std::optional<int64_t> dim, bool keepdim,
                                      absl::string_view interpolation) {
  if (!(q >= 0 && q <= 1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("quantile() q must be in the range [0, 1] but got ", q));
  }
  TANDEM_RETURN_IF_ERROR(CheckQuantile(self));
  return Quantile(self, absl::MakeConstSpan(&q, 1), true, dim, keepdim,
                  interpolation, kIgnoreNan);
}
template <bool kIgnoreNan>
absl::StatusOr<Tensor> QuantileTensor(const Tensor& self, const Tensor& q,
                                      std::optional<int64_t> dim, bool keepdim,
                                      absl::string_view interpolation) {
  TANDEM_RETURN_IF_ERROR(CheckQuantile(self));
  if (q.dim() > 1) {
    return absl::InvalidArgumentError(
        "quantile() q must be a scalar or 1D tensor");
  }
  if (q.dtype() != self.dtype()) {
    return absl::InvalidArgumentError(
        "quantile() q tensor must be same dtype as the input tensor");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                          CloneContiguous(q, DType::kDouble));
  const absl::Span<const double> qs(wide.data<double>(), q.numel());
  for (double v : qs) {
    if (!(v >= 0 && v <= 1)) {
      return absl::InvalidArgumentError(
          "quantile() q values must be in the range [0, 1]");
    }
  }
  return Quantile(self, qs, q.dim() == 0, dim, keepdim, interpolation,
                  kIgnoreNan);
}

}  // namespace

void AddReduceOrder(MatchingRegistrar& registrar) {
  KernelRegistrar& r = registrar.exact();
  constexpr auto kMedian = Statistic::kMedian;
  constexpr auto kNanMedian = Statistic::kNanMedian;
  r.Add("aten::median", &MedianAll<kMedian>)
      .Add("aten::median.out", &Variants<MedianAll<kMedian>>::Out)
      .Add("aten::median.dim", &MedianDim<kMedian>)
      .Add("aten::median.dim_values", &Variants<MedianDim<kMedian>>::Out)
      .Add("aten::nanmedian", &MedianAll<kNanMedian>)
      .Add("aten::nanmedian.out", &Variants<MedianAll<kNanMedian>>::Out)
      .Add("aten::nanmedian.dim", &MedianDim<kNanMedian>)
      .Add("aten::nanmedian.dim_values", &Variants<MedianDim<kNanMedian>>::Out)
      .Add("aten::mode", &Mode)
      .Add("aten::mode.values", &Variants<Mode>::Out);
  r.Add("aten::quantile", &QuantileTensor<false>)
      .Add("aten::quantile.out", &Variants<QuantileTensor<false>>::Out)
      .Add("aten::quantile.scalar", &QuantileScalar<false>)
      .Add("aten::quantile.scalar_out", &Variants<QuantileScalar<false>>::Out)
      .Add("aten::nanquantile", &QuantileTensor<true>)
      .Add("aten::nanquantile.out", &Variants<QuantileTensor<true>>::Out)
      .Add("aten::nanquantile.scalar", &QuantileScalar<true>)
      .Add("aten::nanquantile.scalar_out",
           &Variants<QuantileScalar<true>>::Out);
}

}  // namespace tandem::reference
