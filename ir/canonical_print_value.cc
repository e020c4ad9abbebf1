// Types and values as canonical text.
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "tandem/ir/canonical_lexer.h"
#include "tandem/ir/canonical_printer.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/literal.h"

namespace tandem::canonical {
namespace {

template <typename T, typename Bits>
std::string FloatTextOf(T value) {
  Bits bits, nan_bits;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  std::memcpy(&bits, &value, sizeof(bits));
  std::memcpy(&nan_bits, &nan, sizeof(nan_bits));
  if (std::isnan(value)) {
    if (bits == nan_bits) return "nan";
    return absl::StrFormat("0x%0*x", static_cast<int>(2 * sizeof(bits)),
                           static_cast<uint64_t>(bits));
  }
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof(buffer), value).ptr;
  std::string text(buffer, end);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

template <typename T>
T ElementAt(const char* data, int64_t i) {
  T value;
  std::memcpy(&value, data + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

// Types that a list of such values has when nothing else is said.
bool TellsItsType(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::kBool:
    case IValue::Tag::kInt:
    case IValue::Tag::kDouble:
    case IValue::Tag::kComplex:
    case IValue::Tag::kString:
    case IValue::Tag::kDevice:
    case IValue::Tag::kTensor:
    case IValue::Tag::kList:
      return true;
    default:
      return false;
  }
}

bool FollowsFrom(const Type& type, const IValue& value) {
  return TellsItsType(value) && value.TypeOf()->Equals(type);
}

}  // namespace

std::string FloatText(double d) { return FloatTextOf<double, uint64_t>(d); }
std::string FloatText(float f) { return FloatTextOf<float, uint32_t>(f); }

absl::StatusOr<int64_t> ElementSpan(DimSpan sizes, DimSpan strides) {
  int64_t last = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 0) return int64_t{0};
    int64_t reach;
    if (sizes[i] < 0 || strides[i] < 0 ||
        __builtin_mul_overflow(sizes[i] - 1, strides[i], &reach) ||
        __builtin_add_overflow(last, reach, &last)) {
      return absl::InvalidArgumentError("sizes and strides reach too far");
    }
  }
  if (last == std::numeric_limits<int64_t>::max()) {
    return absl::InvalidArgumentError("sizes and strides reach too far");
  }
  return last + 1;
}

// ---- Types

void Printer::PrintName(absl::string_view name) {
  Append(IsPlainName(name) ? std::string(name) : QuoteString(name));
}

void Printer::PrintTypes(absl::Span<const TypePtr> types) {
  bool first = true;
  for (const TypePtr& t : types) {
    if (!first) Append(", ");
    first = false;
    PrintType(*t);
  }
}

void Printer::PrintDims(const std::vector<int64_t>& dims) {
  Append(absl::StrJoin(dims, ", ", [](std::string* out, int64_t d) {
    // Symbol n is -2 - n.
    absl::StrAppend(out, d < -1    ? absl::StrCat("s", -2 - d)
                         : d == -1 ? "*"
                                   : absl::StrCat(d));
  }));
}

void Printer::PrintTensorType(const TensorType& type) {
  const TensorType::Details& d = type.details();
  Append(d.dtype.has_value() ? TypeName(*d.dtype)
                             : absl::string_view("Tensor"));
  if (type.inferred()) return Append("(inferred)");
  if (!d.device.has_value() && !d.sizes.has_value() && !d.strides.has_value() &&
      !d.requires_grad.has_value() && !d.undefined) {
    return;
  }
  Append("(");
  bool first = true;
  const auto next = [&] {
    if (!first) Append(", ");
    first = false;
  };
  if (!d.sizes.has_value()) {
    next();
    Append("...");
  } else if (!d.sizes->empty()) {
    next();
    PrintDims(*d.sizes);
  }
  if (d.strides.has_value()) {
    next();
    Append("strides=[");
    PrintDims(*d.strides);
    Append("]");
  }
  if (d.requires_grad.has_value()) {
    next();
    Append(absl::StrCat("requires_grad=", *d.requires_grad ? 1 : 0));
  }
  if (d.device.has_value()) {
    next();
    Append(absl::StrCat("device=", d.device->ToString()));
  }
  if (d.undefined) {
    next();
    Append("undefined");
  }
  Append(")");
}

void Printer::PrintNamedType(const Type& type) {
  if (!IsDefined(type)) {
    Fail(absl::StrCat("type ", type.name(), " is not one of the program"));
  }
  // A name without a point could be one of ours.
  if (absl::StrContains(type.name(), '.')) return PrintName(type.name());
  Append(QuoteString(type.name()));
}

