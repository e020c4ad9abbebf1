#include "tandem/examples/fx/docstring.h"

#include <ostream>

#include "tandem/frontends/symbolic/graph_module.h"

namespace tandem::examples {

void PrintTraced(nn::Ptr<MyModule> module, std::ostream& out) {
  // Symbolic tracing frontend - captures the semantics of the module
  nn::Ptr<fx::GraphModule> symbolic_traced = fx::symbolic_trace(module);

  // High-level intermediate representation (IR) - Graph representation
  out << symbolic_traced->graph().ToString() << "\n\n";
  out << symbolic_traced->graph().tabular();

  // Code generation - valid Python code
  out << symbolic_traced->code() << "\n";
}

}  // namespace tandem::examples
