// Convolutions over 1 to 3 dims, grouped, dilated, transposed: cuDNN's where it
// is installed, a generated kernel's otherwise, and where padding differs from
// side to side.
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/prelude.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/ir/operators/conv_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using Result = absl::StatusOr<Tensor>;

// ---- The generated kernel: a thread an element of the result, 3 dims.

struct ConvArgs {
  DevicePointer x, w, bias, y;
  int64_t n, out_channels, in_channels, groups;
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
};

constexpr char kConvKernel[] = R"(
struct Args {
  const E* x; const E* w; const E* bias; E* y;
  i64 n, co, ci, groups;
  i64 in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
};
TANDEM_KERNEL(Args) {
  const i64 in = args.in[0] * args.in[1] * args.in[2];
  const i64 out = args.out[0] * args.out[1] * args.out[2];
  const i64 taps = args.kernel[0] * args.kernel[1] * args.kernel[2];
  const i64 cig = args.ci / args.groups, cog = args.co / args.groups;
  const i64 all = args.n * args.co * out;
  for (i64 e = (i64)blockIdx.x * blockDim.x + threadIdx.x; e < all;
       e += (i64)gridDim.x * blockDim.x) {
    const i64 c = e / out % args.co, b = e / out / args.co, g = c / cog;
    i64 at[3];
    at[2] = e % args.out[2];
    at[1] = e / args.out[2] % args.out[1];
    at[0] = e % out / (args.out[2] * args.out[1]);
    T sum = 0;
    for (i64 k = 0; k < cig; ++k) {
      const E* x = args.x + (b * args.ci + g * cig + k) * in;
#if TRANSPOSED
      const E* w = args.w + ((g * cig + k) * cog + c % cog) * taps;
#else
      const E* w = args.w + (c * cig + k) * taps;
#endif
      i64 tap = 0;
      for (i64 i = 0; i < args.kernel[0]; ++i)
        for (i64 j = 0; j < args.kernel[1]; ++j)
          for (i64 l = 0; l < args.kernel[2]; ++l, ++tap) {
            const i64 step[3] = {i, j, l};
            i64 p = 0;
            bool inside = true;
            for (int d = 0; d < 3; ++d) {
#if TRANSPOSED
              i64 q = at[d] + args.padding[d] - step[d] * args.dilation[d];
              inside = inside && q >= 0 && q % args.stride[d] == 0;
              q /= args.stride[d];
#else
              const i64 q = at[d] * args.stride[d] - args.padding[d] +
                            step[d] * args.dilation[d];
#endif
              inside = inside && q >= 0 && q < args.in[d];
              p = p * args.in[d] + q;
            }
            if (inside) sum += Cast<T, E>::Of(x[p]) * Cast<T, E>::Of(w[tap]);
          }
    }
    if (args.bias) sum += Cast<T, E>::Of(args.bias[c]);
    args.y[e] = Cast<E, T>::Of(sum);
  }
}
)";

