#include "tandem/ir/verifier.h"

#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "tandem/ir/print.h"

namespace tandem {
namespace {

const Operator* Find(const std::string& name, const std::string& overload) {
  return OperatorTable::Builtin().Find(name, overload);
}

testing::AssertionResult Refused(const Graph& g, absl::string_view why) {
  const absl::Status status = VerifyGraph(g);
  if (status.ok()) return testing::AssertionFailure() << "accepted";
  if (!absl::StrContains(status.message(), why)) {
    return testing::AssertionFailure() << status;
  }
  return testing::AssertionSuccess();
}

TEST(VerifyGraph, AcceptsAGraph) {
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Value* c = g.AddInput("c", Type::Bool());
  Node* branch = g.Insert(g.Create(NodeKind::kIf, {c}, 1));
  Block* yes = branch->AddBlock();
  {
    const WithInsertPoint at(&g, yes);
    yes->AddOutput(g.Insert(g.Create(Find("aten::relu", ""), {x}))->output());
  }
  branch->AddBlock()->AddOutput(x);
  g.AddOutput(branch->output());
  EXPECT_TRUE(VerifyGraph(g).ok()) << VerifyGraph(g);
  EXPECT_EQ(GraphToString(g),
            "graph(%x : Tensor,\n"
            "      %c : bool):\n"
            "  %2 : Tensor = prim::If(%c)\n"
            "    block0():\n"
            "      %3 : Tensor = aten::relu(%x)\n"
            "      -> (%3)\n"
            "    block1():\n"
            "      -> (%x)\n"
            "  return (%2)\n");
}

TEST(VerifyGraph, RefusesAUseBeforeTheDefinition) {
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Node* first = g.Insert(g.Create(Find("aten::relu", ""), {x}));
  Node* second = g.Insert(g.Create(Find("aten::relu", ""), {x}));
  first->ReplaceInput(0, second->output());
  EXPECT_TRUE(Refused(g, "is used before it is defined at `"));
}

TEST(VerifyGraph, RefusesAValueOfAnotherBlock) {
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Value* c = g.AddInput("c", Type::Bool());
  Node* branch = g.Insert(g.Create(NodeKind::kIf, {c}, 0));
  Block* yes = branch->AddBlock();
  branch->AddBlock();
  Value* inner;
  {
    const WithInsertPoint at(&g, yes);
    inner = g.Insert(g.Create(Find("aten::relu", ""), {x}))->output();
  }
  g.AddOutput(inner);
  EXPECT_FALSE(VerifyGraph(g).ok());
}

TEST(VerifyGraph, RefusesWhatTheSchemaDoesNotTake) {
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Value* n = g.AddInput("n", Type::Int());
  Node* relu = g.Insert(g.Create(Find("aten::relu", ""), {x}));
  relu->AddInput(x);
  EXPECT_TRUE(Refused(g, "takes 1 inputs"));
  relu->RemoveInput(1);
  EXPECT_TRUE(VerifyGraph(g).ok());
  relu->ReplaceInput(0, n);
  EXPECT_TRUE(Refused(g, "self is int, not Tensor"));
}

TEST(VerifyGraph, RefusesALoopThatDoesNotFit) {
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Value* c = g.AddInput("c", Type::Bool());
  Value* n = g.AddInput("n", Type::Int());
  Node* loop = g.Insert(g.Create(NodeKind::kLoop, {n, c, x}, 1));
  Block* body = loop->AddBlock();
  body->AddInput("i", Type::Int());
  body->AddOutput(c);
  EXPECT_TRUE(Refused(g, "the body does not fit"));
}

TEST(VerifyGraph, RefusesAnAccessWithoutAName) {
  CompilationUnit unit;
  Graph g;
  Value* self =
      g.AddInput("self", unit.AddClass("__torch__.M", true)->shared());
  Node* get = g.Insert(g.Create(NodeKind::kGetAttr, {self}, 1));
  EXPECT_TRUE(Refused(g, "'name' is missing"));
  get->SetAttribute("name", std::string("w"));
  EXPECT_TRUE(Refused(g, "__torch__.M has no attribute 'w'"));
}

}  // namespace
}  // namespace tandem
