#include "tandem/frontends/script/operator_level.h"

#include "tandem/frontends/script/token.h"

namespace tandem::script {

int BinaryLevel(int kind, Dialect dialect) {
  switch (kind) {
    case kIf:
      return kTernaryLevel;
    case kFor:
      // Python: `a if b else c for d in e` is a loop over the whole.
      return dialect == Dialect::kPython ? 1 : kTernaryLevel;
    case kOr:
      return kOrLevel;
    case kAnd:
      return dialect == Dialect::kPython ? kPythonAndLevel : kOrLevel;
    case kIn:
    case kNotIn:
    case '<':
    case '>':
    case kIs:
    case kIsNot:
    case kEq:
    case kNe:
    case kLe:
    case kGe:
      return kCompareLevel;
    case '|':
      return 50;
    case '^':
      return 60;
    case '&':
      return 70;
    case kLShift:
    case kRShift:
      return 80;
    case '+':
    case '-':
      return 90;
    case '*':
    case '/':
    case kFloorDiv:
    case '%':
    case '@':
      return 100;
    case kPow:
      return 110;
    default:
      return 0;
  }
}

int UnaryLevel(int kind, Dialect dialect) {
  switch (kind) {
    case kNot:
      return kNotLevel;
    case '~':
      return dialect == Dialect::kPython ? kUnaryLevel : kNotLevel;
    case '+':
      return dialect == Dialect::kPython ? kUnaryLevel : 0;
    case '-':
    case '*':
      return kUnaryLevel;
    default:
      return 0;
  }
}

int AugmentedOperator(int kind) {
  switch (kind) {
    case kPlusEq:
      return '+';
    case kMinusEq:
      return '-';
    case kTimesEq:
      return '*';
    case kDivEq:
      return '/';
    case kModEq:
      return '%';
    case kBitOrEq:
      return '|';
    case kBitAndEq:
      return '&';
    case kBitXorEq:
      return '^';
    case kLShiftEq:
      return kLShift;
    case kRShiftEq:
      return kRShift;
    case kPowEq:
      return kPow;
    case kFloorDivEq:
      return kFloorDiv;
    case kMatMulEq:
      return '@';
    default:
      return 0;
  }
}

}  // namespace tandem::script
