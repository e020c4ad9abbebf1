// What native's kernels cost: small tensors by the call, large ones beside the
// machine's bandwidth (bytes_per_second) and its peak (items_per_second counts
// floating point operations of products).
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "tandem/backends/group.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/copy.h"

namespace tandem::native {
namespace {

const Registry& Kernels() {
  static const Registry* const kRegistry = [] {
    auto* r = new Registry();
    if (!Register(*r).ok()) std::abort();
    return r;
  }();
  return *kRegistry;
}

Tensor Filled(DimSpan sizes, double value) {
  Tensor t = *Tensor::Empty(sizes, DType::kFloat);
  if (!FillElements(t, Scalar(value)).ok()) std::abort();
  return t;
}

// One operator, called as a plan calls it.
class Call {
 public:
  Call(const std::string& name, const std::string& overload,
       std::vector<IValue> arguments) {
    const std::string backend = "native";
    const Operator* op = Kernels().operators().Find(name, overload);
    entry_ = Kernels().Find(*op, absl::MakeConstSpan(&backend, 1));
    registers_ = std::move(arguments);
    for (size_t i = registers_.size(); i < op->schema.arguments.size(); ++i) {
      registers_.push_back(*op->schema.arguments[i].default_value);
    }
    for (uint32_t i = 0; i < registers_.size(); ++i) inputs_.push_back(i);
    for (size_t i = 0; i < op->schema.returns.size(); ++i) {
      outputs_.push_back(static_cast<uint32_t>(registers_.size()));
      registers_.emplace_back();
    }
  }
  void operator()() {
    const KernelCall call = {registers_.data(), inputs_.data(), outputs_.data(),
                             static_cast<uint32_t>(inputs_.size()),
                             static_cast<uint32_t>(outputs_.size())};
    if (!entry_->kernel(call).ok()) std::abort();
  }

