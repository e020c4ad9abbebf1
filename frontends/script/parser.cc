#include "tandem/frontends/script/parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/syntax_parser.h"

namespace tandem::script {

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

std::shared_ptr<const SourceParts> ShownParts(
    const Source& source, const std::vector<PythonPart>& parts) {
  auto shown = std::make_shared<SourceParts>();
  const absl::string_view text = source.text();
  for (const PythonPart& part : parts) {
    if (part.name.empty()) continue;
    shown->Add(source, part.begin, part.end, /*inner=*/false);
    // Methods stand where the body of the class is indented to, each up to the
    // next.
    size_t indent = 0;
    size_t method = 0;  // where the one that is open begins; 0 if none is
    const auto close = [&](size_t end) {
      if (method != 0) shown->Add(source, method, end, /*inner=*/true);
      method = 0;
    };
    bool is_class = false;
    bool decorated = false;
    for (size_t line = part.begin; line < part.end;) {
      const size_t end = std::min(text.find('\n', line), part.end);
      const size_t first = text.find_first_not_of(" \t", line);
      const absl::string_view words =
          first < end ? text.substr(first, end - first) : "";
      const size_t depth = words.empty() ? 0 : first - line;
      if (depth == 0) {
        is_class = is_class || absl::StartsWith(words, "class ");
      } else if (is_class && words[0] != '#') {
        if (indent == 0) indent = depth;
        if (depth == indent && words[0] != ')') {
          const bool starts = words[0] == '@' ||
                              absl::StartsWith(words, "def ") ||
                              absl::StartsWith(words, "async ");
          if (!decorated) close(line);
          if (starts && !decorated) method = line;
          decorated = words[0] == '@';
        }
      }
      line = end + 1;
    }
    close(part.end);
  }
  return shown;
}

absl::StatusOr<std::unique_ptr<SyntaxTree>> ParsePythonPart(
    std::shared_ptr<const Source> source, const PythonPart& part,
    std::shared_ptr<const SourceParts> shown) {
  auto tree = std::make_unique<SyntaxTree>(std::move(source), std::move(shown));
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
