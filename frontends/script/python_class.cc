#include "tandem/frontends/script/python_class.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/class_compiler.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/compiler/type_parser.h"
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

absl::StatusOr<ClassRef> PythonFile::FindBase(const ClassStmt& cls,
                                              const Expr& base) {
  const auto* name = base.As<NameExpr>();
  if (name != nullptr && Defines(name->name)) {
    TANDEM_ASSIGN_OR_RETURN(const ClassStmt* found, FindClass(name->name));
    // Python defines a base before what derives from it.
    if (found == nullptr || found->span.start >= cls.span.start) {
      return ClassRef{};
    }
    return ClassRef{this, found};
  }
  std::string rest;
  PythonFile* file = modules_.FindLibrary(Imported(base), &rest);
  if (file == nullptr) return ClassRef{};
  TANDEM_ASSIGN_OR_RETURN(const ClassStmt* found, file->FindClass(rest));
  return ClassRef{file, found};
}

bool PythonFile::IsModule(const ClassStmt& cls) {
  for (const Expr* base : cls.bases) {
    if (KnownBase(Imported(*base)) == "Module") return true;
    const absl::StatusOr<ClassRef> inner = FindBase(cls, *base);
    if (inner.ok() && inner->cls != nullptr &&
        inner->file->IsModule(*inner->cls)) {
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

absl::StatusOr<std::vector<ClassRef>> PythonClass::Lineage() const {
  std::vector<ClassRef> lineage = {ClassRef{&file_, &cls_}};
  for (size_t i = 0; i < lineage.size(); ++i) {
    const ClassRef at = lineage[i];
    for (const Expr* base : at.cls->bases) {
      if (!KnownBase(at.file->Imported(*base)).empty()) continue;
      TANDEM_ASSIGN_OR_RETURN(const ClassRef cls,
                              at.file->FindBase(*at.cls, *base));
      if (cls.cls == nullptr) {
        return at.file->Error(
            at.file->tree(at.cls->name.name), base->span,
            absl::StrCat("the base class '", DottedName(*base).value_or("?"),
                         "' is not defined in this file"));
      }
      // A base of two classes comes after both.
      const auto known = std::find(lineage.begin(), lineage.end(), cls);
      if (known != lineage.end()) {
        if (static_cast<size_t>(known - lineage.begin()) <= i) continue;
        lineage.erase(known);
      }
      lineage.push_back(cls);
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
  TANDEM_ASSIGN_OR_RETURN(std::vector<ClassRef> lineage, Lineage());
  absl::string_view base;
  for (const ClassRef& cls : lineage) {
    for (const Expr* expr : cls.cls->bases) {
      const absl::string_view known = KnownBase(cls.file->Imported(*expr));
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
  // A module's type depends on the instance.
  if (base == "Module") return TypePtr();
  return CompileInstance(qualified_name, lineage);
}

// PyTorch compiles accessors first, then methods, by name.
absl::StatusOr<TypePtr> PythonClass::CompileInstance(
    const std::string& qualified_name, const std::vector<ClassRef>& lineage) {
  SyntaxTree& scratch = file_.scratch_;
  std::vector<const DefStmt*> accessors;
  std::vector<const DefStmt*> methods;
  absl::flat_hash_set<std::string> seen;
  absl::flat_hash_map<std::string, ClassRef> found_in;
  for (const ClassRef& cls : lineage) {
    absl::flat_hash_set<std::string> own;
    for (const Stmt* stmt : cls.cls->body.statements) {
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
      found_in[name] = cls;
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
    const auto found = found_in.find(function->name());
    if (found != found_in.end()) {
      modules.AddMethodClass(function, found->second);
    }
  }
  for (Function* function : functions) {
    if (function->name() == "__init__") {
      TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
    }
    modules.AddPending(function);
  }
  return type;
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

absl::StatusOr<PythonClass::Method> PythonClass::FindMethod(
    absl::string_view name, const ClassRef* after) const {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> lineage, Lineage());
  bool passed = after == nullptr;
  for (const ClassRef& cls : lineage) {
    if (!passed) {
      passed = cls == *after;
      continue;
    }
    Method found;
    for (const Stmt* stmt : cls.cls->body.statements) {
      const auto* def = stmt->As<DefStmt>();
      if (def != nullptr && def->name.name == name &&
          !HasDecorator(def->decorators, "setter")) {
        found = {cls, def};
      }
    }
    if (found.def != nullptr) return found;
  }
  return Method{};
}

absl::StatusOr<std::vector<std::string>> PythonClass::EntryMethods() const {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<ClassRef> lineage, Lineage());
  std::vector<std::string> names;
  TANDEM_ASSIGN_OR_RETURN(const Method forward, FindMethod("forward"));
  if (forward.def != nullptr && IsCompiled(*forward.def)) {
    names.push_back("forward");
  }
  std::vector<std::string> exported;
  for (const ClassRef& cls : lineage) {
    for (const Stmt* stmt : cls.cls->body.statements) {
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
                                                       const Method& found,
                                                       absl::string_view name) {
  if (name.empty()) name = found.def->name.name;
  if (Function* known = type.FindMethod(name)) return known;
  const DefStmt* compiled = found.def;
  PythonFile& file = *found.cls.file;
  if (HasDecorator(compiled->decorators, "unused")) {
    compiled = WithoutBody(*compiled, &file.scratch_);
  }
  ClassType* owner = file_.modules_.unit().FindClass(type.name());
  if (owner == nullptr) {
    return absl::InternalError(absl::StrCat("no class ", type.name()));
  }
  Function* method = file_.modules_.unit().AddMethod(owner, name);
  DefineFunction(file.context_, file.tree(found.cls.cls->name.name), method,
                 *compiled, owner);
  owner->AddMethod(method);
  file_.modules_.AddPending(method);
  file_.modules_.AddMethodClass(method, found.cls);
  return method;
}

absl::StatusOr<Sugared> PythonClass::FindMember(const ClassType& type,
                                                absl::string_view name,
                                                Value* self,
                                                FunctionCompiler& f,
                                                const SourceRange& range) {
  TANDEM_ASSIGN_OR_RETURN(const Method found, FindMethod(name));
  const DefStmt* def = found.def;
  if (def == nullptr) return Sugared();
  PythonFile& file = *found.cls.file;
  const SyntaxTree& tree = file.tree(found.cls.cls->name.name);
  if (HasDecorator(def->decorators, "staticmethod")) {
    Function*& function = file.methods_[def];
    if (function == nullptr) {
      // PyTorch's names: without the class, under which an archive has no
      // functions.
      CompilationUnit& unit = file_.modules_.unit();
      const std::string plain = file.Qualify(name);
      std::string own = plain;
      for (int i = 0; file.Defines(own.substr(own.rfind('.') + 1)) ||
                      unit.FindFunction(own) != nullptr;
           ++i) {
        own = absl::StrCat(plain, "_", i);
      }
      function = unit.AddFunction(std::move(own));
      DefineFunction(file.context_, tree, function, *def, nullptr);
      file_.modules_.AddPending(function);
    }
    return Sugared(std::make_shared<FunctionValue>(function));
  }
  if (HasDecorator(def->decorators, "ignore")) {
    return Sugared(
        std::make_shared<IgnoredFunction>(file.context_, tree, def, self));
  }
  if (HasDecorator(def->decorators, "classmethod")) {
    return f.Error(range, "'", name,
                   "' is a class method: these are not supported, a static "
                   "method or a function is");
  }
  if (self == nullptr || !type.is_module()) return Sugared();
  TANDEM_ASSIGN_OR_RETURN(Function * method, AddModuleMethod(type, found));
  if (HasDecorator(def->decorators, "property")) {
    return MethodValue(self, std::string(method->name()))
        .Call(range, f, {}, {});
  }
  return Sugared(std::make_shared<MethodValue>(self, std::string(name)));
}

}  // namespace tandem::script
