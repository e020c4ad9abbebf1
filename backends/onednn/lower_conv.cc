// Convolutions of 1 to 3 spatial dims: grouped, depthwise, dilated, transposed.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/backends/onednn/post_ops.h"
#include "tandem/ir/operators/conv_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

// A shape that PyTorch refuses: kernels say so in its words.
template <typename T>
absl::StatusOr<T> OrRefuse(absl::StatusOr<T> value) {
  if (value.ok()) return value;
  return Refuse(value.status().message());
}

struct Convolution {
  const Value *input, *weight, *bias, *result;
  ConvParams params;
  bool same_padding = false;
};

absl::Status Emit(Builder& b, Convolution& c) {
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.Get(c.input));
  TANDEM_ASSIGN_OR_RETURN(Operand w, b.Get(c.weight));
  TANDEM_ASSIGN_OR_RETURN(const std::optional<Operand> bias,
                          b.GetOptional(c.bias));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype));
  if (w.dtype != x.dtype || (bias.has_value() && bias->dtype != x.dtype)) {
    return Refuse("weights of another dtype");
  }
  const int64_t rank = static_cast<int64_t>(w.sizes.size()) - 2;
  if (rank < 1 || rank > 3) return Refuse("a rank of ", rank);
  // Without a batch: a batch of one.
  const bool batched = static_cast<int64_t>(x.sizes.size()) == rank + 2;
  if (!batched) {
    if (static_cast<int64_t>(x.sizes.size()) != rank + 1) {
      return Refuse("the input's rank");
    }
    Dims sizes = x.sizes;
    sizes.insert(sizes.begin(), 1);
    TANDEM_ASSIGN_OR_RETURN(x, b.Reshape(x, sizes));
  }
  ConvParams& p = c.params;
  if (c.params.output_padding.empty()) c.params.output_padding = {0};
  if (absl::Status s = ExpandConvParams(rank, &p); !s.ok()) {
    return Refuse(s.message());
  }
  if (c.same_padding) {
    if (absl::Status s = SamePadding(w.sizes, &p); !s.ok()) {
      return Refuse(s.message());
    }
  }
  std::optional<DimSpan> bias_sizes;
  if (bias.has_value()) bias_sizes = DimSpan(bias->sizes);
  TANDEM_ASSIGN_OR_RETURN(
      const Dims sizes,
      OrRefuse(ConvolutionSizes(x.sizes, w.sizes, bias_sizes, p)));
  if (std::find(sizes.begin(), sizes.end(), 0) != sizes.end()) {
    return Refuse("an empty result");
  }
  TANDEM_RETURN_IF_ERROR(
      CheckWindow({p.stride, p.padding, p.dilation, p.output_padding}));
  for (int64_t d : p.dilation) {
    if (d < 1) return Refuse("a dilation of ", d);
  }
  const bool channels_last =
      rank >= 2 && (LooksChannelsLast(x.sizes, x.strides) ||
                    LooksChannelsLast(w.sizes, w.strides));

  // oneDNN's weights: [groups,] out, in, spatial…
  const int64_t groups = p.groups;
  if (groups > 1) {
    Dims grouped = {groups, w.sizes[0] / groups};
    grouped.insert(grouped.end(), w.sizes.begin() + 1, w.sizes.end());
    TANDEM_ASSIGN_OR_RETURN(w, b.Reshape(w, grouped));
  }
  if (p.transposed) {
    Dims order;
    for (size_t i = 0; i < w.sizes.size(); ++i) order.push_back(i);
    const size_t out = groups > 1 ? 1 : 0;
    std::swap(order[out], order[out + 1]);
    TANDEM_ASSIGN_OR_RETURN(w, b.Permute(w, order));
  }
  Dims dilates, before = p.padding, after;
  for (int64_t i = 0; i < rank; ++i) {
    dilates.push_back(p.dilation[i] - 1);
    after.push_back(p.transposed ? p.padding[i] - p.output_padding[i]
                                 : p.padding[i] + p.extra_padding[i]);
  }
  Dims work = w.sizes;
  const Dims& positions = p.transposed ? x.sizes : sizes;
  work.push_back(positions[0]);
  work.insert(work.end(), positions.begin() + 2, positions.end());
  b.CountWork(work);

  Fusable f;
  f.follow = Fusable::Follow::kAll;
  f.result = c.result;
  f.sizes = sizes;
  if (!batched) f.sizes.erase(f.sizes.begin());
  f.physical = sizes;
  f.strides = channels_last && batched ? ChannelsLastStrides(sizes)
                                       : ContiguousStrides(f.sizes);
  f.dtype = x.dtype;
  f.name = absl::StrCat(p.transposed ? "deconv" : "conv", rank, "d");
  f.memory_bound = false;
  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc src, b.d().Any(x.sizes, x.dtype));
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc weights,
                            b.d().Any(w.sizes, w.dtype));
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc dst, b.d().Any(sizes, x.dtype));
    MemoryDesc bias_md;
    if (bias.has_value()) {
      TANDEM_ASSIGN_OR_RETURN(bias_md, b.d().Any(bias->sizes, bias->dtype));
    }
    const auto make =
        p.transposed
            ? b.d().library().deconvolution_forward_primitive_desc_create
            : b.d().library().convolution_forward_primitive_desc_create;
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status = make(
        &pd, b.d().engine(), dnnl_forward_inference,
        p.transposed ? dnnl_deconvolution_direct : dnnl_convolution_direct,
        src.get(), weights.get(), bias_md.get(), dst.get(), p.stride.data(),
        dilates.data(), before.data(), after.data(), attr.get());
    return b.d().Wrap(status, pd, "convolution");
  };
  f.arguments = [&](const PrimitiveDesc& pd) -> absl::StatusOr<Arguments> {
    Arguments args;
    const auto add = [&](int arg, const Operand& o) -> absl::Status {
      TANDEM_ASSIGN_OR_RETURN(const MemoryDesc md, b.d().ArgumentOf(pd, arg));
      TANDEM_ASSIGN_OR_RETURN(const Operand as, b.As(o, md));
      args.push_back({arg, as});
      return absl::OkStatus();
    };
    TANDEM_RETURN_IF_ERROR(add(DNNL_ARG_SRC, x));
    TANDEM_RETURN_IF_ERROR(add(DNNL_ARG_WEIGHTS, w));
    if (bias.has_value()) TANDEM_RETURN_IF_ERROR(add(DNNL_ARG_BIAS, *bias));
    return args;
  };
  return EmitFused(b, f).status();
}

