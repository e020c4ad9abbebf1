#include "tandem/frontends/script/python_entry.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/python_class.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// A function is saved as the forward of a module, without its defaults.
absl::StatusOr<Ref<ModuleObject>> FunctionEntry(CompilationUnit& unit,
                                                Function* function) {
  TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  ClassType* type =
      unit.AddClass("__torch__.PlaceholderModule", /*is_module=*/true);
  ClassType::Attribute training;
  training.name = "training";
  training.type = Type::Bool();
  TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(training)));
  FunctionSchema schema = function->schema();
  schema.name = "forward";
  for (Argument& argument : schema.arguments) {
    argument.default_value.reset();
    argument.kwarg_only = false;
  }
  Argument self;
  self.name = "self";
  self.type = type->shared();
  schema.arguments.insert(schema.arguments.begin(), std::move(self));
  auto graph = std::make_unique<Graph>();
  graph->AddInput("self", type->shared());
  std::vector<Value*> arguments;
  for (const Value* input : function->graph()->inputs()) {
    Value* copy = graph->AddInput("", input->type());
    if (input->has_name()) copy->SetName(input->base_name());
    arguments.push_back(copy);
  }
  for (Value* output :
       graph->Inline(*function->graph(), arguments, graph->return_node())) {
    graph->AddOutput(output);
  }
  Function* forward = unit.AddMethod(type, "forward");
  forward->set_schema(std::move(schema));
  forward->set_graph(std::move(graph));
  type->AddMethod(forward);
  Ref<ModuleObject> object = NewObject(*type);
  TANDEM_RETURN_IF_ERROR(object->SetAttribute("training", IValue(true)));
  return object;
}

absl::StatusOr<PythonProgram::Entry> ModuleEntry(PythonModules& modules,
                                                 absl::string_view name,
                                                 const ClassStmt& cls) {
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, modules.main().FindType(name));
  if (type == nullptr || AsClass(type) == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", name, "' is no module"));
  }
  const ClassType& module = *AsClass(type);
  PythonClass python(&modules.main(), cls, modules.main().tree(name));
  PythonProgram::Entry entry;
  TANDEM_ASSIGN_OR_RETURN(entry.init, python.CompileInit(module));
  TANDEM_ASSIGN_OR_RETURN(std::vector<std::string> methods,
                          python.EntryMethods());
  for (const std::string& method : methods) {
    TANDEM_ASSIGN_OR_RETURN(const DefStmt* def, python.FindMethod(method));
    if (def == nullptr) continue;
    TANDEM_ASSIGN_OR_RETURN(Function * function,
                            python.AddModuleMethod(module, *def));
    TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  }
  entry.object = NewObject(module);
  TANDEM_RETURN_IF_ERROR(entry.object->SetAttribute("training", IValue(true)));
  return entry;
}

}  // namespace

absl::StatusOr<PythonProgram::Entry> CompilePythonEntry(
    PythonModules* modules, absl::string_view name) {
  PythonFile& file = modules->main();
  TANDEM_ASSIGN_OR_RETURN(const ClassStmt* cls, file.FindClass(name));
  if (cls != nullptr) {
    if (!file.IsModule(*cls)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", name,
          "' is a class, but no torch.nn.Module: functions of the file can use "
          "it, it cannot be called by itself"));
    }
    return ModuleEntry(*modules, name, *cls);
  }
  TANDEM_ASSIGN_OR_RETURN(Function * function, file.FindFunction(name));
  if (function == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("the file defines no function or module '", name, "'"));
  }
  PythonProgram::Entry entry;
  TANDEM_ASSIGN_OR_RETURN(entry.object,
                          FunctionEntry(modules->unit(), function));
  return entry;
}

}  // namespace tandem::script
