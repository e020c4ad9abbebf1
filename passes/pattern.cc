#include "tandem/passes/pattern.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "tandem/ir/alias_analysis.h"
#include "tandem/passes/pattern_rule.h"
#include "tandem/passes/rewrite.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// Words in a pattern's brackets that are for us.
constexpr absl::string_view kAnyOverload = "any_overload";
constexpr absl::string_view kCommutative = "commutative";

// Between the nodes of one match; beyond it nobody looks.
constexpr size_t kMaxSpan = 10'000;

// Rules that undo each other come to an end.
constexpr int kMaxSweeps = 1000;

// A constant, or a list that is made of constants.
std::optional<IValue> ConstantValue(const Value* v) {
  const Node* n = v->node();
  if (n->is(NodeKind::kConstant)) return n->constant();
  if (!n->is(NodeKind::kListConstruct) || !v->type()->is(TypeKind::kList)) {
    return std::nullopt;
  }
  std::vector<IValue> values;
  for (const Value* in : n->inputs()) {
    if (!in->node()->is(NodeKind::kConstant)) return std::nullopt;
    values.push_back(in->node()->constant());
  }
  return IValue(MakeList(v->type()->element(), std::move(values)));
}

// Equal, and of one kind at every depth: 1 is neither 1.0 nor True.
bool SameConstant(const IValue& a, const IValue& b) {
  if (a.tag() != b.tag()) return false;
  if (a.is_list()) {
    const std::vector<IValue>&x = a.AsList().values, &y = b.AsList().values;
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), SameConstant);
  }
  if (a.is_tuple()) {
    const std::vector<IValue>&x = a.AsTuple().values, &y = b.AsTuple().values;
    return std::equal(x.begin(), x.end(), y.begin(), y.end(), SameConstant);
  }
  return Equal(a, b);
}

bool SamePayload(const NodeAttribute::Payload& a,
                 const NodeAttribute::Payload& b) {
  if (a.index() != b.index()) return false;
  if (const auto* s = std::get_if<std::string>(&a)) {
    return *s == std::get<std::string>(b);
  }
  if (const auto* i = std::get_if<int64_t>(&a)) {
    return *i == std::get<int64_t>(b);
  }
  if (const auto* v = std::get_if<IValue>(&a)) {
    return SameConstant(*v, std::get<IValue>(b));
  }
  return false;
}

// What the pattern says of a tensor must be known of the value.
bool TypeFits(const Type& type, const Type& pattern) {
  const TensorType* wanted = pattern.AsTensor();
  if (wanted == nullptr) return type.IsSubtypeOf(pattern);
  const TensorType* have = type.AsTensor();
  if (have == nullptr) return false;
  const TensorType::Details &w = wanted->details(), &h = have->details();
  if ((w.dtype.has_value() && w.dtype != h.dtype) ||
      (w.device.has_value() && w.device != h.device)) {
    return false;
  }
  if (!w.sizes.has_value()) return true;
  return h.sizes.has_value() &&
         std::equal(w.sizes->begin(), w.sizes->end(), h.sizes->begin(),
                    h.sizes->end(),
                    [](int64_t x, int64_t y) { return x < 0 || x == y; });
}

}  // namespace

// ---- Matches

Value* PatternMatch::value(absl::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? nullptr : found->second;
}

Node* PatternMatch::node(absl::string_view name) const {
  Value* v = value(name);
  return v == nullptr ? nullptr : v->node();
}

std::optional<IValue> PatternMatch::constant(absl::string_view name) const {
  const Value* v = value(name);
  return v == nullptr ? std::nullopt : ConstantValue(v);
}

void PatternMatch::SetConstant(absl::string_view name, IValue value) {
  constants_[std::string(name)] = std::move(value);
}

// One rule at one place of a graph.
class PatternMatcher {
 public:
  PatternMatcher(const RewriteRules::Compiled& rule, const AliasAnalysis& alias)
      : rule_(rule), alias_(alias) {}

  // Binds the pattern with its last node here; `taken` are nodes of other
  // matches.
  bool Match(Node* anchor, const absl::flat_hash_set<const Node*>& taken) {
    block_ = anchor->owning_block();
    taken_ = &taken;
    return MatchFrom(0, anchor) && Finish();
  }

  const std::vector<Node*>& nodes() const { return nodes_; }
  // The sharing of memory changes, and someone outside could tell.
  bool changes_escaping() const { return changes_escaping_; }

