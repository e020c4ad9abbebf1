#include "tandem/ir/schema.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace tandem {
namespace {

std::string AliasSets(const AliasInfo& a) {
  std::string s = absl::StrJoin(a.before, "|");
  if (a.is_write) s += "!";
  if (!a.after.empty() && a.after != a.before) {
    absl::StrAppend(&s, " -> ", absl::StrJoin(a.after, "|"));
  }
  return s;
}

std::string Quoted(const std::string& text) {
  std::string s = "\"";
  for (const char c : text) {
    switch (c) {
      case '\n':
        s += "\\n";
        break;
      case '\t':
        s += "\\t";
        break;
      case '\f':
        s += "\\f";
        break;
      case '\v':
        s += "\\v";
        break;
      case '"':
      case '\'':
      case '\\':
        s += '\\';
        [[fallthrough]];
      default:
        s += c;
    }
  }
  return s + "\"";
}

// A default as PyTorch writes it in a schema.
std::string DefaultToString(const Argument& a) {
  const IValue& v = *a.default_value;
  if (v.is_string()) return Quoted(v.AsString());
  if (a.fixed_size.has_value() && v.is_list() && !v.AsList().values.empty()) {
    // int[2]=0 is kept as [0, 0].
    const std::vector<IValue>& values = v.AsList().values;
    const bool same =
        std::all_of(values.begin(), values.end(),
                    [&](const IValue& e) { return Equal(e, values[0]); });
    if (same) return values[0].ToString();
  }
  return v.ToString();
}

std::string TypeWithAlias(const Argument& a) {
  std::string text = a.type->ToString();
  if (a.fixed_size.has_value()) {
    const size_t bracket = text.find("[]");
    if (bracket != std::string::npos) {
      text.insert(bracket + 1, absl::StrCat(*a.fixed_size));
    }
  }
  if (!a.alias.has_value()) return text;
  const std::string alias = a.alias->ToString();
  // "Tensor(a!)[]", "Tensor(a)?": after the element's name.
  if (!a.alias->contained.empty() || absl::EndsWith(text, "?")) {
    const size_t at = text.find_first_of("[?");
    if (at != std::string::npos && at > 0) {
      const std::string inner =
          a.alias->contained.empty() ? alias : a.alias->contained[0].ToString();
      std::string result = text.substr(0, at) + inner + text.substr(at);
      if (!a.alias->contained.empty() && !a.alias->before.empty()) {
        result += absl::StrCat("(", AliasSets(*a.alias), ")");
      }
      return result;
    }
  }
  return text + alias;
}

std::string ArgumentText(const Argument& a, bool is_return) {
  std::string s = TypeWithAlias(a);
  if (!a.name.empty()) absl::StrAppend(&s, " ", a.name);
  if (!is_return && a.default_value.has_value()) {
    absl::StrAppend(&s, "=", DefaultToString(a));
  }
  return s;
}

}  // namespace

std::string AliasInfo::ToString() const {
  return absl::StrCat("(", AliasSets(*this), ")");
}

std::string FunctionSchema::FullName() const {
  return overload_name.empty() ? name : absl::StrCat(name, ".", overload_name);
}

std::string FunctionSchema::ToString() const {
  std::string s = absl::StrCat(FullName(), "(");
  bool kwarg_only = false, first = true;
  for (const Argument& a : arguments) {
    if (!first) s += ", ";
    first = false;
    if (a.kwarg_only && !kwarg_only) {
      kwarg_only = true;
      s += "*, ";
    }
    s += ArgumentText(a, false);
  }
  if (is_vararg) s += first ? "..." : ", ...";
  s += ") -> ";
  if (returns.size() == 1 && !is_varret) {
    const std::string text = ArgumentText(returns[0], true);
    // A tuple is put in parentheses once more, as PyTorch does.
    return s +
           (absl::StartsWith(text, "(") ? absl::StrCat("(", text, ")") : text);
  }
  if (is_varret && returns.empty()) return s + "...";
  s += "(";
  first = true;
  for (const Argument& r : returns) {
    if (!first) s += ", ";
    first = false;
    s += ArgumentText(r, true);
  }
  if (is_varret) s += first ? "..." : ", ...";
  return s + ")";
}

std::optional<size_t> FunctionSchema::ArgumentIndex(absl::string_view n) const {
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].name == n) return i;
  }
  return std::nullopt;
}

bool FunctionSchema::is_mutable() const {
  for (const Argument& a : arguments) {
    if (!a.alias.has_value()) continue;
    if (a.alias->is_write) return true;
    for (const AliasInfo& c : a.alias->contained) {
      if (c.is_write) return true;
    }
  }
  return false;
}

}  // namespace tandem
