// Products, pooling, normalisation, elementwise operators and views, against
// the reference kernels.
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/tests/onednn/group_runner.h"

namespace tandem::onednn {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Sizes = std::vector<int64_t>;

// ---- products

TEST(LinearTest, FoldsLeadingDims) {
  for (const Sizes& sizes :
       {Sizes{24}, Sizes{1, 24}, Sizes{5, 24}, Sizes{2, 3, 4, 24}}) {
    for (bool bias : {false, true}) {
      TestGroup g;
      g.Output(g.Op("aten::linear",
                    {g.Input(Values(sizes)), g.Constant(Values({40, 24})),
                     bias ? g.Constant(Values({40})) : g.None()}));
      EXPECT_EQ(Refusal(g), "");
      EXPECT_EQ(Difference(g), "") << sizes.size();
    }
  }
}

TEST(LinearTest, OneRowIsReadAsItLies) {
  for (int64_t length : {256, 263, 300}) {
    for (bool bias : {false, true}) {
      TestGroup g;
      Value* x = g.Input(Values({1, 1, length}));
      x = g.Op("aten::linear", {x, g.Constant(Values({301, length})),
                                bias ? g.Constant(Values({301})) : g.None()});
      g.Output(g.Op("aten::relu", {x}));
      std::string text;
      EXPECT_EQ(Difference(g, &text, 1e-4), "") << length;
      EXPECT_THAT(text, HasSubstr("linear of a row, relu"));
    }
  }
}

TEST(LibraryTest, MayBeOpenedBeforeTheFirstGroup) {
  TestGroup g;
  g.Output(g.Op("aten::linear", {g.Input(Values({5, 24})),
                                 g.Constant(Values({40, 24})), g.None()}));
  Options options;
  options.preload = true;
  EXPECT_EQ(Difference(g, nullptr, 1e-5, 1e-6, options), "");
  // A backend that nobody asks for anything waits for its own thread alone.
  MakeBackend(options);
  options.library = "/nowhere/libdnnl.so.3";
  MakeBackend(options);
  const absl::StatusOr<GroupResult> result = RunOneDnn(g, options);
  EXPECT_EQ(result.status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(result.status().message(), HasSubstr("is not there"));
}

TEST(LinearTest, TakesWhatFollows) {
  TestGroup g;
  Value* x = g.Input(Values({2, 7, 64}));
  Value* residual = g.Input(Values({2, 7, 64}));
  Value* y = g.Op("aten::linear", {x, g.Constant(Values({128, 64})),
                                   g.Constant(Values({128}))});
  y = g.Op("aten::gelu", {y});
  y = g.Op("aten::linear",
           {y, g.Constant(Values({64, 128})), g.Constant(Values({64}))});
  y = g.Op("aten::dropout", {y, g.Constant(0.1), g.Constant(false)});
  y = g.Op("aten::add.Tensor", {y, residual});
  g.Output(g.Op("aten::layer_norm", {y, g.Ints({64}), g.Constant(Values({64})),
                                     g.Constant(Values({64}))}));
  std::string text;
  EXPECT_EQ(Refusal(g), "");
  EXPECT_EQ(Difference(g, &text, 1e-4), "");
  EXPECT_THAT(text, HasSubstr("linear+gelu, linear+dropout+add, layer_norm"));
}

TEST(MatMulTest, Broadcasts) {
  const std::vector<std::pair<Sizes, Sizes>> shapes = {
      {{4, 5}, {5, 6}},          {{5}, {5, 6}},    {{4, 5}, {5}},
      {{2, 3, 4, 5}, {5, 6}},    {{5}, {5}},       {{2, 3, 4, 5}, {5}},
      {{2, 3, 4, 5}, {3, 5, 6}}, {{5}, {3, 5, 6}}, {{2, 1, 4, 5}, {1, 3, 5, 6}},
      {{4, 5}, {3, 5, 6}}};
  for (const auto& [a, b] : shapes) {
    for (bool constant : {false, true}) {
      TestGroup g;
      Value* y =
          constant ? g.Constant(Values(b, 0, 1)) : g.Input(Values(b, 0, 1));
      g.Output(g.Op("aten::matmul", {g.Input(Values(a)), y}));
      EXPECT_EQ(Difference(g), "")
          << DimsToString(a) << " @ " << DimsToString(b);
    }
  }
}

TEST(MatMulTest, AddsWithFactors) {
  for (double beta : {0.0, 1.0, 0.5}) {
    TestGroup g;
    g.Output(g.Op("aten::addmm", {g.Input(Values({6})), g.Input(Values({4, 5})),
                                  g.Constant(Values({5, 6})), g.Constant(beta),
                                  g.Constant(beta == 0 ? 2.0 : beta)}));
    if (beta != 0.5)
      g.Output(g.Op("aten::baddbmm",
                    {g.Input(Values({1, 4, 6})), g.Input(Values({3, 4, 5})),
                     g.Input(Values({3, 5, 6})), g.Constant(beta),
                     g.Constant(beta == 0 ? 2.0 : beta)}));
    EXPECT_EQ(Difference(g), "") << beta;
  }
}

// [batch, time, heads * width] through views to attention and back.
TEST(AttentionTest, ReadsTransposedHeads) {
  TestGroup g;
  const auto heads = [&](Value* x) {
    Value* y = g.Op("aten::linear", {x, g.Constant(Values({32, 32})),
                                     g.Constant(Values({32}))});
    y = g.Op("aten::view", {y, g.Ints({2, 7, 4, 8})});
    return g.Op("aten::permute", {y, g.Ints({0, 2, 1, 3})});
  };
  Value* x = g.Input(Values({2, 7, 32}));
  Value *q = heads(x), *k = heads(x), *v = heads(x);
  Value* s = g.Op(
      "aten::matmul",
      {q, g.Op("aten::transpose.int", {k, g.Constant(-1), g.Constant(-2)})});
  s = g.Op("aten::div.Scalar", {s, g.Constant(2.8284271247461903)});
  s = g.Op("aten::add.Tensor", {s, g.Input(Values({2, 1, 1, 7}, -10, 0))});
  s = g.Op("aten::softmax.int", {s, g.Constant(-1)});
  Value* y = g.Op("aten::matmul", {s, v});
  y = g.Op("aten::permute", {y, g.Ints({0, 2, 1, 3})});
  y = g.Op("aten::contiguous", {y});
  y = g.Op("aten::view", {y, g.Ints({2, 7, 32})});
  g.Output(g.Op("aten::linear", {y, g.Constant(Values({32, 32}))}));
  EXPECT_EQ(Refusal(g), "");
  std::string text;
  EXPECT_EQ(Difference(g, &text, 1e-4), "");
  EXPECT_THAT(text, HasSubstr("matmul+div"));
}

TEST(AttentionTest, Scaled) {
  for (bool causal : {false, true}) {
    for (bool mask : {false, true}) {
      if (causal && mask) continue;
      TestGroup g;
      g.Output(
          g.Op("aten::scaled_dot_product_attention",
               {g.Input(Values({2, 4, 7, 8})), g.Input(Values({2, 4, 9, 8})),
                g.Input(Values({2, 4, 9, 16})),
                mask ? g.Constant(Values({7, 9})) : g.None(), g.Constant(0.0),
                g.Constant(causal)}));
      EXPECT_EQ(Difference(g, nullptr, 1e-4), "") << causal << mask;
    }
  }
}

// ---- pooling

struct Pool {
  std::string name, op;
  Sizes input, kernel, stride, padding, dilation = {1};
  bool ceil_mode = false, include = true, channels_last = false;
};
class PoolTest : public ::testing::TestWithParam<Pool> {};

TEST_P(PoolTest, AgreesWithReference) {
  const Pool& c = GetParam();
  TestGroup g;
  const Tensor value = Values(c.input);
  Value* x = g.Input(c.channels_last ? ChannelsLast(value) : value);
  std::vector<Value*> args = {x, g.Ints(c.kernel), g.Ints(c.stride),
                              g.Ints(c.padding)};
  if (c.op.find("max") != std::string::npos) args.push_back(g.Ints(c.dilation));
  args.push_back(g.Constant(c.ceil_mode));
  if (c.op.find("avg") != std::string::npos)
    args.push_back(g.Constant(c.include));
  g.Output(g.Op(c.op, args));
  EXPECT_EQ(Refusal(g), "");
  EXPECT_EQ(Difference(g), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, PoolTest,
    ::testing::Values(
        Pool{"max", "aten::max_pool2d", {2, 5, 12, 13}, {3}, {2}, {1}},
        Pool{"max_ceil",
             "aten::max_pool2d",
             {1, 16, 12, 12},
             {3},
             {2},
             {0},
             {1},
             true},
        Pool{"max_dilated",
             "aten::max_pool2d",
             {1, 16, 12, 12},
             {3, 2},
             {},
             {1, 1},
             {2, 1}},
        Pool{"max_last",
             "aten::max_pool2d",
             {1, 16, 12, 12},
             {2},
             {},
             {0},
             {1},
             false,
             true,
             true},
        Pool{"max_unbatched", "aten::max_pool2d", {16, 12, 12}, {2}, {}, {0}},
        Pool{"max1d", "aten::max_pool1d", {2, 16, 20}, {3}, {2}, {1}},
        Pool{"max3d", "aten::max_pool3d", {1, 4, 8, 8, 8}, {2}, {2}, {0}},
        Pool{"avg", "aten::avg_pool2d", {2, 5, 12, 13}, {3}, {2}, {1}},
        Pool{"avg_without",
             "aten::avg_pool2d",
             {2, 5, 12, 13},
             {3},
             {2},
             {1},
             {1},
             false,
             false},
        Pool{"avg_ceil",
             "aten::avg_pool2d",
             {1, 16, 12, 12},
             {3},
             {2},
             {0},
             {1},
             true},
        Pool{"avg1d", "aten::avg_pool1d", {2, 16, 20}, {4}, {2}, {1}},
        Pool{"avg3d", "aten::avg_pool3d", {1, 4, 8, 8, 8}, {2}, {2}, {0}}),
    [](const auto& info) { return info.param.name; });

TEST(PoolTest, Adapts) {
  for (int64_t size : {1, 2, 4}) {
    TestGroup g;
    Value* x = g.Op("aten::conv2d", {g.Input(Values({1, 8, 8, 8})),
                                     g.Constant(Values({20, 8, 1, 1}))});
    g.Output(g.Op("aten::flatten.using_ints",
                  {g.Op("aten::adaptive_avg_pool2d", {x, g.Ints({size, size})}),
                   g.Constant(1)}));
    EXPECT_EQ(Refusal(g), "");
    EXPECT_EQ(Difference(g), "") << size;
  }
}

TEST(ResampleTest, ByWholeFactors) {
  for (const char* op :
       {"aten::upsample_nearest2d", "aten::upsample_bilinear2d"}) {
    TestGroup g;
    std::vector<Value*> args = {g.Input(Values({1, 8, 5, 6})),
                                g.Ints({10, 18})};
    if (absl::string_view(op) == "aten::upsample_bilinear2d") {
      args.push_back(g.Constant(false));
    }
    g.Output(g.Op(op, args));
    EXPECT_EQ(Difference(g), "") << op;
  }
  TestGroup g;
  g.Output(g.Op("aten::upsample_nearest2d",
                {g.Input(Values({1, 8, 5, 6})), g.Ints({7, 9})}));
  EXPECT_EQ(RunOneDnn(g, {}).status().code(), absl::StatusCode::kUnimplemented);
}

// ---- normalisation, softmax, reductions

TEST(NormTest, AgreesWithReference) {
  const Sizes image = {2, 6, 5, 7};
  const auto p = [](TestGroup& g, float low) {
    return g.Constant(Values({6}, low, 2));
  };
  for (bool affine : {false, true}) {
    TestGroup g;
    Value* x = g.Input(Values(image));
    Value* weight = affine ? p(g, -2) : g.None();
    Value* bias = affine ? p(g, -2) : g.None();
    g.Output(g.Op("aten::batch_norm",
                  {x, weight, bias, p(g, -1), p(g, 0.5), g.Constant(false),
                   g.Constant(0.1), g.Constant(1e-5), g.Constant(true)}));
    g.Output(g.Op("aten::group_norm",
                  {x, g.Constant(3), weight, bias, g.Constant(1e-5)}));
    g.Output(g.Op("aten::instance_norm",
                  {x, weight, bias, g.None(), g.None(), g.Constant(true),
                   g.Constant(0.1), g.Constant(1e-5), g.Constant(true)}));
    g.Output(
        g.Op("aten::layer_norm",
             {x, g.Ints({5, 7}), affine ? g.Constant(Values({5, 7})) : g.None(),
              affine ? g.Constant(Values({5, 7})) : g.None()}));
    EXPECT_EQ(Difference(g, nullptr, 1e-4), "") << affine;
  }
}

TEST(SoftmaxTest, AlongEachDim) {
  for (const char* op : {"aten::softmax.int", "aten::log_softmax.int"}) {
    for (int64_t dim : {0, 1, -1}) {
      TestGroup g;
      g.Output(
          g.Op(op, {g.Input(Values({3, 20, 17}, -5, 5)), g.Constant(dim)}));
      EXPECT_EQ(Difference(g), "") << op << dim;
    }
  }
}

// An operand of any broadcast after it; rows that are no whole vectors.
TEST(SoftmaxTest, WithAnOperandBehindIt) {
  for (const char* op : {"aten::mul.Tensor", "aten::add.Tensor"}) {
    for (const Sizes& other :
         {Sizes{1, 4, 1, 1}, Sizes{4, 1, 1}, Sizes{2, 4, 1, 1}, Sizes{36},
          Sizes{36, 1}, Sizes{1}, Sizes{2, 4, 36, 36}}) {
      TestGroup g;
      Value* x = g.Op("aten::softmax.int",
                      {g.Input(Values({2, 4, 36, 36}, -5, 5)), g.Constant(-1)});
      g.Output(g.Op(op, {x, g.Constant(Values(other))}));
      EXPECT_EQ(Difference(g), "") << op << DimsToString(other);
    }
  }
}

// All but the first row of the only image: dense, though a step over images
// would not say so.
TEST(BinaryTest, ViewsOfOneBatch) {
  for (int64_t batch : {1, 2}) {
    for (const char* op : {"aten::add.Tensor", "aten::mul.Tensor"}) {
      TestGroup g;
      Value* p = g.Input(Values({batch, 37, 64}));
      Value* rows = g.Op("aten::slice.Tensor",
                         {p, g.Constant(1), g.Constant(1), g.Constant(37)});
      Value* norm = g.Op("aten::layer_norm",
                         {g.Input(Values({batch, 36, 64})), g.Ints({64})});
      g.Output(g.Op(op, {rows, norm}));
      EXPECT_EQ(Difference(g, nullptr, 1e-4), "") << op << batch;
    }
  }
}

// Second operands behind what oneDNN has plain loops for, in the layout that a
// convolution leaves, and a sum with what nobody needs afterwards.
TEST(PoolTest, WithOperandsBehindIt) {
  for (const char* kind : {"average", "nearest"}) {
    for (const Sizes& other : {Sizes{2, 16, 12, 12}, Sizes{1, 16, 1, 1}}) {
      TestGroup g;
      Value* x = g.Input(Values({2, 16, 12, 12}));
      Value* conv =
          g.Op("aten::conv2d", {x, g.Constant(Values({16, 16, 1, 1}))});
      Value* y =
          kind == std::string("average")
              ? g.Op("aten::avg_pool2d",
                     {conv, g.Ints({3, 3}), g.Ints({1, 1}), g.Ints({1, 1}),
                      g.Constant(false), g.Constant(false)})
              : g.Op("aten::upsample_nearest2d", {conv, g.Ints({12, 12})});
      y = g.Op("aten::mul.Tensor", {y, g.Input(Values(other))});
      Value* dies = g.Op("aten::relu", {g.Input(Values({2, 16, 12, 12}))});
      y = g.Op("aten::add.Tensor", {y, dies});
      g.Output(g.Op("aten::relu", {y}));
      EXPECT_EQ(Difference(g), "") << kind << DimsToString(other);
    }
  }
}

TEST(ReduceTest, OverAnyDims) {
  for (const char* op : {"aten::mean.dim", "aten::sum.dim_IntList",
                         "aten::amax", "aten::amin"}) {
    for (const Sizes& dims : {Sizes{-1}, Sizes{2, 3}, Sizes{1}, Sizes{0, 2}}) {
      for (bool keepdim : {false, true}) {
        TestGroup g;
        g.Output(g.Op(op, {g.Input(Values({2, 20, 5, 7})), g.Ints(dims),
                           g.Constant(keepdim)}));
        EXPECT_EQ(Difference(g), "") << op << DimsToString(dims) << keepdim;
      }
    }
  }
}

// ---- elementwise

TEST(EltwiseTest, AgreesWithReference) {
  const std::vector<const char*> unary = {
      "aten::relu",      "aten::relu6",       "aten::sigmoid", "aten::tanh",
      "aten::silu",      "aten::mish",        "aten::abs",     "aten::square",
      "aten::hardswish", "aten::hardsigmoid", "aten::neg",     "aten::gelu",
      "aten::elu",       "aten::leaky_relu",  "aten::softplus"};
  for (const char* op : unary) {
    for (bool constant_layout : {false, true}) {
      TestGroup g;
      const Tensor x = Values({2, 20, 5, 5}, -8, 8);
      g.Output(g.Op(op, {g.Input(constant_layout ? ChannelsLast(x) : x)}));
      EXPECT_EQ(Difference(g, nullptr, 1e-5), "") << op;
    }
  }
}

TEST(EltwiseTest, WithNumbers) {
  TestGroup g;
  Value* x = g.Input(Values({3, 40}, -8, 8));
  const auto number = [&](double d) { return g.Constant(d); };
  g.Output(g.Op("aten::add.Scalar", {x, number(2.5), number(2)}));
  g.Output(g.Op("aten::sub.Scalar", {x, number(2.5), number(2)}));
  g.Output(g.Op("aten::rsub.Scalar", {x, number(2.5), number(2)}));
  g.Output(g.Op("aten::mul.Scalar", {x, number(-3)}));
  g.Output(g.Op("aten::div.Scalar", {x, number(3)}));
  g.Output(g.Op("aten::pow.Tensor_Scalar", {x, number(2)}));
  g.Output(g.Op("aten::clamp", {x, number(-1), g.None()}));
  g.Output(g.Op("aten::clamp", {x, number(3), number(1)}));
  g.Output(g.Op("aten::clamp_max", {x, number(3)}));
  g.Output(g.Op("aten::hardtanh", {x, number(-2), number(2)}));
  g.Output(g.Op("aten::gelu", {x, g.Constant("tanh")}));
  EXPECT_EQ(Difference(g), "");
}

TEST(BinaryTest, Broadcasts) {
  const std::vector<std::pair<Sizes, Sizes>> shapes = {
      {{2, 20, 5, 7}, {2, 20, 5, 7}},
      {{2, 20, 5, 7}, {20, 1, 1}},
      {{2, 20, 5, 7}, {7}},
      {{2, 20, 5, 7}, {2, 20, 1, 1}},
      {{7}, {20, 7}},
      {{2, 1, 5, 7}, {5, 7}}};
  for (const char* op : {"aten::add.Tensor", "aten::sub.Tensor",
                         "aten::mul.Tensor", "aten::rsub.Tensor"}) {
    for (const auto& [a, b] : shapes) {
      TestGroup g;
      g.Output(g.Op(op, {g.Input(Values(a)), g.Input(Values(b, 1, 2))}));
      EXPECT_EQ(Difference(g), "") << op << DimsToString(a) << DimsToString(b);
    }
  }
}

// ---- shapes

TEST(ShapeTest, DescribesViews) {
  TestGroup g;
  Value* x = g.Op("aten::conv2d", {g.Input(Values({2, 8, 6, 6})),
                                   g.Constant(Values({24, 8, 3, 3}))});
  Value* tokens = g.Op("aten::transpose.int",
                       {g.Op("aten::flatten.using_ints", {x, g.Constant(2)}),
                        g.Constant(1), g.Constant(2)});
  g.Output(g.Op("aten::linear", {tokens, g.Constant(Values({16, 24}))}));
  Value* y = g.Op("aten::permute", {x, g.Ints({0, 2, 3, 1})});
  g.Output(g.Op("aten::layer_norm", {y, g.Ints({24})}));
  Value* z = g.Op("aten::unsqueeze", {x, g.Constant(1)});
  z = g.Op("aten::squeeze.dim", {z, g.Constant(1)});
  z = g.Op("aten::reshape", {z, g.Ints({-1, 16})});
  g.Output(g.Op("aten::softmax.int", {z, g.Constant(1)}));
  EXPECT_EQ(Refusal(g), "");
  EXPECT_EQ(Difference(g), "");
}

TEST(ShapeTest, Concatenates) {
  for (int64_t dim : {0, 1, -1}) {
    TestGroup g;
    Value* x = g.Input(Values({2, 8, 6, 6}));
    Value* a = g.Op("aten::conv2d", {x, g.Constant(Values({24, 8, 1, 1}))});
    Value* b = g.Op("aten::relu", {a});
    Value* c = dim == 1
                   ? g.Op("aten::conv2d", {x, g.Constant(Values({5, 8, 1, 1}))})
                   : b;
    g.Output(g.Op("aten::cat", {g.List({a, b, c}), g.Constant(dim)}));
    EXPECT_EQ(Refusal(g), "");
    EXPECT_EQ(Difference(g), "") << dim;
  }
}

// ---- who takes what

TEST(SupportTest, LeavesElementwiseChainsToOthers) {
  TestGroup g;
  g.Output(g.Op("aten::relu", {g.Input(Values({4, 4}))}));
  EXPECT_EQ(Refusal(g), "aten::relu: nothing before it is worth a group");
}

TEST(SupportTest, SaysWhy) {
  TestGroup g;
  Value* x = g.Input(Values({2, 8, 6, 6}));
  g.Output(g.Op("aten::avg_pool2d",
                {x, g.Ints({2, 2}), g.Ints({}), g.Ints({0, 0}),
                 g.Constant(false), g.Constant(true), g.Constant(3)}));
  EXPECT_EQ(Refusal(g), "aten::avg_pool2d: divisor_override");
}

// ---- NaN

TEST(NanTest, CallsThatLoseItAreLeftToKernels) {
  for (const char* op : {"aten::relu", "aten::relu6", "aten::hardsigmoid"}) {
    Tensor x = Values({40, 170});
    TestGroup g;
    g.Output(g.Op(op, {g.Op("aten::linear",
                            {g.Input(x), g.Constant(Values({360, 170}))})}));
    EXPECT_EQ(Difference(g), "");
    for (float special : {std::nanf(""), INFINITY}) {
      x.data<float>()[277] = special;
      const absl::StatusOr<GroupResult> result = RunOneDnn(g, {});
      EXPECT_TRUE(IsDeclined(result.status())) << result.status();
    }
  }
}

// ---- sizes that follow from tensors

TEST(SizesTest, AreKnownWhenAGroupIsCompiled) {
  TestGroup g;
  Value* x = g.Input(Values({2, 5, 24}));
  Value* y = g.Op("aten::linear", {x, g.Constant(Values({36, 24}))});
  // [2, 5, 36] -> [2, 5, 3, 12] -> three of [2, 5, 12]
  y = g.Op("aten::unflatten.int", {y, g.Constant(-1), g.Ints({3, 12})});
  Value* q = g.Op("aten::select.int", {y, g.Constant(2), g.Constant(0)});
  Value* k = g.Op("aten::select.int", {y, g.Constant(-2), g.Constant(-2)});
  Value* v = g.Op("aten::slice.Tensor", {y, g.Constant(2), g.Constant(2)});
  v = g.Op("aten::reshape", {v, g.Op("aten::size", {k})});
  k = g.Op("aten::transpose.int", {k, g.Constant(1), g.Constant(2)});
  Value* scores = g.Op("aten::relu", {g.Op("aten::matmul", {q, k})});
  g.Output(g.Op("aten::add.Tensor", {g.Op("aten::matmul", {scores, v}), q}));
  EXPECT_EQ(Difference(g), "");
}

TEST(SizesTest, FusingGoesOnWhereOnlySizesAreLookedAt) {
  TestGroup g;
  Value* y = g.Op("aten::linear",
                  {g.Input(Values({4, 24})), g.Constant(Values({36, 24}))});
  Value* z = g.Op("aten::relu", {y});
  g.Output(g.Op("aten::add.Tensor",
                {g.Op("aten::view", {z, g.Op("aten::size", {y})}),
                 g.Input(Values({4, 36}))}));
  std::string text;
  EXPECT_EQ(Difference(g, &text), "");
  EXPECT_THAT(text, HasSubstr("linear+relu"));
}

TEST(SizesTest, ExpandRepeats) {
  TestGroup g;
  Value* x = g.Op("aten::linear",
                  {g.Input(Values({1, 24})), g.Constant(Values({36, 24}))});
  x = g.Op("aten::expand", {x, g.Ints({3, 4, -1})});
  g.Output(g.Op("aten::neg", {x}));
  EXPECT_EQ(Difference(g), "");
}

}  // namespace
}  // namespace tandem::onednn