absl::Status GeneratedConv(Gpu& gpu, const Tensor& x, const Tensor& w,
                           const Tensor& bias, const ConvParams& p,
                           const Tensor& y) {
  ConvArgs args = {};
  args.x = AddressOf(x);
  args.w = AddressOf(w);
  args.bias = bias.defined() ? AddressOf(bias) : 0;
  args.y = AddressOf(y);
  args.n = y.size(0);
  args.out_channels = y.size(1);
  args.in_channels = x.size(1);
  args.groups = p.groups;
  const int64_t rank = x.dim() - 2;
  for (int64_t d = 0; d < 3; ++d) {
    const int64_t s = d - (3 - rank);  // missing dims come first
    args.in[d] = s < 0 ? 1 : x.size(2 + s);
    args.out[d] = s < 0 ? 1 : y.size(2 + s);
    args.kernel[d] = s < 0 ? 1 : w.size(2 + s);
    args.stride[d] = s < 0 ? 1 : p.stride[s];
    args.padding[d] = s < 0 ? 0 : p.padding[s];
    args.dilation[d] = s < 0 ? 1 : p.dilation[s];
  }
  const std::string key = absl::StrCat("conv|", p.transposed ? "t|" : "|",
                                       static_cast<int>(y.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Kernel* kernel, gpu.FindKernel(key, [&] {
    return absl::StrCat(Prelude(), "typedef ", CodeType(y.dtype()),
                        " E;\ntypedef ", CodeType(ComputeType(y.dtype())),
                        " T;\n#define TRANSPOSED ", p.transposed ? 1 : 0, "\n",
                        kConvKernel);
  }));
  return gpu.Launch(*kernel, gpu.BlocksFor(y.numel()), gpu.block_size(), &args);
}

// ---- cuDNN

int TypeOf(DType dtype) {
  switch (dtype) {
    case DType::kDouble:
      return kDnnDouble;
    case DType::kHalf:
      return kDnnHalf;
    case DType::kBFloat16:
      return kDnnBFloat16;
    default:
      return kDnnFloat;
  }
}

class Descriptors {
 public:
  explicit Descriptors(const Cudnn& dnn) : dnn_(dnn) {}
  ~Descriptors() {
    for (TensorDesc t : {x, y}) {
      if (t != nullptr) dnn_.TensorDestroy(t);
    }
    if (w != nullptr) dnn_.FilterDestroy(w);
    if (conv != nullptr) dnn_.ConvDestroy(conv);
  }
  TensorDesc x = nullptr, y = nullptr;
  FilterDesc w = nullptr;
  ConvDesc conv = nullptr;

 private:
  const Cudnn& dnn_;
};

// Sizes as cuDNN wants them: int, at least 4 (a dim of 1 before the last).
bool DnnSizes(const Tensor& t, std::vector<int>* sizes,
              std::vector<int>* strides) {
  for (int64_t d = 0; d < t.dim(); ++d) {
    if (t.size(d) > INT32_MAX) return false;
    if (t.dim() == 3 && d == 2) sizes->push_back(1);
    sizes->push_back(static_cast<int>(t.size(d)));
  }
  strides->resize(sizes->size());
  int64_t step = 1;
  for (size_t d = sizes->size(); d-- > 0;) {
    if (step > INT32_MAX) return false;
    (*strides)[d] = static_cast<int>(step);
    step *= (*sizes)[d];
  }
  return step <= INT32_MAX;
}

// Unimplemented: no way that cuDNN knows.
absl::Status DnnConv(Gpu& gpu, const Cudnn& dnn, const Tensor& x,
                     const Tensor& w, const ConvParams& p, const Tensor& y) {
  std::vector<int> x_sizes, x_strides, y_sizes, y_strides, w_sizes, unused;
  if (!DnnSizes(x, &x_sizes, &x_strides) ||
      !DnnSizes(y, &y_sizes, &y_strides) || !DnnSizes(w, &w_sizes, &unused)) {
    return absl::UnimplementedError("sizes past 32 bits");
  }
  const int type = TypeOf(y.dtype());
  const int compute = type == kDnnDouble ? kDnnDouble : kDnnFloat;
  const auto check = [&](int status, absl::string_view call) {
    return CheckDnn(dnn, status, call);
  };
  absl::MutexLock lock(&gpu.dnn_mutex());
  TANDEM_ASSIGN_OR_RETURN(const CudnnHandle handle, gpu.DnnHandle());
  Descriptors d(dnn);
  TANDEM_RETURN_IF_ERROR(
      check(dnn.TensorCreate(&d.x), "cudnnCreateTensorDescriptor"));
  TANDEM_RETURN_IF_ERROR(
      check(dnn.TensorCreate(&d.y), "cudnnCreateTensorDescriptor"));
  TANDEM_RETURN_IF_ERROR(
      check(dnn.FilterCreate(&d.w), "cudnnCreateFilterDescriptor"));
  TANDEM_RETURN_IF_ERROR(
      check(dnn.ConvCreate(&d.conv), "cudnnCreateConvolutionDescriptor"));
  const int rank = static_cast<int>(x_sizes.size());
  TANDEM_RETURN_IF_ERROR(
      check(dnn.TensorSet(d.x, type, rank, x_sizes.data(), x_strides.data()),
            "cudnnSetTensorNdDescriptor"));
  TANDEM_RETURN_IF_ERROR(
      check(dnn.TensorSet(d.y, type, rank, y_sizes.data(), y_strides.data()),
            "cudnnSetTensorNdDescriptor"));
  TANDEM_RETURN_IF_ERROR(
      check(dnn.FilterSet(d.w, type, kDnnNchw, rank, w_sizes.data()),
            "cudnnSetFilterNdDescriptor"));
  std::vector<int> padding, stride, dilation;
  if (x.dim() == 3) {
    padding.push_back(0);
    stride.push_back(1);
    dilation.push_back(1);
  }
  for (int64_t s = 0; s < x.dim() - 2; ++s) {
    padding.push_back(static_cast<int>(p.padding[s]));
    stride.push_back(static_cast<int>(p.stride[s]));
    dilation.push_back(static_cast<int>(p.dilation[s]));
  }
  TANDEM_RETURN_IF_ERROR(
      check(dnn.ConvSet(d.conv, rank - 2, padding.data(), stride.data(),
                        dilation.data(), kCrossCorrelation, compute),
            "cudnnSetConvolutionNdDescriptor"));
  TANDEM_RETURN_IF_ERROR(
      check(dnn.ConvSetGroups(d.conv, static_cast<int>(p.groups)),
            "cudnnSetConvolutionGroupCount"));
  if (type == kDnnFloat && !gpu.runtime().options().conv_tf32) {
    TANDEM_RETURN_IF_ERROR(check(dnn.ConvSetMath(d.conv, kFmaMath),
                                 "cudnnSetConvolutionMathType"));
  }
  // In a transposed one x is the gradient and y what it is of.
  ConvAlgo algos[8] = {};
  int count = 0;
  TANDEM_RETURN_IF_ERROR(
      p.transposed ? check(dnn.BackwardDataAlgos(handle, d.w, d.x, d.conv, d.y,
                                                 8, &count, algos),
                           "cudnnGetConvolutionBackwardDataAlgorithm_v7")
                   : check(dnn.ForwardAlgos(handle, d.x, d.w, d.conv, d.y, 8,
                                            &count, algos),
                           "cudnnGetConvolutionForwardAlgorithm_v7"));
  const ConvAlgo* algo = nullptr;
  for (int i = 0; i < count && algo == nullptr; ++i) {
    if (algos[i].status == 0) algo = &algos[i];
  }
  if (algo == nullptr) {
    return absl::UnimplementedError("cuDNN has no way for this convolution");
  }
  if (type != kDnnFloat || gpu.runtime().options().conv_tf32) {
    TANDEM_RETURN_IF_ERROR(check(dnn.ConvSetMath(d.conv, algo->math),
                                 "cudnnSetConvolutionMathType"));
  }
  std::shared_ptr<DeviceMemory> workspace;
  if (algo->memory > 0) {
    TANDEM_ASSIGN_OR_RETURN(workspace, gpu.Allocate(algo->memory));
  }
  void* const work = workspace == nullptr
                         ? nullptr
                         : reinterpret_cast<void*>(workspace->address());
  const float one = 1, zero = 0;
  const double one_d = 1, zero_d = 0;
  const bool wide = compute == kDnnDouble;
  const void* alpha = wide ? static_cast<const void*>(&one_d) : &one;
  const void* beta = wide ? static_cast<const void*>(&zero_d) : &zero;
  const void* const from = reinterpret_cast<const void*>(AddressOf(x));
  const void* const weight = reinterpret_cast<const void*>(AddressOf(w));
  void* const to = reinterpret_cast<void*>(AddressOf(y));
  if (p.transposed) {
    return check(
        dnn.BackwardData(handle, alpha, d.w, weight, d.x, from, d.conv,
                         algo->algo, work, algo->memory, beta, d.y, to),
        "cudnnConvolutionBackwardData");
  }
  return check(dnn.Forward(handle, alpha, d.x, from, d.w, weight, d.conv,
                           algo->algo, work, algo->memory, beta, d.y, to),
               "cudnnConvolutionForward");
}

// ---- Operators

bool IsOperand(const Tensor& t) {
  return t.defined() && IsOnCuda(t) && !t.is_sparse() && !t.is_quantized() &&
         IsFloatingPoint(t.dtype()) && !CodeType(t.dtype()).empty();
}

Result Convolve(Gpu& gpu, const Tensor& input, const Tensor& weight,
                const Tensor& bias, int64_t rank, ConvParams params,
                bool same = false) {
  if (!IsOperand(input) || !IsOperand(weight) ||
      input.dtype() != weight.dtype() || input.device() != weight.device() ||
      weight.dim() < 3 || weight.dim() > 5 ||
      (rank != 0 && weight.dim() != rank + 2)) {
    return Declined();
  }
  if (bias.defined() &&
      (!IsOperand(bias) || bias.dtype() != input.dtype() || bias.dim() != 1)) {
    return Declined();
  }
  rank = weight.dim() - 2;
  if (!ExpandConvParams(rank, &params).ok()) return Declined();
  if (same && !SamePadding(weight.sizes(), &params).ok()) return Declined();
  Tensor x = input;
  const bool batched = input.dim() == rank + 2;
  if (!batched) {
    if (input.dim() != rank + 1) return Declined();
    Dims sizes(input.sizes().begin(), input.sizes().end());
    Dims strides(input.strides().begin(), input.strides().end());
    sizes.insert(sizes.begin(), 1);
    strides.insert(strides.begin(), 0);
    x = input.ViewUnchecked(sizes, strides, input.offset());
  }
  absl::StatusOr<Dims> sizes = ConvolutionSizes(
      x.sizes(), weight.sizes(),
      bias.defined() ? std::optional<DimSpan>(bias.sizes()) : std::nullopt,
      params);
  if (!sizes.ok()) return Declined();
  TANDEM_ASSIGN_OR_RETURN(x, ContiguousOnGpu(gpu, x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, ContiguousOnGpu(gpu, weight));
  TANDEM_ASSIGN_OR_RETURN(Tensor y, gpu.Empty(*sizes, x.dtype()));
  Tensor b;
  if (bias.defined()) {
    TANDEM_ASSIGN_OR_RETURN(b, ContiguousOnGpu(gpu, bias));
  }
  if (y.numel() > 0) {
    if (x.numel() == 0 || w.numel() == 0) return Declined();
    bool even = true;
    for (int64_t e : params.extra_padding) even = even && e == 0;
    absl::Status status = absl::UnimplementedError("");
    if (even) {
      const auto dnn = gpu.runtime().Dnn();
      if (dnn.ok()) {
        status = DnnConv(gpu, **dnn, x, w, params, y);
        if (status.ok() && b.defined()) {
          Dims wide(static_cast<size_t>(y.dim()), 1), strides(wide);
          wide[1] = b.numel();
          const Tensor row = b.ViewUnchecked(wide, strides, b.offset());
          Loop loop;
          loop.expression = "x + y";
          loop.compute = ComputeType(y.dtype());
          status = RunLoop(
              gpu, loop, {LoopOperand{&y, nullptr}, LoopOperand{&row, nullptr}},
              {}, y);
        }
      } else if (!absl::IsNotFound(dnn.status())) {
        return dnn.status();
      }
    }
    if (absl::IsUnimplemented(status)) {
      status = GeneratedConv(gpu, x, w, b, params, y);
    }
    TANDEM_RETURN_IF_ERROR(status);
  }
  if (batched) return y;
  return y.ViewUnchecked(y.sizes().subspan(1), y.strides().subspan(1),
                         y.offset());
}

ConvParams Params(DimSpan stride, DimSpan padding, DimSpan dilation,
                  int64_t groups) {
  ConvParams p;
  p.stride.assign(stride.begin(), stride.end());
  p.padding.assign(padding.begin(), padding.end());
  p.dilation.assign(dilation.begin(), dilation.end());
  p.output_padding.assign(1, 0);
  p.groups = groups;
  return p;
}

template <int kRank>
Result Conv(Gpu& gpu, const Tensor& input, const Tensor& weight,
            const Tensor& bias, DimSpan stride, DimSpan padding,
            DimSpan dilation, int64_t groups) {
  return Convolve(gpu, input, weight, bias, kRank,
                  Params(stride, padding, dilation, groups));
}
template <int kRank>
Result ConvPadding(Gpu& gpu, const Tensor& input, const Tensor& weight,
                   const Tensor& bias, DimSpan stride,
                   absl::string_view padding, DimSpan dilation,
                   int64_t groups) {
  if (padding != "same" && padding != "valid") return Declined();
  if (padding == "same") {
    for (int64_t s : stride) {
      if (s != 1) return Declined();
    }
  }
  return Convolve(gpu, input, weight, bias, kRank,
                  Params(stride, {0}, dilation, groups), padding == "same");
}
template <int kRank>
Result ConvTranspose(Gpu& gpu, const Tensor& input, const Tensor& weight,
                     const Tensor& bias, DimSpan stride, DimSpan padding,
                     DimSpan output_padding, int64_t groups, DimSpan dilation) {
  ConvParams p = Params(stride, padding, dilation, groups);
  p.transposed = true;
  p.output_padding.assign(output_padding.begin(), output_padding.end());
  return Convolve(gpu, input, weight, bias, kRank, std::move(p));
}
Result Convolution(Gpu& gpu, const Tensor& input, const Tensor& weight,
                   const Tensor& bias, DimSpan stride, DimSpan padding,
                   DimSpan dilation, bool transposed, DimSpan output_padding,
                   int64_t groups) {
  ConvParams p = Params(stride, padding, dilation, groups);
  p.transposed = transposed;
  p.output_padding.assign(output_padding.begin(), output_padding.end());
  return Convolve(gpu, input, weight, bias, 0, std::move(p));
}
Result UnderscoreConvolution(Gpu& gpu, const Tensor& input,
                             const Tensor& weight, const Tensor& bias,
                             DimSpan stride, DimSpan padding, DimSpan dilation,
                             bool transposed, DimSpan output_padding,
                             int64_t groups, bool, bool, bool, bool) {
  return Convolution(gpu, input, weight, bias, stride, padding, dilation,
                     transposed, output_padding, groups);
}
Result DeprecatedConvolution(Gpu& gpu, const Tensor& input,
                             const Tensor& weight, const Tensor& bias,
                             DimSpan stride, DimSpan padding, DimSpan dilation,
                             bool transposed, DimSpan output_padding,
                             int64_t groups, bool, bool, bool) {
  return Convolution(gpu, input, weight, bias, stride, padding, dilation,
                     transposed, output_padding, groups);
}

}  // namespace

void AddConvolutions(Registrar& r) {
  r.Add<&Conv<1>>("aten::conv1d")
      .Add<&Conv<2>>("aten::conv2d")
      .Add<&Conv<3>>("aten::conv3d")
      .Add<&ConvPadding<1>>("aten::conv1d.padding")
      .Add<&ConvPadding<2>>("aten::conv2d.padding")
      .Add<&ConvPadding<3>>("aten::conv3d.padding")
      .Add<&ConvTranspose<1>>("aten::conv_transpose1d")
      .Add<&ConvTranspose<2>>("aten::conv_transpose2d.input")
      .Add<&ConvTranspose<3>>("aten::conv_transpose3d.input")
      .Add<&Convolution>("aten::convolution")
      .Add<&UnderscoreConvolution>("aten::_convolution")
      .Add<&DeprecatedConvolution>("aten::_convolution.deprecated");
}

}  // namespace tandem::cuda
