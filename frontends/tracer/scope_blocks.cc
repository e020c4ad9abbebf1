#include "tandem/frontends/tracer/scope_blocks.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/frontends/tracer/tracing_state.h"
#include "tandem/ir/class_type.h"
#include "tandem/passes/eliminate_dead_code.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::tracer {
namespace {

using ValueMap = absl::flat_hash_map<Value*, Value*>;

const std::string& ScopeOf(const Node& node) {
  return node.Get<std::string>(kScope);
}

bool IsPrefix(absl::string_view prefix, absl::string_view path) {
  return absl::StartsWith(path, prefix) &&
         (path.size() == prefix.size() || path[prefix.size()] == '.');
}

Value* InsertGetAttr(Graph* graph, Value* object, absl::string_view name) {
  Node* node = graph->Insert(graph->Create(NodeKind::kGetAttr, {object}));
  node->SetAttribute("name", std::string(name));
  const ClassType* type = object->type()->AsClass();
  node->output()->set_type(type->attributes()[*type->FindAttribute(name)].type);
  node->output()->SetName(
      absl::ascii_isdigit(static_cast<unsigned char>(name[0]))
          ? absl::StrCat("_", name)
          : std::string(name));
  return node->output();
}

// Reads of attributes, from paths to GetAttr nodes at the head of the tightest
// method. What a method reads of a module that is not below it becomes an
// argument.
class AttributeReads {
 public:
  explicit AttributeReads(Graph* graph) : graph_(graph) {}

  void Run() {
    for (Node* n : *graph_->block()) {
      if (n->is(NodeKind::kTracedAttr)) by_path_[ScopeOf(*n)] = n->output();
    }
    AddSelves(graph_->block());
    Convert(graph_->block(), "__module", graph_->inputs()[0]);
    for (Node* n = graph_->block()->first(); n != graph_->return_node();) {
      Node* next = n->next();
      if (n->is(NodeKind::kTracedAttr)) n->Destroy();
      n = next;
    }
  }

 private:
  void AddSelves(Block* block) {
    for (Node* n : *block) {
      if (!n->is(kModuleForward)) continue;
      Value* self = by_path_.at(ScopeOf(*n));
      n->AddInput(self);
      n->block()->AddInput("self", self->type());
      AddSelves(n->block());
    }
  }

  // Gives the reads that the caller has to pass in.
  std::vector<Value*> Convert(Block* block, const std::string& prefix,
                              Value* self) {
    std::vector<Value*> unresolved;
    ValueMap local;
    const auto convert = [&](Node* n) {
      for (size_t i = 0; i < n->inputs().size(); ++i) {
        Value* input = n->input(i);
        const auto known = local.find(input);
        if (known != local.end()) {
          n->ReplaceInput(i, known->second);
          continue;
        }
        if (!input->node()->is(NodeKind::kTracedAttr)) continue;
        const std::string path = ScopeOf(*input->node());
        Value* here = nullptr;
        if (IsPrefix(prefix, path)) {
          const WithInsertPoint at(graph_, block->first());
          here = self;
          for (absl::string_view name :
               absl::StrSplit(absl::string_view(path).substr(prefix.size()),
                              '.', absl::SkipEmpty())) {
            here = InsertGetAttr(graph_, here, name);
          }
        } else {
          here = block->AddInput("", input->type());
          if (input->has_name()) here->SetName(input->name());
          unresolved.push_back(input);
        }
        n->ReplaceInput(i, here);
        local[input] = here;
      }
    };
    for (Node* n = block->first(); n != block->return_node(); n = n->next()) {
      if (n->is(kModuleForward)) {
        for (Value* v :
             Convert(n->block(), ScopeOf(*n), n->block()->input(0))) {
          n->AddInput(v);
        }
      }
      convert(n);
    }
    // A method that gives an attribute itself.
    convert(block->return_node());
    return unresolved;
  }

  Graph* const graph_;
  absl::flat_hash_map<std::string, Value*> by_path_;
};

// Values that are used outside of the block that makes them become results of
// it.
class LiftResults {
 public:
  void Run(Block* block) {
    for (Node* n = block->first(); n != block->return_node(); n = n->next()) {
      Visit(n, block);
    }
    Visit(block->return_node(), block);
  }

