#include "tandem/frontends/nn/normalization.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/repr.h"

namespace tandem::nn {
namespace {

// What torch.backends.cudnn.enabled is; traces show it.
constexpr bool kCudnnEnabled = true;

Tensor Ones(const IntList& sizes) { return eager::ones(sizes); }
Tensor Zeros(const IntList& sizes) { return eager::zeros(sizes); }

}  // namespace

NormBase::NormBase(int64_t features, const BatchNormOptions& o)
    : num_features(features), options(o) {
  weight = register_parameter("weight", o.affine ? Ones({features}) : Tensor());
  bias = register_parameter("bias", o.affine ? Zeros({features}) : Tensor());
  const bool track = o.track_running_stats;
  running_mean =
      register_buffer("running_mean", track ? Zeros({features}) : Tensor());
  running_var =
      register_buffer("running_var", track ? Ones({features}) : Tensor());
  num_batches_tracked = register_buffer(
      "num_batches_tracked",
      track ? eager::zeros(IntList(), DType::kInt64) : Tensor());
}

Tensor NormBase::NormalizeBatch(const Tensor& input, int64_t low,
                                int64_t high) {
  const int64_t rank = static_cast<int64_t>(input.dim());
  if (rank < low || rank > high) {
    eager::Throw(low == high ? absl::StrCat("expected ", low, "D input (got ",
                                            rank, "D input)")
                             : absl::StrCat("expected ", low, "D or ", high,
                                            "D input (got ", rank, "D input)"));
  }
  double factor = options.momentum.value_or(0);
  if (training() && options.track_running_stats &&
      num_batches_tracked.defined()) {
    num_batches_tracked.add_(1);
    if (!options.momentum.has_value()) {
      factor = 1 / num_batches_tracked.item<double>();
    }
  }
  const bool use_batch = training() || !running_mean.defined();
  const bool pass = !training() || options.track_running_stats;
  return eager::batch_norm(input, weight, bias, pass ? running_mean : Tensor(),
                           pass ? running_var : Tensor(), use_batch, factor,
                           options.eps, kCudnnEnabled);
}

Tensor NormBase::NormalizeInstances(const Tensor& input, int64_t unbatched) {
  const int64_t rank = static_cast<int64_t>(input.dim());
  if (rank != unbatched && rank != unbatched + 1) {
    eager::Throw(absl::StrCat("expected ", unbatched, "D or ", unbatched + 1,
                              "D input (got ", rank, "D input)"));
  }
  const bool lone = rank == unbatched;
  const Tensor x = lone ? input.unsqueeze(0) : input;
  const bool use_input = training() || !options.track_running_stats;
  const Tensor y = eager::instance_norm(
      x, weight, bias, running_mean, running_var, use_input,
      options.momentum.value_or(0), options.eps, kCudnnEnabled);
  return lone ? y.squeeze(0) : y;
}

std::string NormBase::extra_repr() const {
  return absl::StrCat(
      num_features, ", eps=", Repr(options.eps), ", momentum=",
      options.momentum ? Repr(*options.momentum) : std::string("None"),
      ", affine=", Repr(options.affine), ", bias=", Repr(bias.defined()),
      ", track_running_stats=", Repr(options.track_running_stats));
}

#define TANDEM_NORM(NAME, CALL)                           \
  NAME::NAME(int64_t features, const BatchNormOptions& o) \
      : ModuleOf(features, o) {}                          \
  Tensor NAME::forward(const Tensor& input) { return CALL; }
TANDEM_NORM(BatchNorm1d, NormalizeBatch(input, 2, 3))
TANDEM_NORM(BatchNorm2d, NormalizeBatch(input, 4, 4))
TANDEM_NORM(BatchNorm3d, NormalizeBatch(input, 5, 5))
TANDEM_NORM(InstanceNorm1d, NormalizeInstances(input, 2))
TANDEM_NORM(InstanceNorm2d, NormalizeInstances(input, 3))
TANDEM_NORM(InstanceNorm3d, NormalizeInstances(input, 4))
#undef TANDEM_NORM

LayerNorm::LayerNorm(const IntList& shape, double e, bool affine, bool has_bias)
    : normalized_shape(shape.ToDims()), eps(e), elementwise_affine(affine) {
  weight =
      register_parameter("weight", affine ? Ones(normalized_shape) : Tensor());
  bias = register_parameter(
      "bias", affine && has_bias ? Zeros(normalized_shape) : Tensor());
}
Tensor LayerNorm::forward(const Tensor& input) {
  return eager::layer_norm(input, normalized_shape, weight, bias, eps,
                           kCudnnEnabled);
}
std::string LayerNorm::extra_repr() const {
  return absl::StrCat(Repr(normalized_shape), ", eps=", Repr(eps),
                      ", elementwise_affine=", Repr(elementwise_affine),
                      ", bias=", Repr(bias.defined()));
}

GroupNorm::GroupNorm(int64_t groups, int64_t channels, double e,
                     bool has_affine)
    : num_groups(groups), num_channels(channels), eps(e), affine(has_affine) {
  if (groups <= 0 || channels % groups != 0) {
    eager::Throw("num_channels must be divisible by num_groups");
  }
  weight = register_parameter("weight", affine ? Ones({channels}) : Tensor());
  bias = register_parameter("bias", affine ? Zeros({channels}) : Tensor());
}
Tensor GroupNorm::forward(const Tensor& input) {
  return eager::group_norm(input, num_groups, weight, bias, eps, kCudnnEnabled);
}
std::string GroupNorm::extra_repr() const {
  return absl::StrCat(num_groups, ", ", num_channels, ", eps=", Repr(eps),
                      ", affine=", Repr(affine),
                      ", bias=", Repr(bias.defined()));
}

RMSNorm::RMSNorm(const IntList& shape, std::optional<double> e, bool affine)
    : normalized_shape(shape.ToDims()), eps(e), elementwise_affine(affine) {
  weight =
      register_parameter("weight", affine ? Ones(normalized_shape) : Tensor());
}
Tensor RMSNorm::forward(const Tensor& input) {
  return eager::rms_norm(input, normalized_shape, weight, eps);
}
std::string RMSNorm::extra_repr() const {
  return absl::StrCat(Repr(normalized_shape),
                      ", eps=", eps ? Repr(*eps) : std::string("None"),
                      ", elementwise_affine=", Repr(elementwise_affine));
}

LocalResponseNorm::LocalResponseNorm(int64_t s, double a, double b, double kk)
    : size(s), alpha(a), beta(b), k(kk) {}
// torch.nn.functional.local_response_norm
Tensor LocalResponseNorm::forward(const Tensor& input) {
  const int64_t rank = static_cast<int64_t>(input.dim());
  if (rank < 3) {
    eager::Throw(absl::StrCat(
        "Expected 3D or higher dimensionality                          input "
        "(got ",
        rank, " dimensions)"));
  }
  if (input.numel() == 0) return input;
  Tensor div = input.mul(input);
  if (rank == 3) {
    div = div.unsqueeze(1);
    div = eager::pad(div, {0, 0, size / 2, (size - 1) / 2});
    div = eager::avg_pool2d(div, {size, 1}, 1).squeeze(1);
  } else {
    const IntList sizes = input.sizes();
    div = div.view({sizes[0], 1, sizes[1], sizes[2], -1});
    div = eager::pad(div, {0, 0, 0, 0, size / 2, (size - 1) / 2});
    div = eager::avg_pool3d(div, {size, 1, 1}, 1).squeeze(1);
    div = div.view(sizes);
  }
  div = div.mul(alpha).add(k).pow(beta);
  return input / div;
}
std::string LocalResponseNorm::extra_repr() const {
  return absl::StrCat(size, ", alpha=", Repr(alpha), ", beta=", Repr(beta),
                      ", k=", Repr(k));
}

}  // namespace tandem::nn
