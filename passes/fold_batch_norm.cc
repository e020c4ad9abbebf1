#include "tandem/passes/fold_batch_norm.h"

#include <utility>
#include <vector>

#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/fold_constants.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/file_pages.h"
#include "tandem/tensor/status_macros.h"

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

// Runs operators on tensors; an error sticks.
class Calculator {
 public:
  explicit Calculator(const PassContext& context) : context_(context) {}
  Tensor Run(absl::string_view name, absl::string_view overload,
             std::vector<IValue> arguments) {
    if (!status_.ok()) return Tensor();
    const Operator* op = context_.operators->Find(name, overload);
    if (op == nullptr) {
      status_ = absl::NotFoundError(name);
      return Tensor();
    }
    absl::StatusOr<std::vector<IValue>> results = Compute(
        *op, std::move(arguments), *context_.registry, context_.backends);
    if (!results.ok()) {
      status_ = results.status();
      return Tensor();
    }
    return (*results)[0].AsTensor();
  }
  bool ok() const { return status_.ok(); }

 private:
  const PassContext& context_;
  absl::Status status_;
};

// A constant tensor, undefined for a constant None; nullopt for anything else.
std::optional<Tensor> TensorOrNone(const Node& n, absl::string_view name) {
  const std::optional<IValue> v = ConstantInput(n, name);
  if (!v.has_value()) return std::nullopt;
  if (v->is_none()) return Tensor();
  if (!v->is_tensor()) return std::nullopt;
  return v->AsTensor();
}

bool Fold(Node* bn, const PassContext& context, const AliasAnalysis& aliases) {
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
  for (const Tensor& t : {*bias, *gamma, *beta, *mean, *var}) {
    if (!t.defined()) continue;
    if (t.dtype() != dtype || t.dim() != 1 || t.size(0) != channels) {
      return false;
    }
  }
  for (const char* name : {"weight", "bias"}) {
    if (aliases.IsWritten(InputNamed(*conv, name))) return false;
  }
  for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
    if (aliases.IsWritten(InputNamed(*bn, name))) return false;
  }
  // In double, rounded once.
  Calculator c(context);
  const auto to = [&](const Tensor& t, DType d) {
    return c.Run("aten::to", "dtype",
                 {t, static_cast<int64_t>(d), false, false, IValue()});
  };
  Tensor scale = c.Run("aten::rsqrt", "",
                       {c.Run("aten::add", "Scalar",
                              {to(*var, DType::kDouble), *eps, int64_t{1}})});
  if (gamma->defined()) {
    scale = c.Run("aten::mul", "Tensor", {scale, to(*gamma, DType::kDouble)});
  }
  std::vector<int64_t> shape(static_cast<size_t>(weight->dim()), 1);
  shape[0] = channels;
  Tensor new_weight =
      c.Run("aten::mul", "Tensor",
            {to(*weight, DType::kDouble),
             c.Run("aten::reshape", "", {scale, MakeIntList(shape)})});
  Tensor shift = c.Run("aten::neg", "", {to(*mean, DType::kDouble)});
  if (bias->defined()) {
    shift = c.Run("aten::add", "Tensor",
                  {shift, to(*bias, DType::kDouble), int64_t{1}});
  }
  shift = c.Run("aten::mul", "Tensor", {shift, scale});
  if (beta->defined()) {
    shift = c.Run("aten::add", "Tensor",
                  {shift, to(*beta, DType::kDouble), int64_t{1}});
  }
  new_weight = to(new_weight, dtype);
  shift = to(shift, dtype);
  if (!c.ok()) return false;
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
  if (context.registry == nullptr ||
      AnyNode(*graph->block(),
              [](const Node& n) { return n.is(NodeKind::kEnter); })) {
    return result;
  }
  const AliasAnalysis aliases(*graph, {/*distinct_constants=*/true});
  ForEachNode(graph->block(), [&](Node* n) {
    if (n->Is("aten::batch_norm") && Fold(n, context, aliases)) {
      result.Count("batch norms folded");
    }
  });
  return result;
}

}  // namespace tandem
