#include "tandem/frontends/script/python_class.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/class_compiler.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/python_init.h"
#include "tandem/frontends/script/python_modules.h"
#include "tandem/frontends/script/python_values.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// Bases that mean a kind of class; the name that CompileClass knows.
absl::string_view KnownBase(absl::string_view name) {
  if (name == "enum.Enum" || name == "Enum" || name == "enum.IntEnum") {
    return "Enum";
  }
  if (name == "typing.NamedTuple" || name == "NamedTuple") return "NamedTuple";
  if (name == "torch.nn.Module" || name == "torch.nn.modules.module.Module" ||
      name == "torch.nn.modules.Module") {
    return "Module";
  }
  if (name == "object" || name == "abc.ABC") return "object";
  return "";
}

bool IsProperty(const DefStmt& def) {
  return HasDecorator(def.decorators, "property") ||
         HasDecorator(def.decorators, "setter");
}

bool IsCompiled(const DefStmt& def) {
  return !HasDecorator(def.decorators, "staticmethod") &&
         !HasDecorator(def.decorators, "classmethod") &&
         !HasDecorator(def.decorators, "ignore");
}

}  // namespace

bool HasDecorator(List<const Expr*> decorators, absl::string_view name) {
  for (const Expr* decorator : decorators) {
    if (const auto* call = decorator->As<CallExpr>()) decorator = call->callee;
    const auto* attribute = decorator->As<AttributeExpr>();
    const auto* plain = decorator->As<NameExpr>();
    if ((attribute != nullptr && attribute->attribute.name == name) ||
        (plain != nullptr && plain->name == name)) {
      return true;
    }
  }
  return false;
}

bool PythonFile::IsModule(const ClassStmt& cls) const {
  for (const Expr* base : cls.bases) {
    if (KnownBase(Imported(*base)) == "Module") return true;
    const auto* name = base->As<NameExpr>();
    if (name == nullptr || name->name == cls.name.name) continue;
    const absl::StatusOr<const ClassStmt*> inner = FindClass(name->name);
    if (inner.ok() && *inner != nullptr &&
        (*inner)->span.start < cls.span.start && IsModule(**inner)) {
      return true;
    }
  }
  return false;
}

bool PythonFile::IsException(const ClassStmt& cls) const {
  for (const Expr* base : cls.bases) {
    const auto* name = base->As<NameExpr>();
    if (name == nullptr || name->name == cls.name.name) continue;
    const absl::StatusOr<const ClassStmt*> inner = FindClass(name->name);
    if (inner.ok() && *inner != nullptr) {
      // Python defines a base before what derives from it.
      if ((*inner)->span.start < cls.span.start && IsException(**inner)) {
        return true;
      }
    } else if (PythonException(name->name) != nullptr ||
               name->name == "AssertionError") {
      return true;
    }
  }
  return false;
}

absl::StatusOr<std::vector<const ClassStmt*>> PythonClass::Lineage() const {
  std::vector<const ClassStmt*> lineage = {&cls_};
  for (size_t i = 0; i < lineage.size(); ++i) {
    for (const Expr* base : lineage[i]->bases) {
      if (!KnownBase(file_.Imported(*base)).empty()) continue;
      const auto* name = base->As<NameExpr>();
      const ClassStmt* cls = nullptr;
      if (name != nullptr) {
        TANDEM_ASSIGN_OR_RETURN(cls, file_.FindClass(name->name));
      }
      if (cls == nullptr) {
        return file_.Error(
            tree_, base->span,
            absl::StrCat("the base class '", DottedName(*base).value_or("?"),
                         "' is not defined in this file"));
      }
      if (std::find(lineage.begin(), lineage.end(), cls) == lineage.end()) {
        lineage.push_back(cls);
      }
    }
  }
  return lineage;
}

