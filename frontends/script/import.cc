#include "tandem/frontends/script/import.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/frontends/script/compiler/builtin_functions.h"
#include "tandem/frontends/script/compiler/class_compiler.h"
#include "tandem/frontends/script/compiler/function_compiler.h"
#include "tandem/frontends/script/compiler/type_parser.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

constexpr absl::string_view kCustomClasses = "__torch__.torch.classes.";

std::pair<absl::string_view, absl::string_view> SplitName(
    absl::string_view qualified_name) {
  const size_t dot = qualified_name.rfind('.');
  if (dot == absl::string_view::npos) return {"", qualified_name};
  return {qualified_name.substr(0, dot), qualified_name.substr(dot + 1)};
}

// `ops`: ops.prim.NumToTensor.
class OpsValue : public SugaredValue {
 public:
  std::string kind() const override { return "ops"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange&, FunctionCompiler&,
                                    absl::string_view name) override {
    return Sugared(std::make_shared<BuiltinModule>(std::string(name)));
  }
};

// `CONSTANTS`: CONSTANTS.c0.
class ConstantTable : public SugaredValue {
 public:
  explicit ConstantTable(const std::vector<IValue>* constants)
      : constants_(constants) {}
  std::string kind() const override { return "CONSTANTS"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override {
    int64_t index = 0;
    if (name.size() < 2 || !absl::SimpleAtoi(name.substr(1), &index)) {
      return f.Error(range, "invalid constant specifier: ", name);
    }
    if (index < 0 || static_cast<size_t>(index) >= constants_->size()) {
      return f.Error(range, "constant index ", index,
                     " is out of bounds (constant table has ",
                     constants_->size(), " entries)");
    }
    // What is known of a tensor does not go into types.
    const IValue& constant = (*constants_)[index];
    return Simple(
        f.InsertConstant(constant, range, Unshaped(constant.TypeOf())));
  }

 private:
  const std::vector<IValue>* const constants_;
};

}  // namespace

class SourceImporter::Impl : public Resolver {
 public:
  Impl(CompilationUnit* unit, const std::vector<IValue>* constants,
       SourceLoader loader, int64_t version)
      : unit_(*unit),
        constants_(constants),
        loader_(std::move(loader)),
        builtins_(&unit->operators()) {
    context_.session = &session_;
    context_.resolver = this;
    context_.unit = unit;
    context_.version = version;
    context_.builtins = &builtins_;
  }

  Session& session() { return session_; }

  // Compiles what was found and is not compiled yet.
  absl::Status Finish() {
    while (!pending_.empty()) {
      Function* function = pending_.back();
      pending_.pop_back();
      TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
    }
    return absl::OkStatus();
  }

  // Null if there is none.
  absl::StatusOr<TypePtr> FindType(absl::string_view name) {
    const Session::Level level(&session_);
    if (!level.ok()) {
      return session_.Error(SourceRange(), "nested too deeply");
    }
    if (TypePtr known = unit_.FindType(name)) return known;
    if (absl::StartsWith(name, kCustomClasses)) {
      ClassType* type = unit_.AddClass(std::string(name), /*is_module=*/false);
      type->set_opaque();
      return TypePtr(type->shared());
    }
    TANDEM_ASSIGN_OR_RETURN(const Entry entry, Take(name, StmtKind::kClass));
    if (entry.stmt == nullptr) return TypePtr();
    TANDEM_RETURN_IF_ERROR(
        CompileClass(context_, *entry.tree, std::string(name),
                     *entry.stmt->As<ClassStmt>(), &pending_));
    return unit_.FindType(name);
  }

  absl::StatusOr<Function*> FindFunction(absl::string_view name) {
    TANDEM_ASSIGN_OR_RETURN(const Entry entry, Take(name, StmtKind::kDef));
    if (entry.stmt != nullptr) {
      Function* function = unit_.AddFunction(std::string(name));
      DefineFunction(context_, *entry.tree, function,
                     *entry.stmt->As<DefStmt>(), nullptr);
      pending_.push_back(function);
    }
    return unit_.FindFunction(name);
  }

  absl::StatusOr<Sugared> ResolveValue(absl::string_view name,
                                       FunctionCompiler& f,
                                       const SourceRange& range) override;
  absl::StatusOr<TypePtr> ResolveType(absl::string_view name,
                                      const SourceRange&) override {
    if (SplitName(name).first.empty()) return TypePtr();
    return FindType(name);
  }

  absl::StatusOr<TypePtr> ParseType(absl::string_view annotation) {
    const Expr* expr = nullptr;
    TANDEM_ASSIGN_OR_RETURN(
        std::unique_ptr<SyntaxTree> tree,
        ParseExpression(std::make_shared<Source>(std::string(annotation)),
                        &expr));
    TANDEM_ASSIGN_OR_RETURN(TypePtr type,
                            TypeParser(&session_, this, *tree).Parse(*expr));
    TANDEM_RETURN_IF_ERROR(Finish());
    return type;
  }

 private:
  struct Entry {
    const SyntaxTree* tree = nullptr;
    const Stmt* stmt = nullptr;
  };

