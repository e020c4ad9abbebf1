// layer_norm, group_norm, rms_norm: over rows of the input itself.
#include <limits>

#include "absl/strings/str_join.h"
#include "tandem/backends/reference/float_functions.h"
#include "tandem/backends/reference/float_rows.h"
#include "tandem/backends/reference/norm.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Ints = absl::Span<const int64_t>;
using Triple = std::tuple<Tensor, Tensor, Tensor>;

// Checks shared by layer_norm and rms_norm; `star` is how each writes "*".
absl::Status CheckNormalizedShape(const Tensor& input, Ints shape,
                                  const Tensor& weight, const Tensor& bias,
                                  absl::string_view star) {
  if (shape.empty()) {
    return Invalid(
        "Expected normalized_shape to be at least 1-dimensional, i.e., "
        "containing at least one element, but got normalized_shape = []");
  }
  for (const auto& [name, t] :
       {std::make_pair("weight", &weight), std::make_pair("bias", &bias)}) {
    if (t->defined() && t->sizes() != shape) {
      return Invalid("Expected ", name,
                     " to be of same shape as normalized_shape, but got ", name,
                     " of shape ", DimsToString(t->sizes()),
                     " and normalized_shape = ", DimsToString(shape));
    }
  }
  if (static_cast<size_t>(input.dim()) < shape.size() ||
      input.sizes().last(shape.size()) != shape) {
    return Invalid("Given normalized_shape=", DimsToString(shape),
                   ", expected input with shape [", star,
                   absl::StrJoin(shape, ", "), "], but got input of size",
                   DimsToString(input.sizes()));
  }
  return absl::OkStatus();
}

// Mean and variance of a group, and 1/sqrt of the latter taken in double.
inline void GroupMoments(const float* x, int64_t n, double eps, float* mean,
                         float* rstd) {
  float variance;
  RowMoments(n, x, mean, &variance);
  *rstd = static_cast<float>(1 / std::sqrt(std::max(variance, 0.0f) + eps));
}

// Mean and 1/sqrt(var + eps) of n values: of doubles
// summed in double.
template <typename C>
void MeanAndRstd(const C* x, int64_t n, double eps, C* mean, C* rstd) {
  if constexpr (std::is_same_v<C, float>) {
    float variance;
    RowMoments(n, x, mean, &variance);
    *rstd = 1 / std::sqrt(std::max(variance, 0.0f) + static_cast<float>(eps));
    return;
  }
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  const double m = n == 0 ? 0 : sum / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - m) * (x[i] - m);
  *mean = static_cast<C>(m);
  *rstd = static_cast<C>(1 / std::sqrt(squares / static_cast<double>(n) + eps));
}

template <typename C>
absl::StatusOr<Triple> LayerNormIn(const Tensor& input, Ints shape,
                                   const Tensor& weight, const Tensor& bias,
                                   double eps, DType stats_dtype) {
  const DType c = DTypeOf<C>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input, c));
  Tensor w, b;
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(w, Contiguous(weight, c));
  }
  if (bias.defined()) {
    TANDEM_ASSIGN_OR_RETURN(b, Contiguous(bias, c));
  }
  int64_t n = 1;
  for (int64_t s : shape) n *= s;
  Dims stats_sizes(input.sizes().begin(), input.sizes().end());
  int64_t rows = 1;
  for (size_t d = 0; d < stats_sizes.size(); ++d) {
    if (d + shape.size() >= stats_sizes.size()) {
      stats_sizes[d] = 1;
    } else {
      rows *= stats_sizes[d];
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(x.sizes(), c));
  TANDEM_ASSIGN_OR_RETURN(const Tensor mean, Tensor::Empty(stats_sizes, c));
  TANDEM_ASSIGN_OR_RETURN(const Tensor rstd, Tensor::Empty(stats_sizes, c));
  const C* wp = w.defined() ? w.data<C>() : nullptr;
  const C* bp = b.defined() ? b.data<C>() : nullptr;
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1)),
                  [&](int64_t begin, int64_t end) {
                    for (int64_t r = begin; r < end; ++r) {
                      const C* from = x.data<C>() + r * n;
                      C* to = out.data<C>() + r * n;
                      C m, s;
                      MeanAndRstd(from, n, eps, &m, &s);
                      mean.data<C>()[r] = m;
                      rstd.data<C>()[r] = s;
                      if constexpr (std::is_same_v<C, float>) {
                        NormalizeRow(n, from, m, s, wp, bp, to);
                        continue;
                      }
                      for (int64_t i = 0; i < n; ++i) {
                        C v = (from[i] - m) * s;
                        if (wp != nullptr) v *= wp[i];
                        if (bp != nullptr) v += bp[i];
                        to[i] = v;
                      }
                    }
                  }));
  TANDEM_ASSIGN_OR_RETURN(Tensor result, ToDType(out, input.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor m, ToDType(mean, stats_dtype));
  TANDEM_ASSIGN_OR_RETURN(Tensor s, ToDType(rstd, stats_dtype));
  return Triple(std::move(result), std::move(m), std::move(s));
}

