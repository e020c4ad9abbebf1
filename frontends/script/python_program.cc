#include "tandem/frontends/script/python_program.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/script/compiler/class_compiler.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

constexpr absl::string_view kFunctional = "torch.nn.functional.";

class ModuleName : public SugaredValue {
 public:
  ModuleName(std::string name, PythonProgram::Impl* program)
      : name_(std::move(name)), program_(*program) {}
  std::string kind() const override { return "module"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override {
    TANDEM_ASSIGN_OR_RETURN(
        Sugared value,
        program_.Qualified(absl::StrCat(name_, ".", name), f, range));
    if (value != nullptr) return value;
    return f.Error(range, "object has no attribute ", name);
  }

 private:
  const std::string name_;
  PythonProgram::Impl& program_;
};

// The name of the type that Python gives a literal, "object" if it is none.
const char* PythonTypeOf(const Expr* value) {
  if (value == nullptr) return "object";
  if (const auto* unary = value->As<UnaryExpr>()) value = unary->operand;
  switch (value->kind) {
    case ExprKind::kNumber: {
      const absl::string_view text = value->As<NumberExpr>()->text;
      if (absl::EndsWithIgnoreCase(text, "j")) return "complex";
      return text.find_first_of(".eE") == absl::string_view::npos ||
                     absl::StartsWith(text, "0x")
                 ? "int"
                 : "float";
    }
    case ExprKind::kString:
      return "str";
    case ExprKind::kTrue:
    case ExprKind::kFalse:
      return "bool";
    case ExprKind::kNone:
      return "NoneType";
    case ExprKind::kList:
    case ExprKind::kListComprehension:
      return "list";
    case ExprKind::kTuple:
      return "tuple";
    case ExprKind::kDict:
    case ExprKind::kDictComprehension:
      return "dict";
    default:
      return "object";
  }
}

}  // namespace

Sugared MakeModuleName(std::string name, PythonProgram::Impl* program) {
  return std::make_shared<ModuleName>(std::move(name), program);
}

PythonProgram::Impl::Impl(CompilationUnit* unit,
                          std::shared_ptr<const Source> source)
    : unit_(*unit), builtins_(&unit->operators()) {
  context_.session = &session_;
  context_.resolver = this;
  context_.unit = unit;
  context_.builtins = &builtins_;
  for (const PythonPart& part : SplitPython(*source)) {
    auto tree = ParsePythonPart(source, part);
    if (!tree.ok()) {
      // An error only for who asks for it.
      if (!part.name.empty()) definitions_[part.name].status = tree.status();
      continue;
    }
    for (const Stmt* stmt : (*tree)->statements()) Add(**tree, stmt);
    trees_.push_back(*std::move(tree));
  }
}

void PythonProgram::Impl::Add(const SyntaxTree& tree, const Stmt* stmt) {
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
  }
}

void PythonProgram::Impl::AddGlobal(const SyntaxTree& tree, const Expr& target,
                                    const Expr* value) {
  if (const auto* name = target.As<NameExpr>()) {
    Global& global = globals_[std::string(name->name)];
    global.tree = &tree;
    global.value = value;
    global.type = PythonTypeOf(value);
    ++global.assignments;
  } else if (const auto* tuple = target.As<TupleExpr>()) {
    const auto* values =
        value == nullptr ? nullptr : value->As<TupleExpr>();
    const bool pairs =
        values != nullptr && values->elements.size() == tuple->elements.size();
    for (size_t i = 0; i < tuple->elements.size(); ++i) {
      AddGlobal(tree, *tuple->elements[i],
                pairs ? values->elements[i] : nullptr);
    }
  }
}

absl::StatusOr<Function*> PythonProgram::Impl::FindFunction(
    absl::string_view name) {
  const auto known = functions_.find(name);
  if (known != functions_.end()) return known->second;
  const auto found = definitions_.find(name);
  if (found == definitions_.end()) return nullptr;
  if (!found->second.status.ok()) return found->second.status;
  const auto* def = found->second.stmt->As<DefStmt>();
  if (def == nullptr) return nullptr;
  Function* function = unit_.AddFunction(absl::StrCat("__torch__.", name));
  functions_[std::string(name)] = function;
  DefineFunction(context_, *found->second.tree, function, *def, nullptr);
  return function;
}

