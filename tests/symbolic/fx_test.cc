// Symbolic tracing: texts are those that PyTorch recorded for the same programs
// (tests/golden/fx.py); what runs gives what eager code gives.
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/nn/nn.h"
#include "tandem/frontends/nn/script_module.h"
#include "tandem/frontends/script/printer.h"
#include "tandem/frontends/symbolic/graph_drawer.h"
#include "tandem/frontends/symbolic/interpreter.h"
#include "tandem/frontends/symbolic/lower.h"
#include "tandem/frontends/symbolic/shape_prop.h"
#include "tandem/frontends/symbolic/split_module.h"
#include "tandem/frontends/symbolic/subgraph_matcher.h"
#include "tandem/ir/canonical.h"
#include "tandem/serialization/tandem/model_file.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/serialization/torchscript/module_writer.h"

namespace tandem::fx {
namespace {

using eager::Int;
using eager::None;
using eager::Slice;
using eager::Tensor;

class FxTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    registry_ = new Registry;
    ASSERT_TRUE(reference::Register(*registry_).ok());
    context_ = new eager::Context(registry_);
    eager::SetDefaultContext(context_);
  }
  static void TearDownTestSuite() {
    delete context_;
    delete registry_;
  }
  static Registry* registry_;
  static eager::Context* context_;
};
Registry* FxTest::registry_ = nullptr;
eager::Context* FxTest::context_ = nullptr;

