// softmax, layer_norm, group_norm, batch_norm and their kin: one kernel over
// rows, a block each.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/prelude.h"
#include "tandem/backends/cuda/rows.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using Result = absl::StatusOr<Tensor>;

// Within a block: `Gather(v, op)` gives all threads what op makes of their v.
std::string RowPrelude(DType compute, DType in, DType out, int threads) {
  return absl::StrCat(
      Prelude(), "typedef ", CodeType(compute), " T;\ntypedef ", CodeType(in),
      " In;\ntypedef ", CodeType(out), " Out;\n",
      "FUNCTION T GatherSum(T* s, T v) {\n"
      "  const int t = threadIdx.x;\n"
      "  __syncthreads();\n  s[t] = v;\n  __syncthreads();\n"
      "  for (int h = blockDim.x / 2; h > 0; h /= 2) {\n"
      "    if (t < h) s[t] += s[t + h];\n    __syncthreads();\n  }\n"
      "  return s[0];\n}\n"
      "FUNCTION T GatherMax(T* s, T v) {\n"
      "  const int t = threadIdx.x;\n"
      "  __syncthreads();\n  s[t] = v;\n  __syncthreads();\n"
      "  for (int h = blockDim.x / 2; h > 0; h /= 2) {\n"
      "    if (t < h) s[t] = MaxOf(s[t], s[t + h]);\n    __syncthreads();\n"
      "  }\n  return s[0];\n}\n",
      "#define SHARED __shared__ T s[", threads, "]\n");
}

struct SoftmaxArgs {
  DevicePointer in, out;
  int64_t rows, n, inner;
};

constexpr char kSoftmaxKernel[] = R"(
struct Args { const In* in; Out* out; i64 rows, n, inner; };
TANDEM_KERNEL(Args) {
  SHARED;
  for (i64 row = blockIdx.x; row < args.rows; row += gridDim.x) {
    const i64 base = row / args.inner * args.n * args.inner + row % args.inner;
    const In* x = args.in + base;
    Out* y = args.out + base;
    T m = -(T)BitsFloat(0x7f800000);
    for (i64 j = threadIdx.x; j < args.n; j += blockDim.x) {
      m = MaxOf(m, Cast<T, In>::Of(x[j * args.inner]));
    }
    m = GatherMax(s, m);
    T sum = 0;
    for (i64 j = threadIdx.x; j < args.n; j += blockDim.x) {
      sum += Exp(Cast<T, In>::Of(x[j * args.inner]) - m);
    }
    sum = GatherSum(s, sum);
    RESULT
  }
}
)";

struct NormArgs {
  DevicePointer x, weight, bias, y, mean, rstd;
  int64_t rows, n, groups, per_row, step;
  Slot params[3];
};

constexpr char kNormKernel[] = R"(
struct Args {
  const In* x; const In* weight; const In* bias; Out* y; T* mean; T* rstd;
  i64 rows, n, groups, per_row, step; Slot params[3];
};
TANDEM_KERNEL(Args) {
  SHARED;
  for (i64 row = blockIdx.x; row < args.rows; row += gridDim.x) {
    const In* x = args.x + row * args.n;
    T mean = 0;
#if CENTER
    T sum = 0;
    for (i64 j = threadIdx.x; j < args.n; j += blockDim.x) {
      sum += Cast<T, In>::Of(x[j]);
    }
    mean = GatherSum(s, sum) / (T)args.n;
#endif
    T squares = 0;
    for (i64 j = threadIdx.x; j < args.n; j += blockDim.x) {
      const T d = Cast<T, In>::Of(x[j]) - mean;
      squares += d * d;
    }
    const T rstd = (T)1 / Sqrt(GatherSum(s, squares) / (T)args.n + p(0));
    const i64 first = row % args.groups * args.per_row;
    for (i64 j = threadIdx.x; j < args.n; j += blockDim.x) {
      T v = (Cast<T, In>::Of(x[j]) - mean) * rstd;
      const i64 c = first + j / args.step;
      if (args.weight) v *= Cast<T, In>::Of(args.weight[c]);
      if (args.bias) v += Cast<T, In>::Of(args.bias[c]);
      args.y[row * args.n + j] = Cast<Out, T>::Of(v);
    }
    if (threadIdx.x == 0) {
      if (args.mean) args.mean[row] = mean;
      if (args.rstd) args.rstd[row] = rstd;
    }
  }
}
)";

