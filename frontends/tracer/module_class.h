// The classes and objects of a traced module.
#ifndef TANDEM_FRONTENDS_TRACER_MODULE_CLASS_H_
#define TANDEM_FRONTENDS_TRACER_MODULE_CLASS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/nn/module.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/module.h"

namespace tandem::tracer {

// Gives qualified names that nothing else has: a second "__torch__.M" becomes
// "__torch__.___torch_mangle_0.M".
class Names {
 public:
  // Counts what the unit has as taken.
  void Add(const CompilationUnit& unit);
  std::string Take(const std::string& qualified_name);

 private:
  void Note(absl::string_view name);

  absl::flat_hash_set<const CompilationUnit*> units_;
  absl::flat_hash_set<std::string> taken_;
  int64_t next_ = 0;
};

// A module whose object holds the tensors of `module` and whose submodules are
// made likewise, each of a class of its own without methods; scripted ones are
// kept as they are (their units have been added to `names`). Error: a
// parameter that a module holds under two names.
absl::StatusOr<Module> MakeTracedModule(
    nn::Module& module, const std::shared_ptr<CompilationUnit>& unit,
    Names* names);

// The units of the scripted modules below.
std::vector<std::shared_ptr<CompilationUnit>> UnitsOfScripts(
    const nn::Module& module);

}  // namespace tandem::tracer

#endif  // TANDEM_FRONTENDS_TRACER_MODULE_CLASS_H_
