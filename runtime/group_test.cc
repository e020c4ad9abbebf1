// Groups from end to end: partitioned, compiled for the shapes that come,
// refused, run by kernels instead.
#include "tandem/backends/group.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/engine.h"
#include "tandem/runtime/plan.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::StatusOr<Tensor> Map(const Tensor& x, float (*f)(float)) {
  absl::StatusOr<Tensor> t = Tensor::Empty(x.sizes(), DType::kFloat);
  for (int64_t i = 0; t.ok() && i < x.numel(); ++i) {
    t->data<float>()[i] = f(x.data<float>()[i]);
  }
  return t;
}
absl::StatusOr<Tensor> Relu(const Tensor& x) {
  return Map(x, [](float v) { return v > 0 ? v : 0; });
}
absl::StatusOr<Tensor> Neg(const Tensor& x) {
  return Map(x, [](float v) { return -v; });
}
absl::StatusOr<Tensor> Exp(const Tensor& x) {
  return Map(x, [](float v) { return v + 100; });
}

// Runs what it takes (relu and neg) node by node, 1000 more than is right, so
// that a test sees who ran.
class FakeExecutable : public GroupExecutable {
 public:
  enum class Lie { kNone, kNoResult, kWrongShape };
  FakeExecutable(const Graph& graph, Lie lie) : lie_(lie) {
    for (const Node* n : *graph.block()) relu_.push_back(n->Is("aten::relu"));
  }
  absl::Status Run(const KernelCall& call) const override {
    if (lie_ == Lie::kNoResult) {
      call.out(0) = IValue(5);
      return absl::OkStatus();
    }
    if (lie_ == Lie::kWrongShape) {
      call.out(0) = IValue(*Tensor::Zeros({7}, DType::kFloat));
      return absl::OkStatus();
    }
    Tensor x = call.in(0).AsTensor();
    for (bool relu : relu_) x = *(relu ? Relu(x) : Neg(x));
    for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] += 1000;
    call.out(0) = IValue(x);
    return absl::OkStatus();
  }
  std::string ToString() const override { return "a chain"; }

 private:
  std::vector<bool> relu_;
  const Lie lie_;
};

class FakeBackend : public GroupBackend {
 public:
  absl::string_view name() const override { return "fake"; }
  Support Supports(const Node& n) const override {
    if (n.Is("aten::relu") || n.Is("aten::neg")) return Support::Yes(false);
    return Support::No("not in the fake");
  }
  absl::StatusOr<std::unique_ptr<GroupExecutable>> Compile(
      const Graph& group, absl::Span<const ValueDescription> inputs,
      PackedWeights*) const override {
    ++compiled;
    if (!error.ok()) return error;
    if (inputs[0].sizes.size() == 3) {
      return absl::UnimplementedError("three dimensions");
    }
    return std::make_unique<FakeExecutable>(group, lie);
  }
  bool is_trusted() const override { return trusted; }
  bool trusted = true;
  mutable int compiled = 0;
  absl::Status error;
  FakeExecutable::Lie lie = FakeExecutable::Lie::kNone;
};

class Lines : public OutputSink {
 public:
  void Write(absl::string_view text) override {
    text_.append(text.data(), text.size());
  }
  std::string text_;
};

class GroupTest : public ::testing::Test {
 protected:
  GroupTest() : backend_(std::make_shared<FakeBackend>()) {
    EXPECT_TRUE(registry_.Kernel("plain", "aten::relu", &Relu).ok());
    EXPECT_TRUE(registry_.Kernel("plain", "aten::neg", &Neg).ok());
    EXPECT_TRUE(registry_.Kernel("plain", "aten::exp", &Exp).ok());
    EXPECT_TRUE(registry_.AddGroupBackend(backend_).ok());
    engine_ = std::make_unique<Engine>(&registry_,
                                       EngineOptions{{"fake", "plain"}, 1, 0});
  }

  // def f(x): the operators, one after the other.
  Function* Chain(std::vector<const char*> operators) {
    auto g = std::make_unique<Graph>();
    Value* v = g->AddInput("x", Type::Tensor());
    for (const char* name : operators) {
      v = g->Insert(g->Create(OperatorTable::Builtin().Find(name, ""), {v}))
              ->output();
    }
    g->AddOutput(v);
    Function* f = unit_.AddFunction("f");
    FunctionSchema schema;
    schema.name = "f";
    Argument a;
    a.name = "x";
    a.type = Type::Tensor();
    schema.arguments.push_back(a);
    f->set_schema(std::move(schema));
    f->set_graph(std::move(g));
    return f;
  }

  float Run(Function* f, std::vector<int64_t> sizes, float value) {
    Tensor x = *Tensor::Empty(sizes, DType::kFloat);
    for (int64_t i = 0; i < x.numel(); ++i) x.data<float>()[i] = value;
    CallOptions options;
    options.warnings = &warnings_;
    absl::StatusOr<IValue> y =
        engine_->CallFunction(f, {IValue(x)}, {}, options);
    EXPECT_TRUE(y.ok()) << y.status();
    return y.ok() ? y->AsTensor().data<float>()[0] : -1;
  }

  std::shared_ptr<FakeBackend> backend_;
  Registry registry_;
  std::unique_ptr<Engine> engine_;
  CompilationUnit unit_;
  Lines warnings_;
};

