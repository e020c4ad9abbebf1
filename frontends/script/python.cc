#include "tandem/frontends/script/python.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/python_entry.h"
#include "tandem/frontends/script/python_modules.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {

class PythonProgram::Impl : public PythonModules {
 public:
  using PythonModules::PythonModules;
};

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
  TANDEM_ASSIGN_OR_RETURN(Function * function,
                          impl_->main().FindFunction(name));
  if (function == nullptr) {
    return absl::NotFoundError(absl::StrCat("no function ", name));
  }
  TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  TANDEM_RETURN_IF_ERROR(impl_->Finish());
  return function;
}

absl::StatusOr<TypePtr> PythonProgram::CompileType(absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, impl_->main().FindType(name));
  if (type == nullptr) {
    return absl::NotFoundError(absl::StrCat("no class ", name));
  }
  TANDEM_RETURN_IF_ERROR(impl_->Finish());
  return type;
}

absl::StatusOr<PythonProgram::Entry> PythonProgram::CompileEntry(
    absl::string_view name) {
  TANDEM_ASSIGN_OR_RETURN(Entry entry, CompilePythonEntry(impl_.get(), name));
  TANDEM_RETURN_IF_ERROR(impl_->Finish());
  return entry;
}

std::vector<std::string> PythonProgram::names() const {
  return impl_->main().names();
}

std::vector<std::string> PythonProgram::function_names() const {
  return impl_->main().function_names();
}

}  // namespace tandem::script
