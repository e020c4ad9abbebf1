// Groups: fused stretches, kernels between them, and warm groups as graphs.
#include "tandem/backends/group.h"

#include "tandem/tests/cuda/device_test_base.h"

namespace tandem::cuda {
namespace {

class GroupTest : public DeviceTest {
 protected:
  Value* Input(Tensor t) {
    inputs_.push_back(IValue(t));
    return graph_.AddInput("", Type::Tensor());
  }
  Value* Constant(IValue v) { return graph_.InsertConstant(std::move(v)); }
  // Arguments left out at the end take their defaults.
  Value* Op(const std::string& name, std::vector<Value*> arguments) {
    const size_t dot = name.find('.');
    const Operator* op = registry_.operators().Find(
        name.substr(0, dot),
        dot == std::string::npos ? "" : name.substr(dot + 1));
    EXPECT_NE(op, nullptr) << name;
    while (arguments.size() < op->schema.arguments.size()) {
      arguments.push_back(
          Constant(*op->schema.arguments[arguments.size()].default_value));
    }
    Node* n = graph_.Insert(graph_.Create(op, arguments));
    n->output()->set_type(Type::Tensor());
    const Support support = registry_.FindGroupBackend("cuda")->Supports(*n);
    EXPECT_TRUE(support.supported) << name << ": " << support.reason;
    return n->output();
  }

  // Node by node, on the CPU.
  std::vector<Tensor> Right() {
    std::map<const Value*, IValue> values;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      values[graph_.inputs()[i]] = inputs_[i];
    }
    for (const Node* n : *graph_.block()) {
      if (n->is(NodeKind::kConstant)) {
        values[n->output()] = n->constant();
        continue;
      }
      std::vector<IValue> args;
      for (const Value* v : n->inputs()) args.push_back(values[v]);
      const auto got = Call("reference", n->op()->schema.FullName(), args);
      EXPECT_TRUE(got.ok()) << got.status();
      if (!got.ok()) return {};
      values[n->output()] = (*got)[0];
    }
    std::vector<Tensor> results;
    for (const Value* v : graph_.outputs()) {
      results.push_back(values[v].AsTensor());
    }
    return results;
  }

  void Compile() {
    std::vector<ValueDescription> descriptions;
    there_.clear();
    for (const IValue& v : inputs_) {
      there_.push_back(*ToDevice(*gpu_, v));
      const Tensor& t = there_.back().AsTensor();
      ValueDescription d;
      d.is_tensor = true;
      d.dtype = t.dtype();
      d.device = t.device();
      d.sizes.assign(t.sizes().begin(), t.sizes().end());
      d.strides.assign(t.strides().begin(), t.strides().end());
      descriptions.push_back(d);
    }
    auto compiled = registry_.FindGroupBackend("cuda")->Compile(
        graph_, descriptions, &weights_);
    ASSERT_TRUE(compiled.ok()) << compiled.status();
    executable_ = *std::move(compiled);
  }
  std::vector<Tensor> Run() {
    std::vector<IValue> r = there_;
    const size_t n = r.size(), m = graph_.outputs().size();
    r.resize(n + m);
    std::vector<uint32_t> places(n + m);
    for (size_t i = 0; i < n + m; ++i) places[i] = static_cast<uint32_t>(i);
    const KernelCall call{r.data(), places.data(), places.data() + n,
                          static_cast<uint32_t>(n), static_cast<uint32_t>(m)};
    const absl::Status status = executable_->Run(call);
    EXPECT_TRUE(status.ok()) << status;
    std::vector<Tensor> results;
    if (!status.ok()) return results;
    for (size_t i = n; i < n + m; ++i) results.push_back(r[i].AsTensor());
    return results;
  }
  // `runs` runs give what the CPU gives.
  void CheckGroup(int runs = 1, double tolerance = 1e-4) {
    const std::vector<Tensor> right = Right();
    Compile();
    if (HasFatalFailure()) return;
    for (int k = 0; k < runs; ++k) {
      SCOPED_TRACE(absl::StrCat("run ", k));
      const std::vector<Tensor> got = Run();
      ASSERT_EQ(got.size(), right.size());
      for (size_t i = 0; i < got.size(); ++i) {
        CompareTensors(got[i], right[i], tolerance);
      }
    }
  }
  void TearDown() override {
    executable_.reset();
    there_.clear();
    DeviceTest::TearDown();
  }

