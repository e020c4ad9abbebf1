// Graphs as canonical text.
#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/ir/canonical_lexer.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/literal.h"

namespace tandem {
namespace canonical {
namespace {

const Graph* SubgraphOf(const NodeAttribute& attribute) {
  const auto* graph = std::get_if<std::shared_ptr<Graph>>(&attribute.payload);
  return graph == nullptr ? nullptr : graph->get();
}

// Subgraphs that a block's nodes name, once each, in order.
void CollectSubgraphs(const Block& block,
                      absl::flat_hash_set<const Graph*>* met,
                      std::vector<const Graph*>* out) {
  for (const Node* n : block) {
    for (const NodeAttribute& a : n->attributes()) {
      const Graph* g = SubgraphOf(a);
      if (g != nullptr && met->insert(g).second) out->push_back(g);
    }
    for (const Block* b : n->blocks()) CollectSubgraphs(*b, met, out);
  }
}

bool IsPlainValueName(absl::string_view name) {
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_' || c == '.';
  });
}

}  // namespace

Printer::Printer(const CanonicalPrintOptions& options) : options_(options) {
  if (options.externals == nullptr) return;
  for (size_t i = 0; i < options.externals->size(); ++i) {
    const IValue& v = (*options.externals)[i];
    if (!v.is_reference()) continue;
    external_index_.emplace(v.is_tensor()
                                ? v.AsTensor().impl()
                                : static_cast<const void*>(&v.AsObject()),
                            i);
  }
}

void Printer::Fail(std::string what) {
  if (status_.ok()) {
    status_ =
        absl::InvalidArgumentError(absl::StrCat("no canonical text: ", what));
  }
}

absl::StatusOr<std::string> Printer::Finish() {
  if (!status_.ok()) return status_;
  return std::move(out_);
}

std::string Printer::LabelOf(const Function& function) const {
  return IsPlainName(function.qualified_name())
             ? function.qualified_name()
             : QuoteString(function.qualified_name());
}

// ---- Ranges

size_t Printer::SourceIndex(const std::shared_ptr<const Source>& source) {
  const auto [it, inserted] =
      source_index_.try_emplace(source.get(), sources_.size());
  if (inserted) sources_.push_back(source);
  return it->second;
}

void Printer::PrintRange(const SourceRange& range) {
  if (!options_.ranges || !range.valid()) return;
  SourceRange r = range;
  for (size_t depth = 0; depth < kMaxSourceDepth; ++depth) {
    Append(absl::StrCat(depth == 0 ? " at " : " < ", SourceIndex(r.source()),
                        "[", r.start(), ":", r.end(), "]"));
    const std::optional<SourceRange> original = r.Original();
    if (!original.has_value() || !original->valid() ||
        original->source() == r.source()) {
      break;
    }
    r = *original;
  }
}

