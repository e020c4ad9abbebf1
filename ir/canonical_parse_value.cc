// Types and values from canonical text.
#include <charconv>
#include <cstring>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/canonical_parser.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::canonical {
namespace {

// Members of a Union are compared with each other.
constexpr size_t kMaxUnionMembers = 256;
constexpr size_t kMaxUnionParts = 2048;
// Keys that are not equal to themselves are all in one bucket.
constexpr int kMaxNanKeys = 16;
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

template <typename T>
bool FromText(absl::string_view text, T* out) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

template <typename T>
void AppendBytes(T value, std::string* bytes) {
  bytes->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

bool FromHex(absl::string_view text, uint64_t* out) {
  text.remove_prefix(2);
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

template <typename T>
bool AppendInteger(absl::string_view text, std::string* bytes) {
  T value;
  if (!FromText(text, &value)) return false;
  AppendBytes(value, bytes);
  return true;
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

absl::StatusOr<std::vector<int64_t>> Parser::ParseDims() {
  std::vector<int64_t> dims;
  TANDEM_RETURN_IF_ERROR(Expect("["));
  TANDEM_RETURN_IF_ERROR(ParseSequence("]", [&]() -> absl::Status {
    if (dims.size() == kMaxDims) return lexer_.Error("fewer dimensions");
    if (Take("*")) {
      dims.push_back(-1);
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
          "a size, '*', '...', strides, requires_grad or device");
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

// ---- Values

const Function* Parser::FindFunction(absl::string_view label) const {
  return options_.unit == nullptr ? nullptr
                                  : options_.unit->FindFunction(label);
}

absl::StatusOr<double> Parser::ParseDouble() {
  const Token token = lexer_.token();
  double value = 0;
  uint64_t bits = 0;
  bool good = false;
  if (token.kind == Token::Kind::kHex) {
    good = token.text.size() == 18 && FromHex(token.text, &bits);
    std::memcpy(&value, &bits, sizeof(value));
  } else if (token.kind == Token::Kind::kFloat ||
             token.kind == Token::Kind::kInt || lexer_.at_name("inf") ||
             lexer_.at_name("nan")) {
    good = FromText(token.text, &value);
  }
  if (!good) return lexer_.Error("a floating-point number");
  lexer_.Next();
  return value;
}

absl::StatusOr<IValue> Parser::ParseValue(int depth) {
  if (depth > kMaxValueDepth) {
    return lexer_.Error("a value nested less deeply");
  }
  switch (lexer_.token().kind) {
    case Token::Kind::kInt: {
      TANDEM_ASSIGN_OR_RETURN(const int64_t value, ParseInt());
      return IValue(value);
    }
    case Token::Kind::kFloat:
    case Token::Kind::kHex: {
      TANDEM_ASSIGN_OR_RETURN(const double value, ParseDouble());
      return IValue(value);
    }
    case Token::Kind::kString: {
      TANDEM_ASSIGN_OR_RETURN(std::string value, ParseString());
      return IValue(std::move(value));
    }
    case Token::Kind::kName:
      return ParseValueByName(depth);
    case Token::Kind::kPunct:
      if (lexer_.at("[")) return ParseList(nullptr, depth);
      if (lexer_.at("{")) return ParseDict(nullptr, nullptr, depth);
      if (lexer_.at("(")) return ParseTuple(nullptr, depth);
      if (lexer_.at("<")) return ParseTyped(depth);
      if (Take("@")) {
        const size_t offset = lexer_.offset();
        TANDEM_ASSIGN_OR_RETURN(std::string label,
                                ParseName("a function's name"));
        if (Take("~")) {
          TANDEM_ASSIGN_OR_RETURN(const int64_t n, ParseInt());
          absl::StrAppend(&label, "~", n);
        }
        const Function* function = FindFunction(label);
        if (function != nullptr) return IValue(function);
        return lexer_.ErrorAt(offset, absl::StrCat("unknown function ", label));
      }
      [[fallthrough]];
    default:
      return lexer_.Error("a value");
  }
}

absl::StatusOr<IValue> Parser::ParseValueByName(int depth) {
  if (TakeName("None")) return IValue();
  if (TakeName("True")) return IValue(true);
  if (TakeName("False")) return IValue(false);
  if (lexer_.at_name("inf") || lexer_.at_name("nan")) {
    TANDEM_ASSIGN_OR_RETURN(const double value, ParseDouble());
    return IValue(value);
  }
  const size_t offset = lexer_.offset();
  if (lexer_.at_name("extern")) return ParseExternal();
  if (lexer_.at_name("tensor")) return ParseTensor();
  if (TakeName("complex")) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(const double real, ParseDouble());
    TANDEM_RETURN_IF_ERROR(Expect(","));
    TANDEM_ASSIGN_OR_RETURN(const double imag, ParseDouble());
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    return IValue(std::complex<double>(real, imag));
  }
  if (TakeName("device")) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(const std::string name, ParseString());
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    const absl::StatusOr<Device> device = ParseDevice(name);
    if (device.ok()) return IValue(*device);
    return lexer_.ErrorAt(offset, absl::StrCat("unknown device ", name));
  }
  if (TakeName("enum")) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(const TypePtr type, ParseType(0));
    TANDEM_RETURN_IF_ERROR(Expect(","));
    TANDEM_ASSIGN_OR_RETURN(const std::string member, ParseString());
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    if (const EnumType* e = type->AsEnum(); e != nullptr) {
      for (const auto& [name, value] : e->members()) {
        if (name == member) {
          return IValue(MakeRef<EnumObject>(e->shared(), name, value));
        }
      }
    }
    return lexer_.ErrorAt(offset, "no such member of an enum");
  }
  if (TakeName("opaque")) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(std::string name, ParseString());
    TANDEM_RETURN_IF_ERROR(Expect(","));
    TANDEM_ASSIGN_OR_RETURN(IValue state, ParseValue(depth + 1));
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    return IValue(MakeRef<OpaqueObject>(std::move(name), std::move(state)));
  }
  if (TakeName("object")) {
    TANDEM_RETURN_IF_ERROR(Expect("("));
    TANDEM_ASSIGN_OR_RETURN(const int64_t index, ParseInt());
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    absl::StatusOr<IValue> object = FindObject(index);
    if (object.ok()) return object;
    return lexer_.ErrorAt(offset, object.status().message());
  }
  return lexer_.Error("a value");
}

absl::StatusOr<IValue> Parser::ParseTyped(int depth) {
  lexer_.Next();  // <
  const size_t offset = lexer_.offset();
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, ParseType(depth));
  TypePtr second;
  if (Take(",")) {
    TANDEM_ASSIGN_OR_RETURN(second, ParseType(depth));
  }
  TANDEM_RETURN_IF_ERROR(Expect(">"));
  if (second != nullptr) {
    if (!lexer_.at("{")) return lexer_.Error("'{'");
    return ParseDict(std::move(type), std::move(second), depth);
  }
  if (lexer_.at("[")) return ParseList(std::move(type), depth);
  if (!lexer_.at("(")) return lexer_.Error("'[' or '('");
  if (!type->is_named_tuple()) {
    return lexer_.ErrorAt(offset, "expected the type of a NamedTuple");
  }
  return ParseTuple(std::move(type), depth);
}

absl::Status Parser::NoFit(size_t offset, const IValue& value,
                           const Type& type) const {
  return lexer_.ErrorAt(
      offset, absl::StrCat("expected elements of type ", type.ToString(),
                           ", got one of type ", value.TypeOf()->ToString()));
}

absl::StatusOr<IValue> Parser::ParseList(TypePtr element, int depth) {
  const size_t offset = lexer_.offset();
  lexer_.Next();  // [
  std::vector<IValue> values;
  TANDEM_RETURN_IF_ERROR(ParseSequence("]", [&]() -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(IValue value, ParseValue(depth + 1));
    values.push_back(std::move(value));
    return absl::OkStatus();
  }));
  if (element == nullptr) {
    if (values.empty()) {
      return lexer_.ErrorAt(offset, "an empty list needs its type: <int>[]");
    }
    element = values[0].TypeOf();
  }
  for (const IValue& v : values) {
    if (!v.Conforms(*element)) return NoFit(offset, v, *element);
  }
  return IValue(MakeList(std::move(element), std::move(values)));
}

absl::StatusOr<IValue> Parser::ParseDict(TypePtr key, TypePtr value,
                                         int depth) {
  const size_t offset = lexer_.offset();
  lexer_.Next();  // {
  std::vector<std::pair<IValue, IValue>> items;
  int nan_keys = 0;
  TANDEM_RETURN_IF_ERROR(ParseSequence("}", [&]() -> absl::Status {
    const size_t key_offset = lexer_.offset();
    TANDEM_ASSIGN_OR_RETURN(IValue k, ParseValue(depth + 1));
    // What a dict finds by its value.
    if (!k.is_string() && !k.is_scalar() && !k.is_tensor() && !k.is_device()) {
      return lexer_.ErrorAt(
          key_offset,
          "a key is a string, a number, a bool, a tensor or a "
          "device");
    }
    if (!Equal(k, k) && ++nan_keys > kMaxNanKeys) {
      return lexer_.ErrorAt(key_offset, "fewer keys that are NaN");
    }
    TANDEM_RETURN_IF_ERROR(Expect(":"));
    TANDEM_ASSIGN_OR_RETURN(IValue v, ParseValue(depth + 1));
    items.emplace_back(std::move(k), std::move(v));
    return absl::OkStatus();
  }));
  if (key == nullptr) {
    if (items.empty()) {
      return lexer_.ErrorAt(offset,
                            "an empty dict needs its types: <str, int>{}");
    }
    key = items[0].first.TypeOf();
    value = items[0].second.TypeOf();
  }
  for (const auto& [k, v] : items) {
    if (!k.Conforms(*key)) return NoFit(offset, k, *key);
    if (!v.Conforms(*value)) return NoFit(offset, v, *value);
  }
  Ref<DictObject> dict = MakeDict(std::move(key), std::move(value));
  for (auto& [k, v] : items) dict->Set(std::move(k), std::move(v));
  return IValue(std::move(dict));
}

absl::StatusOr<IValue> Parser::ParseTuple(TypePtr type, int depth) {
  const size_t offset = lexer_.offset();
  lexer_.Next();  // (
  std::vector<IValue> values;
  TANDEM_RETURN_IF_ERROR(ParseSequence(")", [&]() -> absl::Status {
    TANDEM_ASSIGN_OR_RETURN(IValue value, ParseValue(depth + 1));
    values.push_back(std::move(value));
    return absl::OkStatus();
  }));
  if (type != nullptr && type->elements().size() != values.size()) {
    return lexer_.ErrorAt(offset,
                          absl::StrCat("expected ", type->elements().size(),
                                       " fields, got ", values.size()));
  }
  for (size_t i = 0; type != nullptr && i < values.size(); ++i) {
    if (!values[i].Conforms(*type->element(i))) {
      return NoFit(offset, values[i], *type->element(i));
    }
  }
  return IValue(MakeRef<TupleObject>(std::move(values), std::move(type)));
}

absl::StatusOr<IValue> Parser::ParseExternal() {
  lexer_.Next();  // extern
  TANDEM_RETURN_IF_ERROR(Expect("("));
  const size_t offset = lexer_.offset();
  TANDEM_ASSIGN_OR_RETURN(const int64_t index, ParseInt());
  TANDEM_RETURN_IF_ERROR(Expect(")"));
  const size_t count =
      options_.externals == nullptr ? 0 : options_.externals->size();
  if (index < 0 || static_cast<uint64_t>(index) >= count) {
    return lexer_.ErrorAt(
        offset, absl::StrCat("there are ", count, " external values"));
  }
  return (*options_.externals)[static_cast<size_t>(index)];
}

// ---- Tensors

absl::Status Parser::ParseElement(DType component, std::string* bytes) {
  const Token token = lexer_.token();
  const absl::string_view text = token.text;
  const size_t size = ElementSize(component);
  bool good = false;
  if (token.kind == Token::Kind::kHex) {
    uint64_t bits = 0;
    good = FromHex(text, &bits) && (size == 8 || bits >> (8 * size) == 0);
    bytes->append(reinterpret_cast<const char*>(&bits), size);
  } else if (component == DType::kFloat || component == DType::kDouble) {
    if (token.kind == Token::Kind::kFloat || token.kind == Token::Kind::kInt ||
        lexer_.at_name("inf") || lexer_.at_name("nan")) {
      double d = 0;
      float f = 0;
      good =
          component == DType::kFloat ? FromText(text, &f) : FromText(text, &d);
      component == DType::kFloat ? AppendBytes(f, bytes)
                                 : AppendBytes(d, bytes);
    }
  } else if (token.kind == Token::Kind::kInt) {
    switch (component) {
      case DType::kBool:
        good = text == "0" || text == "1";
        bytes->push_back(text == "1" ? 1 : 0);
        break;
      case DType::kUInt8:
        good = AppendInteger<uint8_t>(text, bytes);
        break;
      case DType::kInt8:
        good = AppendInteger<int8_t>(text, bytes);
        break;
      case DType::kInt16:
        good = AppendInteger<int16_t>(text, bytes);
        break;
      case DType::kUInt16:
        good = AppendInteger<uint16_t>(text, bytes);
        break;
      case DType::kInt32:
        good = AppendInteger<int32_t>(text, bytes);
        break;
      case DType::kUInt32:
        good = AppendInteger<uint32_t>(text, bytes);
        break;
      case DType::kInt64:
        good = AppendInteger<int64_t>(text, bytes);
        break;
      case DType::kUInt64:
        good = AppendInteger<uint64_t>(text, bytes);
        break;
      default:
        break;
    }
  }
  if (!good) {
    return lexer_.Error(absl::StrCat("an element of ", TypeName(component)));
  }
  lexer_.Next();
  return absl::OkStatus();
}

absl::Status Parser::ParseElements(DType dtype, std::string* bytes) {
  const DType component = IsComplex(dtype) ? ToReal(dtype) : dtype;
  TANDEM_RETURN_IF_ERROR(Expect("["));
  return ParseSequence("]", [&] { return ParseElement(component, bytes); });
}

absl::StatusOr<IValue> Parser::ParseTensor() {
  const size_t offset = lexer_.offset();
  lexer_.Next();  // tensor
  TANDEM_RETURN_IF_ERROR(Expect("("));
  if (TakeName("undefined")) {
    TANDEM_RETURN_IF_ERROR(Expect(")"));
    return IValue(Tensor());
  }
  const size_t dtype_offset = lexer_.offset();
  TANDEM_ASSIGN_OR_RETURN(const std::string name, ParseName("a dtype"));
  const std::optional<DType> dtype = DTypeFromTypeName(name);
  if (!dtype.has_value() || ElementSize(*dtype) == 0 || IsQuantized(*dtype)) {
    return lexer_.ErrorAt(dtype_offset, absl::StrCat("unknown dtype ", name));
  }
  TANDEM_RETURN_IF_ERROR(Expect(","));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> sizes, ParseDims());
  std::vector<int64_t> strides;
  bool has_strides = false, has_data = false, meta = false;
  bool requires_grad = false, conj = false, neg = false, wrapped = false;
  Device device;
  std::string bytes;
  while (Take(",")) {
    if (TakeName("strides")) {
      has_strides = true;
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(strides, ParseDims());
    } else if (TakeName("device")) {
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_ASSIGN_OR_RETURN(device, ParseDeviceName());
    } else if (!has_data && TakeName("data")) {
      has_data = true;
      TANDEM_RETURN_IF_ERROR(Expect("="));
      TANDEM_RETURN_IF_ERROR(ParseElements(*dtype, &bytes));
    } else if (TakeName("requires_grad")) {
      requires_grad = true;
    } else if (TakeName("conj")) {
      conj = true;
    } else if (TakeName("neg")) {
      neg = true;
    } else if (TakeName("wrapped_number")) {
      wrapped = true;
    } else if (TakeName("meta")) {
      meta = true;
    } else {
      return lexer_.Error("strides, data or a flag of a tensor");
    }
  }
  TANDEM_RETURN_IF_ERROR(Expect(")"));
  // From here on, errors are of the tensor as a whole.
  const auto wrong = [&](absl::string_view what) {
    return lexer_.ErrorAt(offset, what);
  };
  if (!CheckedNumel(sizes).ok()) return wrong("the tensor's sizes are too big");
  if (!has_strides) {
    const Dims contiguous = ContiguousStrides(sizes);
    strides.assign(contiguous.begin(), contiguous.end());
  }
  if (strides.size() != sizes.size()) {
    return wrong("the tensor has as many strides as sizes");
  }
  const absl::StatusOr<int64_t> span = ElementSpan(sizes, strides);
  if (!span.ok()) return wrong(span.status().message());
  if (meta == has_data || !device.is_cpu()) {
    return wrong("a tensor has data on the CPU, or is meta");
  }
  if (conj && !IsComplex(*dtype))
    return wrong("only complex numbers have conj");
  absl::StatusOr<Tensor> tensor = absl::InternalError("");
  if (meta) {
    tensor = Tensor::Meta(sizes, strides, *dtype);
  } else {
    const size_t size = ElementSize(*dtype);
    if (bytes.size() % size != 0 ||
        bytes.size() / size != static_cast<uint64_t>(*span)) {
      return wrong(absl::StrCat("the tensor needs ", *span, " elements, got ",
                                bytes.size() / size));
    }
    TANDEM_ASSIGN_OR_RETURN(Ref<Storage> storage,
                            Storage::Allocate(bytes.size()));
    if (!bytes.empty())
      std::memcpy(storage->data(), bytes.data(), bytes.size());
    tensor = Tensor::OverStorage(std::move(storage), 0, sizes, strides, *dtype);
  }
  if (!tensor.ok()) return wrong(tensor.status().message());
  TensorImpl& impl = *tensor->impl();
  impl.requires_grad = requires_grad;
  impl.conj = conj;
  impl.neg = neg;
  impl.wrapped_number = wrapped;
  if (!meta) impl.device = device;
  return IValue(*std::move(tensor));
}

}  // namespace tandem::canonical
