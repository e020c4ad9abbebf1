// Cuts a graph into modules.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_SPLIT_MODULE_H_
#define TANDEM_FRONTENDS_SYMBOLIC_SPLIT_MODULE_H_

#include <functional>

#include "tandem/frontends/symbolic/graph_module.h"

namespace tandem::fx {

// torch.fx's split_module: `partition` gives each node that computes the
// number of its part. Part k becomes the submodule "submod_k" of the result,
// which has the parameters of `module` and calls the parts in an order that
// their dependencies allow. Errors (thrown): parts that depend on each other
// in a cycle.
nn::Ptr<GraphModule> split_module(
    GraphModule& module, const std::function<int(const Node*)>& partition);

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_SPLIT_MODULE_H_
