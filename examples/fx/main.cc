// fx [OUT.pt]: traces the module of torch.fx's docstring symbolically, prints
// what FX prints, runs it, and saves it as an archive that PyTorch opens.
#include <iostream>

#include "tandem/backends/reference/reference.h"
#include "tandem/examples/fx/docstring.h"
#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/symbolic/lower.h"
#include "tandem/serialization/torchscript/module_writer.h"

namespace {

int Run(int argc, char** argv) {
  tandem::Registry registry;
  tandem::eager::ThrowIfError(tandem::reference::Register(registry));
  tandem::eager::Context context(&registry);
  tandem::eager::SetDefaultContext(&context);

  const auto module = tandem::nn::Make<tandem::examples::MyModule>();
  tandem::examples::PrintTraced(module, std::cout);

  // The same numbers as the module, run by the graph and by the engine.
  const auto traced = tandem::fx::symbolic_trace(module);
  const tandem::Module lowered =
      tandem::eager::Unwrap(tandem::fx::lower_fx(*traced));
  const tandem::eager::Tensor x = tandem::eager::rand({3, 4});
  const tandem::eager::Tensor y = module(x);
  const tandem::eager::Tensor by_graph = traced(x);
  const auto by_engine = tandem::eager::FromIValue<tandem::eager::Tensor>(
      tandem::eager::Unwrap(context.engine().Call(
          lowered, "forward", {tandem::eager::ToIValue(x)})));
  std::cout << "graph: " << (equal(y, by_graph) ? "equal" : "different")
            << ", engine: " << (equal(y, by_engine) ? "equal" : "different")
            << "\n";
  if (argc > 1) {
    tandem::eager::ThrowIfError(tandem::SaveModule(lowered, argv[1], {}));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return Run(argc, argv);
  } catch (const tandem::Error& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}
