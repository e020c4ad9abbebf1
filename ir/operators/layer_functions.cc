// Shape functions of convolutions, matrix products, pooling, normalisation,
// resampling, attention and recurrent layers.
#include <cmath>

#include "tandem/ir/operators/conv_shapes.h"
#include "tandem/ir/operators/matmul_shapes.h"
#include "tandem/ir/operators/pool_shapes.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/ir/operators/shape_function_tables.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::shape_functions {
namespace {

using Results = absl::StatusOr<ShapeResults>;

#define TANDEM_SELF(t)        \
  const Tensor& t = a.self(); \
  if (!t.defined()) return Unknown()

Dims ToDims(DimSpan s) { return Dims(s.begin(), s.end()); }

// ---- Convolution

Results Convolve(const ShapeArguments& a, bool transposed) {
  TANDEM_SELF(x);
  const Tensor &w = a.tensor("weight"), &b = a.tensor("bias");
  if (!w.defined() || w.dim() < 3 || w.dim() > 5) return Unknown();
  const int64_t rank = w.dim() - 2;
  ConvParams p;
  p.transposed = transposed;
  p.groups = a.integer("groups", 1);
  if (p.groups <= 0) return Unknown();
  p.stride = a.ints("stride").value_or(Dims{1});
  p.dilation = a.ints("dilation").value_or(Dims{1});
  p.output_padding = a.ints("output_padding").value_or(Dims{0});
  const IValue* padding = a.Find("padding");
  const bool named = padding != nullptr && padding->is_string();
  p.padding = named ? Dims{0} : a.ints("padding").value_or(Dims{0});
  TANDEM_RETURN_IF_ERROR(ExpandConvParams(rank, &p));
  if (named && padding->AsString() == "same") {
    TANDEM_RETURN_IF_ERROR(SamePadding(w.sizes(), &p));
  }
  Dims sizes = ToDims(x.sizes());
  const bool batched = x.dim() == rank + 2;
  if (!batched) {
    if (x.dim() != rank + 1) return Unknown();
    sizes.insert(sizes.begin(), 1);
  }
  TANDEM_ASSIGN_OR_RETURN(
      Dims out,
      ConvolutionSizes(
          sizes, w.sizes(),
          b.defined() ? std::optional<DimSpan>(b.sizes()) : std::nullopt, p));
  if (!batched) out.erase(out.begin());
  const bool plain = rank == 1 || (!LooksChannelsLast(x.sizes(), x.strides()) &&
                                   !LooksChannelsLast(w.sizes(), w.strides()));
  return One(out, x.dtype(), /*strides_known=*/plain);
}
Results Conv(const ShapeArguments& a) { return Convolve(a, false); }
Results ConvTransposed(const ShapeArguments& a) { return Convolve(a, true); }
Results AnyConvolution(const ShapeArguments& a) {
  return Convolve(a, a.flag("transposed"));
}

// ---- Products

Results Mm(const ShapeArguments& a) {
  TANDEM_SELF(x);
  const Tensor& y = a.tensor("mat2");
  if (!y.defined() || x.dim() != 2 || y.dim() != 2) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          MmSizes("mm", x.sizes(), y.sizes()));
  return One(sizes, x.dtype());
}
Results Bmm(const ShapeArguments& a) {
  TANDEM_SELF(x);
  const Tensor& y = a.tensor("mat2");
  if (!y.defined() || x.dim() != 3 || y.dim() != 3) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, BmmSizes(x.sizes(), y.sizes()));
  return One(sizes, x.dtype());
}
Results Addmm(const ShapeArguments& a) {
  const Tensor &x = a.tensor("mat1"), &y = a.tensor("mat2");
  if (!x.defined() || !y.defined() || !a.overload().empty()) return Unknown();
  if (x.dim() != 2 || y.dim() != 2) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          MmSizes("addmm", x.sizes(), y.sizes()));
  return One(sizes, x.dtype());
}
Results Baddbmm(const ShapeArguments& a) {
  const Tensor &x = a.tensor("batch1"), &y = a.tensor("batch2");
  if (!x.defined() || !y.defined() || !a.overload().empty()) return Unknown();
  if (x.dim() != 3 || y.dim() != 3) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, BmmSizes(x.sizes(), y.sizes()));
  return One(sizes, x.dtype());
}
Results MatMul(const ShapeArguments& a) {
  TANDEM_SELF(x);
  const Tensor& y = a.tensor("other");
  if (!y.defined()) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, MatMulSizes(x.sizes(), y.sizes()));
  // Of 3 and more dims PyTorch folds some, and the strides show it.
  return One(sizes, x.dtype(),
             /*strides_known=*/x.is_contiguous() && y.dim() <= 2);
}
Results Linear(const ShapeArguments& a) {
  TANDEM_SELF(x);
  const Tensor& w = a.tensor("weight");
  if (!w.defined()) return Unknown();
  TANDEM_ASSIGN_OR_RETURN(
      const Dims sizes,
      LinearSizes(x.sizes(), w.sizes(), a.tensor("bias").defined()));
  return One(sizes, x.dtype(), /*strides_known=*/x.is_contiguous());
}
Results Mv(const ShapeArguments& a) {
  TANDEM_SELF(x);
  if (x.dim() != 2) return Unknown();
  return One({x.size(0)}, x.dtype());
}
Results Dot(const ShapeArguments& a) {
  TANDEM_SELF(x);
  return One(Dims(), x.dtype());
}

