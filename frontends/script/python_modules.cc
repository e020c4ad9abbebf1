#include "tandem/frontends/script/python_modules.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tandem/frontends/script/compiler/constant_evaluator.h"
#include "tandem/frontends/script/compiler/python_names.h"
#include "tandem/frontends/script/python_library.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// A module of Python's or PyTorch's, by its real name.
class ModuleName : public SugaredValue {
 public:
  ModuleName(std::string name, PythonModules* modules)
      : name_(std::move(name)), modules_(*modules) {}
  std::string kind() const override { return "module"; }
  absl::StatusOr<Sugared> Attribute(const SourceRange& range,
                                    FunctionCompiler& f,
                                    absl::string_view name) override {
    TANDEM_ASSIGN_OR_RETURN(
        Sugared value,
        modules_.Qualified(absl::StrCat(name_, ".", name), f, range));
    if (value != nullptr) return value;
    return f.Error(range, "object has no attribute ", name);
  }

 private:
  const std::string name_;
  PythonModules& modules_;
};

// What gives a tensor, or the tensor and indices where `return_indices` is
// True: a constant says which function is meant.
class PoolingFunction : public SugaredValue {
 public:
  PoolingFunction(Sugared plain, Sugared with_indices, size_t at)
      : plain_(std::move(plain)),
        with_indices_(std::move(with_indices)),
        at_(at) {}
  std::string kind() const override { return "function"; }
  absl::StatusOr<Sugared> Call(const SourceRange& range, FunctionCompiler& f,
                               Arguments args, Arguments kwargs) override {
    Value* flag = args.size() > at_ ? f.ValueOf(args[at_]) : nullptr;
    for (const NamedValue& argument : kwargs) {
      if (argument.name == "return_indices") flag = f.ValueOf(argument);
    }
    bool indices = false;
    if (flag != nullptr) {
      const std::optional<IValue> constant = EvaluateValue(flag);
      if (!constant.has_value() || !constant->is_bool()) {
        return f.Error(range,
                       "value for boolean argument 'return_indices' must be a "
                       "constant");
      }
      indices = constant->AsBool();
    }
    return (indices ? with_indices_ : plain_)->Call(range, f, args, kwargs);
  }

 private:
  const Sugared plain_;
  const Sugared with_indices_;
  const size_t at_;
};

}  // namespace

PythonModules::PythonModules(CompilationUnit* unit,
                             std::shared_ptr<const Source> source)
    : unit_(*unit), builtins_(&unit->operators()) {
  context_.session = &session_;
  context_.unit = unit;
  context_.builtins = &builtins_;
  main_ = std::make_unique<PythonFile>(this, "", std::move(source));
}

PythonFile* PythonModules::FindLibrary(absl::string_view name,
                                       std::string* rest) {
  const std::string full = LibraryName(name);
  name = full;
  const size_t dot = name.rfind('.');
  if (dot == absl::string_view::npos) return nullptr;
  *rest = std::string(name.substr(dot + 1));
  const std::string module(name.substr(0, dot));
  std::unique_ptr<PythonFile>& file = libraries_[module];
  if (file == nullptr) {
    const absl::string_view source = LibrarySource(module);
    if (source.empty()) return nullptr;
    file = std::make_unique<PythonFile>(
        this, module,
        std::make_shared<Source>(
            std::string(source),
            absl::StrCat(absl::StrReplaceAll(module, {{".", "/"}}), ".py")));
  }
  return file->Defines(*rest) ? file.get() : nullptr;
}

absl::StatusOr<Sugared> PythonModules::Qualified(const std::string& name,
                                                 FunctionCompiler& f,
                                                 const SourceRange& range) {
  std::string rest;
  if (PythonFile* file = FindLibrary(name, &rest)) {
    TANDEM_ASSIGN_OR_RETURN(Sugared value, file->ResolveValue(rest, f, range));
    if (!absl::StrContains(rest, "max_pool")) return value;
    const std::string other = absl::StrCat(rest, "_with_indices");
    if (!file->Defines(other)) return value;
    TANDEM_ASSIGN_OR_RETURN(Sugared with_indices,
                            file->ResolveValue(other, f, range));
    const size_t at = absl::StartsWith(rest, "adaptive")     ? 2
                      : absl::StartsWith(rest, "fractional") ? 4
                                                             : 6;
    return Sugared(std::make_shared<PoolingFunction>(
        std::move(value), std::move(with_indices), at));
  }
  TANDEM_ASSIGN_OR_RETURN(Sugared value, PythonName(name, f, range));
  if (value != nullptr) return value;
  if (IsPythonModule(name)) {
    return Sugared(std::make_shared<ModuleName>(name, this));
  }
  return Sugared();
}

absl::StatusOr<TypePtr> PythonModules::QualifiedType(const std::string& name) {
  std::string rest;
  PythonFile* file = FindLibrary(name, &rest);
  if (file == nullptr) return TypePtr();
  return file->FindType(rest);
}

const PythonModules::Origin* PythonModules::FindOrigin(
    const ClassType& type) const {
  const auto found = origins_.find(&type);
  return found == origins_.end() ? nullptr : &found->second;
}

absl::Status PythonModules::Finish() {
  while (!pending_.empty()) {
    Function* function = pending_.back();
    pending_.pop_back();
    TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  }
  return absl::OkStatus();
}

}  // namespace tandem::script
