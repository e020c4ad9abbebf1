// Pooling over 1 to 3 dims: a thread an element of the result.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/prelude.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/ir/operators/pool_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using Result = absl::StatusOr<Tensor>;

struct PoolArgs {
  DevicePointer x, y, indices;
  int64_t planes, divisor, include_pad;
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
};

constexpr char kPoolKernel[] = R"(
struct Args {
  const E* x; E* y; i64* indices;
  i64 planes, divisor, include_pad;
  i64 in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
};
TANDEM_KERNEL(Args) {
  const i64 in = args.in[0] * args.in[1] * args.in[2];
  const i64 out = args.out[0] * args.out[1] * args.out[2];
  for (i64 e = (i64)blockIdx.x * blockDim.x + threadIdx.x;
       e < args.planes * out; e += (i64)gridDim.x * blockDim.x) {
    const E* x = args.x + e / out * in;
    i64 at[3];
    at[2] = e % args.out[2];
    at[1] = e / args.out[2] % args.out[1];
    at[0] = e % out / (args.out[2] * args.out[1]);
    i64 first[3], last[3], step[3], padded = 1;
    for (int d = 0; d < 3; ++d) {
#if ADAPTIVE
      first[d] = at[d] * args.in[d] / args.out[d];
      last[d] = ((at[d] + 1) * args.in[d] + args.out[d] - 1) / args.out[d];
      step[d] = 1;
      padded *= last[d] - first[d];
#else
      first[d] = at[d] * args.stride[d] - args.padding[d];
      step[d] = args.dilation[d];
      last[d] = first[d] + (args.kernel[d] - 1) * step[d] + 1;
      const i64 bound = args.in[d] + args.padding[d];
      padded *= (last[d] < bound ? last[d] : bound) - first[d];
      while (first[d] < 0) first[d] += step[d];
      if (last[d] > args.in[d]) last[d] = args.in[d];
#endif
    }
#if IS_MAX
    T best = LOWEST;
    i64 where = (first[0] * args.in[1] + first[1]) * args.in[2] + first[2];
    for (i64 i = first[0]; i < last[0]; i += step[0])
      for (i64 j = first[1]; j < last[1]; j += step[1])
        for (i64 k = first[2]; k < last[2]; k += step[2]) {
          const i64 p = (i * args.in[1] + j) * args.in[2] + k;
          const T v = Cast<T, E>::Of(x[p]);
          if (v > best || v != v) {
            best = v;
            where = p;
          }
        }
    args.y[e] = Cast<E, T>::Of(best);
    if (args.indices) args.indices[e] = where;
#else
    T sum = 0;
    i64 count = 0;
    for (i64 i = first[0]; i < last[0]; ++i)
      for (i64 j = first[1]; j < last[1]; ++j)
        for (i64 k = first[2]; k < last[2]; ++k, ++count) {
          sum += Cast<T, E>::Of(x[(i * args.in[1] + j) * args.in[2] + k]);
        }
    if (args.include_pad) count = padded;
    if (args.divisor) count = args.divisor;
    args.y[e] = Cast<E, T>::Of(sum / (T)count);
#endif
  }
}
)";

struct Pool {
  bool max = false, adaptive = false;
  int64_t divisor = 0;
  bool include_pad = false;
  PoolParams params;
};

bool IsPooled(const Tensor& t, int64_t rank) {
  return t.defined() && IsOnCuda(t) && !t.is_sparse() && !t.is_quantized() &&
         IsFloatingPoint(t.dtype()) && !CodeType(t.dtype()).empty() &&
         (t.dim() == rank + 1 || t.dim() == rank + 2);
}

absl::Status RunPool(Gpu& gpu, const Pool& pool, const Tensor& input,
                     int64_t rank, const Tensor& y, const Tensor& indices) {
  if (y.numel() == 0) return absl::OkStatus();
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousOnGpu(gpu, input));
  PoolArgs args = {};
  args.x = AddressOf(x);
  args.y = AddressOf(y);
  args.indices = indices.defined() ? AddressOf(indices) : 0;
  args.planes = 1;
  for (int64_t d = 0; d < x.dim() - rank; ++d) args.planes *= x.size(d);
  args.divisor = pool.divisor;
  args.include_pad = pool.include_pad ? 1 : 0;
  for (int64_t d = 0; d < 3; ++d) {
    const int64_t s = d - (3 - rank);
    const int64_t own = x.dim() - rank + s;
    args.in[d] = s < 0 ? 1 : x.size(own);
    args.out[d] = s < 0 ? 1 : y.size(own);
    const bool plain = s < 0 || pool.adaptive;
    args.kernel[d] = plain ? 1 : pool.params.kernel[s];
    args.stride[d] = plain ? 1 : pool.params.stride[s];
    args.padding[d] = plain ? 0 : pool.params.padding[s];
    args.dilation[d] =
        plain || pool.params.dilation.empty() ? 1 : pool.params.dilation[s];
  }
  const std::string key =
      absl::StrCat("pool|", pool.max ? "m" : "a", pool.adaptive ? "a|" : "|",
                   static_cast<int>(x.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(
        Prelude(), "typedef ", CodeType(x.dtype()), " E;\ntypedef ",
        CodeType(ComputeType(x.dtype())), " T;\n#define ADAPTIVE ",
        pool.adaptive ? 1 : 0, "\n#define IS_MAX ", pool.max ? 1 : 0,
        "\n#define LOWEST (-(T)BitsFloat(0x7f800000))\n", kPoolKernel);
  }));
  return gpu.Launch(*kernel, gpu.BlocksFor(y.numel()), gpu.block_size(), &args);
}

