// Expressions but literals, calls and subscripts.

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/charconv.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/frontends/script/compiler/constant_evaluator.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

struct BinaryOperator {
  int op;
  const char* name;
  // Of classes; null where classes have none.
  const char* method;
};
constexpr BinaryOperator kBinaryOperators[] = {
    {'+', "aten::add", "__add__"},
    {'-', "aten::sub", "__sub__"},
    {'*', "aten::mul", "__mul__"},
    {kPow, "aten::pow", "__pow__"},
    {'@', "aten::matmul", nullptr},
    {'/', "aten::div", "__truediv__"},
    {'%', "aten::remainder", "__mod__"},
    {kNe, "aten::ne", "__ne__"},
    {kEq, "aten::eq", "__eq__"},
    {'<', "aten::lt", "__lt__"},
    {'>', "aten::gt", "__gt__"},
    {kLe, "aten::le", "__le__"},
    {kGe, "aten::ge", "__ge__"},
    {kFloorDiv, "aten::floordiv", nullptr},
    {kLShift, "aten::__lshift__", "__lshift__"},
    {kRShift, "aten::__rshift__", "__rshift__"},
    {'&', "aten::__and__", "__and__"},
    {'|', "aten::__or__", "__or__"},
    {'^', "aten::__xor__", "__xor__"},
    {kIn, "aten::__contains__", "__contains__"},
};

const BinaryOperator* FindBinary(int op) {
  for (const BinaryOperator& entry : kBinaryOperators) {
    if (entry.op == op) return &entry;
  }
  return nullptr;
}

uint64_t Bits(double d) {
  uint64_t bits;
  std::memcpy(&bits, &d, sizeof(bits));
  return bits;
}

}  // namespace

absl::StatusOr<Value*> FunctionCompiler::EmitExpr(const Expr& expr,
                                                  const TypePtr& hint) {
  session().SetPending(Range(expr));
  TANDEM_ASSIGN_OR_RETURN(Sugared sugared, EmitSugared(expr, hint));
  TANDEM_ASSIGN_OR_RETURN(Value * value, sugared->AsValue(Range(expr), *this));
  // Types do not unify to Any, so what is to be Any becomes it here.
  if (hint != nullptr && Is(hint, TypeKind::kAny) &&
      !Is(value->type(), TypeKind::kAny)) {
    value = InsertCast(value, hint);
  }
  return value;
}

absl::StatusOr<Sugared> FunctionCompiler::EmitSugared(const Expr& expr,
                                                      const TypePtr& hint) {
  const Session::Level level(context_.session);
  if (!level.ok()) return Error(Range(expr), "nested too deeply");
  switch (expr.kind) {
    case ExprKind::kName:
      return environment_->Get(expr.As<NameExpr>()->name, Range(expr));
    case ExprKind::kAttribute: {
      const auto& attribute = *expr.As<AttributeExpr>();
      TANDEM_ASSIGN_OR_RETURN(Sugared value, EmitSugared(*attribute.value));
      return value->Attribute(Range(expr), *this, attribute.attribute.name);
    }
    case ExprKind::kCall:
      return EmitCall(*expr.As<CallExpr>(), hint);
    case ExprKind::kSubscript:
      return EmitSubscript(*expr.As<SubscriptExpr>(), hint);
    default: {
      TANDEM_ASSIGN_OR_RETURN(Value * value, EmitSimple(expr, hint));
      return Simple(value);
    }
  }
}

