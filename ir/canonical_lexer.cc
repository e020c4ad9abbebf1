#include "tandem/ir/canonical_lexer.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tandem::canonical {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsNameStart(char c) {
  return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_';
}

bool IsNameChar(char c) { return IsNameStart(c) || IsDigit(c); }

// The length of a name at the front: parts joined by "." and "::".
size_t NameLength(absl::string_view s) {
  if (s.empty() || !IsNameStart(s[0])) return 0;
  size_t n = 1;
  while (n < s.size()) {
    if (IsNameChar(s[n])) {
      ++n;
    } else if (s[n] == '.' && n + 1 < s.size() && IsNameChar(s[n + 1])) {
      n += 2;
    } else if (s[n] == ':' && n + 2 < s.size() && s[n + 1] == ':' &&
               IsNameChar(s[n + 2])) {
      n += 3;
    } else {
      break;
    }
  }
  return n;
}

// The length of "…" at the front with its quotes; 0 when it does not end on
// its line.
size_t StringLength(absl::string_view s) {
  for (size_t i = 1; i < s.size() && s[i] != '\n'; ++i) {
    if (s[i] == '\\') {
      ++i;
      if (i < s.size() && s[i] == '\n') return 0;
    } else if (s[i] == '"') {
      return i + 1;
    }
  }
  return 0;
}

size_t DigitsLength(absl::string_view s) {
  size_t n = 0;
  while (n < s.size() && IsDigit(s[n])) ++n;
  return n;
}

// A number at the front; `kind` becomes kInt, kFloat or kHex.
size_t NumberLength(absl::string_view s, Token::Kind* kind) {
  *kind = Token::Kind::kInt;
  if (absl::StartsWith(s, "0x")) {
    size_t n = 2;
    while (n < s.size() &&
           absl::ascii_isxdigit(static_cast<unsigned char>(s[n]))) {
      ++n;
    }
    *kind = Token::Kind::kHex;
    return n;
  }
  size_t n = s[0] == '-' ? 1 : 0;
  if (n == 1 && (absl::StartsWith(s, "-inf") || absl::StartsWith(s, "-nan"))) {
    *kind = Token::Kind::kFloat;
    return 4;
  }
  n += DigitsLength(s.substr(n));
  if (n < s.size() && s[n] == '.' && s.substr(n, 3) != "...") {
    *kind = Token::Kind::kFloat;
    ++n;
    n += DigitsLength(s.substr(n));
  }
  if (n < s.size() && (s[n] == 'e' || s[n] == 'E')) {
    size_t m = n + 1;
    if (m < s.size() && (s[m] == '+' || s[m] == '-')) ++m;
    const size_t digits = DigitsLength(s.substr(m));
    if (digits != 0) {
      *kind = Token::Kind::kFloat;
      n = m + digits;
    }
  }
  return n;
}

}  // namespace

void Lexer::SkipSpace() {
  while (position_ < text_.size()) {
    const char c = text_[position_];
    if (c == '#') {
      position_ = std::min(text_.find('\n', position_), text_.size());
    } else if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++position_;
    } else {
      break;
    }
  }
}

void Lexer::Take(Token::Kind kind, size_t size) {
  token_ = {kind, text_.substr(position_, size)};
  position_ += size;
}