  absl::Status ParseIfNeeded(absl::string_view qualifier) {
    if (qualifier.empty() || !parsed_.insert(std::string(qualifier)).second) {
      return absl::OkStatus();
    }
    TANDEM_ASSIGN_OR_RETURN(std::shared_ptr<const Source> source,
                            loader_(qualifier));
    if (source == nullptr) return absl::OkStatus();
    TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<SyntaxTree> tree,
                            ParseFile(std::move(source)));
    for (const Stmt* stmt : tree->statements()) {
      absl::string_view name;
      if (const auto* def = stmt->As<DefStmt>()) name = def->name.name;
      if (const auto* cls = stmt->As<ClassStmt>()) name = cls->name.name;
      if (name.empty()) continue;
      const bool is_new = entries_
                              .emplace(absl::StrCat(qualifier, ".", name),
                                       Entry{tree.get(), stmt})
                              .second;
      if (!is_new) {
        return session_.Error(tree->Range(stmt->span), "'", name,
                              "' is defined twice in the file");
      }
    }
    trees_.push_back(std::move(tree));
    return absl::OkStatus();
  }

  // A definition that was not compiled yet; each is given once.
  absl::StatusOr<Entry> Take(absl::string_view name, StmtKind kind) {
    TANDEM_RETURN_IF_ERROR(ParseIfNeeded(SplitName(name).first));
    const auto found = entries_.find(name);
    if (found == entries_.end() || found->second.stmt->kind != kind) {
      return Entry{};
    }
    const Entry entry = found->second;
    entries_.erase(found);
    return entry;
  }

  CompilationUnit& unit_;
  const std::vector<IValue>* const constants_;
  const SourceLoader loader_;
  Session session_;
  BuiltinFunctions builtins_;
  CompileContext context_;
  std::vector<std::unique_ptr<SyntaxTree>> trees_;
  absl::flat_hash_set<std::string> parsed_;
  absl::flat_hash_map<std::string, Entry> entries_;
  std::vector<Function*> pending_;
};

namespace {

// `__torch__.a.b`: a class, a function, or a longer name's beginning.
class NamespaceValue : public SugaredValue {
 public:
  NamespaceValue(std::string name, SourceImporter::Impl* importer)
      : name_(std::move(name)), importer_(*importer) {}
  std::string kind() const override { return "Class Namespace"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override {
    std::string full = absl::StrCat(name_, ".", name);
    if (full == "__torch__.torch") {
      return Sugared(
          std::make_shared<NamespaceValue>(std::move(full), &importer_));
    }
    TANDEM_ASSIGN_OR_RETURN(TypePtr type, importer_.FindType(full));
    if (type != nullptr) {
      if (AsClass(type) != nullptr) {
        return Sugared(std::make_shared<ClassValue>(AsClass(type)));
      }
      if (Is(type, TypeKind::kTuple)) {
        return Sugared(std::make_shared<NamedTupleConstructor>(type));
      }
      if (type->AsEnum() != nullptr) {
        return Sugared(std::make_shared<EnumClass>(type->AsEnum()));
      }
    }
    TANDEM_ASSIGN_OR_RETURN(Function * function, importer_.FindFunction(full));
    if (function != nullptr) {
      return Sugared(std::make_shared<FunctionValue>(function));
    }
    return Sugared(
        std::make_shared<NamespaceValue>(std::move(full), &importer_));
  }

 private:
  const std::string name_;
  SourceImporter::Impl& importer_;
};

}  // namespace

absl::StatusOr<Sugared> SourceImporter::Impl::ResolveValue(
    absl::string_view name, FunctionCompiler& f, const SourceRange& range) {
  const auto form = [](Form form) {
    return Sugared(std::make_shared<SpecialForm>(form));
  };
  if (name == "torch") {
    return Sugared(std::make_shared<BuiltinModule>("aten"));
  }
  if (name == "ops") return Sugared(std::make_shared<OpsValue>());
  if (name == "CONSTANTS") {
    return Sugared(std::make_shared<ConstantTable>(constants_));
  }
  if (name == "fork") return form(Form::kFork);
  if (name == "awaitable") return form(Form::kAwaitable);
  if (name == "annotate") return form(Form::kAnnotate);
  if (name == "unchecked_cast") return form(Form::kUncheckedCast);
  if (name == "uninitialized") return form(Form::kUninitialized);
  if (name == "__torch__") {
    return Sugared(std::make_shared<NamespaceValue>("__torch__", this));
  }
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto constant = [&](IValue value) {
    return Simple(f.InsertConstant(std::move(value), range));
  };
  if (name == "inf") return constant(inf);
  if (name == "nan") return constant(nan);
  if (name == "infj") return constant(std::complex<double>(0, inf));
  if (name == "nanj") return constant(std::complex<double>(0, nan));
  return Sugared();
}

SourceImporter::SourceImporter(CompilationUnit* unit,
                               const std::vector<IValue>* constants,
                               SourceLoader loader, int64_t version)
    : impl_(std::make_unique<Impl>(unit, constants, std::move(loader),
                                   version)) {}
SourceImporter::~SourceImporter() = default;

absl::StatusOr<TypePtr> SourceImporter::LoadType(
    absl::string_view qualified_name) {
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, impl_->FindType(qualified_name));
  if (type == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("Unknown type name '", qualified_name, "'"));
  }
  TANDEM_RETURN_IF_ERROR(impl_->Finish());
  return type;
}

absl::StatusOr<Function*> SourceImporter::LoadFunction(
    absl::string_view qualified_name) {
  TANDEM_ASSIGN_OR_RETURN(Function * function,
                          impl_->FindFunction(qualified_name));
  if (function == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("Unknown function '", qualified_name, "'"));
  }
  TANDEM_RETURN_IF_ERROR(impl_->Finish());
  return function;
}

absl::StatusOr<TypePtr> SourceImporter::ParseType(
    absl::string_view annotation) {
  return impl_->ParseType(annotation);
}

}  // namespace tandem::script
