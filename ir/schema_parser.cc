// The parser of schema text: a small recursive descent over one line.
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tandem/ir/schema.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr int kMaxTypeDepth = 32;

bool IsNameChar(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_';
}

struct NamedKind {
  absl::string_view name;
  TypeKind kind;
};

constexpr NamedKind kSimpleTypes[] = {
    {"Tensor", TypeKind::kTensor},
    {"int", TypeKind::kInt},
    {"SymInt", TypeKind::kInt},
    {"float", TypeKind::kFloat},
    {"bool", TypeKind::kBool},
    {"SymBool", TypeKind::kBool},
    {"complex", TypeKind::kComplex},
    {"str", TypeKind::kStr},
    {"Scalar", TypeKind::kNumber},
    {"number", TypeKind::kNumber},
    {"NoneType", TypeKind::kNone},
    {"None", TypeKind::kNone},
    {"Device", TypeKind::kDevice},
    {"DeviceObjType", TypeKind::kDevice},
    {"Generator", TypeKind::kGenerator},
    {"Stream", TypeKind::kStream},
    {"Storage", TypeKind::kStorage},
    {"Capsule", TypeKind::kCapsule},
    {"QScheme", TypeKind::kQScheme},
    {"ScalarType", TypeKind::kScalarType},
    {"Layout", TypeKind::kLayout},
    {"MemoryFormat", TypeKind::kMemoryFormat},
    {"Any", TypeKind::kAny},
    {"AnyListType", TypeKind::kAnyList},
    {"AnyTupleType", TypeKind::kAnyTuple},
    {"AnyEnumType", TypeKind::kAnyEnum},
    {"AnyClassType", TypeKind::kAnyClass},
};

class SchemaParser {
 public:
  explicit SchemaParser(absl::string_view text) : text_(text), rest_(text) {}

  absl::StatusOr<FunctionSchema> Parse() {
    FunctionSchema schema;
    schema.name = std::string(
        TakeWhile([](char c) { return IsNameChar(c) || c == ':'; }));
    if (Take('.')) schema.overload_name = std::string(TakeWhile(IsNameChar));
    if (schema.name.empty()) return Error("a name");
    TANDEM_RETURN_IF_ERROR(ParseArguments(&schema));
    Skip();
    if (!absl::ConsumePrefix(&rest_, "->")) return Error("'->'");
    TANDEM_RETURN_IF_ERROR(ParseReturns(&schema));
    Skip();
    if (!rest_.empty()) return Error("the end");
    return schema;
  }

