#include "tandem/serialization/torchscript/value_reader.h"

#include <complex>
#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/serialization/torchscript/plain_values.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

using Kind = PickleValue::Kind;

// Classes bound from C++, whose values programs only hand on.
constexpr absl::string_view kBoundClasses = "__torch__.torch.classes.";

constexpr int kMaxTagDepth = 256;
constexpr size_t kMaxTagSize = size_t{1} << 16;

bool IsProgramModule(absl::string_view module) {
  return module == "__torch__" || absl::StartsWith(module, "__torch__.");
}

// Dotted parts, none of them empty or able to name another file.
bool IsQualifiedName(absl::string_view name) {
  bool empty = true;
  for (const char c : name) {
    if (c == '.') {
      if (empty) return false;
      empty = true;
      continue;
    }
    if (!absl::ascii_isalnum(c) && c != '_' && static_cast<uint8_t>(c) < 0x80) {
      return false;
    }
    empty = false;
  }
  return !empty;
}

// The type whose value is in hand: Optional[T] asks for a T once None is out.
const TypePtr& WithoutOptional(const TypePtr& type) {
  return type->is(TypeKind::kOptional) ? type->element() : type;
}

absl::string_view ListCallElement(absl::string_view name) {
  if (name == "build_intlist") return "int";
  if (name == "build_doublelist") return "float";
  if (name == "build_boollist") return "bool";
  if (name == "build_tensorlist") return "Tensor";
  return "";
}

const TypePtr& ElementOfListCall(absl::string_view name) {
  if (name == "build_intlist") return Type::Int();
  if (name == "build_doublelist") return Type::Float();
  if (name == "build_boollist") return Type::Bool();
  return Type::Tensor();
}

}  // namespace

bool ValueReader::IsKnownGlobal(absl::string_view module,
                                absl::string_view name) {
  if (IsProgramModule(module)) return true;
  if (module == "builtins" || module == "__builtin__") return name == "complex";
  if (module == "torch.jit._pickle") {
    return name == "restore_type_tag" || name == "build_tensor_from_id" ||
           !ListCallElement(name).empty();
  }
  return IsTensorGlobal(module, name);
}

absl::Status ValueReader::Error(const PickleValue& value,
                                absl::string_view what) const {
  if (path_.empty()) return pickle_.Error(value, what);
  const std::string path = absl::StrJoin(path_, ".");
  return pickle_.Error(
      value, absl::StrCat("attribute \"", Printable(path), "\": ", what));
}

absl::Status ValueReader::Mismatch(const PickleValue& value,
                                   const Type& type) const {
  std::string found(KindName(value.kind));
  if (value.kind == Kind::kObject || value.kind == Kind::kCall) {
    const PickleValue& callee = pickle_.Callee(value);
    found = tensors_.IsTensor(value)
                ? "a tensor"
                : absl::StrCat(value.kind == Kind::kObject
                                   ? "an object of the class "
                                   : "a call of ",
                               Printable(pickle_.Module(callee)), ".",
                               Printable(pickle_.Name(callee)));
  } else if (value.kind == Kind::kInt) {
    found = absl::StrCat("the int ", value.integer);
  } else if (value.kind == Kind::kString) {
    found =
        absl::StrCat("the text \"", Printable(pickle_.String(value), 40), "\"");
  }
  return Error(value, absl::StrCat("the program declares the type ",
                                   Printable(type.ToAnnotation()),
                                   ", the archive holds ", found));
}

