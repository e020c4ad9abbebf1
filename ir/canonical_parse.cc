// Graphs from canonical text.
#include <algorithm>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/ir/canonical_parser.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/verifier.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace canonical {
namespace {

constexpr size_t kMaxAttributes = 256;
constexpr size_t kWhole = std::numeric_limits<size_t>::max();

// "aten::add.Tensor" into name and overload.
std::pair<absl::string_view, absl::string_view> SplitOverload(
    absl::string_view full) {
  const size_t colons = full.rfind("::");
  const size_t dot =
      full.find('.', colons == absl::string_view::npos ? 0 : colons);
  if (dot == absl::string_view::npos) return {full, ""};
  return {full.substr(0, dot), full.substr(dot + 1)};
}

}  // namespace

// ---- Values of a graph

absl::StatusOr<std::vector<Parser::NamedValue>> Parser::ParseDefinitions(
    absl::string_view close) {
  std::vector<NamedValue> values;
  TANDEM_RETURN_IF_ERROR(ParseSequence(close, [&]() -> absl::Status {
    const Token token = lexer_.token();
    if (token.kind != Token::Kind::kValue) {
      return lexer_.Error("a value as in %x");
    }
    lexer_.Next();
    NamedValue value;
    value.name =
        token.text[0] == '"' ? Unquote(token.text) : std::string(token.text);
    if (Take(":")) {
      TANDEM_ASSIGN_OR_RETURN(value.type, ParseType());
    }
    values.push_back(std::move(value));
    return absl::OkStatus();
  }));
  return values;
}

absl::Status Parser::Define(Scope* scope, Value* value, const NamedValue& named,
                            size_t offset) {
  const auto [it, inserted] = scope->values.try_emplace(named.name);
  if (!inserted) {
    return lexer_.ErrorAt(offset,
                          absl::StrCat("%", named.name, " is defined twice"));
  }
  it->second.value = value;
  scope->order.push_back(named.name);
  value->SetName(named.name);  // ignores numbers
  return absl::OkStatus();
}

absl::StatusOr<Value*> Parser::ParseUse(Scope* scope) {
  const Token token = lexer_.token();
  const std::string name =
      token.text[0] == '"' ? Unquote(token.text) : std::string(token.text);
  const auto it = scope->values.find(name);
  if (it == scope->values.end() || !it->second.visible) {
    return lexer_.ErrorAt(lexer_.offset(),
                          absl::StrCat("%", name, " is not defined here"));
  }
  lexer_.Next();
  return it->second.value;
}

absl::Status Parser::ParseUses(Scope* scope, absl::string_view close,
                               std::vector<Value*>* out) {
  return ParseSequence(close, [&]() -> absl::Status {
    if (lexer_.token().kind == Token::Kind::kValue) {
      TANDEM_ASSIGN_OR_RETURN(Value * value, ParseUse(scope));
      out->push_back(value);
      return absl::OkStatus();
    }
    // A literal: a constant before the node.
    TANDEM_ASSIGN_OR_RETURN(IValue value, ParseValue());
    TypePtr type = value.is_tensor() ? Type::Tensor() : nullptr;
    out->push_back(
        scope->graph->InsertConstant(std::move(value), {}, std::move(type)));
    return absl::OkStatus();
  });
}

absl::Status Parser::ParseParameters(Scope* scope, Block* block) {
  TANDEM_RETURN_IF_ERROR(Expect("("));
  const size_t offset = lexer_.offset();
  TANDEM_ASSIGN_OR_RETURN(const std::vector<NamedValue> values,
                          ParseDefinitions(")"));
  for (const NamedValue& v : values) {
    Value* input =
        block->AddInput("", v.type == nullptr ? Type::Tensor() : v.type);
    TANDEM_RETURN_IF_ERROR(Define(scope, input, v, offset));
  }
  return Expect(":");
}

// ---- Nodes

