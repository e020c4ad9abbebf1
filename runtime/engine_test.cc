#include "tandem/runtime/engine.h"

#include <pthread.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/plan.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;

absl::StatusOr<Tensor> TwiceKernel(const Tensor& self) {
  auto t = Tensor::Empty(self.sizes(), DType::kFloat);
  if (!t.ok()) return t;
  for (int64_t i = 0; i < self.numel(); ++i) {
    t->data<float>()[i] = 2 * self.data<float>()[i];
  }
  return t;
}

absl::StatusOr<Tensor> FailingKernel(const Tensor&) {
  return absl::InvalidArgumentError("it went wrong");
}

// Functions written node by node, with kernels of the test's own.
class EngineTest : public ::testing::Test {
 protected:
  EngineTest() : engine_(&registry_, {{"test"}, 1, 0}) {
    EXPECT_TRUE(registry_.Kernel("test", "aten::relu", &TwiceKernel).ok());
    EXPECT_TRUE(registry_.Kernel("test", "aten::sigmoid", &FailingKernel).ok());
  }

  const Operator* Op(const char* name, const char* overload = "") {
    const Operator* op = OperatorTable::Builtin().Find(name, overload);
    EXPECT_NE(op, nullptr) << name << "." << overload;
    return op;
  }

  Function* AddFunction(const char* name, std::unique_ptr<Graph> graph) {
    Function* f = unit_.AddFunction(name);
    FunctionSchema schema;
    schema.name = name;
    for (Value* v : graph->inputs()) {
      Argument a;
      a.name = v->name();
      a.type = v->type();
      schema.arguments.push_back(a);
    }
    f->set_schema(std::move(schema));
    f->set_graph(std::move(graph));
    return f;
  }

  absl::StatusOr<IValue> Run(Function* f, std::vector<IValue> args,
                             CallOptions options = {}) {
    return engine_.CallFunction(f, std::move(args), {}, options);
  }

  // def f(n): s = 0; for i in range(n): s = s + i; return s
  Function* SumFunction() {
    auto g = std::make_unique<Graph>();
    Value* n = g->AddInput("n", Type::Int());
    Value* zero = g->InsertConstant(IValue(0));
    Value* yes = g->InsertConstant(IValue(true));
    Node* loop = g->Insert(g->Create(NodeKind::kLoop, {n, yes, zero}, 0));
    Block* body = loop->AddBlock();
    Value* i = body->AddInput("i", Type::Int());
    Value* s = body->AddInput("s", Type::Int());
    {
      WithInsertPoint at(g.get(), body);
      Value* next =
          g->Insert(g->Create(Op("aten::add", "int"), {s, i}))->output();
      body->AddOutput(yes);
      body->AddOutput(next);
    }
    g->AddOutput(loop->AddOutput(Type::Int()));
    return AddFunction("sum", std::move(g));
  }

  CompilationUnit unit_;
  Registry registry_;
  Engine engine_;
};

TEST_F(EngineTest, LoopsCarryNumbers) {
  Function* f = SumFunction();
  EXPECT_EQ(Run(f, {IValue(10)})->AsInt(), 45);
  EXPECT_EQ(Run(f, {IValue(0)})->AsInt(), 0);
  EXPECT_EQ(Run(f, {IValue(-3)})->AsInt(), 0);
}

TEST_F(EngineTest, ALoopOfANumberTakesTwoInstructionsATurn) {
  const Plan* plan = *engine_.PlanFor(SumFunction());
  int inside = 0;
  bool in_loop = false;
  for (const Instruction& i : plan->code) {
    if (in_loop) ++inside;
    if (i.op == OpCode::kLoopEnter) in_loop = true;
    if (i.op == OpCode::kLoopNextFor) in_loop = false;
  }
  EXPECT_EQ(inside, 2) << PlanToString(*plan);
}

