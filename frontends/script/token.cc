#include "tandem/frontends/script/token.h"

namespace tandem::script {
namespace {

struct Word {
  absl::string_view text;
  int kind;
};

constexpr Word kKeywords[] = {
    {"def", kDef},           {"if", kIf},       {"else", kElse},
    {"elif", kElif},         {"while", kWhile}, {"for", kFor},
    {"return", kReturn},     {"is", kIs},       {"True", kTrue},
    {"False", kFalse},       {"None", kNone},   {"NoneType", kNoneType},
    {"and", kAnd},           {"or", kOr},       {"not", kNot},
    {"global", kGlobal},     {"in", kIn},       {"raise", kRaise},
    {"assert", kAssert},     {"break", kBreak}, {"continue", kContinue},
    {"del", kDelete},        {"pass", kPass},   {"class", kClass},
    {"import", kImport},     {"with", kWith},   {"as", kAs},
    {"Ellipsis", kEllipsis},
};

}  // namespace

int KeywordKind(absl::string_view text) {
  for (const Word& word : kKeywords) {
    if (word.text == text) return word.kind;
  }
  return kIdent;
}

std::string TokenKindName(int kind) {
  if (kind < 256) return std::string(1, static_cast<char>(kind));
  switch (kind) {
    case kEof:
      return "eof";
    case kNumber:
      return "number";
    case kNewline:
      return "newline";
    case kIndent:
      return "indent";
    case kDedent:
      return "dedent";
    case kIdent:
      return "ident";
    case kStringLiteral:
      return "string_literal";
    case kFormattedString:
      return "formatted string";
    case kIsNot:
      return "is not";
    case kNe:
      return "ne";
    case kEq:
      return "eq";
    case kLe:
      return "le";
    case kGe:
      return "ge";
    case kFloorDiv:
      return "floordiv";
    case kLShift:
      return "<<";
    case kRShift:
      return ">>";
    case kPlusEq:
      return "+=";
    case kMinusEq:
      return "-=";
    case kTimesEq:
      return "*=";
    case kDivEq:
      return "/=";
    case kModEq:
      return "%=";
    case kBitOrEq:
      return "|=";
    case kBitAndEq:
      return "&=";
    case kBitXorEq:
      return "^=";
    case kLShiftEq:
      return "<<=";
    case kRShiftEq:
      return ">>=";
    case kPowEq:
      return "**=";
    case kFloorDivEq:
      return "//=";
    case kMatMulEq:
      return "@=";
    case kNotIn:
      return "not in";
    case kPow:
      return "pow operator";
    case kArrow:
      return "arrow";
    case kTypeComment:
      return "type comment";
    case kDots:
      return "dots";
    case kDelete:
      return "delete";
    case kUnaryMinus:
      return "unary minus";
    case kStarred:
      return "starred";
    default:
      break;
  }
  for (const Word& word : kKeywords) {
    if (word.kind == kind) return std::string(word.text);
  }
  return "unknown";
}

}  // namespace tandem::script
