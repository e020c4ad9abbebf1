#include "tandem/frontends/symbolic/graph.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "tandem/frontends/nn/module.h"
#include "tandem/frontends/symbolic/targets.h"

namespace tandem::fx {
namespace {

using eager::Throw;

NodeKind KindOf(absl::string_view opcode) {
  if (opcode == "placeholder") return NodeKind::kFxPlaceholder;
  if (opcode == "get_attr") return NodeKind::kFxGetAttr;
  if (opcode == "call_function") return NodeKind::kFxCallFunction;
  if (opcode == "call_method") return NodeKind::kFxCallMethod;
  if (opcode == "call_module") return NodeKind::kFxCallModule;
  if (opcode == "output") return NodeKind::kFxOutput;
  Throw(absl::StrCat("op '", opcode, "' is not in _legal_ops"));
}

Argument Decode(const Node* node, const IValue& value) {
  return Argument::FromValue(value, [&](const IValue& v) -> Argument {
    if (v.is_tensor()) return Argument(v);
    const size_t i = v.AsTuple().values[1].AsInt();
    return Argument(node->input(i)->node());
  });
}

// "name" of a target: what comes after the last point of a function's path.
std::string CandidateName(absl::string_view opcode, absl::string_view target) {
  if (opcode == "call_function") {
    return SnakeCase(target.substr(target.rfind('.') + 1));
  }
  if (opcode == "placeholder") {
    std::string name(target);
    name.erase(0, std::min(name.find_first_not_of('*'), name.size()));
    // *args are _args, since args is what the parameter is called.
    return SnakeCase(name.size() < target.size() ? "_" + name : name);
  }
  if (absl::StartsWith(target, "__") && absl::EndsWith(target, "__") &&
      target.size() > 4) {
    target = target.substr(2, target.size() - 4);
  }
  return SnakeCase(target);
}

}  // namespace

absl::string_view OpcodeOf(const Node* node) {
  switch (node->kind()) {
    case NodeKind::kFxPlaceholder:
      return "placeholder";
    case NodeKind::kFxGetAttr:
      return "get_attr";
    case NodeKind::kFxCallFunction:
      return "call_function";
    case NodeKind::kFxCallMethod:
      return "call_method";
    case NodeKind::kFxCallModule:
      return "call_module";
    case NodeKind::kFxOutput:
      return "output";
    default:
      return "";
  }
}

const std::string& NameOf(const Node* node) { return node->output()->name(); }

const std::string& TargetOf(const Node* node) {
  return node->Get<std::string>("target");
}

void SetTarget(Node* node, std::string target) {
  node->SetAttribute("target", std::move(target));
}

std::string TypeExprOf(const Node* node) {
  const NodeAttribute* a = node->FindAttribute("type");
  return a == nullptr ? "" : std::get<std::string>(a->payload);
}

void SetTypeExpr(Node* node, std::string type) {
  if (type.empty()) {
    node->RemoveAttribute("type");
  } else {
    node->SetAttribute("type", std::move(type));
  }
}

Arguments ArgsOf(const Node* node) {
  return Decode(node, node->Get<IValue>("args")).items();
}

KeywordArguments KwargsOf(const Node* node) {
  const Argument dict = Decode(node, node->Get<IValue>("kwargs"));
  KeywordArguments out;
  for (size_t i = 0; i < dict.items().size(); ++i) {
    out.emplace_back(dict.keys()[i].constant().AsString(), dict.items()[i]);
  }
  return out;
}

void SetArgsAndKwargs(Node* node, const Arguments& args,
                      const KeywordArguments& kwargs) {
  node->RemoveAllInputs();
  const auto encode = [&](const Argument& a) {
    return a.ToValue([&](Node* n) {
      if (n->graph() != node->graph()) {
        Throw(absl::StrCat("Argument '", NameOf(n), "' of Node '", NameOf(node),
                           "' does not belong to this Graph, but was used as "
                           "an argument!"));
      }
      node->AddInput(n->output());
      return Marked(kNodeMark,
                    {IValue(static_cast<int64_t>(node->inputs().size() - 1))});
    });
  };
  // A tuple whose first element is a string like a mark is marked itself.
  node->SetAttribute("args", encode(Argument::Tuple(args)));
  Arguments keys, values;
  for (const auto& [k, v] : kwargs) {
    keys.push_back(Argument(k));
    values.push_back(v);
  }
  node->SetAttribute(
      "kwargs", encode(Argument::Dict(std::move(keys), std::move(values))));
}

void SetArgs(Node* node, const Arguments& args) {
  SetArgsAndKwargs(node, args, KwargsOf(node));
}

void SetKwargs(Node* node, const KeywordArguments& kwargs) {
  SetArgsAndKwargs(node, ArgsOf(node), kwargs);
}

std::vector<Node*> AllInputNodes(const Node* node) {
  std::vector<Node*> out;
  for (Value* v : node->inputs()) {
    if (std::find(out.begin(), out.end(), v->node()) == out.end()) {
      out.push_back(v->node());
    }
  }
  return out;
}

std::vector<Node*> UsersOf(const Node* node) {
  std::vector<Node*> out;
  for (const Use& use : node->output()->uses()) {
    if (std::find(out.begin(), out.end(), use.user) == out.end()) {
      out.push_back(use.user);
    }
  }
  return out;
}

std::vector<Node*> ReplaceAllUsesWith(
    Node* node, Node* with, const std::function<bool(Node*)>& filter) {
  std::vector<Node*> changed;
  for (Node* user : UsersOf(node)) {
    if (filter != nullptr && !filter(user)) continue;
    ReplaceInputWith(user, node, with);
    changed.push_back(user);
  }
  return changed;
}

void ReplaceInputWith(Node* node, Node* old_input, Node* new_input) {
  for (size_t i = 0; i < node->inputs().size(); ++i) {
    if (node->input(i) == old_input->output()) {
      node->ReplaceInput(i, new_input->output());
    }
  }
}

bool IsImpure(const Node* node) {
  switch (node->kind()) {
    case NodeKind::kFxPlaceholder:
    case NodeKind::kFxOutput:
      return true;
    case NodeKind::kFxCallFunction:
      return IsImpureFunction(TargetOf(node));
    default:
      return false;
  }
}

namespace {

// Do marks of nodes in a boxed argument name inputs of the node?
bool MarksAreInputs(const IValue& v, size_t inputs, int depth) {
  if (depth > 256) return false;
  const auto all = [&](absl::Span<const IValue> values) {
    return std::all_of(values.begin(), values.end(), [&](const IValue& e) {
      return MarksAreInputs(e, inputs, depth + 1);
    });
  };
  if (v.is_list()) return all(v.AsList().values);
  if (v.is_dict()) {
    for (const auto& [k, e] : v.AsDict().Items()) {
      if (!MarksAreInputs(e, inputs, depth + 1)) return false;
    }
    return true;
  }
  if (!v.is_tuple()) return true;
  const std::vector<IValue>& values = v.AsTuple().values;
  if (MarkOf(v) != kNodeMark) return all(values);
  return values.size() == 2 && values[1].is_int() && values[1].AsInt() >= 0 &&
         static_cast<uint64_t>(values[1].AsInt()) < inputs;
}

template <typename T>
const T* AttributeOf(const Node* n, absl::string_view name) {
  const NodeAttribute* a = n->FindAttribute(name);
  return a == nullptr ? nullptr : std::get_if<T>(&a->payload);
}

// What is wrong with a node that was read; empty: nothing.
std::string Malformed(const Node* n) {
  if (OpcodeOf(n).empty()) return "is not of the FX dialect";
  if (n->outputs().size() != 1 || !n->output()->has_name()) {
    return "has no name";
  }
  if (AttributeOf<std::string>(n, "target") == nullptr) return "has no target";
  if (n->FindAttribute("type") != nullptr &&
      AttributeOf<std::string>(n, "type") == nullptr) {
    return "has a type that is no text";
  }
  const IValue* args = AttributeOf<IValue>(n, "args");
  const IValue* kwargs = AttributeOf<IValue>(n, "kwargs");
  if (args == nullptr || !args->is_tuple() || kwargs == nullptr ||
      !kwargs->is_dict()) {
    return "has no args or no kwargs";
  }
  if (!MarksAreInputs(*args, n->inputs().size(), 0) ||
      !MarksAreInputs(*kwargs, n->inputs().size(), 0)) {
    return "has an argument that is none of its inputs";
  }
  for (const auto& [k, v] : kwargs->AsDict().Items()) {
    if (!k.is_string()) return "has a keyword that is no text";
  }
  if (n->is(NodeKind::kFxOutput) && args->AsTuple().values.empty()) {
    return "gives nothing";
  }
  return "";
}

}  // namespace

absl::StatusOr<std::unique_ptr<Graph>> Graph::FromIr(
    std::unique_ptr<tandem::Graph> ir) {
  if (!ir->inputs().empty() || !ir->outputs().empty()) {
    return absl::InvalidArgumentError(
        "a graph of the FX dialect has placeholders and an output node, not "
        "inputs and outputs");
  }
  for (const Node* n : *ir->block()) {
    const std::string why = Malformed(n);
    if (!why.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          n->name(), " ",
          n->outputs().empty() ? ""
                               : absl::StrCat("%", n->output()->DebugName()),
          " ", why));
    }
    for (Value* v : n->inputs()) {
      if (OpcodeOf(v->node()).empty()) {
        return absl::InvalidArgumentError(absl::StrCat(
            "%", NameOf(n), " uses what is no node of the FX dialect"));
      }
    }
  }
  auto graph = std::make_unique<Graph>();
  for (const Node* n : *ir->block()) graph->names_.CreateName(NameOf(n), true);
  ir->SetInsertPoint(ir->block());
  graph->graph_ = std::move(ir);
  return graph;
}