absl::StatusOr<IValue> ValueReader::Read(const PickleValue& value,
                                         const TypePtr& type) {
  const TypeKind kind = type->kind();
  const bool any = kind == TypeKind::kAny;
  if (kind == TypeKind::kUnion) return ReadAsMember(value, type);
  const Type& wanted = *WithoutOptional(type);
  switch (value.kind) {
    case Kind::kNone:
      if (type->MayBeNone()) return IValue();
      return Mismatch(value, *type);
    case Kind::kBool:
      if (any || wanted.is(TypeKind::kBool)) return IValue(value.boolean);
      return Mismatch(value, *type);
    case Kind::kInt:
      if (any || wanted.is(TypeKind::kInt) || wanted.is(TypeKind::kNumber)) {
        return IValue(value.integer);
      }
      return Mismatch(value, *type);
    case Kind::kFloat:
      if (any || wanted.is(TypeKind::kFloat) || wanted.is(TypeKind::kNumber)) {
        return IValue(value.real);
      }
      return Mismatch(value, *type);
    case Kind::kString:
      if (any || wanted.is(TypeKind::kStr)) return ReadString(value);
      return Mismatch(value, *type);
    case Kind::kGlobal:
    case Kind::kPersistent:
      return Mismatch(value, *type);
    default:
      break;
  }
  // A shared value is made once; it must fit every place where it is.
  const auto known = made_.find(value.node);
  if (known != made_.end()) {
    if (!known->second.Conforms(*type)) return Mismatch(value, *type);
    return known->second;
  }
  TANDEM_ASSIGN_OR_RETURN(IValue made, ReadNode(value, WithoutOptional(type)));
  made_.emplace(value.node, made);
  return made;
}

absl::StatusOr<IValue> ValueReader::ReadAsMember(const PickleValue& value,
                                                 const TypePtr& type) {
  // The first member that takes it; of containers the tag decides which.
  absl::Status last = Mismatch(value, *type);
  for (const TypePtr& member : type->elements()) {
    absl::StatusOr<IValue> made = Read(value, member);
    if (made.ok()) return made;
    if (!absl::IsInvalidArgument(made.status())) return made.status();
  }
  return last;
}

absl::StatusOr<IValue> ValueReader::ReadString(const PickleValue& value) {
  const uint64_t key = uint64_t{value.slice.begin} << 32 | value.slice.size;
  const auto known = strings_.find(key);
  if (known != strings_.end()) return known->second;
  const absl::string_view text = pickle_.String(value);
  if (!IsUtf8(text)) {
    return Error(
        value, absl::StrCat("the text \"", Printable(text), "\" is not UTF-8"));
  }
  IValue made(text);
  strings_.emplace(key, made);
  return made;
}

absl::StatusOr<IValue> ValueReader::ReadNode(const PickleValue& value,
                                             const TypePtr& type) {
  const bool any = type->is(TypeKind::kAny);
  switch (value.kind) {
    case Kind::kTuple:
      if (any || type->is(TypeKind::kTuple)) return ReadTuple(value, type);
      return Mismatch(value, *type);
    case Kind::kList:
      // Without a tag, as before version 3: the declared type counts.
      if (any) return ReadList(value, Type::Any());
      if (type->is(TypeKind::kList)) return ReadList(value, type->element());
      return Mismatch(value, *type);
    case Kind::kDict:
      if (any) return ReadDict(value, Type::Any(), Type::Any());
      if (type->is(TypeKind::kDict)) {
        return ReadDict(value, type->element(0), type->element(1));
      }
      return Mismatch(value, *type);
    case Kind::kObject:
      return ReadObject(value, type);
    case Kind::kCall:
      return ReadCall(value, type);
    default:
      return Mismatch(value, *type);
  }
}

absl::StatusOr<IValue> ValueReader::ReadCall(const PickleValue& value,
                                             const TypePtr& type) {
  const bool any = type->is(TypeKind::kAny);
  if (tensors_.IsTensor(value)) {
    if (!any && !type->is(TypeKind::kTensor)) return Mismatch(value, *type);
    absl::StatusOr<Tensor> tensor = tensors_.Read(value);
    if (tensor.ok()) return IValue(*std::move(tensor));
    if (path_.empty()) return tensor.status();
    return absl::Status(
        tensor.status().code(),
        absl::StrCat(tensor.status().message(), " (attribute \"",
                     Printable(absl::StrJoin(path_, ".")), "\")"));
  }
  const PickleValue& callee = pickle_.Callee(value);
  const absl::string_view module = pickle_.Module(callee);
  const absl::string_view name = pickle_.Name(callee);
  if (IsProgramModule(module)) return ReadEnum(value, type);
  const PickleValue& tuple = pickle_.Argument(value);
  const absl::Span<const PickleValue> arguments = pickle_.Items(tuple);
  if (module == "torch.jit._pickle") {
    if (name == "build_tensor_from_id") {
      return Error(value,
                   "build_tensor_from_id: the archive has no table of tensors");
    }
    return ReadTagged(value, type);
  }
  if (name == "complex" && module != "torch") {
    if (arguments.size() != 2 || arguments[0].kind != Kind::kFloat ||
        arguments[1].kind != Kind::kFloat) {
      return Error(value, "complex is not called with two floats");
    }
    if (!any && !type->is(TypeKind::kComplex) && !type->is(TypeKind::kNumber)) {
      return Mismatch(value, *type);
    }
    return IValue(std::complex<double>(arguments[0].real, arguments[1].real));
  }
  if (module == "torch" && name == "device") {
    if (arguments.size() != 1 || arguments[0].kind != Kind::kString) {
      return Error(value, "device is not called with a text");
    }
    if (!any && !type->is(TypeKind::kDevice)) return Mismatch(value, *type);
    const absl::string_view text = pickle_.String(arguments[0]);
    const absl::StatusOr<Device> device = ParseDevice(text.substr(0, 64));
    if (!device.ok()) return Error(value, Printable(device.status().message()));
    return IValue(*device);
  }
  return Mismatch(value, *type);
}

