// Values from canonical text.
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/ir/canonical_number.h"
#include "tandem/ir/canonical_parser.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::canonical {
namespace {

// Keys that are not equal to themselves are all in one bucket.
constexpr int kMaxNanKeys = 16;

}  // namespace

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

}  // namespace tandem::canonical
