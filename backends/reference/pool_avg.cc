// avg_pool and adaptive_avg_pool over one to three dims.
#include <cmath>

#include "tandem/backends/reference/conv.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/pool.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/pool_shapes.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Ints = absl::Span<const int64_t>;

// Sum of a box of a plane.
template <typename S, typename T>
S BoxSum(const WindowGeometry& g, const T* x, const int64_t (&s)[3],
         const int64_t (&e)[3]) {
  S sum = 0;
  for (int64_t d = s[0]; d < e[0]; ++d) {
    for (int64_t h = s[1]; h < e[1]; ++h) {
      const T* row = x + (d * g.in[1] + h) * g.in[2];
      for (int64_t w = s[2]; w < e[2]; ++w) sum += row[w];
    }
  }
  return sum;
}

// Mean of integers of a quantized tensor: around the zero point, to nearest
// even, kept in range.
template <typename T>
T QuantizedMean(int64_t sum, int64_t elements, int64_t divisor,
                int64_t zero_point) {
  const double mean =
      static_cast<double>(sum - elements * zero_point) / divisor;
  double q = std::nearbyint(mean) + static_cast<double>(zero_point);
  q = std::max<double>(q, std::numeric_limits<T>::lowest());
  q = std::min<double>(q, std::numeric_limits<T>::max());
  return static_cast<T>(q);
}

// box(o, start, end) gives the window of output o and returns its divisor.
template <typename Box>
absl::Status Average(const Tensor& self, const Tensor& x, const Tensor& out,
                     const WindowGeometry& g, int64_t planes, int64_t work,
                     absl::string_view op, Box box) {
  const bool quantized = self.is_quantized();
  const int64_t zero_point = quantized ? self.impl()->quantizer->zero_point : 0;
  auto run = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    return ParallelFor(
        planes, std::max<int64_t>(1, 32768 / std::max<int64_t>(work, 1)),
        [&](int64_t begin, int64_t end) {
          for (int64_t p = begin; p < end; ++p) {
            const T* from = x.data<T>() + p * g.in_size();
            T* to = out.data<T>() + p * g.out_size();
            int64_t o = 0;
            for (int64_t od = 0; od < g.out[0]; ++od) {
              for (int64_t oh = 0; oh < g.out[1]; ++oh) {
                for (int64_t ow = 0; ow < g.out[2]; ++ow, ++o) {
                  const int64_t at[3] = {od, oh, ow};
                  int64_t s[3], e[3];
                  const int64_t divisor = box(at, s, e);
                  const bool none =
                      s[0] >= e[0] || s[1] >= e[1] || s[2] >= e[2];
                  if constexpr (std::is_floating_point_v<T>) {
                    to[o] = none ? T(0)
                                 : BoxSum<T>(g, from, s, e) /
                                       static_cast<T>(divisor);
                  } else if (none) {
                    to[o] = static_cast<T>(zero_point);
                  } else {
                    const int64_t sum =
                        static_cast<int64_t>(BoxSum<uint64_t>(g, from, s, e));
                    const int64_t n =
                        (e[0] - s[0]) * (e[1] - s[1]) * (e[2] - s[2]);
                    to[o] = quantized
                                ? QuantizedMean<T>(sum, n, divisor, zero_point)
                            : divisor == -1
                                ? static_cast<T>(uint64_t{0} -
                                                 static_cast<uint64_t>(sum))
                                : static_cast<T>(sum / divisor);
                  }
                }
              }
            }
          }
        });
  };
  switch (x.dtype()) {
    case DType::kFloat:
      return run(TypeTag<float>{});
    case DType::kDouble:
      return run(TypeTag<double>{});
    case DType::kInt64:
      return run(TypeTag<int64_t>{});
    case DType::kUInt8:
      return run(TypeTag<uint8_t>{});
    case DType::kInt8:
      return run(TypeTag<int8_t>{});
    case DType::kInt32:
      return run(TypeTag<int32_t>{});
    default:
      return NotImplementedFor(op, self.dtype());
  }
}