absl::StatusOr<Value*> FunctionCompiler::EmitSimple(const Expr& expr,
                                                    const TypePtr& hint) {
  const SourceRange range = Range(expr);
  switch (expr.kind) {
    case ExprKind::kNumber:
      return EmitNumber(*expr.As<NumberExpr>());
    case ExprKind::kString:
      return InsertConstant(IValue(expr.As<StringExpr>()->value), range);
    case ExprKind::kTrue:
      return InsertConstant(true, range);
    case ExprKind::kFalse:
      return InsertConstant(false, range);
    case ExprKind::kNone:
      return InsertConstant(IValue(), range);
    case ExprKind::kUnary: {
      const auto& unary = *expr.As<UnaryExpr>();
      if (unary.op != kNot) return EmitUnary(unary);
      TANDEM_ASSIGN_OR_RETURN(Condition condition, EmitCondition(expr));
      return condition.value;
    }
    case ExprKind::kBinary: {
      const auto& binary = *expr.As<BinaryExpr>();
      switch (binary.op) {
        case kIs:
        case kIsNot:
        case kAnd:
        case kOr: {
          TANDEM_ASSIGN_OR_RETURN(Condition condition, EmitCondition(expr));
          return condition.value;
        }
        default:
          return EmitBinary(binary);
      }
    }
    case ExprKind::kConditional:
      return EmitConditional(*expr.As<ConditionalExpr>(), hint);
    case ExprKind::kList:
      return EmitList(*expr.As<ListExpr>(), hint);
    case ExprKind::kTuple: {
      TANDEM_ASSIGN_OR_RETURN(
          std::vector<Value*> values,
          EmitValues(expr.As<TupleExpr>()->elements, /*unpack=*/true));
      return InsertTuple(values);
    }
    case ExprKind::kDict:
      return EmitDict(*expr.As<DictExpr>(), hint);
    case ExprKind::kListComprehension:
      return EmitListComprehension(*expr.As<ListComprehensionExpr>(), hint);
    case ExprKind::kDictComprehension:
      return EmitDictComprehension(*expr.As<DictComprehensionExpr>(), hint);
    case ExprKind::kStarred:
      return Error(range, "Unexpected starred expansion. File a bug report");
    default:
      return Error(range, "Cannot emit expr for: ", ToText(expr));
  }
}

// Chains of operators are long where code is generated, and lean to the left:
// no recursion along them.
absl::StatusOr<Value*> FunctionCompiler::EmitBinary(const BinaryExpr& expr) {
  std::vector<const BinaryExpr*> chain = {&expr};
  while (const auto* lhs = chain.back()->lhs->As<BinaryExpr>()) {
    if (FindBinary(lhs->op) == nullptr) break;
    chain.push_back(lhs);
  }
  const Expr* first = chain.back()->lhs;
  TANDEM_ASSIGN_OR_RETURN(Value * value, EmitExpr(*first));
  for (auto it = chain.rbegin(); it != chain.rend(); ++it) {
    TANDEM_ASSIGN_OR_RETURN(value,
                            EmitBinaryOn(**it, value, Range(*(*it)->lhs)));
  }
  return value;
}

absl::StatusOr<Value*> FunctionCompiler::EmitBinaryOn(
    const BinaryExpr& expr, Value* lhs, const SourceRange& lhs_range) {
  const BinaryOperator* op = FindBinary(expr.op);
  const SourceRange range = Range(expr);
  if (op == nullptr) {
    return Error(range, "unknown kind ", TokenKindName(expr.op));
  }
  TANDEM_ASSIGN_OR_RETURN(Value * rhs, EmitExpr(*expr.rhs));
  if (expr.op == '%' && Is(lhs->type(), TypeKind::kStr)) {
    return EmitBuiltin(range, "aten::percentFormat", {lhs, rhs});
  }
  // Tuples of any types are added here: no signature says that.
  if (expr.op == '+' && Is(lhs->type(), TypeKind::kTuple) &&
      Is(rhs->type(), TypeKind::kTuple)) {
    std::vector<Value*> parts = UnpackTuple(lhs);
    const std::vector<Value*> more = UnpackTuple(rhs);
    parts.insert(parts.end(), more.begin(), more.end());
    return InsertTuple(parts);
  }
  NamedValue first(lhs_range, lhs);
  NamedValue second(Range(*expr.rhs), rhs);
  if (expr.op == kIn) std::swap(first, second);
  if (op->method == nullptr) {
    return EmitBuiltin(range, op->name, {first, second});
  }
  MagicMethod magic(op->method, std::make_shared<BuiltinFunction>(op->name));
  TANDEM_ASSIGN_OR_RETURN(Sugared result,
                          magic.Call(range, *this, {first, second}, {}));
  return result->AsValue(range, *this);
}

