// Numbers that follow from the sizes of tensors alone: what programs compute
// for a view (`x.view(x.size(0), -1, 64)`, also as traces write it).
#ifndef TANDEM_BACKENDS_SHAPE_VALUES_H_
#define TANDEM_BACKENDS_SHAPE_VALUES_H_

#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "tandem/ir/graph.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// One step of it: size, dim, an item of a list of sizes, arithmetic of ints and
// of the 0-dim tensors that traces make of them, lists of ints.
bool IsShapeNode(const Node& node);

// Does it look at a tensor's sizes alone, not at its elements?
bool ReadsSizes(const Node& node);

// Is `value`, which is no constant, computed by such steps from constants and
// sizes of tensors, through lists that nobody changes? If so, `steps` gets the
// nodes, each after what it needs.
bool IsShapeValue(const Value* value,
                  std::vector<const Node*>* steps = nullptr);

// The results of a step (a 0-dim tensor as its number): `number` gives inputs
// that are not constant, `sizes` those of tensors. Nullopt when one is unknown
// or the arithmetic fails.
std::optional<std::vector<IValue>> EvaluateShapeNode(
    const Node& node,
    absl::FunctionRef<std::optional<IValue>(const Value*)> number,
    absl::FunctionRef<std::optional<Dims>(const Value*)> sizes);

}  // namespace tandem

#endif  // TANDEM_BACKENDS_SHAPE_VALUES_H_