// 1 spatial dim goes as 2, for which sizes are checked.
struct Shaped {
  Dims input;
  Dims kernel, stride, padding, dilation;
};
Shaped As2d(const Tensor& t, DimSpan kernel, DimSpan stride, DimSpan padding,
            DimSpan dilation) {
  Shaped s;
  s.input.assign(t.sizes().begin(), t.sizes().end());
  s.input.insert(s.input.end() - 1, 1);
  const auto widen = [](DimSpan v, int64_t first) {
    Dims d(v.begin(), v.end());
    if (!d.empty()) d.insert(d.begin(), first);
    return d;
  };
  s.kernel = widen(kernel, 1);
  s.stride = widen(stride, 1);
  s.padding = widen(padding, 0);
  s.dilation = widen(dilation, 1);
  return s;
}

// Sizes of the result and what the kernel needs; nullopt: the CPU's kernel
// words the error.
std::optional<Dims> Prepare(const Tensor& self, int64_t rank, DimSpan kernel,
                            DimSpan stride, DimSpan padding, DimSpan dilation,
                            bool ceil_mode, Pool* pool) {
  if (!IsPooled(self, rank)) return std::nullopt;
  Shaped s;
  if (rank == 1) {
    if (kernel.size() != 1) return std::nullopt;
    s = As2d(self, kernel, stride, padding, dilation);
  } else {
    s.input.assign(self.sizes().begin(), self.sizes().end());
    s.kernel.assign(kernel.begin(), kernel.end());
    s.stride.assign(stride.begin(), stride.end());
    s.padding.assign(padding.begin(), padding.end());
    s.dilation.assign(dilation.begin(), dilation.end());
  }
  const int64_t used = std::max<int64_t>(rank, 2);
  const absl::string_view op = pool->max
                                   ? (used == 2 ? "max_pool2d" : "max_pool3d")
                                   : (used == 2 ? "avg_pool2d" : "avg_pool3d");
  absl::StatusOr<PoolParams> params = MakePoolParams(
      op, used, s.kernel, s.stride, s.padding, s.dilation, ceil_mode);
  if (!params.ok()) return std::nullopt;
  absl::StatusOr<Dims> sizes = PoolSizes(s.input, *params, pool->max);
  if (!sizes.ok()) return std::nullopt;
  if (rank == 1) {
    sizes->erase(sizes->end() - 2);
    for (Dims* d : {&params->kernel, &params->stride, &params->padding,
                    &params->dilation}) {
      if (d->size() == 2) d->erase(d->begin());
    }
  }
  pool->params = *std::move(params);
  return *std::move(sizes);
}

