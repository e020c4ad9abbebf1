#include "tandem/frontends/script/compiler/to_ssa.h"

#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tandem/frontends/script/compiler/environment.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/types.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

const std::string& NameOf(const Node* node) {
  return node->Get<std::string>("name");
}

// Scoped variables by name, in name order.
template <typename T>
struct Frame {
  explicit Frame(Frame* parent) : next(parent) {}

  const T* FindInAnyFrame(const std::string& name) const {
    for (const Frame* frame = this; frame != nullptr; frame = frame->next) {
      const auto found = frame->table.find(name);
      if (found != frame->table.end()) return &found->second;
    }
    return nullptr;
  }

  std::map<std::string, T> table;
  Frame* const next;
};

// --------------------------------------------- variables of branches and loops

class ControlFlowVariables {
 public:
  explicit ControlFlowVariables(Graph* graph) : graph_(*graph) {}

  using Types = Frame<TypePtr>;
  void Run(Block* block, Types* frame) {
    for (Node* node = block->first(); node != block->return_node();
         node = node->next()) {
      switch (node->kind()) {
        case NodeKind::kIf:
          VisitIf(node, frame);
          break;
        case NodeKind::kLoop:
          VisitLoop(node, frame);
          break;
        case NodeKind::kClosure:
        case NodeKind::kComprehensionScope:
          for (Block* inner : node->blocks()) {
            Types inner_frame(frame);
            Run(inner, &inner_frame);
          }
          break;
        case NodeKind::kStore:
          frame->table[NameOf(node)] = node->input()->type();
          break;
        default:
          break;
      }
    }
  }

 private:
  Node* CreateStore(const std::string& name, Value* value) {
    Node* store = graph_.Create(NodeKind::kStore, {value}, 0);
    store->SetAttribute("name", name);
    return store;
  }
  Node* CreateLoad(const std::string& name, const TypePtr& type) {
    Node* load = graph_.Create(NodeKind::kLoad, {}, 1);
    load->SetAttribute("name", name);
    load->output()->set_type(type);
    return load;
  }

  void AddBlockOutput(Block* block, const TypePtr& type,
                      const std::string& name) {
    Node* load = CreateLoad(name, type);
    block->Append(load);
    block->AddOutput(load->output());
  }
  void AddNodeOutput(Node* node, const TypePtr& type, const std::string& name) {
    Value* output = node->AddOutput(type);
    if (IsMeaningfulName(name)) output->SetName(name);
    CreateStore(name, output)->InsertAfter(node);
  }

  void VisitIf(Node* node, Types* frame) {
    Types when_true(frame);
    Run(node->block(0), &when_true);
    Types when_false(frame);
    Run(node->block(1), &when_false);
    std::set<std::string> mutated;
    for (const auto& [name, type] : when_true.table) {
      if (when_false.FindInAnyFrame(name) != nullptr) mutated.insert(name);
    }
    for (const auto& [name, type] : when_false.table) {
      if (when_true.FindInAnyFrame(name) != nullptr) mutated.insert(name);
    }
    for (const std::string& name : mutated) {
      const TypePtr true_type = *when_true.FindInAnyFrame(name);
      const TypePtr false_type = *when_false.FindInAnyFrame(name);
      const TypePtr unified =
          Unify(true_type, false_type, /*default_to_union=*/true);
      AddBlockOutput(node->block(0), true_type, name);
      AddBlockOutput(node->block(1), false_type, name);
      AddNodeOutput(node, unified, name);
    }
  }

  void VisitLoop(Node* node, Types* frame) {
    Block* body = node->block(0);
    Types in_body(frame);
    Run(body, &in_body);
    for (const auto& [name, type] : in_body.table) {
      const TypePtr* before = frame->FindInAnyFrame(name);
      if (before == nullptr) continue;  // local to the body
      const TypePtr parent_type = *before;
      TypePtr unified = Unify(parent_type, type);
      // Type checking has made sure that there is one.
      if (unified == nullptr) unified = parent_type;
      Node* load = CreateLoad(name, parent_type);
      load->InsertBefore(node);
      node->AddInput(load->output());
      Value* carried = body->AddInput(name, unified);
      CreateStore(name, carried)->InsertAfter(body->param_node());
      AddBlockOutput(body, type, name);
      AddNodeOutput(node, unified, name);
    }
  }

