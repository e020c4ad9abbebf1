// Folds nodes over constants of types that cannot change, and branches and
// loops over them.

#include <vector>

#include "tandem/frontends/script/compiler/cleanup.h"
#include "tandem/frontends/script/compiler/constant_evaluator.h"
#include "tandem/frontends/script/compiler/types.h"

namespace tandem::script {
namespace {

bool IsMutable(const TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::kTensor:
    case TypeKind::kList:
    case TypeKind::kDict:
    case TypeKind::kClass:
    case TypeKind::kInterface:
    case TypeKind::kAny:
    case TypeKind::kAnyList:
    case TypeKind::kAnyTuple:
    case TypeKind::kAnyClass:
    case TypeKind::kFuture:
    case TypeKind::kAwait:
    case TypeKind::kRRef:
    case TypeKind::kGenerator:
    case TypeKind::kStorage:
    case TypeKind::kCapsule:
      return true;
    default:
      break;
  }
  for (const TypePtr& element : type->elements()) {
    if (IsMutable(element)) return true;
  }
  return false;
}

bool IsConstant(const Value* value) {
  return value->node()->is(NodeKind::kConstant);
}

bool SameConstant(const Value* a, const Value* b) {
  if (a == b) return true;
  if (!IsConstant(a) || !IsConstant(b) || !Same(a->type(), b->type())) {
    return false;
  }
  const IValue x = a->node()->constant();
  const IValue y = b->node()->constant();
  if (x.tag() != y.tag()) return false;
  return x.Is(y) || (!x.is_tensor() && !x.is_object() && Equal(x, y));
}

class Propagator {
 public:
  explicit Propagator(Graph* graph) : graph_(*graph) {}

  bool Run() {
    VisitBlock(graph_.block());
    return changed_;
  }

 private:
  void VisitBlock(Block* block) {
    for (Node* node = block->first(); node != block->return_node();) {
      Node* next = node->next();
      Visit(node);
      node = next;
    }
  }

  void Visit(Node* node) {
    bool constant_inputs = true;
    for (const Value* input : node->inputs()) {
      constant_inputs = constant_inputs && IsConstant(input);
    }
    if (node->is(NodeKind::kIf)) {
      if (constant_inputs) {
        InlineIf(node);
      } else {
        for (Block* block : node->blocks()) VisitBlock(block);
        RemoveExtraIfOutputs(node);
      }
    } else if (node->is(NodeKind::kLoop)) {
      if (WillNotRun(node)) {
        for (size_t i = 0; i < node->outputs().size(); ++i) {
          node->output(i)->ReplaceAllUsesWith(node->input(i + 2));
        }
        node->Destroy();
        changed_ = true;
      } else {
        VisitBlock(node->block());
        RemoveExtraLoopOutputs(node);
      }
    } else if (constant_inputs && IsSupported(node)) {
      Fold(node);
    } else {
      for (Block* block : node->blocks()) VisitBlock(block);
    }
  }

  static bool IsSupported(const Node* node) {
    switch (node->kind()) {
      case NodeKind::kConstant:
      case NodeKind::kUninitialized:
      case NodeKind::kClosure:
        return false;
      default:
        break;
    }
    if (!node->blocks().empty() || node->HasSideEffects()) return false;
    for (const Value* input : node->inputs()) {
      if (IsMutable(input->type())) return false;
    }
    for (const Value* output : node->outputs()) {
      if (IsMutable(output->type())) return false;
    }
    return true;
  }

  void Fold(Node* node) {
    std::optional<std::vector<IValue>> values = EvaluateNode(node);
    if (!values.has_value()) return;
    const WithInsertPoint before(&graph_, node);
    for (size_t i = 0; i < values->size(); ++i) {
      const bool none = (*values)[i].is_none();
      Value* constant = graph_.InsertConstant(
          std::move((*values)[i]), {},
          none || Is(node->output(i)->type(), TypeKind::kTuple)
              ? node->output(i)->type()
              : nullptr);
      node->output(i)->ReplaceAllUsesWith(constant);
      changed_ = true;
    }
  }

  void InlineIf(Node* node) {
    const IValue condition = node->input()->node()->constant();
    Block* taken = node->block(condition.AsBool() ? 0 : 1);
    VisitBlock(taken);
    while (!taken->empty()) taken->first()->MoveBefore(node);
    for (size_t i = 0; i < node->outputs().size(); ++i) {
      node->output(i)->ReplaceAllUsesWith(taken->output(i));
    }
    node->Destroy();
    changed_ = true;
  }

  static bool WillNotRun(const Node* node) {
    const std::optional<IValue> trip_count = ConstantOf(node->input(0));
    const std::optional<IValue> condition = ConstantOf(node->input(1));
    return (trip_count.has_value() && trip_count->is_int() &&
            trip_count->AsInt() <= 0) ||
           (condition.has_value() && condition->is_bool() &&
            !condition->AsBool());
  }

  void RemoveExtraIfOutputs(Node* node) {
    Block* then = node->block(0);
    Block* otherwise = node->block(1);
    for (size_t i = 0; i < node->outputs().size();) {
      Value* a = then->output(i);
      Value* b = otherwise->output(i);
      Value* replacement = nullptr;
      if (a == b) {
        replacement = a;
      } else if (SameConstant(a, b)) {
        const WithInsertPoint before(&graph_, node);
        replacement =
            graph_.InsertConstant(a->node()->constant(), {}, a->type());
      }
      if (replacement == nullptr) {
        ++i;
        continue;
      }
      node->output(i)->ReplaceAllUsesWith(replacement);
      node->EraseOutput(i);
      then->EraseOutput(i);
      otherwise->EraseOutput(i);
      changed_ = true;
    }
  }

  void RemoveExtraLoopOutputs(Node* node) {
    Block* body = node->block();
    for (size_t i = node->outputs().size(); i-- > 0;) {
      if (body->input(i + 1) != body->output(i + 1)) continue;
      Value* input = node->input(i + 2);
      node->output(i)->ReplaceAllUsesWith(input);
      body->input(i + 1)->ReplaceAllUsesWith(input);
      node->EraseOutput(i);
      node->RemoveInput(i + 2);
      body->EraseOutput(i + 1);
      body->EraseInput(i + 1);
      changed_ = true;
    }
  }

  Graph& graph_;
  bool changed_ = false;
};

}  // namespace

bool PropagateImmutableConstants(Graph* graph) {
  return Propagator(graph).Run();
}

}  // namespace tandem::script
