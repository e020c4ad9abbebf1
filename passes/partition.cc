#include "tandem/passes/partition.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/rewrite.h"
#include "tandem/passes/shape_steps.h"

namespace tandem {
namespace {

constexpr int kNone = -1;

// Of nodes that are not worth it alone: finding the executable of two costs
// what their second kernel does.
constexpr size_t kSmallestGroup = 3;

bool IsView(const Operator& op) {
  for (const Argument& r : op.schema.returns) {
    if (r.alias.has_value()) return true;
  }
  return false;
}

// One block's nodes, as the partitioner moves them about.
class BlockPartition {
 public:
  // Without aliases, memory is not looked at: good enough to tell that there is
  // nothing to group, which a small program's first call should not pay for.
  BlockPartition(Block* block, const AliasAnalysis* aliases,
                 absl::Span<const GroupBackend* const> backends,
                 const ShapeSteps& shape_steps, PartitionReport* report)
      : block_(block),
        aliases_(aliases),
        backends_(backends),
        shape_steps_(shape_steps),
        report_(report) {}

  // Groups and, with aliases, puts them in place. Were there any?
  bool Run() {
    for (Node* n : *block_) {
      index_[n] = nodes_.size();
      nodes_.push_back(n);
    }
    FindSteps();
    FindDependencies();
    for (size_t i = 0; i < nodes_.size(); ++i) Place(i);
    for (size_t g = 0; g < groups_.size(); ++g) DropLooseViews(g);
    DropSmallGroups();
    bool any = false;
    for (const Group& g : groups_) any |= !g.nodes.empty();
    if (any && aliases_ != nullptr) Emit();
    return any;
  }

 private:
  struct Group {
    const GroupBackend* backend;
    std::set<size_t> nodes;
    bool worthwhile = false;
    // One node that stays where it is: something writes to what it reads or
    // gives.
    bool pinned = false;
  };

  // ---- what depends on what

  // The steps of a node's sizes, and lists that only it uses, go where the node
  // goes.
  void FindSteps() {
    steps_.resize(nodes_.size());
    is_step_.assign(nodes_.size(), false);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const auto add = [&](const Node* step) {
        steps_[i].push_back(index_.at(step));
        is_step_[steps_[i].back()] = true;
      };
      if (const auto it = shape_steps_.find(nodes_[i]);
          it != shape_steps_.end()) {
        for (const Node* step : it->second) add(step);
      }
      if (!nodes_[i]->is(NodeKind::kOperator)) continue;
      for (const Value* v : nodes_[i]->inputs()) {
        const auto it = index_.find(v->node());
        if (it != index_.end() && v->node()->is(NodeKind::kListConstruct) &&
            v->uses().size() == 1 && !is_step_[it->second]) {
          add(v->node());
        }
      }
    }
  }

  // What a node and its steps depend on, but for each other.
  std::set<size_t> Needs(size_t i) const {
    std::set<size_t> needs = depends_[i];
    for (size_t s : steps_[i]) {
      needs.insert(depends_[s].begin(), depends_[s].end());
    }
    for (size_t s : steps_[i]) needs.erase(s);
    return needs;
  }

  // May the node run earlier or later, as far as memory goes?
  bool IsMovable(const Node* n) const {
    if (n->is(NodeKind::kConstant)) return true;
    if (n->HasSideEffects() || !n->blocks().empty()) return false;
    if (!n->is(NodeKind::kOperator) && !n->is(NodeKind::kListConstruct) &&
        !n->is(NodeKind::kListUnpack) && !n->is(NodeKind::kTupleConstruct)) {
      return false;
    }
    if (n->is(NodeKind::kOperator) && n->op()->schema.is_mutable()) {
      return false;
    }
    if (aliases_ == nullptr) return true;
    const auto written = [&](const Value* v) { return aliases_->IsWritten(v); };
    return std::none_of(n->inputs().begin(), n->inputs().end(), written) &&
           std::none_of(n->outputs().begin(), n->outputs().end(), written);
  }

