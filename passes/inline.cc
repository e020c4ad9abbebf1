#include "tandem/passes/inline.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// The callee of a call; null when it is known at run time only.
Function* CalleeOf(const Node& node) {
  if (node.is(NodeKind::kCallFunction)) {
    const std::optional<IValue> f = ConstantOf(node.input());
    return f.has_value() && f->is_function()
               ? const_cast<Function*>(f->AsFunction())
               : nullptr;
  }
  if (!node.is(NodeKind::kCallMethod)) return nullptr;
  const ClassType* type = node.input()->type()->AsClass();
  return type == nullptr ? nullptr : type->FindMethod(node.attribute_name());
}

absl::Status InlineIn(Block* block, size_t max_nodes) {
  Graph* graph = block->graph();
  for (Node* n = block->first(); n != block->return_node();) {
    for (Block* inner : n->blocks())
      TANDEM_RETURN_IF_ERROR(InlineIn(inner, max_nodes));
    Function* callee = CalleeOf(*n);
    if (callee == nullptr) {
      n = n->next();
      continue;
    }
    TANDEM_RETURN_IF_ERROR(callee->EnsureDefined());
    const size_t first = n->is(NodeKind::kCallFunction) ? 1 : 0;
    if (callee->graph() == nullptr ||
        callee->graph()->inputs().size() != n->inputs().size() - first) {
      // Whoever runs into it gets the error.
      n = n->next();
      continue;
    }
    if (graph->num_nodes() + callee->graph()->num_nodes() > max_nodes) {
      return absl::ResourceExhaustedError(
          absl::StrCat("inlining grows the graph past ", max_nodes, " nodes"));
    }
    Node* before = n->prev();
    const std::vector<Value*> args(n->inputs().begin() + first,
                                   n->inputs().end());
    const std::vector<Value*> results =
        graph->Inline(*callee->graph(), args, n);
    for (size_t i = 0; i < n->outputs().size() && i < results.size(); ++i) {
      n->output(i)->ReplaceAllUsesWith(results[i]);
    }
    Node* function = first == 1 ? n->input()->node() : nullptr;
    n->Destroy();
    if (function != nullptr && !function->output()->has_uses()) {
      if (before == function) before = function->prev();
      function->Destroy();
    }
    n = before->next();  // the copied nodes may call in turn
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status InlineCalls(Graph* graph, size_t max_nodes) {
  return InlineIn(graph->block(), max_nodes);
}

}  // namespace tandem