  Graph& graph_;
};

// ---------------------------------------------------------- break and continue

class LoopContinuations {
 public:
  explicit LoopContinuations(Graph* graph) : graph_(*graph) {}

  void Run(Block* block) {
    {
      const WithInsertPoint at_top(&graph_, block->first());
      false_value_ = graph_.InsertConstant(false);
    }
    Visit(block);
  }

 private:
  void AddCarried(Node* continuation) {
    const Node* results = loop_->block(0)->return_node();
    for (Value* result : results->inputs()) {
      const Node* load = result->node();
      Node* copy = graph_.Create(NodeKind::kLoad, {}, 1);
      copy->SetAttribute("name", NameOf(load));
      copy->output()->set_type(result->type());
      copy->InsertBefore(continuation);
      continuation->AddInput(copy->output());
    }
  }

  void Visit(Block* block) {
    for (Node* node = block->first(); node != block->return_node();) {
      Node* next = node->next();
      switch (node->kind()) {
        case NodeKind::kIf:
          Visit(node->block(0));
          Visit(node->block(1));
          break;
        case NodeKind::kClosure:
          LoopContinuations(&graph_).Run(node->block(0));
          break;
        case NodeKind::kComprehensionScope:
          Visit(node->block(0));
          break;
        case NodeKind::kLoop: {
          Node* outer = loop_;
          loop_ = node;
          Visit(node->block(0));
          loop_ = outer;
          break;
        }
        case NodeKind::kContinueStmt: {
          // The condition is evaluated before the next turn.
          Node* continuation =
              graph_.Create(NodeKind::kLoopContinuation, {}, 0);
          continuation->InsertAfter(node);
          Block* header = continuation->AddBlock();
          absl::flat_hash_map<const Value*, Value*> map;
          header->CloneFrom(*loop_->block(1), &map);
          while (!header->empty()) header->first()->MoveBefore(node);
          continuation->AddInput(header->output());
          continuation->EraseBlock(0);
          AddCarried(continuation);
          node->Destroy();
          break;
        }
        case NodeKind::kBreakStmt: {
          Node* exit = graph_.Create(NodeKind::kLoopContinuation, {}, 0);
          exit->InsertAfter(node);
          exit->AddInput(false_value_);
          AddCarried(exit);
          node->Destroy();
          break;
        }
        default:
          break;
      }
      node = next;
    }
  }

  Graph& graph_;
  Value* false_value_ = nullptr;
  Node* loop_ = nullptr;
};

// The condition block goes before the loop and to the end of its body.
void InlineLoopConditions(Block* block) {
  for (Node* node = block->first(); node != block->return_node();
       node = node->next()) {
    for (Block* inner : node->blocks()) InlineLoopConditions(inner);
    if (!node->is(NodeKind::kLoop)) continue;
    Block* body = node->block(0);
    Block* header = node->block(1);
    Block* before = node->AddBlock();
    absl::flat_hash_map<const Value*, Value*> map;
    before->CloneFrom(*header, &map);
    while (!before->empty()) before->first()->MoveBefore(node);
    node->InsertInput(1, before->output());
    node->EraseBlock(2);
    while (!header->empty()) {
      header->first()->MoveBefore(body->return_node());
    }
    body->InsertOutput(0, header->output());
    node->EraseBlock(1);
  }
}

