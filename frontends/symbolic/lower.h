// From the FX dialect to ordinary operators: what passes, backends and archives
// take.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_LOWER_H_
#define TANDEM_FRONTENDS_SYMBOLIC_LOWER_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/frontends/symbolic/graph_module.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/module.h"

namespace tandem::fx {

struct LowerOptions {
  // Types of forward's parameters by name; Tensor where none is given.
  std::map<std::string, TypePtr> argument_types;
  // Where classes go; null: a unit of its own.
  std::shared_ptr<CompilationUnit> unit;
};

// A program module with the hierarchy of `module`: a class for each module
// with its parameters and buffers (the same tensors), a method for each
// forward that the graph calls. The forward of a module that the graph calls
// is run on symbols and its operators become the method, so it may not look at
// values, ranks or dtypes of what it is given. Parameters of Python's asserts
// are dropped. Nodes keep their names as names of values.
//
// Errors name the node that cannot be lowered.
absl::StatusOr<tandem::Module> lower_fx(GraphModule& module,
                                        const LowerOptions& options = {});

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_LOWER_H_
