// A rule of a table, read; not for use outside of pattern.cc.
#ifndef TANDEM_PASSES_PATTERN_RULE_H_
#define TANDEM_PASSES_PATTERN_RULE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/graph.h"
#include "tandem/passes/pattern.h"

namespace tandem {

// Which results share memory with a parameter or with each other.
struct Sharing {
  std::vector<bool> with_inputs;             // of each result
  std::vector<std::vector<bool>> with_each;  // of each two results
};

struct RewriteRules::Compiled {
  RewriteRule rule;
  std::unique_ptr<Graph> pattern, replacement;
  // Nodes of the pattern but for constants, the last one first; each takes a
  // value from, or gives one to, one before it.
  std::vector<const Node*> order;
  // Names of the replacement's parameters.
  std::vector<std::string> parameters;
  // Names of the results of its nodes, which the nodes themselves have no more:
  // they would take them away from values of the graph.
  absl::flat_hash_map<size_t, std::string> node_names;
  Sharing pattern_sharing, replacement_sharing;

  // Reads `rule`; errors name it.
  absl::Status Compile(const OperatorTable& operators);

 private:
  absl::Status Wrong(absl::string_view what) const;
  absl::StatusOr<std::unique_ptr<Graph>> Parse(
      absl::string_view text, absl::string_view which,
      const OperatorTable& operators) const;
  absl::Status OrderNodes();
  // Takes a value from, or gives one to, a node in `order`, or takes the same
  // value as one there.
  bool IsNear(const Node& node) const;
  absl::Status NameParameters();
  static void ClearNames(Node* node);
};

}  // namespace tandem

#endif  // TANDEM_PASSES_PATTERN_RULE_H_