std::string Golden(const std::string& name) {
  std::ifstream file("tests/golden/fx/" + name);
  EXPECT_TRUE(file.good()) << name;
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

void ExpectTexts(const std::string& name, GraphModule& module) {
  EXPECT_EQ(module.graph().ToString() + "\n", Golden(name + ".graph.txt"));
  EXPECT_EQ(module.code(), Golden(name + ".code.txt"));
  module.graph().lint(&module);
}

std::string Text(const IValue& v) {
  return eager::FromIValue<Tensor>(v).ToString();
}

std::string ErrorOf(const std::function<void()>& f) {
  const absl::Status status = eager::Try(f);
  return std::string(status.message());
}

Node* NodeNamed(Graph& graph, const std::string& name) {
  for (Node* n : graph.nodes()) {
    if (NameOf(n) == name) return n;
  }
  return nullptr;
}

struct MyModule : nn::ModuleOf<MyModule> {
  Tensor param = register_parameter("param", eager::rand({3, 4}));
  nn::Ptr<nn::Linear> linear = Register<nn::Linear>("linear", 4, 5);
  Tensor forward(const Tensor& x) { return linear(x + param).clamp(0.0, 1.0); }
};

TEST_F(FxTest, DocstringIsAsPyTorchPrintsIt) {
  auto module = nn::Make<MyModule>();
  auto traced = symbolic_trace(module);
  ExpectTexts("my_module", *traced);
  EXPECT_EQ(traced->graph().tabular(), Golden("my_module.tabular.txt"));
  EXPECT_EQ(traced->ToString() + "\n", Golden("my_module.module.txt"));
  EXPECT_EQ(traced->print_readable(), Golden("my_module.readable.txt"));
  const Tensor x = eager::rand({3, 4});
  EXPECT_EQ(Text(traced->CallBoxed({eager::ToIValue(x)})),
            module(x).ToString());
  // A traced module can be traced again.
  ExpectTexts("my_module", *symbolic_trace(traced));
}

struct Many : nn::ModuleOf<Many> {
  nn::Ptr<nn::Sequential> seq = Register<nn::Sequential>(
      "seq", nn::Make<nn::Linear>(4, 4), nn::Make<nn::Linear>(4, 4));
  Tensor weight = register_parameter("weight", eager::ones({4}));
  Tensor offset = register_buffer("offset", eager::ones({4}));
  std::tuple<std::vector<IValue>, std::map<std::string, Tensor>> forward(
      Tensor x, const Tensor& y) {
    Tensor z = seq(x) + offset;
    z += 1;
    z = 2 - z;
    z = z * weight / weight;
    auto [v, i] = z.max(1, true);
    const Int s = z.shape()[0] / 2;
    const Tensor q = z.view(s, -1).index({Slice(), 0});
    const Tensor w = z.index({0, eager::Ellipsis, None, Slice(1, 3)});
    const Tensor t = eager::tensor({1., 2., 3., 4.}) + z;
    Tensor u = eager::cat({t, y}, 1).to(DType::kDouble);
    const Tensor flat = u.flatten(1);
    const Tensor sum = flat + eager::flatten(u, 1);
    u = sum + eager::gelu(u);
    u = u + std::numeric_limits<double>::infinity();
    const Int a = u.size(0) + 2;
    x.add_(1);
    const Tensor total = u.sum({0, 1}, true);
    const Tensor d = total + (u > 1);
    const Tensor same = ~(d == d);
    const Tensor e = same & (1 < d);
    const Tensor r = x.relu().permute(1, 0).reshape(a, 2);
    const Tensor m = -r % 3;
    return {{eager::ToIValue(e), eager::ToIValue(std::make_tuple(q, w))},
            {{"v", v}, {"i", i}, {"r", m}}};
  }
};

TEST_F(FxTest, OperatorsSizesAndIndexingAreAsPyTorchPrintsThem) {
  auto module = nn::Make<Many>();
  TraceOptions options;
  options.argument_names = {"x", "y"};
  auto traced = symbolic_trace(module, options);
  // A C++ map is ordered by key; Python's dict is not.
  std::string graph = traced->graph().ToString();
  const std::string ours = "{'i': getitem_1, 'r': mod, 'v': getitem}";
  const std::string theirs = "{'v': getitem, 'i': getitem_1, 'r': mod}";
  const size_t at = graph.find(ours);
  ASSERT_NE(at, std::string::npos) << graph;
  graph.replace(at, ours.size(), theirs);
  EXPECT_EQ(graph + "\n", Golden("many.graph.txt"));
  traced->graph().lint(traced.get());
}

nn::RNNOptions BatchFirst() {
  nn::RNNOptions options;
  options.batch_first = true;
  return options;
}
nn::AttentionOptions AttentionBatchFirst() {
  nn::AttentionOptions options;
  options.batch_first = true;
  return options;
}
nn::TransformerLayerOptions Encoder() {
  nn::TransformerLayerOptions options;
  options.dim_feedforward = 8;
  options.batch_first = true;
  return options;
}
nn::ConvOptions Padded() {
  nn::ConvOptions options;
  options.padding = 1;
  return options;
}
nn::ConvOptions Strided() {
  nn::ConvOptions options;
  options.stride = 2;
  return options;
}

// Layers of each group as leaves: tuples as results, arguments by name.
struct Layers : nn::ModuleOf<Layers> {
  nn::Ptr<nn::Embedding> embed = Register<nn::Embedding>("embed", 10, 4);
  nn::Ptr<nn::EmbeddingBag> bag = Register<nn::EmbeddingBag>("bag", 10, 4);
  nn::Ptr<nn::LSTM> lstm = Register<nn::LSTM>("lstm", 4, 4, BatchFirst());
  nn::Ptr<nn::GRU> gru = Register<nn::GRU>("gru", 4, 4, BatchFirst());
  nn::Ptr<nn::LSTMCell> cell = Register<nn::LSTMCell>("cell", 4, 4);
  nn::Ptr<nn::MultiheadAttention> attention = Register<nn::MultiheadAttention>(
      "attention", 4, 2, AttentionBatchFirst());
  nn::Ptr<nn::TransformerEncoderLayer> encoder =
      Register<nn::TransformerEncoderLayer>("encoder", 4, 2, Encoder());
  nn::Ptr<nn::LayerNorm> norm = Register<nn::LayerNorm>("norm", 4);
  nn::Ptr<nn::Conv1d> conv = Register<nn::Conv1d>("conv", 4, 6, 3, Padded());
  nn::Ptr<nn::ConvTranspose1d> up =
      Register<nn::ConvTranspose1d>("up", 6, 4, 2, Strided());
  nn::Ptr<nn::AdaptiveAvgPool1d> pool =
      Register<nn::AdaptiveAvgPool1d>("pool", 2);
  nn::Ptr<nn::Sequential> head = Register<nn::Sequential>(
      "head", nn::Make<nn::Flatten>(), nn::Make<nn::Linear>(8, 8),
      nn::Make<nn::GELU>(), nn::Make<nn::Dropout>(0.1));
  nn::Ptr<nn::MSELoss> loss = Register<nn::MSELoss>("loss");

  std::tuple<Tensor, Tensor, Tensor> forward(const Tensor& ids,
                                             const Tensor& offsets,
                                             const Tensor& mask) {
    const Tensor x = embed(ids);
    const auto [y, states] = lstm(x);
    const auto [h, c] = states;
    const auto [z, last] = gru(y, h);
    const auto [a, w] = attention(z, z, z, Tensor(), false, mask);
    const Tensor e = encoder(a, mask);
    const Tensor n = norm(e + x);
    const Tensor p = conv(n.transpose(1, 2));
    const Tensor q = pool(up(p));
    const Tensor r = head(q);
    const Tensor input = last.squeeze(0);
    const Tensor h0 = h.squeeze(0);
    const Tensor c0 = c.squeeze(0);
    const auto [hx, cx] = cell(input, std::make_tuple(h0, c0));
    const Tensor b = bag(ids.flatten(), offsets);
    return {r, loss(hx, cx), b};
  }
};

TEST_F(FxTest, LayersAreLeaves) {
  auto module = nn::Make<Layers>();
  module->eval();
  TraceOptions options;
  options.argument_names = {"ids", "offsets", "mask"};
  auto traced = symbolic_trace(module, options);
  ExpectTexts("layers", *traced);
  EXPECT_EQ(traced->print_readable(), Golden("layers.readable.txt"));
  const Tensor ids = eager::tensor({{1, 2, 3}, {4, 5, 6}});
  const Tensor offsets = eager::tensor({0, 2});
  const Tensor mask = eager::zeros({3, 3});
  const std::vector<IValue> args = {
      eager::ToIValue(ids), eager::ToIValue(offsets), eager::ToIValue(mask)};
  const auto want = module(ids, offsets, mask);
  using Results = std::tuple<Tensor, Tensor, Tensor>;
  const auto expect_same = [&](const IValue& result) {
    const Results got = eager::FromIValue<Results>(result);
    EXPECT_EQ(std::get<0>(got).ToString(), std::get<0>(want).ToString());
    EXPECT_EQ(std::get<1>(got).ToString(), std::get<1>(want).ToString());
    EXPECT_EQ(std::get<2>(got).ToString(), std::get<2>(want).ToString());
  };
  expect_same(traced->CallBoxed(args));
}

TEST_F(FxTest, PicturesAreWrittenByGraphviz) {
  auto traced = symbolic_trace(nn::Make<MyModule>());
  const std::string path = testing::TempDir() + "/my 'module'.svg";
  const absl::Status written = WriteSvg(*traced, path, "MyModule");
  if (absl::IsNotFound(written)) {
    GTEST_SKIP() << written.message();
  }
  ASSERT_TRUE(written.ok()) << written;
  std::ifstream file(path);
  std::stringstream svg;
  svg << file.rdbuf();
  EXPECT_NE(svg.str().find("<svg"), std::string::npos);
  EXPECT_NE(svg.str().find("linear"), std::string::npos);
}

TEST_F(FxTest, CallsAreSpelledAsInPython) {
  auto traced = symbolic_trace(
      [](const Tensor& x, const Tensor& y, const Tensor& w, const Tensor& b) {
        const Tensor a = eager::conv2d(x, w, b, 2, 1);
        const Tensor c = a.mean({2, 3});
        const Tensor d = eager::matmul(c, y);
        const Tensor h = eager::where(d > 0, d, c);
        const Tensor i = h.transpose(0, 1).contiguous();
        const Tensor u = i.unsqueeze(0);
        const Tensor j = eager::bmm(u, i.index({None}));
        const Tensor k = eager::addmm(d, d, d, 0.5);
        const Tensor l = k.softmax(-1);
        const Tensor m = l.argmax(1);
        const Tensor o = eager::stack({l, l}, 0).squeeze(0);
        const auto parts = o.chunk(2, 1);
        const Tensor power = parts[0].pow(2);
        const Tensor r = power + parts[1] * parts[1];
        const Tensor s = 1 / r;
        const Tensor t = s.masked_fill(s > 1, 0.0);
        const Tensor v = t.to(Device()).type_as(t);
        const Tensor total = l.sum(1, true), least = l.clamp_min(0.0);
        const Tensor log = l.abs().log1p(), minus = -l;
        const Tensor dropped = eager::dropout(l, 0.5, false);
        const Tensor across = l.numpy_T();
        return std::vector<IValue>{eager::ToIValue(std::vector<Tensor>{
            j, m, v, total, least, log, minus, across, dropped})};
      },
      {{"x", "y", "w", "b"}, {}, {}, ""});
  // The result is a list of one list here.
  std::string graph = traced->graph().ToString();
  const size_t at = graph.rfind("return [[");
  ASSERT_NE(at, std::string::npos) << graph;
  graph = graph.substr(0, at) + "return (" + graph.substr(at + 9);
  graph.replace(graph.rfind("]]"), 2, ")");
  EXPECT_EQ(graph + "\n", Golden("spelled.graph.txt"));
  const auto random = [](std::initializer_list<Int> sizes) {
    return eager::ToIValue(eager::rand(sizes));
  };
  traced->CallBoxed({random({3, 2, 8, 8}), random({3, 3}), random({3, 2, 3, 3}),
                     random({3})});
}

TEST_F(FxTest, MethodsWithReducedArgumentsRun) {
  auto traced = symbolic_trace([](const Tensor& x) {
    const Int half = x.size(0) / 2;
    const Tensor y = x.index({Slice(None, half), eager::Ellipsis, None});
    auto parts = eager::chunk(x, 2, 1);
    return std::make_tuple(y.sum(1), parts[0] - 2 * parts[1],
                           1 / x.to(DType::kDouble), x.view(-1, half));
  });
  const Tensor x = eager::arange(16).reshape(4, 4) + 1;
  auto [a, b, c, d] =
      eager::FromIValue<std::tuple<Tensor, Tensor, Tensor, Tensor>>(
          traced->CallBoxed({eager::ToIValue(x)}));
  EXPECT_EQ(a.ToString(),
            x.index({Slice(0, 2)}).unsqueeze(-1).sum(1).ToString());
  EXPECT_EQ(b.sizes().ToDims(), Dims({4, 2}));
  EXPECT_EQ(c.dtype(), DType::kDouble);
  EXPECT_EQ(d.sizes().ToDims(), Dims({8, 2}));
}

struct Fixed : nn::ModuleOf<Fixed> {
  Tensor forward(Tensor x, std::optional<bool> flag,
                 const std::optional<Tensor>& n) {
    if (*flag) x = x + 1;
    if (!n.has_value()) x = x * 2;
    return x;
  }
};

TEST_F(FxTest, ConcreteArgumentsAreAsserted) {
  auto module = nn::Make<Fixed>();
  TraceOptions options;
  options.argument_names = {"x", "flag", "n"};
  options.defaults = {{"flag", true}, {"n", None}};
  options.concrete_args = {{"flag", true}, {"n", None}};
  auto traced = symbolic_trace(module, options);
  ExpectTexts("fixed", *traced);
  const Tensor x = eager::tensor({1., 2.});
  EXPECT_EQ(Text(traced->CallBoxed({eager::ToIValue(x)})), "tensor([4., 6.])");
  EXPECT_EQ(ErrorOf([&] {
              traced->CallBoxed({eager::ToIValue(x), IValue(false)});
            }),
            "flag has been specialized to have value True but got another "
            "value");
}

TEST_F(FxTest, NamedFunctionsStayCalls) {
  auto traced = symbolic_trace([](const Tensor& x) {
    return eager::CallNamed<Tensor>(
               "__main__.my_fn",
               [](const Tensor& t, int64_t n) { return t * n; }, x,
               int64_t{3}) +
           1;
  });
  ExpectTexts("wrapped", *traced);
  const IValue x = eager::ToIValue(eager::tensor({1., 2.}));
  EXPECT_NE(ErrorOf([&] { traced->CallBoxed({x}); }).find("my_fn"),
            std::string::npos);
  traced->functions()["__main__.my_fn"] = [](std::vector<IValue> args) {
    return eager::ToIValue(eager::FromIValue<Tensor>(args[0]) *
                           args[1].AsInt());
  };
  EXPECT_EQ(Text(traced->CallBoxed({x})), "tensor([4., 7.])");
}

TEST_F(FxTest, ValuesThatDecideAreRefusedInPyTorchsWords) {
  const auto error = [](auto f) { return ErrorOf([&] { symbolic_trace(f); }); };
  std::stringstream golden(Golden("errors.txt"));
  std::string line;
  const auto next = [&] {
    std::getline(golden, line);
    return line;
  };
  EXPECT_EQ(next(),
            error([](const Tensor& x) { return x.sum() > 0 ? x : x + 1; }));
  EXPECT_EQ(next(), error([](const Tensor& x) { return x.unbind()[0]; }));
  EXPECT_EQ(next(), error([](const Tensor& x) { return x + x.len(); }));
  EXPECT_EQ(next(),
            error([](const Tensor& x) { return x + static_cast<int64_t>(x); }));
  next();  // float(x), which is x.item() in C++
  EXPECT_EQ(next(), error([](const Tensor& x) {
              Tensor y = x;
              for (int64_t i = 0; i < static_cast<int64_t>(x.size(0)); ++i) {
                y = y + 1;
              }
              return y;
            }));
  EXPECT_EQ(next(), error([](const Tensor& x) {
              x.set({0}, 1);
              return x;
            }));
}

TEST_F(FxTest, EditingKeepsNamesAndOrder) {
  auto traced = symbolic_trace(
      [](const Tensor& x, const Tensor& y) { return eager::relu(x + y).neg(); },
      {{"x", "y"}, {}, {}, ""});
  Graph& graph = traced->graph();
  Node* add = NodeNamed(graph, "add");
  Node* relu = NodeNamed(graph, "relu");
  Node* mul = nullptr;
  {
    const auto at = graph.inserting_after(add);
    mul = graph.call_method("mul", {add, 2.5});
  }
  SetArgs(relu, {mul});
  Node* sub = nullptr;
  {
    const auto at = graph.inserting_before(relu);
    sub = graph.call_function("torch.sub", {mul, add}, {{"alpha", 3}});
  }
  Node* neg = NodeNamed(graph, "neg");
  EXPECT_EQ(ErrorOf([&] { graph.erase_node(neg); }),
            "Tried to erase Node neg but it still had 1 users in the graph: "
            "{output: None}!");
  ReplaceAllUsesWith(neg, relu);
  graph.erase_node(neg);
  ReplaceInputWith(relu, mul, sub);
  {
    const auto at = graph.inserting_after(relu);
    graph.call_method("max", {relu}, {{"dim", -1}});
  }
  ExpectTexts("edits", *traced);
  EXPECT_TRUE(graph.eliminate_dead_code());
  ExpectTexts("edits_live", *traced);
  const Tensor x = eager::tensor({1., -2.});
  EXPECT_EQ(Text(traced->CallBoxed({eager::ToIValue(x), eager::ToIValue(x)})),
            "tensor([0., 2.])");
  graph.move_before(sub, add);
  EXPECT_NE(ErrorOf([&] { graph.lint(); })
                .find("Argument 'mul' of Node 'sub' was used before it has "
                      "been defined!"),
            std::string::npos);
}

struct Stacks : nn::ModuleOf<Stacks> {
  Tensor forward(const Tensor& x, const Tensor& w1, const Tensor& w2) {
    const Tensor m1 = eager::cat({w1, w2}).sum();
    const Tensor m2 = eager::cat({w1, w2}).sum();
    const Tensor a = x + eager::max(m1);
    return a + eager::max(m2);
  }
};

TEST_F(FxTest, PatternsAreReplaced) {
  auto traced =
      symbolic_trace(nn::Make<Stacks>(), {{"x", "w1", "w2"}, {}, {}, ""});
  const auto replaced = replace_pattern(
      *traced,
      [](const Tensor& a, const Tensor& b) {
        return eager::cat({a, b}).sum();
      },
      [](const Tensor& a, const Tensor& b) {
        return eager::stack({a, b});
      });
  EXPECT_EQ(replaced.size(), 2u);
  EXPECT_EQ(NameOf(replaced[0].replacements[0]), "stack");
  ExpectTexts("stacks", *traced);
}

class NegSigmoid : public Transformer {
 public:
  using Transformer::Transformer;
  IValue call_function(const std::string& target, Values args,
                       KeywordValues kwargs) override {
    if (target == "torch.sigmoid") {
      return eager::ToIValue(eager::neg(eager::FromIValue<Tensor>(args[0])));
    }
    return Transformer::call_function(target, args, kwargs);
  }
  IValue call_method(const std::string& target, Values args,
                     KeywordValues kwargs) override {
    if (target == "neg") {
      return eager::ToIValue(eager::FromIValue<Tensor>(args[0]).sigmoid());
    }
    return Transformer::call_method(target, args, kwargs);
  }
};

TEST_F(FxTest, TransformersMakeNewGraphs) {
  auto traced = symbolic_trace(
      [](const Tensor& x) { return eager::sigmoid(x).neg() + 1; });
  auto transformed = NegSigmoid(*traced).transform();
  ExpectTexts("transformed", *transformed);
}

struct Parts : nn::ModuleOf<Parts> {
  Tensor param = register_parameter("param", eager::rand({3, 4}));
  nn::Ptr<nn::Linear> linear = Register<nn::Linear>("linear", 4, 5);
  Tensor forward(const Tensor& x, const Tensor& y) {
    const Tensor z = linear(x + param).clamp(0.0, 1.0);
    const Tensor w = linear(y).clamp(0.0, 1.0);
    return z + w;
  }
};

TEST_F(FxTest, ModulesAreSplit) {
  auto module = nn::Make<Parts>();
  auto traced = symbolic_trace(module, {{"x", "y"}, {}, {}, ""});
  int counter = 0;
  auto split =
      split_module(*traced, [&](const Node*) { return counter++ % 3; });
  ExpectTexts("parts", *split);
  EXPECT_EQ(split->print_readable(), Golden("parts.readable.txt"));
  for (int k = 0; k < 3; ++k) {
    auto* part = static_cast<GraphModule*>(
        split->FindModule("submod_" + std::to_string(k)));
    ASSERT_NE(part, nullptr);
    EXPECT_EQ(part->code(), Golden("parts_" + std::to_string(k) + ".code.txt"));
  }
  const Tensor x = eager::rand({3, 4}), y = eager::rand({3, 4});
  EXPECT_EQ(Text(split->CallBoxed({eager::ToIValue(x), eager::ToIValue(y)})),
            module(x, y).ToString());
}

TEST_F(FxTest, ShapesArePropagatedAndDrawn) {
  auto traced = symbolic_trace(nn::Make<MyModule>());
  ShapeProp(*traced).propagate({eager::ToIValue(eager::rand({3, 4}))});
  Node* linear = NodeNamed(traced->graph(), "linear");
  ASSERT_NE(TensorMetaOf(linear), nullptr);
  EXPECT_EQ(*TensorMetaOf(linear)->details().sizes,
            (std::vector<int64_t>{3, 5}));
  const std::string dot = GraphToDot(*traced, "MyModule");
  EXPECT_NE(dot.find("\"add\" -> \"linear\";"), std::string::npos) << dot;
  EXPECT_NE(dot.find("Float(3, 5"), std::string::npos);
}

TEST_F(FxTest, LoweredModulesRunInTheEngine) {
  auto module = nn::Make<MyModule>();
  auto traced = symbolic_trace(module);
  auto lowered = lower_fx(*traced);
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  EXPECT_EQ(lowered->type().name(), "__torch__.torch.fx.graph_module.MyModule");
  EXPECT_EQ(lowered->Children()[0].second.type().name(),
            "__torch__.torch.nn.modules.linear.Linear");
  const Tensor x = eager::rand({3, 4});
  auto y = context_->engine().Call(*lowered, "forward", {eager::ToIValue(x)});
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_EQ(Text(*y), module(x).ToString());
  EXPECT_EQ(lowered->FindMethod("forward")->graph()->ToString(false),
            R"(graph(%self : __torch__.torch.fx.graph_module.MyModule,
      %x : Tensor):
  %param : Tensor = prim::GetAttr[name="param"](%self)
  %3 : int = prim::Constant[value=1]()
  %add : Tensor = aten::add(%x, %param, %3)
  %linear.1 : __torch__.torch.nn.modules.linear.Linear = prim::GetAttr[name="linear"](%self)
  %linear : Tensor = prim::CallMethod[name="forward"](%linear.1, %add)
  %7 : float = prim::Constant[value=0.]()
  %8 : float = prim::Constant[value=1.]()
  %clamp : Tensor = aten::clamp(%linear, %7, %8)
  return (%clamp)
)");
}

