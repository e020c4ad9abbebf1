// Passes on canonical text, with kernels that compute constants.
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/ir/canonical.h"
#include "tandem/passes/builtin.h"
#include "tandem/passes/pipeline.h"

namespace tandem {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PassesTest : public ::testing::Test {
 protected:
  PassesTest() {
    EXPECT_TRUE(RegisterPasses(passes_).ok());
    EXPECT_TRUE(reference::Register(kernels_).ok());
    context_.registry = &kernels_;
  }
  static std::string Text(const absl::StatusOr<std::unique_ptr<Graph>>& graph) {
    if (!graph.ok()) return std::string(graph.status().message());
    const absl::StatusOr<std::string> text = PrintCanonical(**graph);
    return text.ok() ? *text : std::string(text.status().message());
  }
  static std::string Is(absl::string_view text) {
    return Text(ParseGraph(text, OperatorTable::Builtin()));
  }
  std::string After(absl::string_view pipeline, absl::string_view text) {
    const auto parsed =
        Pipeline::Parse(absl::StrCat(pipeline, ",eliminate_dead_code"), passes_,
                        kInlined | kFrozen);
    if (!parsed.ok()) return std::string(parsed.status().message());
    auto graph = ParseGraph(text, OperatorTable::Builtin());
    if (!graph.ok()) return std::string(graph.status().message());
    PipelineOptions options;
    options.verify = true;
    const auto runs = parsed->Run(graph->get(), context_, options);
    if (!runs.ok()) return std::string(runs.status().message());
    return Text(graph);
  }

  PassRegistry passes_;
  Registry kernels_;
  PassContext context_;
};

// ---- fold_batch_norm

// conv2d 1 -> 2 channels of 1x1, then batch_norm; $B is its bias, $T training.
constexpr char kConvNorm[] = R"(
    graph(%x):
      %w = prim::Constant[value=tensor(Float, [2, 1, 1, 1], data=[1.0, 2.0])]()
      %b : $KIND = prim::Constant$B()
      %l1 : int[] = prim::Constant[value=[1, 1]]()
      %l0 : int[] = prim::Constant[value=[0, 0]]()
      %1 : int = prim::Constant[value=1]()
      %gamma = prim::Constant[value=tensor(Float, [2], data=[1.0, 3.0])]()
      %beta = prim::Constant[value=tensor(Float, [2], data=[0.0, 10.0])]()
      %mean = prim::Constant[value=tensor(Float, [2], data=[1.0, 2.0])]()
      %var = prim::Constant[value=tensor(Float, [2], data=[1.0, 4.0])]()
      %t : bool = prim::Constant[value=$T]()
      %f : float = prim::Constant[value=0.0]()
      %c = aten::conv2d(%x, %w, %b, %l1, %l0, %l1, %1)
      %y = aten::batch_norm(%c, %gamma, %beta, %mean, %var, %t, %f, %f, %t)
      return ($R))";

std::string ConvNorm(const char* training, const char* result,
                     bool bias = true) {
  return absl::StrReplaceAll(
      kConvNorm,
      {{"$KIND", bias ? "Tensor" : "NoneType"},
       {"$B", bias ? "[value=tensor(Float, [2], data=[1.0, 0.0])]" : ""},
       {"$T", training},
       {"$R", result}});
}

TEST_F(PassesTest, BatchNormGoesIntoTheConvolution) {
  // scale 1 and 3 / 2; shift (1 - 1) * 1 + 0 and (0 - 2) * 1.5 + 10.
  const std::string text = After("fold_batch_norm", ConvNorm("False", "%y"));
  EXPECT_THAT(text, HasSubstr("aten::conv2d"));
  EXPECT_THAT(text, Not(HasSubstr("batch_norm")));
  EXPECT_THAT(text, HasSubstr("[2, 1, 1, 1], data=[1.0, 3.0]"));
  EXPECT_THAT(text, HasSubstr("[2], data=[0.0, 7.0]"));
}

TEST_F(PassesTest, AConvolutionWithoutBiasGetsOne) {
  // -1 * 1 + 0 and -2 * 1.5 + 10.
  const std::string text =
      After("fold_batch_norm", ConvNorm("False", "%y", /*bias=*/false));
  EXPECT_THAT(text, Not(HasSubstr("batch_norm")));
  EXPECT_THAT(text, HasSubstr("[2], data=[-1.0, 7.0]"));
}

