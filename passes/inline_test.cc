#include "tandem/passes/inline.h"

#include <memory>
#include <utility>

#include "gtest/gtest.h"
#include "tandem/ir/compilation_unit.h"

namespace tandem {
namespace {

const Operator* Relu() {
  return OperatorTable::Builtin().Find("aten::relu", "");
}

// f0(x) = relu(x); f1(x) = f0(f0(x)); … each calls the one before twice.
Function* Doubling(CompilationUnit* unit, int level) {
  Function* callee = level == 0 ? nullptr : Doubling(unit, level - 1);
  Function* f = unit->AddFunction("f" + std::to_string(level));
  auto g = std::make_unique<Graph>();
  Value* x = g->AddInput("x", Type::Tensor());
  if (callee == nullptr) {
    x = g->Insert(g->Create(Relu(), {x}))->output();
  } else {
    Value* function =
        g->InsertConstant(IValue(static_cast<const Function*>(callee)));
    for (int i = 0; i < 2; ++i) {
      x = g->Insert(g->Create(NodeKind::kCallFunction, {function, x}))
              ->output();
    }
  }
  g->AddOutput(x);
  f->set_graph(std::move(g));
  return f;
}

TEST(InlineTest, CallsOfCallsBecomeTheirBodies) {
  CompilationUnit unit;
  Graph* g = Doubling(&unit, 3)->graph();
  ASSERT_TRUE(InlineCalls(g).ok());
  int nodes = 0;
  for (Node* n : *g->block()) {
    EXPECT_TRUE(n->Is("aten::relu"));
    ++nodes;
  }
  EXPECT_EQ(nodes, 8);
}

TEST(InlineTest, ProgramsThatDoubleWithEachLevelAreRefused) {
  CompilationUnit unit;
  EXPECT_TRUE(absl::IsResourceExhausted(
      InlineCalls(Doubling(&unit, 40)->graph(), 10'000)));
}

TEST(InlineTest, CallsInBranchesAreInlined) {
  CompilationUnit unit;
  Function* f = Doubling(&unit, 0);
  Graph g;
  Value* c = g.AddInput("c", Type::Bool());
  Value* x = g.AddInput("x", Type::Tensor());
  Value* function = g.InsertConstant(IValue(static_cast<const Function*>(f)));
  Node* branch = g.Insert(g.Create(NodeKind::kIf, {c}, 0));
  for (int i = 0; i < 2; ++i) {
    Block* b = branch->AddBlock();
    WithInsertPoint at(&g, b);
    b->AddOutput(
        g.Insert(g.Create(NodeKind::kCallFunction, {function, x}))->output());
  }
  g.AddOutput(branch->AddOutput(Type::Tensor()));
  ASSERT_TRUE(InlineCalls(&g).ok());
  for (Block* b : branch->blocks())
    EXPECT_TRUE(b->output()->node()->Is("aten::relu"));
}

}  // namespace
}  // namespace tandem
