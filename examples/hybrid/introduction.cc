// "Introduction to TorchScript" in C++: a cell that is traced, a gate whose
// branch a trace loses and a script keeps, a scripted loop over the traced cell
// and a traced module over the loop, saved and loaded.
#include <cstdlib>
#include <iostream>
#include <string>

#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/examples/hybrid/script.h"
#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/nn/nn.h"
#include "tandem/frontends/nn/script_module.h"
#include "tandem/frontends/tracer/tracer.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/serialization/torchscript/module_writer.h"

namespace {

using namespace tandem;  // NOLINT
using eager::Tensor;
using Two = std::tuple<Tensor, Tensor>;

struct MyDecisionGate : nn::ModuleOf<MyDecisionGate> {
  Tensor forward(const Tensor& given) {
    const Tensor x = eager::Named("x", given);
    if (static_cast<bool>(x.sum() > 0)) return x;
    return -x;
  }
};

// The same as source.
constexpr char kDecisionGate[] = R"(class MyDecisionGate(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.MyDecisionGate,
    x: Tensor) -> Tensor:
    if bool(torch.gt(torch.sum(x), 0)):
      _0 = x
    else:
      _0 = torch.neg(x)
    return _0
)";

// Gate is MyDecisionGate or a scripted one.
template <typename Gate>
struct Cell : nn::ModuleOf<Cell<Gate>> {
  explicit Cell(nn::Ptr<Gate> gate)
      : dg(this->register_module("dg", gate)),
        linear(this->template Register<nn::Linear>("linear", 4, 4)) {}
  std::string name() const override { return "MyCell"; }
  std::string qualified_name() const override { return "MyCell"; }
  Two forward(const Tensor& x, const Tensor& h) {
    const Tensor gated = dg(linear(x));
    const Tensor new_h = eager::tanh(gated + h);
    return {new_h, new_h};
  }
  nn::Ptr<Gate> dg;
  nn::Ptr<nn::Linear> linear;
};

constexpr char kRnnLoop[] = R"(class MyRNNLoop(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  cell : __torch__.MyCell
  def forward(self: __torch__.MyRNNLoop,
    xs: Tensor) -> Tuple[Tensor, Tensor]:
    h = torch.zeros([3, 4])
    y = torch.zeros([3, 4])
    for i in range(torch.size(xs, 0)):
      y, h = self.cell.forward(torch.select(xs, 0, i), h)
    return (y, h)
)";

struct WrapRNN : nn::ModuleOf<WrapRNN> {
  explicit WrapRNN(const tandem::Module& scripted)
      : loop(Register<nn::ScriptModule>("loop", scripted)) {}
  Tensor forward(const Tensor& xs) {
    const Two out = loop(xs);
    return eager::relu(eager::Named("y", std::get<0>(out)));
  }
  nn::Ptr<nn::ScriptModule> loop;
};

void Show(const char* title, const tandem::Module& module) {
  Function& forward = *module.FindMethod("forward");
  std::cout << "== " << title << "\n"
            << examples::Graph(forward) << examples::Code(forward) << "\n";
}

tracer::Options OptionsFor(const std::shared_ptr<CompilationUnit>& unit,
                           std::vector<std::string> arguments) {
  tracer::Options options;
  options.unit = unit;
  options.argument_names = std::move(arguments);
  options.warn = [](const std::string& text) {
    std::cout << "TracerWarning: " << text << "\n";
  };
  return options;
}

void Run(const tandem::Engine& engine, const std::string& path) {
  eager::manual_seed(191009);
  const Tensor x = eager::rand({3, 4}), h = eager::rand({3, 4});

  auto gated = nn::Make<Cell<MyDecisionGate>>(nn::Make<MyDecisionGate>());
  std::cout << gated << "\n";
  auto unit = std::make_shared<CompilationUnit>();
  tracer::Options options = OptionsFor(unit, {"x", "h"});
  options.check_trace = false;
  Show("MyCell with a traced gate", tracer::Trace(gated, {x, h}, options));

  unit = std::make_shared<CompilationUnit>();
  const auto gate = nn::Make<nn::ScriptModule>(examples::ScriptModule(
      unit, kDecisionGate, "MyDecisionGate", {{"training", IValue(true)}}));
  auto cell = nn::Make<Cell<nn::ScriptModule>>(gate);
  const tandem::Module traced =
      tracer::Trace(cell, {x, h}, OptionsFor(unit, {"x", "h"}));
  Show("MyCell with a scripted gate", traced);

  const tandem::Module loop = examples::ScriptModule(
      unit, kRnnLoop, "MyRNNLoop",
      {{"training", IValue(true)}, {"cell", IValue(traced.object())}});
  Show("MyRNNLoop", loop);

  auto wrap = nn::Make<WrapRNN>(loop);
  const tandem::Module wrapped =
      tracer::Trace(wrap, {eager::rand({10, 3, 4})}, OptionsFor(unit, {"xs"}));
  Show("WrapRNN", wrapped);

  SaveOptions save;
  save.engine = &engine;
  eager::ThrowIfError(SaveModule(wrapped, path, save));
  auto loaded = nn::Make<nn::ScriptModule>(eager::Unwrap(LoadModule(path)));
  const Tensor longer = eager::rand({20, 3, 4});
  const Tensor got = loaded(longer), want = wrap(longer);
  std::cout << "loaded: " << loaded->name() << ", "
            << (eager::allclose(got, want) ? "the same" : "different")
            << " on 20 steps\n";
}

}  // namespace

int main(int argc, char** argv) {
  Registry registry;
  if (!reference::Register(registry).ok() || !native::Register(registry).ok()) {
    return 1;
  }
  eager::Context context(&registry);
  eager::SetDefaultContext(&context);
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path =
      argc > 1
          ? argv[1]
          : std::string(folder == nullptr ? "." : folder) + "/wrapped_rnn.pt";
  try {
    Run(context.engine(), path);
  } catch (const Error& e) {
    std::cerr << e.what() << "\n";
    return 1;
  }
}
