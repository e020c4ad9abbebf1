// The hybrid programs of the tutorials, from C++: graphs, code and warnings as
// PyTorch recorded them.
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/nn/script_module.h"
#include "tandem/ir/class_type.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/serialization/torchscript/module_writer.h"
#include "tandem/tests/tracer/tracing_test_base.h"

namespace tandem {
namespace {

using eager::Tensor;
using Two = std::tuple<Tensor, Tensor>;

constexpr char kBoolean[] =
    "Converting a tensor to a Python boolean might cause the trace to be "
    "incorrect. We can't record the data flow of Python values, so this value "
    "will be treated as a constant in the future. This means that the trace "
    "might not generalize to other inputs!";

struct MyDecisionGate : nn::ModuleOf<MyDecisionGate> {
  Tensor forward(const Tensor& given) {
    const Tensor x = eager::Named("x", given);
    if (static_cast<bool>(x.sum() > 0)) return x;
    return -x;
  }
};

// The cell of the tutorial, with a gate that may be scripted.
struct MyCell : nn::ModuleOf<MyCell> {
  MyCell(int64_t width, std::shared_ptr<nn::Module> gate)
      : dg(std::move(gate)) {
    if (dg != nullptr) register_module("dg", dg);
    linear = Register<nn::Linear>("linear", width, width);
  }
  Two forward(const Tensor& x, const Tensor& h) {
    Tensor lin = linear(x);
    if (dg != nullptr) {
      lin = eager::FromIValue<Tensor>(dg->CallBoxed({eager::ToIValue(lin)}));
    }
    const Tensor new_h = tanh(lin + h);
    return {new_h, new_h};
  }
  std::shared_ptr<nn::Module> dg;
  nn::Ptr<nn::Linear> linear;
};

// Compiles a class whose attributes are those of `members`, and makes one.
Module Scripted(const std::shared_ptr<CompilationUnit>& unit,
                const std::string& name, const std::string& source,
                std::vector<std::pair<std::string, IValue>> members) {
  const std::vector<IValue> constants;
  script::SourceImporter importer(
      unit.get(), &constants,
      [&](absl::string_view qualifier)
          -> absl::StatusOr<std::shared_ptr<const Source>> {
        if (qualifier != "__torch__") return nullptr;
        return std::make_shared<const Source>(source, "tutorial.py");
      },
      3);
  const absl::StatusOr<TypePtr> type =
      importer.LoadType(absl::StrCat("__torch__.", name));
  if (!type.ok()) {
    ADD_FAILURE() << type.status();
    return Module();
  }
  Ref<ModuleObject> object = NewObject(*(*type)->AsClass());
  for (auto& [attribute, value] : members) {
    EXPECT_TRUE(object->SetAttribute(attribute, std::move(value)).ok());
  }
  return Module(unit, std::move(object));
}

Module ScriptedGate(const std::shared_ptr<CompilationUnit>& unit) {
  return Scripted(unit, "MyDecisionGate",
                  R"(class MyDecisionGate(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  def forward(self: __torch__.MyDecisionGate,
    x: Tensor) -> Tensor:
    if bool(torch.gt(torch.sum(x), 0)):
      _0 = x
    else:
      _0 = torch.neg(x)
    return _0
)",
                  {{"training", IValue(true)}});
}

class TutorialTest : public TracingTest {
 protected:
  std::shared_ptr<CompilationUnit> unit_ = std::make_shared<CompilationUnit>();
  tracer::Options In(std::vector<std::string> arguments) {
    tracer::Options options = Arguments(std::move(arguments));
    options.unit = unit_;
    return options;
  }
};

TEST_F(TutorialTest, Functions) {
  const eager::ScriptFunction fn =
      tracer::Trace([](const Tensor& x) { return abs(2 * x); },
                    {eager::rand(eager::IntList{})}, Named("fn", {"x"}));
  EXPECT_EQ(GraphOf(fn), Golden("hybrid_fn.graph.txt"));
  EXPECT_EQ(CodeOf(fn), Golden("hybrid_fn.code.txt"));
  struct TracedModule : nn::ModuleOf<TracedModule> {
    Tensor forward(const Tensor& given) {
      const Tensor x = eager::Named("x", given.type(DType::kFloat));
      return floor(sqrt(x) / 5.);
    }
  };
  const Module module =
      tracer::Trace(nn::Make<TracedModule>(), {eager::rand(eager::IntList{})},
                    Arguments({"x"}));
  EXPECT_EQ(GraphOf(module), Golden("hybrid_traced_module.graph.txt"));
  EXPECT_EQ(CodeOf(module), Golden("hybrid_traced_module.code.txt"));
  EXPECT_TRUE(warnings_.empty());
  // The trace runs as the program does.
  const Tensor y = fn(eager::tensor({-1.5, 2.}));
  EXPECT_EQ(y.ToString(), "tensor([3., 4.])");
}

TEST_F(TutorialTest, CellOfOneLinear) {
  eager::manual_seed(191009);
  auto cell = nn::Make<MyCell>(4, nullptr);
  const Tensor x = eager::rand({3, 4}), h = eager::rand({3, 4});
  const Module traced = tracer::Trace(cell, {x, h}, In({"x", "h"}));
  EXPECT_EQ(GraphOf(traced), Golden("intro2_cell_linear_traced.graph.txt"));
  EXPECT_EQ(CodeOf(traced), Golden("intro2_cell_linear_traced.code.txt"));
  EXPECT_EQ(CodeOf(*traced.Children()[0].second.FindMethod("forward")),
            "def forward(self,\n    x: Tensor) -> Tensor:\n  bias = self.bias\n"
            "  weight = self.weight\n  return torch.linear(x, weight, bias)");
  EXPECT_TRUE(warnings_.empty());
  auto script = nn::Make<nn::ScriptModule>(traced);
  const Two out = script(x, h);
  const Two want = cell(x, h);
  EXPECT_EQ(std::get<0>(out).ToString(), std::get<0>(want).ToString());
}

