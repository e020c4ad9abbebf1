#include "tandem/passes/fuse_linear.h"

#include <utility>

#include "tandem/passes/pattern.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

std::optional<Tensor> ConstantTensor(const PatternMatch& match,
                                     absl::string_view name, int64_t rank) {
  const std::optional<IValue> c = match.constant(name);
  if (!c.has_value() || !c->is_tensor() || !c->AsTensor().defined() ||
      c->AsTensor().dim() != rank || c->AsTensor().is_sparse() ||
      c->AsTensor().is_quantized()) {
    return std::nullopt;
  }
  return c->AsTensor();
}

bool IsOne(const PatternMatch& match, absl::string_view name) {
  if (match.value(name) == nullptr) return true;
  const std::optional<IValue> c = match.constant(name);
  return c.has_value() && ((c->is_int() && c->AsInt() == 1) ||
                           (c->is_double() && c->AsDouble() == 1));
}

// %wt is a constant matrix, %b a constant bias for it; %w becomes the matrix
// seen the other way round.
bool Accept(PatternMatch& match) {
  const std::optional<Tensor> w = ConstantTensor(match, "wt", 2);
  const std::optional<Tensor> b = ConstantTensor(match, "b", 1);
  if (!w || !b || b->size(0) != w->size(1) || b->dtype() != w->dtype() ||
      !IsOne(match, "alpha") || !IsOne(match, "beta")) {
    return false;
  }
  match.SetConstant(
      "w", IValue(w->ViewUnchecked({w->size(1), w->size(0)},
                                   {w->stride(1), w->stride(0)}, w->offset())));
  return true;
}

std::vector<RewriteRule> Rules() {
  constexpr char kLinear[] = R"(graph(%x, %w, %b):
    %y = aten::linear(%x, %w, %b)
    return (%y))";
  return {
      {"addmm",
       R"(graph(%x, %wt, %b, %alpha : Any, %beta : Any):
         %y = aten::addmm(%b, %x, %wt, %beta, %alpha)
         return (%y))",
       kLinear, &Accept},
      {"matmul and add",
       R"(graph(%x, %wt, %b, %alpha : Any):
         %p = aten::matmul(%x, %wt)
         %y = aten::add.Tensor(%p, %b, %alpha)
         return (%y))",
       kLinear, &Accept},
      {"mm and add",
       R"(graph(%x, %wt, %b, %alpha : Any):
         %p = aten::mm(%x, %wt)
         %y = aten::add.Tensor(%p, %b, %alpha)
         return (%y))",
       kLinear, &Accept},
      {"bias and matmul",
       R"(graph(%x, %wt, %b):
         %p = aten::matmul(%x, %wt)
         %y = aten::add.Tensor(%b, %p, 1)
         return (%y))",
       kLinear, &Accept},
      {"matmul and add in place",
       R"(graph(%x, %wt, %b, %alpha : Any):
         %p = aten::matmul(%x, %wt)
         %y = aten::add_.Tensor(%p, %b, %alpha)
         return (%y))",
       kLinear, &Accept},
  };
}

}  // namespace

absl::StatusOr<PassResult> FuseLinear(Graph* graph, const PassContext& context,
                                      const PassOptions& options) {
  PassResult result;
  if (!AnyNode(*graph->block(), [](const Node& n) {
        return n.Is("aten::addmm") || n.Is("aten::matmul") || n.Is("aten::mm");
      })) {
    return result;
  }
  TANDEM_ASSIGN_OR_RETURN(const RewriteRules rules,
                          RewriteRules::Create(Rules(), *context.operators));
  result.Count("linears fused", rules.Apply(graph));
  return result;
}

}  // namespace tandem