// a, b = b, a in each turn: transfers happen at once.
TEST_F(EngineTest, CarriedValuesMaySwap) {
  auto g = std::make_unique<Graph>();
  Value* n = g->AddInput("n", Type::Int());
  Value* a = g->AddInput("a", Type::Str());
  Value* b = g->AddInput("b", Type::Str());
  Value* yes = g->InsertConstant(IValue(true));
  Node* loop = g->Insert(g->Create(NodeKind::kLoop, {n, yes, a, b}, 0));
  Block* body = loop->AddBlock();
  body->AddInput("i", Type::Int());
  Value* x = body->AddInput("x", Type::Str());
  Value* y = body->AddInput("y", Type::Str());
  body->AddOutput(yes);
  body->AddOutput(y);
  body->AddOutput(x);
  g->AddOutput(loop->AddOutput(Type::Str()));
  g->AddOutput(loop->AddOutput(Type::Str()));
  Function* f = AddFunction("swap", std::move(g));
  const IValue r = *Run(f, {IValue(3), IValue("p"), IValue("q")});
  EXPECT_EQ(r.AsTuple().values[0].AsString(), "q");
  EXPECT_EQ(r.AsTuple().values[1].AsString(), "p");
}

TEST_F(EngineTest, BranchesGiveTheirResults) {
  auto g = std::make_unique<Graph>();
  Value* c = g->AddInput("c", Type::Bool());
  Value* x = g->AddInput("x", Type::Tensor());
  Node* branch = g->Insert(g->Create(NodeKind::kIf, {c}, 0));
  Block* yes = branch->AddBlock();
  {
    WithInsertPoint at(g.get(), yes);
    yes->AddOutput(g->Insert(g->Create(Op("aten::relu"), {x}))->output());
  }
  branch->AddBlock()->AddOutput(x);
  g->AddOutput(branch->AddOutput(Type::Tensor()));
  Function* f = AddFunction("branch", std::move(g));
  const Tensor t = *Tensor::FromSpan<float>({1.5f});
  EXPECT_EQ(Run(f, {IValue(true), IValue(t)})->AsTensor().data<float>()[0],
            3.0f);
  EXPECT_TRUE(Run(f, {IValue(false), IValue(t)})->AsTensor().is_same(t));
}

TEST_F(EngineTest, FailuresNameTheOperatorsPlaceAndTheFunction) {
  auto source = std::make_shared<Source>(
      "def f(x):\n  return torch.sigmoid(x)\n", std::string("m.py"));
  auto g = std::make_unique<Graph>();
  Value* x = g->AddInput("x", Type::Tensor());
  Node* n = g->Insert(g->Create(Op("aten::sigmoid"), {x}));
  n->set_range(SourceRange(source, 19, 35));
  g->AddOutput(n->output());
  Function* f = AddFunction("f", std::move(g));
  const auto r = Run(f, {IValue(*Tensor::FromSpan<float>({1.0f}))});
  ASSERT_FALSE(r.ok());
  EXPECT_THAT(std::string(r.status().message()),
              HasSubstr("File \"m.py\", line 2, in f"));
  EXPECT_THAT(std::string(r.status().message()),
              HasSubstr("RuntimeError: it went wrong"));
  EXPECT_EQ(ExceptionMessage(r.status()), "it went wrong");
}

TEST_F(EngineTest, WrongArgumentsSayWhatTheFunctionTakes) {
  Function* f = SumFunction();
  EXPECT_THAT(
      std::string(Run(f, {}).status().message()),
      HasSubstr("sum() is missing value for argument 'n'. Declaration: "));
  EXPECT_THAT(
      std::string(Run(f, {IValue("x")}).status().message()),
      HasSubstr("Expected a value of type 'int' for argument 'n' but instead "
                "found type 'str'."));
  EXPECT_THAT(
      std::string(Run(f, {IValue(1), IValue(2)}).status().message()),
      HasSubstr("expected at most 1 argument(s) but received 2 argument(s)"));
}