const DefStmt* PythonClass::WithoutBody(const DefStmt& def, SyntaxTree* tree) {
  auto* name = tree->New<NameExpr>(def.span);
  name->name = "RuntimeError";
  auto* text = tree->New<StringExpr>(def.span);
  text->value = "Cannot call @unused methods";
  auto* call = tree->New<CallExpr>(def.span);
  call->callee = name;
  call->inputs = tree->Copy(std::vector<const Expr*>{text});
  call->inputs_span = def.span;
  auto* raise = tree->New<RaiseStmt>(def.span);
  raise->value = call;
  auto* copy = tree->New<DefStmt>(def.span);
  copy->name = def.name;
  copy->decl = def.decl;
  copy->decorators = def.decorators;
  copy->body.span = def.body.span;
  copy->body.statements = tree->Copy(std::vector<const Stmt*>{raise});
  return copy;
}

absl::StatusOr<TypePtr> PythonClass::Compile(
    const std::string& qualified_name) {
  TANDEM_ASSIGN_OR_RETURN(std::vector<const ClassStmt*> lineage, Lineage());
  absl::string_view base;
  for (const ClassStmt* cls : lineage) {
    for (const Expr* expr : cls->bases) {
      const absl::string_view known = KnownBase(file_.Imported(*expr));
      if (!known.empty() && known != "object") base = known;
    }
  }
  SyntaxTree& scratch = file_.scratch_;
  if (HasDecorator(cls_.decorators, "interface") || base == "Enum" ||
      base == "NamedTuple") {
    auto* copy = scratch.New<ClassStmt>(cls_.span);
    copy->name = cls_.name;
    copy->decorators = cls_.decorators;
    copy->body = cls_.body;
    if (!base.empty()) {
      auto* name = scratch.New<NameExpr>(cls_.span);
      name->name = base;
      copy->bases = scratch.Copy(std::vector<const Expr*>{name});
    }
    std::vector<Function*> functions;
    TANDEM_RETURN_IF_ERROR(
        CompileClass(file_.context_, tree_, qualified_name, *copy, &functions));
    return file_.modules_.unit().FindType(qualified_name);
  }
  if (base == "Module") return CompileModule(qualified_name);
  return CompileInstance(qualified_name, lineage);
}

// PyTorch compiles accessors first, then methods, by name.
absl::StatusOr<TypePtr> PythonClass::CompileInstance(
    const std::string& qualified_name,
    const std::vector<const ClassStmt*>& lineage) {
  SyntaxTree& scratch = file_.scratch_;
  std::vector<const DefStmt*> accessors;
  std::vector<const DefStmt*> methods;
  absl::flat_hash_set<std::string> seen;
  for (const ClassStmt* cls : lineage) {
    absl::flat_hash_set<std::string> own;
    for (const Stmt* stmt : cls->body.statements) {
      const auto* def = stmt->As<DefStmt>();
      if (def == nullptr || !IsCompiled(*def)) continue;
      const std::string name(def->name.name);
      if (seen.contains(name)) continue;
      if (!IsProperty(*def) && own.contains(name)) {
        // Python keeps the last.
        methods.erase(std::find_if(
            methods.begin(), methods.end(),
            [&](const DefStmt* other) { return other->name.name == name; }));
      }
      own.insert(name);
      if (HasDecorator(def->decorators, "unused")) {
        def = WithoutBody(*def, &scratch);
      }
      (IsProperty(*def) ? accessors : methods).push_back(def);
    }
    seen.insert(own.begin(), own.end());
  }
  const auto by_name = [](const DefStmt* a, const DefStmt* b) {
    return a->name.name < b->name.name;
  };
  std::stable_sort(accessors.begin(), accessors.end(), by_name);
  std::stable_sort(methods.begin(), methods.end(), by_name);
  std::vector<const Stmt*> statements(accessors.begin(), accessors.end());
  statements.insert(statements.end(), methods.begin(), methods.end());
  auto* copy = scratch.New<ClassStmt>(cls_.span);
  copy->name = cls_.name;
  copy->body.span = cls_.body.span;
  copy->body.statements = scratch.Copy(statements);
  std::vector<Function*> functions;
  TANDEM_RETURN_IF_ERROR(
      CompileClass(file_.context_, tree_, qualified_name, *copy, &functions));
  PythonModules& modules = file_.modules_;
  TypePtr type = modules.unit().FindType(qualified_name);
  modules.AddOrigin(AsClass(type), &file_, &cls_);
  // __init__ says what attributes there are.
  for (Function* function : functions) {
    if (function->name() == "__init__") {
      TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
    }
    modules.AddPending(function);
  }
  return type;
}