TEST_F(GroupTest, ABackendRunsItsNodesAndKernelsTheRest) {
  Function* f = Chain({"aten::relu", "aten::relu", "aten::neg", "aten::exp"});
  // Not relu(3) = 3, -3, -3 + 100 = 97, but with the group's mark.
  EXPECT_EQ(Run(f, {2}, 3), 1097);
  const std::string plan = PlanToString(**engine_->PlanFor(f));
  EXPECT_THAT(plan, HasSubstr("group 0"));
  EXPECT_THAT(plan, HasSubstr("a chain"));
  EXPECT_THAT(plan, HasSubstr("aten::exp not by fake: not in the fake"));
}

TEST_F(GroupTest, ANodeThatIsNotWorthItStaysAlone) {
  Function* f = Chain({"aten::exp", "aten::relu", "aten::exp"});
  EXPECT_EQ(Run(f, {2}, 3), 203);
  EXPECT_EQ(backend_->compiled, 0);
}

TEST_F(GroupTest, CompilesOnceForEachShape) {
  Function* f = Chain({"aten::relu", "aten::relu", "aten::neg"});
  Run(f, {2}, 1);
  Run(f, {2}, 2);
  Run(f, {5}, 2);
  Run(f, {2}, 2);
  EXPECT_EQ(backend_->compiled, 2);
}

TEST_F(GroupTest, ManyShapesInTurnAreForgotten) {
  Function* f = Chain({"aten::relu", "aten::relu", "aten::neg"});
  for (int64_t n = 1; n <= 100; ++n) EXPECT_EQ(Run(f, {n}, 1), 999);
  EXPECT_EQ(backend_->compiled, 100);
  Run(f, {100}, 1);
  EXPECT_EQ(backend_->compiled, 100);
  Run(f, {1}, 1);
  EXPECT_EQ(backend_->compiled, 101);
}

TEST_F(GroupTest, WhereEveryCallHasAnotherShapeKernelsRun) {
  Function* f = Chain({"aten::relu", "aten::relu", "aten::neg"});
  for (int64_t n = 1; n <= 1000; ++n) {
    EXPECT_EQ(Run(f, {n}, 1), n <= 128 ? 999 : -1) << n;
  }
  EXPECT_EQ(backend_->compiled, 128);
  // One that comes again is compiled.
  EXPECT_EQ(Run(f, {1000}, 1), 999);
  EXPECT_EQ(Run(f, {1000}, 1), 999);
  EXPECT_EQ(Run(f, {2000}, 1), -1);
  EXPECT_EQ(backend_->compiled, 129);
}

TEST_F(GroupTest, KernelsRunWhatTheBackendDoesNotDo) {
  Function* f = Chain({"aten::relu", "aten::relu", "aten::neg"});
  EXPECT_EQ(Run(f, {1, 1, 1}, 3), -3);
  EXPECT_EQ(warnings_.text_, "");
  EXPECT_THAT(PlanToString(**engine_->PlanFor(f)),
              HasSubstr("kernels, because three dimensions"));
  EXPECT_EQ(Run(f, {1, 1}, 3), 997);
}

TEST_F(GroupTest, ABackendThatFailsToCompileIsWarnedOf) {
  backend_->error = absl::InternalError("the compiler fell over");
  Function* f = Chain({"aten::relu", "aten::relu", "aten::neg"});
  EXPECT_EQ(Run(f, {2}, 3), -3);
  EXPECT_THAT(warnings_.text_, HasSubstr("the compiler fell over"));
  EXPECT_EQ(Run(f, {2}, 4), -4);
  EXPECT_EQ(backend_->compiled, 1);
}

TEST_F(GroupTest, AResultThatIsNoTensorIsCaught) {
  backend_->lie = FakeExecutable::Lie::kNoResult;
  Function* f = Chain({"aten::relu", "aten::relu", "aten::neg"});
  EXPECT_EQ(Run(f, {2}, 3), -3);
  EXPECT_THAT(warnings_.text_, HasSubstr("a result is no tensor"));
}

TEST_F(GroupTest, AWrongShapeOfABackendThatIsNotTrustedIsCaught) {
  backend_->trusted = false;
  backend_->lie = FakeExecutable::Lie::kWrongShape;
  Function* f = Chain({"aten::relu", "aten::relu", "aten::neg"});
  EXPECT_EQ(Run(f, {2}, 3), -3);
  EXPECT_THAT(warnings_.text_,
              HasSubstr("result 0 is Float[7] where kernels give Float[2]"));
  EXPECT_EQ(Run(f, {2}, 4), -4);
}

TEST_F(GroupTest, AKernelThatDeclinesPassesTheCallOn) {
  Registry registry;
  const auto declining = +[](const Tensor& x) -> absl::StatusOr<Tensor> {
    if (x.dim() == 1) return Map(x, [](float) { return 42.f; });
    return Declined();
  };
  ASSERT_TRUE(registry.Kernel("picky", "aten::relu", declining).ok());
  ASSERT_TRUE(registry.Kernel("plain", "aten::relu", &Relu).ok());
  engine_ = std::make_unique<Engine>(&registry,
                                     EngineOptions{{"picky", "plain"}, 1, 0});
  Function* f = Chain({"aten::relu"});
  EXPECT_EQ(Run(f, {2}, 3), 42);
  EXPECT_EQ(Run(f, {1, 2}, 3), 3);
}

}  // namespace
}  // namespace tandem
