#include "tandem/frontends/symbolic/subgraph_matcher.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

namespace tandem::fx {
namespace {

using eager::Throw;

// Steps of the search in all, which is exponential in the pattern's anchors.
constexpr size_t kBudget = size_t{10} * 1000 * 1000;

bool IsInner(const Node* pattern) {
  return !pattern->is(NodeKind::kFxPlaceholder) &&
         !pattern->is(NodeKind::kFxOutput);
}

// Could the nodes run as one: no path from one leaves and comes back?
bool CanBeOne(const std::set<Node*>& nodes) {
  // What is reached from outside users, as far as the last of the nodes.
  Node* last = nullptr;
  for (Node* n : nodes) {
    if (last == nullptr || last->IsBefore(n)) last = n;
  }
  std::set<Node*> seen;
  std::vector<Node*> work;
  for (Node* n : nodes) {
    for (Node* user : UsersOf(n)) {
      if (nodes.count(user) == 0) work.push_back(user);
    }
  }
  while (!work.empty()) {
    Node* n = work.back();
    work.pop_back();
    if (nodes.count(n) > 0) return false;
    if (!seen.insert(n).second || last->IsBefore(n)) continue;
    for (Node* user : UsersOf(n)) work.push_back(user);
  }
  return true;
}

}  // namespace

SubgraphMatcher::SubgraphMatcher(const Graph& pattern, MatchOptions options)
    : pattern_(pattern), options_(options) {
  const std::vector<Node*> nodes = pattern.nodes();
  Node* output = pattern.output_node();
  if (nodes.empty() || output == nullptr) {
    Throw("SubgraphMatcher cannot be initialized with an empty pattern");
  }
  for (Node* n : nodes) {
    if (!IsImpure(n) && !n->output()->has_uses()) {
      Throw(
          "SubgraphMatcher cannot be initialized with a pattern with dead "
          "code");
    }
    if (n->is(NodeKind::kFxPlaceholder)) placeholders_.push_back(n);
  }
  returning_ = AllInputNodes(output);
  if (options.match_output) {
    anchors_.push_back(output);
  } else {
    for (Node* n : returning_) {
      if (UsersOf(n).size() == 1) anchors_.push_back(n);
    }
  }
}

bool SubgraphMatcher::NodesAreEqual(Node* pattern, Node* node) const {
  if (!options_.match_placeholder && pattern->is(NodeKind::kFxPlaceholder)) {
    return true;
  }
  if (pattern->kind() != node->kind()) return false;
  // A tensor of the pattern stands for any tensor.
  if (!IsInner(pattern) || pattern->is(NodeKind::kFxGetAttr)) return true;
  return TargetOf(pattern) == TargetOf(node);
}

bool SubgraphMatcher::MatchArgument(const Argument& pattern,
                                    const Argument& argument,
                                    SubgraphMatch* match) {
  if (pattern.is_node() && argument.is_node()) {
    return MatchNodes(pattern.node(), argument.node(), match);
  }
  if (pattern.is_container() && argument.is_container() &&
      !pattern.is(Argument::Kind::kDict)) {
    return MatchArguments(pattern.items(), argument.items(), match);
  }
  if (pattern.is_node()) {
    // A placeholder stands for a constant.
    if (!pattern.node()->is(NodeKind::kFxPlaceholder)) {
      return options_.ignore_literals;
    }
    const auto [it, is_new] =
        match->nodes_map.try_emplace(pattern.node(), argument);
    return is_new || it->second == argument || options_.ignore_literals;
  }
  return (!argument.is_node() && pattern == argument) ||
         options_.ignore_literals;
}

bool SubgraphMatcher::MatchArguments(const Arguments& pattern,
                                     const Arguments& arguments,
                                     SubgraphMatch* match) {
  if (pattern.size() != arguments.size()) return false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (!MatchArgument(pattern[i], arguments[i], match)) return false;
  }
  return true;
}

