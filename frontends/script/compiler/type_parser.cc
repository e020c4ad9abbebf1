#include "tandem/frontends/script/compiler/type_parser.h"

#include <cstdlib>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/script/compiler/types.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

struct NamedKind {
  absl::string_view name;
  TypeKind kind;
};

constexpr NamedKind kBuiltinTypes[] = {
    {"Tensor", TypeKind::kTensor},
    {"int", TypeKind::kInt},
    {"float", TypeKind::kFloat},
    {"bool", TypeKind::kBool},
    {"complex", TypeKind::kComplex},
    {"str", TypeKind::kStr},
    {"Device", TypeKind::kDevice},
    {"Stream", TypeKind::kStream},
    {"Generator", TypeKind::kGenerator},
    {"number", TypeKind::kNumber},
    {"None", TypeKind::kNone},
    {"NoneType", TypeKind::kNone},
    {"Any", TypeKind::kAny},
    {"Capsule", TypeKind::kCapsule},
    {"list", TypeKind::kAnyList},
    {"tuple", TypeKind::kAnyTuple},
    {"Storage", TypeKind::kStorage},
    {"AnyClassType", TypeKind::kAnyClass},
    {"AnyEnumType", TypeKind::kAnyEnum},
    {"QScheme", TypeKind::kInt},
    {"Layout", TypeKind::kInt},
    {"MemoryFormat", TypeKind::kInt},
    {"ScalarType", TypeKind::kInt},
    // As Python code names them.
    {"torch.Tensor", TypeKind::kTensor},
    {"torch.nn.Parameter", TypeKind::kTensor},
    {"torch.device", TypeKind::kDevice},
    {"torch.Generator", TypeKind::kGenerator},
    {"torch.Stream", TypeKind::kStream},
    {"torch.dtype", TypeKind::kInt},
    {"torch.layout", TypeKind::kInt},
    {"torch.memory_format", TypeKind::kInt},
    {"torch.qscheme", TypeKind::kInt},
    {"typing.Any", TypeKind::kAny},
};

constexpr absl::string_view kTensorSubclasses[] = {
    "LongTensor", "FloatTensor", "DoubleTensor", "IntTensor",  "ShortTensor",
    "HalfTensor", "CharTensor",  "ByteTensor",   "BoolTensor",
};

}  // namespace

TypePtr BuiltinType(absl::string_view name) {
  for (const NamedKind& entry : kBuiltinTypes) {
    if (entry.name == name) {
      return entry.kind == TypeKind::kTensor ? Type::Tensor()
                                             : Type::Get(entry.kind);
    }
  }
  absl::ConsumePrefix(&name, "torch.");
  for (const absl::string_view subclass : kTensorSubclasses) {
    if (subclass == name) return Type::Tensor();
  }
  return nullptr;
}

std::optional<std::string> DottedName(const Expr& expr) {
  if (const auto* name = expr.As<NameExpr>()) return std::string(name->name);
  if (expr.kind == ExprKind::kNone) return "None";
  if (expr.kind == ExprKind::kNoneType) return "NoneType";
  if (const auto* attribute = expr.As<AttributeExpr>()) {
    if (attribute->value->kind != ExprKind::kName &&
        attribute->value->kind != ExprKind::kAttribute) {
      return std::nullopt;
    }
    std::optional<std::string> base = DottedName(*attribute->value);
    if (!base.has_value()) return std::nullopt;
    return absl::StrCat(*base, ".", attribute->attribute.name);
  }
  return std::nullopt;
}

