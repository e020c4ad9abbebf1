// Tokens and types from canonical text.
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/canonical_number.h"
#include "tandem/ir/canonical_parser.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::canonical {
namespace {

// Members of a Union are compared with each other.
constexpr size_t kMaxUnionMembers = 256;
constexpr size_t kMaxUnionParts = 2048;
constexpr size_t kMaxDims = 64;

// Types without parts, by the names they are printed with.
TypePtr SimpleType(absl::string_view name) {
  for (int k = 0; k <= static_cast<int>(TypeKind::kAnyClass); ++k) {
    const auto kind = static_cast<TypeKind>(k);
    if (kind == TypeKind::kTensor) continue;
    if (Type::Get(kind)->ToString() == name) return Type::Get(kind);
  }
  return nullptr;
}

}  // namespace

// ---- Tokens

bool Parser::Take(absl::string_view punct) {
  if (!lexer_.at(punct)) return false;
  lexer_.Next();
  return true;
}

bool Parser::TakeName(absl::string_view name) {
  if (!lexer_.at_name(name)) return false;
  lexer_.Next();
  return true;
}

absl::Status Parser::Expect(absl::string_view punct) {
  return Take(punct) ? absl::OkStatus()
                     : lexer_.Error(absl::StrCat("'", punct, "'"));
}

absl::Status Parser::ExpectName(absl::string_view name) {
  return TakeName(name) ? absl::OkStatus()
                        : lexer_.Error(absl::StrCat("'", name, "'"));
}

absl::StatusOr<std::string> Parser::ParseName(absl::string_view what) {
  const Token token = lexer_.token();
  if (token.kind == Token::Kind::kString) return ParseString();
  if (token.kind != Token::Kind::kName) return lexer_.Error(what);
  lexer_.Next();
  return std::string(token.text);
}

absl::StatusOr<std::string> Parser::ParseString() {
  const Token token = lexer_.token();
  if (token.kind != Token::Kind::kString) return lexer_.Error("a string");
  lexer_.Next();
  return Unquote(token.text);
}

absl::StatusOr<int64_t> Parser::ParseInt() {
  const Token token = lexer_.token();
  int64_t value;
  if (token.kind != Token::Kind::kInt || !FromText(token.text, &value)) {
    return lexer_.Error("a whole number of 64 bits");
  }
  lexer_.Next();
  return value;
}

// ---- Types

TypePtr Parser::FindType(absl::string_view name) const {
  return options_.unit == nullptr ? nullptr : options_.unit->FindType(name);
}

absl::StatusOr<std::vector<TypePtr>> Parser::ParseTypes(absl::string_view close,
                                                        int depth) {
  std::vector<TypePtr> types;
  TANDEM_RETURN_IF_ERROR(ParseSequence(close, [&]() -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(TypePtr type, ParseType(depth));
    types.push_back(std::move(type));
    return absl::OkStatus();
  }));
  return types;
}

absl::StatusOr<TypePtr> Parser::ParseType(int depth) {
  if (depth > kMaxValueDepth) return lexer_.Error("a type nested less deeply");
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, ParseBaseType(depth));
  for (;; ++depth) {
    if (!lexer_.at("[") && !lexer_.at("?")) return type;
    if (depth > kMaxValueDepth) {
      return lexer_.Error("a type nested less deeply");
    }
    if (Take("?")) {
      type = Type::Optional(std::move(type));
      continue;
    }
    lexer_.Next();
    TANDEM_RETURN_IF_ERROR(Expect("]"));
    type = Type::List(std::move(type));
  }
}

absl::StatusOr<TypePtr> Parser::ParseBaseType(int depth) {
  const size_t parts = ++type_parts_;
  if (Take("(")) {
    TANDEM_ASSIGN_OR_RETURN(std::vector<TypePtr> types,
                            ParseTypes(")", depth + 1));
    return Type::Tuple(std::move(types));
  }
  const size_t offset = lexer_.offset();
  if (lexer_.token().kind == Token::Kind::kString) {
    TANDEM_ASSIGN_OR_RETURN(const std::string name, ParseString());
    TypePtr type = FindType(name);
    if (type != nullptr) return type;
    return lexer_.ErrorAt(offset, absl::StrCat("unknown type ", name));
  }
  const Token token = lexer_.token();
  if (token.kind != Token::Kind::kName) return lexer_.Error("a type");
  const absl::string_view name = token.text;
  lexer_.Next();
  if (name == "Future" || name == "Await" || name == "RRef") {
    TANDEM_RETURN_IF_ERROR(Expect("["));
    TANDEM_ASSIGN_OR_RETURN(TypePtr element, ParseType(depth + 1));
    TANDEM_RETURN_IF_ERROR(Expect("]"));
    if (name == "Future") return Type::Future(std::move(element));
    return name == "Await" ? Type::Await(std::move(element))
                           : Type::RRef(std::move(element));
  }
  if (name == "Dict") {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(TypePtr key, ParseType(depth + 1));
    TANDEM_RETURN_IF_ERROR(Expect(","));
    TANDEM_ASSIGN_OR_RETURN(TypePtr value, ParseType(depth + 1));
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    return Type::Dict(std::move(key), std::move(value));
  }
  if (name == "Union") {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(std::vector<TypePtr> members,
                            ParseTypes(")", depth + 1));
    size_t flat = 0;
    for (const TypePtr& m : members) {
      flat += m->is(TypeKind::kUnion) ? m->elements().size() : 1;
    }
    if (members.empty() || flat > kMaxUnionMembers ||
        type_parts_ - parts > kMaxUnionParts) {
      return lexer_.ErrorAt(
          offset,
          absl::StrCat("a Union has 1 to ", kMaxUnionMembers,
                       " members, of at most ", kMaxUnionParts, " parts"));
    }
    return Type::Union(std::move(members));
  }
  if (name == "NamedTuple") return ParseNamedTuple(depth);
  if (name == "Var" || (name == "Function" && lexer_.at("<"))) {
    TANDEM_RETURN_IF_ERROR(Expect("<"));
    TANDEM_ASSIGN_OR_RETURN(std::string inner, ParseName("a name"));
    TANDEM_RETURN_IF_ERROR(Expect(">"));
    return name == "Var" ? Type::Var(std::move(inner))
                         : Type::FunctionNamed(std::move(inner));
  }
  if (name == "Tensor" || DTypeFromTypeName(name).has_value()) {
    return ParseTensorType(name);
  }
  TypePtr type =
      name == "Function" ? Type::Get(TypeKind::kFunction) : SimpleType(name);
  if (type == nullptr) type = FindType(name);
  if (type != nullptr) return type;
  return lexer_.ErrorAt(offset, absl::StrCat("unknown type ", name));
}

