// Shapes through graphs, on canonical text.
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/canonical.h"
#include "tandem/passes/builtin.h"
#include "tandem/passes/pipeline.h"

namespace tandem {
namespace {

std::string Text(const absl::StatusOr<std::unique_ptr<Graph>>& graph) {
  if (!graph.ok()) return std::string(graph.status().message());
  const absl::StatusOr<std::string> text = PrintCanonical(**graph);
  return text.ok() ? *text : std::string(text.status().message());
}

class Shapes : public testing::Test {
 protected:
  Shapes() {
    EXPECT_TRUE(RegisterPasses(passes_).ok());
    context_.registry = &kernels_;
  }

  std::string After(absl::string_view text,
                    absl::string_view pipeline = "propagate_shapes") {
    const auto parsed = Pipeline::Parse(pipeline, passes_, kInlined | kFrozen);
    if (!parsed.ok()) return std::string(parsed.status().message());
    auto graph = ParseGraph(text, OperatorTable::Builtin());
    if (!graph.ok()) return std::string(graph.status().message());
    PipelineOptions options;
    options.verify = true;
    const auto runs = parsed->Run(graph->get(), context_, options);
    if (!runs.ok()) return std::string(runs.status().message());
    return Text(graph);
  }
  static std::string Is(absl::string_view text) {
    return Text(ParseGraph(text, OperatorTable::Builtin()));
  }

