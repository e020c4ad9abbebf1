// Closures become graphs, and forks of closures forks of these.

#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "tandem/frontends/script/compiler/cleanup.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// The values of outer blocks that a block uses, in order of use.
class Captures {
 public:
  explicit Captures(Block* block) { Visit(block); }
  const std::vector<Value*>& values() const { return values_; }

 private:
  void Visit(Block* block) {
    for (Value* input : block->inputs()) inner_.insert(input);
    for (Node* node : *block) {
      for (Value* input : node->inputs()) Use(input);
      for (Value* output : node->outputs()) inner_.insert(output);
      for (Block* nested : node->blocks()) Visit(nested);
    }
    for (Value* output : block->outputs()) Use(output);
  }
  void Use(Value* value) {
    if (!inner_.contains(value) && seen_.insert(value).second) {
      values_.push_back(value);
    }
  }

  absl::flat_hash_set<const Value*> inner_;
  absl::flat_hash_set<const Value*> seen_;
  std::vector<Value*> values_;
};

}  // namespace

// The closure's block as a graph whose inputs are what the block captures.
absl::Status LiftClosures(Block* block, FunctionCompiler* compiler) {
  for (Node* node = block->first(); node != block->return_node();
       node = node->next()) {
    if (!node->is(NodeKind::kClosure)) {
      for (Block* inner : node->blocks()) {
        TANDEM_RETURN_IF_ERROR(LiftClosures(inner, compiler));
      }
      continue;
    }
    if (node->blocks().empty()) continue;
    Block* body = node->block();
    if (!body->inputs().empty()) {
      return compiler->Error(node->range(),
                             "Cannot fork lambda with parameters");
    }
    const Captures captures(body);
    auto subgraph = std::make_shared<Graph>();
    absl::flat_hash_map<const Value*, Value*> map;
    for (Value* captured : captures.values()) {
      map[captured] = subgraph->AddInput(captured->name(), captured->type());
    }
    subgraph->block()->CloneFrom(*body, &map);
    node->EraseBlock(0);
    for (Value* captured : captures.values()) node->AddInput(captured);
    node->SetAttribute("Subgraph", subgraph);
    TANDEM_RETURN_IF_ERROR(CleanUp(subgraph.get(), compiler));
  }
  return absl::OkStatus();
}

absl::Status InlineForkedClosures(Block* block, FunctionCompiler* compiler) {
  for (Node* node = block->first(); node != block->return_node();) {
    Node* next = node->next();
    const bool fork = node->is(NodeKind::kForkClosure);
    if (fork || node->is(NodeKind::kAwaitableClosure)) {
      Node* closure = node->input()->node();
      if (!closure->is(NodeKind::kClosure) ||
          closure->FindAttribute("Subgraph") == nullptr) {
        return compiler->Error(node->range(), "Cannot fork this value");
      }
      const auto& lifted = closure->Get<std::shared_ptr<Graph>>("Subgraph");
      std::shared_ptr<Graph> graph = lifted->Clone();
      Graph* owner = node->graph();
      Node* made = owner->Create(fork ? NodeKind::kFork : NodeKind::kAwaitable,
                                 closure->inputs(), 1);
      made->set_range(node->range());
      made->output()->set_type(node->output()->type());
      made->InsertAfter(node);
      if (node->output()->has_name()) {
        const std::string name = node->output()->name();
        node->output()->SetName("");
        made->output()->SetName(name);
      }
      node->output()->ReplaceAllUsesWith(made->output());
      node->Destroy();
      made->SetAttribute("Subgraph", graph);
      TANDEM_RETURN_IF_ERROR(CleanUp(graph.get(), compiler));
    } else {
      for (Block* inner : node->blocks()) {
        TANDEM_RETURN_IF_ERROR(InlineForkedClosures(inner, compiler));
      }
    }
    node = next;
  }
  return absl::OkStatus();
}

}  // namespace tandem::script
