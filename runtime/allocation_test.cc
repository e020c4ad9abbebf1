// A warm call allocates its results and nothing else.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#include "gtest/gtest.h"
#include "tandem/ir/compilation_unit.h"
#include "tandem/runtime/engine.h"

namespace {

std::atomic<int64_t> allocations{0};

void* Count(size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  void* p = std::malloc(bytes);
  if (p == nullptr) std::abort();
  return p;
}

}  // namespace

void* operator new(size_t bytes) { return Count(bytes); }
void* operator new[](size_t bytes) { return Count(bytes); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, size_t) noexcept { std::free(p); }
void operator delete[](void* p, size_t) noexcept { std::free(p); }

namespace tandem {
namespace {

absl::StatusOr<Tensor> Twice(const Tensor& self) {
  auto t = Tensor::Empty(self.sizes(), DType::kFloat);
  for (int64_t i = 0; t.ok() && i < self.numel(); ++i) {
    t->data<float>()[i] = 2 * self.data<float>()[i];
  }
  return t;
}

absl::StatusOr<Tensor> View(const Tensor& self, absl::Span<const int64_t> s) {
  return self.AsStrided(s, ContiguousStrides(s), self.offset());
}

class AllocationTest : public ::testing::Test {
 protected:
  AllocationTest() : engine_(&registry_, {{"test"}, 1, 0}) {
    EXPECT_TRUE(registry_.Kernel("test", "aten::relu", &Twice).ok());
    EXPECT_TRUE(registry_.Kernel("test", "aten::view", &View).ok());
  }
  const Operator* Op(const char* name) {
    return OperatorTable::Builtin().Find(name, "");
  }
  Function* Add(const char* name, std::unique_ptr<Graph> graph) {
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
  // Allocations of one more call after some that warm up.
  int64_t Warm(Function* f, const std::vector<IValue>& args) {
    int64_t counted = 0;
    for (int k = 0; k < 4; ++k) {
      std::vector<IValue> copy = args;
      const int64_t before = allocations.load();
      absl::StatusOr<IValue> y = engine_.CallFunction(f, std::move(copy));
      counted = allocations.load() - before;
      EXPECT_TRUE(y.ok()) << y.status();
    }
    return counted;
  }

  CompilationUnit unit_;
  Registry registry_;
  Engine engine_;
};

TEST_F(AllocationTest, OfTensorsComeFromThePools) {
  auto g = std::make_unique<Graph>();
  Value* x = g->AddInput("x", Type::Tensor());
  Value* a = g->Insert(g->Create(Op("aten::relu"), {x}))->output();
  g->AddOutput(g->Insert(g->Create(Op("aten::relu"), {a}))->output());
  Function* f = Add("f", std::move(g));
  EXPECT_EQ(Warm(f, {IValue(*Tensor::Zeros({3, 4}, DType::kFloat))}), 0);
}

TEST_F(AllocationTest, OfListsAreMadeOnce) {
  auto g = std::make_unique<Graph>();
  Value* x = g->AddInput("x", Type::Tensor());
  Value* n = g->AddInput("n", Type::Int());
  Value* four = g->InsertConstant(IValue(4));
  Value* three = g->InsertConstant(IValue(3));
  const auto list = [&](std::vector<Value*> values) {
    Node* node = g->Create(NodeKind::kListConstruct, values, 1);
    node->output()->set_type(Type::List(Type::Int()));
    return g->Insert(node)->output();
  };
  Value* a =
      g->Insert(g->Create(Op("aten::view"), {x, list({n, three})}))->output();
  Value* b = g->Insert(g->Create(Op("aten::view"), {a, list({three, four})}))
                 ->output();
  g->AddOutput(b);
  Function* f = Add("f", std::move(g));
  EXPECT_EQ(Warm(f, {IValue(*Tensor::Zeros({3, 4}, DType::kFloat)), IValue(4)}),
            0);
}

TEST_F(AllocationTest, OfTuplesThatAreTakenApartNeverHappen) {
  // def pair(x): return relu(x), x
  auto inner = std::make_unique<Graph>();
  Value* p = inner->AddInput("x", Type::Tensor());
  Value* twice = inner->Insert(inner->Create(Op("aten::relu"), {p}))->output();
  Node* tuple = inner->Create(NodeKind::kTupleConstruct, {twice, p}, 1);
  const TypePtr type = Type::Tuple({Type::Tensor(), Type::Tensor()});
  tuple->output()->set_type(type);
  inner->AddOutput(inner->Insert(tuple)->output());
  Function* pair = Add("pair", std::move(inner));
  // a, b = pair(x); c, d = pair(b); return relu(c)
  auto g = std::make_unique<Graph>();
  Value* x = g->AddInput("x", Type::Tensor());
  Value* f = g->InsertConstant(IValue(pair), {}, Type::Any());
  const auto call = [&](Value* v) {
    Node* n = g->Insert(g->Create(NodeKind::kCallFunction, {f, v}, 1));
    n->output()->set_type(type);
    return g->Insert(g->Create(NodeKind::kTupleUnpack, {n->output()}, 2));
  };
  Node* first = call(x);
  Node* second = call(first->output(1));
  g->AddOutput(
      g->Insert(g->Create(Op("aten::relu"), {second->output(0)}))->output());
  Function* h = Add("h", std::move(g));
  Tensor one = *Tensor::FromScalar(Scalar(1.0), DType::kFloat);
  EXPECT_EQ(Warm(h, {IValue(one)}), 0);
  EXPECT_EQ(engine_.CallFunction(h, {IValue(one)})->AsTensor().data<float>()[0],
            4);
}

}  // namespace
}  // namespace tandem