Graph::Graph() : graph_(std::make_unique<tandem::Graph>()) {}

std::vector<Node*> Graph::nodes() const {
  std::vector<Node*> out;
  for (Node* n : *graph_->block()) out.push_back(n);
  return out;
}

std::vector<Node*> Graph::find_nodes(absl::string_view opcode,
                                     absl::string_view target) const {
  std::vector<Node*> out;
  for (Node* n : *graph_->block()) {
    if (OpcodeOf(n) == opcode && (target.empty() || TargetOf(n) == target)) {
      out.push_back(n);
    }
  }
  return out;
}

Node* Graph::output_node() const {
  for (Node* n = graph_->block()->last(); n != graph_->block()->param_node();
       n = n->prev()) {
    if (n->is(NodeKind::kFxOutput)) return n;
  }
  return nullptr;
}

Node* Graph::create_node(absl::string_view opcode, std::string target,
                         const Arguments& args, const KeywordArguments& kwargs,
                         absl::string_view name) {
  Node* node = graph_->Create(KindOf(opcode));
  node->output()->SetName(names_.CreateName(
      name.empty() ? CandidateName(opcode, target) : std::string(name)));
  node->SetAttribute("target", std::move(target));
  SetArgsAndKwargs(node, args, kwargs);
  return graph_->Insert(node);
}