 private:
  const KernelEntry* entry_;
  std::vector<IValue> registers_;
  std::vector<uint32_t> inputs_, outputs_;
};

void Run(benchmark::State& state, Call call, int64_t bytes = 0,
         int64_t items = 0) {
  for (auto _ : state) call();
  if (bytes > 0) state.SetBytesProcessed(state.iterations() * bytes);
  if (items > 0) state.SetItemsProcessed(state.iterations() * items);
}

void SmallAdd(benchmark::State& s) {
  const IValue x(Filled({3, 4}, 0.5));
  Run(s, Call("aten::add", "Tensor", {x, x}));
}
void SmallTanh(benchmark::State& s) {
  Run(s, Call("aten::tanh", "", {IValue(Filled({3, 4}, 0.5))}));
}
void SmallGreater(benchmark::State& s) {
  Run(s, Call("aten::gt", "Scalar",
              {IValue(Filled({}, 0.5)), IValue(int64_t{0})}));
}
void SmallSum(benchmark::State& s) {
  Run(s, Call("aten::sum", "", {IValue(Filled({3, 4}, 0.5))}));
}
void SmallLinear(benchmark::State& s) {
  Run(s, Call("aten::linear", "",
              {IValue(Filled({3, 4}, 0.5)), IValue(Filled({4, 4}, 0.5)),
               IValue(Filled({4}, 0.5))}));
}
void SmallSoftmax(benchmark::State& s) {
  Run(s, Call("aten::softmax", "int",
              {IValue(Filled({3, 10}, 0.5)), IValue(int64_t{-1})}));
}

// Eight elementwise operators in a group, over `n` elements.
void FusedChain(benchmark::State& s) {
  const int64_t n = s.range(0);
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Value* v = x;
  const auto add = [&](const char* name, const char* overload,
                       std::vector<Value*> rest) {
    rest.insert(rest.begin(), v);
    v = g.Insert(g.Create(Kernels().operators().Find(name, overload), rest))
            ->output();
  };
  const auto number = [&](double d) { return g.InsertConstant(IValue(d)); };
  add("aten::mul", "Scalar", {number(1.5)});
  add("aten::add", "Tensor", {x, g.InsertConstant(IValue(int64_t{1}))});
  add("aten::relu", "", {});
  add("aten::mul", "Tensor", {x});
  add("aten::sub", "Tensor", {x, g.InsertConstant(IValue(int64_t{1}))});
  add("aten::abs", "", {});
  add("aten::div", "Scalar", {number(3)});
  add("aten::neg", "", {});
  g.AddOutput(v);
  const Tensor input = Filled({n}, 0.5);
  ValueDescription d;
  d.is_tensor = true;
  d.dtype = DType::kFloat;
  d.sizes = {n};
  d.strides = {1};
  PackedWeights weights;
  const auto group = Kernels().FindGroupBackend("native")->Compile(
      g, absl::MakeConstSpan(&d, 1), &weights);
  if (!group.ok()) std::abort();
  IValue registers[2] = {IValue(input), IValue()};
  const uint32_t in = 0, out = 1;
  const KernelCall call = {registers, &in, &out, 1, 1};
  for (auto _ : s) {
    if (!(*group)->Run(call).ok()) std::abort();
  }
  s.SetBytesProcessed(s.iterations() * 8 * n);
}

constexpr int64_t kLarge = 16 << 20;  // 64 MB of floats

void LargeUnary(benchmark::State& s, const std::string& op) {
  Run(s, Call(op, "", {IValue(Filled({kLarge}, 0.5))}), 8 * kLarge);
}
void LargeAdd(benchmark::State& s) {
  const IValue x(Filled({kLarge}, 0.5));
  Run(s, Call("aten::add", "Tensor", {x, IValue(Filled({kLarge}, 1))}),
      12 * kLarge);
}
void LargeSum(benchmark::State& s) {
  Run(s, Call("aten::sum", "", {IValue(Filled({kLarge}, 0.5))}), 4 * kLarge);
}
void LargeColumnSum(benchmark::State& s) {
  Run(s,
      Call("aten::sum", "dim_IntList",
           {IValue(Filled({kLarge / 1024, 1024}, 0.5)),
            IValue(MakeIntList({0}))}),
      4 * kLarge);
}
void LargeSoftmax(benchmark::State& s) {
  Run(s,
      Call("aten::softmax", "int",
           {IValue(Filled({kLarge / 1024, 1024}, 0.5)), IValue(int64_t{-1})}),
      8 * kLarge);
}
void LargeLayerNorm(benchmark::State& s) {
  Run(s,
      Call("aten::layer_norm", "",
           {IValue(Filled({kLarge / 1024, 1024}, 0.5)),
            IValue(MakeIntList({1024})), IValue(Filled({1024}, 1)),
            IValue(Filled({1024}, 0))}),
      8 * kLarge);
}
// What memory gives: a copy.
void LargeCopy(benchmark::State& s) {
  const Tensor x = Filled({kLarge}, 0.5), y = Filled({kLarge}, 0);
  for (auto _ : s) {
    if (!CopyElements(x, y).ok()) std::abort();
  }
  s.SetBytesProcessed(s.iterations() * 8 * kLarge);
}

void Product(benchmark::State& s) {
  const int64_t m = s.range(0), n = s.range(1), k = s.range(2);
  Run(s,
      Call("aten::mm", "",
           {IValue(Filled({m, k}, 0.5)), IValue(Filled({k, n}, 0.5))}),
      0, 2 * m * n * k);
}
void Linear(benchmark::State& s) {
  const int64_t m = s.range(0), n = s.range(1), k = s.range(2);
  Run(s,
      Call("aten::linear", "",
           {IValue(Filled({m, k}, 0.5)), IValue(Filled({n, k}, 0.5)),
            IValue(Filled({n}, 0.5))}),
      0, 2 * m * n * k);
}

BENCHMARK(SmallAdd);
BENCHMARK(SmallTanh);
BENCHMARK(SmallGreater);
BENCHMARK(SmallSum);
BENCHMARK(SmallLinear);
BENCHMARK(SmallSoftmax);
BENCHMARK(LargeCopy);
BENCHMARK(LargeAdd);
BENCHMARK_CAPTURE(LargeUnary, relu, "aten::relu");
BENCHMARK_CAPTURE(LargeUnary, exp, "aten::exp");
BENCHMARK_CAPTURE(LargeUnary, tanh, "aten::tanh");
BENCHMARK(FusedChain)->Arg(12)->Arg(1000)->Arg(1000000)->Arg(kLarge);
BENCHMARK(LargeSum);
BENCHMARK(LargeColumnSum);
BENCHMARK(LargeSoftmax);
BENCHMARK(LargeLayerNorm);
#define TANDEM_SIZES             \
  Args({16, 16, 16})             \
      ->Args({64, 64, 64})       \
      ->Args({256, 256, 256})    \
      ->Args({1024, 1024, 1024}) \
      ->Args({1, 1024, 1024})    \
      ->Args({128, 768, 768})
BENCHMARK(Product)->TANDEM_SIZES;
BENCHMARK(Linear)->TANDEM_SIZES;

}  // namespace
}  // namespace tandem::native

BENCHMARK_MAIN();
