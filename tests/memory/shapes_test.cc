// A call on 1,000 different shapes in turn keeps memory flat: executables of
// groups, primitives, packed weights, buffers of call sites and the pool of
// tensor memory are all bounded.
#include <malloc.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/onednn/onednn.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/engine.h"

namespace tandem {
namespace {

IValue Ints(std::vector<int64_t> values) { return IValue(MakeIntList(values)); }

Tensor Weight(std::vector<int64_t> sizes) {
  Tensor t = *Tensor::Zeros(sizes, DType::kFloat);
  for (int64_t i = 0; i < t.numel(); ++i) {
    t.data<float>()[i] = static_cast<float>(i % 7) * 0.1f - 0.3f;
  }
  return t;
}

// def f(x): y = relu(conv2d(x, w, b, padding=1)); y = y * y + y
//           return linear(softmax(y.flatten(2), -1).sum(-1), w2, None)
// over [1, 8, h, w].
std::unique_ptr<Graph> Network() {
  auto g = std::make_unique<Graph>();
  const auto op = [&](const char* name, const char* overload,
                      std::vector<Value*> inputs) {
    const Operator* row = OperatorTable::Builtin().Find(name, overload);
    EXPECT_NE(row, nullptr) << name;
    return g->Insert(g->Create(row, inputs))->output();
  };
  const auto c = [&](IValue v) { return g->InsertConstant(std::move(v)); };
  Value* x = g->AddInput("x", Type::Tensor());
  Value* y =
      op("aten::conv2d", "",
         {x, c(IValue(Weight({16, 8, 3, 3}))), c(IValue(Weight({16}))),
          c(Ints({1, 1})), c(Ints({1, 1})), c(Ints({1, 1})), c(IValue(1))});
  y = op("aten::relu", "", {y});
  Value* square = op("aten::mul", "Tensor", {y, y});
  y = op("aten::add", "Tensor", {square, y, c(IValue(1))});
  y = op("aten::flatten", "using_ints", {y, c(IValue(2)), c(IValue(-1))});
  y = op("aten::softmax", "int", {y, c(IValue(-1)), c(IValue())});
  y = op("aten::sum", "dim_IntList",
         {y, c(Ints({-1})), c(IValue(false)), c(IValue())});
  y = op("aten::linear", "", {y, c(IValue(Weight({4, 16}))), c(IValue())});
  g->AddOutput(y);
  return g;
}

int64_t BytesInUse() {
  malloc_trim(0);
  const struct mallinfo2 info = mallinfo2();
  return static_cast<int64_t>(info.uordblks + info.hblkhd);
}

class ShapesInTurn : public ::testing::TestWithParam<std::vector<std::string>> {
};

TEST_P(ShapesInTurn, KeepMemoryFlat) {
  Registry registry;
  ASSERT_TRUE(reference::Register(registry).ok());
  ASSERT_TRUE(native::Register(registry).ok());
  ASSERT_TRUE(onednn::Register(registry).ok());
  CompilationUnit unit;
  Function* f = unit.AddFunction("f");
  FunctionSchema schema;
  schema.name = "f";
  schema.arguments.resize(1);
  schema.arguments[0].name = "x";
  schema.arguments[0].type = Type::Tensor();
  f->set_schema(std::move(schema));
  f->set_graph(Network());
  const Engine engine(&registry, {GetParam(), 1, 0});

  int64_t bytes[2] = {};  // after 200 shapes, after 1,000
  for (int64_t i = 0; i < 1000; ++i) {
    // All different, large and small ones mixed.
    const int64_t shape = i * 1009 % 2000;
    Tensor x =
        *Tensor::Zeros({1, 8, 4 + shape % 40, 4 + shape / 40}, DType::kFloat);
    const absl::StatusOr<IValue> y = engine.CallFunction(f, {IValue(x)});
    ASSERT_TRUE(y.ok()) << y.status();
    ASSERT_EQ(y->AsTensor().sizes(), DimSpan({1, 4}));
    if (i == 199) bytes[0] = BytesInUse();
  }
  bytes[1] = BytesInUse();
  std::printf("%lld bytes after 200 shapes, %lld after 1,000\n",
              static_cast<long long>(bytes[0]),
              static_cast<long long>(bytes[1]));
  EXPECT_LT(bytes[1] - bytes[0], 4 << 20);
}

INSTANTIATE_TEST_SUITE_P(
    Backends, ShapesInTurn,
    ::testing::Values(std::vector<std::string>{"native", "reference"},
                      std::vector<std::string>{"onednn", "native",
                                               "reference"}),
    [](const auto& info) { return info.param[0]; });

}  // namespace
}  // namespace tandem