TEST_F(PassesTest, FoldedWeightsLieAsTheyDid) {
  // Two channels of [2, 2, 2], channels last: their result is too.
  const std::string laid = absl::StrReplaceAll(
      ConvNorm("False", "%y"),
      {{"[2, 1, 1, 1], data=[1.0, 2.0]",
        "[2, 2, 1, 2], strides=[4, 1, 4, 2], data=[1.0, 2.0, 3.0, 4.0, 5.0, "
        "6.0, 7.0, 8.0]"}});
  const std::string text = After("fold_batch_norm", laid);
  EXPECT_THAT(text, Not(HasSubstr("batch_norm")));
  EXPECT_THAT(text,
              HasSubstr("strides=[4, 1, 4, 2], data=[1.0, 2.0, 3.0, 4.0, 7.5, "
                        "9.0, 10.5, 12.0]"));
}

TEST_F(PassesTest, BatchNormStaysInTrainingAndWhereTheConvolutionIsSeen) {
  for (const std::string& text :
       {ConvNorm("True", "%y"), ConvNorm("False", "%y, %c")}) {
    EXPECT_EQ(After("fold_batch_norm", text), Is(text));
  }
}

// ---- fuse_linear

constexpr char kWeights[] = R"(
      %wt = prim::Constant[value=tensor(Float, [2, 3], data=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]()
      %b = prim::Constant[value=tensor(Float, [3], data=[1.0, 2.0, 3.0])]()
      %1 : int = prim::Constant[value=1]()
      %2 : int = prim::Constant[value=2]())";

