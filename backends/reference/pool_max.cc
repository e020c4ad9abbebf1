// max_pool and adaptive_max_pool over one to three dims.
#include <limits>
#include <tuple>

#include "tandem/backends/reference/conv.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/pool.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/conv_shapes.h"
#include "tandem/ir/operators/pool_shapes.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

absl::StatusOr<Tensor> PoolOperand(const Tensor& t) {
  if (!t.is_quantized()) return Contiguous(t, ComputeDType(t.dtype()));
  Tensor ints = t.Alias();
  ints.impl()->quantizer = nullptr;
  ints.impl()->dtype = t.dtype() == DType::kQInt8    ? DType::kInt8
                       : t.dtype() == DType::kQInt32 ? DType::kInt32
                                                     : DType::kUInt8;
  return Contiguous(ints);
}

absl::StatusOr<Tensor> PoolResult(const Tensor& computed, const Tensor& input) {
  Tensor result = computed;
  if (computed.dim() == input.dim() &&
      LooksChannelsLast(input.sizes(), input.strides())) {
    TANDEM_ASSIGN_OR_RETURN(
        result, Tensor::EmptyStrided(
                    computed.sizes(), ChannelsLastStrides(computed.sizes()),
                    input.is_quantized() ? computed.dtype() : input.dtype()));
    TANDEM_RETURN_IF_ERROR(CopyElements(computed, result));
  } else if (!input.is_quantized()) {
    return ToDType(computed, input.dtype());
  }
  if (input.is_quantized()) {
    result.impl()->dtype = input.dtype();
    result.impl()->quantizer = input.impl()->quantizer;
  }
  return result;
}

int64_t PlaneCount(const Tensor& t, int64_t rank) {
  int64_t n = 1;
  for (int64_t d = 0; d < t.dim() - rank; ++d) n *= t.size(d);
  return n;
}

namespace {

using Ints = absl::Span<const int64_t>;
using Pair = std::tuple<Tensor, Tensor>;

template <typename T>
inline bool Greater(T x, T best) {
  if constexpr (std::is_floating_point_v<T>) {
    return x > best || x != x;  // a NaN wins
  } else {
    return x > best;
  }
}

template <typename T>
constexpr T Lowest() {
  if constexpr (std::is_floating_point_v<T>) {
    return -std::numeric_limits<T>::infinity();
  } else {
    return std::numeric_limits<T>::lowest();
  }
}

template <typename T, bool kIndices>
void MaxPlane(const WindowGeometry& g, const T* x, T* out, int64_t* index) {
  auto start = [&](int i, int64_t o) {
    int64_t s = o * g.stride[i] - g.padding[i];
    while (s < 0) s += g.dilation[i];
    return s;
  };
  auto end = [&](int i, int64_t o) {
    return std::min(
        o * g.stride[i] - g.padding[i] + (g.kernel[i] - 1) * g.dilation[i] + 1,
        g.in[i]);
  };
  for (int64_t od = 0; od < g.out[0]; ++od) {
    const int64_t d0 = start(0, od), d1 = end(0, od);
    for (int64_t oh = 0; oh < g.out[1]; ++oh) {
      const int64_t h0 = start(1, oh), h1 = end(1, oh);
      for (int64_t ow = 0; ow < g.out[2]; ++ow) {
        const int64_t w0 = start(2, ow), w1 = end(2, ow);
        T best = Lowest<T>();
        int64_t at = (d0 * g.in[1] + h0) * g.in[2] + w0;
        for (int64_t d = d0; d < d1; d += g.dilation[0]) {
          for (int64_t h = h0; h < h1; h += g.dilation[1]) {
            const int64_t row = (d * g.in[1] + h) * g.in[2];
            for (int64_t w = w0; w < w1; w += g.dilation[2]) {
              const T v = x[row + w];
              if (Greater(v, best)) {
                best = v;
                if (kIndices) at = row + w;
              }
            }
          }
        }
        *out++ = best;
        if (kIndices) *index++ = at;
      }
    }
  }
}

// Runs body(T, plane) for each plane, side by side.
template <typename Body>
absl::Status ForPlanes(DType dtype, absl::string_view op, int64_t planes,
                       int64_t work, Body body) {
  return VisitReal(dtype, op, [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>) {
      return NotImplementedFor(op, dtype);  // came as float
    } else {
      return ParallelFor(
          planes, std::max<int64_t>(1, 32768 / std::max<int64_t>(work, 1)),
          [&](int64_t begin, int64_t end) {
            for (int64_t p = begin; p < end; ++p) body(tag, p);
          });
    }
  });
}

