#include "tandem/passes/fold_batch_norm.h"

#include <cmath>
#include <utility>
#include <vector>

#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/fold_constants.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/file_pages.h"

namespace tandem {
namespace {

bool IsConvolution(const Node& n) {
  if (n.Is("aten::_convolution")) {
    const std::optional<IValue> transposed = ConstantInput(n, "transposed");
    return transposed.has_value() && transposed->is_bool() &&
           !transposed->AsBool();
  }
  return n.Is("aten::conv1d") || n.Is("aten::conv2d") || n.Is("aten::conv3d");
}

// A constant tensor, undefined for a constant None; nullopt for anything else.
std::optional<Tensor> TensorOrNone(const Node& n, absl::string_view name) {
  const std::optional<IValue> v = ConstantInput(n, name);
  if (!v.has_value()) return std::nullopt;
  if (v->is_none()) return Tensor();
  if (!v->is_tensor()) return std::nullopt;
  return v->AsTensor();
}

bool IsPlain(const Tensor& t) {
  return !t.impl()->conj && !t.impl()->neg && !t.is_sparse() &&
         !t.is_quantized() && t.device().type == DeviceType::kCpu;
}

struct Statistics {
  Tensor bias, gamma, beta, mean, var;  // [channels] or undefined
  double eps;
};

// The elements of a tensor [channels] as they lie.
template <typename T>
std::vector<double> Elements(const Tensor& t, int64_t channels,
                             double fallback) {
  std::vector<double> v(static_cast<size_t>(channels), fallback);
  if (!t.defined()) return v;
  const T* data = t.data<T>();
  for (int64_t i = 0; i < channels; ++i) v[i] = data[i * t.stride(0)];
  return v;
}

// The convolution's weight and bias with the normalisation in them, computed in
// double and rounded once. Nothing is read but once: a network's weights are
// most of what a pass could wait for.
template <typename T>
std::optional<std::pair<Tensor, Tensor>> Scaled(const Tensor& weight,
                                                const Statistics& s) {
  // The new constants outlive what this thread may be running.
  CallContext context = CurrentContext();
  context.memory = nullptr;
  const ScopedContext own(context);
  const int64_t channels = weight.size(0);
  const absl::StatusOr<Tensor> plain = Contiguous(weight);
  absl::StatusOr<Tensor> scaled = Tensor::Empty(weight.sizes(), weight.dtype());
  absl::StatusOr<Tensor> shift = Tensor::Empty({channels}, weight.dtype());
  if (!plain.ok() || !scaled.ok() || !shift.ok()) return std::nullopt;
  const std::vector<double> bias = Elements<T>(s.bias, channels, 0),
                            gamma = Elements<T>(s.gamma, channels, 1),
                            beta = Elements<T>(s.beta, channels, 0),
                            mean = Elements<T>(s.mean, channels, 0),
                            var = Elements<T>(s.var, channels, 1);
  const int64_t row = channels == 0 ? 0 : weight.numel() / channels;
  const T* from = plain->data<T>();
  T* to = scaled->data<T>();
  for (int64_t c = 0; c < channels; ++c) {
    const double scale = gamma[c] / std::sqrt(var[c] + s.eps);
    for (int64_t i = c * row; i < (c + 1) * row; ++i) {
      to[i] = static_cast<T>(from[i] * scale);
    }
    shift->data<T>()[c] = static_cast<T>((bias[c] - mean[c]) * scale + beta[c]);
  }
  if (!weight.is_contiguous()) {
    // Channels last stay last: the convolution's result lies as its weights do.
    absl::StatusOr<Tensor> laid = EmptyLike(weight, weight.dtype());
    if (!laid.ok() || !CopyElements(*scaled, *laid).ok()) return std::nullopt;
    scaled = std::move(laid);
  }
  return std::make_pair(*std::move(scaled), *std::move(shift));
}

bool Fold(Node* bn, const AliasAnalysis& aliases) {
  Node* conv = bn->input()->node();
  if (!IsConvolution(*conv) || conv->owning_block() != bn->owning_block() ||
      conv->output()->uses().size() != 1 || aliases.IsWritten(conv->output())) {
    return false;
  }
  const std::optional<IValue> training = ConstantInput(*bn, "training");
  const std::optional<IValue> eps = ConstantInput(*bn, "eps");
  if (!training.has_value() || !training->is_bool() || training->AsBool() ||
      !eps.has_value() || !eps->is_double()) {
    return false;
  }
  const auto weight = TensorOrNone(*conv, "weight");
  const auto bias = TensorOrNone(*conv, "bias");
  const auto gamma = TensorOrNone(*bn, "weight");
  const auto beta = TensorOrNone(*bn, "bias");
  const auto mean = TensorOrNone(*bn, "running_mean");
  const auto var = TensorOrNone(*bn, "running_var");
  if (!weight || !bias || !gamma || !beta || !mean || !var ||
      !weight->defined() || !mean->defined() || !var->defined()) {
    return false;
  }
  const DType dtype = weight->dtype();
  if (dtype != DType::kFloat && dtype != DType::kDouble) return false;
  if (weight->dim() < 2) return false;
  const int64_t channels = weight->size(0);
  if (!IsPlain(*weight)) return false;
  for (const Tensor& t : {*bias, *gamma, *beta, *mean, *var}) {
    if (!t.defined()) continue;
    if (!IsPlain(t) || t.dtype() != dtype || t.dim() != 1 ||
        t.size(0) != channels) {
      return false;
    }
  }
  for (const char* name : {"weight", "bias"}) {
    if (aliases.IsWritten(InputNamed(*conv, name))) return false;
  }
  for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
    if (aliases.IsWritten(InputNamed(*bn, name))) return false;
  }
  std::optional<std::pair<Tensor, Tensor>> folded;
  const Statistics statistics{*bias, *gamma, *beta,
                              *mean, *var,   eps->AsDouble()};
  folded = dtype == DType::kFloat ? Scaled<float>(*weight, statistics)
                                  : Scaled<double>(*weight, statistics);
  if (!folded.has_value()) return false;
  const auto& [new_weight, shift] = *folded;
  ReleaseFilePages(*weight);
  const size_t w = *conv->op()->schema.ArgumentIndex("weight");
  const size_t b = *conv->op()->schema.ArgumentIndex("bias");
  conv->ReplaceInput(
      w, InsertConstantBefore(conv, IValue(new_weight), Type::Tensor()));
  conv->ReplaceInput(b,
                     InsertConstantBefore(conv, IValue(shift), Type::Tensor()));
  conv->output()->set_type(bn->output()->type());
  bn->output()->ReplaceAllUsesWith(conv->output());
  bn->Destroy();
  return true;
}

}  // namespace

absl::StatusOr<PassResult> FoldBatchNorm(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options) {
  PassResult result;
  // Under autocast weights are rounded before they are multiplied.
  if (AnyNode(*graph->block(),
              [](const Node& n) { return n.is(NodeKind::kEnter); })) {
    return result;
  }
  const AliasAnalysis aliases(*graph, {/*distinct_constants=*/true});
  ForEachNode(graph->block(), [&](Node* n) {
    if (n->Is("aten::batch_norm") && Fold(n, aliases)) {
      result.Count("batch norms folded");
    }
  });
  return result;
}

}  // namespace tandem
