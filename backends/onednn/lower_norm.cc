// Normalisation by known statistics (batch), over the last dims (layer) and
// over groups of channels.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/backends/onednn/post_ops.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

// A vector of `size` floats.
absl::StatusOr<std::optional<Operand>> Parameter(Builder& b, const Value* value,
                                                 int64_t size) {
  TANDEM_ASSIGN_OR_RETURN(std::optional<Operand> p, b.GetOptional(value));
  if (!p.has_value()) return p;
  int64_t count = 1;
  for (int64_t s : p->sizes) count *= s;
  if (count != size || p->dtype != DType::kFloat) {
    return Refuse("a parameter of other sizes or dtype");
  }
  TANDEM_ASSIGN_OR_RETURN(const Operand flat, b.Reshape(*p, {size}));
  TANDEM_ASSIGN_OR_RETURN(p, b.AsContiguous(flat));
  return p;
}

// batch_norm(input, weight, bias, running_mean, running_var, training,
// momentum, eps, cudnn_enabled)
absl::Status LowerBatchNorm(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand given, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(given.dtype));
  if (given.sizes.size() < 2) return Refuse("the input's rank");
  const int64_t channels = given.sizes[1];
  TANDEM_ASSIGN_OR_RETURN(const auto weight,
                          Parameter(b, n.input(1), channels));
  TANDEM_ASSIGN_OR_RETURN(const auto bias, Parameter(b, n.input(2), channels));
  TANDEM_ASSIGN_OR_RETURN(const auto mean, Parameter(b, n.input(3), channels));
  TANDEM_ASSIGN_OR_RETURN(const auto var, Parameter(b, n.input(4), channels));
  if (!mean.has_value() || !var.has_value()) return Refuse("no statistics");
  // oneDNN knows batches of images.
  Operand x = given;
  if (x.sizes.size() == 2) {
    TANDEM_ASSIGN_OR_RETURN(x, b.Reshape(x, {x.sizes[0], channels, 1}));
  }
  if (x.sizes.size() > 5) return Refuse("the input's rank");
  b.CountWork(x.sizes);
  const unsigned flags = dnnl_use_global_stats |
                         (weight.has_value() ? unsigned{dnnl_use_scale} : 0u) |
                         (bias.has_value() ? unsigned{dnnl_use_shift} : 0u);
  Fusable f;
  f.result = n.output();
  f.sizes = given.sizes;
  f.physical = x.sizes;
  f.strides = ElementwiseStrides(given.sizes, given.strides);
  f.dtype = x.dtype;
  f.name = "batch_norm";
  f.allow_reference = true;

  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status =
        b.d().library().batch_normalization_forward_primitive_desc_create(
            &pd, b.d().engine(), dnnl_forward_inference, x.md.get(), x.md.get(),
            static_cast<float>(DoubleArg(n, 7)), flags, attr.get());
    return b.d().Wrap(status, pd, "batch_norm");
  };
  f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
    Arguments args = {
        {DNNL_ARG_SRC, x}, {DNNL_ARG_MEAN, *mean}, {DNNL_ARG_VARIANCE, *var}};
    if (weight.has_value()) args.push_back({DNNL_ARG_SCALE, *weight});
    if (bias.has_value()) args.push_back({DNNL_ARG_SHIFT, *bias});
    return args;
  };
  TANDEM_ASSIGN_OR_RETURN(const Attributes plain, b.d().NewAttributes());
  const absl::StatusOr<PrimitiveDesc> first = f.create(plain);
  if (!first.ok() || b.d().IsReference(*first)) {
    TANDEM_ASSIGN_OR_RETURN(x, b.AsContiguous(x));
  }
  f.in_place = x;
  return EmitFused(b, f).status();
}

std::string RefuseTraining(const Node& n) {
  return BoolArg(n, 5) ? "training" : "";
}

// Over the last dim of a contiguous [rows, columns].
absl::StatusOr<Operand> EmitLayerNorm(Builder& b, const Operand& x,
                                      const Operand& rows,
                                      const std::optional<Operand>& weight,
                                      const std::optional<Operand>& bias,
                                      float eps, const Value* result,
                                      DimSpan sizes) {
  b.CountWork(rows.sizes);
  const unsigned flags = (weight.has_value() ? unsigned{dnnl_use_scale} : 0u) |
                         (bias.has_value() ? unsigned{dnnl_use_shift} : 0u);
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc dst,
                          b.d().Contiguous(rows.sizes, x.dtype));
  Fusable f;
  f.result = result;
  f.sizes.assign(sizes.begin(), sizes.end());
  f.physical = rows.sizes;
  f.strides = ContiguousStrides(sizes);
  f.dtype = x.dtype;
  f.name = "layer_norm";
  f.allow_reference = true;
  f.in_place = rows;
  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status =
        b.d().library().layer_normalization_forward_primitive_desc_create(
            &pd, b.d().engine(), dnnl_forward_inference, rows.md.get(),
            dst.get(), nullptr, eps, flags, attr.get());
    return b.d().Wrap(status, pd, "layer_norm");
  };
  f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
    Arguments args = {{DNNL_ARG_SRC, rows}};
    if (weight.has_value()) args.push_back({DNNL_ARG_SCALE, *weight});
    if (bias.has_value()) args.push_back({DNNL_ARG_SHIFT, *bias});
    return args;
  };
  return EmitFused(b, f);
}