struct AffineArgs {
  DevicePointer x, y, mean, var, weight, bias;
  int64_t n, channels, step;
  Slot params[3];
};

// batch_norm with statistics that are known.
constexpr char kAffineKernel[] = R"(
struct Args {
  const In* x; Out* y; const P* mean; const P* var; const P* weight;
  const P* bias; i64 n, channels, step; Slot params[3];
};
TANDEM_KERNEL(Args) {
  for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < args.n;
       i += (i64)gridDim.x * blockDim.x) {
    const i64 c = i / args.step % args.channels;
    const T scale = (T)1 / Sqrt(Cast<T, P>::Of(args.var[c]) + p(0));
    T v = (Cast<T, In>::Of(args.x[i]) - Cast<T, P>::Of(args.mean[c])) * scale;
    if (args.weight) v *= Cast<T, P>::Of(args.weight[c]);
    if (args.bias) v += Cast<T, P>::Of(args.bias[c]);
    args.y[i] = Cast<Out, T>::Of(v);
  }
}
)";

bool IsFloat(const Tensor& t) {
  return t.defined() && IsOnCuda(t) && !t.is_sparse() && !t.is_quantized() &&
         IsFloatingPoint(t.dtype()) && !CodeType(t.dtype()).empty();
}
// Undefined, or a plain vector like x.
bool IsParameter(const Tensor& t, const Tensor& x, int64_t n) {
  return !t.defined() || (t.dtype() == x.dtype() && t.device() == x.device() &&
                          t.numel() == n && t.is_contiguous());
}
DevicePointer AddressOrNull(const Tensor& t) {
  return t.defined() && t.numel() > 0 ? AddressOf(t) : 0;
}

}  // namespace

absl::StatusOr<Tensor> SoftmaxOnGpu(Gpu& gpu, const Tensor& self, int64_t dim,
                                    DType dtype, bool log) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousOnGpu(gpu, self));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, gpu.Empty(x.sizes(), dtype));
  if (x.numel() == 0) return out;
  SoftmaxArgs args = {AddressOf(x), AddressOf(out), 1, 1, 1};
  if (x.dim() > 0) {
    args.n = x.size(dim);
    args.inner = x.stride(dim);
    if (args.n == 1) {
      args.inner = 1;
      for (int64_t d = dim + 1; d < x.dim(); ++d) args.inner *= x.size(d);
    }
  }
  args.rows = x.numel() / args.n;
  const DType compute = ComputeType(dtype);
  const std::string key =
      absl::StrCat("softmax|", log ? "log|" : "|", static_cast<int>(x.dtype()),
                   ",", static_cast<int>(dtype));
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(
        RowPrelude(compute, x.dtype(), dtype, gpu.block_size()),
        log ? "#define RESULT const T l = Log(sum); for (i64 j = "
              "threadIdx.x; j < args.n; j += blockDim.x) y[j * args.inner] "
              "= Cast<Out, T>::Of(Cast<T, In>::Of(x[j * args.inner]) - m - "
              "l);\n"
            : "#define RESULT for (i64 j = threadIdx.x; j < args.n; j += "
              "blockDim.x) y[j * args.inner] = Cast<Out, "
              "T>::Of(Exp(Cast<T, In>::Of(x[j * args.inner]) - m) / "
              "sum);\n",
        kSoftmaxKernel);
  }));
  TANDEM_RETURN_IF_ERROR(gpu.Launch(
      *kernel, std::min<int64_t>(args.rows, 65535), gpu.block_size(), &args));
  return out;
}

absl::Status NormalizeRows(Gpu& gpu, const RowNorm& norm, const Tensor& x,
                           const Tensor& weight, const Tensor& bias,
                           const Tensor& y, const Tensor& mean,
                           const Tensor& rstd) {
  if (norm.rows == 0 || norm.n == 0) return absl::OkStatus();
  NormArgs args = {AddressOf(x),        AddressOrNull(weight),
                   AddressOrNull(bias), AddressOf(y),
                   AddressOrNull(mean), AddressOrNull(rstd),
                   norm.rows,           norm.n,
                   norm.groups,         norm.per_row,
                   norm.step,           {}};
  args.params[0] = Slot::Of(Scalar(norm.eps));
  const std::string key = absl::StrCat("norm|", norm.center ? "c|" : "|",
                                       static_cast<int>(x.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(RowPrelude(ComputeType(x.dtype()), x.dtype(), x.dtype(),
                                   gpu.block_size()),
                        "#define CENTER ", norm.center ? 1 : 0, "\n",
                        kNormKernel);
  }));
  return gpu.Launch(*kernel, std::min<int64_t>(norm.rows, 65535),
                    gpu.block_size(), &args);
}

