#include "tandem/backends/group.h"

namespace tandem {

std::optional<IValue> ConstantArgument(const Value* value) {
  if (std::optional<IValue> constant = ConstantOf(value)) return constant;
  const Node* node = value->node();
  if (!node->is(NodeKind::kListConstruct)) return std::nullopt;
  std::vector<IValue> elements;
  for (const Value* v : node->inputs()) {
    std::optional<IValue> element = ConstantOf(v);
    if (!element.has_value() || element->is_tensor()) return std::nullopt;
    elements.push_back(*std::move(element));
  }
  return IValue(
      MakeList(node->output()->type()->element(), std::move(elements)));
}

}  // namespace tandem
