#include "tandem/frontends/script/compiler/exit_transform.h"

#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tandem/frontends/script/compiler/types.h"

namespace tandem::script {
namespace {

// How deep blocks may nest in the end: what comes after walks them by
// recursion.
constexpr int kMaxBlockDepth = 500;

// Whether a block or node has exited: a flag that is one of the transformer's
// three constants, or a value known when it runs; and with which values.
struct Exit {
  Value* flag = nullptr;
  std::vector<Value*> values;
};

enum class Status { kWill, kMight, kWont, kThrows };

class ExitTransformer {
 public:
  ExitTransformer(Graph* graph, NodeKind exit_kind)
      : graph_(*graph), exit_kind_(exit_kind) {
    const WithInsertPoint at_top(graph, graph->block()->first());
    true_ = graph->InsertConstant(true);
    false_ = graph->InsertConstant(false);
    // Never used: whatever reads it is behind what throws.
    throws_ = UninitializedOf(Type::Bool());
  }

  // False if blocks nest too deeply.
  bool Run() {
    TransformBlock(graph_.block());
    return !too_deep_;
  }

 private:
  Exit Wont() const { return {false_, {}}; }
  Exit Throws() const { return {throws_, {}}; }

  Status StatusOf(const Exit& exit) const {
    if (exit.flag == true_) return Status::kWill;
    if (exit.flag == false_) return Status::kWont;
    if (exit.flag == throws_) return Status::kThrows;
    return Status::kMight;
  }

  // One uninitialized value for each type, at the top of the graph.
  Value* UninitializedOf(const TypePtr& type) {
    for (const auto& [known, value] : uninitialized_) {
      if (Same(known, type)) return value;
    }
    Node* node = graph_.Create(NodeKind::kUninitialized, {}, 1);
    node->output()->set_type(type);
    graph_.block()->Prepend(node);
    uninitialized_.emplace_back(type, node->output());
    return node->output();
  }
  std::vector<Value*> UninitializedLike(absl::Span<Value* const> values) {
    std::vector<Value*> result;
    for (const Value* value : values) {
      result.push_back(UninitializedOf(value->type()));
    }
    return result;
  }

  static void ReplaceOutputs(Block* block, absl::Span<Value* const> outputs) {
    const std::vector<Value*> values(outputs.begin(), outputs.end());
    while (!block->outputs().empty()) block->EraseOutput(0);
    for (Value* value : values) block->AddOutput(value);
  }

  static void AddIfOutputs(Node* node, const std::vector<Value*>& when_true,
                           const std::vector<Value*>& when_false) {
    for (size_t i = 0; i < when_true.size(); ++i) {
      node->block(0)->AddOutput(when_true[i]);
      node->block(1)->AddOutput(when_false[i]);
      node->AddOutput(Unify(when_true[i]->type(), when_false[i]->type(),
                            /*default_to_union=*/true));
    }
  }
  static std::vector<Value*> LastOutputs(const Node* node, size_t count) {
    const absl::Span<Value* const> outputs = node->outputs();
    const absl::Span<Value* const> last =
        outputs.subspan(outputs.size() - count);
    return {last.begin(), last.end()};
  }

  Exit TransformLoop(Node* node) {
    Block* body = node->block();
    const Exit exit = TransformBlock(body);
    // The loop may not be entered, so a body that throws does not decide.
    if (StatusOf(exit) == Status::kWont || StatusOf(exit) == Status::kThrows) {
      return Wont();
    }
    // The loop ends where its body has exited, and passes the exit on.
    const WithInsertPoint inside(&graph_, body);
    Node* guard = graph_.Insert(graph_.Create(NodeKind::kIf, {exit.flag}, 0));
    guard->AddBlock()->AddOutput(false_);
    guard->AddBlock()->AddOutput(body->output(0));
    Value* condition = guard->AddOutput(Type::Bool());
    body->EraseOutput(0);
    body->InsertOutput(0, condition);

    node->AddInput(false_);
    body->AddInput("", Type::Bool());
    body->AddOutput(exit.flag);
    Value* has_exited = node->AddOutput(Type::Bool());
    for (Value* value : exit.values) {
      node->AddInput(UninitializedOf(value->type()));
      node->AddOutput(value->type());
      body->AddInput("", value->type());
      body->AddOutput(value);
    }
    return {has_exited, LastOutputs(node, exit.values.size())};
  }