void EraseLoadsAndStores(Block* block, Frame<Value*>* frame) {
  for (Node* node = block->first(); node != block->return_node();) {
    Node* next = node->next();
    switch (node->kind()) {
      case NodeKind::kStore:
        frame->table[NameOf(node)] = node->input();
        node->Destroy();
        break;
      case NodeKind::kLoad: {
        Value* const* value = frame->FindInAnyFrame(NameOf(node));
        if (value != nullptr) node->output()->ReplaceAllUsesWith(*value);
        node->Destroy();
        break;
      }
      case NodeKind::kComprehensionScope: {
        Block* inner = node->block();
        Frame<Value*> inner_frame(frame);
        EraseLoadsAndStores(inner, &inner_frame);
        while (!inner->empty()) inner->first()->MoveBefore(node);
        node->Destroy();
        break;
      }
      default:
        for (Block* inner : node->blocks()) {
          Frame<Value*> inner_frame(frame);
          EraseLoadsAndStores(inner, &inner_frame);
        }
        break;
    }
    node = next;
  }
}

absl::Status CanonicalizeLoop(FunctionCompiler& f, Node* loop) {
  Graph& graph = *f.graph();
  Block* body = loop->block();
  const std::optional<IValue> trip_count = ConstantOf(loop->input(0));
  const std::optional<IValue> start = ConstantOf(loop->input(1));
  const std::optional<IValue> go_on = ConstantOf(body->output(0));
  const auto is_true = [](const std::optional<IValue>& value) {
    return value.has_value() && value->AsBool();
  };
  const bool is_while =
      trip_count.has_value() &&
      trip_count->AsInt() == std::numeric_limits<int64_t>::max();
  const bool is_for = is_true(start) && is_true(go_on);
  if (is_while || is_for) return absl::OkStatus();

  Value* max_trip_count = loop->input(0);
  Value* zero = nullptr;
  Value* one = nullptr;
  {
    const WithInsertPoint before(&graph, loop);
    zero = graph.InsertConstant(int64_t{0});
    one = graph.InsertConstant(int64_t{1});
    TANDEM_ASSIGN_OR_RETURN(
        Value * condition,
        f.EmitBuiltin({}, "aten::gt", {max_trip_count, zero}));
    loop->ReplaceInput(
        0, graph.InsertConstant(std::numeric_limits<int64_t>::max()));
    if (!is_true(start)) {
      TANDEM_ASSIGN_OR_RETURN(
          condition,
          f.EmitBuiltin({}, "aten::__and__", {condition, loop->input(1)}));
    }
    loop->ReplaceInput(1, condition);
  }
  loop->AddOutput(Type::Int());
  loop->AddInput(zero);
  const WithInsertPoint inside(&graph, body);
  Value* counter = body->AddInput("", Type::Int());
  body->input(0)->ReplaceAllUsesWith(counter);
  TANDEM_ASSIGN_OR_RETURN(Value * next,
                          f.EmitBuiltin({}, "aten::add", {counter, one}));
  body->AddOutput(next);
  TANDEM_ASSIGN_OR_RETURN(
      Value * more, f.EmitBuiltin({}, "aten::lt", {next, max_trip_count}));
  TANDEM_ASSIGN_OR_RETURN(
      Value * condition,
      f.EmitBuiltin({}, "aten::__and__", {more, body->output(0)}));
  body->EraseOutput(0);
  body->InsertOutput(0, condition);
  return absl::OkStatus();
}

absl::Status CanonicalizeLoops(FunctionCompiler& f, Block* block) {
  for (Node* node = block->first(); node != block->return_node();
       node = node->next()) {
    for (Block* inner : node->blocks()) {
      TANDEM_RETURN_IF_ERROR(CanonicalizeLoops(f, inner));
    }
    if (node->is(NodeKind::kLoop)) {
      TANDEM_RETURN_IF_ERROR(CanonicalizeLoop(f, node));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void ConvertToSsa(Graph* graph) {
  ControlFlowVariables::Types types(nullptr);
  ControlFlowVariables(graph).Run(graph->block(), &types);
  LoopContinuations(graph).Run(graph->block());
  InlineLoopConditions(graph->block());
  Frame<Value*> values(nullptr);
  EraseLoadsAndStores(graph->block(), &values);
}

absl::Status CanonicalizeModifiedLoops(FunctionCompiler* compiler) {
  return CanonicalizeLoops(*compiler, compiler->graph()->block());
}

}  // namespace tandem::script
