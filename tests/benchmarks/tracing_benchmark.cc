// What tracing adds to an operator: the same eager program without and with a
// recorder. Time is per operator; the promise is under 2 us more.
#include <cstdlib>

#include "benchmark/benchmark.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/tracer/tracer.h"

namespace tandem {
namespace {

constexpr int kOperators = 1000;

void MakeContext() {
  static eager::Context* const kContext = [] {
    auto* registry = new Registry();
    if (!native::Register(*registry).ok() ||
        !reference::Register(*registry).ok()) {
      std::abort();
    }
    auto* context = new eager::Context(registry);
    eager::SetDefaultContext(context);
    return context;
  }();
  benchmark::DoNotOptimize(kContext);
}

eager::Tensor Program(const eager::Tensor& x) {
  eager::Tensor y = x;
  for (int i = 0; i < kOperators / 2; ++i) y = eager::tanh(y + x);
  return y;
}

void BM_EagerOperator(benchmark::State& state) {
  MakeContext();
  const eager::Tensor x = eager::ones({3, 4});
  for (auto _ : state) benchmark::DoNotOptimize(Program(x));
  state.SetItemsProcessed(state.iterations() * kOperators);
}
BENCHMARK(BM_EagerOperator)->Unit(benchmark::kMicrosecond);

void BM_TracedOperator(benchmark::State& state) {
  MakeContext();
  const eager::Tensor x = eager::ones({3, 4});
  tracer::Options options;
  options.check_trace = false;
  for (auto _ : state) {
    benchmark::DoNotOptimize(tracer::Trace(&Program, {x}, options));
  }
  state.SetItemsProcessed(state.iterations() * kOperators);
}
BENCHMARK(BM_TracedOperator)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace tandem

BENCHMARK_MAIN();
