#include "tandem/frontends/script/function_printer.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// Names that code must not take: those that reading gives a meaning to, and
// Python's keywords.
bool IsReserved(absl::string_view name) {
  static constexpr absl::string_view kNames[] = {
      "aten",
      "attribute",
      "CONSTANTS",
      "fork",
      "getattr",
      "inf",
      "nan",
      "infj",
      "nanj",
      "ops",
      "__torch__",
      "_",
      "uninitialized",
      "unchecked_cast",
      "and",
      "as",
      "assert",
      "async",
      "await",
      "break",
      "class",
      "continue",
      "def",
      "del",
      "elif",
      "else",
      "except",
      "False",
      "finally",
      "for",
      "from",
      "global",
      "if",
      "import",
      "in",
      "is",
      "lambda",
      "None",
      "nonlocal",
      "not",
      "or",
      "pass",
      "raise",
      "return",
      "True",
      "try",
      "while",
      "with",
      "yield",
  };
  return std::find(std::begin(kNames), std::end(kNames), name) !=
         std::end(kNames);
}

// "x.1" -> "x", "0" -> "_0": what a variable of that value is called.
std::string IdentifierOf(absl::string_view name) {
  std::string result;
  if (name.empty() || absl::ascii_isdigit(name[0])) result.push_back('_');
  for (unsigned char c : name) {
    result.push_back(absl::ascii_isalnum(c) ? c : '_');
  }
  return result;
}

// The version of the file format that made the operator what it is.
int64_t VersionOf(absl::string_view op) {
  for (absl::string_view name :
       {"aten::div", "aten::div_", "aten::divide", "aten::divide_",
        "aten::true_divide", "aten::true_divide_"}) {
    if (op == name) return 4;
  }
  if (op == "aten::full") return 5;
  if (op == "aten::linspace") return 8;
  if (op == "aten::logspace") return 9;
  if (op == "aten::gelu") return 10;
  return 3;
}

// Constants that inputs of these nodes are, in order of use, once each.
void ListConstants(const Block& block, absl::flat_hash_set<const Node*>* seen,
                   std::vector<const Node*>* constants) {
  const auto add_inputs = [&](const Node* n) {
    for (const Value* v : n->inputs()) {
      if (v->node()->is(NodeKind::kConstant) &&
          seen->insert(v->node()).second) {
        constants->push_back(v->node());
      }
    }
  };
  for (const Node* n : block) {
    add_inputs(n);
    for (const Block* b : n->blocks()) ListConstants(*b, seen, constants);
  }
  add_inputs(block.return_node());
}

}  // namespace

bool IsIdentifier(absl::string_view name) {
  if (name.empty() || absl::ascii_isdigit(name[0])) return false;
  return std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '_';
  });
}

class FunctionPrinter::RangeScope {
 public:
  RangeScope(FunctionPrinter* printer, const Node* node)
      : printer_(printer), previous_(printer->range_) {
    printer->range_ = node->range().OriginalOrSelf();
  }
  ~RangeScope() { printer_->range_ = previous_; }

 private:
  FunctionPrinter* const printer_;
  const SourceRange previous_;
};

absl::Status FunctionPrinter::Unprintable(const Node* node,
                                          absl::string_view why) const {
  return absl::InvalidArgumentError(
      absl::StrCat(node->name(), " has no code: ", why, "\n",
                   node->range().OriginalOrSelf().Highlight()));
}

void FunctionPrinter::AppendLine(absl::string_view line) {
  PutIndent();
  Put(line);
  Put("\n");
}

// ---- names

std::string FunctionPrinter::UniqueName(absl::string_view base) {
  std::string name(base);
  while (used_names_.contains(name) || IsReserved(name)) {
    name = absl::StrCat(base, next_id_[name]++);
  }
  used_names_.insert(name);
  return name;
}

void FunctionPrinter::AssignName(const Value* value) {
  variables_[value] = UniqueName(
      value->has_name() ? IdentifierOf(value->base_name()) : std::string("_"));
}

void FunctionPrinter::AssignNames(absl::Span<Value* const> values) {
  for (const Value* v : values) AssignName(v);
}

const TaggedText& FunctionPrinter::ExpressionOf(const Value* value) const {
  static const TaggedText* const kNothing = new TaggedText();
  const auto it = expressions_.find(value);
  return it == expressions_.end() ? *kNothing : it->second;
}

