#include "tandem/frontends/script/python.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/script/compiler/builtin_functions.h"
#include "tandem/frontends/script/compiler/class_compiler.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/functional_source.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

constexpr absl::string_view kFunctional = "torch.nn.functional.";

// A module of Python's or PyTorch's, by its real name.
class ModuleName : public SugaredValue {
 public:
  ModuleName(std::string name, PythonProgram::Impl* program)
      : name_(std::move(name)), program_(*program) {}
  std::string kind() const override { return "module"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override;

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

// A global variable: Python has a value, which is not looked at.
class GlobalVariable : public SugaredValue {
 public:
  explicit GlobalVariable(std::string type) : type_(std::move(type)) {}
  std::string kind() const override {
    return absl::StrCat("python value of type '", type_, "'");
  }
  absl::StatusOr<Value*> AsValue(const SourceRange& range,
                                 FunctionCompiler& f) override {
    return f.Error(range, kind(),
                   " cannot be used as a value. Perhaps it is a closed over "
                   "global variable? If so, please consider passing it in as "
                   "an argument or use a local variable instead.");
  }

 private:
  const std::string type_;
};

}  // namespace

class PythonProgram::Impl : public Resolver {
 public:
  Impl(CompilationUnit* unit, std::shared_ptr<const Source> source)
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

  const std::vector<std::string>& function_names() const {
    return function_names_;
  }

