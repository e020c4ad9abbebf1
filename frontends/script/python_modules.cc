#include "tandem/frontends/script/python_modules.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
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
    if (name_ == "torch.nn" && !name.empty() && name[0] >= 'A' &&
        name[0] <= 'Z') {
      return f.Error(range, "torch.nn.", name,
                     " is a class that Python makes instances of, and there is "
                     "no Python here: a layer cannot be made by a source file. "
                     "Use torch.nn.functional with tensors, or load the module "
                     "from an archive");
    }
    return f.Error(range, "object has no attribute ", name);
  }

 private:
  const std::string name_;
  PythonModules& modules_;
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
  name = LibraryName(name);
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
    return file->ResolveValue(rest, f, range);
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