absl::StatusOr<TypePtr> TypeParser::Parse(const Expr& expr) {
  const Session::Level level(&session_);
  const SourceRange range = tree_.Range(expr.span);
  if (!level.ok()) return session_.Error(range, "nested too deeply");
  if (const auto* subscript = expr.As<SubscriptExpr>()) {
    const std::optional<std::string> name = DottedName(*subscript->value);
    if (!name.has_value()) {
      return session_.Error(tree_.Range(subscript->value->span),
                            "Subscripted type must be a type identifier");
    }
    return ParseSubscript(*name, *subscript);
  }
  if (const auto* text = expr.As<StringExpr>()) {
    const std::string name(text->value);
    TypePtr type;
    if (absl::StartsWith(name, "torch.classes.")) {
      TANDEM_ASSIGN_OR_RETURN(
          type, resolver_.ResolveType(absl::StrCat("__torch__.", name), range));
      if (type != nullptr) return type;
    }
    TANDEM_ASSIGN_OR_RETURN(type, resolver_.ResolveType(name, range));
    if (type != nullptr) return type;
    // Any annotation may be written as a string.
    const Expr* inner = nullptr;
    auto tree = ParseExpression(std::make_shared<Source>(name), &inner,
                                Dialect::kPython);
    if (tree.ok()) {
      TypeParser parser(&session_, &resolver_, **tree);
      absl::StatusOr<TypePtr> parsed = parser.Parse(*inner);
      if (parsed.ok()) return parsed;
    }
    return session_.Error(range, "Unknown type name '", name, "'");
  }
  if (const auto* binary = expr.As<BinaryExpr>()) {
    if (binary->op == '|') {
      TANDEM_ASSIGN_OR_RETURN(TypePtr lhs, Parse(*binary->lhs));
      TANDEM_ASSIGN_OR_RETURN(TypePtr rhs, Parse(*binary->rhs));
      return Type::Union({lhs, rhs});
    }
  }
  const std::optional<std::string> name = DottedName(expr);
  if (!name.has_value()) {
    return session_.Error(range, "Expression of type ",
                          expr.kind == ExprKind::kNumber ? "const" : "call",
                          " cannot be used in a type expression");
  }
  return ParseName(*name, range);
}

absl::StatusOr<TypePtr> TypeParser::ParseName(const std::string& name,
                                              const SourceRange& range) {
  if (TypePtr builtin = BuiltinType(name)) return builtin;
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, resolver_.ResolveType(name, range));
  if (type != nullptr) return type;
  if (name == "List" || name == "Tuple") {
    return absl::InvalidArgumentError(
        absl::StrCat("Attempted to use ", name,
                     " without a contained type. Please add a contained type, "
                     "e.g. ",
                     name, "[int]"));
  }
  if (name == "Dict") {
    return absl::InvalidArgumentError(
        "Attempted to use Dict without contained types. Please add contained "
        "type, e.g. Dict[int, int]");
  }
  return session_.Error(range, "Unknown type name '", name, "'");
}

absl::StatusOr<TypePtr> TypeParser::ParseOnly(const SubscriptExpr& expr) {
  if (expr.subscripts.size() != 1) {
    return session_.Error(tree_.Range(expr.span),
                          " expected exactly one element type but found ",
                          expr.subscripts.size());
  }
  return Parse(*expr.subscripts[0]);
}

