// The example of torch.fx's docstring.
#ifndef TANDEM_EXAMPLES_FX_DOCSTRING_H_
#define TANDEM_EXAMPLES_FX_DOCSTRING_H_

#include <iosfwd>

#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/nn/nn.h"

namespace tandem::examples {

// Simple module for demonstration.
struct MyModule : nn::ModuleOf<MyModule> {
  nn::Tensor param = register_parameter("param", eager::rand({3, 4}));
  nn::Ptr<nn::Linear> linear = Register<nn::Linear>("linear", 4, 5);

  nn::Tensor forward(const nn::Tensor& x) {
    return linear(x + param).clamp(/*min=*/0.0, /*max=*/1.0);
  }
};

// Prints the traced module's graph, table and code.
void PrintTraced(nn::Ptr<MyModule> module, std::ostream& out);

}  // namespace tandem::examples

#endif  // TANDEM_EXAMPLES_FX_DOCSTRING_H_
