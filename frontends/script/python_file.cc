#include "tandem/frontends/script/python_file.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/compiler/class_compiler.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/frontends/script/python_class.h"
#include "tandem/frontends/script/python_module.h"
#include "tandem/frontends/script/python_modules.h"
#include "tandem/frontends/script/python_values.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

PythonFile::PythonFile(PythonModules* modules, std::string module,
                       std::shared_ptr<const Source> source)
    : modules_(*modules),
      module_(std::move(module)),
      context_(modules->context()),
      parts_(SplitPython(*source)),
      shown_(ShownParts(*source, parts_)),
      scratch_(source, shown_) {
  context_.resolver = this;
  for (const PythonPart& part : parts_) {
    auto tree = ParsePythonPart(source, part, shown_);
    if (!tree.ok()) {
      if (!part.name.empty()) definitions_[part.name].status = tree.status();
      continue;
    }
    for (const Stmt* stmt : (*tree)->statements()) Add(**tree, stmt);
    trees_.push_back(*std::move(tree));
  }
}

PythonFile::~PythonFile() = default;

void PythonFile::Add(const SyntaxTree& tree, const Stmt* stmt) {
  if (const auto* def = stmt->As<DefStmt>()) {
    definitions_[std::string(def->name.name)] = {&tree, stmt, {}};
    function_names_.emplace_back(def->name.name);
  } else if (const auto* cls = stmt->As<ClassStmt>()) {
    definitions_[std::string(cls->name.name)] = {&tree, stmt, {}};
  } else if (const auto* import = stmt->As<ImportStmt>()) {
    for (const ImportedName& imported : import->names) {
      imports_[std::string(imported.name)] =
          std::string(imported.qualified_name);
    }
  } else if (const auto* assign = stmt->As<AssignStmt>()) {
    for (const Expr* target : assign->targets) {
      AddGlobal(tree, *target, assign->value);
    }
  } else if (const auto* augmented = stmt->As<AugAssignStmt>()) {
    AddGlobal(tree, *augmented->target, nullptr);
  } else if (const auto* branch = stmt->As<IfStmt>()) {
    // Which branch Python takes is not known; what they import is.
    for (const Body* body : {&branch->then, &branch->otherwise}) {
      for (const Stmt* inner : body->statements) {
        if (inner->kind == StmtKind::kImport) Add(tree, inner);
        if (const auto* set = inner->As<AssignStmt>()) {
          for (const Expr* target : set->targets) {
            AddGlobal(tree, *target, nullptr);
          }
        }
      }
    }
  }
}

void PythonFile::AddGlobal(const SyntaxTree& tree, const Expr& target,
                           const Expr* value) {
  if (const auto* name = target.As<NameExpr>()) {
    Global& global = globals_[std::string(name->name)];
    global.tree = &tree;
    global.value = value;
    ++global.assignments;
  } else if (const auto* tuple = target.As<TupleExpr>()) {
    const auto* values = value == nullptr ? nullptr : value->As<TupleExpr>();
    const bool pairs =
        values != nullptr && values->elements.size() == tuple->elements.size();
    for (size_t i = 0; i < tuple->elements.size(); ++i) {
      AddGlobal(tree, *tuple->elements[i],
                pairs ? values->elements[i] : nullptr);
    }
  }
}

std::string PythonFile::Qualify(absl::string_view name) const {
  return absl::StrCat("__torch__.", module_, module_.empty() ? "" : ".", name);
}

std::string PythonFile::Imported(const Expr& expr) const {
  std::string name = DottedName(expr).value_or("");
  const std::string first = name.substr(0, name.find('.'));
  const auto import = imports_.find(first);
  if (import == imports_.end()) return name;
  return absl::StrCat(import->second, name.substr(first.size()));
}

void PythonFile::ImportUsualNames() {
  imports_.try_emplace("torch", "torch");
  imports_.try_emplace("F", "torch.nn.functional");
  imports_.try_emplace("math", "math");
}