  // Puts the replacement in. `replaced` is what matches before this one put in
  // the place of values that this one may have bound; it grows.
  void Replace(Graph* graph, absl::flat_hash_map<Value*, Value*>* replaced);

 private:
  // What is bound can be taken back: the log's end.
  size_t Mark() const { return log_.size(); }
  void Restore(size_t mark) {
    for (; log_.size() > mark; log_.pop_back()) bound_.erase(log_.back());
  }

  bool Bind(const Value* pattern, Value* v) {
    const auto [it, inserted] = bound_.try_emplace(pattern, v);
    if (inserted) log_.push_back(pattern);
    return it->second == v;
  }

  // A value where the pattern has this one.
  bool MatchValue(const Value* pattern, Value* v) {
    if (pattern->node()->is(NodeKind::kConstant)) {
      const std::optional<IValue> value = ConstantValue(v);
      return value.has_value() &&
             SameConstant(pattern->node()->constant(), *value) &&
             !(v->node()->is(NodeKind::kListConstruct) &&
               alias_.IsWritten(v)) &&
             (bound_.contains(pattern) || Bind(pattern, v));
    }
    if (pattern->node()->is(NodeKind::kParam) &&
        !TypeFits(*v->type(), *pattern->type())) {
      return false;
    }
    return Bind(pattern, v);
  }

  bool SameKind(const Node& pattern, const Node& node) const {
    if (pattern.op() != node.op()) {
      if (pattern.FindAttribute(kAnyOverload) == nullptr ||
          pattern.op() == nullptr || node.op() == nullptr ||
          pattern.op()->schema.name != node.op()->schema.name) {
        return false;
      }
    }
    if (pattern.kind() != node.kind() ||
        pattern.inputs().size() != node.inputs().size() ||
        pattern.outputs().size() != node.outputs().size() ||
        !node.blocks().empty()) {
      return false;
    }
    size_t attributes = 0;
    for (const NodeAttribute& a : pattern.attributes()) {
      if (a.name == kAnyOverload || a.name == kCommutative) continue;
      const NodeAttribute* other = node.FindAttribute(a.name);
      if (other == nullptr || !SamePayload(a.payload, other->payload)) {
        return false;
      }
      ++attributes;
    }
    const bool marked = node.FindAttribute(kInPlaceAttribute) != nullptr;
    return attributes + marked == node.attributes().size();
  }

  // Node `i` of the order is this one, and the rest can be found.
  bool MatchFrom(size_t i, Node* node) {
    const Node& pattern = *rule_.order[i];
    if (node->owning_block() != block_ || taken_->contains(node) ||
        std::find(nodes_.begin(), nodes_.end(), node) != nodes_.end() ||
        !SameKind(pattern, *node)) {
      return false;
    }
    const bool commutative = pattern.FindAttribute(kCommutative) != nullptr &&
                             pattern.inputs().size() >= 2;
    for (int swapped = 0; swapped <= (commutative ? 1 : 0); ++swapped) {
      const size_t mark = Mark();
      nodes_.push_back(node);
      bool fits = true;
      for (size_t k = 0; fits && k < node->outputs().size(); ++k) {
        fits = MatchValue(pattern.output(k), node->output(k));
      }
      for (size_t k = 0; fits && k < node->inputs().size(); ++k) {
        const size_t from = swapped == 1 && k < 2 ? 1 - k : k;
        fits = MatchValue(pattern.input(k), node->input(from));
      }
      if (fits && (i + 1 == rule_.order.size() || MatchNext(i + 1))) {
        return true;
      }
      nodes_.pop_back();
      Restore(mark);
    }
    return false;
  }

  // Candidates for node `i`: the giver of a bound value, or takers of one.
  bool MatchNext(size_t i) {
    const Node& pattern = *rule_.order[i];
    for (const Value* out : pattern.outputs()) {
      const auto found = bound_.find(out);
      if (found != bound_.end()) return MatchFrom(i, found->second->node());
    }
    for (const Value* in : pattern.inputs()) {
      const auto found = bound_.find(in);
      if (found == bound_.end() || in->node()->is(NodeKind::kConstant))
        continue;
      // From the last to the first, as places are looked at, so that nodes of
      // one form are bound in the pattern's order.
      std::vector<Node*> users;
      for (const Use& use : found->second->uses()) {
        if (use.user->owning_block() == block_) users.push_back(use.user);
      }
      std::sort(users.begin(), users.end(),
                [](const Node* a, const Node* b) { return b->IsBefore(a); });
      users.erase(std::unique(users.begin(), users.end()), users.end());
      for (Node* user : users) {
        if (MatchFrom(i, user)) return true;
      }
      return false;
    }
    return false;
  }