// ---- Pooling

Dims ListOf(const ShapeArguments& a, absl::string_view name) {
  return a.ints(name).value_or(Dims());
}

Results Pool(const ShapeArguments& a, const char* op, int64_t rank, bool is_max,
             bool with_indices = false) {
  TANDEM_SELF(x);
  Dims out;
  if (rank == 1 && is_max) {
    const Dims stride = ListOf(a, "stride");
    TANDEM_ASSIGN_OR_RETURN(
        out, MaxPool1dSizes(x.sizes(), ListOf(a, "kernel_size"),
                            stride.empty() ? ListOf(a, "kernel_size") : stride,
                            ListOf(a, "padding"), ListOf(a, "dilation"),
                            a.flag("ceil_mode")));
  } else if (rank == 1) {
    const Dims kernel = ListOf(a, "kernel_size");
    Dims stride = ListOf(a, "stride"), padding = ListOf(a, "padding");
    if (kernel.size() != 1 || x.dim() < 2) return Unknown();
    if (stride.empty()) stride = kernel;
    if (padding.empty()) padding = {0};
    out = ToDims(x.sizes());
    TANDEM_ASSIGN_OR_RETURN(
        out.back(), PooledLength(out.back(), kernel[0], padding[0], stride[0],
                                 1, a.flag("ceil_mode")));
  } else {
    TANDEM_ASSIGN_OR_RETURN(
        const PoolParams p,
        MakePoolParams(op, rank, ListOf(a, "kernel_size"), ListOf(a, "stride"),
                       ListOf(a, "padding"), ListOf(a, "dilation"),
                       a.flag("ceil_mode")));
    TANDEM_ASSIGN_OR_RETURN(out, PoolSizes(x.sizes(), p, is_max));
  }
  TANDEM_ASSIGN_OR_RETURN(ShapeResults r,
                          One(out, x.dtype(), x.is_contiguous()));
  if (with_indices) {
    TANDEM_ASSIGN_OR_RETURN(Tensor indices, Made(out, DType::kInt64));
    r.values.emplace_back(std::move(indices));
  }
  return r;
}
Results MaxPool1d(const ShapeArguments& a) {
  return Pool(a, "max_pool1d", 1, true);
}
Results MaxPool2d(const ShapeArguments& a) {
  return Pool(a, "max_pool2d", 2, true, a.op().schema.returns.size() == 2);
}
Results MaxPool3d(const ShapeArguments& a) {
  return Pool(a, "max_pool3d", 3, true, a.op().schema.returns.size() == 2);
}
Results AvgPool1d(const ShapeArguments& a) {
  return Pool(a, "avg_pool1d", 1, false);
}
Results AvgPool2d(const ShapeArguments& a) {
  return Pool(a, "avg_pool2d", 2, false);
}
Results AvgPool3d(const ShapeArguments& a) {
  return Pool(a, "avg_pool3d", 3, false);
}