  void AddDependency(const Value* v, size_t i) {
    const auto it = index_.find(v->node());
    if (it != index_.end() && it->second != i) depends_[i].insert(it->second);
  }
  void AddBlockDependencies(const Block& block, size_t i) {
    for (const Node* n : block) {
      for (const Value* v : n->inputs()) AddDependency(v, i);
      for (const Block* b : n->blocks()) AddBlockDependencies(*b, i);
    }
    for (const Value* v : block.outputs()) AddDependency(v, i);
  }

  void FindDependencies() {
    depends_.resize(nodes_.size());
    movable_.resize(nodes_.size());
    group_of_.assign(nodes_.size(), kNone);
    size_t last_fixed = nodes_.size();
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Node* n = nodes_[i];
      for (const Value* v : n->inputs()) AddDependency(v, i);
      for (const Block* b : n->blocks()) AddBlockDependencies(*b, i);
      movable_[i] = IsMovable(n);
      if (movable_[i]) continue;
      if (last_fixed != nodes_.size()) depends_[i].insert(last_fixed);
      last_fixed = i;
    }
  }

  // Does `from` (a node outside of group `g`) reach back into group `g`, going
  // from nodes to what they depend on, whole groups at a time?
  bool DependsOnGroup(size_t from, int g) const {
    absl::flat_hash_set<size_t> seen;
    std::vector<size_t> stack = {from};
    while (!stack.empty()) {
      const size_t i = stack.back();
      stack.pop_back();
      if (group_of_[i] == g) return true;
      if (!seen.insert(i).second) continue;
      // What comes before the group's first node cannot depend on it, unless
      // through another group.
      const auto push = [&](size_t d) { stack.push_back(d); };
      if (group_of_[i] == kNone) {
        for (size_t d : depends_[i]) push(d);
        continue;
      }
      for (size_t m : groups_[group_of_[i]].nodes) {
        if (m != i && !seen.insert(m).second) continue;
        for (size_t d : depends_[m]) {
          if (group_of_[d] != group_of_[i]) push(d);
        }
      }
    }
    return false;
  }

  // May node `i` join group `g`?
  bool MayJoin(size_t i, int g) const {
    for (size_t d : Needs(i)) {
      if (group_of_[d] != g && DependsOnGroup(d, g)) return false;
    }
    return true;
  }

  // May groups `a` and `b` become one?
  bool MayMerge(int a, int b) const {
    const auto clean = [&](int from, int to) {
      for (size_t m : groups_[from].nodes) {
        for (size_t d : depends_[m]) {
          if (group_of_[d] != from && group_of_[d] != to &&
              DependsOnGroup(d, to)) {
            return false;
          }
        }
      }
      return true;
    };
    return clean(a, b) && clean(b, a);
  }

  // ---- growing groups

  const GroupBackend* BackendFor(const Node* n, bool* worthwhile) {
    for (const GroupBackend* backend : backends_) {
      Support support = backend->Supports(*n);
      if (support.supported) {
        *worthwhile = support.worthwhile;
        return backend;
      }
      report_->refusals.push_back({std::string(n->name()),
                                   std::string(backend->name()),
                                   std::move(support.reason)});
    }
    return nullptr;
  }

  void Place(size_t i) {
    Node* n = nodes_[i];
    if (!n->is(NodeKind::kOperator) || is_step_[i] || n->outputs().empty()) {
      return;
    }
    bool pinned = !movable_[i];
    for (size_t s : steps_[i]) pinned |= !movable_[s];
    if (pinned && (n->HasSideEffects() || n->op()->schema.is_mutable() ||
                   IsView(*n->op()) || !steps_[i].empty())) {
      return;
    }
    for (const Value* v : n->outputs()) {
      if (!v->type()->is(TypeKind::kTensor)) return;
    }
    bool worthwhile = false;
    const GroupBackend* backend = BackendFor(n, &worthwhile);
    if (backend == nullptr) return;
    if (pinned) {
      if (!worthwhile) return;
      groups_.push_back({backend, {}, false, /*pinned=*/true});
      Join(i, static_cast<int>(groups_.size() - 1), worthwhile);
      return;
    }
    int mine = kNone;
    const auto consider = [&](size_t d) {
      const int g = group_of_[d];
      if (g == kNone || g == mine || groups_[g].backend != backend ||
          groups_[g].pinned) {
        return;
      }
      if (mine == kNone) {
        if (!MayJoin(i, g)) return;
        Join(i, g, worthwhile);
        mine = g;
      } else if (MayMerge(mine, g)) {
        Merge(g, mine);
      }
    };
    // The nearest producer first.
    const std::set<size_t> needs = Needs(i);
    std::vector<size_t> producers(needs.begin(), needs.end());
    std::sort(producers.rbegin(), producers.rend());
    for (size_t d : producers) consider(d);
    if (mine == kNone) {
      groups_.push_back({backend, {}, false, false});
      Join(i, static_cast<int>(groups_.size() - 1), worthwhile);
    }
  }

