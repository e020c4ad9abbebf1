// What calls cost: docs/architecture.md's table, each row a benchmark. Times
// are per turn, operator or call, as the name says. beside_pytorch.py runs the
// same archives in PyTorch.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "benchmark/benchmark.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/runtime/engine.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/tensor/copy.h"

namespace tandem {
namespace {

const Engine& SharedEngine() {
  static const Engine* const kEngine = [] {
    auto* registry = new Registry();
    if (!native::Register(*registry).ok() ||
        !reference::Register(*registry).ok()) {
      std::abort();
    }
    EngineOptions options;
    options.backends = {"native", "reference"};
    return new Engine(registry, options);
  }();
  return *kEngine;
}

Module Open(const std::string& name) {
  LoadOptions options;
  options.engine = &SharedEngine();
  auto module = LoadModule("tests/benchmarks/" + name + ".pt", options);
  if (!module.ok()) {
    std::fprintf(stderr, "%s\n", module.status().ToString().c_str());
    std::abort();
  }
  return *std::move(module);
}

Tensor Filled(DimSpan sizes, double value) {
  Tensor t = *Tensor::Empty(sizes, DType::kFloat);
  if (!FillElements(t, Scalar(value)).ok()) std::abort();
  return t;
}

void Call(const Module& module, const std::vector<IValue>& args) {
  auto result = SharedEngine().Call(module, "forward", args);
  if (!result.ok()) {
    std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
    std::abort();
  }
  benchmark::DoNotOptimize(result);
}

// Calls a method; "ns_each" is the least time of a call over its equal parts.
void Measure(benchmark::State& state, const std::string& name,
             const std::vector<IValue>& args, int64_t parts) {
  const Module module = Open(name);
  Call(module, args);
  double least = 1e300;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    Call(module, args);
    const std::chrono::duration<double, std::nano> took =
        std::chrono::steady_clock::now() - start;
    least = std::min(least, took.count());
  }
  state.counters["ns_each"] = least / static_cast<double>(parts);
}

void ScalarLoopTurn(benchmark::State& s) {
  Measure(s, "scalar_loop", {IValue(100000)}, 100000);
}
void ScalarMixTurn(benchmark::State& s) {
  Measure(s, "scalar_mix", {IValue(100000)}, 100000);
}
void SmallOperator(benchmark::State& s) {
  Measure(s, "small_operators",
          {IValue(Filled({3, 4}, 1)), IValue(Filled({3, 4}, -0.5))}, 100);
}
void SmallLinear(benchmark::State& s) {
  Measure(s, "small_linear", {IValue(Filled({3, 4}, 1))}, 50);
}
void EmptyMethod(benchmark::State& s) {
  Measure(s, "empty_method", {IValue(Filled({3, 4}, 1))}, 1);
}
void RnnLoop100(benchmark::State& s) {
  Measure(s, "rnn_loop", {IValue(Filled({100, 3, 4}, 1))}, 1);
}
// Loading and calling the first time, over a warm call: "ratio".
void FirstCall(benchmark::State& state) {
  const IValue input(Filled({100, 3, 4}, 1));
  double first = 0, warm = 0;
  for (auto _ : state) {
    const Module module = Open("rnn_loop");
    const auto a = std::chrono::steady_clock::now();
    Call(module, {input});
    const auto b = std::chrono::steady_clock::now();
    Call(module, {input});
    const auto c = std::chrono::steady_clock::now();
    first += std::chrono::duration<double>(b - a).count();
    warm += std::chrono::duration<double>(c - b).count();
    state.SetIterationTime(std::chrono::duration<double>(b - a).count());
  }
  state.counters["over_warm"] = first / warm;
}
// Calls a second that several threads make on one module.
void Callers(benchmark::State& state) {
  static const Module* module = nullptr;
  if (state.thread_index() == 0) module = new Module(Open("rnn_loop"));
  const IValue input(Filled({100, 3, 4}, 1));
  for (auto _ : state) Call(*module, {input});
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(ScalarLoopTurn);
BENCHMARK(ScalarMixTurn);
BENCHMARK(SmallOperator);
BENCHMARK(SmallLinear);
BENCHMARK(EmptyMethod);
BENCHMARK(RnnLoop100);
BENCHMARK(FirstCall)->UseManualTime()->Iterations(50);
BENCHMARK(Callers)->Threads(1)->Threads(2)->UseRealTime();

}  // namespace
}  // namespace tandem

BENCHMARK_MAIN();