absl::StatusOr<TypePtr> PythonProgram::Impl::FindType(absl::string_view name) {
  const std::string qualified = absl::StrCat("__torch__.", name);
  if (TypePtr known = unit_.FindType(qualified)) return known;
  const auto found = definitions_.find(name);
  if (found == definitions_.end()) return TypePtr();
  if (!found->second.status.ok()) return found->second.status;
  const auto* cls = found->second.stmt->As<ClassStmt>();
  if (cls == nullptr) return TypePtr();
  std::vector<Function*> functions;
  TANDEM_RETURN_IF_ERROR(CompileClass(context_, *found->second.tree, qualified,
                                      *cls, &functions));
  TypePtr type = unit_.FindType(qualified);
  // __init__ says what attributes there are.
  for (Function* function : functions) {
    if (function->name() == "__init__") {
      TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
    }
    pending_.push_back(function);
  }
  return type;
}

absl::StatusOr<Function*> PythonProgram::Impl::ResolveMethod(
    const ClassType& type, absl::string_view name) {
  return nullptr;
}

absl::Status PythonProgram::Impl::Finish() {
  while (!pending_.empty()) {
    Function* function = pending_.back();
    pending_.pop_back();
    TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  }
  return absl::OkStatus();
}

absl::StatusOr<Sugared> PythonProgram::Impl::Qualified(
    const std::string& name, FunctionCompiler& f, const SourceRange& range) {
  TANDEM_ASSIGN_OR_RETURN(Sugared value, PythonName(name, f, range));
  if (value != nullptr) return value;
  absl::string_view functional = name;
  if (absl::ConsumePrefix(&functional, kFunctional)) {
    TANDEM_ASSIGN_OR_RETURN(Function * function, FindFunctional(functional));
    if (function != nullptr) {
      return Sugared(std::make_shared<FunctionValue>(function));
    }
  }
  if (IsPythonModule(name)) return MakeModuleName(name, this);
  return Sugared();
}

absl::StatusOr<Sugared> PythonProgram::Impl::GlobalValue(
    const Global& global, FunctionCompiler& f, const SourceRange& range) {
  return f.Error(range, "python value of type '", global.type,
                 "' cannot be used as a value. Perhaps it is a closed over "
                 "global variable? If so, please consider passing it in as "
                 "an argument or use a local variable instead.");
}

absl::StatusOr<Sugared> PythonProgram::Impl::ResolveValue(
    absl::string_view name, FunctionCompiler& f, const SourceRange& range) {
  TANDEM_ASSIGN_OR_RETURN(Function * function, FindFunction(name));
  if (function != nullptr) {
    return Sugared(std::make_shared<FunctionValue>(function));
  }
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, FindType(name));
  if (type != nullptr) {
    if (type->AsEnum() != nullptr) {
      return Sugared(std::make_shared<EnumClass>(type->AsEnum()));
    }
    if (AsClass(type) != nullptr) {
      return Sugared(std::make_shared<ClassValue>(AsClass(type)));
    }
  }
  const auto import = imports_.find(name);
  if (import != imports_.end()) return Qualified(import->second, f, range);
  if (Sugared exception = PythonException(name)) return exception;
  if (const auto global = globals_.find(name); global != globals_.end()) {
    return GlobalValue(global->second, f, range);
  }
  return Sugared();
}

absl::StatusOr<TypePtr> PythonProgram::Impl::ResolveType(
    absl::string_view name, const SourceRange& range) {
  if (absl::StartsWith(name, "__torch__.torch.classes.")) {
    if (TypePtr known = unit_.FindType(name)) return known;
    ClassType* type = unit_.AddClass(std::string(name), /*is_module=*/false);
    type->set_opaque();
    return TypePtr(type->shared());
  }
  if (absl::StrContains(name, '.')) return TypePtr();
  return FindType(name);
}

std::string PythonProgram::Impl::QualifiedName(const Expr& expr) const {
  std::string name = DottedName(expr).value_or("");
  const std::string first = name.substr(0, name.find('.'));
  const auto import = imports_.find(first);
  if (import == imports_.end()) return name;
  return absl::StrCat(import->second, name.substr(first.size()));
}

bool PythonProgram::Impl::IsModuleClass(const ClassStmt& cls) const {
  return !cls.bases.empty() &&
         (QualifiedName(*cls.bases[0]) == "torch.nn.Module" ||
          QualifiedName(*cls.bases[0]) == "torch.nn.modules.module.Module");
}

}  // namespace tandem::script