  Exit TransformIf(Node* node) {
    Exit when_true = TransformBlock(node->block(0));
    Exit when_false = TransformBlock(node->block(1));
    const Status true_status = StatusOf(when_true);
    const Status false_status = StatusOf(when_false);
    // A branch that throws leaves it to the other.
    Status status = Status::kMight;
    if (true_status == Status::kThrows) {
      status = false_status;
    } else if (false_status == Status::kThrows || true_status == false_status) {
      status = true_status;
    }
    if (status == Status::kThrows) return Throws();
    if (status == Status::kWont) return Wont();
    if (true_status == Status::kWont || true_status == Status::kThrows) {
      when_true.values = UninitializedLike(when_false.values);
    } else if (false_status == Status::kWont ||
               false_status == Status::kThrows) {
      when_false.values = UninitializedLike(when_true.values);
    }
    Exit exit;
    if (status == Status::kWill) {
      exit.flag = true_;
    } else {
      AddIfOutputs(node, {when_true.flag}, {when_false.flag});
      exit.flag = node->outputs().back();
    }
    AddIfOutputs(node, when_true.values, when_false.values);
    exit.values = LastOutputs(node, when_true.values.size());
    return exit;
  }

  // Puts all from `first` to the end of the block under a condition.
  Exit GuardRest(Block* block, const Exit& exit, Node* first) {
    Node* guard = graph_.Create(NodeKind::kIf, {exit.flag}, 0);
    guard->InsertBefore(first);
    Block* exited = guard->AddBlock();
    Block* rest = guard->AddBlock();
    while (guard->next() != block->return_node()) {
      guard->next()->MoveBefore(rest->return_node());
    }
    const std::vector<Value*> unused = UninitializedLike(block->outputs());
    for (size_t i = 0; i < unused.size(); ++i) {
      exited->AddOutput(unused[i]);
      rest->AddOutput(block->output(i));
      guard->AddOutput(block->output(i)->type());
    }
    ReplaceOutputs(block, guard->outputs());
    Node* marker = graph_.Create(exit_kind_, exit.values, 0);
    exited->Append(marker);
    return TransformIf(guard);
  }

  // What follows an exit may still be named as a block's result.
  void DestroyAfterExit(Block* block, Node* first) {
    while (block->return_node()->prev() != first->prev()) {
      Node* node = block->return_node()->prev();
      const bool last = node == first;
      for (Value* output : node->outputs()) {
        if (output->has_uses()) {
          output->ReplaceAllUsesWith(UninitializedOf(output->type()));
        }
      }
      node->Destroy();
      if (last) break;
    }
  }

  Exit TransformBlock(Block* block) {
    Block* outer_target = target_;
    const Node* owner = block->owning_node();
    const bool is_function = owner == nullptr || owner->is(NodeKind::kClosure);
    const bool is_loop = owner != nullptr && owner->is(NodeKind::kLoop);
    if ((is_loop && exit_kind_ == NodeKind::kLoopContinuation) ||
        (is_function && exit_kind_ == NodeKind::kReturnStmt)) {
      target_ = block;
    }
    Exit exit = Wont();
    if (++depth_ > kMaxBlockDepth) {
      too_deep_ = true;
    }
    for (Node* node = block->first();
         !too_deep_ && node != block->return_node();) {
      Node* next = node->next();
      switch (node->kind()) {
        case NodeKind::kRaiseException:
          exit = Throws();
          break;
        case NodeKind::kReturnStmt:
        case NodeKind::kLoopContinuation:
          if (node->is(exit_kind_)) {
            exit = {true_, {node->inputs().begin(), node->inputs().end()}};
            node->Destroy();
          }
          break;
        case NodeKind::kIf:
          exit = TransformIf(node);
          break;
        case NodeKind::kWith:
          exit = TransformBlock(node->block(0));
          break;
        case NodeKind::kClosure:
          TransformBlock(node->block(0));
          break;
        case NodeKind::kLoop:
          exit = TransformLoop(node);
          break;
        default:
          break;
      }
      const Status status = StatusOf(exit);
      if (status == Status::kWill || status == Status::kThrows) {
        if (next != block->return_node()) DestroyAfterExit(block, next);
        break;
      }
      if (status == Status::kMight) {
        if (next != block->return_node()) exit = GuardRest(block, exit, next);
        break;
      }
      node = next;
    }
    --depth_;
    if (target_ == block) {
      if (StatusOf(exit) == Status::kMight) {
        Node* choice = graph_.Create(NodeKind::kIf, {exit.flag}, 0);
        choice->InsertBefore(block->return_node());
        choice->AddBlock();
        choice->AddBlock();
        AddIfOutputs(choice, exit.values,
                     {block->outputs().begin(), block->outputs().end()});
        ReplaceOutputs(block, choice->outputs());
      } else if (StatusOf(exit) == Status::kWill) {
        ReplaceOutputs(block, exit.values);
      }
      // An exit reaches its target and no further.
      exit = Wont();
    }
    target_ = outer_target;
    return exit;
  }