void Printer::PrintNamedTuple(const Type& type) {
  Append("NamedTuple<");
  PrintName(type.name());
  Append(">(");
  for (size_t i = 0; i < type.elements().size(); ++i) {
    if (i != 0) Append(", ");
    PrintName(i < type.field_names().size() ? type.field_names()[i] : "");
    Append(" : ");
    PrintType(*type.element(i));
  }
  Append(")");
}

void Printer::PrintType(const Type& type) {
  const auto with = [&](absl::string_view name, absl::string_view close) {
    Append(name);
    PrintTypes(type.elements());
    Append(close);
  };
  switch (type.kind()) {
    case TypeKind::kTensor:
      return PrintTensorType(*type.AsTensor());
    case TypeKind::kList:
      return with("", "[]");
    case TypeKind::kOptional:
      return with("", "?");
    case TypeKind::kFuture:
      return with("Future[", "]");
    case TypeKind::kAwait:
      return with("Await[", "]");
    case TypeKind::kRRef:
      return with("RRef[", "]");
    case TypeKind::kDict:
      return with("Dict(", ")");
    case TypeKind::kUnion:
      return with("Union(", ")");
    case TypeKind::kTuple:
      if (!type.is_named_tuple()) return with("(", ")");
      return IsDefined(type) ? PrintNamedType(type) : PrintNamedTuple(type);
    case TypeKind::kFunction:
    case TypeKind::kVar:
      Append(type.is(TypeKind::kVar) ? "Var" : "Function");
      if (type.name().empty()) return;
      Append("<");
      PrintName(type.name());
      return Append(">");
    case TypeKind::kEnum:
    case TypeKind::kClass:
    case TypeKind::kInterface:
      return PrintNamedType(type);
    default:
      return Append(type.ToString());
  }
}

// ---- Values

void Printer::PrintExternal(const IValue& value, absl::string_view what) {
  if (options_.externals == nullptr) {
    return Fail(absl::StrCat(what, " has no text"));
  }
  // A reference is known by its object.
  const void* key = value.is_tensor()
                        ? value.AsTensor().impl()
                        : static_cast<const void*>(&value.AsObject());
  const auto [it, inserted] =
      external_index_.try_emplace(key, options_.externals->size());
  if (inserted) options_.externals->push_back(value);
  Append(absl::StrCat("extern(", it->second, ")"));
}

void Printer::PrintElements(const Tensor& tensor, int64_t span) {
  const char* data = tensor.raw_data();
  const DType component =
      IsComplex(tensor.dtype()) ? ToReal(tensor.dtype()) : tensor.dtype();
  const size_t size = ElementSize(component);
  const int64_t count = span * (IsComplex(tensor.dtype()) ? 2 : 1);
  const auto element = [&](int64_t i) -> std::string {
    switch (component) {
      case DType::kUInt8:
        return absl::StrCat(ElementAt<uint8_t>(data, i));
      case DType::kInt8:
        return absl::StrCat(ElementAt<int8_t>(data, i));
      case DType::kInt16:
        return absl::StrCat(ElementAt<int16_t>(data, i));
      case DType::kUInt16:
        return absl::StrCat(ElementAt<uint16_t>(data, i));
      case DType::kInt32:
        return absl::StrCat(ElementAt<int32_t>(data, i));
      case DType::kUInt32:
        return absl::StrCat(ElementAt<uint32_t>(data, i));
      case DType::kInt64:
        return absl::StrCat(ElementAt<int64_t>(data, i));
      case DType::kUInt64:
        return absl::StrCat(ElementAt<uint64_t>(data, i));
      case DType::kFloat:
        return FloatText(ElementAt<float>(data, i));
      case DType::kDouble:
        return FloatText(ElementAt<double>(data, i));
      case DType::kBool:
        if (const uint8_t byte = ElementAt<uint8_t>(data, i); byte <= 1) {
          return byte == 0 ? "0" : "1";
        }
        [[fallthrough]];
      default: {
        uint64_t bits = 0;
        std::memcpy(&bits, data + i * static_cast<int64_t>(size), size);
        return absl::StrFormat("0x%0*x", static_cast<int>(2 * size), bits);
      }
    }
  };
  for (int64_t i = 0; i < count; ++i) {
    if (i != 0) Append(", ");
    Append(element(i));
  }
}