absl::Status Parser::ParseKind(NodeKind* kind, const Operator** op) {
  const bool is_operator = TakeName("operator");
  const size_t offset = lexer_.offset();
  TANDEM_ASSIGN_OR_RETURN(const std::string full,
                          ParseName("an operator or 'return'"));
  *op = nullptr;
  if (!is_operator) {
    const std::optional<NodeKind> known = NodeKindFromName(full);
    if (known.has_value()) {
      *kind = *known;
      if (*known != NodeKind::kParam && *known != NodeKind::kReturn) {
        return absl::OkStatus();
      }
      return lexer_.ErrorAt(offset,
                            absl::StrCat(full, " is no node of a text"));
    }
  }
  *kind = NodeKind::kOperator;
  const auto [name, overload] = SplitOverload(full);
  *op = operators_.Find(name, overload);
  if (*op != nullptr) return absl::OkStatus();
  std::string message = absl::StrCat("unknown operator ", full);
  const auto overloads = operators_.Overloads(name);
  if (!overloads.empty()) {
    absl::StrAppend(
        &message, "; there are ",
        absl::StrJoin(overloads, ", ", [](std::string* out, const Operator* o) {
          out->append(o->schema.FullName());
        }));
  } else if (const auto near = operators_.Suggest(name); !near.empty()) {
    absl::StrAppend(&message, "; near it: ", absl::StrJoin(near, ", "));
  }
  return lexer_.ErrorAt(offset, message);
}

absl::StatusOr<std::shared_ptr<Graph>> Parser::ParseSubgraphName(Scope* scope) {
  const size_t offset = lexer_.offset();
  TANDEM_ASSIGN_OR_RETURN(const int64_t number, ParseInt());
  const auto index = static_cast<size_t>(number);
  if (number < 0 || (scope->number != kWhole && index <= scope->number)) {
    return lexer_.ErrorAt(
        offset, "a graph uses subgraphs with greater numbers than its own");
  }
  const int depth =
      scope->number == kWhole ? 1 : subgraphs_[scope->number].depth + 1;
  if (depth > kMaxSubgraphDepth) {
    return lexer_.ErrorAt(offset, "forks are nested too deeply");
  }
  Subgraph& subgraph = subgraphs_[index];
  subgraph.depth = std::max(subgraph.depth, depth);
  if (subgraph.graph == nullptr) subgraph.graph = std::make_shared<Graph>();
  return subgraph.graph;
}

absl::StatusOr<NodeAttribute::Payload> Parser::ParsePayload(Scope* scope,
                                                            bool is_value) {
  using Payload = NodeAttribute::Payload;
  if (is_value) {
    TANDEM_ASSIGN_OR_RETURN(IValue value, ParseValue());
    return Payload(std::move(value));
  }
  switch (lexer_.token().kind) {
    case Token::Kind::kString: {
      TANDEM_ASSIGN_OR_RETURN(std::string s, ParseString());
      return Payload(std::move(s));
    }
    case Token::Kind::kInt: {
      TANDEM_ASSIGN_OR_RETURN(const int64_t i, ParseInt());
      return Payload(i);
    }
    case Token::Kind::kFloat:
    case Token::Kind::kHex: {
      TANDEM_ASSIGN_OR_RETURN(const double d, ParseDouble());
      return Payload(d);
    }
    default:
      break;
  }
  if (lexer_.at_name("inf") || lexer_.at_name("nan")) {
    TANDEM_ASSIGN_OR_RETURN(const double d, ParseDouble());
    return Payload(d);
  }
  if (TakeName("ints")) {
    std::vector<int64_t> ints;
    TANDEM_RETURN_IF_ERROR(Expect("["));
    TANDEM_RETURN_IF_ERROR(ParseSequence("]", [&]() -> absl::Status {
      TANDEM_ASSIGN_OR_RETURN(const int64_t i, ParseInt());
      ints.push_back(i);
      return absl::OkStatus();
    }));
    return Payload(std::move(ints));
  }
  if (TakeName("strings")) {
    std::vector<std::string> strings;
    TANDEM_RETURN_IF_ERROR(Expect("["));
    TANDEM_RETURN_IF_ERROR(ParseSequence("]", [&]() -> absl::Status {
      TANDEM_ASSIGN_OR_RETURN(std::string s, ParseString());
      strings.push_back(std::move(s));
      return absl::OkStatus();
    }));
    return Payload(std::move(strings));
  }
  if (TakeName("type")) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(TypePtr type, ParseType());
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    return Payload(std::move(type));
  }
  if (TakeName("types")) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(std::vector<TypePtr> types, ParseTypes(")", 0));
    return Payload(std::move(types));
  }
  if (Take("@")) {
    TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<Graph> graph,
                            ParseSubgraphName(scope));
    return Payload(std::move(graph));
  }
  return lexer_.Error("an attribute's value");
}

