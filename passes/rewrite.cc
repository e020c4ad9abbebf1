#include "tandem/passes/rewrite.h"

#include <utility>
#include <vector>

#include "absl/strings/match.h"

namespace tandem {
Value* InsertConstantBefore(Node* at, IValue value, const TypePtr& type) {
  Graph* graph = at->graph();
  TypePtr own = type;
  bool exact = false;
  switch (value.tag()) {
    case IValue::Tag::kTensor:
      own = nullptr;
      if (value.AsTensor().defined()) {
        exact = value.AsTensor().dim() == 0 &&
                !value.AsTensor().impl()->wrapped_number;
      } else {
        own = Type::Tensor();
      }
      break;
    case IValue::Tag::kNone:
      own = Type::None();
      break;
    case IValue::Tag::kInt:
      if (type->is(TypeKind::kNumber) || type->is(TypeKind::kOptional) ||
          type->is(TypeKind::kUnion) || type->is(TypeKind::kAny)) {
        own = Type::Int();
      }
      break;
    case IValue::Tag::kDouble:
      own = Type::Float();
      break;
    case IValue::Tag::kBool:
      own = Type::Bool();
      break;
    case IValue::Tag::kString:
      own = Type::Str();
      break;
    default:
      if (type->is(TypeKind::kOptional) && !value.is_none()) {
        own = type->element();
      }
      break;
  }
  Node* node = graph->CreateConstant(std::move(value), std::move(own));
  if (exact) node->SetAttribute("exact", int64_t{1});
  node->set_range(at->range());
  node->InsertBefore(at);
  return node->output();
}

std::optional<IValue> TakenAsNumber(const Node& node, size_t i) {
  if (i != 1 || node.op() == nullptr || node.inputs().size() < 2) {
    return std::nullopt;
  }
  const FunctionSchema& schema = node.op()->schema;
  if (schema.overload_name != "Tensor" ||
      (schema.name != "aten::add" && schema.name != "aten::sub" &&
       schema.name != "aten::mul" && schema.name != "aten::div")) {
    return std::nullopt;
  }
  const Node* constant = node.input(1)->node();
  if (!constant->is(NodeKind::kConstant) ||
      constant->FindAttribute("exact") != nullptr) {
    return std::nullopt;
  }
  const IValue value = constant->constant();
  if (!value.is_tensor() || !value.AsTensor().defined() ||
      value.AsTensor().dim() != 0 || value.AsTensor().requires_grad()) {
    return std::nullopt;
  }
  Tensor number = value.AsTensor().Alias();
  number.impl()->wrapped_number = true;
  return IValue(std::move(number));
}

Node* ReplaceIfByBranch(Node* node, size_t branch) {
  Block* taken = node->block(branch);
  Node* before = node->prev();
  while (taken->first() != taken->return_node()) {
    taken->first()->MoveBefore(node);
  }
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    node->output(i)->ReplaceAllUsesWith(taken->output(i));
  }
  node->Destroy();
  return before->next();
}

Node* ReplaceLoopByInputs(Node* node) {
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    node->output(i)->ReplaceAllUsesWith(node->input(i + 2));
  }
  Node* next = node->next();
  node->Destroy();
  return next;
}

void ForEachNode(Block* block, absl::FunctionRef<void(Node*)> visit) {
  for (Node *n = block->first(), *next; n != block->return_node(); n = next) {
    next = n->next();
    // The blocks first: the node may be gone afterwards.
    for (Block* b : n->blocks()) ForEachNode(b, visit);
    visit(n);
  }
}

Value* InputNamed(const Node& node, absl::string_view name) {
  if (node.op() == nullptr) return nullptr;
  const auto index = node.op()->schema.ArgumentIndex(name);
  return index.has_value() && *index < node.inputs().size() ? node.input(*index)
                                                            : nullptr;
}

std::optional<IValue> ConstantInput(const Node& node, absl::string_view name) {
  const Value* v = InputNamed(node, name);
  return v == nullptr ? std::nullopt : ConstantOf(v);
}

bool MayChangeSizes(const Node& n) {
  if (n.op() == nullptr || !n.op()->schema.is_mutable()) return false;
  const std::string& op = n.op()->schema.name;
  for (const char* name :
       {"aten::resize", "aten::_resize", "aten::squeeze_", "aten::unsqueeze_",
        "aten::t_", "aten::transpose_", "aten::swapaxes_", "aten::swapdims_",
        "aten::set_", "aten::as_strided_", "aten::sparse_resize"}) {
    if (absl::StartsWith(op, name)) return true;
  }
  return !absl::StartsWith(op, "aten::");
}

bool AnyNode(const Block& block, absl::FunctionRef<bool(const Node&)> is) {
  for (const Node* n : block) {
    if (is(*n)) return true;
    for (const Block* b : n->blocks()) {
      if (AnyNode(*b, is)) return true;
    }
  }
  return false;
}

}  // namespace tandem