Node* Graph::placeholder(std::string name) {
  return create_node("placeholder", std::move(name));
}
Node* Graph::placeholder(std::string name, const Argument& default_value) {
  return create_node("placeholder", std::move(name), {default_value});
}
Node* Graph::get_attr(std::string path) {
  return create_node("get_attr", std::move(path));
}
Node* Graph::call_function(std::string function, const Arguments& args,
                           const KeywordArguments& kwargs) {
  return create_node("call_function", std::move(function), args, kwargs);
}
Node* Graph::call_method(std::string method, const Arguments& args,
                         const KeywordArguments& kwargs) {
  return create_node("call_method", std::move(method), args, kwargs);
}
Node* Graph::call_module(std::string path, const Arguments& args,
                         const KeywordArguments& kwargs) {
  return create_node("call_module", std::move(path), args, kwargs);
}
Node* Graph::output(const Argument& result) {
  return create_node("output", "output", {result});
}

void Graph::move_before(Node* node, Node* other) {
  if (node != other) node->MoveBefore(other);
}
void Graph::move_after(Node* node, Node* other) {
  if (node != other) node->MoveAfter(other);
}

void Graph::erase_node(Node* node) {
  const std::vector<Node*> users = UsersOf(node);
  if (!users.empty()) {
    Throw(
        absl::StrCat("Tried to erase Node ", NameOf(node), " but it still had ",
                     users.size(), " users in the graph: {",
                     absl::StrJoin(users, ", ",
                                   [](std::string* out, const Node* n) {
                                     absl::StrAppend(out, NameOf(n), ": None");
                                   }),
                     "}!"));
  }
  if (node->graph() != graph_.get()) {
    Throw(absl::StrCat("Attempting to remove ", NameOf(node),
                       " from wrong graph!"));
  }
  node->RemoveAllInputs();
  node->Destroy();
}