// conv1d, conv2d, conv3d(input, weight, bias, stride, padding, dilation,
// groups); padding also as text.
absl::Status LowerConv(Builder& b, const Node& n) {
  Convolution c{n.input(0), n.input(1), n.input(2), n.output(), {}, false};
  c.params.stride = IntsArg(n, 3);
  c.params.dilation = IntsArg(n, 5);
  c.params.groups = IntArg(n, 6);
  if (n.op()->schema.overload_name == "padding") {
    c.same_padding = StringArg(n, 4) == "same";
    c.params.padding = {0};
  } else {
    c.params.padding = IntsArg(n, 4);
  }
  return Emit(b, c);
}

// conv_transpose*d(input, weight, bias, stride, padding, output_padding,
// groups, dilation)
absl::Status LowerConvTranspose(Builder& b, const Node& n) {
  Convolution c{n.input(0), n.input(1), n.input(2), n.output(), {}, false};
  c.params.stride = IntsArg(n, 3);
  c.params.padding = IntsArg(n, 4);
  c.params.output_padding = IntsArg(n, 5);
  c.params.groups = IntArg(n, 6);
  c.params.dilation = IntsArg(n, 7);
  c.params.transposed = true;
  return Emit(b, c);
}

// convolution(input, weight, bias, stride, padding, dilation, transposed,
// output_padding, groups), and _convolution with flags behind.
absl::Status LowerConvolution(Builder& b, const Node& n) {
  Convolution c{n.input(0), n.input(1), n.input(2), n.output(), {}, false};
  c.params.stride = IntsArg(n, 3);
  c.params.padding = IntsArg(n, 4);
  c.params.dilation = IntsArg(n, 5);
  c.params.transposed = BoolArg(n, 6);
  if (c.params.transposed) c.params.output_padding = IntsArg(n, 7);
  c.params.groups = IntArg(n, 8);
  return Emit(b, c);
}

// _convolution_mode(input, weight, bias, stride, padding, dilation, groups)
absl::Status LowerConvolutionMode(Builder& b, const Node& n) {
  Convolution c{n.input(0), n.input(1), n.input(2), n.output(), {}, false};
  c.params.stride = IntsArg(n, 3);
  c.same_padding = StringArg(n, 4) == "same";
  c.params.padding = {0};
  c.params.dilation = IntsArg(n, 5);
  c.params.groups = IntArg(n, 6);
  return Emit(b, c);
}

std::string RefusePadding(const Node& n) {
  const std::string padding = StringArg(n, 4);
  return padding == "same" || padding == "valid" ? "" : "the padding's name";
}

constexpr Lowering kLowerings[] = {
    {"aten::conv1d", &LowerConv, Weight::kHeavy},
    {"aten::conv1d.padding", &LowerConv, Weight::kHeavy, &RefusePadding},
    {"aten::conv2d", &LowerConv, Weight::kHeavy},
    {"aten::conv2d.padding", &LowerConv, Weight::kHeavy, &RefusePadding},
    {"aten::conv3d", &LowerConv, Weight::kHeavy},
    {"aten::conv3d.padding", &LowerConv, Weight::kHeavy, &RefusePadding},
    {"aten::conv_transpose1d", &LowerConvTranspose, Weight::kHeavy},
    {"aten::conv_transpose2d.input", &LowerConvTranspose, Weight::kHeavy},
    {"aten::conv_transpose3d.input", &LowerConvTranspose, Weight::kHeavy},
    {"aten::convolution", &LowerConvolution, Weight::kHeavy},
    {"aten::_convolution", &LowerConvolution, Weight::kHeavy},
    {"aten::_convolution.deprecated", &LowerConvolution, Weight::kHeavy},
    {"aten::_convolution_mode", &LowerConvolutionMode, Weight::kHeavy,
     &RefusePadding},
};

}  // namespace

absl::Span<const Lowering> ConvLowerings() { return kLowerings; }

}  // namespace tandem::onednn