absl::StatusOr<Pair> MaxPool(const Tensor& self, const PoolParams& p,
                             const Dims& sizes, bool indices,
                             absl::string_view op) {
  const int64_t rank = static_cast<int64_t>(p.kernel.size());
  if (!self.is_quantized() && !IsFloatingPoint(self.dtype()) &&
      !IsIntegral(self.dtype(), false)) {
    return NotImplementedFor(op, self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, PoolOperand(self));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, x.dtype()));
  Tensor index;
  if (indices) {
    TANDEM_ASSIGN_OR_RETURN(index, Tensor::Empty(sizes, DType::kInt64));
  }
  const WindowGeometry g =
      MakeGeometry(self.sizes().last(rank), DimSpan(sizes).last(rank), p.kernel,
                   p.stride, p.padding, p.dilation);
  TANDEM_RETURN_IF_ERROR(ForPlanes(
      x.dtype(), op, out.numel() == 0 ? 0 : PlaneCount(x, rank),
      g.out_size() * g.kernel_size(), [&](auto tag, int64_t plane) {
        using T = typename decltype(tag)::type;
        const T* from = x.data<T>() + plane * g.in_size();
        T* to = out.data<T>() + plane * g.out_size();
        if (indices) {
          MaxPlane<T, true>(g, from, to,
                            index.data<int64_t>() + plane * g.out_size());
        } else {
          MaxPlane<T, false>(g, from, to, nullptr);
        }
      }));
  TANDEM_ASSIGN_OR_RETURN(out, PoolResult(out, self));
  if (indices && out.strides() != index.strides()) {
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor moved,
        Tensor::EmptyStrided(index.sizes(), out.strides(), DType::kInt64));
    TANDEM_RETURN_IF_ERROR(CopyElements(index, moved));
    index = moved;
  }
  return Pair(std::move(out), std::move(index));
}

template <int kRank>
absl::StatusOr<Pair> MaxPoolNd(const Tensor& self, Ints kernel, Ints stride,
                               Ints padding, Ints dilation, bool ceil_mode,
                               bool indices) {
  constexpr absl::string_view op = kRank == 2 ? "max_pool2d" : "max_pool3d";
  TANDEM_ASSIGN_OR_RETURN(
      const PoolParams p,
      MakePoolParams(op, kRank, kernel, stride, padding, dilation, ceil_mode));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, PoolSizes(self.sizes(), p, true));
  return MaxPool(self, p, sizes, indices, op);
}

template <int kRank>
absl::StatusOr<Pair> MaxPoolWithIndices(const Tensor& self, Ints kernel,
                                        Ints stride, Ints padding,
                                        Ints dilation, bool ceil_mode) {
  return MaxPoolNd<kRank>(self, kernel, stride, padding, dilation, ceil_mode,
                          true);
}

template <int kRank>
absl::StatusOr<Tensor> MaxPoolPlain(const Tensor& self, Ints kernel,
                                    Ints stride, Ints padding, Ints dilation,
                                    bool ceil_mode) {
  TANDEM_ASSIGN_OR_RETURN(
      Pair r, MaxPoolNd<kRank>(self, kernel, stride, padding, dilation,
                               ceil_mode, false));
  return std::get<0>(std::move(r));
}