 private:
  static bool Contains(const Block* outer, const Block* inner) {
    for (; inner != nullptr; inner = inner->parent()) {
      if (inner == outer) return true;
    }
    return false;
  }
  void Visit(Node* n, Block* block) {
    for (size_t i = 0; i < n->inputs().size(); ++i) {
      Value* v = n->input(i);
      if (const auto it = lifted_.find(v); it != lifted_.end()) {
        n->ReplaceInput(i, it->second);
        v = it->second;
      }
      Block* at = v->node()->owning_block();
      if (at == block) continue;
      Value* lifted = v;
      for (; !Contains(at, block); at = at->parent()) {
        at->AddOutput(lifted);
        lifted = at->owning_node()->AddOutput(lifted->type());
      }
      lifted_[v] = lifted;
      n->ReplaceInput(i, lifted);
    }
    if (n->is(kModuleForward)) Run(n->block());
  }

  ValueMap lifted_;
};

// Methods have one result.
void MakeTuples(Graph* graph, Block* block) {
  for (Node* n = block->first(); n != block->return_node(); n = n->next()) {
    if (!n->is(kModuleForward)) continue;
    Block* inner = n->block();
    MakeTuples(graph, inner);
    if (inner->outputs().size() > 1) {
      const std::vector<Value*> results(inner->outputs().begin(),
                                        inner->outputs().end());
      std::vector<TypePtr> types;
      for (Value* v : results) types.push_back(v->type());
      Node* tuple = graph->Create(NodeKind::kTupleConstruct, results);
      tuple->output()->set_type(Type::Tuple(types));
      tuple->InsertBefore(inner->return_node());
      while (!inner->outputs().empty()) inner->EraseOutput(0);
      inner->AddOutput(tuple->output());
      const size_t count = n->outputs().size();
      Value* packed = n->AddOutput(Type::Tuple(types));
      Node* unpack = graph->Create(NodeKind::kTupleUnpack, {packed}, count);
      unpack->InsertAfter(n);
      for (size_t i = count; i-- > 0;) {
        unpack->output(i)->set_type(types[i]);
        n->output(i)->ReplaceAllUsesWith(unpack->output(i));
        n->EraseOutput(i);
      }
    } else if (inner->outputs().empty()) {
      Node* none = graph->CreateConstant(IValue(), Type::None());
      none->InsertBefore(inner->return_node());
      inner->AddOutput(none->output());
      n->AddOutput(Type::None());
    }
  }
}

// A call's block as a graph of its own; what it uses from outside is added to
// the call's inputs.
std::unique_ptr<Graph> GraphOf(Node* call) {
  auto graph = std::make_unique<Graph>();
  absl::flat_hash_map<const Value*, Value*> map;
  Block* block = call->block();
  std::vector<Value*> outside;
  const auto collect = [&](Node* n) {
    for (Value* v : n->inputs()) {
      if (v->node()->owning_block() != block && map.try_emplace(v).second) {
        outside.push_back(v);
      }
    }
  };
  for (Node* n : *block) collect(n);
  collect(block->return_node());
  // CloneFrom adds the block's own inputs first.
  map.clear();
  const size_t own = block->inputs().size();
  for (Value* v : outside) {
    block->AddInput("", v->type());
    call->AddInput(v);
  }
  for (size_t i = 0; i < outside.size(); ++i) {
    Value* v = outside[i];
    Value* in = block->input(own + i);
    const auto replace = [&](Node* n) {
      for (size_t k = 0; k < n->inputs().size(); ++k) {
        if (n->input(k) == v) n->ReplaceInput(k, in);
      }
    };
    for (Node* n : *block) replace(n);
    replace(block->return_node());
  }
  graph->block()->CloneFrom(*block, &map);
  for (size_t i = 0; i < outside.size(); ++i) {
    if (outside[i]->has_name()) {
      graph->inputs()[own + i]->SetName(outside[i]->name());
    }
  }
  return graph;
}

void ConvertToGraphs(Block* block) {
  for (Node* n : *block) {
    if (!n->is(kModuleForward)) continue;
    ConvertToGraphs(n->block());
    n->SetAttribute("Subgraph", std::shared_ptr<Graph>(GraphOf(n)));
    n->EraseBlock(0);
  }
}

absl::Status MakeMethods(Graph* graph, CompilationUnit* unit);

absl::Status MakeMethod(Node* call, CompilationUnit* unit) {
  Graph* graph = call->graph();
  const auto body = call->Get<std::shared_ptr<Graph>>("Subgraph");
  TANDEM_RETURN_IF_ERROR(MakeMethods(body.get(), unit));
  auto* type = const_cast<ClassType*>(call->input(0)->type()->AsClass());
  std::string name = "forward";
  for (int i = 1; type->FindMethod(name) != nullptr; ++i) {
    name = absl::StrCat("forward", i);
  }
  Function* method = unit->AddMethod(type, name);
  method->set_schema(SchemaOf(*body, name));
  method->set_graph(body->Clone());
  type->AddMethod(method);
  TANDEM_RETURN_IF_ERROR(CleanUp(method->graph()));
  Node* made = graph->Create(NodeKind::kCallMethod, call->inputs());
  made->SetAttribute("name", name);
  made->output()->set_type(method->schema().returns[0].type);
  made->InsertBefore(call);
  call->output()->ReplaceAllUsesWith(made->output());
  call->Destroy();
  return absl::OkStatus();
}

absl::Status MakeMethods(Graph* graph, CompilationUnit* unit) {
  for (Node* n = graph->block()->first(); n != graph->return_node();) {
    Node* next = n->next();
    if (n->is(kModuleForward)) TANDEM_RETURN_IF_ERROR(MakeMethod(n, unit));
    n = next;
  }
  return absl::OkStatus();
}

void RemoveSimpleTuples(Graph* graph) {
  for (Node* n : *graph->block()) {
    if (!n->is(NodeKind::kTupleUnpack)) continue;
    const Node* construct = n->input()->node();
    if (!construct->is(NodeKind::kTupleConstruct)) continue;
    for (size_t i = 0; i < n->outputs().size(); ++i) {
      n->output(i)->ReplaceAllUsesWith(construct->input(i));
    }
  }
}

// A graph in which no operator writes needs no analysis of aliases.
bool IsWithoutWrites(const Graph& graph) {
  for (const Node* n : *graph.block()) {
    if (!n->blocks().empty() || n->is(NodeKind::kSetAttr)) return false;
    if (n->op() != nullptr && n->op()->schema.is_mutable()) return false;
  }
  return true;
}

// Nodes whose results nobody uses. As in PyTorch, drawing random numbers alone
// keeps none.
void RemoveUnused(Graph* graph) {
  constexpr uint8_t kRandom = static_cast<uint8_t>(Effect::kRandom);
  for (Node* n = graph->block()->last(); n != graph->block()->param_node();) {
    Node* const before = n->prev();
    const bool acts = n->op() != nullptr ? (n->op()->effects & ~kRandom) != 0
                                         : n->HasSideEffects();
    const bool used = std::any_of(n->outputs().begin(), n->outputs().end(),
                                  [](const Value* v) { return v->has_uses(); });
    if (!acts && !used) n->Destroy();
    n = before;
  }
}

}  // namespace