  void Add(const SyntaxTree& tree, const Stmt* stmt) {
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
        AddGlobal(*target, PythonTypeOf(assign->value));
      }
    }
  }

  absl::StatusOr<Function*> FindFunction(absl::string_view name) {
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

  // A function of torch.nn.functional.
  absl::StatusOr<Function*> FindFunctional(absl::string_view name) {
    if (functional_tree_ == nullptr) {
      TANDEM_ASSIGN_OR_RETURN(
          functional_tree_,
          ParseFile(std::make_shared<Source>(std::string(FunctionalSource()),
                                             "torch/nn/functional.py"),
                    Dialect::kPython));
    }
    const std::string qualified = absl::StrCat("__torch__.", kFunctional, name);
    if (Function* known = unit_.FindFunction(qualified)) return known;
    for (const Stmt* stmt : functional_tree_->statements()) {
      const auto* def = stmt->As<DefStmt>();
      if (def == nullptr || def->name.name != name) continue;
      Function* function = unit_.AddFunction(qualified);
      DefineFunction(functional_context_(), *functional_tree_, function, *def,
                     nullptr);
      return function;
    }
    return nullptr;
  }

  absl::StatusOr<TypePtr> FindType(absl::string_view name) {
    const std::string qualified = absl::StrCat("__torch__.", name);
    if (TypePtr known = unit_.FindType(qualified)) return known;
    const auto found = definitions_.find(name);
    if (found == definitions_.end()) return TypePtr();
    if (!found->second.status.ok()) return found->second.status;
    const auto* cls = found->second.stmt->As<ClassStmt>();
    if (cls == nullptr) return TypePtr();
    std::vector<Function*> functions;
    TANDEM_RETURN_IF_ERROR(CompileClass(context_, *found->second.tree,
                                        qualified, *cls, &functions));
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

  absl::Status Finish() {
    while (!pending_.empty()) {
      Function* function = pending_.back();
      pending_.pop_back();
      TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
    }
    return absl::OkStatus();
  }

  // The value of a name in a module ("torch.nn.functional.relu").
  absl::StatusOr<Sugared> Qualified(const std::string& name,
                                    FunctionCompiler& f,
                                    const SourceRange& range) {
    TANDEM_ASSIGN_OR_RETURN(Sugared value, PythonName(name, f, range));
    if (value != nullptr) return value;
    absl::string_view functional = name;
    if (absl::ConsumePrefix(&functional, kFunctional)) {
      TANDEM_ASSIGN_OR_RETURN(Function * function, FindFunctional(functional));
      if (function != nullptr) {
        return Sugared(std::make_shared<FunctionValue>(function));
      }
    }
    if (IsPythonModule(name)) {
      return Sugared(std::make_shared<ModuleName>(name, this));
    }
    return Sugared();
  }

  absl::StatusOr<Sugared> ResolveValue(absl::string_view name,
                                       FunctionCompiler& f,
                                       const SourceRange& range) override {
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
    if (import != imports_.end()) {
      return Qualified(import->second, f, range);
    }
    if (Sugared exception = PythonException(name)) return exception;
    if (const auto global = globals_.find(name); global != globals_.end()) {
      return Sugared(std::make_shared<GlobalVariable>(global->second));
    }
    return Sugared();
  }

  absl::StatusOr<TypePtr> ResolveType(absl::string_view name,
                                      const SourceRange& range) override {
    if (absl::StartsWith(name, "__torch__.torch.classes.")) {
      if (TypePtr known = unit_.FindType(name)) return known;
      ClassType* type = unit_.AddClass(std::string(name), /*is_module=*/false);
      type->set_opaque();
      return TypePtr(type->shared());
    }
    if (absl::StrContains(name, '.')) return TypePtr();
    return FindType(name);
  }

 private:
  // Inside torch.nn.functional the names are its own.
  class FunctionalResolver : public Resolver {
   public:
    explicit FunctionalResolver(Impl* program) : program_(*program) {}
    absl::StatusOr<Sugared> ResolveValue(absl::string_view name,
                                         FunctionCompiler& f,
                                         const SourceRange& range) override {
      if (name == "torch") {
        return Sugared(std::make_shared<ModuleName>("torch", &program_));
      }
      if (name == "annotate") {
        return Sugared(std::make_shared<SpecialForm>(Form::kAnnotate));
      }
      if (Sugared exception = PythonException(name)) return exception;
      return program_.Qualified(absl::StrCat(kFunctional, name), f, range);
    }
    absl::StatusOr<TypePtr> ResolveType(absl::string_view,
                                        const SourceRange&) override {
      return TypePtr();
    }

   private:
    Impl& program_;
  };
  CompileContext functional_context_() {
    CompileContext context = context_;
    context.resolver = &functional_resolver_;
    return context;
  }

  struct Definition {
    const SyntaxTree* tree = nullptr;
    const Stmt* stmt = nullptr;
    absl::Status status;  // why it cannot be had
  };

  void AddGlobal(const Expr& target, const char* type) {
    if (const auto* name = target.As<NameExpr>()) {
      globals_[std::string(name->name)] = type;
    } else if (const auto* tuple = target.As<TupleExpr>()) {
      for (const Expr* element : tuple->elements) {
        AddGlobal(*element, "object");
      }
    }
  }

  CompilationUnit& unit_;
  Session session_;
  BuiltinFunctions builtins_;
  CompileContext context_;
  FunctionalResolver functional_resolver_{this};
  std::vector<std::unique_ptr<SyntaxTree>> trees_;
  std::unique_ptr<SyntaxTree> functional_tree_;
  absl::flat_hash_map<std::string, Definition> definitions_;
  absl::flat_hash_map<std::string, std::string> imports_;
  absl::flat_hash_map<std::string, std::string> globals_;  // name to type
  absl::flat_hash_map<std::string, Function*> functions_;
  std::vector<std::string> function_names_;
  std::vector<Function*> pending_;
};

namespace {

absl::StatusOr<Sugared> ModuleName::Attribute(const SourceRange& range,
                                              FunctionCompiler& f,
                                              absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(
      Sugared value,
      program_.Qualified(absl::StrCat(name_, ".", name), f, range));
  if (value != nullptr) return value;
  return f.Error(range, "object has no attribute ", name);
}

}  // namespace

PythonProgram::PythonProgram(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
PythonProgram::~PythonProgram() = default;

absl::StatusOr<std::unique_ptr<PythonProgram>> PythonProgram::Parse(
    CompilationUnit* unit, std::shared_ptr<const Source> source) {
  if (source->size() > 0 && source->text()[source->size() - 1] != '\n') {
    source = std::make_shared<Source>(absl::StrCat(source->text(), "\n"),
                                      source->name(), source->first_line());
  }
  return std::unique_ptr<PythonProgram>(
      new PythonProgram(std::make_unique<Impl>(unit, std::move(source))));
}

absl::StatusOr<Function*> PythonProgram::CompileFunction(
    absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(Function * function, impl_->FindFunction(name));
  if (function == nullptr) {
    return absl::NotFoundError(absl::StrCat("no function ", name));
  }
  TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  TANDEM_RETURN_IF_ERROR(impl_->Finish());
  return function;
}

absl::StatusOr<TypePtr> PythonProgram::CompileType(absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, impl_->FindType(name));
  if (type == nullptr) {
    return absl::NotFoundError(absl::StrCat("no class ", name));
  }
  TANDEM_RETURN_IF_ERROR(impl_->Finish());
  return type;
}

std::vector<std::string> PythonProgram::function_names() const {
  return impl_->function_names();
}

}  // namespace tandem::script
