// Functions and modules of a file as objects that can be called and saved.

#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/python_program.h"
#include "tandem/ir/class_type.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::script {
namespace {

// What every module has.
absl::Status AddModuleAttributes(ClassType* type, bool with_hook_flag) {
  ClassType::Attribute training;
  training.name = "training";
  training.type = Type::Bool();
  TANDEM_RETURN_IF_ERROR(type->AddAttribute(std::move(training)));
  if (!with_hook_flag) return absl::OkStatus();
  ClassType::Attribute flag;
  flag.name = "_is_full_backward_hook";
  flag.type = Type::None();
  return type->AddAttribute(std::move(flag));
}

}  // namespace

// A function is saved as the forward of a module, without its defaults.
absl::StatusOr<Ref<ModuleObject>> PythonProgram::Impl::FunctionEntry(
    Function* function) {
  TANDEM_RETURN_IF_ERROR(function->EnsureDefined());
  ClassType* type =
      unit_.AddClass("__torch__.PlaceholderModule", /*is_module=*/true);
  TANDEM_RETURN_IF_ERROR(AddModuleAttributes(type, /*with_hook_flag=*/false));
  FunctionSchema schema = function->schema();
  schema.name = "forward";
  for (Argument& argument : schema.arguments) argument.default_value.reset();
  Argument self;
  self.name = "self";
  self.type = type->shared();
  schema.arguments.insert(schema.arguments.begin(), std::move(self));
  auto graph = std::make_unique<Graph>();
  graph->AddInput("self", type->shared());
  std::vector<Value*> arguments;
  for (const Value* input : function->graph()->inputs()) {
    Value* copy = graph->AddInput("", input->type());
    if (input->has_name()) copy->SetName(input->name());
    arguments.push_back(copy);
  }
  for (Value* output : graph->Inline(*function->graph(), arguments,
                                     graph->return_node())) {
    graph->AddOutput(output);
  }
  Function* forward = unit_.AddMethod(type, "forward");
  forward->set_schema(std::move(schema));
  forward->set_graph(std::move(graph));
  type->AddMethod(forward);
  Ref<ModuleObject> object = NewObject(*type);
  TANDEM_RETURN_IF_ERROR(object->SetAttribute("training", IValue(true)));
  return object;
}

absl::StatusOr<Ref<ModuleObject>> PythonProgram::Impl::ModuleEntry(
    absl::string_view name, const ClassStmt& cls) {
  TANDEM_ASSIGN_OR_RETURN(TypePtr type, FindType(name));
  Ref<ModuleObject> object = NewObject(*AsClass(type));
  return object;
}

absl::StatusOr<Ref<ModuleObject>> PythonProgram::Impl::CompileEntry(
    absl::string_view name) {
  const auto found = definitions_.find(name);
  if (found == definitions_.end()) {
    return absl::NotFoundError(
        absl::StrCat("the file defines no function or module '", name, "'"));
  }
  if (!found->second.status.ok()) return found->second.status;
  if (const auto* cls = found->second.stmt->As<ClassStmt>()) {
    if (!IsModuleClass(*cls)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", name, "' is a class, but no torch.nn.Module: it can be used by "
          "the functions of the file, not called by itself"));
    }
    return ModuleEntry(name, *cls);
  }
  TANDEM_ASSIGN_OR_RETURN(Function * function, FindFunction(name));
  return FunctionEntry(function);
}

}  // namespace tandem::script
