#include "tandem/ir/literal.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem {
namespace {

using Custom = absl::FunctionRef<bool(const IValue&, std::string*)>;

bool AppendAll(const std::vector<IValue>& values, std::string* out,
               Custom custom, bool for_graph) {
  bool complete = true, first = true;
  for (const IValue& v : values) {
    if (!first) out->append(", ");
    first = false;
    complete &= AppendLiteral(v, out, custom, for_graph);
  }
  return complete;
}

bool AppendList(const IValue& value, std::string* out, Custom custom,
                bool for_graph) {
  const ListObject& list = value.AsList();
  const bool annotate =
      list.values.empty() || !ElementTypeIsInferable(*list.element_type);
  if (annotate) {
    absl::StrAppend(out, "annotate(List[", list.element_type->ToAnnotation(),
                    "], ");
  }
  out->push_back('[');
  const bool complete = AppendAll(list.values, out, custom, for_graph);
  out->append(annotate ? "])" : "]");
  return complete;
}

bool AppendDict(const IValue& value, std::string* out, Custom custom,
                bool for_graph) {
  const DictObject& dict = value.AsDict();
  const bool annotate =
      dict.size() == 0 || !ElementTypeIsInferable(*dict.value_type);
  if (annotate) {
    absl::StrAppend(out, "annotate(Dict[", dict.key_type->ToAnnotation(), ", ",
                    dict.value_type->ToAnnotation(), "], ");
  }
  out->push_back('{');
  bool complete = true, first = true;
  dict.ForEach([&](const IValue& k, const IValue& v) {
    if (!first) out->append(", ");
    first = false;
    complete &= AppendLiteral(k, out, custom, for_graph);
    out->append(": ");
    complete &= AppendLiteral(v, out, custom, for_graph);
  });
  out->append(annotate ? "})" : "}");
  return complete;
}

bool AppendTuple(const IValue& value, std::string* out, Custom custom,
                 bool for_graph) {
  const TupleObject& tuple = value.AsTuple();
  if (tuple.type != nullptr && !for_graph) out->append(tuple.type->name());
  out->push_back('(');
  const bool complete = AppendAll(tuple.values, out, custom, for_graph);
  out->append(tuple.values.size() == 1 && (tuple.type == nullptr || for_graph)
                  ? ",)"
                  : ")");
  return complete;
}

}  // namespace

std::string QuoteString(absl::string_view text, bool for_graph) {
  std::string out = "\"";
  for (char c : text) {
    switch (c) {
      case '\\':
        out.append("\\\\");
        continue;
      case '\'':
        out.append("\\'");
        continue;
      case '"':
        out.append("\\\"");
        continue;
      case '\a':
        out.append("\\a");
        continue;
      case '\b':
        out.append("\\b");
        continue;
      case '\f':
        out.append("\\f");
        continue;
      case '\n':
        out.append("\\n");
        continue;
      case '\t':
        out.append("\\t");
        continue;
      case '\v':
        out.append("\\v");
        continue;
      case '\r':
        // The lexer of PyTorch does not know \r.
        out.append(for_graph ? "\\r" : "\\015");
        continue;
      default:
        break;
    }
    if (c >= 0x20 && c <= 0x7e) {
      out.push_back(c);
      continue;
    }
    const int code =
        for_graph ? static_cast<signed char>(c) : static_cast<unsigned char>(c);
    out.push_back('\\');
    out.push_back(static_cast<char>('0' + code / 64));
    out.push_back(static_cast<char>('0' + code / 8 % 8));
    out.push_back(static_cast<char>('0' + code % 8));
  }
  out.push_back('"');
  return out;
}

bool ElementTypeIsInferable(const Type& element) {
  switch (element.kind()) {
    case TypeKind::kOptional:
    case TypeKind::kUnion:
    case TypeKind::kNumber:
    case TypeKind::kInterface:
    case TypeKind::kAny:
      return false;
    default:
      return true;
  }
}

bool AppendLiteral(const IValue& value, std::string* out, Custom custom,
                   bool for_graph) {
  if (custom(value, out)) return true;
  switch (value.tag()) {
    case IValue::Tag::kNone:
      out->append("None");
      return true;
    case IValue::Tag::kBool:
      out->append(value.AsBool() ? "True" : "False");
      return true;
    case IValue::Tag::kInt:
      absl::StrAppend(out, value.AsInt());
      return true;
    case IValue::Tag::kDouble: {
      std::string text = FloatToString(value.AsDouble(), true);
      // Without a point it would be read back as an int.
      if (!for_graph && text.find_first_of(".einf") == std::string::npos) {
        text.push_back('.');
      }
      out->append(text);
      return true;
    }
    case IValue::Tag::kComplex: {
      const std::complex<double> c = value.AsComplex();
      absl::StrAppend(
          out, FloatToString(c.real(), true), c.imag() >= 0 ? "+" : "-",
          FloatToString(c.imag() >= 0 ? c.imag() : -c.imag(), true), "j");
      return true;
    }
    case IValue::Tag::kString:
      out->append(QuoteString(value.AsString(), for_graph));
      return true;
    case IValue::Tag::kDevice:
      absl::StrAppend(out, "torch.device(\"", value.AsDevice().ToString(),
                      "\")");
      return true;
    case IValue::Tag::kFunction:
      out->append(value.AsFunction()->qualified_name());
      return true;
    case IValue::Tag::kEnum:
      absl::StrAppend(out, value.AsEnum().type->name(), ".",
                      value.AsEnum().name);
      return true;
    case IValue::Tag::kList:
      return AppendList(value, out, custom, for_graph);
    case IValue::Tag::kDict:
      return AppendDict(value, out, custom, for_graph);
    case IValue::Tag::kTuple:
      return AppendTuple(value, out, custom, for_graph);
    default:
      return false;
  }
}

}  // namespace tandem
