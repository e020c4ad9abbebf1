// Text to tokens, with Python's indentation as tokens.

#ifndef TANDEM_FRONTENDS_SCRIPT_LEXER_H_
#define TANDEM_FRONTENDS_SCRIPT_LEXER_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/script/token.h"
#include "tandem/ir/source_range.h"

namespace tandem::script {

class SyntaxTree;

// Which text is read.
enum class Dialect {
  // What archives hold and torch.jit.CompilationUnit(text) takes.
  kTorchScript,
  // What people write: Python's own precedence and chained comparisons,
  // f-strings, decorators, docstrings, imports.
  kPython,
};

// Gives tokens one by one. After the first error every token is kEof and
// status() says what was wrong; a caller that stops at kEof never loops. A copy
// reads on from the same place.
class Lexer {
 public:
  Lexer(std::shared_ptr<const Source> source, Dialect dialect);
  // Reads only [begin, end) of the source; lines count there or not.
  Lexer(std::shared_ptr<const Source> source, Dialect dialect, size_t begin,
        size_t end, bool lines);

  const Token& cur() const { return queue_.front(); }
  // The token after the current one.
  const Token& Lookahead();
  // Returns the current token and moves to the next.
  Token Next();
  // Moves on if the current token is of this kind.
  bool NextIf(int kind);

  const absl::Status& status() const { return status_; }
  bool ok() const { return status_.ok(); }
  // Keeps the first error only: `MESSAGE:` and the underlined place.
  void Fail(absl::string_view message, TextSpan at);
  // What Fail keeps.
  absl::Status Error(absl::string_view message, TextSpan at) const;
  // Takes over another lexer's error.
  void Adopt(const absl::Status& status);
  // `expected WHAT but found 'X' here:`
  void FailExpected(absl::string_view what, const Token& found);

  const std::shared_ptr<const Source>& source() const { return source_; }
  absl::string_view Text(TextSpan span) const {
    return text_.substr(span.start, span.end - span.start);
  }
  // Where errors are shown, if not in the source itself.
  void set_tree(const SyntaxTree* tree) { tree_ = tree; }
  SourceRange Range(TextSpan span) const;

 private:
  enum class Raw { kToken, kWhitespace, kWhitespaceEof };

  // Appends at least one token to the queue.
  void Lex();
  // The next token; white space counts as one where `whitespace` asks for it.
  Raw LexRaw(bool whitespace, Token* token);
  bool MatchNumber(size_t at, size_t* end) const;
  // 0 if there is no whole string at `at`, else its token kind.
  int MatchString(size_t at, size_t* end) const;
  int MatchOperator(size_t at, size_t* end) const;
  void PushIndentation(Raw raw, TextSpan span);

  std::shared_ptr<const Source> source_;
  absl::string_view text_;
  Dialect dialect_;
  const SyntaxTree* tree_ = nullptr;
  size_t pos_ = 0;
  int64_t nesting_ = 0;  // of ( [ {: there a line's end means nothing
  std::vector<size_t> indents_;
  std::deque<Token> queue_;  // never empty
  absl::Status status_;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_LEXER_H_