// layer_norm(input, normalized_shape, weight, bias, eps, cudnn_enable)
absl::Status LowerLayerNorm(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype));
  const Dims shape = IntsArg(n, 1);
  if (shape.empty() || shape.size() > x.sizes.size() ||
      !std::equal(shape.rbegin(), shape.rend(), x.sizes.rbegin())) {
    return Refuse("shapes that do not fit");
  }
  int64_t columns = 1, rows = 1;
  for (int64_t s : shape) columns *= s;
  for (size_t i = 0; i + shape.size() < x.sizes.size(); ++i) {
    rows *= x.sizes[i];
  }
  TANDEM_ASSIGN_OR_RETURN(const auto weight, Parameter(b, n.input(2), columns));
  TANDEM_ASSIGN_OR_RETURN(const auto bias, Parameter(b, n.input(3), columns));
  TANDEM_ASSIGN_OR_RETURN(Operand flat, b.AsContiguous(x));
  TANDEM_ASSIGN_OR_RETURN(flat, b.Reshape(flat, {rows, columns}));
  return EmitLayerNorm(b, x, flat, weight, bias,
                       static_cast<float>(DoubleArg(n, 4)), n.output(), x.sizes)
      .status();
}

// Each of `groups` groups of channels of each image by its own statistics,
// then a factor and an addend a channel.
absl::Status EmitGroupNorm(Builder& b, const Node& n, int64_t groups,
                           const Value* weight_value, const Value* bias_value,
                           double eps) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype, false));
  if (x.sizes.size() < 2 || groups <= 0 || x.sizes[1] % groups != 0) {
    return Refuse("shapes that do not fit");
  }
  const int64_t channels = x.sizes[1];
  TANDEM_ASSIGN_OR_RETURN(std::optional<Operand> weight,
                          Parameter(b, weight_value, channels));
  TANDEM_ASSIGN_OR_RETURN(std::optional<Operand> bias,
                          Parameter(b, bias_value, channels));
  int64_t columns = channels / groups;
  for (size_t i = 2; i < x.sizes.size(); ++i) columns *= x.sizes[i];
  TANDEM_ASSIGN_OR_RETURN(Operand flat, b.AsContiguous(x));
  TANDEM_ASSIGN_OR_RETURN(flat,
                          b.Reshape(flat, {x.sizes[0] * groups, columns}));
  const Dims strides = ElementwiseStrides(x.sizes, x.strides);
  if (!weight.has_value() && !bias.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(
        Operand y, EmitLayerNorm(b, x, flat, weight, bias,
                                 static_cast<float>(eps), nullptr, x.sizes));
    y.strides = strides;
    b.Define(n.output(), y);
    return absl::OkStatus();
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Operand y,
      EmitLayerNorm(b, x, flat, std::nullopt, std::nullopt,
                    static_cast<float>(eps), nullptr, x.sizes));
  Dims per_channel(x.sizes.size(), 1);
  per_channel[1] = channels;
  for (std::optional<Operand>* p : {&weight, &bias}) {
    if (!p->has_value()) continue;
    TANDEM_ASSIGN_OR_RETURN(
        *p, [&]() -> absl::StatusOr<std::optional<Operand>> {
          TANDEM_ASSIGN_OR_RETURN(const Operand o, b.Reshape(**p, per_channel));
          return std::optional<Operand>(o);
        }());
  }
  Fusable f;
  f.follow = Fusable::Follow::kNoSum;
  f.result = n.output();
  f.sizes = x.sizes;
  f.strides = strides;
  f.dtype = x.dtype;
  f.name = "scale";
  f.allow_reference = true;
  f.in_place = y;
  const dnnl_alg_kind_t alg =
      weight.has_value() ? dnnl_binary_mul : dnnl_binary_add;
  const Operand& second = weight.has_value() ? *weight : *bias;
  if (weight.has_value()) f.addend = bias;
  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status = b.d().library().binary_primitive_desc_create(
        &pd, b.d().engine(), alg, y.md.get(), second.md.get(), y.md.get(),
        attr.get());
    return b.d().Wrap(status, pd, "binary");
  };
  f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
    return Arguments{{DNNL_ARG_SRC_0, y}, {DNNL_ARG_SRC_1, second}};
  };
  return EmitFused(b, f).status();
}

// group_norm(input, num_groups, weight, bias, eps, cudnn_enabled)
absl::Status LowerGroupNorm(Builder& b, const Node& n) {
  return EmitGroupNorm(b, n, IntArg(n, 1), n.input(2), n.input(3),
                       DoubleArg(n, 4));
}

// instance_norm(input, weight, bias, running_mean, running_var,
// use_input_stats, momentum, eps, cudnn_enabled)
absl::Status LowerInstanceNorm(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  if (x.sizes.size() < 3) return Refuse("the input's rank");
  return EmitGroupNorm(b, n, x.sizes[1], n.input(1), n.input(2),
                       DoubleArg(n, 7));
}

std::string RefuseInstanceNorm(const Node& n) {
  return BoolArg(n, 5) && IsNoneArg(n, 3) && IsNoneArg(n, 4)
             ? ""
             : "running statistics";
}

constexpr Lowering kLowerings[] = {
    {"aten::batch_norm", &LowerBatchNorm, Weight::kFollower, &RefuseTraining},
    {"aten::layer_norm", &LowerLayerNorm, Weight::kFollower},
    {"aten::group_norm", &LowerGroupNorm, Weight::kFollower},
    {"aten::instance_norm", &LowerInstanceNorm, Weight::kFollower,
     &RefuseInstanceNorm},
};

}  // namespace

absl::Span<const Lowering> NormLowerings() { return kLowerings; }

}  // namespace tandem::onednn