namespace {

template <bool kLog>
Result Softmax(Gpu& gpu, const Tensor& self, int64_t dim,
               std::optional<DType> dtype) {
  if (!self.defined() || !IsOnCuda(self)) return Declined();
  const absl::StatusOr<int64_t> d = WrapDim(dim, self.dim());
  const DType result = dtype.value_or(self.dtype());
  if (!d.ok() || CodeType(self.dtype()).empty() || self.is_sparse() ||
      !IsFloatingPoint(result) || CodeType(result).empty()) {
    return Declined();
  }
  return SoftmaxOnGpu(gpu, self, *d, result, kLog);
}
template <bool kLog>
Result SoftmaxHalf(Gpu& gpu, const Tensor& self, int64_t dim,
                   bool half_to_float) {
  return Softmax<kLog>(
      gpu, self, dim,
      half_to_float ? std::optional<DType>(DType::kFloat) : std::nullopt);
}

// The elements of the last dims that `shape` names; 0 when it does not fit.
int64_t RowLength(const Tensor& x, DimSpan shape) {
  if (shape.empty() || static_cast<int64_t>(shape.size()) > x.dim()) return 0;
  int64_t n = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    const int64_t d = x.dim() - static_cast<int64_t>(shape.size() - i);
    if (x.size(d) != shape[i]) return 0;
    n *= shape[i];
  }
  return n;
}

absl::StatusOr<std::tuple<Tensor, Tensor, Tensor>> NativeLayerNorm(
    Gpu& gpu, const Tensor& input, DimSpan shape, const Tensor& weight,
    const Tensor& bias, double eps) {
  if (!IsFloat(input)) return Declined();
  const int64_t n = RowLength(input, shape);
  if (n == 0 || !IsParameter(weight, input, n) ||
      !IsParameter(bias, input, n)) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousOnGpu(gpu, input));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(x.sizes(), x.dtype()));
  Dims sizes(x.sizes().begin(), x.sizes().end());
  for (size_t i = sizes.size() - shape.size(); i < sizes.size(); ++i) {
    sizes[i] = 1;
  }
  const DType compute = ComputeType(x.dtype());
  TANDEM_ASSIGN_OR_RETURN(Tensor mean, gpu.Empty(sizes, compute));
  TANDEM_ASSIGN_OR_RETURN(Tensor rstd, gpu.Empty(sizes, compute));
  RowNorm norm;
  norm.rows = x.numel() / n;
  norm.n = n;
  norm.eps = eps;
  TANDEM_RETURN_IF_ERROR(
      NormalizeRows(gpu, norm, x, weight, bias, y, mean, rstd));
  return std::make_tuple(std::move(y), std::move(mean), std::move(rstd));
}
Result LayerNorm(Gpu& gpu, const Tensor& input, DimSpan shape,
                 const Tensor& weight, const Tensor& bias, double eps, bool) {
  TANDEM_ASSIGN_OR_RETURN(
      auto all, NativeLayerNorm(gpu, input, shape, weight, bias, eps));
  return std::get<0>(std::move(all));
}
Result RmsNorm(Gpu& gpu, const Tensor& input, DimSpan shape,
               const Tensor& weight, std::optional<double> eps) {
  if (!IsFloat(input)) return Declined();
  const int64_t n = RowLength(input, shape);
  if (n == 0 || !IsParameter(weight, input, n)) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousOnGpu(gpu, input));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(x.sizes(), x.dtype()));
  RowNorm norm;
  norm.rows = x.numel() / n;
  norm.n = n;
  norm.center = false;
  // The least step of the compute type.
  norm.eps = eps.value_or(x.dtype() == DType::kDouble ? 2.220446049250313e-16
                                                      : 1.1920928955078125e-07);
  TANDEM_RETURN_IF_ERROR(
      NormalizeRows(gpu, norm, x, weight, Tensor(), y, Tensor(), Tensor()));
  return y;
}

