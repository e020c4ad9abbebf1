#include "tandem/frontends/script/python_module.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/compiler/types.h"
#include "tandem/frontends/script/python_class.h"
#include "tandem/ir/python_text.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

using Kind = PyObject::Kind;

PythonClass ClassOf(const ClassRef& ref) {
  return PythonClass(ref.file, *ref.cls, ref.file->tree(ref.cls->name.name));
}

bool IsFinalType(const Expr& type) {
  const auto* subscript = type.As<SubscriptExpr>();
  return absl::EndsWith(
      DottedName(subscript != nullptr ? *subscript->value : type).value_or(""),
      "Final");
}

// Whether the class or a base of it annotates anything. If none does, Python
// finds the annotations of torch.nn.Module itself, which say what the type of
// _is_full_backward_hook is. PyTorch's layers annotate their constants, which
// ours do not repeat.
absl::StatusOr<bool> HasAnnotations(const ClassRef& ref) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> lineage,
                          ClassOf(ref).Lineage());
  for (const ClassRef& base : lineage) {
    const std::string name = base.file->Qualify(base.cls->name.name);
    const ModuleKind kind = ContainerKind(name);
    if (kind == ModuleKind::kList || kind == ModuleKind::kDict) return true;
    for (const Stmt* stmt : base.cls->body.statements) {
      const auto* assign = stmt->As<AssignStmt>();
      if (assign == nullptr) continue;
      if (assign->type != nullptr) return true;
      const auto* target = assign->targets[0]->As<NameExpr>();
      if (target != nullptr && target->name == "__constants__" &&
          absl::StartsWith(name, "__torch__.torch.nn.")) {
        return true;
      }
    }
  }
  return false;
}

class Nesting {
 public:
  explicit Nesting(int* depth) : depth_(*depth) { ++depth_; }
  ~Nesting() { --depth_; }

 private:
  int& depth_;
};

constexpr absl::string_view kFailed =
    "This attribute exists on the Python module, but we failed to convert "
    "Python type: '";

}  // namespace

absl::StatusOr<TypePtr> ModuleCompiler::AnnotatedType(const Py& module,
                                                      const std::string& name,
                                                      bool in_init) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> bases,
                          ClassOf(module->cls).Lineage());
  for (const ClassRef& base : bases) {
    const SyntaxTree& tree = base.file->tree(base.cls->name.name);
    for (const Stmt* stmt : base.cls->body.statements) {
      const auto* assign = stmt->As<AssignStmt>();
      if (assign == nullptr || assign->type == nullptr) continue;
      const auto* target = assign->targets[0]->As<NameExpr>();
      if (target == nullptr || target->name != name) continue;
      const Expr* type = assign->type;
      if (IsFinalType(*type)) return TypePtr();
      return TypeParser(&modules_.session(), base.file, tree).Parse(*type);
    }
  }
  if (!in_init) return TypePtr();
  for (const auto& [attribute, type] : module->annotations) {
    if (attribute != name) continue;
    // Where __init__ stands is not kept; its names are the class's file's.
    return TypeParser(&modules_.session(), module->cls.file,
                      module->cls.file->tree(module->cls.cls->name.name))
        .Parse(*type);
  }
  return TypePtr();
}

