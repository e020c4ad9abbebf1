// Tokens of canonical text.
#ifndef TANDEM_IR_CANONICAL_LEXER_H_
#define TANDEM_IR_CANONICAL_LEXER_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tandem::canonical {

struct Token {
  enum class Kind : uint8_t {
    kEnd,
    kValue,   // %x.1, %"odd name"; the text is without the %
    kName,    // aten::add.Tensor, __torch__.M, block0
    kInt,     // -12
    kFloat,   // 1.5, 1., 1e-05, -inf, -nan (inf and nan are names)
    kHex,     // 0x7fc00000
    kString,  // "text" with quotes and escapes
    kPunct,   // one character, "->" or "..."
    kBad,     // nothing of these; the text is one byte or an open string
  };
  Kind kind = Kind::kEnd;
  absl::string_view text;
};

// Reads from front to back with one token of lookahead. A copy is a bookmark.
class Lexer {
 public:
  explicit Lexer(absl::string_view text) : text_(text) { Next(); }

  const Token& token() const { return token_; }
  void Next();
  // Goes on at this offset.
  void Seek(size_t offset) {
    position_ = offset;
    Next();
  }
  absl::string_view text() const { return text_; }
  bool at(absl::string_view punct) const {
    return token_.kind == Token::Kind::kPunct && token_.text == punct;
  }
  bool at_name(absl::string_view name) const {
    return token_.kind == Token::Kind::kName && token_.text == name;
  }

  // The raw lines that follow the last taken token's line and begin with
  // `prefix`, without it, joined by newlines; goes on behind them.
  std::string TakeLines(absl::string_view prefix);

  // InvalidArgumentError "LINE:COLUMN: expected …, got …" at the current token.
  absl::Status Error(absl::string_view expected) const;
  // The same at `offset`, with a message of one's own.
  absl::Status ErrorAt(size_t offset, absl::string_view message) const;
  // Of the current token.
  size_t offset() const { return start_; }

 private:
  void SkipSpace();
  void Take(Token::Kind kind, size_t size);

  absl::string_view text_;
  size_t position_ = 0;  // behind the current token
  size_t start_ = 0;     // of the current token
  size_t last_end_ = 0;  // behind the token before
  Token token_;
};

// "text" with its quotes and escapes, as QuoteString writes them.
// Nothing but well-formed tokens comes here.
std::string Unquote(absl::string_view quoted);

// Is it a name that needs no quotes?
bool IsPlainName(absl::string_view name);

}  // namespace tandem::canonical

#endif  // TANDEM_IR_CANONICAL_LEXER_H_
