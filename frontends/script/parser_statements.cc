// Statements to syntax trees.
#include <functional>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/syntax_parser.h"

namespace tandem::script {

bool Parser::ParseStatements(TextSpan start, bool in_class, Body* out) {
  std::vector<const Stmt*> statements;
  TextSpan span = start;
  do {
    const bool method =
        python() && in_class && (kind() == kDef || kind() == '@');
    const Stmt* statement = method ? ParseMethod() : ParseStmt(in_class);
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
    std::vector<const Stmt*> statements;
    out->span = start;
    do {
      goes_on_ = false;
      const Stmt* statement = ParseStmt(in_class);
      if (statement == nullptr) return false;
      out->span = statements.empty() ? statement->span
                                     : Merge(out->span, statement->span);
      statements.push_back(statement);
    } while (goes_on_);
    out->statements = tree_.Copy(statements);
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
    if (function_depth_ > 0 && kind() == kClass) {
      lex_.Fail("class definitions aren't supported", at);
    }
    if (kind() == kIdent && lex_.Text(at) == "async" &&
        (lex_.Lookahead().kind == kDef || lex_.Lookahead().kind == kFor ||
         lex_.Lookahead().kind == kWith)) {
      lex_.Fail("async functions aren't supported", at);
    }
    if (kind() == kIdent && lex_.Text(at) == "match") {
      const int next = lex_.Lookahead().kind;
      if (next == kIdent || next == kNumber || next == kStringLiteral) {
        lex_.Fail("Match aren't supported", {at.start, at.start + 1});
      }
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
      auto* node =
          tree_.New<WhileStmt>(Merge(span, Merge(condition->span, body.span)));
      node->condition = condition;
      node->body = body;
      if (python() && lex_.NextIf(kElse)) {
        return ParseLoopElse(node, &node->body);
      }
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
  otherwise.span = python() ? then.span : here();
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
  auto* node =
      tree_.New<ForStmt>(Merge(span, Merge(iterables_span, body.span)));
  node->targets = tree_.Copy(targets);
  node->iterables = tree_.Copy(iterables);
  node->body = body;
  node->iterables_span = iterables_span;
  if (python() && lex_.NextIf(kElse)) return ParseLoopElse(node, &node->body);
  return node;
}

// `loop … else: body` runs the body if no `break` ended the loop:
//   flag = True
//   loop … (flag = False before each break)
//   if flag: body
const Stmt* Parser::ParseLoopElse(const Stmt* loop, Body* loop_body) {
  Body otherwise;
  if (!Expect(':') || !ParseBody(&otherwise)) return nullptr;
  const absl::string_view flag =
      tree_.Copy(absl::StrCat("_no_break_at_", loop->span.start));
  const auto assign = [&](bool value, TextSpan at) {
    auto* name = tree_.New<NameExpr>(at);
    name->name = flag;
    auto* node = tree_.New<AssignStmt>(at);
    node->targets = tree_.Copy(std::vector<const Expr*>{name});
    node->value = tree_.NewExpr(value ? ExprKind::kTrue : ExprKind::kFalse, at);
    return node;
  };
  // Breaks of loops inside are theirs.
  const std::function<List<const Stmt*>(List<const Stmt*>)> marked =
      [&](List<const Stmt*> statements) {
        std::vector<const Stmt*> out;
        for (const Stmt* stmt : statements) {
          if (stmt->kind == StmtKind::kBreak) {
            out.push_back(assign(false, stmt->span));
          } else if (const auto* branch = stmt->As<IfStmt>()) {
            auto* copy = tree_.New<IfStmt>(stmt->span);
            *copy = *branch;
            copy->then.statements = marked(branch->then.statements);
            copy->otherwise.statements = marked(branch->otherwise.statements);
            stmt = copy;
          } else if (const auto* with = stmt->As<WithStmt>()) {
            auto* copy = tree_.New<WithStmt>(stmt->span);
            *copy = *with;
            copy->body.statements = marked(with->body.statements);
            stmt = copy;
          }
          out.push_back(stmt);
        }
        return tree_.Copy(out);
      };
  loop_body->statements = marked(loop_body->statements);
  auto* condition = tree_.New<NameExpr>(loop->span);
  condition->name = flag;
  auto* last = tree_.New<IfStmt>(otherwise.span);
  last->condition = condition;
  last->then = otherwise;
  last->otherwise.span = otherwise.span;
  auto* whole = tree_.New<IfStmt>(Merge(loop->span, otherwise.span));
  whole->condition = tree_.NewExpr(ExprKind::kTrue, loop->span);
  whole->then.statements = tree_.Copy(
      std::vector<const Stmt*>{assign(true, loop->span), loop, last});
  whole->then.span = whole->span;
  whole->otherwise.span = whole->span;
  return whole;
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

}  // namespace tandem::script
