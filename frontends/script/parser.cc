#include "tandem/frontends/script/parser.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/string_literal.h"

namespace tandem::script {
namespace {

// Binary operators bind as in PyTorch's parser, where `and` and `or` have one
// level and `~` binds as weakly as `not`; in Python as in Python.
constexpr int kTernaryLevel = 10;
constexpr int kOrLevel = 20;
constexpr int kPythonAndLevel = 25;
constexpr int kNotLevel = 30;
constexpr int kCompareLevel = 40;
constexpr int kUnaryLevel = 100;

int BinaryLevel(int kind, Dialect dialect) {
  switch (kind) {
    case kIf:
    case kFor:
      return kTernaryLevel;
    case kOr:
      return kOrLevel;
    case kAnd:
      return dialect == Dialect::kPython ? kPythonAndLevel : kOrLevel;
    case kIn:
    case kNotIn:
    case '<':
    case '>':
    case kIs:
    case kIsNot:
    case kEq:
    case kNe:
    case kLe:
    case kGe:
      return kCompareLevel;
    case '|':
      return 50;
    case '^':
      return 60;
    case '&':
      return 70;
    case kLShift:
    case kRShift:
      return 80;
    case '+':
    case '-':
      return 90;
    case '*':
    case '/':
    case kFloorDiv:
    case '%':
    case '@':
      return 100;
    case kPow:
      return 110;
    default:
      return 0;
  }
}

int UnaryLevel(int kind, Dialect dialect) {
  switch (kind) {
    case kNot:
      return kNotLevel;
    case '~':
      return dialect == Dialect::kPython ? kUnaryLevel : kNotLevel;
    case '+':
      return dialect == Dialect::kPython ? kUnaryLevel : 0;
    case '-':
    case '*':
      return kUnaryLevel;
    default:
      return 0;
  }
}

// The binary operator of an augmented assignment, or 0.
int AugmentedOperator(int kind) {
  switch (kind) {
    case kPlusEq:
      return '+';
    case kMinusEq:
      return '-';
    case kTimesEq:
      return '*';
    case kDivEq:
      return '/';
    case kModEq:
      return '%';
    case kBitOrEq:
      return '|';
    case kBitAndEq:
      return '&';
    case kBitXorEq:
      return '^';
    case kLShiftEq:
      return kLShift;
    case kRShiftEq:
      return kRShift;
    case kPowEq:
      return kPow;
    case kFloorDivEq:
      return kFloorDiv;
    case kMatMulEq:
      return '@';
    default:
      return 0;
  }
}

// Every Parse… returns null (or false) after an error, which the lexer keeps.
class Parser {
 public:
  Parser(SyntaxTree* tree, Dialect dialect)
      : tree_(*tree), dialect_(dialect), lex_(tree->source(), dialect) {}
  // Parses the part [begin, end) of the source, as lines or as if it stood in
  // brackets.
  Parser(SyntaxTree* tree, Dialect dialect, size_t begin, size_t end,
         bool lines, int depth)
      : tree_(*tree),
        dialect_(dialect),
        lex_(tree->source(), dialect, begin, end, lines),
        depth_(depth) {}

  const Lexer& lexer() const { return lex_; }

  bool ParseFile();
  const Expr* ParseWholeExpression();

 private:
  bool python() const { return dialect_ == Dialect::kPython; }
  TextSpan here() const { return lex_.cur().span; }
  int kind() const { return lex_.cur().kind; }
  bool Expect(int kind, Token* token = nullptr);
  void FailAt(absl::string_view message, TextSpan at) {
    lex_.Fail(absl::StrCat("\n", message), at);
  }

  bool ParseIdentifier(Identifier* out);
  const Expr* ParseExpr(int level = 0);
  const Expr* ParsePrefix();
  const Expr* ParseBase();
  const Expr* ParseStrings();
  bool ParseFormatted(TextSpan literal, std::string* text,
                      std::vector<const Expr*>* values);
  const Expr* ParseBracketed();
  const Expr* ParseBraced();
  const Expr* ParsePostfix(const Expr* value);
  const Expr* ParseCall(const Expr* callee);
  const Expr* ParseSubscript(const Expr* value);
  const Expr* ParseSubscriptElement();
  const Expr* ParseExprOrTuple();
  const Expr* ParseTarget() { return ParseExpr(kCompareLevel); }
  const Expr* ParseForTargets(int end);
  const Expr* MakeBinary(int op, TextSpan at, const Expr* lhs, const Expr* rhs);

  const Stmt* ParseStmt(bool in_class);
  const Stmt* ParseIf(bool elif);
  const Stmt* ParseFor();
  const Stmt* ParseWith();
  const Stmt* ParseAssign(const Expr* first);
  const Stmt* ParseSimple();
  bool ParseBody(Body* out, bool in_class = false);
  bool ParseStatements(TextSpan start, bool in_class, Body* out);
  bool EndStatement() { return Expect(kNewline); }

  const DefStmt* ParseDef(bool is_method, List<const Expr*> decorators);
  const Stmt* ParseClass(List<const Expr*> decorators);
  bool ParseDecl(Decl* out);
  bool ParseParam(bool keyword_only, Param* out);
  bool ParseTypeComment(bool is_method, Decl* decl);
  const Stmt* ParseImport();
  bool ParseDottedName(std::string* out);

  // Sets the node's height over its children; null if it is too high.
  template <typename T>
  const T* Over(T* node, std::initializer_list<const Expr*> children,
                List<const Expr*> more = {}) {
    int height = node->height;
    for (const Expr* child : children) {
      if (child != nullptr) height = std::max(height, child->height + 1);
    }
    for (const Expr* child : more) height = std::max(height, child->height + 1);
    if (height > kMaxHeight) {
      FailAt("nested too deeply", node->span);
      return nullptr;
    }
    node->height = static_cast<uint16_t>(height);
    return node;
  }

  // Guards each level of recursion.
  class Nesting {
   public:
    explicit Nesting(Parser* parser) : parser_(*parser) {
      ok_ = ++parser_.depth_ <= kMaxNesting;
      if (!ok_) {
        parser_.FailAt("nested too deeply", parser_.here());
      }
    }
    ~Nesting() { --parser_.depth_; }
    bool ok() const { return ok_; }