TypePtr WithoutShape(const TypePtr& type) {
  switch (type->kind()) {
    case TypeKind::kTensor:
      return Type::Tensor();
    case TypeKind::kTuple: {
      if (type->is_named_tuple()) return type;
      std::vector<TypePtr> elements;
      for (const TypePtr& e : type->elements()) {
        elements.push_back(WithoutShape(e));
      }
      return Type::Tuple(std::move(elements));
    }
    case TypeKind::kList:
      return Type::List(WithoutShape(type->element()));
    case TypeKind::kDict:
      return Type::Dict(type->element(0), WithoutShape(type->element(1)));
    default:
      return type;
  }
}

FunctionSchema SchemaOf(const Graph& graph, absl::string_view name) {
  FunctionSchema schema;
  schema.name = std::string(name);
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value* v = graph.inputs()[i];
    Argument argument;
    argument.name = v->has_name() ? std::string(v->base_name())
                                  : absl::StrCat("argument_", i);
    argument.type = WithoutShape(v->type());
    schema.arguments.push_back(std::move(argument));
  }
  for (const Value* v : graph.outputs()) {
    Argument result;
    result.type = WithoutShape(v->type());
    schema.returns.push_back(std::move(result));
  }
  return schema;
}

absl::Status CleanUp(Graph* graph) {
  RemoveSimpleTuples(graph);
  if (IsWithoutWrites(*graph)) {
    RemoveUnused(graph);
    return absl::OkStatus();
  }
  return EliminateDeadCode(graph, PassContext(), PassOptions()).status();
}

absl::Status FixupScopeBlocks(Graph* graph, CompilationUnit* unit) {
  AttributeReads(graph).Run();
  LiftResults().Run(graph->block());
  MakeTuples(graph, graph->block());
  ConvertToGraphs(graph->block());
  TANDEM_RETURN_IF_ERROR(MakeMethods(graph, unit));
  return CleanUp(graph);
}

}  // namespace tandem::tracer