TEST_F(FxTest, LoweredModulesAreSaved) {
  auto traced = symbolic_trace(nn::Make<MyModule>());
  auto lowered = lower_fx(*traced);
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  auto code = script::PrintFunction(*lowered->FindMethod("forward"));
  ASSERT_TRUE(code.ok()) << code.status();
  EXPECT_EQ(*code, R"(def forward(self,
    x: Tensor) -> Tensor:
  param = self.param
  add = torch.add(x, param)
  linear = self.linear
  linear0 = (linear).forward(add, )
  return torch.clamp(linear0, 0., 1.)
)");
  const IValue x = eager::ToIValue(eager::rand({3, 4}));
  const std::string want = Text(traced->CallBoxed({x}));
  const std::string folder = testing::TempDir();
  ASSERT_TRUE(SaveModule(*lowered, folder + "/fx.pt", {}).ok());
  ASSERT_TRUE(SaveTandem(*lowered, folder + "/fx.tandem").ok());
  auto from_pt = LoadModule(folder + "/fx.pt");
  auto from_tandem = LoadTandem(folder + "/fx.tandem");
  for (const auto* loaded : {&from_pt, &from_tandem}) {
    ASSERT_TRUE(loaded->ok()) << loaded->status();
    EXPECT_EQ((*loaded)->Children()[0].first, "linear");
    auto y = context_->engine().Call(**loaded, "forward", {x});
    ASSERT_TRUE(y.ok()) << y.status();
    EXPECT_EQ(Text(*y), want);
  }
}

