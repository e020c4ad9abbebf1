#include "tandem/examples/hybrid/script.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/error.h"
#include "tandem/frontends/script/import.h"
#include "tandem/frontends/script/printer.h"
#include "tandem/frontends/script/python.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/print.h"

namespace tandem::examples {

eager::ScriptFunction ScriptFunction(
    const std::shared_ptr<CompilationUnit>& unit, const std::string& source,
    const std::string& name) {
  const auto program = eager::Unwrap(script::PythonProgram::Parse(
      unit.get(), std::make_shared<const Source>(source, name + ".py")));
  return eager::ScriptFunction(unit,
                               eager::Unwrap(program->CompileFunction(name)));
}

Module ScriptModule(const std::shared_ptr<CompilationUnit>& unit,
                    const std::string& source, const std::string& name,
                    std::vector<std::pair<std::string, IValue>> members) {
  const std::vector<IValue> constants;
  script::SourceImporter importer(
      unit.get(), &constants,
      [&](absl::string_view qualifier)
          -> absl::StatusOr<std::shared_ptr<const Source>> {
        if (qualifier != "__torch__") return nullptr;
        return std::make_shared<const Source>(source, name + ".py");
      },
      /*version=*/3);
  const TypePtr type =
      eager::Unwrap(importer.LoadType(absl::StrCat("__torch__.", name)));
  Ref<ModuleObject> object = NewObject(*type->AsClass());
  for (auto& [attribute, value] : members) {
    eager::ThrowIfError(object->SetAttribute(attribute, std::move(value)));
  }
  return Module(unit, std::move(object));
}

std::string Graph(const Function& function) {
  return GraphToString(*function.graph());
}

std::string Code(Function& function) {
  return eager::Unwrap(script::PrintFunction(function));
}

}  // namespace tandem::examples