absl::StatusOr<Tensor> AvgPool(const Tensor& self, const PoolParams& p,
                               const Dims& sizes, bool count_include_pad,
                               std::optional<int64_t> divisor_override) {
  const int64_t rank = static_cast<int64_t>(p.kernel.size());
  const absl::string_view op =
      rank == 2 ? "avg_pool2d" : "avg_pool3d_out_frame";
  if (!IsFloatingPoint(self.dtype()) && self.dtype() != DType::kInt64 &&
      !self.is_quantized()) {
    return NotImplementedFor(op, self.dtype());
  }
  if (rank == 3 && ComputeDType(self.dtype()) != self.dtype()) {
    return NotImplementedFor(op, self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, PoolOperand(self));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, x.dtype()));
  const WindowGeometry g =
      MakeGeometry(self.sizes().last(rank), DimSpan(sizes).last(rank), p.kernel,
                   p.stride, p.padding, p.dilation);
  auto box = [&](const int64_t(&at)[3], int64_t(&s)[3], int64_t(&e)[3]) {
    int64_t padded = 1, inside = 1;
    for (int i = 0; i < 3; ++i) {
      s[i] = at[i] * g.stride[i] - g.padding[i];
      e[i] = std::min(s[i] + g.kernel[i], g.in[i] + g.padding[i]);
      padded *= e[i] - s[i];
      s[i] = std::max<int64_t>(s[i], 0);
      e[i] = std::min(e[i], g.in[i]);
      inside *= e[i] - s[i];
    }
    if (divisor_override.has_value()) return *divisor_override;
    return count_include_pad ? padded : inside;
  };
  TANDEM_RETURN_IF_ERROR(Average(
      self, x, out, g, out.numel() == 0 ? 0 : PlaneCount(x, rank),
      g.out_size() * std::min<int64_t>(g.kernel_size(), 1 << 20), op, box));
  return PoolResult(out, self);
}

template <int kRank>
absl::StatusOr<Tensor> AvgPoolNd(const Tensor& self, Ints kernel, Ints stride,
                                 Ints padding, bool ceil_mode,
                                 bool count_include_pad,
                                 std::optional<int64_t> divisor_override) {
  TANDEM_ASSIGN_OR_RETURN(
      const PoolParams p,
      MakePoolParams(kRank == 2 ? "avg_pool2d" : "avg_pool3d", kRank, kernel,
                     stride, padding, {}, ceil_mode));
  if (divisor_override.has_value() && *divisor_override == 0) {
    return Invalid("divisor must be not zero");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, PoolSizes(self.sizes(), p, false));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out,
      AvgPool(self, p, sizes, count_include_pad, divisor_override));
  // Three dims come contiguous whatever the input's layout.
  return kRank == 3 ? Contiguous(out) : absl::StatusOr<Tensor>(out);
}

absl::StatusOr<Tensor> AvgPool1d(const Tensor& self, Ints kernel, Ints stride,
                                 Ints padding, bool ceil_mode,
                                 bool count_include_pad) {
  if (self.dim() != 2 && self.dim() != 3) {
    return Invalid("Expected 2 to 3 dimensions, but got ", self.dim(),
                   "-dimensional tensor for argument #1 'self' (while checking "
                   "arguments for avg_pool1d)");
  }
  if (stride.empty()) stride = kernel;
  for (const auto& [name, v] :
       {std::make_pair("kernel_size", kernel), std::make_pair("stride", stride),
        std::make_pair("padding", padding)}) {
    if (v.size() != 1) {
      return Invalid("avg_pool1d() argument '", name,
                     "' should contain one int (got ", v.size(), ")");
    }
  }
  const int64_t at = self.dim() - 1;
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out, AvgPoolNd<2>(UnsqueezeView(self, at), {1, kernel[0]},
                                     {1, stride[0]}, {0, padding[0]}, ceil_mode,
                                     count_include_pad, std::nullopt));
  return SelectView(out, at, 0);
}

// Windows of three dims over a 16-bit type T, which is rounded after each term
// and each of the three divisions. `box` gives a window's bounds.
template <typename T, typename Box>
absl::Status AverageStepwise(const Tensor& x, const Tensor& out,
                             const WindowGeometry& g, int64_t planes,
                             const Box& box) {
  const auto round = [](float v) { return static_cast<float>(T(v)); };
  return ParallelFor(planes, 1, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      const float* from = x.data<float>() + p * g.in_size();
      float* to = out.data<float>() + p * g.out[0] * g.out[1] * g.out[2];
      for (int64_t a = 0; a < g.out[0]; ++a) {
        for (int64_t b = 0; b < g.out[1]; ++b) {
          for (int64_t c = 0; c < g.out[2]; ++c) {
            int64_t s[3], e[3];
            box({a, b, c}, s, e);
            float sum = 0;
            for (int64_t i = s[0]; i < e[0]; ++i) {
              for (int64_t j = s[1]; j < e[1]; ++j) {
                for (int64_t k = s[2]; k < e[2]; ++k) {
                  sum = round(sum + from[(i * g.in[1] + j) * g.in[2] + k]);
                }
              }
            }
            for (int d = 0; d < 3; ++d) {
              sum = round(sum / round(static_cast<float>(e[d] - s[d])));
            }
            *to++ = sum;
          }
        }
      }
    }
  });
}

