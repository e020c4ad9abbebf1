// Finds a pattern in a graph, and puts another in its place.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_SUBGRAPH_MATCHER_H_
#define TANDEM_FRONTENDS_SYMBOLIC_SUBGRAPH_MATCHER_H_

#include <functional>
#include <map>
#include <vector>

#include "tandem/frontends/symbolic/graph_module.h"

namespace tandem::fx {

// Where a pattern was found: torch.fx's InternalMatch.
struct SubgraphMatch {
  std::vector<Node*> anchors;  // of the pattern: what only its output uses
  // From nodes of the pattern to those of the graph; a placeholder may stand
  // for a constant.
  std::map<Node*, Argument> nodes_map;
  std::vector<Argument> placeholder_nodes;
  std::vector<Node*> returning_nodes;
};

struct MatchOptions {
  bool match_output = false;       // the pattern's output is part of it
  bool match_placeholder = false;  // placeholders match only placeholders
  bool remove_overlapping_matches = true;
  bool ignore_literals = false;
};

// A match is closed: what it computes inside is not used outside of it, but
// for what the pattern returns. Of matches that overlap the first counts.
class SubgraphMatcher {
 public:
  // The pattern must outlive the matcher. Errors (thrown): it is empty or has
  // dead code.
  explicit SubgraphMatcher(const Graph& pattern, MatchOptions options = {});
  std::vector<SubgraphMatch> match(const Graph& graph);

 private:
  bool NodesAreEqual(Node* pattern, Node* node) const;
  bool MatchNodes(Node* pattern, Node* node, SubgraphMatch* match);
  bool MatchArguments(const Arguments& pattern, const Arguments& arguments,
                      SubgraphMatch* match);
  bool MatchArgument(const Argument& pattern, const Argument& argument,
                     SubgraphMatch* match);
  bool IsContained(const SubgraphMatch& match) const;
  void Backtrack(size_t anchor, const SubgraphMatch& match,
                 const std::vector<std::vector<Node*>>& candidates,
                 std::vector<SubgraphMatch>* matches);

  const Graph& pattern_;
  const MatchOptions options_;
  std::vector<Node*> anchors_, placeholders_, returning_;
  size_t budget_ = 0;
};

struct Match {
  Node* anchor;  // in the pattern
  std::map<Node*, Argument> nodes_map;
};
struct ReplacedPattern : Match {
  std::vector<Node*> replacements;  // new nodes
};

using MatchFilter = std::function<bool(
    const SubgraphMatch& match, const Graph& original, const Graph& pattern)>;

// torch.fx.replace_pattern: all matches of `pattern`, in order; graphs as
// traced, with as many placeholders in both.
std::vector<ReplacedPattern> replace_pattern(
    GraphModule& module, const Graph& pattern, const Graph& replacement,
    const std::vector<MatchFilter>& filters = {}, bool ignore_literals = false);
// Of functions or modules that are traced first. What the replacement has by
// path and `module` has not, `module` gets.
template <typename P, typename R,
          typename = std::enable_if_t<!std::is_same_v<P, Graph>>>
std::vector<ReplacedPattern> replace_pattern(GraphModule& module, P pattern,
                                             R replacement) {
  const auto p = symbolic_trace(pattern), r = symbolic_trace(replacement);
  auto replaced = replace_pattern(module, p->graph(), r->graph());
  module.AddMembersOf(*r);
  return replaced;
}

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_SUBGRAPH_MATCHER_H_