absl::StatusOr<Triple> NativeLayerNorm(const Tensor& input, Ints shape,
                                       const Tensor& weight, const Tensor& bias,
                                       double eps) {
  TANDEM_RETURN_IF_ERROR(
      CheckNormalizedShape(input, shape, weight, bias, "*, "));
  if (!IsFloatingPoint(input.dtype())) {
    return NotImplementedFor("LayerNormKernelImpl", input.dtype());
  }
  bool mixed = false;
  TANDEM_RETURN_IF_ERROR(CheckMixedDTypes(input, {weight, bias}, &mixed));
  const DType stats = mixed ? DType::kFloat : input.dtype();
  return input.dtype() == DType::kDouble
             ? LayerNormIn<double>(input, shape, weight, bias, eps, stats)
             : LayerNormIn<float>(input, shape, weight, bias, eps, stats);
}

template <typename C>
absl::StatusOr<Triple> GroupNormIn(const Tensor& input, const Tensor& weight,
                                   const Tensor& bias, int64_t n, int64_t c,
                                   int64_t area, int64_t groups, double eps,
                                   DType stats_dtype) {
  const DType dtype = DTypeOf<C>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input, dtype));
  Tensor w, b;
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(w, Contiguous(weight, dtype));
  }
  if (bias.defined()) {
    TANDEM_ASSIGN_OR_RETURN(b, Contiguous(bias, dtype));
  }
  const int64_t channels = c / groups;
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(x.sizes(), dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor mean, Tensor::Empty({n, groups}, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor rstd, Tensor::Empty({n, groups}, dtype));
  TANDEM_RETURN_IF_ERROR(
      ParallelFor(n * groups, 1, [&](int64_t begin, int64_t end) {
        for (int64_t g = begin; g < end; ++g) {
          const C* from = x.data<C>() + g * channels * area;
          C* to = out.data<C>() + g * channels * area;
          C m, s;
          if constexpr (std::is_same_v<C, float>) {
            GroupMoments(from, channels * area, eps, &m, &s);
          } else {
            MeanAndRstd(from, channels * area, eps, &m, &s);
          }
          mean.data<C>()[g] = m;
          rstd.data<C>()[g] = s;
          for (int64_t k = 0; k < channels; ++k) {
            const int64_t channel = g % groups * channels + k;
            const C scale = w.defined() ? s * w.data<C>()[channel] : s;
            const C offset = b.defined() ? b.data<C>()[channel] : C(0);
            if constexpr (std::is_same_v<C, float>) {
              FusedScaleRow(area, from, scale, FusedAdd(-m, scale, offset), to);
              from += area;
              to += area;
            } else {
              const C shift = offset - m * scale;
              for (int64_t i = 0; i < area; ++i) {
                *to++ = *from++ * scale + shift;
              }
            }
          }
        }
      }));
  TANDEM_ASSIGN_OR_RETURN(Tensor result, MatchLayout(out, input));
  TANDEM_ASSIGN_OR_RETURN(Tensor m, ToDType(mean, stats_dtype));
  TANDEM_ASSIGN_OR_RETURN(Tensor s, ToDType(rstd, stats_dtype));
  return Triple(std::move(result), std::move(m), std::move(s));
}

