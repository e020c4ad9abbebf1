// A loaded module: an object of a module class with its program.
#ifndef TANDEM_RUNTIME_MODULE_H_
#define TANDEM_RUNTIME_MODULE_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/ir/ivalue.h"

namespace tandem {

// A handle: copies share the object, as in Python. Calls are safe from any
// number of threads (runtime/engine.h makes them); writing attributes from C++
// while calls run is not.
class Module {
 public:
  Module() = default;
  Module(std::shared_ptr<CompilationUnit> unit, Ref<ModuleObject> object)
      : unit_(std::move(unit)), object_(std::move(object)) {}

  const std::shared_ptr<CompilationUnit>& unit() const { return unit_; }
  const Ref<ModuleObject>& object() const { return object_; }
  const ClassType& type() const { return *object_->type(); }
  bool valid() const { return static_cast<bool>(object_); }

  // Null when there is no such method.
  Function* FindMethod(absl::string_view name) const;
  // Error names the methods that there are.
  absl::StatusOr<Function*> GetMethod(absl::string_view name) const;

  // By a path: "encoder.layers.0.weight".
  absl::StatusOr<IValue> GetAttribute(absl::string_view path) const;
  absl::Status SetAttribute(absl::string_view path, IValue value);

  // Direct submodules in order.
  std::vector<std::pair<std::string, Module>> Children() const;
  // (path, tensor) of all parameters / buffers, submodules included.
  std::vector<std::pair<std::string, Tensor>> NamedParameters() const;
  std::vector<std::pair<std::string, Tensor>> NamedBuffers() const;

  // A module with its own state over the same weights: parameters are shared,
  // other tensors, containers and objects are copied (what was shared inside
  // the module stays shared inside the copy).
  absl::StatusOr<Module> Clone() const;

 private:
  std::shared_ptr<CompilationUnit> unit_;
  Ref<ModuleObject> object_;
};

}  // namespace tandem

#endif  // TANDEM_RUNTIME_MODULE_H_
