// Types as text: in graphs ("int[]") and in code ("List[int]").
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/type.h"

namespace tandem {
namespace {

using Kind = TypeKind;

std::string Join(absl::Span<const TypePtr> types, bool annotation) {
  return absl::StrJoin(types, ", ", [&](std::string* out, const TypePtr& t) {
    absl::StrAppend(out, annotation ? t->ToAnnotation() : t->ToString());
  });
}

// -1 is a size that is not known, -2 - n the symbol s<n> (passes/
// shape_analysis.h).
std::string DimText(int64_t v) {
  if (v < -1) return absl::StrCat("s", -2 - v);
  return v < 0 ? "*" : absl::StrCat(v);
}

// "Float(2, 3, strides=[3, 1], requires_grad=0, device=cpu)", as PyTorch.
std::string TensorText(const TensorType& t) {
  const TensorType::Details& d = t.details();
  if (t.is_plain()) return "Tensor";
  std::string s(d.dtype.has_value() ? TypeName(*d.dtype) : "Tensor");
  if (d.undefined) return absl::StrCat(s, "[Undefined]");
  std::vector<std::string> parts;
  if (d.sizes.has_value()) {
    for (int64_t v : *d.sizes) parts.push_back(DimText(v));
    if (d.strides.has_value() && !d.strides->empty()) {
      bool known = true;
      for (int64_t v : *d.strides) known = known && v >= 0;
      if (known) {
        parts.push_back(
            absl::StrCat("strides=[", absl::StrJoin(*d.strides, ", "), "]"));
      }
    }
  }
  if (d.requires_grad.has_value()) {
    parts.push_back(absl::StrCat("requires_grad=", *d.requires_grad ? 1 : 0));
  }
  if (d.device.has_value()) {
    parts.push_back(absl::StrCat("device=", d.device->ToString()));
  }
  if (parts.empty() && !d.sizes.has_value()) return s;
  return absl::StrCat(s, "(", absl::StrJoin(parts, ", "), ")");
}

absl::string_view SimpleName(Kind kind, bool annotation) {
  switch (kind) {
    case Kind::kAny:
      return "Any";
    case Kind::kNumber:
      return annotation ? "number" : "Scalar";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kComplex:
      return "complex";
    case Kind::kBool:
      return "bool";
    case Kind::kStr:
      return "str";
    case Kind::kNone:
      return "NoneType";
    case Kind::kDevice:
      return "Device";
    case Kind::kGenerator:
      return "Generator";
    case Kind::kStream:
      return "Stream";
    case Kind::kStorage:
      return "Storage";
    case Kind::kCapsule:
      return "Capsule";
    case Kind::kQScheme:
      return annotation ? "int" : "QScheme";
    case Kind::kScalarType:
      return annotation ? "int" : "ScalarType";
    case Kind::kLayout:
      return annotation ? "int" : "Layout";
    case Kind::kMemoryFormat:
      return annotation ? "int" : "MemoryFormat";
    case Kind::kAnyList:
      return "list";
    case Kind::kAnyTuple:
      return "tuple";
    case Kind::kAnyEnum:
      return "AnyEnumType";
    case Kind::kAnyClass:
      return "AnyClassType";
    case Kind::kFunction:
      return "Function";
    default:
      return "";
  }
}

// Elements that are printed as T[] in graphs need no parentheses themselves.
std::string ElementText(const Type& t) { return t.ToString(); }

}  // namespace

std::string Type::ToString() const {
  switch (kind_) {
    case Kind::kTensor:
      return TensorText(*AsTensor());
    case Kind::kList:
      return absl::StrCat(ElementText(*element()), "[]");
    case Kind::kOptional:
      return absl::StrCat(ElementText(*element()), "?");
    case Kind::kFuture:
      return absl::StrCat("Future[", element()->ToString(), "]");
    case Kind::kAwait:
      return absl::StrCat("Await(", element()->ToString(), ")");
    case Kind::kRRef:
      return absl::StrCat("RRef(", element()->ToString(), ")");
    case Kind::kDict:
      return absl::StrCat("Dict(", Join(elements_, false), ")");
    case Kind::kTuple: {
      if (!is_named_tuple())
        return absl::StrCat("(", Join(elements_, false), ")");
      std::vector<std::string> fields;
      for (size_t i = 0; i < elements_.size(); ++i) {
        fields.push_back(
            absl::StrCat(i < field_names_.size() ? field_names_[i] : "", " : ",
                         elements_[i]->ToString()));
      }
      return absl::StrCat("NamedTuple(", absl::StrJoin(fields, ", "), ")");
    }
    case Kind::kUnion:
      return absl::StrCat("Union(", Join(elements_, false), ")");
    case Kind::kEnum:
      return absl::StrCat("Enum<", name_, ">");
    case Kind::kInterface:
      return absl::StrCat("InterfaceType<", base_name(), ">");
    case Kind::kClass:
    case Kind::kVar:
      return name_;
    default:
      return std::string(SimpleName(kind_, false));
  }
}

std::string Type::ToAnnotation() const {
  switch (kind_) {
    case Kind::kTensor:
      return "Tensor";
    case Kind::kList:
      return absl::StrCat("List[", element()->ToAnnotation(), "]");
    case Kind::kOptional:
      return absl::StrCat("Optional[", element()->ToAnnotation(), "]");
    case Kind::kFuture:
      return absl::StrCat("Future[", element()->ToAnnotation(), "]");
    case Kind::kAwait:
      return absl::StrCat("Await[", element()->ToAnnotation(), "]");
    case Kind::kRRef:
      return absl::StrCat("RRef[", element()->ToAnnotation(), "]");
    case Kind::kDict:
      return absl::StrCat("Dict[", Join(elements_, true), "]");
    case Kind::kTuple:
      if (is_named_tuple()) return name_;
      if (elements_.empty()) return "Tuple[()]";
      return absl::StrCat("Tuple[", Join(elements_, true), "]");
    case Kind::kUnion:
      return absl::StrCat("Union[", Join(elements_, true), "]");
    case Kind::kEnum:
    case Kind::kInterface:
    case Kind::kClass:
    case Kind::kVar:
      return name_;
    default:
      return std::string(SimpleName(kind_, true));
  }
}

}  // namespace tandem
