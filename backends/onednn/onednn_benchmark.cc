// Networks of the usual shapes as one group, batch 1: what a call costs, and
// what the first call costs on top (compilation).
//
//   bazel run -c opt //backends/onednn:onednn_benchmark -- \
//       --benchmark_filter=ResNet50
//
// ONEDNN_VERBOSE=1 lists each primitive with its time.
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "tandem/backends/onednn/onednn.h"
#include "tandem/ir/graph.h"
#include "tandem/tensor/context.h"

namespace tandem::onednn {
namespace {

Tensor Values(const std::vector<int64_t>& sizes) {
  Tensor t = *Tensor::Empty(sizes, DType::kFloat);
  uint32_t state = 1;
  for (int64_t i = 0; i < t.numel(); ++i) {
    state = state * 1664525u + 1013904223u;
    t.data<float>()[i] = static_cast<float>(state >> 8) / (1 << 26) - 0.125f;
  }
  return t;
}

// A group in the making; each value's channels are known by whoever builds.
class Network {
 public:
  Value* Input(const std::vector<int64_t>& sizes) {
    inputs.push_back(IValue(Values(sizes)));
    return graph.AddInput("", Type::Tensor());
  }
  Value* Constant(IValue v) { return graph.InsertConstant(std::move(v)); }
  Value* Ints(const std::vector<int64_t>& v) {
    return Constant(IValue(MakeIntList(v)));
  }
  Value* Op(absl::string_view name, std::vector<Value*> arguments) {
    const size_t dot = name.find('.');
    const Operator* op = OperatorTable::Builtin().Find(
        name.substr(0, dot), dot == name.npos ? "" : name.substr(dot + 1));
    for (size_t i = arguments.size(); i < op->schema.arguments.size(); ++i) {
      arguments.push_back(
          Constant(op->schema.arguments[i].default_value.value_or(IValue())));
    }
    return graph.Insert(graph.Create(op, arguments))->output();
  }
  // kernel x kernel, padded to keep the size; activation may be empty.
  Value* Conv(Value* x, int64_t in, int64_t out, int64_t kernel, int64_t stride,
              absl::string_view activation, int64_t groups = 1) {
    Value* y =
        Op("aten::conv2d",
           {x, Constant(Values({out, in / groups, kernel, kernel})),
            Constant(Values({out})), Ints({stride, stride}),
            Ints({kernel / 2, kernel / 2}), Ints({1, 1}), Constant(groups)});
    return activation.empty() ? y : Op(activation, {y});
  }
  Value* Linear(Value* x, int64_t in, int64_t out) {
    return Op("aten::linear",
              {x, Constant(Values({out, in})), Constant(Values({out}))});
  }

