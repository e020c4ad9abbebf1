// What can be computed while compiling: scalars, strings, tuples of them.

#ifndef TANDEM_FRONTENDS_SCRIPT_COMPILER_CONSTANT_EVALUATOR_H_
#define TANDEM_FRONTENDS_SCRIPT_COMPILER_CONSTANT_EVALUATOR_H_

#include <optional>
#include <vector>

#include "tandem/ir/graph.h"
#include "tandem/ir/ivalue.h"

namespace tandem::script {

// The results of a node whose inputs are constants; nothing if an input is none
// or the node is not one that is known here. What would fail when it runs stays
// to fail then.
std::optional<std::vector<IValue>> EvaluateNode(const Node* node);

// The value of a constant, or of lists, tuples, dicts and scalar operators over
// constants.
std::optional<IValue> EvaluateValue(const Value* value);

}  // namespace tandem::script

#endif  // TANDEM_FRONTENDS_SCRIPT_COMPILER_CONSTANT_EVALUATOR_H_
