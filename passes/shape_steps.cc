#include "tandem/passes/shape_steps.h"

#include <algorithm>

#include "tandem/backends/shape_values.h"
#include "tandem/passes/rewrite.h"

namespace tandem {
namespace {

bool IsTensorArgument(const Value* v) {
  const Type* type = v->type().get();
  while (type->is(TypeKind::kList) || type->is(TypeKind::kOptional)) {
    type = type->element().get();
  }
  return type->is(TypeKind::kTensor);
}

// The steps of all arguments of `n` that are no tensors; false when one of them
// is a number from elsewhere.
bool FindSteps(const Node& n, std::vector<const Node*>* steps) {
  for (const Value* v : n.inputs()) {
    if (IsTensorArgument(v) || ConstantArgument(v).has_value()) continue;
    if (!IsShapeValue(v, steps)) return false;
  }
  return !steps->empty();
}

bool IsTaken(const Node& n, absl::Span<const GroupBackend* const> backends) {
  return std::any_of(
      backends.begin(), backends.end(),
      [&](const GroupBackend* b) { return b->Supports(n).supported; });
}

}  // namespace

ShapeSteps CopyShapeSteps(Graph* graph,
                          absl::Span<const GroupBackend* const> backends) {
  ShapeSteps copies;
  std::vector<Node*> takers;
  std::vector<const Node*> originals;
  bool changes_sizes = false;
  ForEachNode(graph->block(), [&](Node* n) {
    changes_sizes |= MayChangeSizes(*n);
    if (n->op() == nullptr || n->op()->effects != 0 ||
        n->op()->schema.is_mutable() || IsShapeNode(*n)) {
      return;
    }
    std::vector<const Node*> steps;
    if (FindSteps(*n, &steps) && IsTaken(*n, backends)) takers.push_back(n);
  });
  if (changes_sizes) return copies;
  for (Node* n : takers) {
    std::vector<const Node*> steps;
    FindSteps(*n, &steps);
    originals.insert(originals.end(), steps.begin(), steps.end());
    absl::flat_hash_map<const Value*, Value*> map;
    const auto mapped = [&](Value* v) {
      const auto it = map.find(v);
      return it == map.end() ? v : it->second;
    };
    std::vector<Node*>& own = copies[n];
    for (const Node* step : steps) {
      std::vector<Value*> inputs;
      for (Value* v : step->inputs()) inputs.push_back(mapped(v));
      Node* copy =
          step->is(NodeKind::kOperator)
              ? graph->Create(step->op(), inputs)
              : graph->Create(step->kind(), inputs, step->outputs().size());
      copy->set_range(step->range());
      for (size_t i = 0; i < step->outputs().size(); ++i) {
        copy->output(i)->set_type(step->output(i)->type());
        map[step->output(i)] = copy->output(i);
      }
      copy->InsertBefore(n);
      own.push_back(copy);
    }
    for (size_t i = 0; i < n->inputs().size(); ++i) {
      if (Value* v = mapped(n->input(i)); v != n->input(i)) {
        n->ReplaceInput(i, v);
      }
    }
  }
  // Each comes after what it needs: backwards, until nothing goes.
  for (bool again = true; again;) {
    again = false;
    for (const Node*& step : originals) {
      if (step == nullptr) continue;
      const bool used =
          std::any_of(step->outputs().begin(), step->outputs().end(),
                      [](const Value* v) { return v->has_uses(); });
      if (used) continue;
      const Node* gone = step;
      const_cast<Node*>(gone)->Destroy();
      for (const Node*& other : originals) {
        if (other == gone) other = nullptr;
      }
      again = true;
    }
  }
  return copies;
}

}  // namespace tandem
