#include "tandem/frontends/script/python.h"

#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/python_entry.h"
#include "tandem/frontends/script/python_modules.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

constexpr size_t kMaxSourceBytes = size_t{1} << 30;

// The parser needs the last line's end.
std::shared_ptr<const Source> WithLastLine(
    std::shared_ptr<const Source> source) {
  if (source->size() == 0 || source->text()[source->size() - 1] == '\n') {
    return source;
  }
  return std::make_shared<Source>(absl::StrCat(source->text(), "\n"),
                                  source->name(), source->first_line());
}

}  // namespace

class PythonProgram::Impl : public PythonModules {
 public:
  using PythonModules::PythonModules;
};

PythonProgram::PythonProgram(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}
PythonProgram::~PythonProgram() = default;

absl::StatusOr<std::unique_ptr<PythonProgram>> PythonProgram::Parse(
    CompilationUnit* unit, std::shared_ptr<const Source> source) {
  return std::unique_ptr<PythonProgram>(new PythonProgram(
      std::make_unique<Impl>(unit, WithLastLine(std::move(source)))));
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

absl::StatusOr<Ref<ModuleObject>> PythonProgram::CompileEntry(
    absl::string_view name, const RunFunction& run) {
  TANDEM_ASSIGN_OR_RETURN(Ref<ModuleObject> object,
                          CompilePythonEntry(impl_.get(), name, run));
  TANDEM_RETURN_IF_ERROR(impl_->Finish());
  return object;
}

absl::Status PythonProgram::CompileAll() {
  for (const std::string& name : impl_->main().names()) {
    TANDEM_ASSIGN_OR_RETURN(Function * function,
                            impl_->main().FindFunction(name));
    if (function == nullptr) {
      TANDEM_RETURN_IF_ERROR(impl_->main().FindType(name).status());
    }
    TANDEM_RETURN_IF_ERROR(impl_->Finish());
  }
  return absl::OkStatus();
}

std::vector<std::string> PythonProgram::names() const {
  return impl_->main().names();
}

std::vector<std::string> PythonProgram::function_names() const {
  return impl_->main().function_names();
}

absl::Status DefineMethods(CompilationUnit* unit, ClassType* type,
                           std::shared_ptr<const Source> source) {
  PythonModules modules(unit, WithLastLine(std::move(source)));
  modules.main().ImportUsualNames();
  TANDEM_RETURN_IF_ERROR(modules.main().AddMethods(type));
  unit->writes_marked = false;
  return modules.Finish();
}

absl::StatusOr<std::shared_ptr<const Source>> ReadSource(
    const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return absl::NotFoundError(absl::StrCat("cannot open '", path, "'"));
  std::string text((std::istreambuf_iterator<char>(in)),
                   std::istreambuf_iterator<char>());
  if (text.size() > kMaxSourceBytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat("'", path, "' is too large for a source file"));
  }
  return std::make_shared<const Source>(std::move(text), path);
}

}  // namespace tandem::script