void Lexer::Next() {
  last_end_ = position_;
  SkipSpace();
  start_ = position_;
  if (position_ == text_.size()) return Take(Token::Kind::kEnd, 0);
  const absl::string_view rest = text_.substr(position_);
  const char c = rest[0];
  const char d = rest.size() > 1 ? rest[1] : '\0';
  if (c == '%') {
    size_t n = d == '"' ? StringLength(rest.substr(1)) : 0;
    if (d != '"') {
      while (n + 1 < rest.size() &&
             (IsNameChar(rest[n + 1]) || rest[n + 1] == '.')) {
        ++n;
      }
    }
    if (n == 0) return Take(Token::Kind::kBad, 1);
    Take(Token::Kind::kValue, n + 1);
    token_.text.remove_prefix(1);
    return;
  }
  if (c == '"') {
    const size_t n = StringLength(rest);
    return n == 0 ? Take(Token::Kind::kBad, 1) : Take(Token::Kind::kString, n);
  }
  if (IsNameStart(c)) return Take(Token::Kind::kName, NameLength(rest));
  if (IsDigit(c) ||
      (c == '-' && (IsDigit(d) || absl::StartsWith(rest, "-inf") ||
                    absl::StartsWith(rest, "-nan")))) {
    Token::Kind kind;
    const size_t n = NumberLength(rest, &kind);
    return Take(kind, n);
  }
  if (absl::StartsWith(rest, "...")) return Take(Token::Kind::kPunct, 3);
  if (absl::StartsWith(rest, "->")) return Take(Token::Kind::kPunct, 2);
  constexpr absl::string_view kPunctuation = "()[]{}:,=<>?*@~!|";
  Take(kPunctuation.find(c) != absl::string_view::npos ? Token::Kind::kPunct
                                                       : Token::Kind::kBad,
       1);
}

std::string Lexer::TakeLines(absl::string_view prefix) {
  std::string lines;
  bool first = true;
  position_ = std::min(text_.find('\n', last_end_), text_.size());
  while (position_ < text_.size() &&
         absl::StartsWith(text_.substr(position_ + 1), prefix)) {
    const size_t start = position_ + 1 + prefix.size();
    position_ = std::min(text_.find('\n', start), text_.size());
    if (!first) lines.push_back('\n');
    first = false;
    absl::StrAppend(&lines, text_.substr(start, position_ - start));
  }
  Next();
  return lines;
}

absl::Status Lexer::ErrorAt(size_t offset, absl::string_view message) const {
  const absl::string_view before = text_.substr(0, offset);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const size_t line_start = before.rfind('\n') == absl::string_view::npos
                                ? 0
                                : before.rfind('\n') + 1;
  return absl::InvalidArgumentError(
      absl::StrCat(line, ":", offset - line_start + 1, ": ", message));
}

absl::Status Lexer::Error(absl::string_view expected) const {
  std::string got;
  switch (token_.kind) {
    case Token::Kind::kEnd:
      got = "the end of the text";
      break;
    case Token::Kind::kBad:
      got = token_.text == "\""
                ? "a string without an end on its line"
                : absl::StrCat("'", absl::CHexEscape(token_.text), "'");
      break;
    default: {
      constexpr size_t kMaxShown = 60;
      got = absl::StrCat("'", token_.kind == Token::Kind::kValue ? "%" : "",
                         absl::CHexEscape(token_.text.substr(0, kMaxShown)),
                         token_.text.size() > kMaxShown ? "…'" : "'");
    }
  }
  return ErrorAt(start_, absl::StrCat("expected ", expected, ", got ", got));
}

std::string Unquote(absl::string_view quoted) {
  const absl::string_view s = quoted.substr(1, quoted.size() - 2);
  std::string out;
  out.reserve(s.size());
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\' || i + 1 == s.size()) {
      out.push_back(s[i]);
      continue;
    }
    const char c = s[++i];
    if (c >= '0' && c <= '7') {
      int code = 0;
      size_t n = 0;
      while (n < 3 && i + n < s.size() && s[i + n] >= '0' && s[i + n] <= '7') {
        code = code * 8 + (s[i + n] - '0');
        ++n;
      }
      i += n - 1;
      out.push_back(static_cast<char>(code));
      continue;
    }
    constexpr absl::string_view kEscapes = "abfnrtv";
    constexpr absl::string_view kMeanings = "\a\b\f\n\r\t\v";
    const size_t known = kEscapes.find(c);
    out.push_back(known == absl::string_view::npos ? c : kMeanings[known]);
  }
  return out;
}

bool IsPlainName(absl::string_view name) {
  return !name.empty() && NameLength(name) == name.size();
}

}  // namespace tandem::canonical