  Graph graph;
  std::vector<IValue> inputs;
};

void ResNet50(Network& n) {
  Value* x = n.Input({1, 3, 224, 224});
  x = n.Conv(x, 3, 64, 7, 2, "aten::relu");
  x = n.Op("aten::max_pool2d",
           {x, n.Ints({3, 3}), n.Ints({2, 2}), n.Ints({1, 1})});
  int64_t in = 64;
  const int64_t blocks[] = {3, 4, 6, 3};
  for (int stage = 0; stage < 4; ++stage) {
    const int64_t width = 64 << stage, out = 4 * width;
    for (int64_t i = 0; i < blocks[stage]; ++i) {
      const int64_t stride = stage > 0 && i == 0 ? 2 : 1;
      Value* y = n.Conv(x, in, width, 1, 1, "aten::relu");
      y = n.Conv(y, width, width, 3, stride, "aten::relu");
      y = n.Conv(y, width, out, 1, 1, "");
      if (i == 0) x = n.Conv(x, in, out, 1, stride, "");
      x = n.Op("aten::relu", {n.Op("aten::add.Tensor", {y, x})});
      in = out;
    }
  }
  x = n.Op("aten::adaptive_avg_pool2d", {x, n.Ints({1, 1})});
  x = n.Op("aten::flatten.using_ints", {x, n.Constant(1)});
  n.graph.AddOutput(n.Linear(x, in, 1000));
}

// MobileNetV3-large.
void MobileNet(Network& n) {
  struct Block {
    int64_t kernel, expanded, out;
    bool squeeze, hardswish;
    int64_t stride;
  };
  constexpr Block kBlocks[] = {
      {3, 16, 16, false, false, 1}, {3, 64, 24, false, false, 2},
      {3, 72, 24, false, false, 1}, {5, 72, 40, true, false, 2},
      {5, 120, 40, true, false, 1}, {5, 120, 40, true, false, 1},
      {3, 240, 80, false, true, 2}, {3, 200, 80, false, true, 1},
      {3, 184, 80, false, true, 1}, {3, 184, 80, false, true, 1},
      {3, 480, 112, true, true, 1}, {3, 672, 112, true, true, 1},
      {5, 672, 160, true, true, 2}, {5, 960, 160, true, true, 1},
      {5, 960, 160, true, true, 1}};
  Value* x = n.Input({1, 3, 224, 224});
  x = n.Conv(x, 3, 16, 3, 2, "aten::hardswish");
  int64_t in = 16;
  for (const Block& b : kBlocks) {
    const char* activation = b.hardswish ? "aten::hardswish" : "aten::relu";
    Value* y = x;
    if (b.expanded != in) y = n.Conv(y, in, b.expanded, 1, 1, activation);
    y = n.Conv(y, b.expanded, b.expanded, b.kernel, b.stride, activation,
               b.expanded);
    if (b.squeeze) {
      const int64_t squeezed = (b.expanded / 4 + 4) / 8 * 8;
      Value* gate = n.Op("aten::adaptive_avg_pool2d", {y, n.Ints({1, 1})});
      gate = n.Conv(gate, b.expanded, squeezed, 1, 1, "aten::relu");
      gate = n.Conv(gate, squeezed, b.expanded, 1, 1, "aten::hardsigmoid");
      y = n.Op("aten::mul.Tensor", {gate, y});
    }
    y = n.Conv(y, b.expanded, b.out, 1, 1, "");
    x = b.stride == 1 && in == b.out ? n.Op("aten::add.Tensor", {y, x}) : y;
    in = b.out;
  }
  x = n.Conv(x, 160, 960, 1, 1, "aten::hardswish");
  x = n.Op("aten::adaptive_avg_pool2d", {x, n.Ints({1, 1})});
  x = n.Op("aten::flatten.using_ints", {x, n.Constant(1)});
  x = n.Op("aten::hardswish", {n.Linear(x, 960, 1280)});
  n.graph.AddOutput(n.Linear(x, 1280, 1000));
}

// Twelve layers of BERT-base over 128 tokens.
void Bert(Network& n) {
  constexpr int64_t kTokens = 128, kWidth = 768, kHeads = 12;
  Value* x = n.Input({1, kTokens, kWidth});
  Value* mask = n.Input({1, 1, 1, kTokens});
  const auto norm = [&](Value* v) {
    return n.Op("aten::layer_norm",
                {v, n.Ints({kWidth}), n.Constant(Values({kWidth})),
                 n.Constant(Values({kWidth}))});
  };
  for (int layer = 0; layer < 12; ++layer) {
    const auto heads = [&](Value* v) {
      Value* y =
          n.Op("aten::view", {n.Linear(v, kWidth, kWidth),
                              n.Ints({1, kTokens, kHeads, kWidth / kHeads})});
      return n.Op("aten::transpose.int", {y, n.Constant(1), n.Constant(2)});
    };
    Value *q = heads(x), *k = heads(x), *v = heads(x);
    Value* s = n.Op(
        "aten::matmul",
        {q, n.Op("aten::transpose.int", {k, n.Constant(-2), n.Constant(-1)})});
    s = n.Op("aten::add.Tensor",
             {n.Op("aten::div.Scalar", {s, n.Constant(8.0)}), mask});
    s = n.Op("aten::softmax.int", {s, n.Constant(-1)});
    Value* y = n.Op("aten::transpose.int", {n.Op("aten::matmul", {s, v}),
                                            n.Constant(1), n.Constant(2)});
    y = n.Op("aten::reshape", {y, n.Ints({1, kTokens, kWidth})});
    x = norm(n.Op("aten::add.Tensor", {n.Linear(y, kWidth, kWidth), x}));
    y = n.Op("aten::gelu", {n.Linear(x, kWidth, 4 * kWidth)});
    x = norm(n.Op("aten::add.Tensor", {n.Linear(y, 4 * kWidth, kWidth), x}));
  }
  n.graph.AddOutput(x);
}

// Two layers over 100 steps, as the workload "lstm" of the peers' table.
void Lstm(Network& n) {
  constexpr int64_t kWidth = 512;
  Value* x = n.Input({100, 1, kWidth});
  Value* h = n.Input({2, 1, kWidth});
  Value* c = n.Input({2, 1, kWidth});
  std::vector<Value*> weights;
  for (int layer = 0; layer < 2; ++layer) {
    weights.push_back(n.Constant(Values({4 * kWidth, kWidth})));
    weights.push_back(n.Constant(Values({4 * kWidth, kWidth})));
    weights.push_back(n.Constant(Values({4 * kWidth})));
    weights.push_back(n.Constant(Values({4 * kWidth})));
  }
  const auto list = [&](const std::vector<Value*>& values) {
    Node* l = n.graph.Create(NodeKind::kListConstruct, values);
    l->output()->set_type(Type::List(Type::Tensor()));
    return n.graph.Insert(l)->output();
  };
  n.graph.AddOutput(
      n.Op("aten::lstm.input",
           {x, list({h, c}), list(weights), n.Constant(true),
            n.Constant(int64_t{2}), n.Constant(0.0), n.Constant(false),
            n.Constant(false), n.Constant(false)}));
}

// A convolution and a product that cost next to nothing: what a group costs.
void Tiny(Network& n) {
  Value* x = n.Input({1, 64});
  for (int i = 0; i < 4; ++i) {
    x = n.Op("aten::relu", {n.Linear(x, 64, 64)});
  }
  n.graph.AddOutput(x);
}

// As many as are asked for; oneDNN brings its own.
class Threads : public TaskRunner {
 public:
  explicit Threads(int n) : n_(n) {}
  int threads() const override { return n_; }
  void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) override {
    for (int64_t i = 0; i < count; ++i) task(i);
  }

