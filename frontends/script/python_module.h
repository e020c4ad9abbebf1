// Modules that were made, compiled; not for use outside of this folder.
#ifndef TANDEM_FRONTENDS_SCRIPT_PYTHON_MODULE_H_
#define TANDEM_FRONTENDS_SCRIPT_PYTHON_MODULE_H_

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "tandem/frontends/script/compiler/sugared_value.h"
#include "tandem/frontends/script/python_interpreter.h"
#include "tandem/frontends/script/python_modules.h"
#include "tandem/frontends/script/python_object.h"

namespace tandem::script {

// What torch.jit.script does with an instance: its attributes' types and its
// submodules' make a class type, which instances that agree share; then the
// methods are compiled for that type.
class ModuleCompiler {
 public:
  ModuleCompiler(PythonModules* modules, PythonInterpreter* interpreter)
      : modules_(*modules), interpreter_(*interpreter) {}

  absl::StatusOr<Ref<ModuleObject>> Compile(const Py& module);

 private:
  absl::StatusOr<ClassType*> TypeOf(const Py& module);
  absl::StatusOr<Ref<ModuleObject>> MakeObject(const Py& module);
  absl::Status CompileMethods(ClassType* type, const Py& module);
  // The type that the class annotates an attribute with, or __init__ does where
  // nothing can be inferred; null if there is none.
  absl::StatusOr<TypePtr> AnnotatedType(const Py& module,
                                        const std::string& name, bool in_init);
  absl::StatusOr<std::vector<std::string>> ConstantNames(const Py& module);
  // The value as one of a type; error if it is none.
  absl::StatusOr<IValue> Convert(const Py& value, const TypePtr& type);
  // The value with the type that it has by itself.
  absl::StatusOr<std::pair<IValue, TypePtr>> Infer(const Py& value);
  // An instance of a class that is no module.
  absl::StatusOr<IValue> MakeInstance(const Py& value);

  PythonModules& modules_;
  PythonInterpreter& interpreter_;
  absl::flat_hash_map<std::string, ClassType*> types_;  // by all that counts
  absl::flat_hash_map<const PyObject*, ClassType*> known_;
  absl::flat_hash_map<const PyObject*, Ref<ModuleObject>> objects_;
  // Values of attributes, as the type has them.
  absl::flat_hash_map<const PyObject*,
                      std::vector<std::pair<std::string, IValue>>>
      values_;
  absl::flat_hash_map<const ClassType*, bool> compiled_;
  int mangled_ = 0;
  int depth_ = 0;    // of modules
  int nesting_ = 0;  // of values
};

// A container as something to iterate over, index and ask for keys.
Sugared MakeModuleContainer(ModuleKind kind, Value* self);

// `named_children`, `modules`, `items` … of a module, as something to call;
// null for other names.
Sugared ModuleMethod(absl::string_view name, ModuleKind kind, Value* self);

// What f"{value:spec}" and f"{value!r}" call.
Sugared MakeFormatFunction(PythonModules* modules, bool is_repr);

// A class of modules, of which methods make no instances.
Sugared MakeModuleClass(std::string name);

// `super`, in a method.
Sugared MakeSuper(PythonModules* modules);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_PYTHON_MODULE_H_