TEST_F(EngineTest, OperatorsWithoutKernelAreNamedWhenTheyAreReached) {
  auto g = std::make_unique<Graph>();
  Value* x = g->AddInput("x", Type::Tensor());
  g->AddOutput(g->Insert(g->Create(Op("aten::tanh"), {x}))->output());
  const auto r = Run(AddFunction("f", std::move(g)),
                     {IValue(*Tensor::FromSpan<float>({1.0f}))});
  EXPECT_THAT(std::string(r.status().message()),
              HasSubstr("no backend has a kernel for aten::tanh"));
}

TEST_F(EngineTest, EndlessLoopsStopAtDeadlineCancelAndStepLimit) {
  Function* f = SumFunction();
  const std::vector<IValue> forever = {IValue(INT64_MAX)};
  CallOptions deadline;
  deadline.deadline = absl::Now() + absl::Milliseconds(30);
  EXPECT_TRUE(absl::IsDeadlineExceeded(Run(f, forever, deadline).status()));
  CallOptions steps;
  steps.max_steps = 1000;
  EXPECT_TRUE(absl::IsResourceExhausted(Run(f, forever, steps).status()));
  std::atomic<bool> flag{false};
  CallOptions cancel;
  cancel.cancel = &flag;
  std::thread stopper([&] {
    absl::SleepFor(absl::Milliseconds(20));
    flag = true;
  });
  EXPECT_TRUE(absl::IsCancelled(Run(f, forever, cancel).status()));
  stopper.join();
}

TEST_F(EngineTest, RecursionEndsInAnErrorOnASmallStackAsWell) {
  // def f(n): return f(n)
  auto g = std::make_unique<Graph>();
  Value* n = g->AddInput("n", Type::Int());
  Function* f = AddFunction("f", std::move(g));
  Graph* graph = f->graph();
  Value* itself = graph->InsertConstant(IValue(f), {}, Type::Any());
  Node* call =
      graph->Insert(graph->Create(NodeKind::kCallFunction, {itself, n}, 1));
  call->output()->set_type(Type::Int());
  graph->AddOutput(call->output());

  absl::Status status;
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  std::function<void()> body = [&] { status = Run(f, {IValue(1)}).status(); };
  pthread_attr_t small;
  ASSERT_EQ(pthread_attr_init(&small), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&small, 1 << 20), 0);
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, &small, run, &body), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&small);
  EXPECT_THAT(status.message(), HasSubstr("calls are nested too deeply"));
}

TEST_F(EngineTest, OneFunctionRunsOnManyThreads) {
  Function* f = SumFunction();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int k = 0; k < 200; ++k) {
        const auto r = Run(f, {IValue(100)});
        if (!r.ok() || r->AsInt() != 4950) ++wrong;
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(EngineTest, ClonedModulesHaveTheirOwnStateOverTheSameWeights) {
  auto unit = std::make_shared<CompilationUnit>();
  ClassType* type = unit->AddClass("__torch__.M", /*is_module=*/true);
  ASSERT_TRUE(type->AddAttribute({"w", Type::Tensor(), true}).ok());
  ASSERT_TRUE(type->AddAttribute({"b", Type::Tensor(), false, true}).ok());
  Module m(unit, NewObject(*type));
  const Tensor w = *Tensor::FromSpan<float>({1.0f});
  const Tensor b = *Tensor::FromSpan<float>({2.0f});
  ASSERT_TRUE(m.SetAttribute("w", IValue(w)).ok());
  ASSERT_TRUE(m.SetAttribute("b", IValue(b)).ok());
  const Module copy = *m.Clone();
  EXPECT_EQ(copy.GetAttribute("w")->AsTensor().storage(), w.storage());
  EXPECT_NE(copy.GetAttribute("b")->AsTensor().storage(), b.storage());
  EXPECT_EQ(copy.GetAttribute("b")->AsTensor().data<float>()[0], 2.0f);
  EXPECT_FALSE(m.SetAttribute("w", IValue(3)).ok());
  EXPECT_FALSE(m.GetAttribute("nothing").ok());
}

}  // namespace
}  // namespace tandem