TEST_F(TutorialTest, ModuleWithParameterOfItsOwn) {
  struct MyModule : nn::ModuleOf<MyModule> {
    Tensor param = register_parameter("param", eager::rand({3, 4}));
    nn::Ptr<nn::Linear> linear = Register<nn::Linear>("linear", 4, 5);
    Tensor forward(const Tensor& x) {
      return linear(x + param).clamp(0.0, 1.0);
    }
  };
  const Module traced =
      tracer::Trace(nn::Make<MyModule>(), {eager::rand({3, 4})}, In({"x"}));
  EXPECT_EQ(GraphOf(traced), Golden("fx_my_module_traced.graph.txt"));
  EXPECT_EQ(CodeOf(traced), Golden("fx_my_module_traced.code.txt"));
}

TEST_F(TutorialTest, TracedGateLosesItsBranch) {
  auto gate = nn::Make<MyDecisionGate>();
  auto cell = nn::Make<MyCell>(4, gate);
  // The inputs of the recording: the branch that gives x itself.
  const Tensor x = eager::ones({3, 4}), h = eager::rand({3, 4});
  cell->linear->weight.fill_(0.25);
  tracer::Options options = In({"x", "h"});
  options.check_trace = false;
  const Module traced = tracer::Trace(cell, {x, h}, options);
  EXPECT_EQ(warnings_, std::vector<std::string>{kBoolean});
  EXPECT_EQ(GraphOf(traced), Golden("intro2_cell_dg_traced.graph.txt"));
  EXPECT_EQ(CodeOf(traced), Golden("intro2_cell_dg_traced.code.txt"));
  const Module dg = traced.Children()[0].second;
  EXPECT_EQ(GraphOf(dg), Golden("intro2_cell_dg_traced.dg.graph.txt"));
  EXPECT_EQ(CodeOf(dg), Golden("intro2_cell_dg_traced.dg.code.txt"));
}

TEST_F(TutorialTest, LoopOverTracedCellWithScriptedGate) {
  const Module gate = ScriptedGate(unit_);
  auto cell = nn::Make<MyCell>(4, nn::Make<nn::ScriptModule>(gate));
  const Tensor x = eager::rand({3, 4}), h = eager::rand({3, 4});
  const Module traced = tracer::Trace(cell, {x, h}, In({"x", "h"}));
  EXPECT_TRUE(warnings_.empty());
  const Module loop =
      Scripted(unit_, "MyRNNLoop",
               R"(class MyRNNLoop(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  _is_full_backward_hook : Optional[bool]
  cell : __torch__.MyCell
  def forward(self: __torch__.MyRNNLoop,
    xs: Tensor) -> Tuple[Tensor, Tensor]:
    h = torch.zeros([3, 4])
    y = torch.zeros([3, 4])
    y0 = y
    h0 = h
    for i in range(torch.size(xs, 0)):
      cell = self.cell
      _1 = (cell).forward(torch.select(xs, 0, i), h0, )
      y1, h1, = _1
      y0, h0 = y1, h1
    return (y0, h0)
)",
               {{"training", IValue(true)}, {"cell", IValue(traced.object())}});
  ASSERT_TRUE(loop.valid());
  EXPECT_EQ(CodeOf(loop), Golden("intro2_rnn_loop.code.txt"));

  struct WrapRNN : nn::ModuleOf<WrapRNN> {
    explicit WrapRNN(const tandem::Module& script)
        : loop(Register<nn::ScriptModule>("loop", script)) {}
    Tensor forward(const Tensor& xs) {
      const Two out = loop(xs);
      return relu(eager::Named("y", std::get<0>(out)));
    }
    nn::Ptr<nn::ScriptModule> loop;
  };
  auto wrap = nn::Make<WrapRNN>(loop);
  const Tensor xs = eager::rand({10, 3, 4});
  const Module wrapped = tracer::Trace(wrap, {xs}, In({"xs"}));
  EXPECT_TRUE(warnings_.empty());
  EXPECT_EQ(GraphOf(wrapped), Golden("intro2_wrap_rnn.graph.txt"));
  EXPECT_EQ(CodeOf(wrapped), Golden("intro2_wrap_rnn.code.txt"));
  EXPECT_EQ(wrapped.type().name(), "__torch__.WrapRNN");

  // Saved, loaded, run: any number of turns.
  const std::string path = absl::StrCat(getenv("TEST_TMPDIR"), "/wrap_rnn.pt");
  SaveOptions save;
  save.engine = &context_->engine();
  ASSERT_EQ(SaveModule(wrapped, path, save), absl::OkStatus());
  const absl::StatusOr<Module> loaded = LoadModule(path);
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(CodeOf(*loaded), CodeOf(wrapped));
  auto again = nn::Make<nn::ScriptModule>(*loaded);
  const Tensor longer = eager::randn({7, 3, 4});
  const Tensor got = again(longer), want = wrap(longer);
  EXPECT_EQ(got.ToString(), want.ToString());
}

}  // namespace
}  // namespace tandem