 private:
  absl::Status Error(absl::string_view expected) const {
    return absl::InvalidArgumentError(
        absl::StrCat("schema '", text_, "': expected ", expected, " at column ",
                     text_.size() - rest_.size()));
  }
  void Skip() { rest_ = absl::StripLeadingAsciiWhitespace(rest_); }
  bool Peek(char c) {
    Skip();
    return !rest_.empty() && rest_[0] == c;
  }
  bool Take(char c) {
    if (!Peek(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  template <typename F>
  absl::string_view TakeWhile(F f) {
    Skip();
    size_t n = 0;
    while (n < rest_.size() && f(rest_[n])) ++n;
    absl::string_view r = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return r;
  }
  absl::string_view TakeName() {
    return TakeWhile([](char c) { return IsNameChar(c) || c == '.'; });
  }

  absl::Status ParseArguments(FunctionSchema* schema) {
    if (!Take('(')) return Error("'('");
    bool kwarg_only = false;
    if (Take(')')) return absl::OkStatus();
    do {
      Skip();
      if (absl::ConsumePrefix(&rest_, "...")) {
        schema->is_vararg = true;
      } else if (Take('*')) {
        kwarg_only = true;
      } else {
        Argument a;
        TANDEM_RETURN_IF_ERROR(ParseArgument(&a, /*is_return=*/false));
        a.kwarg_only = kwarg_only;
        a.is_out = kwarg_only && a.alias.has_value() && a.alias->is_write;
        schema->arguments.push_back(std::move(a));
      }
    } while (Take(','));
    return Take(')') ? absl::OkStatus() : Error("')'");
  }

  absl::Status ParseReturns(FunctionSchema* schema) {
    Skip();
    if (absl::ConsumePrefix(&rest_, "...")) {
      schema->is_varret = true;
      return absl::OkStatus();
    }
    if (!Take('(')) {
      Argument r;
      TANDEM_RETURN_IF_ERROR(ParseArgument(&r, /*is_return=*/true));
      schema->returns.push_back(std::move(r));
      return absl::OkStatus();
    }
    if (Take(')')) return absl::OkStatus();
    do {
      Skip();
      if (absl::ConsumePrefix(&rest_, "...")) {
        schema->is_varret = true;
        continue;
      }
      Argument r;
      TANDEM_RETURN_IF_ERROR(ParseArgument(&r, /*is_return=*/true));
      schema->returns.push_back(std::move(r));
    } while (Take(','));
    return Take(')') ? absl::OkStatus() : Error("')'");
  }

  absl::Status ParseArgument(Argument* a, bool is_return) {
    TANDEM_ASSIGN_OR_RETURN(a->type, ParseType(a, 0));
    Skip();
    if (!rest_.empty() && IsNameChar(rest_[0]))
      a->name = std::string(TakeName());
    if (!is_return && Take('=')) {
      TANDEM_ASSIGN_OR_RETURN(IValue value, ParseDefault(*a->type, 0));
      if (a->fixed_size.has_value() && !value.is_list() && !value.is_none()) {
        const Type& list =
            a->type->is(TypeKind::kOptional) ? *a->type->element() : *a->type;
        std::vector<IValue> repeated(*a->fixed_size, value);
        value = IValue(MakeList(list.element(), std::move(repeated)));
      }
      a->default_value = std::move(value);
    }
    return absl::OkStatus();
  }

  absl::StatusOr<AliasInfo> ParseAlias() {
    AliasInfo info;
    const auto set = [&](std::vector<std::string>* out) {
      do {
        Skip();
        if (Take('*')) {
          out->push_back("*");
        } else {
          out->push_back(std::string(TakeWhile(IsNameChar)));
        }
      } while (Take('|'));
    };
    set(&info.before);
    if (Take('!')) info.is_write = true;
    Skip();
    if (absl::ConsumePrefix(&rest_, "->")) {
      set(&info.after);
    } else {
      info.after = info.before;
    }
    if (!Take(')')) return Error("')' of an alias");
    return info;
  }

  // Is "(" the start of an alias annotation, as after "Tensor"?
  bool AtAlias() const {
    if (rest_.empty() || rest_[0] != '(') return false;
    const size_t close = rest_.find(')');
    if (close == absl::string_view::npos) return false;
    const absl::string_view inside = rest_.substr(1, close - 1);
    if (inside.empty()) return false;
    if (inside[0] == '*') return true;
    return inside.size() == 1 || !IsNameChar(inside[1]);
  }

  absl::StatusOr<TypePtr> ParseType(Argument* a, int depth) {
    if (depth > kMaxTypeDepth) return Error("a type nested less deeply");
    TypePtr type;
    if (Take('(')) {
      std::vector<TypePtr> elements;
      if (!Take(')')) {
        do {
          Argument ignored;
          TANDEM_ASSIGN_OR_RETURN(TypePtr e, ParseType(&ignored, depth + 1));
          elements.push_back(std::move(e));
        } while (Take(','));
        if (!Take(')')) return Error("')'");
      }
      type = Type::Tuple(std::move(elements));
    } else {
      TANDEM_ASSIGN_OR_RETURN(type, ParseNamedType(depth));
    }
    std::optional<AliasInfo> alias;
    if (AtAlias()) {
      rest_.remove_prefix(1);
      TANDEM_ASSIGN_OR_RETURN(alias, ParseAlias());
    }
    for (;;) {
      if (!rest_.empty() && rest_[0] == '[') {
        rest_.remove_prefix(1);
        const absl::string_view digits =
            TakeWhile([](char c) { return absl::ascii_isdigit(c); });
        if (!Take(']')) return Error("']'");
        int32_t n;
        if (!digits.empty() && absl::SimpleAtoi(digits, &n)) a->fixed_size = n;
        type = Type::List(std::move(type));
        std::optional<AliasInfo> outer;
        if (AtAlias()) {
          rest_.remove_prefix(1);
          TANDEM_ASSIGN_OR_RETURN(outer, ParseAlias());
        }
        if (alias.has_value() || outer.has_value()) {
          AliasInfo list = outer.value_or(AliasInfo{});
          if (alias.has_value()) list.contained.push_back(*std::move(alias));
          alias = std::move(list);
        }
      } else if (!rest_.empty() && rest_[0] == '?') {
        rest_.remove_prefix(1);
        type = Type::Optional(std::move(type));
      } else {
        break;
      }
    }
    a->alias = std::move(alias);
    return type;
  }

  absl::StatusOr<TypePtr> ParseNamedType(int depth) {
    const absl::string_view name =
        TakeWhile([](char c) { return IsNameChar(c) || c == '.'; });
    if (name.empty()) return Error("a type");
    const auto inner =
        [&](size_t count) -> absl::StatusOr<std::vector<TypePtr>> {
      std::vector<TypePtr> types;
      if (!Take('(')) return Error("'('");
      do {
        Argument ignored;
        TANDEM_ASSIGN_OR_RETURN(TypePtr t, ParseType(&ignored, depth + 1));
        types.push_back(std::move(t));
      } while (Take(','));
      if (!Take(')')) return Error("')'");
      if (count != 0 && types.size() != count)
        return Error("other element types");
      return types;
    };
    if (name == "Dict") {
      TANDEM_ASSIGN_OR_RETURN(std::vector<TypePtr> t, inner(2));
      return Type::Dict(t[0], t[1]);
    }
    if (name == "Future" || name == "RRef" || name == "Await") {
      TANDEM_ASSIGN_OR_RETURN(std::vector<TypePtr> t, inner(1));
      if (name == "Future") return Type::Future(t[0]);
      return name == "Await" ? Type::Await(t[0]) : Type::RRef(t[0]);
    }
    if (name == "Union") {
      TANDEM_ASSIGN_OR_RETURN(std::vector<TypePtr> t, inner(0));
      return Type::Union(std::move(t));
    }
    for (const NamedKind& k : kSimpleTypes) {
      if (k.name == name) return Type::Get(k.kind);
    }
    if (absl::ascii_islower(name[0])) return Type::Var(std::string(name));
    // Classes bound from C++ and the like: known by name only.
    return Type::Var(std::string(name));
  }

  absl::StatusOr<IValue> ParseDefault(const Type& type, int depth) {
    if (depth > kMaxTypeDepth) return Error("a value nested less deeply");
    const Type& t = type.is(TypeKind::kOptional) ? *type.element() : type;
    if (Take('[')) {
      const TypePtr element = t.is(TypeKind::kList) ? t.element() : Type::Int();
      std::vector<IValue> values;
      if (!Take(']')) {
        do {
          TANDEM_ASSIGN_OR_RETURN(IValue v, ParseDefault(*element, depth + 1));
          values.push_back(std::move(v));
        } while (Take(','));
        if (!Take(']')) return Error("']'");
      }
      return IValue(MakeList(element, std::move(values)));
    }
    if (Peek('"') || Peek('\'')) {
      const char quote = rest_[0];
      rest_.remove_prefix(1);
      std::string s;
      while (!rest_.empty() && rest_[0] != quote) {
        char c = rest_[0];
        if (c == '\\' && rest_.size() > 1) {
          rest_.remove_prefix(1);
          constexpr absl::string_view kEscapes = "abfnrtv";
          constexpr absl::string_view kMeanings = "\a\b\f\n\r\t\v";
          c = rest_[0];
          const size_t known = kEscapes.find(c);
          if (known != absl::string_view::npos) c = kMeanings[known];
        }
        s += c;
        rest_.remove_prefix(1);
      }
      if (!Take(quote)) return Error("the end of a string");
      return IValue(std::move(s));
    }
    const absl::string_view word = TakeWhile([](char c) {
      return IsNameChar(c) || c == '.' || c == '-' || c == '+';
    });
    return DefaultFromWord(word, t);
  }

  absl::StatusOr<IValue> DefaultFromWord(absl::string_view word,
                                         const Type& t) {
    const Type& e = t.is(TypeKind::kList) ? *t.element() : t;
    if (word == "None") return IValue();
    if (word == "True") return IValue(true);
    if (word == "False") return IValue(false);
    if (word == "Mean") return IValue(int64_t{1});
    if (word == "Sum") return IValue(int64_t{2});
    if (word == "contiguous_format") return IValue(int64_t{0});
    if (word == "long") return IValue(static_cast<int64_t>(DType::kInt64));
    if (word == "float") return IValue(static_cast<int64_t>(DType::kFloat));
    if (word == "strided") return IValue(int64_t{0});
    int64_t i;
    if (absl::SimpleAtoi(word, &i)) {
      if (e.is(TypeKind::kFloat)) return IValue(static_cast<double>(i));
      return IValue(i);
    }
    double d;
    if (absl::SimpleAtod(word, &d)) return IValue(d);
    if (!word.empty() && absl::EndsWith(word, "j")) {
      // "0j", "1.+0.j": only a zero imaginary part occurs.
      return IValue(std::complex<double>(0, 0));
    }
    return Error("a default value");
  }

  const absl::string_view text_;
  absl::string_view rest_;
};

}  // namespace

absl::StatusOr<FunctionSchema> ParseSchema(absl::string_view text) {
  return SchemaParser(text).Parse();
}

}  // namespace tandem
