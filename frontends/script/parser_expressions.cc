// Expressions to syntax trees.
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/string_literal.h"
#include "tandem/frontends/script/syntax_parser.h"

namespace tandem::script {

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
      auto* node = tree_.New<ListComprehensionExpr>(
          Merge(Merge(at, left->span), Merge(target->span, iterable->span)));
      node->element = left;
      node->target = target;
      node->iterable = iterable;
      left = Over(node, {node->element, target, iterable});
      if (left == nullptr || (python() && !ParseComprehensionRest(node))) {
        return nullptr;
      }
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

// Python: conditions and further loops of a comprehension.
bool Parser::ParseComprehensionRest(ListComprehensionExpr* node) {
  std::vector<ComprehensionFor> more;
  while (true) {
    std::vector<const Expr*> conditions;
    while (lex_.NextIf(kIf)) {
      const Expr* condition = ParseExpr(kTernaryLevel);
      if (condition == nullptr || Over(node, {condition}) == nullptr) {
        return false;
      }
      node->span = Merge(node->span, condition->span);
      conditions.push_back(condition);
    }
    (more.empty() ? node->conditions : more.back().conditions) =
        tree_.Copy(conditions);
    if (!lex_.NextIf(kFor)) break;
    ComprehensionFor next;
    next.target = ParseForTargets(kIn);
    if (next.target == nullptr || !Expect(kIn)) return false;
    next.iterable = ParseExpr(kTernaryLevel);
    if (next.iterable == nullptr ||
        Over(node, {next.target, next.iterable}) == nullptr) {
      return false;
    }
    node->span = Merge(node->span, next.iterable->span);
    more.push_back(next);
  }
  node->more = tree_.Copy(more);
  return true;
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
      if (inner == nullptr) return nullptr;
      if (python() && kind() == ':' && lex_.Lookahead().kind == '=') {
        lex_.Fail("NamedExpr aren't supported", inner->span);
      }
      return Expect(')') ? inner : nullptr;
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
        if (word == "lambda") return ParseLambda();
        if (word == "yield") lex_.Fail("Yield aren't supported", first);
        if (word == "await") lex_.Fail("Await aren't supported", first);
        if ((word == "b" || word == "B" || word == "rb" || word == "br") &&
            lex_.Lookahead().kind == kStringLiteral &&
            lex_.Lookahead().span.start == at.end) {
          lex_.Fail("bytes literals aren't supported",
                    Merge(at, lex_.Lookahead().span));
        }
      }
      Identifier name;
      if (!ParseIdentifier(&name)) return nullptr;
      auto* node = tree_.New<NameExpr>(name.span);
      node->name = name.name;
      return node;
    }
  }
}

const Expr* Parser::ParseLambda() {
  TextSpan span = here();
  Refuse("Lambda aren't supported", {span.start, span.start + 1});
  lex_.Next();
  std::vector<Identifier> params;
  while (kind() != ':') {
    Identifier name;
    if (!ParseIdentifier(&name)) return nullptr;
    params.push_back(name);
    if (!lex_.NextIf(',')) break;
  }
  if (kind() != ':') lex_.Fail("Lambda aren't supported", span);
  if (!Expect(':')) return nullptr;
  const Expr* body = ParseExpr();
  if (body == nullptr) return nullptr;
  auto* node = tree_.New<LambdaExpr>(Merge(span, body->span));
  node->params = tree_.Copy(params);
  node->body = body;
  return Over(node, {body});
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
  if (formatted) return MakeFormatted(text, values, whole);
  auto* node = tree_.New<StringExpr>(python() ? whole : at);
  node->value = tree_.Copy(text);
  return node;
}

// f"a{x}" means "a{}".format(x).
const Expr* Parser::MakeFormatted(absl::string_view text,
                                  const std::vector<const Expr*>& values,
                                  TextSpan whole) {
  auto* node = tree_.New<StringExpr>(whole);
  node->value = tree_.Copy(text);
  auto* format = tree_.New<AttributeExpr>(whole);
  format->value = node;
  format->attribute = Identifier{"format", whole};
  auto* call = tree_.New<CallExpr>(whole);
  call->callee = format;
  call->inputs = tree_.Copy(values);
  call->inputs_span = whole;
  return Over(call, {format}, call->inputs);
}