template <int kRank>
Result MaxPool(Gpu& gpu, const Tensor& self, DimSpan kernel, DimSpan stride,
               DimSpan padding, DimSpan dilation, bool ceil_mode) {
  Pool pool;
  pool.max = true;
  const auto sizes =
      Prepare(self, kRank, kernel, stride, padding, dilation, ceil_mode, &pool);
  if (!sizes.has_value()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(*sizes, self.dtype()));
  TANDEM_RETURN_IF_ERROR(RunPool(gpu, pool, self, kRank, y, Tensor()));
  return y;
}
template <int kRank>
absl::StatusOr<std::tuple<Tensor, Tensor>> MaxPoolIndices(
    Gpu& gpu, const Tensor& self, DimSpan kernel, DimSpan stride,
    DimSpan padding, DimSpan dilation, bool ceil_mode) {
  Pool pool;
  pool.max = true;
  const auto sizes =
      Prepare(self, kRank, kernel, stride, padding, dilation, ceil_mode, &pool);
  if (!sizes.has_value()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(*sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices, gpu.Empty(*sizes, DType::kInt64));
  TANDEM_RETURN_IF_ERROR(RunPool(gpu, pool, self, kRank, y, indices));
  return std::make_tuple(std::move(y), std::move(indices));
}
Result AvgPoolOf(Gpu& gpu, int64_t rank, const Tensor& self, DimSpan kernel,
                 DimSpan stride, DimSpan padding, bool ceil_mode,
                 bool include_pad, std::optional<int64_t> divisor) {
  if (divisor.has_value() && *divisor == 0) return Declined();
  Pool pool;
  pool.include_pad = include_pad;
  pool.divisor = divisor.value_or(0);
  const auto sizes =
      Prepare(self, rank, kernel, stride, padding, {}, ceil_mode, &pool);
  if (!sizes.has_value()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(*sizes, self.dtype()));
  TANDEM_RETURN_IF_ERROR(RunPool(gpu, pool, self, rank, y, Tensor()));
  return y;
}
Result AvgPool1d(Gpu& gpu, const Tensor& self, DimSpan kernel, DimSpan stride,
                 DimSpan padding, bool ceil_mode, bool include_pad) {
  return AvgPoolOf(gpu, 1, self, kernel, stride, padding, ceil_mode,
                   include_pad, std::nullopt);
}
template <int kRank>
Result AvgPool(Gpu& gpu, const Tensor& self, DimSpan kernel, DimSpan stride,
               DimSpan padding, bool ceil_mode, bool include_pad,
               std::optional<int64_t> divisor) {
  return AvgPoolOf(gpu, kRank, self, kernel, stride, padding, ceil_mode,
                   include_pad, divisor);
}
absl::StatusOr<Dims> AdaptiveSizes(const Tensor& self, int64_t rank,
                                   DimSpan output) {
  if (!IsPooled(self, rank)) return Declined();
  Dims sizes(self.sizes().begin(), self.sizes().end());
  for (int64_t s = 0; s < rank; ++s) {
    // 1 number stands for all; None is not a list of ints.
    if (output.empty()) return Declined();
    const int64_t wanted =
        output[std::min(static_cast<size_t>(s), output.size() - 1)];
    const size_t at = sizes.size() - static_cast<size_t>(rank - s);
    if (wanted < 0 || sizes[at] == 0) return Declined();
    sizes[at] = wanted;
  }
  return sizes;
}
template <int kRank>
Result AdaptiveAvgPool(Gpu& gpu, const Tensor& self, DimSpan output) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, AdaptiveSizes(self, kRank, output));
  Pool pool;
  pool.adaptive = true;
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(sizes, self.dtype()));
  TANDEM_RETURN_IF_ERROR(RunPool(gpu, pool, self, kRank, y, Tensor()));
  return y;
}
template <int kRank>
absl::StatusOr<std::tuple<Tensor, Tensor>> AdaptiveMaxPool(Gpu& gpu,
                                                           const Tensor& self,
                                                           DimSpan output) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, AdaptiveSizes(self, kRank, output));
  Pool pool;
  pool.adaptive = pool.max = true;
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(sizes, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(Tensor indices, gpu.Empty(sizes, DType::kInt64));
  TANDEM_RETURN_IF_ERROR(RunPool(gpu, pool, self, kRank, y, indices));
  return std::make_tuple(std::move(y), std::move(indices));
}

}  // namespace

void AddPooling(Registrar& r) {
  r.Add<&MaxPool<1>>("aten::max_pool1d")
      .Add<&MaxPool<2>>("aten::max_pool2d")
      .Add<&MaxPool<3>>("aten::max_pool3d")
      .Add<&MaxPoolIndices<1>>("aten::max_pool1d_with_indices")
      .Add<&MaxPoolIndices<2>>("aten::max_pool2d_with_indices")
      .Add<&MaxPoolIndices<3>>("aten::max_pool3d_with_indices")
      .Add<&AvgPool1d>("aten::avg_pool1d")
      .Add<&AvgPool<2>>("aten::avg_pool2d")
      .Add<&AvgPool<3>>("aten::avg_pool3d")
      .Add<&AdaptiveAvgPool<1>>("aten::adaptive_avg_pool1d")
      .Add<&AdaptiveAvgPool<2>>("aten::adaptive_avg_pool2d")
      .Add<&AdaptiveAvgPool<3>>("aten::adaptive_avg_pool3d")
      .Add<&AdaptiveMaxPool<1>>("aten::adaptive_max_pool1d")
      .Add<&AdaptiveMaxPool<2>>("aten::adaptive_max_pool2d")
      .Add<&AdaptiveMaxPool<3>>("aten::adaptive_max_pool3d");
}

}  // namespace tandem::cuda