absl::StatusOr<IValue> ValueReader::ReadTuple(const PickleValue& value,
                                              const TypePtr& type) {
  const auto items = pickle_.Items(value);
  const bool any = type->is(TypeKind::kAny);
  if (!any && type->elements().size() != items.size()) {
    return Error(value, absl::StrCat("the program declares the type ",
                                     Printable(type->ToAnnotation()),
                                     ", the archive holds a tuple of ",
                                     items.size(), " elements"));
  }
  std::vector<IValue> values;
  values.reserve(items.size());
  for (size_t i = 0; i < items.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(
        IValue item, Read(items[i], any ? Type::Any() : type->element(i)));
    values.push_back(std::move(item));
  }
  return IValue(MakeRef<TupleObject>(std::move(values),
                                     type->is_named_tuple() ? type : nullptr));
}

absl::StatusOr<IValue> ValueReader::ReadList(const PickleValue& list,
                                             const TypePtr& element) {
  const auto items = pickle_.Items(list);
  std::vector<IValue> values;
  values.reserve(items.size());
  for (const PickleValue& item : items) {
    TANDEM_ASSIGN_OR_RETURN(IValue value, Read(item, element));
    values.push_back(std::move(value));
  }
  return IValue(MakeList(element, std::move(values)));
}

absl::StatusOr<IValue> ValueReader::ReadDict(const PickleValue& dict,
                                             const TypePtr& key,
                                             const TypePtr& value) {
  const auto items = pickle_.Items(dict);
  Ref<DictObject> made = MakeDict(key, value);
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    TANDEM_ASSIGN_OR_RETURN(IValue k, Read(items[i], key));
    if (!IsDictKey(k)) {
      return Error(items[i],
                   absl::StrCat("a dict's key is ", KindName(items[i].kind)));
    }
    TANDEM_ASSIGN_OR_RETURN(IValue v, Read(items[i + 1], value));
    made->Set(std::move(k), std::move(v));
  }
  return IValue(std::move(made));
}

absl::StatusOr<TypePtr> ValueReader::TypeOfTag(const PickleValue& tag) {
  if (tag.kind != Kind::kString) {
    return Error(tag, absl::StrCat("a type tag is ", KindName(tag.kind),
                                   ", a text is expected"));
  }
  const uint64_t key = uint64_t{tag.slice.begin} << 32 | tag.slice.size;
  const auto known = tags_.find(key);
  if (known != tags_.end()) return known->second;
  const absl::string_view text = pickle_.String(tag);
  int depth = 0, deepest = 0;
  for (const char c : text) {
    if (c == '[') deepest = std::max(deepest, ++depth);
    if (c == ']') --depth;
  }
  if (deepest > kMaxTagDepth || text.size() > kMaxTagSize) {
    return Error(tag, absl::StrCat("the type tag \"", Printable(text, 60),
                                   "\" is nested too deeply or too long"));
  }
  absl::StatusOr<TypePtr> type =
      IsUtf8(text) ? types_.ParseType(text)
                   : absl::InvalidArgumentError("it is not UTF-8");
  if (!type.ok()) {
    return Error(tag,
                 absl::StrCat("the type tag \"", Printable(text),
                              "\" is not a type: ", type.status().message()));
  }
  tags_.emplace(key, *type);
  return *type;
}