  void Join(size_t i, int g, bool worthwhile) {
    group_of_[i] = g;
    groups_[g].nodes.insert(i);
    groups_[g].worthwhile |= worthwhile;
    for (size_t s : steps_[i]) {
      group_of_[s] = g;
      groups_[g].nodes.insert(s);
    }
  }

  void Merge(int from, int into) {
    for (size_t i : groups_[from].nodes) {
      group_of_[i] = into;
      groups_[into].nodes.insert(i);
    }
    groups_[into].worthwhile |= groups_[from].worthwhile;
    groups_[from].nodes.clear();
  }

  void Leave(size_t i) {
    if (group_of_[i] == kNone) return;
    groups_[group_of_[i]].nodes.erase(i);
    group_of_[i] = kNone;
    for (size_t s : steps_[i]) Leave(s);
  }

  bool IsUsedOutside(const Node* n, int g) const {
    for (const Value* v : n->outputs()) {
      for (const Use& use : v->uses()) {
        const auto it = index_.find(use.user);
        if (it == index_.end() || group_of_[it->second] != g) return true;
      }
    }
    return false;
  }

  // Results of a group are new memory. A view whose result is seen outside
  // would become a copy of what it views: it stays with kernels, and so do
  // views that only look at what comes into the group.
  void DropLooseViews(size_t g) {
    const int group = static_cast<int>(g);
    for (bool changed = true; changed;) {
      changed = false;
      const std::set<size_t> nodes = groups_[g].nodes;
      for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
        Node* n = nodes_[*it];
        if (is_step_[*it]) continue;
        if (!IsView(*n->op()) || !IsUsedOutside(n, group)) continue;
        // Its users inside would need it from outside: they must go, too, or
        // take it as an input; the latter is a cycle if it needs the group.
        bool used_inside = false;
        for (const Value* v : n->outputs()) {
          for (const Use& use : v->uses()) {
            const auto u = index_.find(use.user);
            used_inside |= u != index_.end() && group_of_[u->second] == group;
          }
        }
        const size_t i = *it;
        bool needs_group = false;
        for (size_t d : Needs(i)) needs_group |= group_of_[d] == group;
        if (used_inside && needs_group) {
          for (size_t m : nodes) {
            if (m > i && group_of_[m] == group && DependsOnNode(m, i)) Leave(m);
          }
        }
        Leave(i);
        changed = true;
        break;
      }
    }
  }

  bool DependsOnNode(size_t from, size_t to) const {
    absl::flat_hash_set<size_t> seen;
    std::vector<size_t> stack = {from};
    while (!stack.empty()) {
      const size_t i = stack.back();
      stack.pop_back();
      if (i == to) return true;
      if (i < to || !seen.insert(i).second) continue;
      stack.insert(stack.end(), depends_[i].begin(), depends_[i].end());
    }
    return false;
  }

  void DropSmallGroups() {
    for (Group& group : groups_) {
      size_t operators = 0;
      for (size_t i : group.nodes) {
        operators += nodes_[i]->is(NodeKind::kOperator) && !is_step_[i] &&
                             !IsView(*nodes_[i]->op())
                         ? 1
                         : 0;
      }
      if (operators >= (group.worthwhile ? 1 : kSmallestGroup)) continue;
      const std::set<size_t> nodes = group.nodes;
      for (size_t i : nodes) Leave(i);
    }
  }

  // ---- the new block

  // Order of units (groups or nodes) such that each comes after what it needs,
  // else as it was.
  std::vector<size_t> Order() const {
    std::vector<size_t> order;
    std::vector<uint8_t> state(nodes_.size(), 0);  // 1: open, 2: done
    // What stays in its order and needs no group, checks that raise most of
    // all, runs before a group that it stands in the middle of: a program that
    // ends there ends as it did.
    std::vector<bool> free(nodes_.size(), false);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      free[i] = group_of_[i] == kNone &&
                std::all_of(depends_[i].begin(), depends_[i].end(),
                            [&](size_t d) { return d < i && free[d]; });
    }
    const auto members = [&](size_t i) {
      return group_of_[i] == kNone
                 ? std::vector<size_t>{i}
                 : std::vector<size_t>(groups_[group_of_[i]].nodes.begin(),
                                       groups_[group_of_[i]].nodes.end());
    };
    struct Open {
      std::vector<size_t> members, needs;
      size_t next = 0;
    };
    for (size_t root = 0; root < nodes_.size(); ++root) {
      if (state[root] != 0) continue;
      std::vector<Open> stack;
      const auto open = [&](size_t i) {
        Open o;
        o.members = members(i);
        for (size_t m : o.members) {
          state[m] = 1;
          o.needs.insert(o.needs.end(), depends_[m].begin(), depends_[m].end());
        }
        for (size_t j = o.members.front(); j < o.members.back(); ++j) {
          if (!movable_[j] && free[j]) o.needs.push_back(j);
        }
        stack.push_back(std::move(o));
      };
      open(root);
      while (!stack.empty()) {
        Open& top = stack.back();
        if (top.next < top.needs.size()) {
          const size_t d = top.needs[top.next++];
          if (state[d] == 0) open(d);
          continue;
        }
        for (size_t m : top.members) {
          state[m] = 2;
          order.push_back(m);
        }
        stack.pop_back();
      }
    }
    return order;
  }

  void Emit() {
    for (size_t i : Order()) nodes_[i]->MoveBefore(block_->return_node());
    for (Group& g : groups_) {
      if (!g.nodes.empty()) EmitGroup(g);
    }
  }

  void EmitGroup(const Group& group) {
    Graph* graph = block_->graph();
    auto inner = std::make_shared<Graph>();
    absl::flat_hash_map<const Value*, Value*> map;
    std::vector<Value*> inputs;
    std::vector<size_t> order(group.nodes.begin(), group.nodes.end());
    const int id = group_of_[order.front()];
    const auto take = [&](Value* v) -> Value* {
      if (const auto it = map.find(v); it != map.end()) return it->second;
      Value* inside;
      if (std::optional<IValue> constant = ConstantArgument(v)) {
        inside = inner->InsertConstant(*std::move(constant), v->node()->range(),
                                       v->type());
      } else {
        inside = inner->AddInput(
            v->has_name() ? v->base_name() : absl::string_view(), v->type());
        inputs.push_back(v);
      }
      map[v] = inside;
      return inside;
    };
    for (size_t i : order) {
      Node* n = nodes_[i];
      if (n->is(NodeKind::kListConstruct) &&
          ConstantArgument(n->output()).has_value()) {
        continue;  // taken as a constant where it is used
      }
      std::vector<Value*> arguments;
      for (size_t k = 0; k < n->inputs().size(); ++k) {
        // What a trace keeps of a number is weak in promotion where PyTorch
        // takes it as one.
        std::optional<IValue> number = TakenAsNumber(*n, k);
        arguments.push_back(
            number.has_value()
                ? inner->InsertConstant(*std::move(number),
                                        n->input(k)->node()->range(),
                                        n->input(k)->type())
                : take(n->input(k)));
      }
      Node* copy =
          n->is(NodeKind::kOperator)
              ? inner->Create(n->op(), arguments)
              : inner->Create(n->kind(), arguments, n->outputs().size());
      copy->set_range(n->range());
      if (n->FindAttribute(kInPlaceAttribute) != nullptr) {
        copy->SetAttribute(kInPlaceAttribute, int64_t{1});
      }
      for (size_t o = 0; o < n->outputs().size(); ++o) {
        copy->output(o)->set_type(n->output(o)->type());
        if (n->output(o)->has_name()) {
          copy->output(o)->SetName(n->output(o)->base_name());
        }
        map[n->output(o)] = copy->output(o);
      }
      inner->Insert(copy);
    }
    std::vector<Value*> results;
    for (size_t i : order) {
      for (Value* v : nodes_[i]->outputs()) {
        for (const Use& use : v->uses()) {
          const auto it = index_.find(use.user);
          if (it != index_.end() && group_of_[it->second] == id) continue;
          results.push_back(v);
          break;
        }
      }
    }
    Node* node = graph->Create(NodeKind::kFusionGroup, inputs, results.size());
    node->SetAttribute("Subgraph", inner);
    node->SetAttribute("backend", std::string(group.backend->name()));
    node->set_range(nodes_[order.back()]->range());
    node->InsertBefore(nodes_[order.front()]);
    for (size_t k = 0; k < results.size(); ++k) {
      Value* v = results[k];
      inner->AddOutput(map.at(v));
      node->output(k)->set_type(v->type());
      const std::string name = v->has_name() ? v->name() : "";
      v->ReplaceAllUsesWith(node->output(k));
      if (!name.empty()) node->output(k)->SetName(name);
    }
    for (auto it = order.rbegin(); it != order.rend(); ++it) {
      nodes_[*it]->Destroy();
    }
    ++report_->groups;
    for (size_t i : order) report_->grouped_nodes += is_step_[i] ? 0 : 1;
  }

  Block* const block_;
  const AliasAnalysis* const aliases_;
  const absl::Span<const GroupBackend* const> backends_;
  const ShapeSteps& shape_steps_;
  PartitionReport* const report_;
  std::vector<Node*> nodes_;
  std::vector<std::vector<size_t>> steps_;  // of a node's sizes
  std::vector<bool> is_step_;
  absl::flat_hash_map<const Node*, size_t> index_;
  std::vector<std::set<size_t>> depends_;
  std::vector<bool> movable_;
  std::vector<int> group_of_;
  std::vector<Group> groups_;
};