absl::StatusOr<Tensor> MaxPool1d(const Tensor& self, Ints kernel, Ints stride,
                                 Ints padding, Ints dilation, bool ceil_mode) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          MaxPool1dSizes(self.sizes(), kernel, stride, padding,
                                         dilation, ceil_mode));
  if (!self.is_quantized() && !IsFloatingPoint(self.dtype())) {
    return NotImplementedFor("max_pool1d_impl", self.dtype());
  }
  PoolParams p;
  p.kernel = {kernel[0]};
  p.stride = {stride.empty() ? kernel[0] : stride[0]};
  p.padding = {padding[0]};
  p.dilation = {dilation[0]};
  TANDEM_ASSIGN_OR_RETURN(Pair r,
                          MaxPool(self, p, sizes, false, "max_pool1d_impl"));
  return std::get<0>(std::move(r));
}

// As torch: two dims of which the first has size 1.
absl::StatusOr<Pair> MaxPool1dWithIndices(const Tensor& self, Ints kernel,
                                          Ints stride, Ints padding,
                                          Ints dilation, bool ceil_mode) {
  if (self.dim() != 2 && self.dim() != 3) {
    return Invalid("Expected 2 to 3 dimensions, but got ", self.dim(),
                   "-dimensional tensor for argument #1 'self' (while checking "
                   "arguments for max_pool1d)");
  }
  for (const auto& [name, v] : {std::make_pair("kernel_size", kernel),
                                std::make_pair("padding", padding),
                                std::make_pair("dilation", dilation)}) {
    if (v.size() != 1) {
      return Invalid("max_pool1d() argument '", name,
                     "' should contain one int (got ", v.size(), ")");
    }
  }
  if (stride.empty()) stride = kernel;
  if (stride.size() != 1) {
    return Invalid(
        "max_pool1d() argument 'stride' should contain one int (got ",
        stride.size(), ")");
  }
  const int64_t at = self.dim() - 1;
  TANDEM_ASSIGN_OR_RETURN(
      Pair r,
      MaxPoolNd<2>(UnsqueezeView(self, at), {1, kernel[0]}, {1, stride[0]},
                   {0, padding[0]}, {1, dilation[0]}, ceil_mode, true));
  return Pair(SelectView(std::get<0>(r), at, 0),
              SelectView(std::get<1>(r), at, 0));
}

// Windows of adaptive pooling along one dim.
int64_t AdaptiveStart(int64_t o, int64_t out, int64_t in) {
  return (o / out) * in + ((o % out) * in) / out;
}
int64_t AdaptiveEnd(int64_t o, int64_t out, int64_t in) {
  return 1 + ((o + 1) * in - 1) / out;
}

absl::StatusOr<Pair> AdaptiveMax(absl::string_view op, absl::string_view name,
                                 const Tensor& self, Ints output_size,
                                 int64_t rank) {
  TANDEM_ASSIGN_OR_RETURN(
      const Dims sizes, AdaptivePoolSizes(op, self.sizes(), output_size, true));
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor(name, self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, PoolOperand(self));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty(sizes, x.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor index, Tensor::Empty(sizes, DType::kInt64));
  const Dims ones(rank, 1), zeros(rank, 0);
  const WindowGeometry g =
      MakeGeometry(self.sizes().last(rank), DimSpan(sizes).last(rank), ones,
                   ones, zeros, ones);
  TANDEM_RETURN_IF_ERROR(ForPlanes(
      x.dtype(), name, out.numel() == 0 ? 0 : PlaneCount(x, rank), g.in_size(),
      [&](auto tag, int64_t plane) {
        using T = typename decltype(tag)::type;
        const T* from = x.data<T>() + plane * g.in_size();
        T* to = out.data<T>() + plane * g.out_size();
        int64_t* at = index.data<int64_t>() + plane * g.out_size();
        for (int64_t o = 0; o < g.out_size(); ++o) {
          const int64_t pos[3] = {o / (g.out[1] * g.out[2]),
                                  o / g.out[2] % g.out[1], o % g.out[2]};
          int64_t s[3], e[3];
          for (int i = 0; i < 3; ++i) {
            s[i] = AdaptiveStart(pos[i], g.out[i], g.in[i]);
            e[i] = AdaptiveEnd(pos[i], g.out[i], g.in[i]);
          }
          T best = Lowest<T>();
          int64_t best_at = (s[0] * g.in[1] + s[1]) * g.in[2] + s[2];
          for (int64_t d = s[0]; d < e[0]; ++d) {
            for (int64_t h = s[1]; h < e[1]; ++h) {
              const int64_t row = (d * g.in[1] + h) * g.in[2];
              for (int64_t w = s[2]; w < e[2]; ++w) {
                if (Greater(from[row + w], best)) {
                  best = from[row + w];
                  best_at = row + w;
                }
              }
            }
          }
          to[o] = best;
          at[o] = best_at;
        }
      }));
  if (rank == 3) {  // contiguous whatever the input's layout
    TANDEM_ASSIGN_OR_RETURN(out, ToDType(out, self.dtype()));
    return Pair(std::move(out), std::move(index));
  }
  TANDEM_ASSIGN_OR_RETURN(out, PoolResult(out, self));
  if (out.strides() != index.strides()) {
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor moved,
        Tensor::EmptyStrided(index.sizes(), out.strides(), DType::kInt64));
    TANDEM_RETURN_IF_ERROR(CopyElements(index, moved));
    index = moved;
  }
  return Pair(std::move(out), std::move(index));
}

