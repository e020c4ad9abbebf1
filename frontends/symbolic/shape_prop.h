// Dtypes and shapes of a graph's nodes, by running it.
#ifndef TANDEM_FRONTENDS_SYMBOLIC_SHAPE_PROP_H_
#define TANDEM_FRONTENDS_SYMBOLIC_SHAPE_PROP_H_

#include <vector>

#include "tandem/frontends/symbolic/interpreter.h"

namespace tandem::fx {

// torch.fx.passes.shape_prop.ShapeProp. Values of nodes get the complete type
// of the tensor that they had (Float(3, 4, strides=[4, 1], …)), which pictures
// show and passes read.
class ShapeProp : public Interpreter {
 public:
  using Interpreter::Interpreter;
  IValue propagate(std::vector<IValue> args) { return run(std::move(args)); }
  IValue run_node(Node* node) override;
};

// What ShapeProp found of a node whose value is a tensor; null before it.
const TensorType* TensorMetaOf(const Node* node);

}  // namespace tandem::fx

#endif  // TANDEM_FRONTENDS_SYMBOLIC_SHAPE_PROP_H_