TEST_F(PassesTest, ProductsWithConstantsAreLinear) {
  for (const char* product :
       {"%y = aten::addmm(%b, %x, %wt, %1, %1)",
        "%p = aten::matmul(%x, %wt)\n      %y = aten::add.Tensor(%p, %b, %1)",
        "%p = aten::mm(%x, %wt)\n      %y = aten::add.Tensor(%p, %b, %1)",
        "%p = aten::matmul(%x, %wt)\n      %y = aten::add.Tensor(%b, %p, %1)",
        "%p = aten::matmul(%x, %wt)\n"
        "      %y = aten::add_.Tensor(%p, %b, %1)"}) {
    EXPECT_EQ(
        After("fuse_linear", absl::StrCat("graph(%x):", kWeights, "\n      ",
                                          product, "\n      return (%y)")),
        Is(R"(
    graph(%x):
      %b = prim::Constant[value=tensor(Float, [3], data=[1.0, 2.0, 3.0])]()
      %0 : Float(3, 2, strides=[1, 3], requires_grad=0, device=cpu) = prim::Constant[value=tensor(Float, [3, 2], strides=[1, 3], data=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]()
      %y = aten::linear(%x, %0, %b)
      return (%y))"))
        << product;
  }
}

TEST_F(PassesTest, OtherProductsStay) {
  for (const char* product :
       {"%y = aten::addmm(%b, %x, %wt, %1, %2)",
        "%y = aten::addmm(%b, %x, %v, %1, %1)",
        "%y = aten::addmm(%v, %x, %wt, %1, %1)",
        "%p = aten::matmul(%x, %wt)\n      %q = aten::add.Tensor(%p, %b, %1)\n"
        "      %y = aten::mul.Tensor(%q, %p)"}) {
    EXPECT_THAT(After("fuse_linear",
                      absl::StrCat("graph(%x, %v):", kWeights, "\n      ",
                                   product, "\n      return (%y)")),
                Not(HasSubstr("aten::linear")))
        << product;
  }
}

// ---- prune_constant_branches

TEST_F(PassesTest, DecidedBranchesAndLoopsThatDoNotTurn) {
  EXPECT_EQ(After("prune_constant_branches", R"(
    graph(%x, %n : int, %c : bool):
      %t : bool = prim::Constant[value=True]()
      %f : bool = prim::Constant[value=False]()
      %0 : int = prim::Constant[value=0]()
      %2 : int = prim::Constant[value=2]()
      %3 : int = aten::mul.int(%2, %2)
      %a : Tensor = prim::If(%t)
        block0():
          %p = aten::relu(%x)
          -> (%p)
        block1():
          -> (%x)
      %b : Tensor = prim::Loop(%0, %t, %a)
        block0(%i : int, %q : Tensor):
          %r = aten::exp(%q)
          -> (%t, %r)
      %d : Tensor = prim::Loop(%n, %f, %b)
        block0(%j : int, %s : Tensor):
          %u = aten::exp(%s)
          -> (%t, %u)
      %e : Tensor = prim::If(%c)
        block0():
          -> (%d)
        block1():
          -> (%x)
      return (%e, %3))"),
            Is(R"(
    graph(%x, %n : int, %c : bool):
      %2 : int = prim::Constant[value=2]()
      %3 : int = aten::mul.int(%2, %2)
      %p = aten::relu(%x)
      %e : Tensor = prim::If(%c)
        block0():
          -> (%p)
        block1():
          -> (%x)
      return (%e, %3))"));
}

// ---- fuse_attention

// Attention over %q, %k, %v with constants; `lines` make %y.
std::string Attention(absl::string_view lines) {
  return absl::StrCat(R"(graph(%q : Float(*, *, *, *), %k : Float(*, *, *, *),
          %v : Float(*, *, *, *), %mask, %drop : Bool(*, *, *, *)):
      %a : int = prim::Constant[value=-2]()
      %b : int = prim::Constant[value=-1]()
      %1 : int = prim::Constant[value=1]()
      %6 : int = prim::Constant[value=6]()
      %5 : int = prim::Constant[value=5]()
      %n : NoneType = prim::Constant()
      %f : bool = prim::Constant[value=False]()
      %c : float = prim::Constant[value=4.0]()
      %z = prim::Constant[value=tensor(Float, [], data=[4.0])]()
      %inf : float = prim::Constant[value=-inf]()
      %t = aten::transpose.int(%k, %a, %b)
)",
                      lines, "\n      return (%y)");
}

struct Written {
  const char* lines;
  double scale;  // 0: stays as it is
  bool masks = false;
};

TEST_F(PassesTest, AttentionAsPeopleWriteIt) {
  const Written kCases[] = {
      // BERT, ViT, with the scale on either side, as traces have it, or not.
      {"%s = aten::matmul(%q, %t)\n %d = aten::div.Scalar(%s, %c)\n"
       " %p = aten::softmax.int(%d, %b, %n)\n %y = aten::matmul(%p, %v)",
       0.25},
      {"%s = aten::matmul(%q, %t)\n %d = aten::div.Tensor(%s, %z)\n"
       " %p = aten::softmax.int(%d, %b, %n)\n %y = aten::matmul(%p, %v)",
       0.25},
      {"%r = aten::mul.Scalar(%q, %c)\n %s = aten::matmul(%r, %t)\n"
       " %p = aten::softmax.int(%s, %b, %n)\n %y = aten::matmul(%p, %v)",
       4},
      {"%s = aten::matmul(%q, %t)\n %p = aten::softmax.int(%s, %b, %n)\n"
       " %y = aten::matmul(%p, %v)",
       1},
      // CLIP, GPT-2: softmax in float, and back.
      {"%s = aten::matmul(%q, %t)\n %d = aten::mul.Scalar(%s, %c)\n"
       " %p = aten::softmax.int(%d, %b, %6)\n"
       " %w = aten::to.dtype(%p, %6, %f, %f, %n)\n"
       " %y = aten::matmul(%w, %v)",
       4},
      // Another dtype than q's.
      {"%s = aten::matmul(%q, %t)\n %p = aten::softmax.int(%s, %b, %5)\n"
       " %w = aten::to.dtype(%p, %6, %f, %f, %n)\n"
       " %y = aten::matmul(%w, %v)",
       0},
      // Over another dim, or of another transpose.
      {"%s = aten::matmul(%q, %t)\n %p = aten::softmax.int(%s, %a, %n)\n"
       " %y = aten::matmul(%p, %v)",
       0},
      {"%u = aten::transpose.int(%k, %1, %b)\n %s = aten::matmul(%q, %u)\n"
       " %p = aten::softmax.int(%s, %b, %n)\n %y = aten::matmul(%p, %v)",
       0},
      // The weights are seen.
      {"%s = aten::matmul(%q, %t)\n %p = aten::softmax.int(%s, %b, %n)\n"
       " %m = aten::matmul(%p, %v)\n %y : Tensor[] = "
       "prim::ListConstruct(%m, %p)",
       0},
      // Masks.
      {"%s = aten::matmul(%q, %t)\n %d = aten::div.Scalar(%s, %c)\n"
       " %m = aten::add.Tensor(%d, %mask, %1)\n"
       " %p = aten::softmax.int(%m, %b, %n)\n %y = aten::matmul(%p, %v)",
       0.25, true},
      {"%s = aten::matmul(%q, %t)\n %m = aten::add.Tensor(%mask, %s, %1)\n"
       " %p = aten::softmax.int(%m, %b, %n)\n %y = aten::matmul(%p, %v)",
       1, true},
      {"%s = aten::matmul(%q, %t)\n %d = aten::div.Scalar(%s, %c)\n"
       " %m = aten::masked_fill.Scalar(%d, %drop, %inf)\n"
       " %p = aten::softmax.int(%m, %b, %n)\n %y = aten::matmul(%p, %v)",
       0.25, true},
      // Filled with a number that is not quite nothing.
      {"%s = aten::matmul(%q, %t)\n"
       " %m = aten::masked_fill.Scalar(%s, %drop, %c)\n"
       " %p = aten::softmax.int(%m, %b, %n)\n %y = aten::matmul(%p, %v)",
       0, true},
  };
  for (const Written& c : kCases) {
    const std::string text = Attention(c.lines);
    const std::string after =
        After(c.masks ? "fuse_attention(masks)" : "fuse_attention", text);
    const bool fused =
        after.find("aten::scaled_dot_product_attention") != std::string::npos;
    EXPECT_EQ(fused, c.scale != 0) << after;
    if (!fused) continue;
    EXPECT_EQ(after.find("aten::softmax"), std::string::npos) << after;
    EXPECT_THAT(after, HasSubstr(absl::StrCat("float = prim::Constant[value=",
                                              c.scale)));
    EXPECT_EQ(after.find("logical_not") != std::string::npos,
              text.find("masked_fill") != std::string::npos);
    // Without the option masks stay.
    if (c.masks) {
      EXPECT_THAT(After("fuse_attention", text), HasSubstr("aten::softmax"));
    }
  }
}

TEST_F(PassesTest, RanksAreKnownFromWhatMakesATensor) {
  EXPECT_THAT(After("fuse_attention", R"(
    graph(%x, %n : int):
      %0 : int = prim::Constant[value=0]()
      %2 : int = prim::Constant[value=2]()
      %3 : int = prim::Constant[value=3]()
      %m : int = prim::Constant[value=-1]()
      %o : NoneType = prim::Constant()
      %l : int[] = prim::ListConstruct(%n, %m, %3, %2, %2)
      %r = aten::reshape(%x, %l)
      %d : int[] = prim::Constant[value=[2, 0, 3, 1, 4]]()
      %p = aten::permute(%r, %d)
      %u : Tensor[] = aten::unbind.int(%p, %0)
      %q : Tensor, %k : Tensor, %v : Tensor = prim::ListUnpack(%u)
      %t = aten::transpose.int(%k, %2, %3)
      %s = aten::matmul(%q, %t)
      %w = aten::softmax.int(%s, %m, %o)
      %y = aten::matmul(%w, %v)
      return (%y))"),
              HasSubstr("scaled_dot_product_attention(%q, %k, %v"));
}

// ---- remove_mutation

TEST_F(PassesTest, WritesGoWhereDTypesFollowFromWeights) {
  const char* text = R"(
    graph(%x, %z):
      %w = prim::Constant[value=tensor(Float, [3, 2], data=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])]()
      %n : NoneType = prim::Constant()
      %1 : int = prim::Constant[value=1]()
      %a = aten::linear(%x, %w, %n)
      %b = aten::linear(%z, %w, %n)
      %r = aten::relu(%b)
      %y = aten::$ADD(%a, %$WITH, %1)
      return (%y))";
  // Marked: a larger %r would be refused.
  const auto with = [&](const char* add, const char* what) {
    return absl::StrReplaceAll(text, {{"$ADD", add}, {"$WITH", what}});
  };
  EXPECT_EQ(After("remove_mutation", with("add_.Tensor", "r")),
            Is(with("add.Tensor[in_place=1]", "r")));
  // z may be anything.
  EXPECT_THAT(After("remove_mutation", with("add_.Tensor", "z")),
              HasSubstr("aten::add_.Tensor"));
}

}  // namespace
}  // namespace tandem