absl::StatusOr<TypePtr> TypeParser::ParseSubscript(const std::string& full_name,
                                                   const SubscriptExpr& expr) {
  absl::string_view name = full_name;
  absl::ConsumePrefix(&name, "typing.");
  absl::ConsumePrefix(&name, "torch.jit.");
  // A Python tuple in the brackets is several types.
  List<const Expr*> parts = expr.subscripts;
  const auto parse_all = [&]() -> absl::StatusOr<std::vector<TypePtr>> {
    std::vector<TypePtr> types;
    for (const Expr* part : parts) {
      TANDEM_ASSIGN_OR_RETURN(TypePtr type, Parse(*part));
      types.push_back(std::move(type));
    }
    return types;
  };
  if (name == "Tuple" || name == "tuple") {
    if (parts.size() == 1) {
      if (const auto* tuple = parts[0]->As<TupleExpr>()) {
        if (!tuple->elements.empty()) {
          return session_.Error(
              tree_.Range(tuple->span),
              "Tuple literal in Tuple type annotation must not have any "
              "elements!");
        }
        return Type::Tuple({});
      }
    }
    TANDEM_ASSIGN_OR_RETURN(std::vector<TypePtr> types, parse_all());
    return Type::Tuple(std::move(types));
  }
  if (name == "List" || name == "list") {
    TANDEM_ASSIGN_OR_RETURN(TypePtr element, ParseOnly(expr));
    return Type::List(std::move(element));
  }
  if (name == "Optional") {
    TANDEM_ASSIGN_OR_RETURN(TypePtr element, ParseOnly(expr));
    return Type::Optional(std::move(element));
  }
  if (name == "Union") {
    TANDEM_ASSIGN_OR_RETURN(std::vector<TypePtr> types, parse_all());
    return Type::Union(std::move(types));
  }
  if (name == "Future") {
    TANDEM_ASSIGN_OR_RETURN(TypePtr element, ParseOnly(expr));
    return Type::Future(std::move(element));
  }
  if (name == "Await" || name == "_Await") {
    TANDEM_ASSIGN_OR_RETURN(TypePtr element, ParseOnly(expr));
    return Type::Await(std::move(element));
  }
  if (name == "RRef") {
    TANDEM_ASSIGN_OR_RETURN(TypePtr element, ParseOnly(expr));
    return Type::RRef(std::move(element));
  }
  if (name == "Final") return ParseOnly(expr);
  if (name == "Dict" || name == "dict") {
    if (parts.size() != 2) {
      return session_.Error(tree_.Range(expr.span),
                            " expected exactly 2 element types but found ",
                            parts.size());
    }
    TANDEM_ASSIGN_OR_RETURN(TypePtr key, Parse(*parts[0]));
    TANDEM_ASSIGN_OR_RETURN(TypePtr value, Parse(*parts[1]));
    if (!IsDictKey(key)) {
      return session_.Error(
          tree_.Range(expr.span), "Cannot create dict for key type '",
          key->ToString(),
          "', only int, float, complex, Tensor, device and string keys are "
          "supported");
    }
    return Type::Dict(std::move(key), std::move(value));
  }
  return session_.Error(tree_.Range(expr.span), "Unknown type constructor ",
                        full_name);
}

absl::StatusOr<std::optional<std::pair<TypePtr, int32_t>>>
TypeParser::ParseBroadcastingList(const Expr& expr) {
  using Found = std::optional<std::pair<TypePtr, int32_t>>;
  if (const auto* name = expr.As<NameExpr>()) {
    // torch.nn.common_types._size_2_t
    const absl::string_view text = name->name;
    if (text.size() == 9 && absl::StartsWith(text, "_size_") &&
        absl::EndsWith(text, "_t") && text[6] >= '0' && text[6] <= '9') {
      return Found(std::make_pair(Type::List(Type::Int()), text[6] - '0'));
    }
    return Found();
  }
  const auto* subscript = expr.As<SubscriptExpr>();
  if (subscript == nullptr) return Found();
  const auto* base = subscript->value->As<NameExpr>();
  if (base == nullptr || subscript->subscripts.empty()) return Found();
  if (base->name == "Optional") {
    TANDEM_ASSIGN_OR_RETURN(Found inner,
                            ParseBroadcastingList(*subscript->subscripts[0]));
    if (!inner.has_value()) return Found();
    return Found(std::make_pair(Type::Optional(inner->first), inner->second));
  }
  absl::string_view length = base->name;
  if (!absl::ConsumePrefix(&length, "BroadcastingList")) return Found();
  const SourceRange range = tree_.Range(subscript->subscripts_span);
  if (subscript->subscripts.size() != 1) {
    return session_.Error(range,
                          "BroadcastingList/Optional[BroadcastingList] must be "
                          "subscripted with a type");
  }
  const auto* element = subscript->subscripts[0]->As<NameExpr>();
  if (element == nullptr) {
    return session_.Error(tree_.Range(base->span),
                          "Subscripted type must be a type identifier");
  }
  if (element->name != "float" && element->name != "int") {
    return session_.Error(
        tree_.Range(base->span),
        "Broadcastable lists only supported for int or float");
  }
  int32_t size = 0;
  if (!absl::SimpleAtoi(length, &size) || size < 0 || size > 64) {
    return session_.Error(
        range, "subscript of Broadcastable list must be a positive integer");
  }
  return Found(std::make_pair(
      Type::List(element->name == "int" ? Type::Int() : Type::Float()), size));
}

}  // namespace tandem::script