struct Hybrid : nn::ModuleOf<Hybrid> {
  explicit Hybrid(const tandem::Module& scripted)
      : gate(Register<nn::ScriptModule>("gate", scripted)) {}
  nn::Ptr<nn::ScriptModule> gate;
  Tensor forward(const Tensor& x) {
    const Tensor y = gate(x);
    return y + 1;
  }
};

TEST_F(FxTest, ScriptedModulesAreLeaves) {
  auto lowered = lower_fx(*symbolic_trace(nn::Make<MyModule>()));
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  auto module = nn::Make<Hybrid>(*lowered);
  auto traced = symbolic_trace(module);
  EXPECT_EQ(FormatNode(NodeNamed(traced->graph(), "gate")),
            "%gate : [num_users=1] = call_module[target=gate](args = (%x,), "
            "kwargs = {})");
  const Tensor x = eager::rand({3, 4});
  EXPECT_EQ(Text(traced->CallBoxed({eager::ToIValue(x)})),
            module(x).ToString());
  EXPECT_FALSE(lower_fx(*traced).ok());
}

TEST_F(FxTest, GraphsHaveCanonicalText) {
  auto traced = symbolic_trace(nn::Make<Many>(), {{"x", "y"}, {}, {}, ""});
  auto text = PrintCanonical(traced->graph().ir());
  ASSERT_TRUE(text.ok()) << text.status();
  auto parsed = ParseGraph(*text);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(*PrintCanonical(**parsed), *text);
  auto graph = Graph::FromIr(*std::move(parsed));
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ((*graph)->ToString(), traced->graph().ToString());
  EXPECT_EQ((*graph)->python_code(), traced->code());
  EXPECT_EQ(NameOf((*graph)->call_method("neg", {(*graph)->nodes()[0]})),
            "neg_1");
  // What is malformed is refused, not used.
  for (const char* bad : {
           "graph(%x : Tensor):\n  return (%x)\n",
           "graph():\n  %x : int = prim::Constant[value=1]()\n  return ()\n",
           "graph():\n  %x : Tensor = fx::placeholder()\n  return ()\n",
       }) {
    auto ir = ParseGraph(bad);
    ASSERT_TRUE(ir.ok()) << ir.status();
    EXPECT_FALSE(Graph::FromIr(*std::move(ir)).ok()) << bad;
  }
}