absl::StatusOr<std::vector<std::string>> ModuleCompiler::ConstantNames(
    const Py& module) {
  std::vector<std::string> names;
  TANDEM_ASSIGN_OR_RETURN(const Py listed, interpreter_.ClassVariable(
                                               module->cls, "__constants__"));
  if (listed != nullptr) {
    for (const Py& name : listed->items) {
      if (name->is_string()) names.push_back(name->value.AsString());
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> bases,
                          ClassOf(module->cls).Lineage());
  for (const ClassRef& base : bases) {
    for (const Stmt* stmt : base.cls->body.statements) {
      const auto* assign = stmt->As<AssignStmt>();
      if (assign == nullptr || assign->type == nullptr) continue;
      const auto* target = assign->targets[0]->As<NameExpr>();
      if (target != nullptr && IsFinalType(*assign->type)) {
        names.emplace_back(target->name);
      }
    }
  }
  return names;
}

absl::StatusOr<IValue> ModuleCompiler::MakeInstance(const Py& value) {
  if (value->is_module) {
    return absl::InvalidArgumentError(
        "Cannot infer concrete type of torch.nn.Module");
  }
  const auto made = objects_.find(value.get());
  if (made != objects_.end()) return IValue(made->second);
  TANDEM_ASSIGN_OR_RETURN(const TypePtr type,
                          value->cls.file->FindType(value->cls.cls->name.name));
  const ClassType* cls = type == nullptr ? nullptr : AsClass(type);
  if (cls == nullptr) {
    return absl::InvalidArgumentError("the class cannot be compiled");
  }
  Ref<ModuleObject> object = NewObject(*cls);
  objects_[value.get()] = object;
  for (const ClassType::Attribute& attribute : cls->attributes()) {
    const Py item = value->attributes.Find(attribute.name);
    if (item == nullptr) continue;
    TANDEM_ASSIGN_OR_RETURN(IValue converted, Convert(item, attribute.type));
    TANDEM_RETURN_IF_ERROR(
        object->SetAttribute(attribute.name, std::move(converted)));
  }
  return IValue(std::move(object));
}

absl::StatusOr<std::pair<IValue, TypePtr>> ModuleCompiler::Infer(
    const Py& value) {
  const Nesting nesting(&nesting_);
  if (nesting_ > kMaxPyDepth) {
    return absl::InvalidArgumentError("nested too deeply");
  }
  if (value->is(Kind::kInstance)) {
    TANDEM_ASSIGN_OR_RETURN(IValue object, MakeInstance(value));
    TypePtr type = object.TypeOf();
    return std::make_pair(std::move(object), std::move(type));
  }
  if (value->is(Kind::kTuple)) {
    std::vector<IValue> values;
    std::vector<TypePtr> types;
    for (const Py& item : value->items) {
      TANDEM_ASSIGN_OR_RETURN(auto part, Infer(item));
      values.push_back(std::move(part.first));
      types.push_back(std::move(part.second));
    }
    TypePtr type;
    if (value->cls.cls != nullptr) {
      TANDEM_ASSIGN_OR_RETURN(
          type, value->cls.file->FindType(value->cls.cls->name.name));
    }
    if (type != nullptr) {
      return std::make_pair(
          IValue(MakeRef<TupleObject>(std::move(values), type)), type);
    }
    type = Type::Tuple(std::move(types));
    return std::make_pair(IValue(MakeTuple(std::move(values))), type);
  }
  if (value->is(Kind::kList) && !value->items.empty() &&
      !value->items[0]->is(Kind::kValue)) {
    std::vector<IValue> values;
    TypePtr type;
    for (const Py& item : value->items) {
      absl::StatusOr<std::pair<IValue, TypePtr>> inferred = Infer(item);
      if (!inferred.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("Could not infer type of list element: ",
                         inferred.status().message()));
      }
      std::pair<IValue, TypePtr> part = *std::move(inferred);
      if (type != nullptr && !Same(type, part.second)) {
        return absl::InvalidArgumentError(absl::StrCat(
            "List inputs to traced functions must have consistent element "
            "type. Found ",
            type->ToAnnotation(), " and ", part.second->ToAnnotation()));
      }
      type = part.second;
      values.push_back(std::move(part.first));
    }
    return std::make_pair(IValue(MakeList(type, std::move(values))),
                          Type::List(type));
  }
  if (value->is(Kind::kDict) && !value->entries.empty()) {
    Ref<DictObject> dict;
    for (const auto& [key, item] : value->entries) {
      TANDEM_ASSIGN_OR_RETURN(auto k, Infer(key));
      TANDEM_ASSIGN_OR_RETURN(auto v, Infer(item));
      if (dict.get() == nullptr) dict = MakeDict(k.second, v.second);
      if (!Same(dict->key_type, k.second) ||
          !Same(dict->value_type, v.second)) {
        return absl::InvalidArgumentError(
            "Dictionary inputs to traced functions must have consistent type");
      }
      dict->Set(std::move(k.first), std::move(v.first));
    }
    TypePtr type = Type::Dict(dict->key_type, dict->value_type);
    return std::make_pair(IValue(std::move(dict)), std::move(type));
  }
  TANDEM_ASSIGN_OR_RETURN(IValue plain, PyToIValue(*value));
  TypePtr type = plain.TypeOf();
  return std::make_pair(std::move(plain), std::move(type));
}