bool Graph::eliminate_dead_code() {
  lint();
  bool changed = false;
  std::vector<Node*> all = nodes();
  for (auto it = all.rbegin(); it != all.rend(); ++it) {
    if (!IsImpure(*it) && !(*it)->output()->has_uses()) {
      erase_node(*it);
      changed = true;
    }
  }
  return changed;
}

Node* Graph::node_copy(const Node* node,
                       const std::function<Argument(Node*)>& map) {
  Arguments args;
  for (const Argument& a : ArgsOf(node)) args.push_back(a.Map(map));
  KeywordArguments kwargs;
  for (const auto& [k, v] : KwargsOf(node)) kwargs.emplace_back(k, v.Map(map));
  Node* copy =
      create_node(OpcodeOf(node), TargetOf(node), args, kwargs, NameOf(node));
  for (const NodeAttribute& a : node->attributes()) {
    if (a.name != "target" && a.name != "args" && a.name != "kwargs") {
      copy->SetAttribute(a.name, a.payload);
    }
  }
  copy->output()->set_type(node->output()->type());
  return copy;
}

Argument Graph::graph_copy(const Graph& other,
                           std::map<Node*, Argument>* values) {
  const auto map = [&](Node* n) -> Argument {
    const auto it = values->find(n);
    if (it == values->end()) {
      Throw(absl::StrCat("Node ", NameOf(n), " is used before it is defined"));
    }
    return it->second;
  };
  for (Node* n : other.nodes()) {
    if (values->count(n) > 0) continue;
    if (n->is(NodeKind::kFxOutput)) return ArgsOf(n)[0].Map(map);
    (*values)[n] = node_copy(n, map);
  }
  return Argument();
}

std::unique_ptr<Graph> Graph::Clone() const {
  auto copy = std::make_unique<Graph>();
  std::map<Node*, Argument> values;
  for (Node* n : nodes()) {
    values[n] = copy->node_copy(n, [&](Node* m) { return values.at(m); });
  }
  copy->names_ = names_;
  return copy;
}

void Graph::lint(nn::Module* owner) const {
  std::set<std::string> names;
  std::set<const Node*> seen;
  for (Node* n : nodes()) {
    if (OpcodeOf(n).empty()) {
      Throw(absl::StrCat("Node ", n->output()->DebugName(),
                         " had unknown opcode ", n->name(), "!"));
    }
    for (Node* input : AllInputNodes(n)) {
      if (input->graph() != graph_.get()) {
        Throw(absl::StrCat("Argument '", NameOf(input), "' of Node '",
                           NameOf(n),
                           "' does not belong to this Graph, but was used as "
                           "an argument! If you are copying nodes from "
                           "another graph, make sure to use ``arg_transform`` "
                           "on node_copy() to remap values\n",
                           ToString()));
      }
      if (seen.count(input) == 0) {
        Throw(absl::StrCat(
            "Argument '", NameOf(input), "' of Node '", NameOf(n),
            "' was used before it has been defined! Please check that Nodes "
            "in the graph are topologically ordered\n",
            ToString()));
      }
    }
    seen.insert(n);
    if (!names.insert(NameOf(n)).second) {
      Throw(absl::StrCat("Node redefined name ", NameOf(n), "!"));
    }
    if (owner == nullptr ||
        (!n->is(NodeKind::kFxGetAttr) && !n->is(NodeKind::kFxCallModule))) {
      continue;
    }
    const std::string& target = TargetOf(n);
    const bool found = n->is(NodeKind::kFxCallModule)
                           ? owner->FindModule(target) != nullptr
                           : owner->FindTensor(target) != nullptr ||
                                 owner->FindModule(target) != nullptr;
    if (found) continue;
    std::vector<std::string> parts = absl::StrSplit(target, '.');
    size_t i = 0;
    std::string prefix;
    for (; i + 1 < parts.size(); ++i) {
      const std::string next =
          prefix.empty() ? parts[i] : absl::StrCat(prefix, ".", parts[i]);
      if (owner->FindModule(next) == nullptr) break;
      prefix = next;
    }
    Throw(absl::StrCat("Node ", NameOf(n), " target ", target,
                       " references nonexistent attribute ", parts[i], " of ",
                       prefix));
  }
}

}  // namespace tandem::fx