absl::StatusOr<IValue> ValueReader::ReadTagged(const PickleValue& value,
                                               const TypePtr& type) {
  const absl::string_view name = pickle_.Name(pickle_.Callee(value));
  const auto arguments = pickle_.Items(pickle_.Argument(value));
  const bool tagged = name == "restore_type_tag";
  TypePtr tag;
  if (tagged) {
    if (arguments.size() != 2) {
      return Error(value, "restore_type_tag is not called with (value, type)");
    }
    TANDEM_ASSIGN_OR_RETURN(tag, TypeOfTag(arguments[1]));
  } else {
    if (arguments.size() != 1 || arguments[0].kind != Kind::kList) {
      return Error(value, absl::StrCat(name, " is not called with a list"));
    }
    tag = Type::List(ElementOfListCall(name));
  }
  const PickleValue& container = arguments[0];
  const bool list = container.kind == Kind::kList;
  if (!list && container.kind != Kind::kDict) {
    return Error(value,
                 absl::StrCat("a type tag stands on ", KindName(container.kind),
                              ", not on a list or dict"));
  }
  if (!tag->is(list ? TypeKind::kList : TypeKind::kDict)) {
    return Error(value,
                 absl::StrCat(KindName(container.kind), " has the type tag ",
                              Printable(tag->ToAnnotation())));
  }
  if (!type->is(TypeKind::kAny) && !tag->IsSubtypeOf(*type)) {
    return Error(value, absl::StrCat("the program declares the type ",
                                     Printable(type->ToAnnotation()),
                                     ", the archive holds a ",
                                     Printable(tag->ToAnnotation())));
  }
  // The tagged container may itself be named by the memo; the tag is its type.
  return Read(container, tag);
}

absl::StatusOr<TypePtr> ValueReader::TypeOfGlobal(const PickleValue& global) {
  const std::string name =
      absl::StrCat(pickle_.Module(global), ".", pickle_.Name(global));
  const auto known = globals_.find(name);
  if (known != globals_.end()) return known->second;
  if (!IsQualifiedName(name)) {
    return Error(global, absl::StrCat("'", Printable(name),
                                      "' is not the name of a class"));
  }
  absl::StatusOr<TypePtr> type = types_.FindType(name);
  if (!type.ok()) {
    return absl::Status(
        type.status().code(),
        Error(global, absl::StrCat("the class '", Printable(name),
                                   "': ", type.status().message()))
            .message());
  }
  globals_.emplace(name, *type);
  return *type;
}

absl::StatusOr<IValue> ValueReader::ReadEnum(const PickleValue& value,
                                             const TypePtr& type) {
  TANDEM_ASSIGN_OR_RETURN(const TypePtr found,
                          TypeOfGlobal(pickle_.Callee(value)));
  const EnumType* enum_type = found->AsEnum();
  if (enum_type == nullptr) {
    return Error(value, absl::StrCat("'", Printable(found->name()),
                                     "' is called, but it is no enum"));
  }
  if (!type->is(TypeKind::kAny) && !found->IsSubtypeOf(*type)) {
    return Mismatch(value, *type);
  }
  TANDEM_ASSIGN_OR_RETURN(const IValue member, Read(pickle_.Argument(value),
                                                    enum_type->value_type()));
  for (const auto& [name, of_member] : enum_type->members()) {
    if (Equal(of_member, member)) {
      return IValue(MakeRef<EnumObject>(enum_type->shared(), name, of_member));
    }
  }
  return Error(value, absl::StrCat("the enum '", Printable(found->name()),
                                   "' has no member of this value"));
}