  bool Finish() {
    std::sort(nodes_.begin(), nodes_.end(),
              [](const Node* a, const Node* b) { return a->IsBefore(b); });
    return InnerValuesStayInside() && MayMoveToTheLast() && SharingIsSafe() &&
           ConditionHolds();
  }

  bool InnerValuesStayInside() const {
    const auto outputs = rule_.pattern->outputs();
    for (const auto& [pattern, v] : bound_) {
      const Node* n = pattern->node();
      if (n->is(NodeKind::kParam) || n->is(NodeKind::kConstant) ||
          std::find(outputs.begin(), outputs.end(), pattern) != outputs.end()) {
        continue;
      }
      for (const Use& use : v->uses()) {
        if (std::find(nodes_.begin(), nodes_.end(), use.user) == nodes_.end()) {
          return false;
        }
      }
    }
    return true;
  }

  // All that lies between the first and the last node of the match can be
  // passed by those before it. (Looks at the use of results, too.)
  bool MayMoveToTheLast() const {
    std::vector<const Node*> before;
    size_t next = 0, steps = 0;
    for (const Node* n = nodes_.front(); n != nodes_.back(); n = n->next()) {
      if (++steps > kMaxSpan) return false;
      if (n == nodes_[next]) {
        before.push_back(n);
        ++next;
        continue;
      }
      if (n->is(NodeKind::kConstant)) continue;
      for (const Node* m : before) {
        if (!alias_.MayReorder(m, n)) return false;
      }
    }
    return true;
  }

  // See RewriteRules::Apply.
  bool SharingIsSafe() {
    const auto unseen = [&](const Value* a, const Value* b) {
      if (alias_.IsWritten(a) || alias_.IsWritten(b)) return false;
      if (alias_.MayEscape(a) || alias_.MayEscape(b)) changes_escaping_ = true;
      return !(alias_.MayEscape(a) && alias_.MayEscape(b));
    };
    const Sharing &was = rule_.pattern_sharing, &is = rule_.replacement_sharing;
    const auto outputs = rule_.pattern->outputs();
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Value* out = bound_[outputs[i]];
      if (was.with_inputs[i] != is.with_inputs[i]) {
        for (const Value* in : rule_.pattern->inputs()) {
          const auto found = bound_.find(in);
          if (found != bound_.end() && !unseen(out, found->second))
            return false;
        }
      }
      for (size_t k = 0; k < i; ++k) {
        if (was.with_each[i][k] != is.with_each[i][k] &&
            !unseen(out, bound_[outputs[k]])) {
          return false;
        }
      }
    }
    return true;
  }

  bool ConditionHolds() {
    for (const auto& [pattern, v] : bound_) {
      match_.values_[pattern->DebugName()] = v;
    }
    if (rule_.rule.condition != nullptr && !rule_.rule.condition(match_)) {
      return false;
    }
    for (const std::string& name : rule_.parameters) {
      if (match_.value(name) == nullptr && !match_.constants_.contains(name)) {
        return false;
      }
    }
    return true;
  }

  const RewriteRules::Compiled& rule_;
  const AliasAnalysis& alias_;
  const Block* block_ = nullptr;
  const absl::flat_hash_set<const Node*>* taken_ = nullptr;
  absl::flat_hash_map<const Value*, Value*> bound_;
  std::vector<const Value*> log_;
  std::vector<Node*> nodes_;
  PatternMatch match_;
  bool changes_escaping_ = false;
};