 private:
  const int n_;
};

void Run(benchmark::State& state, void (*build)(Network&), bool compile) {
  Network network;
  build(network);
  Threads threads(static_cast<int>(state.range(0)));
  CallContext context;
  context.tasks = &threads;
  ScopedContext scope(context);
  std::vector<ValueDescription> inputs;
  for (const IValue& v : network.inputs) {
    ValueDescription d;
    d.is_tensor = true;
    d.dtype = DType::kFloat;
    d.sizes.assign(v.AsTensor().sizes().begin(), v.AsTensor().sizes().end());
    d.strides = ContiguousStrides(d.sizes);
    inputs.push_back(d);
  }
  const auto backend = MakeBackend({false, 0, ""});
  auto weights = std::make_unique<PackedWeights>();
  auto executable = backend->Compile(network.graph, inputs, weights.get());
  if (!executable.ok()) {
    state.SkipWithError(executable.status().ToString().c_str());
    return;
  }
  std::vector<IValue> registers = network.inputs;
  std::vector<uint32_t> in, out;
  for (uint32_t i = 0; i < registers.size(); ++i) in.push_back(i);
  out.push_back(static_cast<uint32_t>(registers.size()));
  registers.emplace_back();
  const KernelCall call{registers.data(), in.data(), out.data(),
                        static_cast<uint32_t>(in.size()), 1};
  for (auto _ : state) {
    if (compile) {
      weights = std::make_unique<PackedWeights>();
      executable = backend->Compile(network.graph, inputs, weights.get());
    } else if (absl::Status s = (*executable)->Run(call); !s.ok()) {
      state.SkipWithError(s.ToString().c_str());
    }
  }
  if (!compile) state.SetLabel((*executable)->ToString().substr(0, 60));
}

#define TANDEM_NETWORK(name)                          \
  BENCHMARK_CAPTURE(Run, name, &name, false)          \
      ->ArgName("threads")                            \
      ->Arg(1)                                        \
      ->Arg(2)                                        \
      ->UseRealTime()                                 \
      ->MeasureProcessCPUTime()                       \
      ->Unit(benchmark::kMicrosecond);                \
  BENCHMARK_CAPTURE(Run, name##_compile, &name, true) \
      ->ArgName("threads")                            \
      ->Arg(1)                                        \
      ->Unit(benchmark::kMillisecond)
TANDEM_NETWORK(ResNet50);
TANDEM_NETWORK(MobileNet);
TANDEM_NETWORK(Bert);
TANDEM_NETWORK(Lstm);
TANDEM_NETWORK(Tiny);
#undef TANDEM_NETWORK

}  // namespace
}  // namespace tandem::onednn
