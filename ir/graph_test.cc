#include "tandem/ir/graph.h"

#include "gtest/gtest.h"

namespace tandem {
namespace {

const Operator* Relu() {
  return OperatorTable::Builtin().Find("aten::relu", "");
}

TEST(GraphTest, NodesKnowTheirUsesAndOrder) {
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Node* a = g.Insert(g.Create(Relu(), {x}));
  Node* b = g.Insert(g.Create(Relu(), {a->output()}));
  g.AddOutput(b->output());
  EXPECT_EQ(x->uses().size(), 1u);
  EXPECT_EQ(x->uses()[0].user, a);
  EXPECT_TRUE(a->IsBefore(b));
  a->output()->ReplaceAllUsesWith(x);
  a->Destroy();
  EXPECT_EQ(x->uses().size(), 1u);
  EXPECT_EQ(g.block()->first(), b);
}

TEST(GraphTest, ATakenNameGoesToTheNewValue) {
  Graph g;
  Value* first = g.AddInput("x", Type::Tensor());
  Value* second = g.AddInput("x", Type::Tensor());
  EXPECT_EQ(second->name(), "x");
  EXPECT_EQ(first->name(), "x.1");
  Value* third = g.AddInput("x", Type::Tensor());
  EXPECT_EQ(third->name(), "x");
  // As in PyTorch, whose counter runs one ahead.
  EXPECT_EQ(second->name(), "x.3");
}

TEST(GraphTest, OrderHoldsForManyInsertionsAtOnePlace) {
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Node* last = g.Insert(g.Create(Relu(), {x}));
  Node* previous = nullptr;
  for (int i = 0; i < 200; ++i) {
    Node* n = g.Create(Relu(), {x});
    n->InsertBefore(last);
    if (previous != nullptr) {
      ASSERT_TRUE(previous->IsBefore(n));
    }
    ASSERT_TRUE(n->IsBefore(last));
    previous = n;
  }
}

TEST(GraphTest, InputsShiftWithTheirUses) {
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Value* y = g.AddInput("y", Type::Tensor());
  Node* list = g.Insert(g.Create(NodeKind::kListConstruct, {x, x}));
  list->InsertInput(0, y);
  EXPECT_EQ(list->input(0), y);
  EXPECT_EQ(list->input(2), x);
  list->RemoveInput(1);
  ASSERT_EQ(x->uses().size(), 1u);
  EXPECT_EQ(x->uses()[0].index, 1u);
}

TEST(GraphTest, CloneAndInlineCopyNestedBlocks) {
  Graph g;
  Value* c = g.AddInput("c", Type::Bool());
  Node* branch = g.Insert(g.Create(NodeKind::kIf, {c}, 0));
  for (int i = 0; i < 2; ++i) {
    Block* b = branch->AddBlock();
    WithInsertPoint at(&g, b);
    b->AddOutput(g.InsertConstant(IValue(int64_t{i})));
  }
  g.AddOutput(branch->AddOutput(Type::Int()));
  auto copy = g.Clone();
  Node* n = copy->block()->first();
  ASSERT_TRUE(n->is(NodeKind::kIf));
  EXPECT_EQ(ConstantOf(n->block(1)->output())->AsInt(), 1);

  Graph outer;
  Value* d = outer.AddInput("d", Type::Bool());
  auto results = outer.Inline(g, {d}, outer.return_node());
  EXPECT_EQ(results[0]->node()->input(), d);
}

TEST(NodeKindTest, NamesGoBothWays) {
  for (int k = 1; k <= static_cast<int>(NodeKind::kFxOutput); ++k) {
    const auto kind = static_cast<NodeKind>(k);
    EXPECT_EQ(NodeKindFromName(NodeKindName(kind)), kind) << NodeKindName(kind);
  }
  EXPECT_EQ(NodeKindName(NodeKind::kFxOutput), "fx::output");
}

}  // namespace
}  // namespace tandem