void PatternMatcher::Replace(Graph* graph,
                             absl::flat_hash_map<Value*, Value*>* replaced) {
  Node* last = nodes_.back();
  const auto now_of = [&](Value* v) {
    for (auto it = replaced->find(v); it != replaced->end();
         it = replaced->find(v)) {
      v = it->second;
    }
    return v;
  };
  std::vector<Value*> arguments;
  for (const std::string& name : rule_.parameters) {
    const auto constant = match_.constants_.find(name);
    if (constant == match_.constants_.end()) {
      arguments.push_back(now_of(match_.value(name)));
      continue;
    }
    const WithInsertPoint here(graph, last);
    arguments.push_back(graph->InsertConstant(constant->second, last->range()));
  }
  Node* const before = last->prev();
  const std::vector<Value*> results =
      graph->Inline(*rule_.replacement, arguments, last);
  size_t index = 0;
  for (Node* n = before->next(); n != last; n = n->next(), ++index) {
    const auto name = rule_.node_names.find(index);
    const Node* from =
        name == rule_.node_names.end() ? nullptr : match_.node(name->second);
    if (from == nullptr) from = last;
    n->set_range(from->range());
    n->set_scope(from->scope());
  }
  absl::flat_hash_set<const Value*> named;
  for (size_t i = 0; i < results.size(); ++i) {
    Value* old = bound_[rule_.pattern->outputs()[i]];
    Value* now = results[i];
    const bool is_new =
        std::find(arguments.begin(), arguments.end(), now) == arguments.end();
    if (is_new && old->type()->IsSubtypeOf(*now->type())) {
      now->set_type(old->type());
    }
    old->ReplaceAllUsesWith(now);
    replaced->emplace(old, now);
    if (is_new && old->has_name() && named.insert(now).second) {
      const std::string name = old->name();
      old->SetName("");
      now->SetName(name);
    }
  }
  for (size_t i = nodes_.size(); i > 0; --i) nodes_[i - 1]->Destroy();
  // Constants and lists of them that only the match used.
  for (const auto& [pattern, v] : bound_) {
    Node* n = v->node();
    const bool is_constant = n->is(NodeKind::kConstant) ||
                             (pattern->node()->is(NodeKind::kConstant) &&
                              n->is(NodeKind::kListConstruct));
    if (!is_constant || v->has_uses() || !n->in_list()) continue;
    const std::vector<Value*> inputs(n->inputs().begin(), n->inputs().end());
    n->Destroy();
    for (Value* in : inputs) {
      if (!in->has_uses() && in->node()->in_list()) in->node()->Destroy();
    }
  }
}

// ---- Rules

absl::StatusOr<RewriteRules> RewriteRules::Create(
    absl::Span<const RewriteRule> rules, const OperatorTable& operators) {
  RewriteRules result;
  for (const RewriteRule& rule : rules) {
    auto compiled = std::make_shared<Compiled>();
    compiled->rule = rule;
    TANDEM_RETURN_IF_ERROR(compiled->Compile(operators));
    result.by_anchor_[std::string(compiled->order[0]->name())].push_back(
        result.rules_.size());
    result.rules_.push_back(std::move(compiled));
  }
  return result;
}

// Finds matches that do not touch each other against one analysis, then does
// all of them: each was found legal by itself, two nodes change places only
// where a match asked for just these two, and memory that becomes shared is
// neither written nor, but for one match of a sweep, seen from outside.
bool RewriteRules::Sweep(Graph* graph, int64_t max_rewrites,
                         int64_t* count) const {
  const AliasAnalysis alias(*graph);
  std::vector<PatternMatcher> matches;
  absl::flat_hash_set<const Node*> taken;
  bool escaping = false;
  const auto visit = [&](Block* block, const auto& self) -> void {
    for (Node* n = block->last(); n != block->param_node(); n = n->prev()) {
      for (Block* b : n->blocks()) self(b, self);
      if (*count + static_cast<int64_t>(matches.size()) >= max_rewrites) return;
      const auto rules = by_anchor_.find(n->name());
      if (rules == by_anchor_.end()) continue;
      for (const size_t i : rules->second) {
        PatternMatcher matcher(*rules_[i], alias);
        if (!matcher.Match(n, taken)) continue;
        if (matcher.changes_escaping() && std::exchange(escaping, true)) {
          continue;
        }
        taken.insert(matcher.nodes().begin(), matcher.nodes().end());
        matches.push_back(std::move(matcher));
        break;
      }
    }
  };
  visit(graph->block(), visit);
  absl::flat_hash_map<Value*, Value*> replaced;
  for (PatternMatcher& m : matches) m.Replace(graph, &replaced);
  *count += static_cast<int64_t>(matches.size());
  return !matches.empty();
}

int64_t RewriteRules::Apply(Graph* graph, int64_t max_rewrites) const {
  int64_t count = 0;
  for (int sweep = 0; sweep < kMaxSweeps && count < max_rewrites; ++sweep) {
    if (!Sweep(graph, max_rewrites, &count)) break;
  }
  return count;
}

}  // namespace tandem