absl::StatusOr<TypePtr> Parser::ParseNamedTuple(int depth) {
  TANDEM_RETURN_IF_ERROR(Expect("<"));
  TANDEM_ASSIGN_OR_RETURN(std::string name, ParseName("a name"));
  TANDEM_RETURN_IF_ERROR(Expect(">"));
  TANDEM_RETURN_IF_ERROR(Expect("("));
  std::vector<std::string> names;
  std::vector<TypePtr> types;
  TANDEM_RETURN_IF_ERROR(ParseSequence(")", [&]() -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(std::string field, ParseName("a field's name"));
    TANDEM_RETURN_IF_ERROR(Expect(":"));
    TANDEM_ASSIGN_OR_RETURN(TypePtr type, ParseType(depth + 1));
    names.push_back(std::move(field));
    types.push_back(std::move(type));
    return absl::OkStatus();
  }));
  return Type::NamedTuple(std::move(name), std::move(names), std::move(types));
}

// "s0" -> -2, "s1" -> -3; nullopt for other names.
std::optional<int64_t> Parser::TakeSymbol() {
  const Token token = lexer_.token();
  int64_t n;
  if (token.kind != Token::Kind::kName || token.text.size() < 2 ||
      token.text[0] != 's' || !absl::ascii_isdigit(token.text[1]) ||
      !absl::SimpleAtoi(token.text.substr(1), &n) || n > (1 << 30)) {
    return std::nullopt;
  }
  lexer_.Next();
  return -2 - n;
}

absl::StatusOr<std::vector<int64_t>> Parser::ParseDims() {
  std::vector<int64_t> dims;
  TANDEM_RETURN_IF_ERROR(Expect("["));
  TANDEM_RETURN_IF_ERROR(ParseSequence("]", [&]() -> absl::Status {
    if (dims.size() == kMaxDims) return lexer_.Error("fewer dimensions");
    if (Take("*")) {
      dims.push_back(-1);
      return absl::OkStatus();
    }
    if (const std::optional<int64_t> symbol = TakeSymbol()) {
      dims.push_back(*symbol);
      return absl::OkStatus();
    }
    TANDEM_ASSIGN_OR_RETURN(const int64_t d, ParseInt());
    dims.push_back(d);
    return absl::OkStatus();
  }));
  return dims;
}

absl::StatusOr<Device> Parser::ParseDeviceName() {
  const size_t offset = lexer_.offset();
  TANDEM_ASSIGN_OR_RETURN(std::string name, ParseName("a device"));
  if (Take(":")) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t index, ParseInt());
    absl::StrAppend(&name, ":", index);
  }
  absl::StatusOr<Device> device = ParseDevice(name);
  if (device.ok()) return device;
  return lexer_.ErrorAt(offset, absl::StrCat("unknown device ", name));
}

absl::StatusOr<TypePtr> Parser::ParseTensorType(absl::string_view name) {
  TensorType::Details details;
  if (name != "Tensor") details.dtype = DTypeFromTypeName(name);
  if (!Take("(")) return TensorType::Create(std::move(details));
  return ParseTensorDetails(std::move(details));
}

absl::StatusOr<TypePtr> Parser::ParseTensorDetails(
    TensorType::Details details) {
  if (TakeName("inferred")) {
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    return TensorType::Inferred();
  }
  std::vector<int64_t> sizes;
  bool known_rank = true;
  TANDEM_RETURN_IF_ERROR(ParseSequence(")", [&]() -> absl::Status {
    if (Take("...")) {
      known_rank = false;
    } else if (Take("*")) {
      sizes.push_back(-1);
    } else if (const std::optional<int64_t> symbol = TakeSymbol()) {
      sizes.push_back(*symbol);
    } else if (TakeName("strides")) {
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(details.strides, ParseDims());
    } else if (TakeName("requires_grad")) {
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(const int64_t flag, ParseInt());
      details.requires_grad = flag != 0;
    } else if (TakeName("device")) {
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(details.device, ParseDeviceName());
    } else if (TakeName("undefined")) {
      details.undefined = true;
    } else if (lexer_.token().kind == Token::Kind::kInt) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t size, ParseInt());
      sizes.push_back(size);
    } else {
      return lexer_.Error(
          "a size, '*', 's0', '...', strides, requires_grad or device");
    }
    if (sizes.size() > kMaxDims) return lexer_.Error("fewer dimensions");
    return absl::OkStatus();
  }));
  if (known_rank) {
    details.sizes = std::move(sizes);
  } else if (!sizes.empty()) {
    return lexer_.Error("no sizes beside '...'");
  }
  return TensorType::Create(std::move(details));
}

}  // namespace tandem::canonical
