#include "tandem/frontends/symbolic/split_module.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace tandem::fx {
namespace {

using eager::Throw;

// Members of a part under their names there.
class PartRoot : public nn::Module {
 public:
  std::string name() const override { return "Module"; }
  IValue ForwardBoxed(std::vector<IValue> args) override {
    Throw("a part of a module has no forward before it is made");
  }
  size_t num_arguments() const override { return 0; }
};

void PushUnique(std::vector<Node*>* nodes, Node* node) {
  if (std::find(nodes->begin(), nodes->end(), node) == nodes->end()) {
    nodes->push_back(node);
  }
}

struct Part {
  std::string name;
  std::vector<Node*> inputs, outputs;  // of the whole graph
  std::vector<int> dependents;         // in order
  std::set<int> dependencies;
  std::unique_ptr<Graph> graph = std::make_unique<Graph>();
  std::map<Node*, Node*> environment;  // from the whole graph to the part's
  PartRoot root;
};

std::shared_ptr<nn::Module> ModuleAt(nn::Module& root,
                                     const std::string& path) {
  const size_t point = path.rfind('.');
  nn::Module* parent = point == std::string::npos
                           ? &root
                           : root.FindModule(path.substr(0, point));
  const std::string name =
      point == std::string::npos ? path : path.substr(point + 1);
  if (parent != nullptr) {
    for (const nn::Module::Child& c : parent->children()) {
      if (c.name == name && c.module != nullptr) return c.module;
    }
  }
  Throw(absl::StrCat("there is no module ", path));
}

class Splitter {
 public:
  Splitter(GraphModule& module,
           const std::function<int(const Node*)>& partition)
      : module_(module), nodes_(module.graph().nodes()) {
    for (Node* n : nodes_) {
      if (!Computes(n)) continue;
      const int id = partition(n);
      part_of_[n] = id;
      const auto [it, is_new] = parts_.try_emplace(id);
      if (is_new) {
        it->second.name = absl::StrCat("submod_", id);
        order_.push_back(id);
      }
    }
  }

  nn::Ptr<GraphModule> Run() {
    for (Node* n : nodes_) {
      if (n->is(NodeKind::kFxOutput)) {
        for (Node* input : AllInputNodes(n)) Cross(input, nullptr);
      } else if (Computes(n)) {
        for (Node* input : AllInputNodes(n)) Cross(input, n);
      }
    }
    const std::vector<int> sorted = Sort();
    for (const int id : sorted) AddPlaceholders(parts_[id]);
    for (Node* n : nodes_) {
      if (Computes(n)) Copy(n, parts_[part_of_[n]]);
    }
    return Build(sorted);
  }

 private:
  static bool Computes(const Node* n) {
    return n->is(NodeKind::kFxCallFunction) || n->is(NodeKind::kFxCallMethod) ||
           n->is(NodeKind::kFxCallModule);
  }

  // `user` (null: the output) uses `def`.
  void Cross(Node* def, Node* user) {
    const auto defined = part_of_.find(def);
    const bool has_part = defined != part_of_.end();
    if (user != nullptr && has_part && defined->second == part_of_.at(user)) {
      return;
    }
    if (has_part) {
      Part& part = parts_[defined->second];
      PushUnique(&part.outputs, def);
      if (user != nullptr) {
        const int used = part_of_.at(user);
        if (std::find(part.dependents.begin(), part.dependents.end(), used) ==
            part.dependents.end()) {
          part.dependents.push_back(used);
        }
      }
    }
    if (user != nullptr) {
      Part& part = parts_[part_of_.at(user)];
      PushUnique(&part.inputs, def);
      if (has_part) part.dependencies.insert(defined->second);
    }
  }

  std::vector<int> Sort() {
    std::vector<int> roots, sorted;
    for (const int id : order_) {
      if (parts_[id].dependencies.empty()) roots.push_back(id);
    }
    while (!roots.empty()) {
      const int id = roots.back();
      roots.pop_back();
      sorted.push_back(id);
      for (const int dependent : parts_[id].dependents) {
        Part& d = parts_[dependent];
        d.dependencies.erase(id);
        if (d.dependencies.empty()) roots.push_back(dependent);
      }
    }
    if (sorted.size() != parts_.size()) {
      Throw("cycle exists between partitions!");
    }
    return sorted;
  }

