// Functions and classes to syntax trees.
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/syntax_parser.h"

namespace tandem::script {
namespace {

constexpr absl::string_view kNoVariadic =
    "Compiled functions can't take variable number of arguments or use "
    "keyword-only arguments with defaults";

}  // namespace

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
  out->variadic = Identifier{};
  out->keywords = Identifier{};
  if (!Expect('(')) return false;
  std::vector<Param> params;
  bool keyword_only = false;
  while (kind() != ')') {
    if (!keyword_only && lex_.NextIf('*')) {
      keyword_only = true;
      if (python() && kind() == kIdent) {
        Refuse(kNoVariadic, {here().start - 1, here().end});
        if (!ParseIdentifier(&out->variadic)) return false;
        if (lex_.NextIf(':') && ParseExpr() == nullptr) return false;
      }
    } else if (python() && kind() == '/') {
      lex_.Next();
    } else if (python() && kind() == kPow) {
      const TextSpan stars = here();
      lex_.Next();
      Refuse(kNoVariadic, Merge(stars, here()));
      if (!ParseIdentifier(&out->keywords)) return false;
      if (lex_.NextIf(':') && ParseExpr() == nullptr) return false;
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
  Token keyword;
  if (function_depth_ == 0) deferred_ = nullptr;
  if (!Expect(kDef, &keyword) || !ParseIdentifier(&name) || !ParseDecl(&decl)) {
    return nullptr;
  }
  if (python()) decl.span = Merge(keyword.span, decl.span);
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
    std::vector<const Stmt*> statements;
    body.span = start;
    do {
      goes_on_ = false;
      const Stmt* statement = ParseStmt(is_method);
      if (statement == nullptr) return nullptr;
      statements.push_back(statement);
      body.span = Merge(body.span, statement->span);
    } while (goes_on_);
    body.statements = tree_.Copy(statements);
  }
  --function_depth_;
  auto* node =
      tree_.New<DefStmt>(Merge(name.span, Merge(decl.span, body.span)));
  node->name = name;
  node->decl = decl;
  node->body = body;
  node->decorators = decorators;
  node->error = deferred_;
  return node;
}

const Stmt* Parser::ParseMethod() {
  const Lexer begin = lex_;
  const int depth = depth_;
  const int function_depth = function_depth_;
  const Stmt* stmt = ParseStmt(/*in_class=*/true);
  if (stmt != nullptr) return stmt;
  const absl::Status why = lex_.status();
  const Lexer failed = lex_;
  lex_ = begin;
  depth_ = depth;
  function_depth_ = function_depth;
  // The decorators say whether it is one of those that nobody compiles.
  std::vector<const Expr*> decorators;
  while (lex_.NextIf('@')) {
    const Expr* decorator = ParseExpr();
    if (decorator == nullptr || !Expect(kNewline)) return nullptr;
    decorators.push_back(decorator);
  }
  const TextSpan start = here();
  Identifier name;
  if (!Expect(kDef) || !ParseIdentifier(&name)) {
    lex_ = failed;
    return nullptr;
  }
  int open = 0;
  bool body = false;
  while (lex_.ok() && kind() != kEof) {
    const int token = lex_.Next().kind;
    open += token == kIndent ? 1 : token == kDedent ? -1 : 0;
    body = body || token == kIndent || token == kNewline;
    if (body && open == 0) break;
  }
  if (!lex_.ok() || open != 0) {
    lex_ = failed;
    return nullptr;
  }
  auto* node = tree_.New<DefStmt>(Merge(start, name.span));
  node->name = name;
  node->decl.span = node->span;
  node->body.span = node->span;
  node->decorators = tree_.Copy(decorators);
  node->error = tree_.Keep(why);
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

}  // namespace tandem::script