std::string FunctionPrinter::UseText(const Value* value) const {
  const auto it = variables_.find(value);
  return it == variables_.end() ? ExpressionOf(value).text() : it->second;
}

void FunctionPrinter::PutUse(const Value* value, TaggedText* out) {
  const auto it = variables_.find(value);
  if (it != variables_.end()) {
    out->Append(it->second, range_);
  } else {
    out->Append(ExpressionOf(value));
  }
}

void FunctionPrinter::PutUses(absl::Span<const Value* const> values,
                              TaggedText* out) {
  bool first = true;
  for (const Value* v : values) {
    if (!first) Put(out, ", ");
    first = false;
    PutUse(v, out);
  }
}

// ---- statements

absl::Status FunctionPrinter::PrintFunction(Function& function,
                                            bool first_argument_type) {
  TANDEM_RETURN_IF_ERROR(function.EnsureDefined());
  const Graph* graph = function.graph();
  if (graph == nullptr) {
    return absl::InvalidArgumentError(absl::StrCat(
        function.qualified_name(), " has no graph that could be printed"));
  }
  const FunctionSchema& schema = function.schema();
  if (schema.arguments.size() != graph->inputs().size() ||
      schema.returns.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the graph of ", function.qualified_name(),
                     " does not fit its signature"));
  }
  used_names_.clear();
  const RangeScope scope(this, graph->block()->param_node());
  PutIndent();
  Put(absl::StrCat("def ", function.name(), "("));
  for (size_t i = 0; i < schema.arguments.size(); ++i) {
    const Argument& argument = schema.arguments[i];
    dependencies_.AddType(argument.type);
    const std::string name = UniqueName(argument.name);
    // Four blanks at every level: the reader does not mind.
    Put(i == 0 ? name : absl::StrCat(",\n    ", name));
    if (i != 0 || first_argument_type) {
      Put(absl::StrCat(": ", argument.type->ToAnnotation()));
    }
    if (argument.default_value.has_value()) {
      IValue value = *argument.default_value;
      // A number that stands for a list of them.
      if (argument.type->is(TypeKind::kList) && value.is_scalar()) {
        value = IValue(MakeList(
            argument.type->element(),
            std::vector<IValue>(argument.fixed_size.value_or(1), value)));
      }
      Put(absl::StrCat("=", ConstantText(value)));
    }
    variables_[graph->inputs()[i]] = name;
  }
  const TypePtr& result = schema.returns[0].type;
  Put(absl::StrCat(") -> ", result->ToAnnotation(), ":\n"));
  dependencies_.AddType(result);
  return PrintBody(*graph->block());
}

absl::Status FunctionPrinter::PrintBody(const Block& body) {
  std::vector<const Node*> constants;
  ListConstants(body, &listed_constants_, &constants);
  inlined_.Scan(body);
  Indent();
  // Most are written where they are used; long ones here.
  for (const Node* n : constants) {
    TANDEM_RETURN_IF_ERROR(PrintNode(n, true));
  }
  TANDEM_RETURN_IF_ERROR(PrintBlock(body, !body.outputs().empty()));
  TANDEM_RETURN_IF_ERROR(PrintReturn(body.return_node()));
  Dedent();
  return absl::OkStatus();
}

absl::Status FunctionPrinter::PrintReturn(const Node* node) {
  const RangeScope scope(this, node);
  NoteDependencies(node);
  if (importable_ && node->inputs().size() != 1) {
    return absl::InvalidArgumentError(
        "Exportable methods must have a single return value. Normal use of "
        "ScriptMethods should enforce this");
  }
  if (node->inputs().empty()) return absl::OkStatus();
  PutIndent();
  Put("return ");
  PutUses(node->inputs(), &body_);
  Put("\n");
  return absl::OkStatus();
}

absl::Status FunctionPrinter::PrintBlock(const Block& block,
                                         bool has_other_statements) {
  if (!has_other_statements && block.empty()) AppendLine("pass");
  for (const Node* n : block) {
    TANDEM_RETURN_IF_ERROR(PrintNode(n, false));
  }
  return absl::OkStatus();
}

void FunctionPrinter::Assignment(absl::Span<const Value* const> targets,
                                 absl::Span<const Value* const> values) {
  if (targets.empty()) return;
  PutIndent();
  PutUses(targets, &body_);
  // Several targets cannot be annotated in Python.
  if (targets.size() == 1) {
    const Value* v = targets[0];
    const bool ambiguous =
        v->type()->is(TypeKind::kOptional) || v->type()->is(TypeKind::kUnion);
    if (ambiguous && !expressions_.contains(v) && annotated_.insert(v).second) {
      Put(absl::StrCat(" : ", v->type()->ToAnnotation()));
    }
  }
  Put(" = ");
  PutUses(values, &body_);
  Put("\n");
}

