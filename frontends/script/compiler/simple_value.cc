// SimpleValue: what can be done with a value of the graph.

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/custom_classes.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/resolver.h"
#include "tandem/frontends/script/compiler/sugared_value.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

struct NamedDType {
  absl::string_view name;
  DType dtype;
};
constexpr NamedDType kCastMethods[] = {
    {"byte", DType::kUInt8},          {"char", DType::kInt8},
    {"double", DType::kDouble},       {"float", DType::kFloat},
    {"cfloat", DType::kComplexFloat}, {"cdouble", DType::kComplexDouble},
    {"int", DType::kInt32},           {"long", DType::kInt64},
    {"short", DType::kInt16},         {"half", DType::kHalf},
};

struct Property {
  absl::string_view name;
  const char* op;
};
constexpr Property kTensorProperties[] = {
    {"dtype", "prim::dtype"},
    {"device", "prim::device"},
    {"grad", "prim::grad"},
    {"data", "prim::data"},
    {"shape", "prim::shape"},
    {"is_cuda", "prim::is_cuda"},
    {"is_cpu", "prim::is_cpu"},
    {"is_xla", "prim::is_xla"},
    {"is_xpu", "prim::is_xpu"},
    {"is_sparse", "prim::is_sparse"},
    {"is_sparse_csr", "prim::is_sparse_csr"},
    {"is_mkldnn", "prim::is_mkldnn"},
    {"is_mps", "prim::is_mps"},
    {"is_mtia", "prim::is_mtia"},
    {"is_quantized", "prim::is_quantized"},
    {"is_vulkan", "prim::is_vulkan"},
    {"is_ipu", "prim::is_ipu"},
    {"is_meta", "prim::is_meta"},
    {"is_maia", "prim::is_maia"},
    {"is_leaf", "aten::is_leaf"},
    {"is_nested", "prim::is_nested"},
    {"requires_grad", "prim::requires_grad"},
    {"layout", "prim::layout"},
    {"T", "prim::T"},
    {"H", "prim::H"},
    {"mT", "aten::mT"},
    {"mH", "aten::mH"},
    {"itemsize", "prim::itemsize"},
    {"nbytes", "prim::nbytes"},
    {"ndim", "prim::ndim"},
    {"name", "prim::name"},
    {"real", "aten::real"},
    {"imag", "aten::imag"},
    {"retains_grad", "aten::retains_grad"},
};
constexpr Property kDeviceProperties[] = {
    {"type", "prim::type"},
    {"index", "prim::index"},
};

const char* FindProperty(const TypePtr& type, absl::string_view name) {
  if (IsTensor(type)) {
    for (const Property& property : kTensorProperties) {
      if (property.name == name) return property.op;
    }
  } else if (Is(type, TypeKind::kDevice)) {
    for (const Property& property : kDeviceProperties) {
      if (property.name == name) return property.op;
    }
  }
  return nullptr;
}

// Attribute "0" is the value %_0.
std::string ValueName(absl::string_view attribute) {
  const bool digits =
      std::all_of(attribute.begin(), attribute.end(), absl::ascii_isdigit);
  return digits ? absl::StrCat("_", attribute) : std::string(attribute);
}

bool Contains(const TypePtr& type, const TypePtr& part) {
  if (IsSubtype(type, part)) return true;
  return std::any_of(
      type->elements().begin(), type->elements().end(),
      [&](const TypePtr& element) { return Contains(element, part); });
}

}  // namespace

std::string SimpleValue::kind() const {
  return absl::StrCat("value of type '", value_->type()->ToAnnotation(), "'");
}

