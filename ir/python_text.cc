#include "tandem/ir/python_text.h"

#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/print.h"

namespace tandem {
namespace {

std::string FloatRepr(double d) {
  std::string s = ShortestDouble(d);
  if (std::isfinite(d) && s.find_first_of(".e") == std::string::npos) s += ".0";
  return s;
}

std::string StringRepr(const std::string& text) {
  const char quote =
      absl::StrContains(text, "'") && !absl::StrContains(text, "\"") ? '"'
                                                                     : '\'';
  std::string s(1, quote);
  for (const char c : text) {
    switch (c) {
      case '\n':
        s += "\\n";
        break;
      case '\r':
        s += "\\r";
        break;
      case '\t':
        s += "\\t";
        break;
      case '\\':
        s += "\\\\";
        break;
      default:
        if (c == quote) s += '\\';
        s += c;
    }
  }
  return s + quote;
}

std::string Join(const std::vector<IValue>& values,
                 absl::string_view separator) {
  std::string s;
  for (const IValue& v : values) {
    absl::StrAppend(&s, s.empty() ? "" : separator,
                    ToPythonString(v, separator));
  }
  return s;
}

}  // namespace

std::string ToPythonString(const IValue& v, absl::string_view separator) {
  switch (v.tag()) {
    case IValue::Tag::kDouble:
      return FloatRepr(v.AsDouble());
    case IValue::Tag::kTensor: {
      if (!v.AsTensor().defined()) return "None";
      absl::StatusOr<std::string> text = TensorToPythonString(v.AsTensor());
      return text.ok()
                 ? *std::move(text)
                 : absl::StrCat("<tensor: ", text.status().message(), ">");
    }
    case IValue::Tag::kString:
      return StringRepr(v.AsString());
    case IValue::Tag::kList:
      return absl::StrCat("[", Join(v.AsList().values, separator), "]");
    case IValue::Tag::kTuple:
      return absl::StrCat("(", Join(v.AsTuple().values, separator),
                          v.AsTuple().values.size() == 1 ? ",)" : ")");
    case IValue::Tag::kDict: {
      std::string s;
      for (const auto& [key, value] : v.AsDict().Items()) {
        absl::StrAppend(&s, s.empty() ? "" : separator,
                        ToPythonString(key, separator), ": ",
                        ToPythonString(value, separator));
      }
      return absl::StrCat("{", s, "}");
    }
    default:
      return v.ToString();
  }
}

std::string PythonTypeName(const IValue& v) {
  switch (v.tag()) {
    case IValue::Tag::kDouble:
      return "float";
    case IValue::Tag::kList:
      return "list";
    case IValue::Tag::kDict:
      return "dict";
    case IValue::Tag::kTuple:
      return v.AsTuple().type != nullptr
                 ? std::string(v.AsTuple().type->base_name())
                 : "tuple";
    case IValue::Tag::kDevice:
      return "device";
    case IValue::Tag::kObject:
      return std::string(v.AsObject().type()->base_name());
    case IValue::Tag::kEnum:
      return std::string(v.AsEnum().type->base_name());
    default:
      return v.TypeOf()->ToAnnotation();
  }
}

}  // namespace tandem