absl::Status FunctionPrinter::PrintIf(const Node* node) {
  AssignNames(node->outputs());
  PutIndent();
  Put("if ");
  PutUse(node->input(0), &body_);
  Put(":\n");
  for (size_t i = 0; i < 2; ++i) {
    if (i == 1) AppendLine("else:");
    Indent();
    const Block& block = *node->block(i);
    TANDEM_RETURN_IF_ERROR(PrintBlock(block, !node->outputs().empty()));
    Assignment(node->outputs(), block.outputs());
    Dedent();
  }
  return absl::OkStatus();
}

absl::Status FunctionPrinter::PrintLoop(const Node* node) {
  const Block& body = *node->block(0);
  const Value* counter = body.input(0);
  const std::optional<IValue> trips = ConstantOf(node->input(0));
  const std::optional<IValue> start = ConstantOf(node->input(1));
  const std::optional<IValue> again = ConstantOf(body.output(0));
  const bool always = start.has_value() && start->is_bool() &&
                      start->AsBool() && again.has_value() &&
                      again->is_bool() && again->AsBool();
  const bool counted = !trips.has_value() ||
                       trips->AsInt() != std::numeric_limits<int64_t>::max() ||
                       counter->has_uses();
  if (!always && counted) {
    return Unprintable(node, "an optimisation combined a while and a for loop");
  }
  const bool is_for = always && counted;

  // Carried values live in variables named after the results.
  AssignNames(node->outputs());
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    TaggedText name;
    PutUse(node->output(i), &name);
    expressions_[body.input(i + 1)] = std::move(name);
  }
  for (size_t i = 0; i < node->outputs().size(); ++i) {
    PutIndent();
    PutUse(node->output(i), &body_);
    if (!node->output(i)->type()->Equals(*node->input(i + 2)->type())) {
      Put(absl::StrCat(": ", node->output(i)->type()->ToAnnotation()));
    }
    Put(" = ");
    PutUse(node->input(i + 2), &body_);
    Put("\n");
  }
  AssignName(counter);
  if (is_for) {
    PutIndent();
    Put("for ");
    PutUse(counter, &body_);
    Put(" in range(");
    PutUse(node->input(0), &body_);
    Put("):\n");
  } else {
    // The counter is not used: its name stands for the condition.
    Assignment({counter}, {node->input(1)});
    PutIndent();
    Put("while ");
    PutUse(counter, &body_);
    Put(":\n");
  }
  Indent();
  const size_t first = is_for ? 1 : 0;
  TANDEM_RETURN_IF_ERROR(PrintBlock(body, body.inputs().size() > first));
  Assignment(body.inputs().subspan(first), body.outputs().subspan(first));
  Dedent();
  return absl::OkStatus();
}

// The body of a fork is a function without parameters: its captures are the
// variables around it.
absl::Status FunctionPrinter::PrintClosure(const Node* node,
                                           absl::string_view base,
                                           absl::string_view caller) {
  const std::string name = UniqueName(base);
  const auto& graph = node->Get<std::shared_ptr<Graph>>("Subgraph");
  AppendLine(absl::StrCat("def ", name, "():"));
  for (size_t i = 0; i < node->inputs().size() && i < graph->inputs().size();
       ++i) {
    TaggedText use;
    PutUse(node->input(i), &use);
    expressions_[graph->inputs()[i]] = std::move(use);
  }
  TANDEM_RETURN_IF_ERROR(PrintBody(*graph->block()));
  TaggedText call;
  Put(&call, absl::StrCat(caller, "(", name, ")"));
  Definition(node, call);
  return absl::OkStatus();
}

void FunctionPrinter::Definition(const Node* node,
                                 const TaggedText& expression) {
  AssignNames(node->outputs());
  PutIndent();
  if (!node->outputs().empty()) {
    PutUses(node->outputs(), &body_);
    Put(" = ");
  }
  body_.Append(expression);
  Put("\n");
}

