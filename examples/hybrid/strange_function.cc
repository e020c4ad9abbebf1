// The hybrid frontend by example: a strange function of four parts, two traced
// and two scripted, which is traced as a whole.
#include <iostream>

#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/examples/hybrid/script.h"
#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/nn/nn.h"
#include "tandem/frontends/nn/script_module.h"
#include "tandem/frontends/tracer/tracer.h"

namespace {

using namespace tandem;  // NOLINT
using eager::Tensor;

Tensor Doubled(const Tensor& x) { return eager::abs(2 * x); }

constexpr char kFactorial[] = R"(import torch

def script_fn(x):
    z = torch.ones([1], dtype=torch.int64)
    for i in range(int(x)):
        z = z * (i + 1)
    return z
)";

struct TracedModule : nn::ModuleOf<TracedModule> {
  Tensor forward(const Tensor& given) {
    const Tensor x = eager::Named("x", given.type(DType::kFloat));
    return floor(sqrt(x) / 5.);
  }
};

constexpr char kScriptModule[] = R"(class ScriptModule(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def forward(self: __torch__.ScriptModule,
    x: Tensor) -> Tensor:
    r = torch.neg(x)
    if torch.eq(int(torch.fmod(x, 2.)), 0.):
      r0 = torch.div(x, 2.)
    else:
      r0 = r
    return r0
)";

struct Net : nn::ModuleOf<Net> {
  explicit Net(const std::shared_ptr<CompilationUnit>& unit) {
    tracer::Options options;
    options.unit = unit;
    options.argument_names = {"x"};
    const Tensor number = eager::rand(eager::IntList{});
    options.name = "fn";
    traced_fn = tracer::Trace(&Doubled, {number}, options);
    script_fn = examples::ScriptFunction(unit, kFactorial, "script_fn");
    traced_module = Register<nn::ScriptModule>(
        "traced_module",
        tracer::Trace(nn::Make<TracedModule>(), {number}, options));
    script_module = Register<nn::ScriptModule>(
        "script_module",
        examples::ScriptModule(unit, kScriptModule, "ScriptModule",
                               {{"training", IValue(true)}}));
  }
  Tensor forward(const Tensor& given) {
    Tensor x = traced_fn(given);
    x = eager::Named("x", x);
    x = script_fn(x);
    x = traced_module(x);
    x = script_module(x);
    return x;
  }

  eager::ScriptFunction traced_fn, script_fn;
  nn::Ptr<nn::ScriptModule> traced_module, script_module;
};

void Run() {
  const auto unit = std::make_shared<CompilationUnit>();
  auto net = nn::Make<Net>(unit);
  tracer::Options options;
  options.unit = unit;
  options.argument_names = {"x"};
  const tandem::Module traced =
      tracer::Trace(net, {eager::tensor({5})}, options);
  std::cout << examples::Graph(*traced.FindMethod("forward"))
            << examples::Code(*traced.FindMethod("forward"));
  auto y = nn::Make<nn::ScriptModule>(traced);
  for (int n = 1; n <= 7; ++n) {
    const Tensor value = y(eager::tensor({n}));
    std::cout << "Y(" << n << ") = " << value.item<int64_t>() << "\n";
  }
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