  PassRegistry passes_;
  Registry kernels_;
  PassContext context_;
};

TEST_F(Shapes, PromotionAndBroadcasting) {
  EXPECT_EQ(After(R"(
    graph(%x : Float(2, 1, 4, strides=[4, 4, 1]), %n : Long(3, 1, strides=[1, 1]), %b : Bool()):
      %1 : int = prim::Constant[value=1]()
      %a = aten::add.Tensor(%x, %n, %1)
      %c = aten::gt.Tensor(%n, %b)
      %d = aten::div.Tensor(%n, %n)
      %e = aten::where.self(%c, %n, %n)
      %f = aten::relu_(%a)
      return (%f, %d, %e))"),
            Is(R"(
    graph(%x : Float(2, 1, 4, strides=[4, 4, 1]), %n : Long(3, 1, strides=[1, 1]), %b : Bool()):
      %1 : int = prim::Constant[value=1]()
      %a : Float(2, 3, 4, strides=[12, 4, 1]) = aten::add.Tensor(%x, %n, %1)
      %c : Bool(3, 1) = aten::gt.Tensor(%n, %b)
      %d : Float(3, 1, strides=[1, 1]) = aten::div.Tensor(%n, %n)
      %e : Long(3, 1) = aten::where.self(%c, %n, %n)
      %f : Float(2, 3, 4, strides=[12, 4, 1]) = aten::relu_(%a)
      return (%f, %d, %e))"));
}

TEST_F(Shapes, ASizeThatIsNotKnownKeepsItsName) {
  EXPECT_EQ(After(R"(
    graph(%x : Float(*, 8, *), %y : Float(*, 8, 1)):
      %1 : int = prim::Constant[value=1]()
      %0 : int = prim::Constant[value=0]()
      %m : int = prim::Constant[value=-1]()
      %a = aten::relu(%x)
      %t = aten::transpose.int(%a, %0, %1)
      %n : int = aten::size.int(%x, %0)
      %l : int[] = prim::ListConstruct(%n, %m)
      %v = aten::view(%a, %l)
      %s = aten::add.Tensor(%x, %y, %1)
      return (%t, %v, %s))"),
            Is(R"(
    graph(%x : Float(s0, 8, s1), %y : Float(s2, 8, 1)):
      %1 : int = prim::Constant[value=1]()
      %0 : int = prim::Constant[value=0]()
      %m : int = prim::Constant[value=-1]()
      %a : Float(s0, 8, s1) = aten::relu(%x)
      %t : Float(8, s0, s1) = aten::transpose.int(%a, %0, %1)
      %n : int = aten::size.int(%x, %0)
      %l : int[] = prim::ListConstruct(%n, %m)
      %v : Float(s0, s3) = aten::view(%a, %l)
      %s = aten::add.Tensor(%x, %y, %1)
      return (%t, %v, %s))"));
}

TEST_F(Shapes, SlicesDoNotTakeALimitForASize) {
  EXPECT_EQ(After(R"(
    graph(%x : Float(s0, 8)):
      %1 : int = prim::Constant[value=1]()
      %0 : int = prim::Constant[value=0]()
      %5 : int = prim::Constant[value=5]()
      %a = aten::slice.Tensor(%x, %0, %0, %5, %1)
      %b = aten::slice.Tensor(%x, %1, %0, %5, %1)
      %c = aten::select.int(%b, %0, %0)
      %d = aten::squeeze(%x)
      return (%a, %c, %d))"),
            Is(R"(
    graph(%x : Float(s0, 8)):
      %1 : int = prim::Constant[value=1]()
      %0 : int = prim::Constant[value=0]()
      %5 : int = prim::Constant[value=5]()
      %a : Float(s1, 8) = aten::slice.Tensor(%x, %0, %0, %5, %1)
      %b : Float(s0, 5) = aten::slice.Tensor(%x, %1, %0, %5, %1)
      %c : Float(5) = aten::select.int(%b, %0, %0)
      %d = aten::squeeze(%x)
      return (%a, %c, %d))"));
}

TEST_F(Shapes, Layers) {
  EXPECT_EQ(After(R"(
    graph(%x : Float(*, 3, *, *), %w : Float(16, 3, 3, 3), %p : Float(10, 16)):
      %n : NoneType = prim::Constant()
      %1 : int = prim::Constant[value=1]()
      %2 : int = prim::Constant[value=2]()
      %m : int = prim::Constant[value=-1]()
      %f : bool = prim::Constant[value=False]()
      %l1 : int[] = prim::Constant[value=[1, 1]]()
      %l2 : int[] = prim::Constant[value=[2, 2]]()
      %l0 : int[] = prim::Constant[value=[0, 0]]()
      %a = aten::conv2d(%x, %w, %n, %l1, %l1, %l1, %1)
      %b = aten::max_pool2d(%a, %l2, %l2, %l0, %l1, %f)
      %c = aten::adaptive_avg_pool2d(%b, %l1)
      %d = aten::flatten.using_ints(%c, %1, %m)
      %e = aten::linear(%d, %p, %n)
      %g = aten::softmax.int(%e, %m, %n)
      %v : Tensor, %i : Tensor = aten::max.dim(%g, %1, %f)
      return (%v, %i, %b))"),
            Is(R"(
    graph(%x : Float(s0, 3, s1, s2), %w : Float(16, 3, 3, 3), %p : Float(10, 16)):
      %n : NoneType = prim::Constant()
      %1 : int = prim::Constant[value=1]()
      %2 : int = prim::Constant[value=2]()
      %m : int = prim::Constant[value=-1]()
      %f : bool = prim::Constant[value=False]()
      %l1 : int[] = prim::Constant[value=[1, 1]]()
      %l2 : int[] = prim::Constant[value=[2, 2]]()
      %l0 : int[] = prim::Constant[value=[0, 0]]()
      %a : Float(s0, 16, s1, s2) = aten::conv2d(%x, %w, %n, %l1, %l1, %l1, %1)
      %b : Float(s0, 16, s3, s4) = aten::max_pool2d(%a, %l2, %l2, %l0, %l1, %f)
      %c : Float(s0, 16, 1, 1) = aten::adaptive_avg_pool2d(%b, %l1)
      %d : Float(s0, 16) = aten::flatten.using_ints(%c, %1, %m)
      %e : Float(s0, 10) = aten::linear(%d, %p, %n)
      %g : Float(s0, 10) = aten::softmax.int(%e, %m, %n)
      %v : Float(s0), %i : Long(s0) = aten::max.dim(%g, %1, %f)
      return (%v, %i, %b))"));
}

TEST_F(Shapes, JoinsOfBranchesAndLoops) {
  EXPECT_EQ(After(R"(
    graph(%x : Float(2, 3), %y : Float(2, 5), %b : bool, %n : int):
      %t : bool = prim::Constant[value=True]()
      %1 : int = prim::Constant[value=1]()
      %a : Tensor = prim::If(%b)
        block0():
          -> (%x)
        block1():
          -> (%y)
      %c : Tensor, %d : Tensor = prim::Loop(%n, %t, %x, %x)
        block0(%i : int, %p : Tensor, %q : Tensor):
          %r = aten::relu(%p)
          %l : Tensor[] = prim::ListConstruct(%q, %x)
          %s = aten::cat(%l, %1)
          -> (%t, %r, %s)
      return (%a, %c, %d))"),
            Is(R"(
    graph(%x : Float(2, 3), %y : Float(2, 5), %b : bool, %n : int):
      %t : bool = prim::Constant[value=True]()
      %1 : int = prim::Constant[value=1]()
      %a : Float(2, s0) = prim::If(%b)
        block0():
          -> (%x)
        block1():
          -> (%y)
      %c : Float(2, 3), %d : Float(2, s3) = prim::Loop(%n, %t, %x, %x)
        block0(%i : int, %p : Float(2, 3), %q : Float(2, s1)):
          %r : Float(2, 3) = aten::relu(%p)
          %l : Tensor[] = prim::ListConstruct(%q, %x)
          %s : Float(2, s2) = aten::cat(%l, %1)
          -> (%t, %r, %s)
      return (%a, %c, %d))"));
}

TEST_F(Shapes, WhereSizesOfATensorChangeNothingIsSaid) {
  const char* text = R"(
    graph(%x : Float(2, 3)):
      %0 : int = prim::Constant[value=0]()
      %a = aten::relu(%x)
      %b = aten::unsqueeze_(%a, %0)
      return (%a))";
  EXPECT_EQ(After(text), Is(text));
}

TEST_F(Shapes, ParametersMayBeTypedByAnOption) {
  EXPECT_EQ(After(R"(
    graph(%x, %n : int, %y):
      %z = aten::matmul(%x, %y)
      return (%z))",
                  "propagate_shapes(inputs=NxTx8;float32:8x4)"),
            Is(R"(
    graph(%x : Float(s0, s1, 8), %n : int, %y : Float(8, 4)):
      %z : Float(s0, s1, 4) = aten::matmul(%x, %y)
      return (%z))"));
  EXPECT_EQ(
      After("graph(%x): return (%x)", "propagate_shapes(inputs=float33:2x3)"),
      "inputs: there is no dtype 'float33'");
}

}  // namespace
}  // namespace tandem