  Graph graph_;
  std::vector<IValue> inputs_, there_;
  PackedWeights weights_;
  std::unique_ptr<GroupExecutable> executable_;
};

TEST_F(GroupTest, AChainIsOneKernel) {
  Value* x = Input(Values({3, 4, 5}));
  Value* y = Input(Values({4, 1}));
  Value* a = Op("aten::add.Tensor", {x, y, Constant(IValue(1))});
  Value* b = Op("aten::silu", {a});
  Value* c = Op("aten::mul.Scalar", {b, Constant(IValue(0.5))});
  Value* d = Op("aten::leaky_relu", {c, Constant(IValue(0.1))});
  graph_.AddOutput(
      Op("aten::clamp", {d, Constant(IValue(-0.25)), Constant(IValue(0.75))}));
  graph_.AddOutput(Op("aten::gt.Scalar", {d, Constant(IValue(0))}));
  CheckGroup();
  if (fake_ != nullptr) {
    const int64_t before = fake_->counts().launches;
    Run();
    EXPECT_EQ(fake_->counts().launches, before + 1);
  }
}

TEST_F(GroupTest, StridedInputsAndIntegers) {
  Value* x = Input(Values({4, 6}).ViewUnchecked({6, 4}, {1, 6}, 0));
  Value* n = Input(Values({6, 4}, -9, 9, DType::kInt64));
  Value* a = Op("aten::mul.Tensor", {n, n});
  Value* b = Op("aten::add.Tensor", {a, x, Constant(IValue(1))});
  Value* w =
      Op("aten::where.self", {Op("aten::lt.Scalar", {b, Constant(IValue(5))}),
                              b, Op("aten::neg", {b})});
  graph_.AddOutput(w);
  CheckGroup();
}

TEST_F(GroupTest, ReductionsOverRows) {
  Value* x = Input(Values({5, 40}));
  Value* mean =
      Op("aten::mean.dim", {x, Constant(Ints({-1})), Constant(IValue(true))});
  Value* d = Op("aten::sub.Tensor", {x, mean, Constant(IValue(1))});
  Value* squares = Op(
      "aten::mean.dim",
      {Op("aten::square", {d}), Constant(Ints({-1})), Constant(IValue(true))});
  Value* scale =
      Op("aten::rsqrt",
         {Op("aten::add.Scalar", {squares, Constant(IValue(1e-5))})});
  Value* y = Op("aten::mul.Tensor", {d, scale});
  graph_.AddOutput(Op("aten::mul.Tensor", {y, Input(Values({40}))}));
  graph_.AddOutput(scale);
  graph_.AddOutput(
      Op("aten::amax", {y, Constant(Ints({1})), Constant(IValue(false))}));
  CheckGroup();
}

TEST_F(GroupTest, SoftmaxAndLayerNormInAChain) {
  Value* x = Input(Values({2, 3, 33}));
  Value* s = Op("aten::softmax.int",
                {Op("aten::mul.Scalar", {x, Constant(IValue(2.0))}),
                 Constant(IValue(-1))});
  Value* w = Input(Values({33}));
  Value* l = Op("aten::layer_norm",
                {Op("aten::add.Tensor", {s, x, Constant(IValue(1))}),
                 Constant(Ints({33})), w, w, Constant(IValue(1e-5))});
  graph_.AddOutput(Op("aten::gelu", {l}));
  CheckGroup();
}

TEST_F(GroupTest, WarmGroupsAreGraphs) {
  Value* x = Input(Values({6, 8}));
  Value* w = Constant(IValue(Values({8, 8})));
  Value* b = Constant(IValue(Values({8})));
  for (int layer = 0; layer < 3; ++layer) {
    x = Op("aten::linear", {x, w, b});
    x = Op("aten::tanh", {Op("aten::mul.Scalar", {x, Constant(IValue(0.5))})});
  }
  graph_.AddOutput(x);
  graph_.AddOutput(
      Op("aten::transpose.int", {x, Constant(IValue(0)), Constant(IValue(1))}));
  CheckGroup(5);
  EXPECT_NE(executable_->ToString().find("a CUDA graph"), std::string::npos)
      << executable_->ToString();
  if (fake_ == nullptr) return;
  EXPECT_EQ(fake_->counts().graph_launches, 3);
  // Other numbers through the same graph; results of earlier runs stay.
  const std::vector<Tensor> before = Run();
  const IValue kept = *ToCpu(*runtime_, IValue(before[0]));
  inputs_[0] = IValue(Values({6, 8}, 0, 1));
  const std::vector<Tensor> right = Right();
  there_[0] = *ToDevice(*gpu_, inputs_[0]);
  const std::vector<Tensor> now = Run();
  CompareTensors(now[0], right[0], 1e-4);
  CompareTensors(before[0], kept.AsTensor(), 0);
}

TEST_F(GroupTest, WhatIsOnTheCpuIsRefused) {
  graph_.AddOutput(Op("aten::relu", {Input(Values({3}))}));
  ValueDescription d;
  d.is_tensor = true;
  d.dtype = DType::kFloat;
  d.sizes = {3};
  d.strides = {1};
  const auto compiled =
      registry_.FindGroupBackend("cuda")->Compile(graph_, {d}, &weights_);
  EXPECT_EQ(compiled.status().code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace tandem::cuda