TEST_F(FxTest, AnnotationsAndRestArgumentsArePrinted) {
  auto traced = symbolic_trace([](const Tensor& x) { return x.relu(); });
  for (Node* n : traced->graph().nodes()) SetTypeExpr(n, "torch.Tensor");
  traced->graph().placeholder("*args");
  ExpectTexts("typed", *traced);
}

// What other tracers of Python write: functions of torch.nn.functional,
// aliases, attributes.
TEST_F(FxTest, PythonsFunctionsRunAndAreLowered) {
  Graph g;
  Node* x = g.placeholder("x");
  Node* relu =
      g.call_function("torch.nn.functional.relu", {x}, {{"inplace", false}});
  Node* softmax =
      g.call_function("torch.nn.functional.softmax", {relu},
                      {{"dim", -1}, {"_stacklevel", 3}, {"dtype", None}});
  Node* shape = g.call_function("builtins.getattr", {x, "shape"});
  Node* size = g.call_function("operator.getitem", {shape, 0});
  Node* half = g.call_function("operator.floordiv", {size, 2});
  Node* mean =
      g.call_method("mean", {softmax}, {{"axis", 1}, {"keepdims", true}});
  Node* cast = g.call_method("double", {mean});
  Node* view = g.call_method("view", {cast, half, -1});
  Node* cat = g.call_function(
      "torch.cat", {}, {{"tensors", Argument::List({view, view})}, {"dim", 0}});
  Node* power = g.call_function("operator.pow", {cat, 2});
  Node* sub = g.call_function("operator.sub", {1, power});
  g.output(Argument::Tuple({sub, g.call_method("size", {x})}));
  FunctionModule root("F", 1, nullptr);
  GraphModule module(root, g.Clone());
  const Tensor t = eager::arange(8).reshape(4, 2).to(DType::kFloat);
  const IValue got = module.CallBoxed({eager::ToIValue(t)});
  const Tensor m =
      eager::softmax(t, -1).mean({1}, true).to(DType::kDouble).view(2, -1);
  EXPECT_EQ(Text(got.AsTuple().values[0]),
            (1 - eager::cat({m, m}).pow(2)).ToString());
  auto lowered = lower_fx(module);
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  auto engine =
      context_->engine().Call(*lowered, "forward", {eager::ToIValue(t)});
  ASSERT_TRUE(engine.ok()) << engine.status();
  EXPECT_EQ(Text(engine->AsTuple().values[0]), Text(got.AsTuple().values[0]));
  EXPECT_EQ(engine->AsTuple().values[1].ToString(), "[4, 2]");
}