void Printer::PrintTensor(const Tensor& tensor) {
  if (!tensor.defined()) return Append("tensor(undefined)");
  const TensorImpl& impl = *tensor.impl();
  const bool meta = tensor.is_meta();
  if (tensor.is_sparse() || tensor.is_quantized() ||
      !(meta || tensor.device().is_cpu())) {
    return PrintExternal(IValue(tensor),
                         "a sparse or quantized tensor or one of a device");
  }
  const absl::StatusOr<int64_t> span =
      ElementSpan(tensor.sizes(), tensor.strides());
  if (!span.ok()) return Fail(std::string(span.status().message()));
  if (options_.externals != nullptr && !meta &&
      (*span > options_.max_inline_elements ||
       external_index_.contains(&impl))) {
    return PrintExternal(IValue(tensor), "");
  }
  Append(absl::StrCat("tensor(", TypeName(tensor.dtype()), ", ",
                      DimsToString(tensor.sizes())));
  if (DimSpan(ContiguousStrides(tensor.sizes())) != tensor.strides()) {
    Append(absl::StrCat(", strides=", DimsToString(tensor.strides())));
  }
  if (impl.requires_grad) Append(", requires_grad");
  if (impl.conj) Append(", conj");
  if (impl.neg) Append(", neg");
  if (impl.wrapped_number) Append(", wrapped_number");
  if (meta) {
    Append(", meta)");
    return;
  }
  if (tensor.device().index >= 0) {
    Append(absl::StrCat(", device=", tensor.device().ToString()));
  }
  Append(", data=[");
  PrintElements(tensor, *span);
  Append("])");
}

void Printer::PrintValues(const std::vector<IValue>& values, int depth) {
  bool first = true;
  for (const IValue& v : values) {
    if (!first) Append(", ");
    first = false;
    PrintValue(v, depth + 1);
  }
}

void Printer::PrintList(const ListObject& list, int depth) {
  if (list.values.empty() || !FollowsFrom(*list.element_type, list.values[0])) {
    Append("<");
    PrintType(*list.element_type);
    Append(">");
  }
  Append("[");
  PrintValues(list.values, depth);
  Append("]");
}

void Printer::PrintDict(const DictObject& dict, int depth) {
  const auto items = dict.Items();
  if (items.empty() || !FollowsFrom(*dict.key_type, items[0].first) ||
      !FollowsFrom(*dict.value_type, items[0].second)) {
    Append("<");
    PrintType(*dict.key_type);
    Append(", ");
    PrintType(*dict.value_type);
    Append(">");
  }
  Append("{");
  bool first = true;
  for (const auto& [key, value] : items) {
    if (!first) Append(", ");
    first = false;
    PrintValue(key, depth + 1);
    Append(": ");
    PrintValue(value, depth + 1);
  }
  Append("}");
}

void Printer::PrintValue(const IValue& value, int depth) {
  if (depth > kMaxValueDepth) return Fail("a value is nested too deeply");
  switch (value.tag()) {
    case IValue::Tag::kNone:
      return Append("None");
    case IValue::Tag::kBool:
      return Append(value.AsBool() ? "True" : "False");
    case IValue::Tag::kInt:
      return Append(absl::StrCat(value.AsInt()));
    case IValue::Tag::kDouble:
      return Append(FloatText(value.AsDouble()));
    case IValue::Tag::kComplex:
      return Append(absl::StrCat("complex(",
                                 FloatText(value.AsComplex().real()), ", ",
                                 FloatText(value.AsComplex().imag()), ")"));
    case IValue::Tag::kDevice:
      return Append(absl::StrCat(
          "device(", QuoteString(value.AsDevice().ToString()), ")"));
    case IValue::Tag::kFunction:
      Append("@");
      return Append(LabelOf(*value.AsFunction()));
    case IValue::Tag::kTensor:
      return PrintTensor(value.AsTensor());
    case IValue::Tag::kString:
      return Append(QuoteString(value.AsString()));
    case IValue::Tag::kList:
      return PrintList(value.AsList(), depth);
    case IValue::Tag::kDict:
      return PrintDict(value.AsDict(), depth);
    case IValue::Tag::kTuple: {
      const TupleObject& tuple = value.AsTuple();
      if (tuple.type != nullptr) {
        Append("<");
        PrintType(*tuple.type);
        Append(">");
      }
      Append("(");
      PrintValues(tuple.values, depth);
      return Append(tuple.values.size() == 1 ? ",)" : ")");
    }
    case IValue::Tag::kEnum:
      Append("enum(");
      PrintType(*value.AsEnum().type);
      Append(absl::StrCat(", ", QuoteString(value.AsEnum().name), ")"));
      return;
    case IValue::Tag::kOpaque:
      Append(absl::StrCat("opaque(",
                          QuoteString(value.AsOpaque().qualified_name), ", "));
      PrintValue(value.AsOpaque().state, depth + 1);
      return Append(")");
    case IValue::Tag::kObject:
      if (!PrintObject(value.AsObject())) PrintExternal(value, "an object");
      return;
    case IValue::Tag::kFuture:
      return PrintExternal(value, "a future");
    case IValue::Tag::kGenerator:
      return PrintExternal(value, "a generator");
  }
}

}  // namespace tandem::canonical