void FunctionPrinter::NoteDependencies(const Node* node) {
  for (const Value* v : node->inputs()) dependencies_.AddType(v->type());
  for (const Value* v : node->outputs()) dependencies_.AddType(v->type());
  for (const NodeAttribute& a : node->attributes()) {
    if (const auto* type = std::get_if<TypePtr>(&a.payload)) {
      dependencies_.AddType(*type);
    } else if (const auto* types =
                   std::get_if<std::vector<TypePtr>>(&a.payload)) {
      for (const TypePtr& t : *types) dependencies_.AddType(t);
    }
  }
}

absl::Status FunctionPrinter::PrintNode(const Node* node, bool print_constant) {
  const RangeScope scope(this, node);
  NoteDependencies(node);
  version_ = std::max(version_, VersionOf(node->name()));
  if (node->is(NodeKind::kConstant) && !print_constant) {
    return absl::OkStatus();
  }
  switch (node->kind()) {
    case NodeKind::kLoop:
      return PrintLoop(node);
    case NodeKind::kIf:
      return PrintIf(node);
    case NodeKind::kTupleUnpack:
    case NodeKind::kListUnpack:
      // The comma at the end makes it an unpacking when it is read.
      AssignNames(node->outputs());
      PutIndent();
      if (!node->outputs().empty()) {
        PutUses(node->outputs(), &body_);
        Put(", = ");
      }
      PutUse(node->input(), &body_);
      Put("\n");
      return absl::OkStatus();
    case NodeKind::kSetAttr:
      PutIndent();
      PutUse(node->input(0), &body_);
      Put(absl::StrCat(".", node->attribute_name(), " = "));
      PutUse(node->input(1), &body_);
      Put("\n");
      return absl::OkStatus();
    case NodeKind::kFork:
      return PrintClosure(node, "__forked_function", "fork");
    case NodeKind::kAwaitable:
      return PrintClosure(node, "__awaitable_function", "awaitable");
    case NodeKind::kEnter:
      PutIndent();
      Put("with ");
      PutUse(node->input(), &body_);
      if (node->output()->has_uses()) {
        AssignName(node->output());
        Put(" as ");
        PutUse(node->output(), &body_);
      }
      Put(":\n");
      Indent();
      return absl::OkStatus();
    case NodeKind::kExit:
      if (node->prev()->is(NodeKind::kEnter)) AppendLine("pass");
      Dedent();
      return absl::OkStatus();
    case NodeKind::kModuleContainerIndex:
      AssignNames(node->outputs());
      PutIndent();
      PutUse(node->output(), &body_);
      Put(absl::StrCat(" : ", node->output()->type()->ToAnnotation(), " = "));
      PutUse(node->input(0), &body_);
      Put("[");
      PutUse(node->input(1), &body_);
      Put("]\n");
      return absl::OkStatus();
    default:
      return PrintExpressionNode(node);
  }
}

absl::Status FunctionPrinter::PrintExpressionNode(const Node* node) {
  TaggedText expression;
  TANDEM_RETURN_IF_ERROR(Expression(node, &expression));
  const bool is_long = IsLong(expression.text());
  if (!inlined_.contains(node) || (node->is(NodeKind::kConstant) && is_long)) {
    Definition(node, expression);
    return absl::OkStatus();
  }
  expressions_[node->output()] = std::move(expression);
  if (is_long) SplitLongInlines(node->output());
  return absl::OkStatus();
}

// Gives the long inline expression a variable, and with it all inline
// expressions that come before it in the statement: their order must stay.
void FunctionPrinter::SplitLongInlines(const Value* value) {
  std::vector<const Value*> reversed;
  const Node* user = value->uses()[0].user;
  int64_t offset = static_cast<int64_t>(value->uses()[0].index);
  while (true) {
    const auto it = split_until_.find(user);
    const bool seen = it != split_until_.end();
    const int64_t from = seen ? it->second + 1 : 0;
    for (int64_t i = offset; i >= from; --i) {
      const Value* argument = user->input(i);
      if (!argument->node()->is(NodeKind::kConstant) &&
          inlined_.contains(argument->node())) {
        reversed.push_back(argument);
      }
    }
    split_until_[user] = offset;
    if (seen || !inlined_.contains(user)) break;
    // The user itself is still being written: only what is before it.
    const Use& use = user->output()->uses()[0];
    offset = static_cast<int64_t>(use.index) - 1;
    user = use.user;
  }
  for (auto it = reversed.rbegin(); it != reversed.rend(); ++it) {
    const TaggedText expression = ExpressionOf(*it);
    Definition((*it)->node(), expression);
  }
}

}  // namespace tandem::script
