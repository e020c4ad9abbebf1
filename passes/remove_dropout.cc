#include "tandem/passes/remove_dropout.h"

#include "tandem/passes/rewrite.h"

namespace tandem {
namespace {

bool IsDropout(const Node& n) {
  if (n.op() == nullptr || n.inputs().size() != 3) return false;
  for (const char* name :
       {"aten::dropout", "aten::feature_dropout", "aten::alpha_dropout",
        "aten::feature_alpha_dropout", "aten::dropout_",
        "aten::feature_dropout_", "aten::alpha_dropout_",
        "aten::feature_alpha_dropout_"}) {
    if (n.Is(name)) return true;
  }
  return false;
}

}  // namespace

absl::StatusOr<PassResult> RemoveDropout(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options) {
  PassResult result;
  ForEachNode(graph->block(), [&](Node* n) {
    if (!IsDropout(*n)) return;
    const std::optional<IValue> train = ConstantInput(*n, "train");
    const std::optional<IValue> p = ConstantInput(*n, "p");
    if (!train.has_value() || !train->is_bool() || train->AsBool()) return;
    // A p that is no probability is an error in any mode.
    if (!p.has_value() || !p->is_double() ||
        !(p->AsDouble() >= 0 && p->AsDouble() <= 1)) {
      return;
    }
    n->output()->ReplaceAllUsesWith(n->input());
    n->Destroy();
    result.Count("dropouts removed");
  });
  return result;
}

}  // namespace tandem