Results Adaptive(const ShapeArguments& a, size_t rank) {
  TANDEM_SELF(x);
  Dims size = ListOf(a, "output_size");
  if (size.size() == 1) size.resize(rank, size[0]);
  if (size.size() != rank || static_cast<size_t>(x.dim()) < rank + 1) {
    return Unknown();
  }
  Dims out = ToDims(x.sizes());
  for (size_t i = 0; i < rank; ++i) out[out.size() - rank + i] = size[i];
  // A result of one position has the strides of a mean.
  TANDEM_ASSIGN_OR_RETURN(
      ShapeResults r, One(out, x.dtype(), /*strides_known=*/x.is_contiguous()));
  if (a.op().schema.returns.size() == 2) {
    TANDEM_ASSIGN_OR_RETURN(Tensor indices, Made(out, DType::kInt64));
    r.values.emplace_back(std::move(indices));
  }
  return r;
}
Results Adaptive1d(const ShapeArguments& a) { return Adaptive(a, 1); }
Results Adaptive2d(const ShapeArguments& a) { return Adaptive(a, 2); }
Results Adaptive3d(const ShapeArguments& a) { return Adaptive(a, 3); }

// ---- Normalisation

Results Normalised(const ShapeArguments& a) {
  TANDEM_SELF(x);
  if (a.op().schema.returns.size() != 1) return Unknown();
  return One(x.sizes(), x.dtype(), /*strides_known=*/x.is_contiguous());
}

// ---- Resampling

Results Upsample(const ShapeArguments& a) {
  TANDEM_SELF(x);
  if (x.dim() < 3) return Unknown();
  const size_t rank = static_cast<size_t>(x.dim()) - 2;
  Dims out = ToDims(x.sizes());
  std::optional<Dims> size = a.ints("output_size");
  if (!size.has_value()) size = a.ints("size");
  if (size.has_value()) {
    if (size->size() == 1) size->resize(rank, (*size)[0]);
    if (size->size() != rank) return Unknown();
    for (size_t i = 0; i < rank; ++i) out[i + 2] = (*size)[i];
    return One(out, x.dtype(), /*strides_known=*/x.is_contiguous());
  }
  const IValue* factors = a.Find("scale_factors");
  if (factors == nullptr) factors = a.Find("scale_factor");
  if (factors == nullptr) return Unknown();
  for (size_t i = 0; i < rank; ++i) {
    double factor = 0;
    if (factors->is_double()) {
      factor = factors->AsDouble();
    } else if (factors->is_list() && i < factors->AsList().values.size() &&
               factors->AsList().values[i].is_double()) {
      factor = factors->AsList().values[i].AsDouble();
    }
    const double length = std::floor(static_cast<double>(out[i + 2]) * factor);
    if (!(length >= 1 && length < 1e15)) return Unknown();
    out[i + 2] = static_cast<int64_t>(length);
  }
  return One(out, x.dtype(), /*strides_known=*/x.is_contiguous());
}

// ---- Attention and recurrent layers

Results Attention(const ShapeArguments& a) {
  const Tensor &q = a.tensor("query"), &v = a.tensor("value");
  if (!q.defined() || !v.defined() || q.dim() < 2 || v.dim() < 2) {
    return Unknown();
  }
  Dims sizes = ToDims(q.sizes());
  sizes.back() = v.size(v.dim() - 1);
  return One(sizes, q.dtype(), /*strides_known=*/false);
}

// (output, h) and (output, h, c) of padded input.
Results Recurrent(const ShapeArguments& a) {
  if (a.overload() != "input") return Unknown();
  const Tensor& x = a.tensor("input");
  const bool lstm = a.Is("aten::lstm");
  const std::vector<Tensor> states = a.tensors("hx");
  const Tensor h =
      lstm ? (states.empty() ? Tensor() : states[0]) : a.tensor("hx");
  if (!x.defined() || !h.defined() || (x.dim() != 3 && x.dim() != 2) ||
      h.dim() != x.dim() || (lstm && states.size() != 2)) {
    return Unknown();
  }
  Dims sizes = ToDims(x.sizes());
  sizes.back() = h.size(h.dim() - 1) * (a.flag("bidirectional") ? 2 : 1);
  TANDEM_ASSIGN_OR_RETURN(ShapeResults r,
                          One(sizes, x.dtype(), /*strides_known=*/false));
  TANDEM_ASSIGN_OR_RETURN(Tensor last, Made(h.sizes(), x.dtype()));
  r.values.emplace_back(std::move(last));
  if (lstm) {
    TANDEM_ASSIGN_OR_RETURN(Tensor cell, Made(states[1].sizes(), x.dtype()));
    r.values.emplace_back(std::move(cell));
  }
  return r;
}