absl::StatusOr<Sugared> SimpleValue::Attribute(const SourceRange& range,
                                               FunctionCompiler& f,
                                               absl::string_view name) {
  const TypePtr& type = value_->type();
  const NamedValue self(range, "self", value_);
  if (IsTensor(type)) {
    for (const NamedDType& cast : kCastMethods) {
      if (cast.name == name) {
        return Sugared(std::make_shared<TensorCastValue>(cast.dtype, self));
      }
    }
  }
  if (const char* property = FindProperty(type, name)) {
    TANDEM_ASSIGN_OR_RETURN(
        Value * value, f.EmitBuiltin(range, property, {NamedValue(value_)}));
    return Simple(value);
  }
  if (Is(type, TypeKind::kTuple)) {
    for (size_t i = 0; i < type->field_names().size(); ++i) {
      if (type->field_names()[i] != name) continue;
      Value* index = f.InsertConstant(static_cast<int64_t>(i));
      Node* node = f.Insert(NodeKind::kTupleIndex, {value_, index});
      node->output()->set_type(type->element(i));
      return Simple(node->output());
    }
  } else if (const ClassType* class_type = AsClass(type)) {
    if (class_type->FindMethod(name) != nullptr ||
        (class_type->is_opaque() &&
         CustomClassMethod(*class_type, name).has_value())) {
      return Sugared(std::make_shared<MethodValue>(value_, std::string(name)));
    }
    if (const auto slot = class_type->FindAttribute(name)) {
      Node* node = f.Insert(NodeKind::kGetAttr, {value_});
      node->SetAttribute("name", std::string(name));
      node->output()->set_type(class_type->attributes()[*slot].type);
      node->output()->SetName(ValueName(name));
      return Simple(node->output());
    }
    for (const ClassType::Property& property : class_type->properties) {
      if (property.name == name && property.getter != nullptr) {
        return MethodValue(value_, std::string(property.getter->name()))
            .Call(range, f, {}, {});
      }
    }
    if (const ClassType::Constant* constant = class_type->FindConstant(name)) {
      return Simple(f.InsertConstant(constant->value, range, constant->type));
    }
    TANDEM_ASSIGN_OR_RETURN(
        Sugared member,
        f.resolver().ResolveMember(*class_type, name, value_, f, range));
    if (member != nullptr) return member;
  } else if (const InterfaceType* interface = type->AsInterface()) {
    if (interface->FindMethod(name) != nullptr) {
      return Sugared(std::make_shared<MethodValue>(value_, std::string(name)));
    }
  } else if (const EnumType* enum_type = type->AsEnum()) {
    if (name == "name" || name == "value") {
      const bool is_name = name == "name";
      Node* node = f.Insert(
          is_name ? NodeKind::kEnumName : NodeKind::kEnumValue, {value_});
      node->output()->set_type(is_name ? Type::Str() : enum_type->value_type());
      return Simple(node->output());
    }
  }
  if (name == "type") {
    if (Sugared builtin = BuiltinFunction::ForSelf(f, "aten::to", self)) {
      return builtin;
    }
  }
  if (Sugared builtin =
          BuiltinFunction::ForSelf(f, absl::StrCat("aten::", name), self)) {
    return builtin;
  }
  if (IsTensor(type) && name == "tolist") {
    return Sugared(std::make_shared<SpecialForm>(Form::kToList));
  }
  if (IsTensor(type) && name == "__getitem__") {
    return Sugared(std::make_shared<SpecialForm>(Form::kIndex));
  }
  if (const ClassType* class_type = AsClass(type);
      class_type != nullptr && class_type->is_module() &&
      !f.context().version.has_value()) {
    return f.Error(range, "Module '", class_type->base_name(),
                   "' has no attribute '", name, "'");
  }
  return f.Error(range, "'", Repr(type),
                 "' object has no attribute or method '", name, "'.",
                 AsClass(type) == nullptr
                     ? ""
                     : " Did you forget to initialize an attribute in "
                       "__init__()?");
}

absl::StatusOr<bool> SimpleValue::HasAttribute(const SourceRange& range,
                                               FunctionCompiler& f,
                                               absl::string_view name) {
  const TypePtr& type = value_->type();
  if (const ClassType* class_type = AsClass(type)) {
    return class_type->FindMethod(name) != nullptr ||
           class_type->FindAttribute(name).has_value() ||
           class_type->FindConstant(name) != nullptr ||
           f.resolver().HasMember(*class_type, name);
  }
  if (Is(type, TypeKind::kTuple)) {
    if (type->field_names().empty()) {
      return f.Error(range,
                     "hasattr's first argument must be a object or NamedTuple, "
                     "but got a normal Tuple ",
                     Repr(type), " instead");
    }
    return std::find(type->field_names().begin(), type->field_names().end(),
                     name) != type->field_names().end();
  }
  return f.Error(range,
                 "hasattr's first argument must be an object or NamedTuple, "
                 "got ",
                 Repr(type), " instead");
}

