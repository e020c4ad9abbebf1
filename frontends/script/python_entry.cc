#include "tandem/frontends/script/python_entry.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tandem/frontends/script/parser.h"
#include "tandem/frontends/script/python_interpreter.h"
#include "tandem/frontends/script/python_module.h"
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

// A call that gives a module, or a class that is one, without arguments.
absl::StatusOr<Ref<ModuleObject>> ModuleEntry(PythonModules* modules,
                                              absl::string_view text,
                                              const RunFunction& run) {
  const auto source =
      std::make_shared<Source>(absl::StrCat(text, "\n"), "entry");
  const Expr* expr = nullptr;
  TANDEM_ASSIGN_OR_RETURN(const std::unique_ptr<SyntaxTree> tree,
                          ParseExpression(source, &expr, Dialect::kPython));
  PythonInterpreter interpreter(modules, &run);
  TANDEM_ASSIGN_OR_RETURN(
      Py made, interpreter.EvaluateIn(&modules->main(), *tree, *expr));
  if (made->is(PyObject::Kind::kClass)) {
    TANDEM_ASSIGN_OR_RETURN(
        made, interpreter.Call(made, {}, tree->Range(expr->span)));
  }
  if (!made->is(PyObject::Kind::kInstance) || !made->is_module) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' gives no torch.nn.Module, but a value of ",
                     "type '", PyTypeName(*made), "'"));
  }
  return ModuleCompiler(modules, &interpreter).Compile(made);
}

}  // namespace

absl::StatusOr<Ref<ModuleObject>> CompilePythonEntry(PythonModules* modules,
                                                     absl::string_view name,
                                                     const RunFunction& run) {
  PythonFile& file = modules->main();
  const bool is_name = std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(c) || c == '_' || (c & 0x80) != 0;
  });
  if (!is_name) return ModuleEntry(modules, name, run);
  TANDEM_ASSIGN_OR_RETURN(const ClassStmt* cls, file.FindClass(name));
  if (cls != nullptr) {
    if (!file.IsModule(*cls)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "'", name,
          "' is a class, but no torch.nn.Module: functions of the file can use "
          "it, it cannot be called by itself"));
    }
    return ModuleEntry(modules, name, run);
  }
  TANDEM_ASSIGN_OR_RETURN(Function * function, file.FindFunction(name));
  if (function == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("the file defines no function or module '", name, "'"));
  }
  return FunctionEntry(modules->unit(), function);
}

}  // namespace tandem::script