absl::Status CheckGroupNorm(const Tensor& input, const Tensor& weight,
                            const Tensor& bias, int64_t c, int64_t groups) {
  if (c <= 0) {
    return Invalid("Expected number of channels to be greater than 0, got ", c);
  }
  if (groups <= 0) {
    return Invalid("Expected num groups to be greater than 0, got ", groups);
  }
  const std::string shape = DimsToString(input.sizes());
  if (c % groups != 0) {
    return Invalid(
        "Expected number of channels in input to be divisible by num_groups, "
        "but got input of shape ",
        shape, " and num_groups=", groups);
  }
  for (const auto& [name, t] :
       {std::make_pair("weight", &weight), std::make_pair("bias", &bias)}) {
    if (t->defined() && (t->dim() != 1 || t->numel() != c)) {
      return Invalid("Expected ", name,
                     " to be a vector of size equal to the number of channels "
                     "in input, but got ",
                     name, " of shape ", DimsToString(t->sizes()),
                     " and input of shape ", shape);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Triple> NativeGroupNorm(const Tensor& input,
                                       const Tensor& weight, const Tensor& bias,
                                       int64_t n, int64_t c, int64_t area,
                                       int64_t groups, double eps) {
  TANDEM_RETURN_IF_ERROR(CheckGroupNorm(input, weight, bias, c, groups));
  TANDEM_ASSIGN_OR_RETURN(const int64_t numel, CheckedNumel({n, c, area}));
  if (numel != input.numel()) {
    return Invalid("Expected input of ", numel, " elements (N * C * HxW), got ",
                   input.numel());
  }
  if (area == 0) return Invalid("Expected HxW to be greater than 0, got 0");
  if (!IsFloatingPoint(input.dtype())) {
    return NotImplementedFor("GroupNormKernelImpl", input.dtype());
  }
  bool mixed = false;
  TANDEM_RETURN_IF_ERROR(CheckMixedDTypes(input, {weight, bias}, &mixed));
  const DType stats = mixed ? DType::kFloat : input.dtype();
  return input.dtype() == DType::kDouble
             ? GroupNormIn<double>(input, weight, bias, n, c, area, groups, eps,
                                   stats)
             : GroupNormIn<float>(input, weight, bias, n, c, area, groups, eps,
                                  stats);
}

absl::StatusOr<Tensor> GroupNorm(const Tensor& input, int64_t groups,
                                 const Tensor& weight, const Tensor& bias,
                                 double eps, bool) {
  if (input.dim() < 2) return WrapDim(1, input.dim()).status();
  const int64_t n = input.size(0), c = input.size(1);
  int64_t area = 1;
  for (int64_t d = 2; d < input.dim(); ++d) area *= input.size(d);
  TANDEM_ASSIGN_OR_RETURN(
      Triple r, NativeGroupNorm(input, weight, bias, n, c, area, groups, eps));
  return std::get<0>(std::move(r));
}

// x / sqrt(mean(x^2) + eps) * weight; also 1 / sqrt(…) of each row.
absl::StatusOr<std::tuple<Tensor, Tensor>> RmsNormRows(
    const Tensor& input, Ints shape, const Tensor& weight,
    std::optional<double> eps) {
  TANDEM_RETURN_IF_ERROR(
      CheckNormalizedShape(input, shape, weight, Tensor(), "*"));
  if (!IsFloatingPoint(input.dtype()) && !IsComplex(input.dtype())) {
    return NotImplementedFor("rms_norm", input.dtype());
  }
  const DType c = ComputeDType(input.dtype());
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input, c));
  int64_t n = 1;
  for (int64_t s : shape) n *= s;
  Dims stats_sizes(input.sizes().begin(), input.sizes().end());
  for (size_t i = stats_sizes.size() - shape.size(); i < stats_sizes.size();
       ++i) {
    stats_sizes[i] = 1;
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(x.sizes(), c));
  TANDEM_ASSIGN_OR_RETURN(Tensor rstd, Tensor::Empty(stats_sizes, c));
  const int64_t rows = rstd.numel();
  TANDEM_RETURN_IF_ERROR(
      VisitFloatingAndComplex(c, "rms_norm", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
          return NotImplementedFor("rms_norm", c);
        } else {
          using R = decltype(std::abs(T()));
          const R e =
              static_cast<R>(eps.value_or(std::numeric_limits<R>::epsilon()));
          return ParallelFor(
              rows, std::max<int64_t>(1, 16384 / std::max<int64_t>(n, 1)),
              [&](int64_t begin, int64_t end) {
                for (int64_t r = begin; r < end; ++r) {
                  const T* from = x.data<T>() + r * n;
                  T* to = out.data<T>() + r * n;
                  T sum(0);
                  if constexpr (std::is_same_v<T, float>) {
                    for (int64_t i = 0; i < n; ++i) to[i] = from[i] * from[i];
                    sum = CascadeSum(n, to, 1);
                  } else {
                    for (int64_t i = 0; i < n; ++i) sum += from[i] * from[i];
                  }
                  const T scale = T(1) / std::sqrt(sum / static_cast<R>(n) + e);
                  rstd.data<T>()[r] = scale;
                  for (int64_t i = 0; i < n; ++i) to[i] = from[i] * scale;
                }
              });
        }
      }));
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(out, Multiply(out, weight));
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor result, MatchLayout(out, input));
  return std::make_tuple(std::move(result), std::move(rstd));
}

absl::StatusOr<Tensor> RmsNorm(const Tensor& input, Ints shape,
                               const Tensor& weight,
                               std::optional<double> eps) {
  TANDEM_ASSIGN_OR_RETURN(auto r, RmsNormRows(input, shape, weight, eps));
  return std::get<0>(std::move(r));
}

}  // namespace

absl::StatusOr<Tensor> LayerNorm(const Tensor& input, Ints shape,
                                 const Tensor& weight, const Tensor& bias,
                                 double eps, bool) {
  TANDEM_ASSIGN_OR_RETURN(Triple r,
                          NativeLayerNorm(input, shape, weight, bias, eps));
  return std::get<0>(std::move(r));
}

void RegisterLayerNorm(KernelRegistrar& r) {
  r.Add("aten::layer_norm", &LayerNorm)
      .Add("aten::native_layer_norm", &NativeLayerNorm)
      .Add("aten::native_layer_norm.out", &Variants<NativeLayerNorm>::Out)
      .Add("aten::group_norm", &GroupNorm)
      .Add("aten::native_group_norm", &NativeGroupNorm)
      .Add("aten::native_group_norm.out", &Variants<NativeGroupNorm>::Out)
      .Add("aten::rms_norm", &RmsNorm)
      .Add("aten::_fused_rms_norm", &RmsNormRows);
}

}  // namespace tandem::reference