  void AddPlaceholders(Part& part) {
    for (Node* input : part.inputs) {
      Node* placeholder = part.graph->placeholder(NameOf(input));
      SetTypeExpr(placeholder, TypeExprOf(input));
      placeholder->output()->set_type(input->output()->type());
      part.environment[input] = placeholder;
    }
  }

  void Copy(Node* n, Part& part) {
    const auto map = [&](Node* input) {
      return Argument(part.environment.at(input));
    };
    Arguments args;
    for (const Argument& a : ArgsOf(n)) args.push_back(a.Map(map));
    KeywordArguments kwargs;
    for (const auto& [k, v] : KwargsOf(n)) kwargs.emplace_back(k, v.Map(map));
    const bool is_module = n->is(NodeKind::kFxCallModule);
    const std::string target =
        is_module ? absl::StrReplaceAll(TargetOf(n), {{".", "_"}})
                  : TargetOf(n);
    Node* copy = part.graph->create_node(OpcodeOf(n), target, args, kwargs);
    SetTypeExpr(copy, TypeExprOf(n));
    copy->output()->set_type(n->output()->type());
    if (is_module) {
      if (part.root.FindModule(target) == nullptr) {
        part.root.register_module(target, ModuleAt(module_, TargetOf(n)));
      }
    }
    part.environment[n] = copy;
  }

  nn::Ptr<GraphModule> Build(const std::vector<int>& sorted) {
    auto graph = std::make_unique<Graph>();
    PartRoot root;
    std::map<Node*, Node*> environment;
    for (Node* n : nodes_) {
      if (n->is(NodeKind::kFxPlaceholder) || n->is(NodeKind::kFxGetAttr)) {
        environment[n] =
            graph->node_copy(n, [](Node* m) { return Argument(m); });
        if (n->is(NodeKind::kFxGetAttr)) AddMember(TargetOf(n), &root);
      }
    }
    for (const int id : sorted) {
      Part& part = parts_[id];
      Arguments outputs;
      for (Node* n : part.outputs) outputs.push_back(part.environment.at(n));
      part.graph->output(outputs.size() == 1 ? outputs[0]
                                             : Argument::Tuple(outputs));
      auto submodule = nn::Make<GraphModule>(part.root, std::move(part.graph));
      submodule->functions() = module_.functions();
      root.register_module(part.name, std::shared_ptr<nn::Module>(submodule));
      Arguments inputs;
      for (Node* n : part.inputs) inputs.push_back(environment.at(n));
      Node* call = graph->call_module(part.name, inputs);
      if (part.outputs.size() == 1) {
        environment[part.outputs[0]] = call;
        continue;
      }
      for (size_t i = 0; i < part.outputs.size(); ++i) {
        environment[part.outputs[i]] = graph->call_function(
            "operator.getitem", {call, static_cast<int64_t>(i)});
      }
    }
    if (Node* output = module_.graph().output_node(); output != nullptr) {
      graph->output(ArgsOf(output)[0].Map(
          [&](Node* n) { return Argument(environment.at(n)); }));
    }
    auto result = nn::Make<GraphModule>(root, std::move(graph));
    result->functions() = module_.functions();
    return result;
  }

  // A parameter or buffer under its path.
  void AddMember(const std::string& path, PartRoot* root) {
    if (root->FindTensor(path) != nullptr) return;
    const size_t point = path.find('.');
    if (point != std::string::npos) {
      const std::string first = path.substr(0, point);
      if (root->FindModule(first) == nullptr) {
        root->register_module(first, ModuleAt(module_, first));
      }
      return;
    }
    for (const nn::Module::Parameter& p : module_.own_parameters()) {
      if (p.name == path) {
        root->register_parameter(path, p.tensor, p.tensor.requires_grad());
      }
    }
    for (const nn::Module::Buffer& b : module_.own_buffers()) {
      if (b.name == path) root->register_buffer(path, b.tensor, b.persistent);
    }
  }

  GraphModule& module_;
  const std::vector<Node*> nodes_;
  std::map<int, Part> parts_;
  std::vector<int> order_;  // of first appearance
  std::map<const Node*, int> part_of_;
};

}  // namespace

nn::Ptr<GraphModule> split_module(
    GraphModule& module, const std::function<int(const Node*)>& partition) {
  return Splitter(module, partition).Run();
}

}  // namespace tandem::fx