absl::Status SimpleValue::SetAttribute(const SourceRange& range,
                                       FunctionCompiler& f,
                                       absl::string_view name, Value* value) {
  const TypePtr type = value_->type();
  const ClassType* class_type = AsClass(type);
  if (class_type == nullptr) {
    return f.Error(range, "Tried to set an attribute: ", name,
                   " on a non-class: ", Repr(type));
  }
  // A base's that super() calls has more to its name.
  const bool in_init = absl::StartsWith(f.function()->name(), "__init__");
  if (!in_init && f.resolver().IsFinal(*class_type, name)) {
    return f.Error(range, "Tried to set a constant: ", name,
                   ". It is Final, or listed in __constants__, and only "
                   "__init__() sets it");
  }
  std::optional<size_t> slot = class_type->FindAttribute(name);
  if (!slot.has_value()) {
    // __init__ defines its class's attributes.
    Graph& g = *f.graph();
    const bool initializing =
        in_init && !g.inputs().empty() && Same(g.inputs()[0]->type(), type);
    if (!initializing) {
      for (const ClassType::Property& property : class_type->properties) {
        if (property.name != name) continue;
        if (property.setter == nullptr) {
          return f.Error(range, "Tried to set read-only attribute: ", name);
        }
        return MethodValue(value_, std::string(property.setter->name()))
            .Call(range, f, {NamedValue(value)}, {})
            .status();
      }
      return f.Error(range, "Tried to set nonexistent attribute: ", name,
                     ". Did you forget to initialize it in __init__()?");
    }
    if (Contains(value->type(), type)) {
      return f.Error(range, "Assignment to attribute '", name,
                     "' cannot be of a type that contains class '", Repr(type),
                     "'.\nClasses that recursively contain instances of "
                     "themselves are not yet supported");
    }
    ClassType* mutable_class = f.context().unit->FindClass(class_type->name());
    if (mutable_class == nullptr) {
      return f.Error(range, "Class ", class_type->name(), " is not known");
    }
    ClassType::Attribute attribute;
    attribute.name = std::string(name);
    attribute.type = value->type();
    TANDEM_RETURN_IF_ERROR(mutable_class->AddAttribute(std::move(attribute)));
    slot = class_type->FindAttribute(name);
    if (g.insert_point()->owning_block() != g.block()) {
      return f.Error(range,
                     "First assignment cannot be in a control-flow block. "
                     "Initialize the field at the top level first");
    }
  }
  const ClassType::Attribute& attribute = class_type->attributes()[*slot];
  if (!IsSubtype(value->type(), attribute.type)) {
    return f.Error(range, "Wrong type for attribute assignment. Expected ",
                   Repr(attribute.type), " but got ", Repr(value->type()));
  }
  attribute.is_written = true;
  Node* node = f.Insert(NodeKind::kSetAttr, {value_, value}, {}, /*outputs=*/0);
  node->SetAttribute("name", std::string(name));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Sugared>> SimpleValue::AsTuple(
    const SourceRange& range, FunctionCompiler& f,
    std::optional<size_t> size_hint) {
  const TypePtr& type = value_->type();
  std::vector<Sugared> parts;
  if (Is(type, TypeKind::kTuple)) {
    for (Value* part : f.UnpackTuple(value_)) parts.push_back(Simple(part));
    return parts;
  }
  if (Is(type, TypeKind::kList)) {
    if (!size_hint.has_value()) {
      return f.Error(range,
                     "cannot statically infer the expected size of a list in "
                     "this context");
    }
    Node* unpack = f.Insert(NodeKind::kListUnpack, {value_}, {}, /*outputs=*/0);
    for (size_t i = 0; i < *size_hint; ++i) {
      parts.push_back(Simple(unpack->AddOutput(type->element())));
    }
    return parts;
  }
  if (const ClassType* class_type = AsClass(type)) {
    TANDEM_ASSIGN_OR_RETURN(
        Sugared container,
        f.resolver().ResolveContainer(*class_type, value_, f, range));
    if (container != nullptr) return container->AsTuple(range, f, size_hint);
  }
  if (Is(type, TypeKind::kAnyTuple)) {
    return f.Error(range,
                   "Provided tuple is not fully defined/refined including its "
                   "element types, please provide a value of type like "
                   "Tuple[int, int]");
  }
  return f.Error(range, Repr(type), " cannot be used as a tuple");
}

absl::StatusOr<Sugared> SimpleValue::Call(const SourceRange& range,
                                          FunctionCompiler& f, Arguments args,
                                          Arguments kwargs) {
  if (const ClassType* type = AsClass(value_->type())) {
    TANDEM_ASSIGN_OR_RETURN(
        Sugared method,
        Attribute(range, f, type->is_module() ? "forward" : "__call__"));
    return method->Call(range, f, args, kwargs);
  }
  return SugaredValue::Call(range, f, args, kwargs);
}

absl::StatusOr<Sugared> SimpleValue::Iterate(const SourceRange& range,
                                             FunctionCompiler& f) {
  const TypePtr& type = value_->type();
  if (Is(type, TypeKind::kList) || Is(type, TypeKind::kStr) || IsTensor(type)) {
    return Simple(value_);
  }
  if (Is(type, TypeKind::kDict)) {
    TANDEM_ASSIGN_OR_RETURN(
        Value * keys, f.EmitBuiltin(range, "aten::keys", {NamedValue(value_)}));
    return Simple(keys);
  }
  if (Is(type, TypeKind::kTuple)) {
    std::vector<Sugared> parts;
    for (Value* part : f.UnpackTuple(value_)) parts.push_back(Simple(part));
    return Sugared(std::make_shared<TupleValue>(std::move(parts)));
  }
  if (const ClassType* class_type = AsClass(type)) {
    TANDEM_ASSIGN_OR_RETURN(
        Sugared container,
        f.resolver().ResolveContainer(*class_type, value_, f, range));
    if (container != nullptr) return container->Iterate(range, f);
  }
  return f.Error(range, "'", Repr(type), "' object is not iterable");
}

absl::StatusOr<Value*> SimpleValue::Length(const SourceRange& range,
                                           FunctionCompiler& f) {
  const TypePtr& type = value_->type();
  if (Is(type, TypeKind::kList) || Is(type, TypeKind::kStr) || IsTensor(type)) {
    return f.EmitBuiltin(range, "aten::len", {NamedValue(value_)});
  }
  return f.Error(range, "'", Repr(type), "' object is not iterable");
}

absl::StatusOr<Sugared> SimpleValue::Item(const SourceRange& range,
                                          FunctionCompiler& f, Value* index,
                                          const TypePtr& type_hint) {
  const TypePtr& type = value_->type();
  Value* item = nullptr;
  if (Is(type, TypeKind::kList) || Is(type, TypeKind::kStr) ||
      Is(type, TypeKind::kDict)) {
    TANDEM_ASSIGN_OR_RETURN(
        item, f.EmitBuiltin(range, "aten::__getitem__", {value_, index}));
    return Simple(item);
  }
  if (IsTensor(type)) {
    Value* zero = f.InsertConstant(int64_t{0});
    TANDEM_ASSIGN_OR_RETURN(
        item, f.EmitBuiltin(range, "aten::select", {value_, zero, index}));
    return Simple(item);
  }
  if (const ClassType* class_type = AsClass(type)) {
    TANDEM_ASSIGN_OR_RETURN(
        Sugared container,
        f.resolver().ResolveContainer(*class_type, value_, f, range));
    if (container != nullptr) {
      TANDEM_ASSIGN_OR_RETURN(Sugared member,
                              container->Item(range, f, index, type_hint));
      if (member != nullptr) return member;
    }
    if (class_type->is_module() && type_hint != nullptr) {
      Node* node =
          f.Insert(NodeKind::kModuleContainerIndex, {value_, index}, range);
      node->output()->set_type(type_hint);
      return Simple(node->output());
    }
    TANDEM_ASSIGN_OR_RETURN(Sugared method, Attribute(range, f, "__getitem__"));
    return method->Call(range, f, {NamedValue(index)}, {});
  }
  return f.Error(range, "'", Repr(type), "' object is not subscriptable");
}

}  // namespace tandem::script