absl::Status Parser::ParseAttributes(Scope* scope, Node* node) {
  if (!Take("[")) return absl::OkStatus();
  return ParseSequence("]", [&]() -> absl::Status {
    const size_t offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(const std::string name,
                            ParseName("an attribute's name"));
    if (node->FindAttribute(name) != nullptr ||
        node->attributes().size() == kMaxAttributes) {
      return lexer_.ErrorAt(offset,
                            "the attribute is given twice, or too many");
    }
    TANDEM_RETURN_IF_ERROR(Expect("="));
    const bool boxed = TakeName("boxed");
    const bool odd = boxed || TakeName("plain");
    if (odd) TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(NodeAttribute::Payload payload,
                            ParsePayload(scope, odd ? boxed : name == "value"));
    if (odd) TANDEM_RETURN_IF_ERROR(Expect(")"));
    node->SetAttribute(name, std::move(payload));
    return absl::OkStatus();
  });
}

absl::Status Parser::ParseNode(Scope* scope, Block* block, int depth) {
  const size_t offset = lexer_.offset();
  std::vector<NamedValue> outputs;
  if (lexer_.token().kind == Token::Kind::kValue) {
    TANDEM_ASSIGN_OR_RETURN(outputs, ParseDefinitions("="));
  } else {
    Take("=");  // PyTorch writes it without results, too
  }
  NodeKind kind;
  const Operator* op;
  TANDEM_RETURN_IF_ERROR(ParseKind(&kind, &op));
  Node* node = scope->graph->Create(kind, {}, 0);
  if (op != nullptr) node->set_op(op);
  TANDEM_RETURN_IF_ERROR(ParseAttributes(scope, node));
  TANDEM_RETURN_IF_ERROR(Expect("("));
  std::vector<Value*> inputs;
  scope->graph->SetInsertPoint(block);
  TANDEM_RETURN_IF_ERROR(ParseUses(scope, ")", &inputs));
  for (Value* v : inputs) node->AddInput(v);
  block->Append(node);
  if (TakeName("scope")) {
    TANDEM_ASSIGN_OR_RETURN(std::string text, ParseString());
    node->set_scope(std::move(text));
  }
  PendingRange range{node, {}, lexer_.offset()};
  TANDEM_ASSIGN_OR_RETURN(range.chain, ParseRange());
  if (!range.chain.empty()) ranges_.push_back(std::move(range));
  TANDEM_RETURN_IF_ERROR(ParseBlocks(scope, node, depth));
  for (size_t i = 0; i < outputs.size(); ++i) {
    TypePtr type = outputs[i].type;
    if (type == nullptr && node->is(NodeKind::kConstant)) {
      type = node->constant().TypeOf();
    }
    if (type == nullptr && op != nullptr && i < op->schema.returns.size() &&
        !op->schema.returns[i].type->contains_type_variable()) {
      type = op->schema.returns[i].type;
    }
    if (type == nullptr) {
      return lexer_.ErrorAt(
          offset, absl::StrCat("%", outputs[i].name, " needs ': TYPE'"));
    }
    TANDEM_RETURN_IF_ERROR(
        Define(scope, node->AddOutput(std::move(type)), outputs[i], offset));
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseBlocks(Scope* scope, Node* node, int depth) {
  for (;;) {
    const absl::string_view text = lexer_.token().text;
    int64_t number;
    if (lexer_.token().kind != Token::Kind::kName ||
        !absl::StartsWith(text, "block") ||
        !absl::SimpleAtoi(text.substr(5), &number)) {
      return absl::OkStatus();
    }
    if (static_cast<uint64_t>(number) != node->blocks().size()) {
      return lexer_.Error(absl::StrCat("block", node->blocks().size()));
    }
    if (depth == kMaxBlockDepth) {
      return lexer_.Error("blocks nested less deeply");
    }
    lexer_.Next();
    const size_t mark = scope->order.size();
    Block* block = node->AddBlock();
    TANDEM_RETURN_IF_ERROR(ParseParameters(scope, block));
    TANDEM_RETURN_IF_ERROR(ParseNodes(scope, block, depth + 1));
    TANDEM_RETURN_IF_ERROR(Expect("->"));
    TANDEM_RETURN_IF_ERROR(Expect("("));
    std::vector<Value*> results;
    scope->graph->SetInsertPoint(block);
    TANDEM_RETURN_IF_ERROR(ParseUses(scope, ")", &results));
    for (Value* v : results) block->AddOutput(v);
    for (size_t i = mark; i < scope->order.size(); ++i) {
      scope->values[scope->order[i]].visible = false;
    }
    scope->order.resize(mark);
  }
}

absl::Status Parser::ParseNodes(Scope* scope, Block* block, int depth) {
  while (!lexer_.at("->") && !lexer_.at_name("return")) {
    TANDEM_RETURN_IF_ERROR(ParseNode(scope, block, depth));
  }
  return absl::OkStatus();
}

// ---- Graphs

absl::Status Parser::ParseBody(Graph* graph, size_t number) {
  Scope scope{graph, number, {}, {}};
  TANDEM_RETURN_IF_ERROR(ExpectName("graph"));
  TANDEM_RETURN_IF_ERROR(ParseParameters(&scope, graph->block()));
  TANDEM_RETURN_IF_ERROR(ParseNodes(&scope, graph->block(), 0));
  TANDEM_RETURN_IF_ERROR(ExpectName("return"));
  TANDEM_RETURN_IF_ERROR(Expect("("));
  std::vector<Value*> results;
  graph->SetInsertPoint(graph->block());
  TANDEM_RETURN_IF_ERROR(ParseUses(&scope, ")", &results));
  for (Value* v : results) graph->AddOutput(v);
  graph->SetInsertPoint(graph->block());
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Graph>> Parser::ParseGraph() {
  auto graph = std::make_unique<Graph>();
  subgraphs_.clear();
  TANDEM_RETURN_IF_ERROR(ParseBody(graph.get(), kWhole));
  for (size_t i = 0; lexer_.at_name("with"); ++i) {
    lexer_.Next();
    TANDEM_RETURN_IF_ERROR(Expect("@"));
    const size_t offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(const int64_t number, ParseInt());
    const auto found = subgraphs_.find(i);
    if (static_cast<uint64_t>(number) != i || found == subgraphs_.end()) {
      return lexer_.ErrorAt(
          offset, "subgraphs come in order, each behind what uses it");
    }
    TANDEM_RETURN_IF_ERROR(Expect("="));
    found->second.defined = true;
    Graph* subgraph = found->second.graph.get();
    TANDEM_RETURN_IF_ERROR(ParseBody(subgraph, i));
  }
  for (const auto& [number, subgraph] : subgraphs_) {
    if (!subgraph.defined) {
      return lexer_.Error(absl::StrCat("'with @", number, " = graph…'"));
    }
  }
  return graph;
}

}  // namespace canonical

absl::StatusOr<std::unique_ptr<Graph>> ParseGraph(
    absl::string_view text, const CanonicalParseOptions& options) {
  canonical::Parser parser(text, options);
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Graph> graph, parser.ParseGraph());
  while (parser.lexer().at_name("source")) {
    TANDEM_RETURN_IF_ERROR(parser.ParseSource());
  }
  if (parser.lexer().token().kind != canonical::Token::Kind::kEnd) {
    return parser.lexer().Error("the end");
  }
  TANDEM_RETURN_IF_ERROR(parser.ResolveRanges());
  if (options.verify) {
    VerifyOptions verify;
    verify.allow_before_ssa = true;
    const absl::Status status = VerifyGraph(*graph, verify);
    if (!status.ok()) return absl::InvalidArgumentError(status.message());
  }
  return graph;
}

absl::StatusOr<std::unique_ptr<Graph>> ParseGraph(
    absl::string_view text, const OperatorTable& operators) {
  CanonicalParseOptions options;
  options.operators = &operators;
  return ParseGraph(text, options);
}

}  // namespace tandem