void CollectBlocks(Block* block, std::vector<Block*>* blocks) {
  blocks->push_back(block);
  for (Node* n : *block) {
    for (Block* b : n->blocks()) CollectBlocks(b, blocks);
  }
}

}  // namespace

absl::StatusOr<PartitionReport> Partition(
    Graph* graph, const Registry& registry,
    absl::Span<const std::string> backends) {
  PartitionReport report;
  std::vector<const GroupBackend*> groups;
  for (const std::string& name : backends) {
    if (const GroupBackend* backend = registry.FindGroupBackend(name)) {
      groups.push_back(backend);
    }
  }
  if (groups.empty()) return report;
  std::vector<Block*> blocks;
  CollectBlocks(graph->block(), &blocks);
  bool any = false;
  for (Block* block : blocks) {
    any |= BlockPartition(block, nullptr, groups, {}, &report).Run();
  }
  if (!any) return report;
  report.refusals.clear();
  const ShapeSteps shape_steps = CopyShapeSteps(graph, groups);
  // Weights are constants here, and nobody writes to these.
  const AliasAnalysis aliases(*graph, {/*distinct_constants=*/true});
  for (Block* block : blocks) {
    BlockPartition(block, &aliases, groups, shape_steps, &report).Run();
  }
  // What only groups used is inside of them now.
  for (Block* block : blocks) {
    for (Node *n = block->last(), *prev; n != block->param_node(); n = prev) {
      prev = n->prev();
      if (!n->is(NodeKind::kListConstruct) && !n->is(NodeKind::kConstant)) {
        continue;
      }
      if (!n->output()->has_uses()) n->Destroy();
    }
  }
  return report;
}

}  // namespace tandem
