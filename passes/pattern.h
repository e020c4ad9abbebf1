// Rewriting by pattern: a table of rules, each a piece of graph to look for and
// one to put in its place, both as canonical text (ir/canonical.h).
//
//   const RewriteRule kRules[] = {{
//       "linear",
//       R"(graph(%x, %w, %b):
//            %t = aten::t(%w)
//            %y = aten::addmm(%b, %x, %t, 1, 1)
//            return (%y))",
//       R"(graph(%x, %w, %b):
//            %y = aten::linear(%x, %w, %b)
//            return (%y))"}};
//   TANDEM_ASSIGN_OR_RETURN(RewriteRules rules, RewriteRules::Create(kRules));
//   const int64_t changes = rules.Apply(graph);
#ifndef TANDEM_PASSES_PATTERN_H_
#define TANDEM_PASSES_PATTERN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/operator_table.h"

namespace tandem {

// What the names of a pattern stand for in one place of a graph.
class PatternMatch {
 public:
  // What %name is there; null for a name that the pattern does not have.
  Value* value(absl::string_view name) const;
  // The node that gives it.
  Node* node(absl::string_view name) const;
  // Its value, if it is a constant or a list of constants.
  std::optional<IValue> constant(absl::string_view name) const;
  // Gives a parameter of the replacement that the pattern does not bind: a
  // constant that is computed.
  void SetConstant(absl::string_view name, IValue value);

 private:
  friend class RewriteRules;
  friend class PatternMatcher;
  absl::flat_hash_map<std::string, Value*> values_;
  absl::flat_hash_map<std::string, IValue> constants_;
};

// The pattern:
// - Its parameters are bound to any values of their type: "%x" to any tensor,
//   "%x : Float(*, *)" to one that is known to be so, "%b : Tensor?" also to
//   None, "%s : Any" to everything. One name is one value.
// - Its nodes are found in one block of the graph, a node for each. They are of
//   the same operator, overload and attributes;
//   `aten::add.Tensor[any_overload=1]` takes every overload, `[commutative=1]`
//   also the first two inputs in the other order.
// - Its constants, written as nodes or as literals, are equal to the graph's,
// in
//   kind too (1 is not 1.0). A list is also found where the graph makes one of
//   constants and nobody changes it.
// - Its results are what the replacement gives anew, in order. Other values of
//   its nodes must have no use outside of the match.
// The last node gives a result; every node is connected with it.
//
// The replacement has the same number of results. Its parameters are names of
// the pattern's parameters and constants, in any order, and names that
// `condition` sets. It may have blocks.
struct RewriteRule {
  std::string name;
  std::string pattern;
  std::string replacement;
  // Asked last. False: not here. May be empty.
  std::function<bool(PatternMatch&)> condition;
};

// A compiled table. Immutable: one object serves all threads.
class RewriteRules {
 public:
  // InvalidArgumentError names the rule and what is wrong with its texts.
  static absl::StatusOr<RewriteRules> Create(
      absl::Span<const RewriteRule> rules,
      const OperatorTable& operators = OperatorTable::Builtin());

  // Rewrites the graph and its nested blocks until no rule fits anywhere, from
  // the last node to the first, at each by the first rule that fits. Returns
  // how often.
  //
  // Nothing is rewritten where it could be noticed: where a node between those
  // of a match may write what they read, read what they write, or has effects
  // as they have; where the replacement's result shares memory with a parameter
  // and the pattern's did not (or the other way round) and one of them is
  // written or both can be seen from outside. All this ir/alias_analysis.h
  // says.
  //
  // New nodes stand where the last node of the match stood. One whose result
  // has the name of one in the pattern has its place in the source, others that
  // of the last. Results keep name and type. Constants that are left without
  // use are removed. At most `max_rewrites` are done (rules may undo each
  // other).
  int64_t Apply(Graph* graph, int64_t max_rewrites = 100'000) const;

 private:
  friend class PatternMatcher;
  struct Compiled;
  RewriteRules() = default;
  bool Sweep(Graph* graph, int64_t max_rewrites, int64_t* count) const;

  std::vector<std::shared_ptr<const Compiled>> rules_;
  // Rules by the name of the operator (or kind) of their last node.
  absl::flat_hash_map<std::string, std::vector<size_t>> by_anchor_;
};

}  // namespace tandem

#endif  // TANDEM_PASSES_PATTERN_H_