absl::StatusOr<IValue> ModuleCompiler::Convert(const Py& value,
                                               const TypePtr& type) {
  const auto mismatch = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("expected a value of type ", type->ToAnnotation(),
                     ", got ", PyTypeName(*value)));
  };
  switch (type->kind()) {
    case TypeKind::kOptional:
      if (value->is_none()) return IValue();
      return Convert(value, type->element());
    case TypeKind::kUnion:
      for (const TypePtr& member : type->elements()) {
        absl::StatusOr<IValue> converted = Convert(value, member);
        if (converted.ok()) return converted;
      }
      return mismatch();
    case TypeKind::kFloat:
      if (value->is_int()) {
        return IValue(static_cast<double>(value->value.AsInt()));
      }
      break;
    case TypeKind::kList: {
      if (!value->is(Kind::kList) && !value->is(Kind::kTuple)) {
        return mismatch();
      }
      std::vector<IValue> values;
      for (const Py& item : value->items) {
        TANDEM_ASSIGN_OR_RETURN(IValue element, Convert(item, type->element()));
        values.push_back(std::move(element));
      }
      return IValue(MakeList(type->element(), std::move(values)));
    }
    case TypeKind::kDict: {
      if (!value->is(Kind::kDict)) return mismatch();
      Ref<DictObject> dict = MakeDict(type->element(0), type->element(1));
      for (const auto& [key, item] : value->entries) {
        TANDEM_ASSIGN_OR_RETURN(IValue k, Convert(key, type->element(0)));
        TANDEM_ASSIGN_OR_RETURN(IValue v, Convert(item, type->element(1)));
        dict->Set(std::move(k), std::move(v));
      }
      return IValue(std::move(dict));
    }
    case TypeKind::kTuple: {
      if ((!value->is(Kind::kTuple) && !value->is(Kind::kList)) ||
          value->items.size() != type->elements().size()) {
        return mismatch();
      }
      std::vector<IValue> values;
      for (size_t i = 0; i < value->items.size(); ++i) {
        TANDEM_ASSIGN_OR_RETURN(IValue element,
                                Convert(value->items[i], type->element(i)));
        values.push_back(std::move(element));
      }
      if (type->is_named_tuple()) {
        return IValue(MakeRef<TupleObject>(std::move(values), type));
      }
      return IValue(MakeTuple(std::move(values)));
    }
    default:
      break;
  }
  TANDEM_ASSIGN_OR_RETURN(auto inferred, Infer(value));
  if (!inferred.first.Conforms(*type)) return mismatch();
  return std::move(inferred.first);
}