absl::Status PythonFile::AddMethods(ClassType* type) {
  for (const std::string& name : names()) {
    const Definition& definition = definitions_.find(name)->second;
    if (!definition.status.ok()) return definition.status;
    const auto* def = definition.stmt->As<DefStmt>();
    if (def == nullptr) continue;
    if (type->FindMethod(name) != nullptr) {
      return Error(*definition.tree, def->name.span,
                   absl::StrCat("Can't redefine method: ", name,
                                " on class: ", type->name()));
    }
    Function* method = modules_.unit().AddMethod(type, name);
    DefineFunction(context_, *definition.tree, method, *def, type);
    type->AddMethod(method);
    modules_.AddPending(method);
  }
  return absl::OkStatus();
}

std::vector<std::string> PythonFile::names() const {
  std::vector<std::string> names;
  for (const auto& [name, definition] : definitions_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status PythonFile::Error(const SyntaxTree& tree, TextSpan span,
                               absl::string_view message) const {
  return modules_.session().Error(tree.Range(span), message);
}

absl::StatusOr<const ClassStmt*> PythonFile::FindClass(
    absl::string_view name) const {
  const auto found = definitions_.find(name);
  if (found == definitions_.end()) return nullptr;
  if (!found->second.status.ok()) return found->second.status;
  return found->second.stmt->As<ClassStmt>();
}

absl::StatusOr<Function*> PythonFile::FindFunction(absl::string_view name) {
  const auto known = functions_.find(name);
  if (known != functions_.end()) return known->second;
  const auto found = definitions_.find(name);
  if (found == definitions_.end()) return nullptr;
  if (!found->second.status.ok()) return found->second.status;
  const auto* def = found->second.stmt->As<DefStmt>();
  if (def == nullptr) return nullptr;
  if (HasDecorator(def->decorators, "unused")) {
    def = PythonClass::WithoutBody(*def, &scratch_);
  }
  Function* function = modules_.unit().AddFunction(Qualify(name));
  functions_[std::string(name)] = function;
  DefineFunction(context_, *found->second.tree, function, *def, nullptr);
  modules_.AddPending(function);
  return function;
}

absl::StatusOr<TypePtr> PythonFile::FindType(absl::string_view name) {
  const std::string qualified = Qualify(name);
  if (TypePtr known = modules_.unit().FindType(qualified)) return known;
  TANDEM_ASSIGN_OR_RETURN(const ClassStmt* cls, FindClass(name));
  if (cls == nullptr || IsException(*cls)) return TypePtr();
  return PythonClass(this, *cls, *definitions_.find(name)->second.tree)
      .Compile(qualified);
}

absl::StatusOr<Sugared> PythonFile::ResolveValue(absl::string_view name,
                                                 FunctionCompiler& f,
                                                 const SourceRange& range) {
  if (const auto found = definitions_.find(name);
      found != definitions_.end() && found->second.status.ok()) {
    const auto* def = found->second.stmt->As<DefStmt>();
    if (def != nullptr && HasDecorator(def->decorators, "ignore")) {
      return Sugared(std::make_shared<IgnoredFunction>(
          context_, *found->second.tree, def, nullptr));
    }
    const auto* cls = found->second.stmt->As<ClassStmt>();
    if (cls != nullptr && IsException(*cls)) {
      return Sugared(std::make_shared<ExceptionValue>(
          std::string(name),
          absl::StrCat(module_.empty() ? "__main__" : module_, ".", name)));
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Function * function, FindFunction(name));
  if (function != nullptr) {
    return Sugared(std::make_shared<FunctionValue>(function));
  }
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, FindType(name));
  if (type != nullptr) {
    if (type->AsEnum() != nullptr) {
      return Sugared(std::make_shared<EnumClass>(type->AsEnum()));
    }
    if (type->is_named_tuple()) {
      return Sugared(std::make_shared<NamedTupleConstructor>(type));
    }
    if (AsClass(type) != nullptr) {
      return Sugared(std::make_shared<ClassValue>(AsClass(type)));
    }
  }
  if (const auto found = definitions_.find(name);
      found != definitions_.end() && found->second.status.ok() &&
      found->second.stmt->kind == StmtKind::kClass) {
    return MakeModuleClass(std::string(name));
  }
  const auto import = imports_.find(name);
  if (import != imports_.end()) {
    return modules_.Qualified(import->second, f, range);
  }
  if (Sugared exception = PythonException(name)) return exception;
  if (const auto global = globals_.find(name); global != globals_.end()) {
    return GlobalValue(name, global->second, f, range);
  }
  // Files of PyTorch name each other's functions in their own module.
  if (!module_.empty()) {
    return modules_.Qualified(absl::StrCat(module_, ".", name), f, range);
  }
  if (name == "reversed") {
    return PythonName("builtins.reversed", f, range);
  }
  if (name == "super") return MakeSuper(&modules_);
  if (name == "builtins.format" || name == "builtins.repr") {
    return MakeFormatFunction(&modules_, name == "builtins.repr");
  }
  if (IsPythonBuiltin(name)) return PythonBuiltinError(f, range, name);
  return Sugared();
}

// A number, text or tuple that the file sets once and cannot change is a
// constant; another name of a function is that function.
absl::StatusOr<Sugared> PythonFile::GlobalValue(absl::string_view name,
                                                const Global& global,
                                                FunctionCompiler& f,
                                                const SourceRange& range) {
  if (global.assignments == 1 && global.value != nullptr) {
    if (IsImmutableLiteral(*global.value)) {
      TANDEM_ASSIGN_OR_RETURN(Value * value, f.EmitConstantExpr(*global.value));
      return Simple(value);
    }
    const std::string target = Imported(*global.value);
    if (absl::StrContains(target, '.')) {
      TANDEM_ASSIGN_OR_RETURN(Sugared value,
                              modules_.Qualified(target, f, range));
      if (value != nullptr) return value;
    } else if (!target.empty() && target != name && Defines(target)) {
      return ResolveValue(target, f, range);
    }
  }
  return f.Error(range, "python value of type '", PythonTypeOf(global.value),
                 "' cannot be used as a value. Perhaps it is a closed over "
                 "global variable? If so, please consider passing it in as "
                 "an argument or use a local variable instead.");
}

absl::StatusOr<TypePtr> PythonFile::ResolveType(absl::string_view name,
                                                const SourceRange& range) {
  if (absl::StartsWith(name, "__torch__.torch.classes.")) {
    CompilationUnit& unit = modules_.unit();
    if (TypePtr known = unit.FindType(name)) return known;
    ClassType* type = unit.AddClass(std::string(name), /*is_module=*/false);
    type->set_opaque();
    return TypePtr(type->shared());
  }
  if (!absl::StrContains(name, '.')) {
    TANDEM_ASSIGN_OR_RETURN(TypePtr type, FindType(name));
    if (type != nullptr) return type;
    // Another name of a type: `Vector = List[float]`.
    const auto global = globals_.find(name);
    if (global != globals_.end() && global->second.assignments == 1 &&
        global->second.value != nullptr &&
        IsTypeExpression(*global->second.value)) {
      return TypeParser(&modules_.session(), this, *global->second.tree)
          .Parse(*global->second.value);
    }
  }
  const size_t dot = std::min(name.find('.'), name.size());
  const auto import = imports_.find(name.substr(0, dot));
  if (import == imports_.end()) return TypePtr();
  const std::string full = absl::StrCat(import->second, name.substr(dot));
  if (full != name) {
    if (TypePtr builtin = BuiltinType(full)) return builtin;
  }
  return modules_.QualifiedType(full);
}

absl::StatusOr<Sugared> PythonFile::ResolveMember(const ClassType& type,
                                                  absl::string_view name,
                                                  Value* self,
                                                  FunctionCompiler& f,
                                                  const SourceRange& range) {
  const PythonModules::Origin* origin = modules_.FindOrigin(type);
  if (origin == nullptr) return Sugared();
  const auto function = origin->functions.find(name);
  if (function != origin->functions.end()) {
    const PyObject& attribute = *function->second;
    if (attribute.is(PyObject::Kind::kName)) {
      TANDEM_ASSIGN_OR_RETURN(Sugared value,
                              modules_.Qualified(attribute.name, f, range));
      if (value != nullptr) return value;
    } else if (attribute.def != nullptr && attribute.closure == nullptr &&
               attribute.self == nullptr) {
      return attribute.file->ResolveValue(attribute.def->name.name, f, range);
    } else if (attribute.def != nullptr && attribute.self != nullptr &&
               attribute.self->is_module) {
      return origin->file->FindMember(*origin->cls, type,
                                      attribute.def->name.name, self, f, range);
    }
    return f.Error(range, "Module '", origin->cls->name.name,
                   "' has no attribute '", name,
                   "' (This function exists as an attribute on the Python "
                   "module, but we failed to compile it to a TorchScript "
                   "function. \nThe error stack is reproduced here:\nonly "
                   "functions at the top level of a file are compiled)");
  }
  const auto failed = origin->failed.find(name);
  if (failed != origin->failed.end()) {
    return f.Error(range, "Module '", origin->cls->name.name,
                   "' has no attribute '", name, "' ", failed->second);
  }
  TANDEM_ASSIGN_OR_RETURN(
      Sugared member,
      origin->file->FindMember(*origin->cls, type, name, self, f, range));
  if (member != nullptr || !type.is_module() || self == nullptr) return member;
  if (Sugared method = ModuleMethod(name, origin->kind, self)) return method;
  // `k = 3` in the class, which nobody changes.
  TANDEM_ASSIGN_OR_RETURN(
      const std::vector<ClassRef> bases,
      PythonClass(origin->file, *origin->cls, scratch_).Lineage());
  for (const ClassRef& base : bases) {
    for (const Stmt* stmt : base.cls->body.statements) {
      const auto* assign = stmt->As<AssignStmt>();
      if (assign == nullptr || assign->value == nullptr) continue;
      const auto* target = assign->targets[0]->As<NameExpr>();
      if (target == nullptr || target->name != name ||
          !IsImmutableLiteral(*assign->value)) {
        continue;
      }
      TANDEM_ASSIGN_OR_RETURN(Value * value,
                              f.EmitConstantExpr(*assign->value));
      return Simple(value);
    }
  }
  return Sugared();
}

bool PythonFile::HasMember(const ClassType& type, absl::string_view name) {
  const PythonModules::Origin* origin = modules_.FindOrigin(type);
  if (origin == nullptr) return false;
  if (origin->functions.contains(name)) return true;
  const auto method =
      PythonClass(origin->file, *origin->cls, scratch_).FindMethod(name);
  return method.ok() && method->def != nullptr;
}

absl::StatusOr<Sugared> PythonFile::ResolveContainer(const ClassType& type,
                                                     Value* self,
                                                     FunctionCompiler&,
                                                     const SourceRange&) {
  const PythonModules::Origin* origin = modules_.FindOrigin(type);
  if (origin == nullptr || origin->kind == ModuleKind::kPlain) {
    return Sugared();
  }
  return MakeModuleContainer(origin->kind, self);
}

bool PythonFile::IsFinal(const ClassType& type, absl::string_view name) {
  const PythonModules::Origin* origin = modules_.FindOrigin(type);
  return origin != nullptr &&
         PythonClass(origin->file, *origin->cls, scratch_).IsFinal(name);
}

absl::StatusOr<Sugared> PythonFile::FindMember(const ClassStmt& cls,
                                               const ClassType& type,
                                               absl::string_view name,
                                               Value* self, FunctionCompiler& f,
                                               const SourceRange& range) {
  return PythonClass(this, cls, scratch_)
      .FindMember(type, name, self, f, range);
}

}  // namespace tandem::script