  Graph& graph_;
  const NodeKind exit_kind_;
  Value* true_ = nullptr;
  Value* false_ = nullptr;
  Value* throws_ = nullptr;
  std::vector<std::pair<TypePtr, Value*>> uninitialized_;
  Block* target_ = nullptr;
  int depth_ = 0;
  bool too_deep_ = false;
};

// What `block` uses of the if's outputs, as the if's own block gives it.
void MapUsedOutputs(const Node* node, Block* own, const Block& block,
                    absl::flat_hash_map<const Value*, Value*>* map) {
  const auto visit = [&](const Value* value) {
    if (value->node() == node) (*map)[value] = own->output(value->index());
  };
  for (const Node* user : block) {
    for (const Value* input : user->inputs()) visit(input);
    for (const Block* inner : user->blocks()) {
      MapUsedOutputs(node, own, *inner, map);
    }
  }
  for (const Value* output : block.outputs()) visit(output);
}

// An if over the constants that the if before it gives is put into that one:
// `if x: return 1` `return 2` gets one if.
bool MergeWithNextIf(Node* node) {
  if (!node->is(NodeKind::kIf) || !node->next()->is(NodeKind::kIf)) {
    return false;
  }
  Node* second = node->next();
  Value* condition = second->input();
  if (condition->node() != node) return false;
  const size_t offset = condition->index();
  const std::optional<IValue> when_true =
      ConstantOf(node->block(0)->output(offset));
  const std::optional<IValue> when_false =
      ConstantOf(node->block(1)->output(offset));
  if (!when_true.has_value() || !when_false.has_value() ||
      when_true->AsBool() == when_false->AsBool()) {
    return false;
  }
  for (size_t i = 0; i < 2; ++i) {
    Block* into = node->block(i);
    const bool taken = i == 0 ? when_true->AsBool() : when_false->AsBool();
    const Block* from = second->block(taken ? 0 : 1);
    // Only the outputs that are used: a chain of merged ifs has many.
    absl::flat_hash_map<const Value*, Value*> map;
    MapUsedOutputs(node, into, *from, &map);
    into->CloneFrom(*from, &map);
  }
  for (Value* output : second->outputs()) {
    Value* moved = node->AddOutput(output->type());
    if (output->has_name()) moved->SetName(output->name());
    output->ReplaceAllUsesWith(moved);
  }
  second->Destroy();
  return true;
}

// From `start` on, which may be null for the block's first node.
void MergeConsecutiveIfs(Block* block, Node* start = nullptr) {
  for (Node* node = start != nullptr ? start : block->first();
       node != block->return_node(); node = node->next()) {
    // The merged if is looked at again, but only where it was put together.
    std::vector<Node*> seams(node->blocks().size(), nullptr);
    do {
      for (size_t i = 0; i < seams.size(); ++i) {
        Block* inner = node->block(i);
        MergeConsecutiveIfs(inner, seams[i]);
        seams[i] = inner->empty() ? nullptr : inner->last();
      }
    } while (MergeWithNextIf(node));
  }
}

// prim::Enter … prim::Exit as blocks of a prim::With, so that an exit in
// between does not skip the Exit.
void CollectWiths(Block* block, std::vector<Node*>* open,
                  std::vector<std::pair<Node*, Node*>>* pairs) {
  for (Node* node : *block) {
    if (node->is(NodeKind::kEnter)) {
      open->push_back(node);
    } else if (node->is(NodeKind::kExit) && !open->empty()) {
      pairs->emplace_back(open->back(), node);
      open->pop_back();
    }
    for (Block* inner : node->blocks()) CollectWiths(inner, open, pairs);
  }
}

void MakeWithBlocks(Graph* graph) {
  std::vector<Node*> open;
  std::vector<std::pair<Node*, Node*>> pairs;
  CollectWiths(graph->block(), &open, &pairs);
  for (const auto& [enter, exit] : pairs) {
    if (enter->owning_block() != exit->owning_block()) continue;
    Node* with = graph->Create(NodeKind::kWith, {}, 0);
    Block* body = with->AddBlock();
    Block* exit_block = with->AddBlock();
    with->InsertAfter(enter);
    while (with->next() != exit) {
      with->next()->MoveBefore(body->return_node());
    }
    exit->MoveBefore(exit_block->return_node());
  }
}

void RemoveWithBlocks(Block* block) {
  for (Node* node = block->first(); node != block->return_node();) {
    Node* next = node->next();
    for (Block* inner : node->blocks()) RemoveWithBlocks(inner);
    if (node->is(NodeKind::kWith)) {
      for (Block* inner : node->blocks()) {
        while (!inner->empty()) inner->first()->MoveBefore(node);
      }
      node->Destroy();
    }
    node = next;
  }
}

}  // namespace

absl::Status TransformExits(Graph* graph, Session* session) {
  MakeWithBlocks(graph);
  for (const NodeKind kind :
       {NodeKind::kLoopContinuation, NodeKind::kReturnStmt}) {
    if (!ExitTransformer(graph, kind).Run()) {
      return session->Error(SourceRange(), "nested too deeply");
    }
  }
  MergeConsecutiveIfs(graph->block());
  RemoveWithBlocks(graph->block());
  return absl::OkStatus();
}

}  // namespace tandem::script
