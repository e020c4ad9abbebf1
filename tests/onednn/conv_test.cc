// Convolutions and what is fused into them, against the reference kernels.
#include <atomic>
#include <cmath>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/tensor/context.h"
#include "tandem/tests/onednn/group_runner.h"

namespace tandem::onednn {
namespace {

using ::testing::HasSubstr;

struct Case {
  std::string name;
  std::vector<int64_t> input, weight;
  bool bias = true;
  std::vector<int64_t> stride = {1}, padding = {0}, dilation = {1};
  int64_t groups = 1;
  bool channels_last = false;
};

std::string ConvName(const Case& c) {
  return absl::StrCat("aten::conv", c.weight.size() - 2, "d");
}

Value* Conv(TestGroup& g, const Case& c, Value* x) {
  return g.Op(
      ConvName(c),
      {x, g.Constant(Values(c.weight)),
       c.bias ? g.Constant(Values({c.weight[0]})) : g.None(), g.Ints(c.stride),
       g.Ints(c.padding), g.Ints(c.dilation), g.Constant(c.groups)});
}

class TwoThreads : public TaskRunner {
 public:
  int threads() const override { return 2; }
  void Run(int64_t count, absl::FunctionRef<void(int64_t)> task) override {
    for (int64_t i = 0; i < count; ++i) task(i);
  }
};

class ConvTest : public ::testing::TestWithParam<Case> {};

TEST_P(ConvTest, AgreesWithReference) {
  const Case& c = GetParam();
  TestGroup g;
  const Tensor x = Values(c.input);
  g.Output(Conv(g, c, g.Input(c.channels_last ? ChannelsLast(x) : x)));
  EXPECT_EQ(Refusal(g), "");
  EXPECT_EQ(Difference(g), "");
}

TEST_P(ConvTest, TakesWhatFollows) {
  const Case& c = GetParam();
  TestGroup g;
  const Tensor x = Values(c.input);
  Value* y = Conv(g, c, g.Input(c.channels_last ? ChannelsLast(x) : x));
  y = g.Op("aten::relu", {y});
  y = g.Op("aten::mul.Scalar", {y, g.Constant(0.5)});
  g.Output(y);
  std::string text;
  EXPECT_EQ(Difference(g, &text), "");
  EXPECT_THAT(text, HasSubstr("d+relu+mul"));
}

INSTANTIATE_TEST_SUITE_P(
    All, ConvTest,
    ::testing::Values(
        Case{"plain", {1, 3, 16, 16}, {8, 3, 3, 3}},
        Case{"padded", {2, 16, 9, 11}, {32, 16, 3, 3}, true, {1}, {1}},
        Case{"strided", {1, 3, 33, 33}, {16, 3, 7, 7}, false, {2}, {3}},
        Case{"uneven", {1, 5, 10, 13}, {7, 5, 3, 2}, true, {2, 3}, {1, 0}},
        Case{"dilated", {1, 8, 20, 20}, {8, 8, 3, 3}, true, {1}, {2}, {2}},
        Case{"grouped", {2, 12, 8, 8}, {24, 3, 3, 3}, true, {1}, {1}, {1}, 4},
        Case{"depthwise",
             {1, 32, 14, 14},
             {32, 1, 5, 5},
             true,
             {2},
             {2},
             {1},
             32},
        Case{"multiplied", {1, 6, 8, 8}, {12, 1, 3, 3}, true, {1}, {1}, {1}, 6},
        Case{"pointwise", {1, 64, 7, 7}, {128, 64, 1, 1}},
        Case{"unbatched", {3, 16, 16}, {8, 3, 3, 3}},
        Case{"last",
             {2, 16, 9, 9},
             {32, 16, 3, 3},
             true,
             {1},
             {1},
             {1},
             1,
             true},
        Case{"one", {2, 4, 50}, {6, 4, 5}, true, {2}, {2}},
        Case{"one_unbatched", {4, 50}, {6, 4, 5}},
        Case{"three", {1, 4, 6, 7, 8}, {8, 4, 3, 3, 3}, true, {1}, {1}},
        Case{"three_strided",
             {1, 2, 9, 9, 9},
             {4, 2, 3, 3, 3},
             true,
             {2},
             {1},
             {1}}),
    [](const auto& info) { return info.param.name; });

TEST(ConvPaddingTest, TakesNames) {
  for (const char* padding : {"same", "valid"}) {
    for (int64_t kernel : {3, 4}) {
      TestGroup g;
      g.Output(g.Op(
          "aten::conv2d.padding",
          {g.Input(Values({1, 4, 10, 10})),
           g.Constant(Values({8, 4, kernel, kernel})), g.None(), g.Ints({1, 1}),
           g.Constant(padding), g.Ints({2, 2}), g.Constant(1)}));
      EXPECT_EQ(Difference(g), "") << padding << kernel;
    }
  }
}

struct Transposed {
  std::string name;
  std::vector<int64_t> input, weight;
  std::vector<int64_t> stride = {1}, padding = {0}, output_padding = {0};
  int64_t groups = 1;
  std::vector<int64_t> dilation = {1};
};
class TransposedTest : public ::testing::TestWithParam<Transposed> {};

TEST_P(TransposedTest, AgreesWithReference) {
  const Transposed& c = GetParam();
  const size_t rank = c.weight.size() - 2;
  TestGroup g;
  Value* y =
      g.Op(absl::StrCat("aten::conv_transpose", rank, "d",
                        rank == 1 ? "" : ".input"),
           {g.Input(Values(c.input)), g.Constant(Values(c.weight)),
            g.Constant(Values({c.weight[1] * c.groups})), g.Ints(c.stride),
            g.Ints(c.padding), g.Ints(c.output_padding), g.Constant(c.groups),
            g.Ints(c.dilation)});
  g.Output(g.Op("aten::leaky_relu", {y}));
  EXPECT_EQ(Difference(g), "");
}

INSTANTIATE_TEST_SUITE_P(
    All, TransposedTest,
    ::testing::Values(
        Transposed{"plain", {1, 4, 8, 8}, {4, 6, 3, 3}},
        Transposed{"strided", {1, 8, 7, 7}, {8, 16, 4, 4}, {2}, {1}},
        Transposed{"padded", {2, 8, 7, 5}, {8, 4, 3, 3}, {2}, {1}, {1}},
        Transposed{"grouped", {1, 8, 7, 7}, {8, 3, 3, 3}, {2}, {1}, {1}, 2},
        Transposed{
            "dilated", {1, 4, 7, 7}, {4, 4, 3, 3}, {1}, {0}, {0}, 1, {2}},
        Transposed{"one", {1, 16, 20}, {16, 8, 8}, {4}, {2}},
        Transposed{"three", {1, 4, 3, 4, 5}, {4, 2, 2, 2, 2}, {2}}),
    [](const auto& info) { return info.param.name; });

// A bottleneck of ResNet: the second convolution adds to what the first left.
TEST(ConvSumTest, AddsInPlace) {
  TestGroup g;
  Value* x = g.Input(Values({1, 64, 14, 14}));
  const Case wide{"", {}, {256, 64, 1, 1}}, narrow{"", {}, {64, 64, 1, 1}};
  Value* a = g.Op("aten::relu", {Conv(g, narrow, x)});
  a = Conv(g, wide, a);
  Value* b = Conv(g, wide, x);
  Value* y = g.Op("aten::relu", {g.Op("aten::add.Tensor", {a, b})});
  g.Output(y);
  std::string text;
  EXPECT_EQ(Difference(g, &text), "");
  EXPECT_THAT(text, HasSubstr("conv2d+sum+relu"));
}

// What is added is needed again: not in place.
TEST(ConvSumTest, KeepsWhatOthersNeed) {
  TestGroup g;
  Value* x = g.Input(Values({1, 32, 9, 9}));
  const Case c{"", {}, {32, 32, 3, 3}, true, {1}, {1}};
  Value* a = g.Op("aten::relu", {Conv(g, c, x)});
  Value* b = g.Op("aten::add.Tensor", {Conv(g, c, a), a});
  Value* d = g.Op("aten::add.Tensor", {Conv(g, c, b), a});
  g.Output(d);
  g.Output(a);
  EXPECT_EQ(Difference(g), "");
}

// x + conv(x) where nobody else needs x.
TEST(ConvSumTest, DoesNotOverwriteItsInput) {
  TestGroup g;
  Value* x = g.Input(Values({1, 32, 9, 9}));
  const Case c{"", {}, {32, 32, 3, 3}, true, {1}, {1}};
  Value* a = Conv(g, c, x);
  g.Output(g.Op("aten::add.Tensor", {a, Conv(g, c, a)}));
  EXPECT_EQ(Difference(g), "");
}

// Weights that are no constants, and a factor a channel (squeeze and excite).
TEST(ConvTest, TakesWeightsThatCome) {
  TestGroup g;
  Value* x = g.Input(Values({2, 16, 9, 9}));
  Value* y = g.Op("aten::conv2d",
                  {x, g.Input(Values({20, 16, 3, 3})), g.Input(Values({20}))});
  Value* gate = g.Op("aten::sigmoid",
                     {g.Op("aten::adaptive_avg_pool2d", {y, g.Ints({1, 1})})});
  g.Output(g.Op("aten::mul.Tensor", {y, gate}));
  EXPECT_EQ(Difference(g), "");
}

TEST(ConvTest, RefusesWhatPyTorchRefuses) {
  TestGroup g;
  g.Output(g.Op("aten::conv2d", {g.Input(Values({1, 5, 9, 9})),
                                 g.Constant(Values({4, 3, 3, 3}))}));
  EXPECT_EQ(RunOneDnn(g, {}).status().code(), absl::StatusCode::kUnimplemented);
}

// Valid for PyTorch, too much for 32 bits.
TEST(ConvTest, RefusesHugeParameters) {
  const int64_t huge = int64_t{1} << 40;
  for (int i = 0; i < 2; ++i) {
    TestGroup g;
    g.Output(g.Op("aten::conv2d", {g.Input(Values({1, 3, 9, 9})),
                                   g.Constant(Values({4, 3, 1, 1})), g.None(),
                                   g.Ints({i == 0 ? huge : 1}), g.Ints({0}),
                                   g.Ints({i == 1 ? huge : 1})}));
    EXPECT_THAT(RunOneDnn(g, {}).status().message(),
                HasSubstr("a parameter of 1099511627776"));
  }
  TestGroup g;
  g.Output(g.Op("aten::conv2d", {g.Input(Values({1, 3, 9, 9})),
                                 g.Constant(Values({4, 3, 1, 1})), g.None(),
                                 g.Ints({1}), g.Ints({1 << 20})}));
  EXPECT_THAT(RunOneDnn(g, {}).status().message(), HasSubstr("too large"));
}

TEST(ConvTest, LeavesSmallGroupsToKernels) {
  TestGroup g;
  g.Output(g.Op("aten::conv2d", {g.Input(Values({1, 1, 4, 4})),
                                 g.Constant(Values({1, 1, 3, 3}))}));
  EXPECT_THAT(RunOneDnn(g, {}).status().message(), HasSubstr("too little"));
}

TEST(ConvTest, ComputesInBFloat16) {
  TestGroup g;
  const DType bf16 = DType::kBFloat16;
  Value* x = g.Input(Values({1, 16, 9, 9}, -1, 1, bf16));
  Value* y =
      g.Op("aten::conv2d", {x, g.Constant(Values({32, 16, 3, 3}, -1, 1, bf16)),
                            g.Constant(Values({32}, -1, 1, bf16))});
  g.Output(g.Op("aten::relu", {y}));
  const std::string difference = Difference(g, nullptr, 1.6e-2, 1e-3);
  // Not every CPU can.
  if (difference.find("onednn: UNIMPLEMENTED") == 0) GTEST_SKIP() << difference;
  EXPECT_EQ(difference, "");
}

TEST(ConvTest, MayRoundToBFloat16) {
  TestGroup g;
  Value* x = g.Input(Values({1, 16, 9, 9}));
  g.Output(g.Op("aten::conv2d", {x, g.Constant(Values({32, 16, 3, 3}))}));
  Options options;
  options.allow_bf16 = true;
  EXPECT_EQ(Difference(g, nullptr, 1e-2, 1e-2, options), "");
}

// Four threads over one executable, each with a team of two, and on fewer cores
// than that soon alone.
TEST(RunTest, IsSafeFromManyThreads) {
  TestGroup g;
  Value* x = g.Input(Values({1, 16, 24, 24}));
  const Case c{"", {}, {32, 16, 3, 3}, true, {1}, {1}};
  const Case d{"", {}, {16, 32, 3, 3}, true, {1}, {1}};
  Value* y = Conv(g, d, g.Op("aten::relu", {Conv(g, c, x)}));
  g.Output(g.Op("aten::add.Tensor", {y, x}));
  const absl::StatusOr<std::vector<Tensor>> want = RunReference(g);
  ASSERT_TRUE(want.ok());
  PackedWeights weights;
  TwoThreads tasks;
  CallContext context;
  context.tasks = &tasks;
  ScopedContext scope(context);
  const auto executable = CompileOneDnn(g, {}, &weights);
  ASSERT_TRUE(executable.ok()) << executable.status();
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      ScopedContext own(context);
      for (int i = 0; i < 50; ++i) {
        const auto got = RunGroup(**executable, g);
        if (!got.ok()) {
          ++wrong;
          continue;
        }
        const float* a = (*got)[0].data<float>();
        const float* b = (*want)[0].data<float>();
        for (int64_t e = 0; e < (*want)[0].numel(); ++e) {
          if (std::abs(a[e] - b[e]) > 1e-3) {
            ++wrong;
            break;
          }
        }
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(wrong, 0);
}

TEST(RunTest, StopsWhenItIsCancelled) {
  TestGroup g;
  g.Output(g.Op("aten::conv2d", {g.Input(Values({1, 16, 9, 9})),
                                 g.Constant(Values({32, 16, 3, 3}))}));
  PackedWeights weights;
  const auto executable = CompileOneDnn(g, {}, &weights);
  ASSERT_TRUE(executable.ok()) << executable.status();
  const std::atomic<bool> cancel{true};
  CallContext context;
  context.cancel = &cancel;
  ScopedContext scope(context);
  EXPECT_EQ(RunGroup(**executable, g).status().code(),
            absl::StatusCode::kCancelled);
}

TEST(RunTest, CountsItsMemory) {
  TestGroup g;
  g.Output(g.Op("aten::conv2d", {g.Input(Values({1, 16, 64, 64})),
                                 g.Constant(Values({64, 16, 3, 3}))}));
  PackedWeights weights;
  const auto executable = CompileOneDnn(g, {}, &weights);
  ASSERT_TRUE(executable.ok()) << executable.status();
  MemoryBudget budget(100000);
  CallContext context;
  context.memory = &budget;
  ScopedContext scope(context);
  EXPECT_EQ(RunGroup(**executable, g).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(budget.used(), 0);
}

// Packed weights outlive the call that made them, and its budget.
TEST(RunTest, KeepsWeightsOutOfTheBudgetOfACall) {
  TestGroup g;
  g.Output(g.Op("aten::conv2d", {g.Input(Values({1, 16, 16, 16})),
                                 g.Constant(Values({64, 16, 3, 3}))}));
  PackedWeights weights;
  MemoryBudget budget;
  CallContext context;
  context.memory = &budget;
  ScopedContext scope(context);
  ASSERT_TRUE(CompileOneDnn(g, {}, &weights).ok());
  EXPECT_EQ(budget.used(), 0);
}

TEST(LibraryTest, IsLookedFor) {
  TestGroup g;
  g.Output(g.Op("aten::conv2d", {g.Input(Values({1, 16, 9, 9})),
                                 g.Constant(Values({32, 16, 3, 3}))}));
  Options options;
  options.library = "/nonexistent/libdnnl.so.3";
  EXPECT_THAT(RunOneDnn(g, options).status().message(),
              HasSubstr("/nonexistent/libdnnl.so.3 is not there"));
}

}  // namespace
}  // namespace tandem::onednn