absl::StatusOr<Tensor> AdaptiveAvg(absl::string_view op, absl::string_view name,
                                   const Tensor& self, Ints output_size,
                                   int64_t rank) {
  TANDEM_ASSIGN_OR_RETURN(
      const Dims sizes,
      AdaptivePoolSizes(op, self.sizes(), output_size, false));
  bool whole = true;  // a mean over everything
  for (int64_t s : output_size) whole &= s == 1;
  if (!IsFloatingPoint(self.dtype()) && !self.is_quantized()) {
    if (whole) {
      return absl::UnimplementedError(absl::StrCat(
          "mean(): could not infer output dtype. Input dtype must be either a "
          "floating point or complex dtype. Got: ",
          TypeName(self.dtype())));
    }
    return NotImplementedFor(name, self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, PoolOperand(self));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, x.dtype()));
  const Dims ones(rank, 1), zeros(rank, 0);
  const WindowGeometry g =
      MakeGeometry(self.sizes().last(rank), DimSpan(sizes).last(rank), ones,
                   ones, zeros, ones);
  auto box = [&](const int64_t(&at)[3], int64_t(&s)[3], int64_t(&e)[3]) {
    int64_t size = 1;
    for (int i = 0; i < 3; ++i) {
      s[i] = (at[i] / g.out[i]) * g.in[i] +
             (at[i] % g.out[i]) * g.in[i] / g.out[i];
      e[i] = 1 + ((at[i] + 1) * g.in[i] - 1) / g.out[i];
      size *= e[i] - s[i];
    }
    return size;
  };
  const int64_t planes = out.numel() == 0 ? 0 : PlaneCount(x, rank);
  if (rank == 3 && !whole && self.dtype() == DType::kHalf) {
    TANDEM_RETURN_IF_ERROR(AverageStepwise<Half>(x, out, g, planes, box));
  } else if (rank == 3 && !whole && self.dtype() == DType::kBFloat16) {
    TANDEM_RETURN_IF_ERROR(AverageStepwise<BFloat16>(x, out, g, planes, box));
  } else {
    TANDEM_RETURN_IF_ERROR(
        Average(self, x, out, g, planes, g.in_size(), name, box));
  }
  TANDEM_ASSIGN_OR_RETURN(out, PoolResult(out, self));
  return rank == 3 ? Contiguous(out) : absl::StatusOr<Tensor>(out);
}

absl::StatusOr<Tensor> AdaptiveAvgPool1d(const Tensor& self, Ints size) {
  // Computed as one of two dims, which its text gives away.
  if (size.size() == 1 && size[0] < 0 && (self.dim() == 2 || self.dim() == 3)) {
    return Invalid(
        "adaptive_avg_pool2d: elements of output_size must be greater than or "
        "equal to 0 but received {1, ",
        size[0], "}");
  }
  return AdaptiveAvg("adaptive_avg_pool1d", "adaptive_avg_pool2d", self, size,
                     1);
}
absl::StatusOr<Tensor> AdaptiveAvgPool2d(const Tensor& self, Ints size) {
  return AdaptiveAvg("adaptive_avg_pool2d", "adaptive_avg_pool2d", self, size,
                     2);
}
absl::StatusOr<Tensor> AdaptiveAvgPool3d(const Tensor& self, Ints size) {
  return AdaptiveAvg("adaptive_avg_pool3d", "adaptive_avg_pool3d_cpu", self,
                     size, 3);
}

}  // namespace

void RegisterAvgPool(KernelRegistrar& r) {
  r.Add("aten::avg_pool1d", &AvgPool1d)
      .Add("aten::avg_pool1d.out", &Variants<AvgPool1d>::Out)
      .Add("aten::avg_pool2d", &AvgPoolNd<2>)
      .Add("aten::avg_pool2d.out", &Variants<AvgPoolNd<2>>::OutExact)
      .Add("aten::avg_pool3d", &AvgPoolNd<3>)
      .Add("aten::avg_pool3d.out", &Variants<AvgPoolNd<3>>::OutExact)
      .Add("aten::adaptive_avg_pool1d", &AdaptiveAvgPool1d)
      .Add("aten::adaptive_avg_pool1d.out", &Variants<AdaptiveAvgPool1d>::Out)
      .Add("aten::adaptive_avg_pool2d", &AdaptiveAvgPool2d)
      .Add("aten::adaptive_avg_pool2d.out", &Variants<AdaptiveAvgPool2d>::Out)
      .Add("aten::_adaptive_avg_pool2d", &AdaptiveAvgPool2d)
      .Add("aten::_adaptive_avg_pool2d.out", &Variants<AdaptiveAvgPool2d>::Out)
      .Add("aten::adaptive_avg_pool3d", &AdaptiveAvgPool3d)
      .Add("aten::adaptive_avg_pool3d.out", &Variants<AdaptiveAvgPool3d>::Out)
      .Add("aten::_adaptive_avg_pool3d", &AdaptiveAvgPool3d)
      .Add("aten::_adaptive_avg_pool3d.out", &Variants<AdaptiveAvgPool3d>::Out);
}

}  // namespace tandem::reference