void Printer::PrintSources() {
  for (size_t i = 0; i < sources_.size(); ++i) {
    const Source& s = *sources_[i];
    Append(absl::StrCat("source ", i));
    if (s.name().has_value()) Append(absl::StrCat(" ", QuoteString(*s.name())));
    if (s.first_line() != 1) Append(absl::StrCat(" line ", s.first_line()));
    Append("\n");
    absl::string_view rest = s.text();
    for (;;) {
      const size_t end = rest.find('\n');
      Append("  |");
      Append(rest.substr(0, end));
      Append("\n");
      if (end == absl::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
  }
}

// ---- Values of a graph

void Printer::Define(const Value* value) {
  if (!value->has_name()) numbers_.emplace(value, next_number_++);
  defined_.insert(value);
}

void Printer::PrintUse(const Value* value) {
  if (!defined_.contains(value)) {
    Fail(absl::StrCat("%", value->DebugName(),
                      " is used where it is not defined"));
  }
  if (!value->has_name()) return Append(absl::StrCat("%", numbers_[value]));
  Append("%");
  IsPlainValueName(value->name()) ? Append(value->name())
                                  : Append(QuoteString(value->name()));
}

void Printer::PrintUses(absl::Span<Value* const> values) {
  bool first = true;
  for (const Value* v : values) {
    if (!first) Append(", ");
    first = false;
    PrintUse(v);
  }
}

void Printer::PrintDefinition(const Value* value) {
  PrintUse(value);
  Append(" : ");
  if (value->type() == nullptr) return Fail("a value without a type");
  PrintType(*value->type());
}

void Printer::PrintParameters(absl::Span<Value* const> values,
                              absl::string_view separator) {
  bool first = true;
  for (const Value* v : values) {
    if (!first) Append(separator);
    first = false;
    Define(v);
    PrintDefinition(v);
  }
}

// ---- Nodes

void Printer::PrintPayload(const NodeAttribute& attribute) {
  // An IValue is what "value" holds; elsewhere, and for other things there, a
  // word says so.
  const bool is_value = std::holds_alternative<IValue>(attribute.payload);
  const bool odd = is_value != (attribute.name == "value");
  if (odd) Append(is_value ? "boxed(" : "plain(");
  if (const auto* v = std::get_if<IValue>(&attribute.payload)) {
    PrintValue(*v, 0);
  } else if (const auto* s = std::get_if<std::string>(&attribute.payload)) {
    Append(QuoteString(*s));
  } else if (const auto* i = std::get_if<int64_t>(&attribute.payload)) {
    Append(absl::StrCat(*i));
  } else if (const auto* d = std::get_if<double>(&attribute.payload)) {
    Append(FloatText(*d));
  } else if (const auto* ints =
                 std::get_if<std::vector<int64_t>>(&attribute.payload)) {
    Append(absl::StrCat("ints[", absl::StrJoin(*ints, ", "), "]"));
  } else if (const auto* strings =
                 std::get_if<std::vector<std::string>>(&attribute.payload)) {
    Append("strings[");
    Append(absl::StrJoin(*strings, ", ",
                         [](std::string* out, const std::string& s) {
                           out->append(QuoteString(s));
                         }));
    Append("]");
  } else if (const auto* type = std::get_if<TypePtr>(&attribute.payload)) {
    Append("type(");
    *type == nullptr ? Fail("an attribute without a type") : PrintType(**type);
    Append(")");
  } else if (const auto* types =
                 std::get_if<std::vector<TypePtr>>(&attribute.payload)) {
    Append("types(");
    PrintTypes(*types);
    Append(")");
  } else if (const Graph* graph = SubgraphOf(attribute); graph != nullptr) {
    Append(absl::StrCat("@", subgraph_index_[graph]));
  } else {
    Fail("an attribute without a graph");
  }
  if (odd) Append(")");
}

void Printer::PrintAttributes(const Node& node) {
  if (node.attributes().empty()) return;
  Append("[");
  bool first = true;
  for (const NodeAttribute& a : node.attributes()) {
    if (!first) Append(", ");
    first = false;
    PrintName(a.name);
    Append("=");
    PrintPayload(a);
  }
  Append("]");
}

void Printer::PrintNode(const Node& node, int indent) {
  if (indent > 4 * (kMaxBlockDepth + 1)) {
    return Fail("blocks are nested too deeply");
  }
  out_.append(indent, ' ');
  if (node.op() == nullptr && node.is(NodeKind::kOperator)) {
    Fail("an operator without a row");
    return;
  }
  for (const Value* v : node.inputs()) {
    if (!defined_.contains(v)) return PrintUse(v);  // fails
  }
  for (size_t i = 0; i < node.outputs().size(); ++i) {
    if (i != 0) Append(", ");
    Define(node.output(i));
    PrintDefinition(node.output(i));
  }
  if (!node.outputs().empty()) Append(" = ");
  if (node.op() != nullptr) {
    const FunctionSchema& schema = node.op()->schema;
    const std::string name = schema.FullName();
    if (NodeKindFromName(name).has_value()) Append("operator ");
    PrintName(name);
  } else {
    Append(NodeKindName(node.kind()));
  }
  PrintAttributes(node);
  Append("(");
  PrintUses(node.inputs());
  Append(")");
  if (!node.scope().empty()) {
    Append(absl::StrCat(" scope ", QuoteString(node.scope())));
  }
  PrintRange(node.range());
  Append("\n");
  // Its blocks do not see a node's results.
  for (const Value* v : node.outputs()) defined_.erase(v);
  for (size_t i = 0; i < node.blocks().size(); ++i) {
    const Block& block = *node.block(i);
    out_.append(indent + 2, ' ');
    Append(absl::StrCat("block", i, "("));
    PrintParameters(block.inputs(), ", ");
    Append("):\n");
    for (const Node* n : block) PrintNode(*n, indent + 4);
    out_.append(indent + 4, ' ');
    Append("-> (");
    PrintUses(block.outputs());
    Append(")\n");
    for (const Value* v : block.inputs()) defined_.erase(v);
    for (const Node* n : block) {
      for (const Value* v : n->outputs()) defined_.erase(v);
    }
  }
  for (const Value* v : node.outputs()) defined_.insert(v);
}

// ---- Graphs

// Users before what they use, otherwise in order of appearance: the reverse
// of the order in which a walk (last child first) is done with them.
void Printer::NumberSubgraphs(const Graph& graph) {
  subgraphs_.clear();
  subgraph_index_.clear();
  absl::flat_hash_map<const Graph*, bool> done;
  std::vector<const Graph*> order;
  const auto walk = [&](const Graph& g, int depth, const auto& self) -> void {
    if (depth > kMaxSubgraphDepth) return Fail("forks are nested too deeply");
    absl::flat_hash_set<const Graph*> met;
    std::vector<const Graph*> children;
    CollectSubgraphs(*g.block(), &met, &children);
    for (size_t i = children.size(); i > 0; --i) {
      const Graph* child = children[i - 1];
      const auto [it, is_new] = done.try_emplace(child, false);
      if (!is_new) {
        if (!it->second) Fail("a fork's graph contains itself");
        continue;
      }
      self(*child, depth + 1, self);
      done[child] = true;
      order.push_back(child);
    }
  };
  walk(graph, 0, walk);
  for (size_t i = order.size(); i > 0; --i) {
    subgraph_index_.emplace(order[i - 1], subgraphs_.size());
    subgraphs_.push_back(order[i - 1]);
  }
}

void Printer::PrintBody(const Graph& graph, int indent) {
  numbers_.clear();
  defined_.clear();
  next_number_ = 0;
  Append("graph(");
  PrintParameters(graph.inputs(),
                  absl::StrCat(",\n", std::string(indent + 6, ' ')));
  Append("):\n");
  for (const Node* n : *graph.block()) PrintNode(*n, indent + 2);
  out_.append(indent + 2, ' ');
  Append("return (");
  PrintUses(graph.outputs());
  Append(")\n");
}

void Printer::PrintGraph(const Graph& graph, int indent) {
  NumberSubgraphs(graph);
  PrintBody(graph, indent);
  for (size_t i = 0; i < subgraphs_.size(); ++i) {
    out_.append(indent, ' ');
    Append(absl::StrCat("with @", i, " = "));
    PrintBody(*subgraphs_[i], indent);
  }
}

}  // namespace canonical

absl::StatusOr<std::string> PrintCanonical(
    const Graph& graph, const CanonicalPrintOptions& options) {
  canonical::Printer printer(options);
  printer.PrintGraph(graph, 0);
  printer.PrintSources();
  return printer.Finish();
}

}  // namespace tandem