   private:
    Parser& parser_;
    bool ok_;
  };

  SyntaxTree& tree_;
  const Dialect dialect_;
  Lexer lex_;
  int depth_ = 0;
  int function_depth_ = 0;
};

bool Parser::Expect(int kind, Token* token) {
  if (lex_.cur().kind != kind || !lex_.ok()) {
    lex_.FailExpected(TokenKindName(kind), Token(lex_.cur()));
    return false;
  }
  const Token found = lex_.Next();
  if (token != nullptr) *token = found;
  return true;
}

bool Parser::ParseIdentifier(Identifier* out) {
  Token token;
  if (!Expect(kIdent, &token)) return false;
  out->name = lex_.Text(token.span);
  out->span = token.span;
  return true;
}

// ---------------------------------------------------------------- expressions

// The longest expression whose binary operators bind more strongly than
// `level`. Loops over operators of one level, recurs for stronger ones.
const Expr* Parser::ParseExpr(int level) {
  const Nesting nesting(this);
  if (!nesting.ok()) return nullptr;
  const Expr* left = ParsePrefix();
  const Expr* compared = nullptr;  // Python: the last operand of a comparison
  while (left != nullptr) {
    const int op = kind();
    int op_level = BinaryLevel(op, dialect_);
    if (op_level == 0 || op_level <= level) break;
    const TextSpan at = here();
    lex_.Next();
    if (op == kIf) {
      const Expr* condition = ParseExpr(python() ? kTernaryLevel : 0);
      if (condition == nullptr || !Expect(kElse)) return nullptr;
      const Expr* otherwise = ParseExpr(op_level - 1);
      if (otherwise == nullptr) return nullptr;
      auto* node = tree_.New<ConditionalExpr>(Merge(
          Merge(at, left->span), Merge(condition->span, otherwise->span)));
      node->condition = condition;
      node->then = left;
      node->otherwise = otherwise;
      left = Over(node, {condition, left, otherwise});
      continue;
    }
    if (op == kFor) {
      const Expr* target = python() ? ParseForTargets(kIn) : ParseTarget();
      if (target == nullptr || !Expect(kIn)) return nullptr;
      const Expr* iterable = ParseExpr(python() ? kTernaryLevel : 0);
      if (iterable == nullptr) return nullptr;
      if (python() && (kind() == kIf || kind() == kFor)) {
        FailAt(kind() == kIf ? "Comprehension ifs are not supported yet"
                             : "Only a single generator is currently supported",
               here());
        return nullptr;
      }
      auto* node = tree_.New<ListComprehensionExpr>(
          Merge(Merge(at, left->span), Merge(target->span, iterable->span)));
      node->element = left;
      node->target = target;
      node->iterable = iterable;
      left = Over(node, {node->element, target, iterable});
      continue;
    }
    // Right associative.
    if (op == kPow) op_level -= 1;
    const Expr* right = ParseExpr(op_level);
    if (right == nullptr) return nullptr;
    if (python() && op_level == kCompareLevel) {
      // a < b < c means (a < b) and (b < c).
      const Expr* chained =
          compared == nullptr ? nullptr : MakeBinary(op, at, compared, right);
      if (chained != nullptr) {
        left = MakeBinary(kAnd, left->span, left, chained);
      } else {
        left = MakeBinary(op, at, left, right);
      }
      compared = right;
      continue;
    }
    left = MakeBinary(op, at, left, right);
  }
  return left;
}

// `lhs op rhs` for any binary operator.
const Expr* Parser::MakeBinary(int op, TextSpan at, const Expr* lhs,
                               const Expr* rhs) {
  auto* node = tree_.New<BinaryExpr>(Merge(at, Merge(lhs->span, rhs->span)));
  node->op = op == kNotIn ? static_cast<int>(kIn) : op;
  node->lhs = lhs;
  node->rhs = rhs;
  node->height = lhs->height;
  if (op != kNotIn) return Over(node, {rhs});
  node->height = std::max(lhs->height, rhs->height) + 1;
  auto* negated = tree_.New<UnaryExpr>(node->span);
  negated->op = kNot;
  negated->operand = node;
  return Over(negated, {node});
}

const Expr* Parser::ParsePrefix() {
  const int op = kind();
  const int level = UnaryLevel(op, dialect_);
  if (level == 0) {
    const Expr* base = ParseBase();
    return base == nullptr ? nullptr : ParsePostfix(base);
  }
  const TextSpan at = here();
  lex_.Next();
  const Expr* operand = ParseExpr(level);
  if (operand == nullptr) return nullptr;
  if (op == '*') {
    auto* node = tree_.New<StarredExpr>(Merge(at, operand->span));
    node->value = operand;
    return Over(node, {operand});
  }
  if (op == '+') return operand;
  if (op == '-' && !python()) {
    // So that -1 is one constant.
    if (const auto* number = operand->As<NumberExpr>()) {
      auto* node = tree_.New<NumberExpr>(number->span);
      node->text = tree_.Copy(absl::StrCat("-", number->text));
      return node;
    }
  }
  auto* node = tree_.New<UnaryExpr>(Merge(at, operand->span));
  node->op = op == '-' ? static_cast<int>(kUnaryMinus) : op;
  node->operand = operand;
  return Over(node, {operand});
}

const Expr* Parser::ParseBase() {
  const TextSpan at = here();
  switch (kind()) {
    case kNumber: {
      auto* node = tree_.New<NumberExpr>(at);
      node->text = lex_.Text(at);
      lex_.Next();
      return node;
    }
    case kTrue:
      lex_.Next();
      return tree_.NewExpr(ExprKind::kTrue, at);
    case kFalse:
      lex_.Next();
      return tree_.NewExpr(ExprKind::kFalse, at);
    case kNone:
      lex_.Next();
      return tree_.NewExpr(ExprKind::kNone, at);
    case kNoneType:
      lex_.Next();
      return tree_.NewExpr(ExprKind::kNoneType, at);
    case kDots:
    case kEllipsis:
      lex_.Next();
      return tree_.NewExpr(ExprKind::kDots, at);
    case '(': {
      lex_.Next();
      if (lex_.NextIf(')')) return tree_.New<TupleExpr>(here());
      const Expr* inner = ParseExprOrTuple();
      if (inner == nullptr || !Expect(')')) return nullptr;
      return inner;
    }
    case '[':
      return ParseBracketed();
    case '{':
      return ParseBraced();
    case kStringLiteral:
    case kFormattedString:
      return ParseStrings();
    default: {
      if (python() && kind() == kIdent) {
        const absl::string_view word = lex_.Text(at);
        const TextSpan first = {at.start, at.start + 1};
        if (word == "lambda") lex_.Fail("Lambda aren't supported", first);
        if (word == "yield") lex_.Fail("Yield aren't supported", first);
      }
      Identifier name;
      if (!ParseIdentifier(&name)) return nullptr;
      auto* node = tree_.New<NameExpr>(name.span);
      node->name = name.name;
      return node;
    }
  }
}

const Expr* Parser::ParseStrings() {
  const TextSpan at = here();
  TextSpan whole = at;
  std::string text;
  std::vector<const Expr*> values;
  bool formatted = false;
  while (kind() == kStringLiteral || kind() == kFormattedString) {
    const Token token = lex_.Next();
    whole.end = token.span.end;
    if (token.kind == kFormattedString) {
      formatted = true;
      if (!ParseFormatted(token.span, &text, &values)) return nullptr;
      continue;
    }
    absl::StatusOr<std::string> value =
        UnescapeString(lex_.Text(token.span), dialect_);
    if (!value.ok()) {
      FailAt(value.status().message(), token.span);
      return nullptr;
    }
    text += *value;
  }
  auto* node = tree_.New<StringExpr>(python() ? whole : at);
  node->value = tree_.Copy(text);
  if (!formatted) return node;
  // f"a{x}" means "a{}".format(x).
  auto* format = tree_.New<AttributeExpr>(whole);
  format->value = node;
  format->attribute = Identifier{"format", whole};
  auto* call = tree_.New<CallExpr>(whole);
  call->callee = format;
  call->inputs = tree_.Copy(values);
  call->inputs_span = whole;
  return Over(call, {format}, call->inputs);
}

// Appends the text of f"…" with {} for each expression in it, and these.
bool Parser::ParseFormatted(TextSpan literal, std::string* text,
                            std::vector<const Expr*>* values) {
  bool raw = false;
  const absl::string_view whole = lex_.Text(literal);
  const absl::string_view body = StringLiteralBody(whole, &raw);
  const size_t offset = literal.start + (body.data() - whole.data());
  const auto append = [&](absl::string_view part) {
    if (raw) {
      absl::StrAppend(text, part);
      return true;
    }
    absl::StatusOr<std::string> value = UnescapeBody(part, dialect_);
    if (!value.ok()) {
      FailAt(value.status().message(), literal);
      return false;
    }
    *text += *value;
    return true;
  };
  size_t i = 0;
  while (i < body.size()) {
    size_t brace = std::min(body.find_first_of("{}", i), body.size());
    if (!append(body.substr(i, brace - i))) return false;
    if (brace == body.size()) break;
    if (brace + 1 < body.size() && body[brace + 1] == body[brace]) {
      *text += body[brace];
      i = brace + 2;
      continue;
    }
    // The expression ends at the `}`, `!` or `:` outside of its brackets.
    size_t end = brace + 1;
    int open = 0;
    for (; end < body.size(); ++end) {
      const char c = body[end];
      if (c == '(' || c == '[' || c == '{') ++open;
      if (open == 0 &&
          (c == '}' || c == ':' || (c == '!' && body.substr(end, 2) != "!="))) {
        break;
      }
      if (c == ')' || c == ']' || c == '}') --open;
    }
    if (body[brace] == '}' || end >= body.size() || body[end] != '}') {
      FailAt(end < body.size() && body[end] == '!'
                 ? "Don't support conversion in JoinedStr"
                 : "Don't support formatting in JoinedStr",
             literal);
      return false;
    }
    const Nesting nesting(this);
    if (!nesting.ok()) return false;
    Parser inner(&tree_, dialect_, offset + brace + 1, offset + end,
                 /*lines=*/false, depth_);
    const Expr* value = inner.ParseWholeExpression();
    if (value == nullptr) {
      lex_.Adopt(inner.lex_.status());
      return false;
    }
    *text += "{}";
    values->push_back(value);
    i = end + 1;
  }
  return true;
}

const Expr* Parser::ParseBracketed() {
  TextSpan span = here();
  if (!Expect('[')) return nullptr;
  std::vector<const Expr*> elements;
  bool comprehension = false;
  while (kind() != ']') {
    const Expr* element = ParseExpr();
    if (element == nullptr) return nullptr;
    comprehension =
        comprehension || element->kind == ExprKind::kListComprehension;
    span = Merge(span, element->span);
    elements.push_back(element);
    if (!lex_.NextIf(',')) break;
  }
  if (!Expect(']')) return nullptr;
  if (comprehension && elements.size() == 1) return elements[0];
  if (comprehension) {
    FailAt(" expected a single list comprehension within '[' , ']'", span);
    return nullptr;
  }
  auto* node = tree_.New<ListExpr>(span);
  node->elements = tree_.Copy(elements);
  return Over(node, {}, node->elements);
}

const Expr* Parser::ParseBraced() {
  TextSpan span = here();
  if (!Expect('{')) return nullptr;
  std::vector<const Expr*> keys;
  std::vector<const Expr*> values;
  while (kind() != '}') {
    const Expr* key = ParseExpr();
    if (key == nullptr) return nullptr;
    if (python() && (kind() == ',' || kind() == '}')) {
      lex_.Fail(key->kind == ExprKind::kListComprehension
                    ? "SetComp aren't supported"
                    : "Set aren't supported",
                {span.start, span.start + 1});
    }
    if (!Expect(':')) return nullptr;
    const Expr* value = ParseExpr();
    if (value == nullptr) return nullptr;
    keys.push_back(key);
    values.push_back(value);
    span = Merge(span, Merge(key->span, value->span));
    if (!lex_.NextIf(',')) break;
  }
  if (!Expect('}')) return nullptr;
  if (keys.size() == 1) {
    if (const auto* inner = values[0]->As<ListComprehensionExpr>()) {
      auto* node = tree_.New<DictComprehensionExpr>(span);
      node->key = keys[0];
      node->value = inner->element;
      node->target = inner->target;
      node->iterable = inner->iterable;
      return Over(node, {node->key, inner});
    }
  }
  auto* node = tree_.New<DictExpr>(span);
  node->keys = tree_.Copy(keys);
  node->values = tree_.Copy(values);
  const Expr* over_keys = Over(node, {}, node->keys);
  return over_keys == nullptr ? nullptr : Over(node, {}, node->values);
}

const Expr* Parser::ParsePostfix(const Expr* value) {
  while (value != nullptr) {
    if (lex_.NextIf('.')) {
      Identifier name;
      if (!ParseIdentifier(&name)) return nullptr;
      auto* node = tree_.New<AttributeExpr>(Merge(name.span, value->span));
      node->value = value;
      node->attribute = name;
      value = Over(node, {value});
    } else if (kind() == '(') {
      value = ParseCall(value);
    } else if (kind() == '[') {
      value = ParseSubscript(value);
    } else {
      break;
    }
  }
  return value;
}

const Expr* Parser::ParseCall(const Expr* callee) {
  TextSpan span = here();
  if (!Expect('(')) return nullptr;
  std::vector<const Expr*> inputs;
  std::vector<Keyword> keywords;
  TextSpan inputs_span = span;
  while (kind() != ')') {
    if (kind() == kIdent && lex_.Lookahead().kind == '=') {
      Keyword keyword;
      if (!ParseIdentifier(&keyword.name) || !Expect('=')) return nullptr;
      keyword.value = ParseExpr();
      if (keyword.value == nullptr) return nullptr;
      keyword.span = Merge(keyword.name.span, keyword.value->span);
      span = Merge(span, keyword.span);
      keywords.push_back(keyword);
    } else if (python() && lex_.NextIf(kPow)) {
      const Expr* expanded = ParseExpr();
      if (expanded != nullptr) {
        lex_.Fail("keyword-arg expansion is not supported", expanded->span);
      }
      return nullptr;
    } else {
      const Expr* input = ParseExpr();
      if (input == nullptr) return nullptr;
      inputs_span = Merge(inputs_span, input->span);
      span = Merge(span, input->span);
      inputs.push_back(input);
    }
    if (!lex_.NextIf(',')) break;
  }
  const uint32_t end = here().end;
  if (!Expect(')')) return nullptr;
  span = Merge(span, callee->span);
  if (python()) span.end = end;
  auto* node = tree_.New<CallExpr>(span);
  node->callee = callee;
  node->inputs = tree_.Copy(inputs);
  node->keywords = tree_.Copy(keywords);
  node->inputs_span = inputs_span;
  for (const Keyword& keyword : keywords) {
    if (Over(node, {keyword.value}) == nullptr) return nullptr;
  }
  return Over(node, {callee}, node->inputs);
}

const Expr* Parser::ParseSubscript(const Expr* value) {
  TextSpan list = here();
  if (!Expect('[')) return nullptr;
  TextSpan whole = list;
  std::vector<const Expr*> subscripts;
  while (kind() != ']') {
    const Expr* subscript = ParseSubscriptElement();
    if (subscript == nullptr) return nullptr;
    list = Merge(list, subscript->span);
    subscripts.push_back(subscript);
    if (!lex_.NextIf(',')) break;
  }
  if (!Expect(']')) return nullptr;
  whole.end = here().start;
  auto* node = tree_.New<SubscriptExpr>(Merge(whole, Merge(value->span, list)));
  node->value = value;
  node->subscripts = tree_.Copy(subscripts);
  node->subscripts_span = list;
  return Over(node, {value}, node->subscripts);
}

const Expr* Parser::ParseSubscriptElement() {
  TextSpan span = here();
  const Expr* first = nullptr;
  const Expr* second = nullptr;
  const Expr* third = nullptr;
  if (kind() != ':') {
    first = ParseExpr();
    if (first == nullptr) return nullptr;
  }
  if (!lex_.NextIf(':')) return first;
  const auto more = [this] { return kind() != ',' && kind() != ']'; };
  if (more() && kind() != ':') {
    second = ParseExpr();
    if (second == nullptr) return nullptr;
  }
  if (lex_.NextIf(':') && more()) {
    third = ParseExpr();
    if (third == nullptr) return nullptr;
  }
  for (const Expr* part : {first, second, third}) {
    if (part != nullptr) span = Merge(span, part->span);
  }
  auto* node = tree_.New<SliceExpr>(span);
  node->begin = first;
  node->end = second;
  node->step = third;
  return Over(node, {first, second, third});
}

const Expr* Parser::ParseExprOrTuple() {
  const Expr* first = ParseExpr();
  if (first == nullptr || kind() != ',') return first;
  std::vector<const Expr*> elements = {first};
  TextSpan span = first->span;
  while (lex_.NextIf(',')) {
    const int next = kind();
    if (AugmentedOperator(next) != 0 || next == kNewline || next == '=' ||
        next == ')') {
      break;
    }
    const Expr* element = ParseExpr();
    if (element == nullptr) return nullptr;
    span = Merge(span, element->span);
    elements.push_back(element);
  }
  auto* node = tree_.New<TupleExpr>(span);
  node->elements = tree_.Copy(elements);
  return Over(node, {}, node->elements);
}

// Python: `for a, b in …` in comprehensions and statements.
const Expr* Parser::ParseForTargets(int end) {
  const Expr* first = ParseTarget();
  if (first == nullptr || kind() != ',') return first;
  std::vector<const Expr*> elements = {first};
  TextSpan span = first->span;
  while (lex_.NextIf(',') && kind() != end) {
    const Expr* element = ParseTarget();
    if (element == nullptr) return nullptr;
    span = Merge(span, element->span);
    elements.push_back(element);
  }
  auto* node = tree_.New<TupleExpr>(span);
  node->elements = tree_.Copy(elements);
  return Over(node, {}, node->elements);
}

// ------------------------------------------------------------------ statements

bool Parser::ParseStatements(TextSpan start, bool in_class, Body* out) {
  std::vector<const Stmt*> statements;
  TextSpan span = start;
  do {
    const Stmt* statement = ParseStmt(in_class);
    if (statement == nullptr) return false;
    span = Merge(span, statement->span);
    statements.push_back(statement);
  } while (!lex_.NextIf(kDedent));
  out->statements = tree_.Copy(statements);
  out->span = span;
  return true;
}

bool Parser::ParseBody(Body* out, bool in_class) {
  const TextSpan start = here();
  if (python() && kind() != kIndent) {
    const Stmt* statement = ParseStmt(in_class);
    if (statement == nullptr) return false;
    out->statements = tree_.Copy(std::vector<const Stmt*>{statement});
    out->span = statement->span;
    return true;
  }
  if (!Expect(kIndent)) return false;
  return ParseStatements(start, in_class, out);
}

const Stmt* Parser::ParseStmt(bool in_class) {
  const Nesting nesting(this);
  if (!nesting.ok()) return nullptr;
  // Python that is understood and not compiled.
  if (python()) {
    const TextSpan at = here();
    if (kind() == kGlobal) lex_.Fail("global variables aren't supported", at);
    if (kind() == kIdent && lex_.Text(at) == "try" &&
        lex_.Lookahead().kind == ':') {
      lex_.Fail("try blocks aren't supported", at);
    }
    if (function_depth_ > 0 && kind() == kDef) {
      lex_.Fail("function definitions aren't supported", at);
    }
    if (function_depth_ > 0 && kind() == kClass) {
      lex_.Fail("class definitions aren't supported", at);
    }
    if (!lex_.ok()) return nullptr;
  }
  switch (kind()) {
    case kIf:
      return ParseIf(/*elif=*/false);
    case kWhile: {
      TextSpan span = here();
      lex_.Next();
      const Expr* condition = ParseExpr();
      Body body;
      if (condition == nullptr || !Expect(':') || !ParseBody(&body)) {
        return nullptr;
      }
      if (python() && kind() == kElse) {
        lex_.Fail("else branches of while loops aren't supported", span);
        return nullptr;
      }
      auto* node =
          tree_.New<WhileStmt>(Merge(span, Merge(condition->span, body.span)));
      node->condition = condition;
      node->body = body;
      return node;
    }
    case kFor:
      return ParseFor();
    case kWith:
      return ParseWith();
    case kDef:
      return ParseDef(in_class, {});
    case kClass:
      if (python()) return ParseClass({});
      break;
    case '@': {
      if (!python()) break;
      std::vector<const Expr*> decorators;
      while (lex_.NextIf('@')) {
        const Expr* decorator = ParseExpr();
        if (decorator == nullptr || !Expect(kNewline)) return nullptr;
        decorators.push_back(decorator);
      }
      if (kind() == kClass) return ParseClass(tree_.Copy(decorators));
      return ParseDef(in_class, tree_.Copy(decorators));
    }
    default:
      break;
  }
  return ParseSimple();
}

const Stmt* Parser::ParseSimple() {
  const TextSpan at = here();
  const auto keyword = [&](StmtKind stmt) -> const Stmt* {
    lex_.Next();
    return EndStatement() ? tree_.NewStmt(stmt, at) : nullptr;
  };
  switch (kind()) {
    case kPass:
      return keyword(StmtKind::kPass);
    case kBreak:
      return keyword(StmtKind::kBreak);
    case kContinue:
      return keyword(StmtKind::kContinue);
    case kImport:
      if (python()) return ParseImport();
      break;
    case kReturn: {
      lex_.Next();
      const Expr* value = kind() != kNewline
                              ? ParseExprOrTuple()
                              : tree_.NewExpr(ExprKind::kNone, at);
      if (value == nullptr || !EndStatement()) return nullptr;
      auto* node = tree_.New<ReturnStmt>(Merge(at, value->span));
      node->value = value;
      return node;
    }
    case kRaise: {
      lex_.Next();
      const bool bare = python() && kind() == kNewline;
      const Expr* value = bare ? nullptr : ParseExpr();
      // The cause is not kept.
      if (python() && value != nullptr && kind() == kIdent &&
          lex_.Text(here()) == "from") {
        lex_.Next();
        if (ParseExpr() == nullptr) return nullptr;
      }
      if ((value == nullptr && !bare) || !EndStatement()) return nullptr;
      auto* node = tree_.New<RaiseStmt>(bare ? at : Merge(at, value->span));
      node->value = value;
      return node;
    }
    case kAssert: {
      lex_.Next();
      const Expr* condition = ParseExpr();
      if (condition == nullptr) return nullptr;
      const Expr* message = nullptr;
      if (lex_.NextIf(',')) {
        message = ParseExpr();
        if (message == nullptr) return nullptr;
      }
      if (!EndStatement()) return nullptr;
      TextSpan span = Merge(at, condition->span);
      if (message != nullptr) span = Merge(span, message->span);
      auto* node = tree_.New<AssertStmt>(span);
      node->condition = condition;
      node->message = message;
      return node;
    }
    case kDelete: {
      lex_.Next();
      std::vector<const Expr*> targets;
      TextSpan span = at;
      do {
        const Expr* target = ParseExpr();
        if (target == nullptr) return nullptr;
        span = Merge(span, target->span);
        targets.push_back(target);
      } while (lex_.NextIf(','));
      if (!EndStatement()) return nullptr;
      auto* node = tree_.New<DeleteStmt>(span);
      node->targets = tree_.Copy(targets);
      return node;
    }
    case kGlobal: {
      lex_.Next();
      std::vector<Identifier> names;
      TextSpan span = at;
      do {
        Identifier name;
        if (!ParseIdentifier(&name)) return nullptr;
        span = Merge(span, name.span);
        names.push_back(name);
      } while (lex_.NextIf(','));
      if (!EndStatement()) return nullptr;
      auto* node = tree_.New<GlobalStmt>(span);
      node->names = tree_.Copy(names);
      return node;
    }
    default:
      break;
  }
  if (python() && kind() == kIdent && lex_.Text(here()) == "from" &&
      lex_.Lookahead().kind != '=' && lex_.Lookahead().kind != '.') {
    return ParseImport();
  }
  const Expr* first = ParseExprOrTuple();
  if (first == nullptr) return nullptr;
  if (kind() != kNewline) return ParseAssign(first);
  if (!EndStatement()) return nullptr;
  // Texts that stand alone are comments.
  if (python() && first->kind == ExprKind::kString) {
    return tree_.NewStmt(StmtKind::kPass, first->span);
  }
  auto* node = tree_.New<ExpressionStmt>(first->span);
  node->value = first;
  return node;
}

const Stmt* Parser::ParseIf(bool elif) {
  const Nesting nesting(this);
  if (!nesting.ok()) return nullptr;
  TextSpan span = here();
  if (!elif) lex_.Next();
  const Expr* condition = ParseExpr();
  Body then;
  if (condition == nullptr || !Expect(':') || !ParseBody(&then)) {
    return nullptr;
  }
  Body otherwise;
  otherwise.span = here();
  if (lex_.NextIf(kElse)) {
    if (!Expect(':') || !ParseBody(&otherwise)) return nullptr;
  } else if (lex_.NextIf(kElif)) {
    const TextSpan at = here();
    const Stmt* nested = ParseIf(/*elif=*/true);
    if (nested == nullptr) return nullptr;
    otherwise.statements = tree_.Copy(std::vector<const Stmt*>{nested});
    otherwise.span = Merge(at, nested->span);
  }
  span = Merge(span, Merge(condition->span, then.span));
  span = Merge(span, otherwise.span);
  auto* node = tree_.New<IfStmt>(span);
  node->condition = condition;
  node->then = then;
  node->otherwise = otherwise;
  return node;
}

const Stmt* Parser::ParseFor() {
  const TextSpan keyword = here();
  TextSpan span = keyword;
  lex_.Next();
  std::vector<const Expr*> targets;
  while (kind() != kIn) {
    const Expr* target = ParseTarget();
    if (target == nullptr) return nullptr;
    span = Merge(span, target->span);
    targets.push_back(target);
    if (!lex_.NextIf(',')) break;
  }
  if (!Expect(kIn)) return nullptr;
  TextSpan iterables_span = here();
  std::vector<const Expr*> iterables;
  while (kind() != ':') {
    const Expr* iterable = ParseExpr();
    if (iterable == nullptr) return nullptr;
    iterables_span = Merge(iterables_span, iterable->span);
    iterables.push_back(iterable);
    if (!lex_.NextIf(',')) break;
  }
  Body body;
  if (!Expect(':') || !ParseBody(&body)) return nullptr;
  if (python() && kind() == kElse) {
    lex_.Fail("else branches of for loops aren't supported", keyword);
    return nullptr;
  }
  auto* node =
      tree_.New<ForStmt>(Merge(span, Merge(iterables_span, body.span)));
  node->targets = tree_.Copy(targets);
  node->iterables = tree_.Copy(iterables);
  node->body = body;
  node->iterables_span = iterables_span;
  return node;
}

const Stmt* Parser::ParseWith() {
  TextSpan span = here();
  lex_.Next();
  std::vector<WithItem> items;
  while (kind() != ':') {
    WithItem item;
    item.target = ParseExpr();
    if (item.target == nullptr) return nullptr;
    item.variable = nullptr;
    item.span = item.target->span;
    if (lex_.NextIf(kAs)) {
      Identifier name;
      if (!ParseIdentifier(&name)) return nullptr;
      auto* variable = tree_.New<NameExpr>(name.span);
      variable->name = name.name;
      item.variable = variable;
      item.span = Merge(item.span, name.span);
    }
    span = Merge(span, item.span);
    items.push_back(item);
    if (!lex_.NextIf(',')) break;
  }
  Body body;
  if (!Expect(':') || !ParseBody(&body)) return nullptr;
  auto* node = tree_.New<WithStmt>(Merge(span, body.span));
  node->items = tree_.Copy(items);
  node->body = body;
  return node;
}

// `first` is parsed already, since it could have been all of the statement.
const Stmt* Parser::ParseAssign(const Expr* first) {
  const Expr* type = nullptr;
  if (lex_.NextIf(':')) {
    type = ParseExpr();
    if (type == nullptr) return nullptr;
  }
  const int op = AugmentedOperator(kind());
  if (op != 0) {
    lex_.Next();
    const Expr* value = ParseExprOrTuple();
    if (value == nullptr || !EndStatement()) return nullptr;
    if (first->kind == ExprKind::kTuple) {
      FailAt(" augmented assignment can only have one LHS expression",
             first->span);
      return nullptr;
    }
    auto* node = tree_.New<AugAssignStmt>(Merge(first->span, value->span));
    node->target = first;
    node->op = op;
    node->value = value;
    return node;
  }
  std::vector<const Expr*> targets = {first};
  const Expr* value = nullptr;
  TextSpan span = first->span;
  if (lex_.NextIf('=')) {
    value = ParseExprOrTuple();
    if (value == nullptr) return nullptr;
    while (lex_.NextIf('=')) {
      span = Merge(span, value->span);
      targets.push_back(value);
      value = ParseExprOrTuple();
      if (value == nullptr) return nullptr;
    }
    if (type != nullptr && targets.size() > 1) {
      FailAt("Annotated multiple assignment is not supported in python",
             type->span);
      return nullptr;
    }
    span = Merge(span, value->span);
  } else if (type == nullptr) {
    lex_.FailExpected("newline", Token(lex_.cur()));
    return nullptr;
  }
  if (!EndStatement()) return nullptr;
  if (type != nullptr) span = Merge(span, type->span);
  auto* node = tree_.New<AssignStmt>(span);
  node->targets = tree_.Copy(targets);
  node->value = value;
  node->type = type;
  return node;
}

// ----------------------------------------------------------------- definitions

bool Parser::ParseParam(bool keyword_only, Param* out) {
  if (!ParseIdentifier(&out->name)) return false;
  out->type = nullptr;
  out->default_value = nullptr;
  out->keyword_only = keyword_only;
  out->span = out->name.span;
  if (lex_.NextIf(':')) {
    out->type = ParseExpr();
    if (out->type == nullptr) return false;
    out->span = Merge(out->span, out->type->span);
  } else if (!python()) {
    out->span = Merge(out->span, here());
  }
  if (lex_.NextIf('=')) {
    out->default_value = ParseExpr();
    if (out->default_value == nullptr) return false;
    out->span = Merge(out->span, out->default_value->span);
  } else if (!python()) {
    out->span = Merge(out->span, here());
  }
  return true;
}

bool Parser::ParseDecl(Decl* out) {
  out->span = here();
  if (!Expect('(')) return false;
  std::vector<Param> params;
  bool keyword_only = false;
  while (kind() != ')') {
    if (!keyword_only && lex_.NextIf('*')) {
      keyword_only = true;
      if (python() && kind() == kIdent) {
        FailAt(
            "Compiled functions can't take variable number of arguments or "
            "use keyword-only arguments with defaults",
            here());
        return false;
      }
    } else if (python() && kind() == '/') {
      lex_.Next();
    } else if (python() && (kind() == kPow || kind() == '*')) {
      FailAt(
          "Compiled functions can't take variable number of arguments or "
          "use keyword-only arguments with defaults",
          here());
      return false;
    } else {
      Param param;
      if (!ParseParam(keyword_only, &param)) return false;
      out->span = Merge(out->span, param.span);
      params.push_back(param);
    }
    if (!lex_.NextIf(',')) break;
  }
  if (!Expect(')')) return false;
  out->params = tree_.Copy(params);
  out->return_type = nullptr;
  TextSpan last = here();
  if (lex_.NextIf(kArrow)) {
    last = here();
    out->return_type = ParseExpr();
    if (out->return_type == nullptr) return false;
    last = Merge(last, out->return_type->span);
  }
  out->span = Merge(out->span, last);
  return Expect(':');
}

// `# type: (A, B) -> C` gives the parameters (but a method's self) their types.
bool Parser::ParseTypeComment(bool is_method, Decl* decl) {
  if (!Expect(kTypeComment) || !Expect('(')) return false;
  std::vector<const Expr*> types;
  while (kind() != ')') {
    const Expr* type = ParseExpr();
    if (type == nullptr) return false;
    types.push_back(type);
    if (!lex_.NextIf(',')) break;
  }
  if (!Expect(')')) return false;
  const Expr* return_type = nullptr;
  if (lex_.NextIf(kArrow)) {
    return_type = ParseExpr();
    if (return_type == nullptr) return false;
  }
  const size_t first = is_method && !decl->params.empty() ? 1 : 0;
  const size_t expected = decl->params.size() - first;
  if (expected != types.size()) {
    FailAt(absl::StrCat("Number of type annotations (", types.size(),
                        ") did not match the number of ",
                        is_method ? "method" : "function", " parameters (",
                        expected, ")"),
           decl->span);
    return false;
  }
  std::vector<Param> params(decl->params.begin(), decl->params.end());
  for (size_t i = 0; i < types.size(); ++i) params[first + i].type = types[i];
  decl->params = tree_.Copy(params);
  decl->return_type = return_type;
  return true;
}

const DefStmt* Parser::ParseDef(bool is_method, List<const Expr*> decorators) {
  const Nesting nesting(this);
  if (!nesting.ok()) return nullptr;
  Identifier name;
  Decl decl;
  if (!Expect(kDef) || !ParseIdentifier(&name) || !ParseDecl(&decl)) {
    return nullptr;
  }
  Body body;
  const TextSpan start = here();
  ++function_depth_;
  if (lex_.NextIf(kIndent)) {
    if (kind() == kTypeComment &&
        (!ParseTypeComment(is_method, &decl) || !Expect(kNewline))) {
      return nullptr;
    }
    if (!ParseStatements(here(), is_method, &body)) return nullptr;
  } else {
    if (kind() == kTypeComment && !ParseTypeComment(is_method, &decl)) {
      return nullptr;
    }
    const Stmt* statement = ParseStmt(is_method);
    if (statement == nullptr) return nullptr;
    body.statements = tree_.Copy(std::vector<const Stmt*>{statement});
    body.span = Merge(start, statement->span);
  }
  --function_depth_;
  auto* node =
      tree_.New<DefStmt>(Merge(name.span, Merge(decl.span, body.span)));
  node->name = name;
  node->decl = decl;
  node->body = body;
  node->decorators = decorators;
  return node;
}

const Stmt* Parser::ParseClass(List<const Expr*> decorators) {
  const Nesting nesting(this);
  if (!nesting.ok()) return nullptr;
  Identifier name;
  if (!Expect(kClass) || !ParseIdentifier(&name)) return nullptr;
  TextSpan span = name.span;
  std::vector<const Expr*> bases;
  if (lex_.NextIf('(')) {
    while (kind() != ')') {
      const Expr* base = ParseExpr();
      if (base == nullptr) return nullptr;
      span = Merge(span, base->span);
      bases.push_back(base);
      if (!python() || !lex_.NextIf(',')) break;
    }
    if (!Expect(')')) return nullptr;
  }
  Body body;
  if (!Expect(':') || !ParseBody(&body, /*in_class=*/true)) return nullptr;
  auto* node = tree_.New<ClassStmt>(Merge(span, body.span));
  node->name = name;
  node->bases = tree_.Copy(bases);
  node->body = body;
  node->decorators = decorators;
  return node;
}

// -------------------------------------------------------------------- the
// whole

bool Parser::ParseDottedName(std::string* out) {
  while (lex_.NextIf('.')) absl::StrAppend(out, ".");
  while (lex_.NextIf(kDots)) absl::StrAppend(out, "...");
  if (!out->empty() && kind() == kImport) return true;
  do {
    Identifier part;
    if (!ParseIdentifier(&part)) return false;
    const bool first = out->empty() || out->back() == '.';
    absl::StrAppend(out, first ? "" : ".", part.name);
  } while (lex_.NextIf('.'));
  return true;
}

const Stmt* Parser::ParseImport() {
  const TextSpan at = here();
  std::vector<ImportedName> names;
  const bool from = kind() != kImport;
  std::string module;
  lex_.Next();
  if (from && (!ParseDottedName(&module) || !Expect(kImport))) return nullptr;
  const bool bracket = from && lex_.NextIf('(');
  do {
    if (from && (lex_.NextIf('*') || kind() == ')')) continue;
    std::string name;
    if (!ParseDottedName(&name)) return nullptr;
    ImportedName imported;
    imported.qualified_name =
        tree_.Copy(from ? absl::StrCat(module, ".", name) : name);
    imported.name = tree_.Copy(name);
    if (lex_.NextIf(kAs)) {
      Identifier alias;
      if (!ParseIdentifier(&alias)) return nullptr;
      imported.name = alias.name;
    } else if (!from && name.find('.') != std::string::npos) {
      // `import a.b` makes a known.
      imported.name = imported.name.substr(0, name.find('.'));
      imported.qualified_name = imported.name;
    }
    names.push_back(imported);
  } while (lex_.NextIf(','));
  if ((bracket && !Expect(')')) || !EndStatement()) return nullptr;
  auto* node = tree_.New<ImportStmt>(at);
  node->names = tree_.Copy(names);
  return node;
}

bool Parser::ParseFile() {
  while (lex_.ok() && lex_.NextIf(kNewline)) {
  }
  while (lex_.ok() && kind() != kEof) {
    const bool version = kind() == kIdent &&
                         lex_.Text(here()) == "op_version_set" &&
                         lex_.Lookahead().kind == '=';
    if (!python() && (version || kind() == kImport)) {
      while (kind() != kNewline && kind() != kEof) lex_.Next();
      if (!Expect(kNewline)) return false;
      continue;
    }
    const Stmt* statement = nullptr;
    if (python()) {
      statement = ParseStmt(/*in_class=*/false);
    } else if (kind() == kDef) {
      statement = ParseDef(/*is_method=*/false, {});
    } else if (kind() == kClass) {
      statement = ParseClass({});
    } else {
      lex_.FailExpected("def or class", Token(lex_.cur()));
    }
    if (statement == nullptr) return false;
    tree_.AddStatement(statement);
  }
  return lex_.ok();
}

const Expr* Parser::ParseWholeExpression() {
  while (lex_.ok() && lex_.NextIf(kNewline)) {
  }
  const Expr* expr = ParseExprOrTuple();
  if (expr == nullptr) return nullptr;
  while (lex_.ok() && lex_.NextIf(kNewline)) {
  }
  if (kind() != kEof || !lex_.ok()) {
    lex_.FailExpected("eof", Token(lex_.cur()));
    return nullptr;
  }
  return expr;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SyntaxTree>> ParseFile(
    std::shared_ptr<const Source> source, Dialect dialect) {
  auto tree = std::make_unique<SyntaxTree>(std::move(source));
  Parser parser(tree.get(), dialect);
  if (!parser.ParseFile()) return parser.lexer().status();
  return tree;
}

std::vector<PythonPart> SplitPython(const Source& source) {
  const absl::string_view text = source.text();
  std::vector<PythonPart> parts;
  const auto starts_with = [&](size_t at, absl::string_view word) {
    return text.substr(at, word.size()) == word;
  };
  int64_t brackets = 0;
  bool decorated = false;  // the part so far is decorators
  for (size_t i = 0; i < text.size();) {
    const bool at_line = i == 0 || text[i - 1] == '\n';
    const char c = text[i];
    if (at_line && brackets <= 0 && c != ' ' && c != '\t' && c != '\n' &&
        c != '\r' && c != '#' && c != ')') {
      const bool goes_on = decorated || starts_with(i, "else") ||
                           starts_with(i, "elif") || starts_with(i, "except") ||
                           starts_with(i, "finally");
      if (!goes_on || parts.empty()) {
        if (!parts.empty()) parts.back().end = i;
        parts.push_back({i, text.size(), ""});
      }
      decorated = c == '@';
      for (const absl::string_view keyword : {"def ", "class ", "async def "}) {
        if (!starts_with(i, keyword)) continue;
        size_t end = i + keyword.size();
        while (end < text.size() &&
               (absl::ascii_isalnum(text[end]) || text[end] == '_')) {
          ++end;
        }
        parts.back().name = std::string(
            text.substr(i + keyword.size(), end - i - keyword.size()));
      }
    }
    if (c == '#') {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '"' || c == '\'') {
      const bool triple =
          i + 2 < text.size() && text[i + 1] == c && text[i + 2] == c;
      const size_t quotes = triple ? 3 : 1;
      const std::string close(quotes, c);
      for (i += quotes; i < text.size() && !starts_with(i, close); ++i) {
        if (text[i] == '\\') ++i;
        if (!triple && i < text.size() && text[i] == '\n') break;
      }
      i = std::min(i + quotes, text.size());
    } else {
      if (c == '(' || c == '[' || c == '{') ++brackets;
      if (c == ')' || c == ']' || c == '}') --brackets;
      ++i;
    }
  }
  return parts;
}

absl::StatusOr<std::unique_ptr<SyntaxTree>> ParsePythonPart(
    std::shared_ptr<const Source> source, const PythonPart& part) {
  auto tree = std::make_unique<SyntaxTree>(std::move(source));
  Parser parser(tree.get(), Dialect::kPython, part.begin, part.end,
                /*lines=*/true, /*depth=*/0);
  if (!parser.ParseFile()) return parser.lexer().status();
  return tree;
}

absl::StatusOr<std::unique_ptr<SyntaxTree>> ParseExpression(
    std::shared_ptr<const Source> source, const Expr** expr, Dialect dialect) {
  auto tree = std::make_unique<SyntaxTree>(std::move(source));
  Parser parser(tree.get(), dialect);
  *expr = parser.ParseWholeExpression();
  if (*expr == nullptr) return parser.lexer().status();
  return tree;
}

}  // namespace tandem::script
