#include "tandem/passes/pattern_rule.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/ir/alias_analysis.h"
#include "tandem/ir/canonical.h"
#include "tandem/ir/verifier.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

Sharing SharingOf(const Graph& graph) {
  const AliasAnalysis alias(graph);
  Sharing sharing;
  for (const Value* out : graph.outputs()) {
    bool shares = false;
    for (const Value* in : graph.inputs()) {
      shares = shares || alias.MayOverlap(out, in);
    }
    sharing.with_inputs.push_back(shares);
    std::vector<bool> row;
    for (const Value* other : graph.outputs()) {
      row.push_back(alias.MayOverlap(out, other));
    }
    sharing.with_each.push_back(std::move(row));
  }
  return sharing;
}

}  // namespace

absl::Status RewriteRules::Compiled::Wrong(absl::string_view what) const {
  return absl::InvalidArgumentError(
      absl::StrCat("rule ", rule.name, ": ", what));
}

absl::StatusOr<std::unique_ptr<Graph>> RewriteRules::Compiled::Parse(
    absl::string_view text, absl::string_view which,
    const OperatorTable& operators) const {
  CanonicalParseOptions options;
  options.operators = &operators;
  options.verify = false;
  absl::StatusOr<std::unique_ptr<Graph>> graph = ParseGraph(text, options);
  if (!graph.ok()) {
    return Wrong(absl::StrCat(which, ": ", graph.status().message()));
  }
  VerifyOptions verify;
  verify.check_types = false;
  const absl::Status good = VerifyGraph(**graph, verify);
  if (!good.ok()) return Wrong(absl::StrCat(which, ": ", good.message()));
  return graph;
}

absl::Status RewriteRules::Compiled::Compile(const OperatorTable& operators) {
  TANDEM_ASSIGN_OR_RETURN(pattern, Parse(rule.pattern, "pattern", operators));
  TANDEM_ASSIGN_OR_RETURN(replacement,
                          Parse(rule.replacement, "replacement", operators));
  if (pattern->outputs().size() != replacement->outputs().size()) {
    return Wrong("pattern and replacement have other numbers of results");
  }
  TANDEM_RETURN_IF_ERROR(OrderNodes());
  TANDEM_RETURN_IF_ERROR(NameParameters());
  pattern_sharing = SharingOf(*pattern);
  replacement_sharing = SharingOf(*replacement);
  return absl::OkStatus();
}

absl::Status RewriteRules::Compiled::OrderNodes() {
  std::vector<const Node*> rest;
  for (const Node* n : *pattern->block()) {
    if (!n->blocks().empty()) return Wrong("a pattern has no blocks");
    if (!n->is(NodeKind::kConstant)) {
      rest.push_back(n);
      continue;
    }
    if (n->constant().is_tensor()) {
      return Wrong("a pattern has no tensor constants: make it a parameter");
    }
  }
  if (rest.empty()) return Wrong("a pattern has a node");
  bool gives_result = false;
  for (const Value* v : pattern->outputs()) {
    if (v->node()->is(NodeKind::kParam) || v->node()->is(NodeKind::kConstant)) {
      return Wrong("a pattern's results come from its nodes");
    }
    gives_result = gives_result || v->node() == rest.back();
  }
  if (!gives_result) return Wrong("the pattern's last node gives a result");
  order.push_back(rest.back());
  rest.pop_back();
  while (!rest.empty()) {
    const auto next = std::find_if(rest.rbegin(), rest.rend(),
                                   [&](const Node* n) { return IsNear(*n); });
    if (next == rest.rend()) {
      return Wrong("every node of a pattern is connected with the last");
    }
    order.push_back(*next);
    rest.erase(std::next(next).base());
  }
  return absl::OkStatus();
}

bool RewriteRules::Compiled::IsNear(const Node& node) const {
  for (const Node* other : order) {
    for (const Value* v : other->inputs()) {
      if (v->node() == &node) return true;
      if (v->node()->is(NodeKind::kConstant)) continue;
      for (const Value* w : node.inputs()) {
        if (v == w) return true;
      }
    }
    for (const Value* v : node.inputs()) {
      if (v->node() == other) return true;
    }
  }
  return false;
}

absl::Status RewriteRules::Compiled::NameParameters() {
  absl::flat_hash_map<std::string, const Value*> names;
  for (const Value* v : pattern->inputs()) names.emplace(v->DebugName(), v);
  for (const Node* n : *pattern->block()) {
    for (const Value* v : n->outputs()) names.emplace(v->DebugName(), v);
  }
  for (const Value* v : replacement->inputs()) {
    const auto found = names.find(v->DebugName());
    if (found != names.end() && !found->second->node()->is(NodeKind::kParam) &&
        !found->second->node()->is(NodeKind::kConstant)) {
      return Wrong(
          absl::StrCat("%", v->DebugName(), " is taken out with the pattern"));
    }
    if (found == names.end() && rule.condition == nullptr) {
      return Wrong(absl::StrCat("nothing gives %", v->DebugName()));
    }
    parameters.push_back(v->DebugName());
  }
  size_t index = 0;
  for (Node* n : *replacement->block()) {
    if (!n->outputs().empty() && n->output()->has_name()) {
      node_names.emplace(index, n->output()->name());
    }
    ++index;
    ClearNames(n);
  }
  return absl::OkStatus();
}

void RewriteRules::Compiled::ClearNames(Node* node) {
  for (Value* v : node->outputs()) v->SetName("");
  for (Block* b : node->blocks()) {
    for (Value* v : b->inputs()) v->SetName("");
    for (Node* n : *b) ClearNames(n);
  }
}

}  // namespace tandem