bool SubgraphMatcher::MatchNodes(Node* pattern, Node* node,
                                 SubgraphMatch* match) {
  if (budget_ == 0) Throw("the search for a pattern takes too long");
  --budget_;
  const auto found = match->nodes_map.find(pattern);
  if (found != match->nodes_map.end()) {
    return found->second == Argument(node);
  }
  for (const auto& [p, a] : match->nodes_map) {
    if (a == Argument(node)) return false;
  }
  if (!NodesAreEqual(pattern, node)) return false;
  match->nodes_map[pattern] = node;
  if (pattern->is(NodeKind::kFxPlaceholder)) return true;
  Arguments pattern_args = ArgsOf(pattern), args = ArgsOf(node);
  const KeywordArguments pattern_kwargs = KwargsOf(pattern),
                         kwargs = KwargsOf(node);
  if (pattern_args.size() != args.size() ||
      pattern_kwargs.size() != kwargs.size()) {
    return false;
  }
  for (size_t i = 0; i < kwargs.size(); ++i) {
    if (pattern_kwargs[i].first != kwargs[i].first) return false;
    pattern_args.push_back(pattern_kwargs[i].second);
    args.push_back(kwargs[i].second);
  }
  return MatchArguments(pattern_args, args, match);
}

bool SubgraphMatcher::IsContained(const SubgraphMatch& match) const {
  std::set<Node*> inside;
  for (const auto& [p, a] : match.nodes_map) {
    if (!p->is(NodeKind::kFxPlaceholder) && a.is_node()) {
      inside.insert(a.node());
    }
  }
  for (const auto& [p, a] : match.nodes_map) {
    if (p->is(NodeKind::kFxPlaceholder) || !a.is_node() ||
        std::find(returning_.begin(), returning_.end(), p) !=
            returning_.end()) {
      continue;
    }
    for (Node* user : UsersOf(a.node())) {
      if (inside.count(user) == 0) return false;
    }
  }
  return true;
}

void SubgraphMatcher::Backtrack(
    size_t anchor, const SubgraphMatch& match,
    const std::vector<std::vector<Node*>>& candidates,
    std::vector<SubgraphMatch>* matches) {
  if (anchor == anchors_.size()) {
    SubgraphMatch complete = match;
    for (Node* p : placeholders_) {
      const auto it = complete.nodes_map.find(p);
      if (it == complete.nodes_map.end()) {
        Throw(absl::StrCat("the pattern does not use its parameter ",
                           TargetOf(p)));
      }
      complete.placeholder_nodes.push_back(it->second);
    }
    for (Node* p : returning_) {
      const Argument& a = complete.nodes_map[p];
      if (!a.is_node()) return;
      complete.returning_nodes.push_back(a.node());
    }
    matches->push_back(std::move(complete));
    return;
  }
  for (Node* node : candidates[anchor]) {
    SubgraphMatch next = match;
    if (MatchNodes(anchors_[anchor], node, &next)) {
      Backtrack(anchor + 1, next, candidates, matches);
    }
  }
}

std::vector<SubgraphMatch> SubgraphMatcher::match(const Graph& graph) {
  budget_ = kBudget;
  std::vector<std::vector<Node*>> candidates(anchors_.size());
  for (size_t i = 0; i < anchors_.size(); ++i) {
    for (Node* n : graph.nodes()) {
      if (NodesAreEqual(anchors_[i], n)) candidates[i].push_back(n);
    }
  }
  std::vector<SubgraphMatch> found;
  SubgraphMatch start;
  start.anchors = anchors_;
  if (!anchors_.empty()) Backtrack(0, start, candidates, &found);
  std::vector<SubgraphMatch> matches;
  std::set<Node*> taken;
  for (SubgraphMatch& m : found) {
    if (!IsContained(m)) continue;
    std::set<Node*> inner;
    for (const auto& [p, a] : m.nodes_map) {
      if (IsInner(p) && a.is_node()) inner.insert(a.node());
    }
    if (inner.empty() || !CanBeOne(inner)) continue;
    if (options_.remove_overlapping_matches) {
      if (std::any_of(inner.begin(), inner.end(),
                      [&](Node* n) { return taken.count(n) > 0; })) {
        continue;
      }
      taken.insert(inner.begin(), inner.end());
    }
    matches.push_back(std::move(m));
  }
  return matches;
}