absl::StatusOr<Value*> FunctionCompiler::EmitUnary(const UnaryExpr& expr) {
  const bool minus = expr.op == kUnaryMinus;
  const char* op = minus ? "aten::neg" : "aten::bitwise_not";
  const SourceRange range = Range(expr);
  TANDEM_ASSIGN_OR_RETURN(Value * operand, EmitExpr(*expr.operand));
  MagicMethod magic(minus ? "__neg__" : "__invert__",
                    std::make_shared<BuiltinFunction>(op));
  TANDEM_ASSIGN_OR_RETURN(
      Sugared result,
      magic.Call(range, *this, {NamedValue(Range(*expr.operand), operand)},
                 {}));
  TANDEM_ASSIGN_OR_RETURN(Value * value, result->AsValue(range, *this));
  if (!value->node()->Is(op)) return value;
  std::optional<std::vector<IValue>> folded = EvaluateNode(value->node());
  if (!folded.has_value()) return value;
  return InsertConstant(std::move((*folded)[0]), range);
}

Value* FunctionCompiler::IntConstant(int64_t value, const SourceRange& range) {
  Value*& constant = int_constants_[value];
  if (constant == nullptr) {
    const WithInsertPoint at_top(graph_.get(), graph_->block()->first());
    constant = InsertConstant(value, range);
  }
  return constant;
}

absl::StatusOr<Value*> FunctionCompiler::EmitNumber(const NumberExpr& expr) {
  const SourceRange range = Range(expr);
  std::string text = absl::StrReplaceAll(expr.text, {{"_", ""}});
  const auto at_top = [&](Value*& constant, IValue value) {
    if (constant == nullptr) {
      const WithInsertPoint top(graph_.get(), graph_->block()->first());
      constant = InsertConstant(std::move(value), range);
    }
    return constant;
  };
  const bool imaginary = absl::EndsWithIgnoreCase(text, "j");
  if (imaginary) text.pop_back();
  const bool negative = absl::StartsWith(text, "-");
  const std::string digits = negative ? text.substr(1) : text;
  const bool hex = absl::StartsWithIgnoreCase(digits, "0x");
  const bool is_float =
      imaginary ||
      (hex ? absl::StrContains(digits, '.') || absl::StrContains(digits, 'p') ||
                 absl::StrContains(digits, 'P')
           : absl::StrContains(digits, '.') || absl::StrContains(digits, 'e') ||
                 absl::StrContains(digits, 'E'));
  if (is_float) {
    double value = 0;
    const char* begin = digits.data() + (hex ? 2 : 0);
    const auto parsed = absl::from_chars(
        begin, digits.data() + digits.size(), value,
        hex ? absl::chars_format::hex : absl::chars_format::general);
    if (parsed.ec == std::errc::result_out_of_range && value > 1) {
      value = HUGE_VAL;
    }
    if (negative) value = -value;
    if (imaginary) {
      return at_top(complex_constants_[{0, Bits(value)}],
                    IValue(std::complex<double>(0, value)));
    }
    return at_top(float_constants_[Bits(value)], IValue(value));
  }
  // As strtoll: beyond the range the nearest.
  uint64_t magnitude = 0;
  uint64_t base = 10;
  size_t start = 0;
  if (hex) {
    base = 16;
    start = 2;
  } else if (absl::StartsWithIgnoreCase(digits, "0b")) {
    base = 2;
    start = 2;
  } else if (absl::StartsWithIgnoreCase(digits, "0o")) {
    base = 8;
    start = 2;
  }
  const uint64_t limit = uint64_t{1} << 63;
  bool over = false;
  for (size_t i = start; i < digits.size(); ++i) {
    const char c = digits[i];
    const uint64_t digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (digit >= base) return Error(range, "bad number ", expr.text);
    over = over || magnitude > (limit - digit) / base;
    if (!over) magnitude = magnitude * base + digit;
  }
  if (over || (!negative && magnitude == limit)) {
    return Error(range, "Integral constant out of range: ", expr.text);
  }
  const int64_t value = negative ? static_cast<int64_t>(~magnitude + 1)
                                 : static_cast<int64_t>(magnitude);
  return IntConstant(value, range);
}

}  // namespace tandem::script
