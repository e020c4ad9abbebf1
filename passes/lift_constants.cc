#include "tandem/passes/lift_constants.h"

#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/fold_constants.h"
#include "tandem/passes/rewrite.h"

namespace tandem {

absl::StatusOr<PassResult> LiftConstants(Graph* graph,
                                         const PassContext& context,
                                         const PassOptions& options) {
  PassResult result;
  const AliasAnalysis aliases(*graph, {/*distinct_constants=*/true});
  const auto changed = [&](const Value* v) { return aliases.IsWritten(v); };
  ForEachNode(graph->block(), [&](Node* n) {
    const bool list = n->is(NodeKind::kListConstruct);
    if (!list && !n->is(NodeKind::kTupleConstruct)) return;
    // A tuple gives on what it holds; the tuple itself nobody can change.
    if (list && aliases.MayEscape(n->output())) return;
    std::optional<IValue> value = EvaluateConstant(n->output(), changed);
    if (!value.has_value()) return;
    Value* c = InsertConstantBefore(n, *std::move(value), n->output()->type());
    n->output()->ReplaceAllUsesWith(c);
    n->Destroy();
    result.Count("containers made constant");
  });
  Node* first = graph->block()->first();
  while (first->is(NodeKind::kConstant)) first = first->next();
  ForEachNode(graph->block(), [&](Node* n) {
    if (!n->is(NodeKind::kConstant) || n == first) return;
    if (n->owning_block() == graph->block() &&
        (first == graph->return_node() || n->IsBefore(first))) {
      return;
    }
    n->MoveBefore(first);
    result.Count("constants moved");
  });
  return result;
}

}  // namespace tandem