absl::StatusOr<IValue> ValueReader::ReadObject(const PickleValue& value,
                                               const TypePtr& type) {
  const PickleValue& callee = pickle_.Callee(value);
  const std::string name =
      absl::StrCat(pickle_.Module(callee), ".", pickle_.Name(callee));
  const PickleValue* state = pickle_.State(value);
  TANDEM_ASSIGN_OR_RETURN(const TypePtr found, TypeOfGlobal(callee));
  const ClassType* class_type = found->AsClass();
  if (class_type == nullptr) {
    return Error(value, absl::StrCat("'", Printable(name),
                                     "' is no class: it cannot have objects"));
  }
  if (!type->is(TypeKind::kAny) && !found->IsSubtypeOf(*type)) {
    return Mismatch(value, *type);
  }
  if (state == nullptr) {
    return Error(value,
                 absl::StrCat("an object of the class '", Printable(name),
                              "' never gets its attributes"));
  }
  if (class_type->is_opaque() || absl::StartsWith(name, kBoundClasses)) {
    TANDEM_ASSIGN_OR_RETURN(IValue held, Read(*state, Type::Any()));
    return IValue(MakeRef<OpaqueObject>(name, std::move(held)));
  }
  Ref<ModuleObject> object = NewObject(*class_type);
  Function* set_state = class_type->FindMethod("__setstate__");
  if (set_state == nullptr ||
      class_type->FindMethod("__getstate__") == nullptr) {
    TANDEM_RETURN_IF_ERROR(ReadAttributes(*state, *class_type, *object));
    return IValue(std::move(object));
  }
  TANDEM_RETURN_IF_ERROR(set_state->EnsureDefined());
  const std::vector<Argument>& parameters = set_state->schema().arguments;
  if (parameters.size() != 2) {
    return Error(value,
                 absl::StrCat("__setstate__ of the class '", Printable(name),
                              "' must take the state alone"));
  }
  path_.push_back("__setstate__");
  absl::StatusOr<IValue> argument = Read(*state, parameters[1].type);
  path_.pop_back();
  if (!argument.ok()) return argument.status();
  const absl::Status status =
      types_.SetState(object, *set_state, *std::move(argument));
  if (!status.ok()) {
    return absl::Status(
        status.code(),
        Error(value, absl::StrCat("__setstate__ of the class '",
                                  Printable(name), "': ", status.message()))
            .message());
  }
  for (size_t i = 0; i < class_type->attributes().size(); ++i) {
    const ClassType::Attribute& attribute = class_type->attributes()[i];
    if (object->Get(i).is_none() && !attribute.type->MayBeNone()) {
      return Error(
          value, absl::StrCat("__setstate__ of the class '", Printable(name),
                              "' leaves the attribute \"",
                              Printable(attribute.name), "\" without a value"));
    }
  }
  return IValue(std::move(object));
}

absl::Status ValueReader::ReadAttributes(const PickleValue& state,
                                         const ClassType& class_type,
                                         ModuleObject& object) {
  if (state.kind != Kind::kDict) {
    return Error(state,
                 absl::StrCat("the attributes of an object of the class "
                              "'",
                              Printable(class_type.name()), "' are ",
                              KindName(state.kind), ", a dict is expected"));
  }
  const auto items = pickle_.Items(state);
  std::vector<bool> given(class_type.attributes().size());
  for (size_t i = 0; i + 1 < items.size(); i += 2) {
    if (items[i].kind != Kind::kString) {
      return Error(items[i], absl::StrCat("an attribute's name is ",
                                          KindName(items[i].kind),
                                          ", a text is expected"));
    }
    const absl::string_view name = pickle_.String(items[i]);
    const std::optional<size_t> slot = class_type.FindAttribute(name);
    if (!slot.has_value()) {
      return Error(
          items[i],
          absl::StrCat("the class '", Printable(class_type.name()),
                       "' declares no attribute \"", Printable(name), "\""));
    }
    if (given[*slot]) {
      return Error(items[i], absl::StrCat("the attribute \"", Printable(name),
                                          "\" is given twice"));
    }
    given[*slot] = true;
    path_.push_back(name);
    absl::StatusOr<IValue> value =
        Read(items[i + 1], class_type.attributes()[*slot].type);
    path_.pop_back();
    if (!value.ok()) return value.status();
    object.Set(*slot, *std::move(value));
  }
  for (size_t slot = 0; slot < given.size(); ++slot) {
    const ClassType::Attribute& attribute = class_type.attributes()[slot];
    if (!given[slot] && !attribute.type->MayBeNone()) {
      return Error(
          state,
          absl::StrCat("an object of the class '", Printable(class_type.name()),
                       "' has no value for its attribute \"",
                       Printable(attribute.name), "\" of type ",
                       Printable(attribute.type->ToAnnotation())));
    }
  }
  return absl::OkStatus();
}

}  // namespace tandem