absl::StatusOr<TypePtr> PythonClass::CompileModule(
    const std::string& qualified_name) {
  PythonModules& modules = file_.modules_;
  ClassType* type = modules.unit().AddClass(qualified_name, /*is_module=*/true);
  modules.AddOrigin(type, &file_, &cls_);
  ClassType::Attribute training;
  training.name = "training";
  training.type = Type::Bool();
  TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(training)));
  ClassType::Attribute hook_flag;
  hook_flag.name = "_is_full_backward_hook";
  hook_flag.type = Type::Optional(Type::Bool());
  TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(hook_flag)));
  TANDEM_RETURN_IF_ERROR(AddModuleConstants(type));
  return TypePtr(type->shared());
}

absl::StatusOr<Function*> PythonClass::CompileInit(const ClassType& type) {
  TANDEM_ASSIGN_OR_RETURN(const DefStmt* def, FindMethod("__init__"));
  if (def == nullptr) return nullptr;
  ClassType* owner = file_.modules_.unit().FindClass(type.name());
  if (owner == nullptr) {
    return absl::InternalError(absl::StrCat("no class ", type.name()));
  }
  // Not among the class's methods: a saved module has none.
  Function* init = file_.modules_.unit().AddMethod(owner, "__init__");
  DefineFunction(file_.context_, tree_, init, *def, owner);
  TANDEM_RETURN_IF_ERROR(init->EnsureDefined());
  return init;
}

// `k: Final[int] = 3` in the class's body.
absl::Status PythonClass::AddModuleConstants(ClassType* type) {
  for (const Stmt* stmt : cls_.body.statements) {
    const auto* assign = stmt->As<AssignStmt>();
    if (assign == nullptr || assign->type == nullptr) continue;
    const auto* name = assign->targets[0]->As<NameExpr>();
    if (name == nullptr) continue;
    if (assign->value == nullptr) {
      // The type of what __init__ sets; a Final one is what it is set to.
      const auto* subscript = assign->type->As<SubscriptExpr>();
      const std::string type_name =
          DottedName(subscript != nullptr ? *subscript->value : *assign->type)
              .value_or("");
      if (absl::EndsWith(type_name, "Final")) continue;
      ClassType::Attribute attribute;
      attribute.name = std::string(name->name);
      TANDEM_ASSIGN_OR_RETURN(
          attribute.type, TypeParser(&file_.modules_.session(), &file_, tree_)
                              .Parse(*assign->type));
      TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(attribute)));
      continue;
    }
    ClassType::Constant constant;
    constant.name = std::string(name->name);
    TANDEM_ASSIGN_OR_RETURN(constant.type,
                            TypeParser(&file_.modules_.session(), &file_, tree_)
                                .Parse(*assign->type));
    TANDEM_ASSIGN_OR_RETURN(
        std::vector<IValue> values,
        FunctionCompiler::EvaluateConstants(file_.context_, tree_,
                                            tree_.Range(assign->span),
                                            {assign->type}, {assign->value}));
    constant.value = std::move(values[0]);
    type->AddConstant(std::move(constant));
  }
  return absl::OkStatus();
}

bool PythonClass::IsFinal(absl::string_view name) const {
  for (const Stmt* stmt : cls_.body.statements) {
    const auto* assign = stmt->As<AssignStmt>();
    if (assign == nullptr) continue;
    const auto* target = assign->targets[0]->As<NameExpr>();
    if (target == nullptr) continue;
    if (target->name == name && assign->type != nullptr) {
      const auto* subscript = assign->type->As<SubscriptExpr>();
      if (absl::EndsWith(DottedName(subscript != nullptr ? *subscript->value
                                                         : *assign->type)
                             .value_or(""),
                         "Final")) {
        return true;
      }
    }
    if (target->name != "__constants__" || assign->value == nullptr) continue;
    const auto* list = assign->value->As<ListExpr>();
    if (list == nullptr) continue;
    for (const Expr* element : list->elements) {
      const auto* text = element->As<StringExpr>();
      if (text != nullptr && text->value == name) return true;
    }
  }
  return false;
}