absl::StatusOr<Tensor> GroupRows(Gpu& gpu, const Tensor& input, int64_t groups,
                                 const Tensor& weight, const Tensor& bias,
                                 double eps, const Tensor& mean,
                                 const Tensor& rstd) {
  if (!IsFloat(input) || input.dim() < 2 || groups <= 0) return Declined();
  const int64_t channels = input.size(1);
  if (channels % groups != 0 || !IsParameter(weight, input, channels) ||
      !IsParameter(bias, input, channels)) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousOnGpu(gpu, input));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(x.sizes(), x.dtype()));
  if (x.numel() == 0) return y;
  RowNorm norm;
  norm.rows = x.size(0) * groups;
  norm.n = x.numel() / norm.rows;
  norm.groups = groups;
  norm.per_row = channels / groups;
  norm.step = norm.n / norm.per_row;
  norm.eps = eps;
  TANDEM_RETURN_IF_ERROR(
      NormalizeRows(gpu, norm, x, weight, bias, y, mean, rstd));
  return y;
}
Result GroupNorm(Gpu& gpu, const Tensor& input, int64_t groups,
                 const Tensor& weight, const Tensor& bias, double eps, bool) {
  return GroupRows(gpu, input, groups, weight, bias, eps, Tensor(), Tensor());
}

absl::StatusOr<Tensor> Affine(Gpu& gpu, const Tensor& input,
                              const Tensor& weight, const Tensor& bias,
                              const Tensor& mean, const Tensor& var,
                              double eps) {
  if (!IsFloat(input) || input.dim() < 2 || !IsFloat(mean) || !IsFloat(var)) {
    return Declined();
  }
  const int64_t channels = input.size(1);
  for (const Tensor* t : {&mean, &var, &weight, &bias}) {
    if (!IsParameter(*t, mean, channels)) return Declined();
  }
  if (mean.device() != input.device()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousOnGpu(gpu, input));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(x.sizes(), x.dtype()));
  if (x.numel() == 0) return y;
  AffineArgs args = {AddressOf(x),
                     AddressOf(y),
                     AddressOf(mean),
                     AddressOf(var),
                     AddressOrNull(weight),
                     AddressOrNull(bias),
                     x.numel(),
                     channels,
                     x.stride(1),
                     {}};
  // Sizes of 1 may have any stride.
  args.step = x.numel() / (x.size(0) * channels);
  args.params[0] = Slot::Of(Scalar(eps));
  const std::string key = absl::StrCat("affine|", static_cast<int>(x.dtype()),
                                       ",", static_cast<int>(mean.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(RowPrelude(ComputeType(x.dtype()), x.dtype(), x.dtype(),
                                   gpu.block_size()),
                        "typedef ", CodeType(mean.dtype()), " P;\n",
                        kAffineKernel);
  }));
  TANDEM_RETURN_IF_ERROR(
      gpu.Launch(*kernel, gpu.BlocksFor(args.n), gpu.block_size(), &args));
  return y;
}
// In evaluation; training updates statistics, on the CPU.
Result BatchNorm(Gpu& gpu, const Tensor& input, const Tensor& weight,
                 const Tensor& bias, const Tensor& mean, const Tensor& var,
                 bool training, double, double eps, bool) {
  if (training || !mean.defined() || !var.defined()) return Declined();
  return Affine(gpu, input, weight, bias, mean, var, eps);
}
Result InstanceNorm(Gpu& gpu, const Tensor& input, const Tensor& weight,
                    const Tensor& bias, const Tensor& mean, const Tensor& var,
                    bool use_input_stats, double, double eps, bool) {
  if (!use_input_stats) {
    if (!mean.defined() || !var.defined()) return Declined();
    return Affine(gpu, input, weight, bias, mean, var, eps);
  }
  // Statistics that are kept would be updated.
  if (mean.defined() || var.defined() || !input.defined() || input.dim() < 3) {
    return Declined();
  }
  return GroupRows(gpu, input, input.size(1), weight, bias, eps, Tensor(),
                   Tensor());
}

}  // namespace

void AddNorms(Registrar& r) {
  r.Add<&Softmax<false>>("aten::softmax.int")
      .Add<&Softmax<true>>("aten::log_softmax.int")
      .Add<&SoftmaxHalf<false>>("aten::_softmax")
      .Add<&SoftmaxHalf<true>>("aten::_log_softmax")
      .Add<&LayerNorm>("aten::layer_norm")
      .Add<&NativeLayerNorm>("aten::native_layer_norm")
      .Add<&RmsNorm>("aten::rms_norm")
      .Add<&GroupNorm>("aten::group_norm")
      .Add<&BatchNorm>("aten::batch_norm")
      .Add<&InstanceNorm>("aten::instance_norm");
}

}  // namespace tandem::cuda
