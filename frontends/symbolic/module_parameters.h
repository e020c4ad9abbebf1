// Names of the parameters that forward has in Python, which C++ does not tell:
// graphs write arguments of modules by them.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_MODULE_PARAMETERS_H_
#define TANDEM_FRONTENDS_SYMBOLIC_MODULE_PARAMETERS_H_

#include <string>
#include <vector>

#include "tandem/frontends/nn/module.h"

namespace tandem::fx {

struct ModuleParameters {
  // In the order of forward; empty where they are not known.
  std::vector<std::string> names;
  // So many are usually written without their names.
  size_t positional = 0;
};

// Of modules of torch.nn and of graph modules.
ModuleParameters ModuleParametersOf(nn::Module& module);

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_MODULE_PARAMETERS_H_