struct Scaled : nn::ModuleOf<Scaled> {
  nn::Ptr<nn::Linear> other = Register<nn::Linear>("other", 5, 5);
  Tensor forward(const Tensor& x) { return other(x); }
};

TEST_F(FxTest, ReplacementsBringTheirModules) {
  auto traced = symbolic_trace(nn::Make<MyModule>());
  replace_pattern(
      *traced, [](const Tensor& x) { return x.clamp(0.0, 1.0); },
      nn::Make<Scaled>());
  traced->recompile();
  EXPECT_NE(traced->FindModule("other"), nullptr);
  EXPECT_EQ(NodeNamed(traced->graph(), "clamp"), nullptr);
  traced->CallBoxed({eager::ToIValue(eager::rand({3, 4}))});
  EXPECT_EQ(traced->Pruned()->children().size(), 2u);
}

TEST_F(FxTest, LoweringKnowsSizesIndicesTuplesAndNumbers) {
  auto traced = symbolic_trace([](const Tensor& x) {
    const Int half = x.size(0) / 2 + 1 - x.shape()[1] % 2;
    auto [v, i] = x.max(1, false);
    Tensor y = x.index({Slice(None, half), eager::Ellipsis, None}) * 2;
    y += 1;
    return std::make_tuple(y, 2 - v / 3, i, x.view(-1, 2) > 1,
                           eager::softmax(x.to(DType::kFloat), 1));
  });
  auto lowered = lower_fx(*traced);
  ASSERT_TRUE(lowered.ok()) << lowered.status();
  const IValue x = eager::ToIValue(eager::arange(16).reshape(4, 4));
  const IValue want = traced->CallBoxed({x});
  auto got = context_->engine().Call(*lowered, "forward", {x});
  ASSERT_TRUE(got.ok()) << got.status();
  for (size_t k = 0; k < 5; ++k) {
    EXPECT_EQ(Text(got->AsTuple().values[k]), Text(want.AsTuple().values[k]))
        << k;
  }
  auto refused = symbolic_trace([](const Tensor& x) { return x + 1; });
  Graph& graph = refused->graph();
  SetTarget(NodeNamed(graph, "add"), "torch.no_such_function");
  EXPECT_EQ(lower_fx(*refused).status().message(),
            "lower_fx: %add : [num_users=1] = "
            "call_function[target=torch.no_such_function](args = (%x, 1), "
            "kwargs = {}): there is no operator 'aten::no_such_function'");
}

}  // namespace
}  // namespace tandem::fx
