#include "tandem/ir/dot.h"

#include "gtest/gtest.h"
#include "tandem/ir/canonical.h"

namespace tandem {
namespace {

TEST(Dot, BoxesEdgesAndClusters) {
  const auto graph = ParseGraph(R"(
    graph(%x : Tensor, %c : bool):
      %y = aten::add.Tensor(%x, %x, 2)
      %z : Tensor = prim::If(%c)
        block0():
          -> (%y)
        block1():
          %s = aten::mul.Scalar(%y, "a\"b")
          -> (%s)
      return (%z))",
                                {nullptr, nullptr, nullptr, false});
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(GraphToDot(**graph, "f"), R"(digraph "f" {
  node [shape=box, fontname="Helvetica"];
  edge [fontname="Helvetica", fontsize=9];
  n0 [label="inputs", shape=oval];
  n1 [label="aten::add.Tensor\nalpha = 2"];
  n2 [label="prim::If"];
  subgraph cluster0 {
    label="prim::If block0";
    n3 [label="begin", shape=oval];
    n4 [label="result", shape=oval];
  }
  subgraph cluster1 {
    label="prim::If block1";
    n5 [label="begin", shape=oval];
    n6 [label="aten::mul.Scalar\nother = \"a\\\"b\""];
    n7 [label="result", shape=oval];
  }
  n8 [label="outputs", shape=oval];
  n0 -> n1 [label="%x : Tensor"];
  n0 -> n1 [label="%x : Tensor"];
  n0 -> n2 [label="%c : bool"];
  n1 -> n4 [label="%y : Tensor"];
  n2 -> n3 [style=dashed];
  n4 -> n2 [style=dashed, constraint=false];
  n1 -> n6 [label="%y : Tensor"];
  n6 -> n7 [label="%s : Tensor"];
  n2 -> n5 [style=dashed];
  n7 -> n2 [style=dashed, constraint=false];
  n2 -> n8 [label="%z : Tensor"];
}
)");
}

}  // namespace
}  // namespace tandem