// A call of what the resolver knows by this name.
const Expr* Parser::MakeCall(absl::string_view name,
                             const std::vector<const Expr*>& inputs,
                             TextSpan whole) {
  auto* callee = tree_.New<NameExpr>(whole);
  callee->name = name;
  auto* call = tree_.New<CallExpr>(whole);
  call->callee = callee;
  call->inputs = tree_.Copy(inputs);
  call->inputs_span = whole;
  return Over(call, {callee}, call->inputs);
}

// Appends the text of f"…" with {} for each expression in it, and these.
bool Parser::ParseFormatted(TextSpan literal, std::string* text,
                            std::vector<const Expr*>* values) {
  bool raw = false;
  const absl::string_view whole = lex_.Text(literal);
  const absl::string_view body = StringLiteralBody(whole, &raw);
  const size_t offset = literal.start + (body.data() - whole.data());
  return ParseFormattedBody(body, offset, raw, literal, text, values);
}

bool Parser::ParseFormattedBody(absl::string_view body, size_t offset, bool raw,
                                TextSpan literal, std::string* text,
                                std::vector<const Expr*>* values) {
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
      // "{}" would be a place for a value.
      if (body[brace] == '}' && !text->empty() && text->back() == '{') {
        auto* open = tree_.New<StringExpr>(literal);
        open->value = "{";
        values->push_back(open);
        *text += '}';
      }
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
    // `!r` or `!s`, then the specification up to the `}`, where `{…}` may nest.
    const size_t value_end = end;
    char conversion = 0;
    if (end + 1 < body.size() && body[end] == '!') {
      conversion = body[end + 1];
      end += 2;
    }
    absl::string_view spec;
    size_t spec_offset = 0;
    if (end < body.size() && body[end] == ':') {
      spec_offset = ++end;
      for (int inside = 0; end < body.size(); ++end) {
        if (body[end] == '}' && inside-- == 0) break;
        if (body[end] == '{') ++inside;
      }
      spec = body.substr(spec_offset, end - spec_offset);
    }
    if (body[brace] == '}' || end >= body.size() || body[end] != '}' ||
        (conversion != 0 && conversion != 'r' && conversion != 's')) {
      lex_.Fail(conversion != 0 ? "Don't support conversion in JoinedStr"
                                : "Don't support formatting in JoinedStr",
                literal);
      return false;
    }
    const Nesting nesting(this);
    if (!nesting.ok()) return false;
    Parser inner(&tree_, dialect_, offset + brace + 1, offset + value_end,
                 /*lines=*/false, depth_);
    const Expr* value = inner.ParseWholeExpression();
    if (value == nullptr) {
      lex_.Adopt(inner.lex_.status());
      return false;
    }
    if (conversion != 0) {
      value = MakeCall(conversion == 'r' ? "builtins.repr" : "str", {value},
                       literal);
      if (value == nullptr) return false;
    }
    if (!spec.empty()) {
      std::string spec_text;
      std::vector<const Expr*> spec_values;
      if (!ParseFormattedBody(spec, offset + spec_offset, raw, literal,
                              &spec_text, &spec_values)) {
        return false;
      }
      const Expr* format = nullptr;
      if (spec_values.empty()) {
        auto* plain = tree_.New<StringExpr>(literal);
        plain->value = tree_.Copy(spec_text);
        format = plain;
      } else {
        format = MakeFormatted(spec_text, spec_values, literal);
      }
      value = format == nullptr
                  ? nullptr
                  : MakeCall("builtins.format", {value, format}, literal);
      if (value == nullptr) return false;
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
  if (comprehension && elements.size() == 1) {
    if (!python()) return elements[0];
    auto* node = tree_.New<ListComprehensionExpr>(span);
    const auto& inner = *elements[0]->As<ListComprehensionExpr>();
    node->element = inner.element;
    node->target = inner.target;
    node->iterable = inner.iterable;
    node->conditions = inner.conditions;
    node->more = inner.more;
    node->height = inner.height;
    return node;
  }
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
      node->conditions = inner->conditions;
      node->more = inner->more;
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
      Keyword keyword;
      keyword.value = ParseExpr();
      if (keyword.value == nullptr) return nullptr;
      keyword.span = keyword.value->span;
      keyword.name.span = keyword.span;
      Refuse("keyword-arg expansion is not supported", keyword.span);
      span = Merge(span, keyword.span);
      keywords.push_back(keyword);
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

}  // namespace tandem::script