absl::StatusOr<const DefStmt*> PythonClass::FindMethod(
    absl::string_view name) const {
  TANDEM_ASSIGN_OR_RETURN(std::vector<const ClassStmt*> lineage, Lineage());
  for (const ClassStmt* cls : lineage) {
    const DefStmt* found = nullptr;
    for (const Stmt* stmt : cls->body.statements) {
      const auto* def = stmt->As<DefStmt>();
      if (def != nullptr && def->name.name == name &&
          !HasDecorator(def->decorators, "setter")) {
        found = def;
      }
    }
    if (found != nullptr) return found;
  }
  return nullptr;
}

absl::StatusOr<std::vector<std::string>> PythonClass::EntryMethods() const {
  TANDEM_ASSIGN_OR_RETURN(std::vector<const ClassStmt*> lineage, Lineage());
  std::vector<std::string> names;
  TANDEM_ASSIGN_OR_RETURN(const DefStmt* forward, FindMethod("forward"));
  if (forward != nullptr && IsCompiled(*forward)) names.push_back("forward");
  std::vector<std::string> exported;
  for (const ClassStmt* cls : lineage) {
    for (const Stmt* stmt : cls->body.statements) {
      const auto* def = stmt->As<DefStmt>();
      if (def == nullptr || !HasDecorator(def->decorators, "export")) continue;
      const std::string name(def->name.name);
      if (name != "forward" &&
          std::find(exported.begin(), exported.end(), name) == exported.end()) {
        exported.push_back(name);
      }
    }
  }
  std::sort(exported.begin(), exported.end());
  names.insert(names.end(), exported.begin(), exported.end());
  return names;
}

absl::StatusOr<Function*> PythonClass::AddModuleMethod(const ClassType& type,
                                                       const DefStmt& def) {
  if (Function* known = type.FindMethod(def.name.name)) return known;
  const DefStmt* compiled = &def;
  if (HasDecorator(def.decorators, "unused")) {
    compiled = WithoutBody(def, &file_.scratch_);
  }
  ClassType* owner = file_.modules_.unit().FindClass(type.name());
  if (owner == nullptr) {
    return absl::InternalError(absl::StrCat("no class ", type.name()));
  }
  Function* method = file_.modules_.unit().AddMethod(owner, def.name.name);
  DefineFunction(file_.context_, tree_, method, *compiled, owner);
  owner->AddMethod(method);
  file_.modules_.AddPending(method);
  return method;
}

absl::StatusOr<Sugared> PythonClass::FindMember(const ClassType& type,
                                                absl::string_view name,
                                                Value* self,
                                                FunctionCompiler& f,
                                                const SourceRange& range) {
  TANDEM_ASSIGN_OR_RETURN(const DefStmt* def, FindMethod(name));
  if (def == nullptr) {
    if (type.is_module() && self != nullptr) return RegisterMethod(name, self);
    return Sugared();
  }
  if (HasDecorator(def->decorators, "staticmethod")) {
    Function*& function = file_.methods_[def];
    if (function == nullptr) {
      function = file_.modules_.unit().AddFunction(
          file_.Qualify(absl::StrCat(cls_.name.name, ".", name)));
      DefineFunction(file_.context_, tree_, function, *def, nullptr);
      file_.modules_.AddPending(function);
    }
    return Sugared(std::make_shared<FunctionValue>(function));
  }
  if (HasDecorator(def->decorators, "ignore")) {
    return Sugared(
        std::make_shared<IgnoredFunction>(file_.context_, tree_, def, self));
  }
  if (HasDecorator(def->decorators, "classmethod")) {
    return f.Error(range, "'", name,
                   "' is a class method: these are not supported, a static "
                   "method or a function is");
  }
  if (self == nullptr || !type.is_module()) return Sugared();
  TANDEM_ASSIGN_OR_RETURN(Function * method, AddModuleMethod(type, *def));
  if (HasDecorator(def->decorators, "property")) {
    return MethodValue(self, std::string(method->name()))
        .Call(range, f, {}, {});
  }
  return Sugared(std::make_shared<MethodValue>(self, std::string(name)));
}

}  // namespace tandem::script
