// The kinds of token of TorchScript's text.

#ifndef TANDEM_FRONTENDS_SCRIPT_TOKEN_H_
#define TANDEM_FRONTENDS_SCRIPT_TOKEN_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace tandem::script {

// Values below 256 are the characters themselves: `+ - * / % @ ( ) [ ] : , = {
// } > < . ? ! & ^ | ~`.
enum TokenKind : int {
  kEof = 256,
  kNumber,
  kNewline,
  kIndent,
  kDedent,
  kIdent,
  kStringLiteral,
  kFormattedString,  // f"…": Python only
  kDef,
  kIf,
  kElse,
  kElif,
  kWhile,
  kFor,
  kReturn,
  kIs,
  kIsNot,
  kNe,
  kEq,
  kLe,
  kGe,
  kFloorDiv,
  kTrue,
  kFalse,
  kNone,
  kNoneType,
  kAnd,
  kOr,
  kNot,
  kLShift,
  kRShift,
  kPlusEq,
  kMinusEq,
  kTimesEq,
  kDivEq,
  kModEq,
  kBitOrEq,
  kBitAndEq,
  kBitXorEq,
  kLShiftEq,
  kRShiftEq,
  kPowEq,
  kFloorDivEq,  // Python only
  kMatMulEq,    // Python only
  kGlobal,
  kIn,
  kNotIn,
  kPow,
  kArrow,
  kTypeComment,
  kRaise,
  kAssert,
  kDots,
  kEllipsis,
  kBreak,
  kContinue,
  kDelete,
  kPass,
  kClass,
  kImport,
  kWith,
  kAs,
  // Operators that have no token of their own.
  kUnaryMinus,
  kStarred,
};

// The name that error texts use: `ident`, `newline`, `(` …
std::string TokenKindName(int kind);

// The keyword or operator that `text` spells, or kIdent.
int KeywordKind(absl::string_view text);

// Bytes [start, end) of the source.
struct TextSpan {
  uint32_t start = 0;
  uint32_t end = 0;
};

struct Token {
  int kind = kEof;
  TextSpan span;
};

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_TOKEN_H_