absl::StatusOr<Pair> AdaptiveMaxPool1d(const Tensor& self, Ints output_size) {
  // Computed as one of two dims, which its text gives away.
  if (output_size.size() == 1 && output_size[0] < 0 &&
      (self.dim() == 2 || self.dim() == 3) && self.size(self.dim() - 1) != 0) {
    Dims sizes(self.sizes().begin(), self.sizes().end() - 1);
    sizes.insert(sizes.end(), {1, output_size[0]});
    return Invalid("Trying to create tensor with negative dimension ",
                   output_size[0], ": ", DimsToString(sizes));
  }
  return AdaptiveMax("adaptive_max_pool1d", "adaptive_max_pool2d", self,
                     output_size, 1);
}
absl::StatusOr<Pair> AdaptiveMaxPool2d(const Tensor& self, Ints output_size) {
  return AdaptiveMax("adaptive_max_pool2d", "adaptive_max_pool2d", self,
                     output_size, 2);
}
absl::StatusOr<Pair> AdaptiveMaxPool3d(const Tensor& self, Ints output_size) {
  return AdaptiveMax("adaptive_max_pool3d", "adaptive_max_pool3d_cpu", self,
                     output_size, 3);
}

}  // namespace

void RegisterMaxPool(KernelRegistrar& r) {
  r.Add("aten::max_pool1d", &MaxPool1d)
      .Add("aten::max_pool1d_with_indices", &MaxPool1dWithIndices)
      .Add("aten::max_pool2d", &MaxPoolPlain<2>)
      .Add("aten::max_pool2d_with_indices", &MaxPoolWithIndices<2>)
      .Add("aten::max_pool2d_with_indices.out",
           &Variants<MaxPoolWithIndices<2>>::Out)
      .Add("aten::max_pool3d", &MaxPoolPlain<3>)
      .Add("aten::max_pool3d_with_indices", &MaxPoolWithIndices<3>)
      .Add("aten::max_pool3d_with_indices.out",
           &Variants<MaxPoolWithIndices<3>>::Out)
      .Add("aten::quantized_max_pool1d", &MaxPool1d)
      .Add("aten::quantized_max_pool2d", &MaxPoolPlain<2>)
      .Add("aten::quantized_max_pool3d", &MaxPoolPlain<3>)
      .Add("aten::adaptive_max_pool1d", &AdaptiveMaxPool1d)
      .Add("aten::adaptive_max_pool2d", &AdaptiveMaxPool2d)
      .Add("aten::adaptive_max_pool2d.out", &Variants<AdaptiveMaxPool2d>::Out)
      .Add("aten::adaptive_max_pool3d", &AdaptiveMaxPool3d)
      .Add("aten::adaptive_max_pool3d.out", &Variants<AdaptiveMaxPool3d>::Out);
}

absl::Status RegisterPool(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  RegisterMaxPool(r);
  RegisterAvgPool(r);
  RegisterFractionalPool(r);
  return r.status();
}

}  // namespace tandem::reference