absl::StatusOr<ClassType*> ModuleCompiler::TypeOf(const Py& module) {
  const auto made = known_.find(module.get());
  if (made != known_.end()) {
    if (made->second == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("module '", PyTypeName(*module), "' contains itself"));
    }
    return made->second;
  }
  if (++depth_ > 100) {
    return absl::InvalidArgumentError("modules are nested too deeply");
  }
  known_[module.get()] = nullptr;
  std::vector<ClassType::Attribute> attributes;
  std::vector<std::pair<std::string, IValue>> values;
  std::vector<ClassType::Constant> constants;
  absl::flat_hash_map<std::string, Py> functions;
  absl::flat_hash_map<std::string, std::string> failed;
  std::vector<std::string> added;
  std::string key =
      absl::StrCat(reinterpret_cast<uintptr_t>(module->cls.cls), ";");
  const auto is_added = [&](const std::string& name) {
    return std::find(added.begin(), added.end(), name) != added.end();
  };
  const auto add = [&](const std::string& name, IValue value, TypePtr type,
                       bool parameter, bool buffer) {
    ClassType::Attribute attribute;
    attribute.name = name;
    attribute.is_parameter = parameter;
    attribute.is_buffer = buffer;
    absl::StrAppend(&key, name, ":", type->ToString(), parameter ? "p" : "",
                    buffer ? "b" : "", ";");
    attribute.type = std::move(type);
    attributes.push_back(std::move(attribute));
    values.emplace_back(name, std::move(value));
    added.push_back(name);
  };
  for (const bool parameters : {true, false}) {
    for (const auto& [name, tensor] :
         (parameters ? module->parameters : module->buffers).entries()) {
      TANDEM_ASSIGN_OR_RETURN(TypePtr type, AnnotatedType(module, name, false));
      if (type == nullptr) {
        type = tensor->is_none() ? Type::None() : Type::Tensor();
      }
      add(name, tensor->value, std::move(type), parameters, !parameters);
    }
  }
  std::vector<std::pair<std::string, Py>> modules;
  std::vector<TypePtr> module_types;
  for (const auto& [name, child] : module->modules.entries()) {
    if (child->is_none()) {
      add(name, IValue(), Type::None(), false, false);
      continue;
    }
    TypePtr declared;
    // `impl: Interface` gives the interface's type.
    absl::StatusOr<TypePtr> annotated = AnnotatedType(module, name, false);
    if (annotated.ok() && *annotated != nullptr &&
        (*annotated)->AsInterface() != nullptr) {
      declared = *annotated;
    }
    TANDEM_ASSIGN_OR_RETURN(ClassType * type, TypeOf(child));
    modules.emplace_back(name, child);
    module_types.push_back(declared != nullptr ? declared
                                               : TypePtr(type->shared()));
    absl::StrAppend(&key, name, ":", module_types.back()->name(), ";");
    added.push_back(name);
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> constant_names,
                          ConstantNames(module));
  for (const std::string& name : constant_names) {
    if (is_added(name)) continue;
    Py value = module->attributes.Find(name);
    if (value == nullptr) {
      TANDEM_ASSIGN_OR_RETURN(value,
                              interpreter_.ClassVariable(module->cls, name));
    }
    if (value == nullptr) continue;
    Py constant = value;
    if (value->is(Kind::kList)) constant = PyTuple(value->items);
    absl::StatusOr<std::pair<IValue, TypePtr>> inferred = Infer(constant);
    if (!inferred.ok() || constant->is(Kind::kDict) || constant->is_tensor()) {
      if (value->is(Kind::kInstance)) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "'", PyTypeName(*value), "' object in attribute '",
          PyTypeName(*module), ".", name,
          "' is not a valid constant.\nValid constants are:\n1. a nn.ModuleList"
          "\n2. a value of type {bool, float, int, str, NoneType, torch.device,"
          " torch.layout, torch.dtype}\n3. a list or tuple of (2)\n"));
    }
    ClassType::Constant entry;
    entry.name = name;
    entry.value = inferred->first;
    entry.type = inferred->second;
    absl::StrAppend(&key, name, "=", entry.type->ToString(), " ",
                    ToPythonString(entry.value), ";");
    constants.push_back(std::move(entry));
    added.push_back(name);
  }
  TANDEM_ASSIGN_OR_RETURN(const bool annotated, HasAnnotations(module->cls));
  for (const auto& [name, value] : module->attributes.entries()) {
    if (name == "_is_full_backward_hook" && !annotated) {
      add(name, IValue(), Type::Optional(Type::Bool()), false, false);
      continue;
    }
    if (is_added(name) || absl::StartsWith(name, "__")) continue;
    if (value->is(Kind::kFunction) || value->is(Kind::kName)) {
      functions[name] = value;
      absl::StrAppend(&key, name, "()", value->name, " ",
                      reinterpret_cast<uintptr_t>(value->def), ";");
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(TypePtr type, AnnotatedType(module, name, false));
    if (type != nullptr) {
      absl::StatusOr<IValue> converted = Convert(value, type);
      if (converted.ok()) {
        add(name, *std::move(converted), type, false, false);
        continue;
      }
      failed[name] = absl::StrCat("(", kFailed, PyTypeName(*value),
                                  "' to a TorchScript type. ",
                                  converted.status().message(), ")");
      continue;
    }
    absl::StatusOr<std::pair<IValue, TypePtr>> inferred = Infer(value);
    if (inferred.ok()) {
      add(name, std::move(inferred->first), std::move(inferred->second), false,
          false);
      continue;
    }
    absl::StatusOr<TypePtr> in_init = AnnotatedType(module, name, true);
    if (in_init.ok() && *in_init != nullptr) {
      absl::StatusOr<IValue> converted = Convert(value, *in_init);
      if (converted.ok()) {
        add(name, *std::move(converted), *in_init, false, false);
        continue;
      }
    }
    failed[name] = absl::StrCat(
        "(", kFailed, PyTypeName(*value), "' to a TorchScript type. ",
        inferred.status().message(),
        ". Its type was inferred; try adding a type annotation for the "
        "attribute.)");
    absl::StrAppend(&key, name, "!;");
  }
  --depth_;
  ClassType*& type = types_[key];
  if (type == nullptr) {
    const std::string plain =
        module->cls.file->Qualify(module->cls.cls->name.name);
    std::string name = plain;
    while (modules_.unit().FindType(name) != nullptr) {
      name = plain;
      name.insert(plain.rfind('.'),
                  absl::StrCat(".___torch_mangle_", mangled_++));
    }
    type = modules_.unit().AddClass(name, /*is_module=*/true);
    modules_.AddOrigin(type, module->cls.file, module->cls.cls);
    PythonModules::Origin& origin = modules_.origin(type);
    origin.kind = module->module_kind;
    origin.functions = std::move(functions);
    origin.failed = std::move(failed);
    for (ClassType::Attribute& attribute : attributes) {
      TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(attribute)));
    }
    for (ClassType::Constant& constant : constants) {
      type->AddConstant(std::move(constant));
    }
    for (size_t i = 0; i < modules.size(); ++i) {
      ClassType::Attribute attribute;
      attribute.name = modules[i].first;
      attribute.type = module_types[i];
      TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(attribute)));
    }
  }
  known_[module.get()] = type;
  values_[module.get()] = std::move(values);
  return type;
}

