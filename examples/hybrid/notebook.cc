// The TorchScript notebook in C++: a network that is traced, and a function
// whose branch on a size a trace takes once and for all, and a script each
// time.
#include <iostream>
#include <string>

#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/examples/hybrid/script.h"
#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/nn/nn.h"
#include "tandem/frontends/tracer/tracer.h"

namespace {

using namespace tandem;  // NOLINT
using eager::Tensor;

struct NN : nn::ModuleOf<NN> {
  Tensor forward(const Tensor& x) { return layer1(x); }
  nn::Ptr<nn::Linear> layer1 = Register<nn::Linear>("layer1", 4, 2);
};

Tensor Fun(const Tensor& x) {
  if (x.size(0) == 1) return x + 3;
  return x + 20;
}

constexpr char kFun[] = R"(def fun(x):
    if x.size(0) == 1:
        return x + 3
    else:
        return x + 20
)";

void Run() {
  tracer::Options options;
  options.argument_names = {"x"};
  options.name = "fun";
  options.check_trace = false;
  options.warn = [](const std::string& text) {
    std::cout << "TracerWarning: " << text << "\n";
  };

  auto net = nn::Make<NN>();
  net->requires_grad_(false);
  const tandem::Module traced =
      tracer::Trace(net, {eager::randn({1, 4})}, options);
  std::cout << examples::Graph(*traced.FindMethod("forward"))
            << examples::Code(*traced.FindMethod("forward")) << "\n";

  const Tensor one = eager::ones({1, 4}), two = eager::ones({2, 4});
  for (const Tensor& example : {one, two}) {
    const eager::ScriptFunction fun = tracer::Trace(&Fun, {example}, options);
    std::cout << examples::Graph(*fun.function());
    const Tensor y = fun(one);
    std::cout << "fun of one row: " << y << "\n\n";
  }
  const auto unit = std::make_shared<CompilationUnit>();
  const eager::ScriptFunction scripted =
      examples::ScriptFunction(unit, kFun, "fun");
  const Tensor a = scripted(one), b = scripted(two);
  std::cout << examples::Code(*scripted.function()) << "of one row: " << a
            << "\nof two rows: " << b << "\n";
}

}  // namespace

int main() {
  Registry registry;
  if (!reference::Register(registry).ok() || !native::Register(registry).ok()) {
    return 1;
  }
  eager::Context context(&registry);
  eager::SetDefaultContext(&context);
  try {
    Run();
  } catch (const Error& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}