constexpr absl::string_view kConv[] = {"conv1d", "conv2d", "conv3d",
                                       "_convolution_mode"};
constexpr absl::string_view kConvTransposed[] = {
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"};
constexpr absl::string_view kConvolution[] = {"convolution", "_convolution"};
constexpr absl::string_view kMm[] = {"mm"};
constexpr absl::string_view kBmm[] = {"bmm"};
constexpr absl::string_view kAddmm[] = {"addmm"};
constexpr absl::string_view kBaddbmm[] = {"baddbmm"};
constexpr absl::string_view kMatMul[] = {"matmul"};
constexpr absl::string_view kLinear[] = {"linear"};
constexpr absl::string_view kMv[] = {"mv"};
constexpr absl::string_view kDot[] = {"dot", "vdot"};
constexpr absl::string_view kMaxPool1d[] = {"max_pool1d"};
constexpr absl::string_view kMaxPool2d[] = {"max_pool2d",
                                            "max_pool2d_with_indices"};
constexpr absl::string_view kMaxPool3d[] = {"max_pool3d",
                                            "max_pool3d_with_indices"};
constexpr absl::string_view kAvgPool1d[] = {"avg_pool1d"};
constexpr absl::string_view kAvgPool2d[] = {"avg_pool2d"};
constexpr absl::string_view kAvgPool3d[] = {"avg_pool3d"};
constexpr absl::string_view kAdaptive1d[] = {"adaptive_avg_pool1d",
                                             "adaptive_max_pool1d"};
constexpr absl::string_view kAdaptive2d[] = {"adaptive_avg_pool2d",
                                             "adaptive_max_pool2d"};
constexpr absl::string_view kAdaptive3d[] = {"adaptive_avg_pool3d",
                                             "adaptive_max_pool3d"};
constexpr absl::string_view kNormalised[] = {
    "batch_norm",    "layer_norm", "group_norm",
    "instance_norm", "rms_norm",   "local_response_norm"};
constexpr absl::string_view kUpsample[] = {
    "upsample_nearest1d", "upsample_nearest2d",  "upsample_nearest3d",
    "upsample_linear1d",  "upsample_bilinear2d", "upsample_trilinear3d",
    "upsample_bicubic2d", "__interpolate",       "_upsample_nearest_exact2d"};
constexpr absl::string_view kAttention[] = {"scaled_dot_product_attention"};
constexpr absl::string_view kRecurrent[] = {"lstm", "gru", "rnn_tanh",
                                            "rnn_relu"};

constexpr Entry kEntries[] = {
    {&Conv, kConv},
    {&ConvTransposed, kConvTransposed},
    {&AnyConvolution, kConvolution},
    {&Mm, kMm},
    {&Bmm, kBmm},
    {&Addmm, kAddmm},
    {&Baddbmm, kBaddbmm},
    {&MatMul, kMatMul},
    {&Linear, kLinear},
    {&Mv, kMv},
    {&Dot, kDot},
    {&MaxPool1d, kMaxPool1d},
    {&MaxPool2d, kMaxPool2d},
    {&MaxPool3d, kMaxPool3d},
    {&AvgPool1d, kAvgPool1d},
    {&AvgPool2d, kAvgPool2d},
    {&AvgPool3d, kAvgPool3d},
    {&Adaptive1d, kAdaptive1d},
    {&Adaptive2d, kAdaptive2d},
    {&Adaptive3d, kAdaptive3d},
    {&Normalised, kNormalised},
    {&Upsample, kUpsample},
    {&Attention, kAttention},
    {&Recurrent, kRecurrent},
};

}  // namespace

absl::Span<const Entry> Layers() { return kEntries; }

}  // namespace tandem::shape_functions