std::vector<ReplacedPattern> replace_pattern(
    GraphModule& module, const Graph& pattern, const Graph& replacement,
    const std::vector<MatchFilter>& filters, bool ignore_literals) {
  Graph& graph = module.graph();
  MatchOptions options;
  options.ignore_literals = ignore_literals;
  std::vector<SubgraphMatch> matches =
      SubgraphMatcher(pattern, options).match(graph);
  std::vector<Node*> replacement_placeholders =
      replacement.find_nodes("placeholder", "");
  std::vector<Node*> pattern_placeholders =
      pattern.find_nodes("placeholder", "");
  std::vector<ReplacedPattern> replaced;
  std::map<Node*, Node*> changed;  // what earlier replacements took away
  for (SubgraphMatch& m : matches) {
    bool wanted = true;
    for (const MatchFilter& f : filters) {
      wanted = wanted && f(m, graph, pattern);
    }
    if (!wanted) continue;
    if (m.placeholder_nodes.size() != replacement_placeholders.size()) {
      Throw(absl::StrCat(
          "Placeholder count mismatch: ", m.placeholder_nodes.size(), " vs ",
          replacement_placeholders.size()));
    }
    std::map<Node*, Argument> values;
    for (size_t i = 0; i < replacement_placeholders.size(); ++i) {
      const Argument given = m.placeholder_nodes[i].Map([&](Node* n) {
        const auto it = changed.find(n);
        return Argument(it == changed.end() ? n : it->second);
      });
      values[replacement_placeholders[i]] = given;
      m.nodes_map[pattern_placeholders[i]] = given;
    }
    // Before the first that uses what is replaced.
    Node* first_user = nullptr;
    for (Node* n : m.returning_nodes) {
      for (Node* user : UsersOf(n)) {
        if (first_user == nullptr || user->IsBefore(first_user)) {
          first_user = user;
        }
      }
    }
    if (first_user == nullptr) {
      for (Node* n : m.returning_nodes) {
        if (first_user == nullptr || first_user->IsBefore(n->next())) {
          first_user = n->next();
        }
      }
    }
    if (first_user == nullptr) Throw("The insert point can't be None");
    const std::map<Node*, Argument> given = values;
    Argument results;
    {
      const WithInsertPoint at = graph.inserting_before(first_user);
      results = graph.graph_copy(replacement, &values);
    }
    Arguments copied = results.is_node() ? Arguments{results} : results.items();
    if (copied.size() != m.returning_nodes.size()) {
      Throw(absl::StrCat("Returning nodes count mismatch: ",
                         m.returning_nodes.size(), " vs ", copied.size()));
    }
    ReplacedPattern r;
    for (Node* n : replacement.nodes()) {
      const auto it = values.find(n);
      if (it != values.end() && given.count(n) == 0 && it->second.is_node()) {
        r.replacements.push_back(it->second.node());
      }
    }
    for (size_t i = 0; i < copied.size(); ++i) {
      if (!copied[i].is_node()) Throw("a replacement returns no node");
      ReplaceAllUsesWith(m.returning_nodes[i], copied[i].node());
      changed[m.returning_nodes[i]] = copied[i].node();
    }
    // From the last: users go before what they use.
    std::vector<Node*> pattern_nodes = pattern.nodes();
    for (auto it = pattern_nodes.rbegin(); it != pattern_nodes.rend(); ++it) {
      if (!IsInner(*it)) continue;
      const Argument& a = m.nodes_map[*it];
      if (a.is_node()) graph.erase_node(a.node());
    }
    r.anchor = m.anchors[0];
    r.nodes_map = std::move(m.nodes_map);
    replaced.push_back(std::move(r));
  }
  return replaced;
}

}  // namespace tandem::fx
