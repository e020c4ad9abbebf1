#include "tandem/frontends/script/lexer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/tree.h"

namespace tandem::script {
namespace {

// Blank as C's isspace says, without the line feed: so a line may end in \r\n.
bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsHexDigit(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
// Bytes above 0x7f belong to names: Python writes these in UTF-8.
bool IsIdentStart(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsIdentPart(char c) { return IsIdentStart(c) || IsDigit(c); }

struct Operator {
  absl::string_view text;
  int kind;
  bool python_only = false;
};

// Longest first among those with one prefix.
constexpr Operator kOperators[] = {
    {"...", kDots},
    {"<<=", kLShiftEq},
    {">>=", kRShiftEq},
    {"**=", kPowEq},
    {"//=", kFloorDivEq, true},
    {"==", kEq},
    {"!=", kNe},
    {"<=", kLe},
    {">=", kGe},
    {"//", kFloorDiv},
    {"<<", kLShift},
    {">>", kRShift},
    {"+=", kPlusEq},
    {"-=", kMinusEq},
    {"*=", kTimesEq},
    {"/=", kDivEq},
    {"%=", kModEq},
    {"|=", kBitOrEq},
    {"&=", kBitAndEq},
    {"^=", kBitXorEq},
    {"@=", kMatMulEq, true},
    {"**", kPow},
    {"->", kArrow},
};
constexpr absl::string_view kSingles = "+-*/%@()[]:,={}><.?!&^|~";
constexpr absl::string_view kTypeCommentText = "# type:";

}  // namespace

SourceRange Lexer::Range(TextSpan span) const {
  if (tree_ != nullptr) return tree_->Range(span);
  return SourceRange(source_, span.start, span.end);
}

Lexer::Lexer(std::shared_ptr<const Source> source, Dialect dialect)
    : source_(std::move(source)), text_(source_->text()), dialect_(dialect) {
  Token first;
  LexRaw(/*whitespace=*/true, &first);
  indents_.push_back(first.span.end - first.span.start);
  Lex();
}

Lexer::Lexer(std::shared_ptr<const Source> source, Dialect dialect,
             size_t begin, size_t end, bool lines)
    : source_(std::move(source)),
      text_(source_->text().substr(0, end)),
      dialect_(dialect),
      pos_(begin),
      nesting_(lines ? 0 : 1) {
  Token first;
  if (lines) LexRaw(/*whitespace=*/true, &first);
  indents_.push_back(first.span.end - first.span.start);
  Lex();
}

const Token& Lexer::Lookahead() {
  if (queue_.size() < 2) Lex();
  return queue_.size() < 2 ? queue_.front() : queue_[1];
}

Token Lexer::Next() {
  const Token token = queue_.front();
  queue_.pop_front();
  if (queue_.empty()) Lex();
  return token;
}

bool Lexer::NextIf(int kind) {
  if (cur().kind != kind) return false;
  Next();
  return true;
}

absl::Status Lexer::Error(absl::string_view message, TextSpan at) const {
  return absl::InvalidArgumentError(
      absl::StrCat(message, ":\n", Range(at).Highlight()));
}

void Lexer::Fail(absl::string_view message, TextSpan at) {
  if (!status_.ok()) return;
  status_ = Error(message, at);
  queue_.clear();
  queue_.push_back(Token{kEof, at});
  pos_ = text_.size();
}

void Lexer::Adopt(const absl::Status& status) {
  if (!status_.ok() || status.ok()) return;
  Fail("", cur().span);
  status_ = status;
}

void Lexer::FailExpected(absl::string_view what, const Token& found) {
  Fail(absl::StrCat("expected ", (what), " but found '",
                    TokenKindName(found.kind), "' here"),
       found.span);
}

void Lexer::Lex() {
  if (!status_.ok()) {
    queue_.push_back(Token{kEof, {}});
    return;
  }
  Token token;
  const Raw raw = LexRaw(/*whitespace=*/false, &token);
  if (raw != Raw::kToken) {
    PushIndentation(raw, token.span);
    return;
  }
  switch (token.kind) {
    case '(':
    case '[':
    case '{':
      ++nesting_;
      break;
    case ')':
    case ']':
    case '}':
      --nesting_;
      break;
    default:
      break;
  }
  queue_.push_back(token);
  if (!status_.ok()) {
    // The failure is the first token that the parser has not seen yet.
    queue_.clear();
    queue_.push_back(Token{kEof, token.span});
  }
}

void Lexer::PushIndentation(Raw raw, TextSpan span) {
  // White space before the end may be anything: code may stand indented in a
  // string of other code.
  const size_t depth =
      raw == Raw::kWhitespaceEof ? indents_.front() : span.end - span.start;
  if (depth > indents_.back()) {
    indents_.push_back(depth);
    queue_.push_back(Token{kIndent, span});
    return;
  }
  queue_.push_back(Token{kNewline, span});
  while (indents_.back() != depth) {
    indents_.pop_back();
    queue_.push_back(Token{kDedent, span});
    if (indents_.empty()) {
      indents_.push_back(depth);
      Fail(absl::StrCat("invalid indent level ", depth), span);
      return;
    }
  }
}

Lexer::Raw Lexer::LexRaw(bool whitespace, Token* token) {
  size_t at = pos_;
  size_t start = at;
  while (true) {
    start = at;
    while (at < text_.size() && IsBlank(text_[at])) ++at;
    if (at >= text_.size()) break;
    const char c = text_[at];
    if (c == '#' &&
        text_.substr(at, kTypeCommentText.size()) != kTypeCommentText) {
      at = std::min(text_.find('\n', at), text_.size());
      continue;
    }
    if (c == ';' && dialect_ == Dialect::kPython && nesting_ <= 0 &&
        !whitespace) {
      // Ends a statement; before a line's end it says nothing.
      size_t next = at + 1;
      while (next < text_.size() && IsBlank(text_[next])) ++next;
      if (next < text_.size() && text_[next] != '\n' && text_[next] != '#') {
        token->kind = kNewline;
        token->span = {static_cast<uint32_t>(at),
                       static_cast<uint32_t>(at + 1)};
        pos_ = next;
        return Raw::kToken;
      }
      at = next;
      continue;
    }
    if (c == '\\' && !whitespace) {
      size_t next = at + 1;
      if (next < text_.size() && text_[next] == '\r') ++next;
      if (next < text_.size() && text_[next] == '\n') {
        at = next + 1;
        continue;
      }
    }
    if (c != '\n') break;
    ++at;
    whitespace = nesting_ <= 0;
  }
  const bool at_end = at >= text_.size();
  if (whitespace) {
    token->span = {static_cast<uint32_t>(start), static_cast<uint32_t>(at)};
    pos_ = at;
    return at_end ? Raw::kWhitespaceEof : Raw::kWhitespace;
  }
  size_t end = at;
  if (at_end) {
    token->kind = kEof;
  } else if (MatchNumber(at, &end)) {
    token->kind = kNumber;
  } else if (int string = MatchString(at, &end); string != 0) {
    token->kind = string;
  } else if (IsIdentStart(text_[at])) {
    while (end < text_.size() && IsIdentPart(text_[end])) ++end;
    token->kind = KeywordKind(text_.substr(at, end - at));
    // `is not` and `not in` are one token each, if one blank is between.
    const absl::string_view rest = text_.substr(end);
    const auto follows = [&](absl::string_view word) {
      return rest.substr(0, word.size()) == word &&
             (rest.size() == word.size() || !IsIdentPart(rest[word.size()]));
    };
    if (token->kind == kIs && follows(" not")) {
      token->kind = kIsNot;
      end += 4;
    } else if (token->kind == kNot && follows(" in")) {
      token->kind = kNotIn;
      end += 3;
    }
  } else {
    token->kind = MatchOperator(at, &end);
  }
  token->span = {static_cast<uint32_t>(at), static_cast<uint32_t>(end)};
  pos_ = end;
  if (token->kind == 0) {
    token->span.end = token->span.start + 1;
    Fail(absl::StrCat("expected a valid token but found '",
                      (text_.substr(at, 1)), "' here"),
         token->span);
    token->kind = kEof;
  }
  return Raw::kToken;
}

// What strtod takes in the C locale, without sign, infinities and nan; and a
// `j` after it.
bool Lexer::MatchNumber(size_t at, size_t* end) const {
  const auto peek = [&](size_t i) {
    return i < text_.size() ? text_[i] : '\0';
  };
  size_t i = at;
  const bool python = dialect_ == Dialect::kPython;
  const char second = peek(at + 1);
  const bool hex = peek(at) == '0' && (second == 'x' || second == 'X') &&
                   (IsHexDigit(peek(at + 2)) ||
                    (peek(at + 2) == '.' && IsHexDigit(peek(at + 3))));
  if (python && peek(at) == '0' &&
      (second == 'b' || second == 'B' || second == 'o' || second == 'O')) {
    i += 2;
    while (IsDigit(peek(i)) || peek(i) == '_') ++i;
    *end = i;
    return i > at + 2;
  }
  const auto is_digit = [&](char c) {
    return hex ? IsHexDigit(c) : IsDigit(c);
  };
  if (hex) i += 2;
  size_t digits = 0;
  const auto skip_digits = [&] {
    while (is_digit(peek(i)) ||
           (python && digits > 0 && peek(i) == '_' && is_digit(peek(i + 1)))) {
      ++i;
      ++digits;
    }
  };
  skip_digits();
  if (peek(i) == '.') {
    if (digits == 0 && !is_digit(peek(i + 1))) return false;
    ++i;
    skip_digits();
  }
  if (digits == 0) return false;
  const char mark = peek(i);
  if (hex ? (mark == 'p' || mark == 'P') : (mark == 'e' || mark == 'E')) {
    size_t j = i + 1;
    if (peek(j) == '+' || peek(j) == '-') ++j;
    if (IsDigit(peek(j))) {
      while (IsDigit(peek(j))) ++j;
      i = j;
    }
  }
  if (peek(i) == 'j' || (python && peek(i) == 'J')) ++i;
  *end = i;
  return true;
}

int Lexer::MatchString(size_t at, size_t* end) const {
  int kind = kStringLiteral;
  size_t i = at;
  if (dialect_ == Dialect::kPython) {
    for (; i < text_.size() && i < at + 2; ++i) {
      const char c = text_[i];
      if (c == 'f' || c == 'F') {
        kind = kFormattedString;
      } else if (c != 'r' && c != 'R' && c != 'u' && c != 'U') {
        break;
      }
    }
  }
  if (i >= text_.size()) return 0;
  const char quote = text_[i];
  if (quote != '"' && quote != '\'') return 0;
  const auto is_run = [&](size_t from, size_t count) {
    if (from + count > text_.size()) return false;
    for (size_t k = 0; k < count; ++k) {
      if (text_[from + k] != quote) return false;
    }
    return true;
  };
  const size_t quotes = is_run(i, 3) ? 3 : 1;
  i += quotes;
  while (i < text_.size() && !is_run(i, quotes)) {
    if (text_[i] == '\n' && quotes == 1) return 0;
    if (text_[i] == '\\') ++i;
    ++i;
  }
  if (i >= text_.size()) return 0;
  *end = i + quotes;
  return kind;
}

int Lexer::MatchOperator(size_t at, size_t* end) const {
  if (text_.substr(at, kTypeCommentText.size()) == kTypeCommentText) {
    *end = at + kTypeCommentText.size();
    return kTypeComment;
  }
  for (const Operator& op : kOperators) {
    if (op.python_only && dialect_ != Dialect::kPython) continue;
    if (text_.substr(at, op.text.size()) == op.text) {
      *end = at + op.text.size();
      return op.kind;
    }
  }
  if (text_[at] != '\0' &&
      kSingles.find(text_[at]) != absl::string_view::npos) {
    *end = at + 1;
    return static_cast<unsigned char>(text_[at]);
  }
  return 0;
}

}  // namespace tandem::script