absl::StatusOr<Ref<ModuleObject>> ModuleCompiler::MakeObject(const Py& module) {
  const auto made = objects_.find(module.get());
  if (made != objects_.end()) return made->second;
  TANDEM_ASSIGN_OR_RETURN(ClassType * type, TypeOf(module));
  Ref<ModuleObject> object = NewObject(*type);
  objects_[module.get()] = object;
  for (const auto& [name, value] : values_[module.get()]) {
    TANDEM_RETURN_IF_ERROR(object->SetAttribute(name, value));
  }
  for (const auto& [name, child] : module->modules.entries()) {
    if (child->is_none()) continue;
    TANDEM_ASSIGN_OR_RETURN(Ref<ModuleObject> inner, MakeObject(child));
    TANDEM_RETURN_IF_ERROR(object->SetAttribute(name, IValue(inner)));
  }
  TANDEM_RETURN_IF_ERROR(CompileMethods(type, module));
  return object;
}

absl::Status ModuleCompiler::CompileMethods(ClassType* type, const Py& module) {
  if (compiled_[type]) return absl::OkStatus();
  compiled_[type] = true;
  const PythonClass python = ClassOf(module->cls);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<std::string> methods,
                          python.EntryMethods());
  std::vector<Function*> functions;
  for (const std::string& method : methods) {
    TANDEM_ASSIGN_OR_RETURN(const PythonClass::Method found,
                            python.FindMethod(method));
    if (found.def == nullptr) continue;
    TANDEM_ASSIGN_OR_RETURN(
        Function * function,
        PythonClass(module->cls.file, *module->cls.cls,
                    module->cls.file->tree(module->cls.cls->name.name))
            .AddModuleMethod(*type, found));
    functions.push_back(function);
  }
  for (Function* function : functions) {
    TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  }
  TANDEM_RETURN_IF_ERROR(modules_.Finish());
  // len() and `in` of containers are methods.
  if (module->module_kind == ModuleKind::kList ||
      module->module_kind == ModuleKind::kDict) {
    std::string text;
    if (type->FindMethod("__len__") == nullptr) {
      text = absl::StrCat("def __len__(self):\n    return ",
                          module->modules.entries().size(), "\n");
    }
    if (module->module_kind == ModuleKind::kDict &&
        type->FindMethod("__contains__") == nullptr) {
      std::vector<std::string> keys;
      for (const auto& [name, child] : module->modules.entries()) {
        keys.push_back(ToPythonString(IValue(name)));
      }
      absl::StrAppend(
          &text, "def __contains__(self, key: str):\n    return ",
          keys.empty()
              ? std::string("False")
              : absl::StrCat("key in [", absl::StrJoin(keys, ", "), "]"),
          "\n");
    }
    if (!text.empty()) {
      TANDEM_RETURN_IF_ERROR(DefineMethods(
          &modules_.unit(), type,
          std::make_shared<Source>(std::move(text), "container.py")));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Ref<ModuleObject>> ModuleCompiler::Compile(const Py& module) {
  TANDEM_RETURN_IF_ERROR(TypeOf(module).status());
  return MakeObject(module);
}

}  // namespace tandem::script
