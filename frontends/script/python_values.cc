#include "tandem/frontends/script/python_values.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/schema_matching.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

const char* PythonTypeOf(const Expr* value) {
  if (value == nullptr) return "object";
  if (const auto* unary = value->As<UnaryExpr>()) value = unary->operand;
  switch (value->kind) {
    case ExprKind::kNumber: {
      const absl::string_view text = value->As<NumberExpr>()->text;
      if (absl::EndsWithIgnoreCase(text, "j")) return "complex";
      return text.find_first_of(".eE") == absl::string_view::npos ||
                     absl::StartsWith(text, "0x")
                 ? "int"
                 : "float";
    }
    case ExprKind::kString:
      return "str";
    case ExprKind::kTrue:
    case ExprKind::kFalse:
      return "bool";
    case ExprKind::kNone:
      return "NoneType";
    case ExprKind::kList:
    case ExprKind::kListComprehension:
      return "list";
    case ExprKind::kTuple:
      return "tuple";
    case ExprKind::kDict:
    case ExprKind::kDictComprehension:
      return "dict";
    default:
      return "object";
  }
}

bool IsImmutableLiteral(const Expr& value) {
  switch (value.kind) {
    case ExprKind::kNumber:
    case ExprKind::kString:
    case ExprKind::kTrue:
    case ExprKind::kFalse:
    case ExprKind::kNone:
      return true;
    case ExprKind::kTuple: {
      const auto& elements = value.As<TupleExpr>()->elements;
      return std::all_of(elements.begin(), elements.end(),
                         [](const Expr* e) { return IsImmutableLiteral(*e); });
    }
    case ExprKind::kUnary:
      return IsImmutableLiteral(*value.As<UnaryExpr>()->operand);
    case ExprKind::kBinary:
      // 2 ** 3 is an int in Python and a float here.
      return value.As<BinaryExpr>()->op != kPow &&
             IsImmutableLiteral(*value.As<BinaryExpr>()->lhs) &&
             IsImmutableLiteral(*value.As<BinaryExpr>()->rhs);
    case ExprKind::kAttribute: {
      const std::string name = DottedName(value).value_or("");
      return name == "math.pi" || name == "math.e" || name == "math.inf" ||
             name == "math.nan" || name == "math.tau";
    }
    case ExprKind::kCall: {
      // float("inf")
      const auto& call = *value.As<CallExpr>();
      const auto* callee = call.callee->As<NameExpr>();
      return callee != nullptr &&
             (callee->name == "float" || callee->name == "int") &&
             call.inputs.size() == 1 && call.keywords.empty() &&
             IsImmutableLiteral(*call.inputs[0]);
    }
    default:
      return false;
  }
}

bool IsTypeExpression(const Expr& value) {
  if (const auto* subscript = value.As<SubscriptExpr>()) {
    std::string name = DottedName(*subscript->value).value_or("");
    name = name.substr(name.rfind('.') + 1);
    for (const absl::string_view known :
         {"List", "list", "Dict", "dict", "Tuple", "tuple", "Optional", "Union",
          "Future"}) {
      if (name == known) return true;
    }
    return false;
  }
  return BuiltinType(DottedName(value).value_or("")) != nullptr;
}

absl::StatusOr<Sugared> IgnoredFunction::Call(const SourceRange& range,
                                              FunctionCompiler& f,
                                              Arguments args,
                                              Arguments kwargs) {
  CompilationUnit scratch(&f.operators());
  FunctionCompiler compiler(context_, tree_, scratch.AddFunction("ignored"),
                            nullptr);
  TANDEM_ASSIGN_OR_RETURN(FunctionSchema schema, compiler.DeclaredSchema(def_));
  std::vector<NamedValue> all;
  if (self_ != nullptr && !schema.arguments.empty()) {
    schema.arguments[0].type = self_->type();
    all.emplace_back(self_);
  }
  all.insert(all.end(), args.begin(), args.end());
  TANDEM_RETURN_IF_ERROR(MatchSchema(f, schema, range, all, kwargs).status());
  return f.Error(range, "'", def_.name.name,
                 "' is marked @torch.jit.ignore: it stays a Python function, "
                 "and there is no Python here to call it. Make the call "
                 "depend on `not torch.jit.is_scripting()`, or mark the "
                 "function @torch.jit.unused if it is never reached");
}

}  // namespace tandem::script
