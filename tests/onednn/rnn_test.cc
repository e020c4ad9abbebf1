// Recurrent layers and cells, against the reference kernels.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tandem/tests/onednn/group_runner.h"

namespace tandem::onednn {
namespace {

using Sizes = std::vector<int64_t>;

int64_t Gates(absl::string_view op) {
  return op.find("lstm") != op.npos ? 4 : op.find("gru") != op.npos ? 3 : 1;
}

struct Layers {
  int64_t layers = 1;
  bool bidirectional = false, batch_first = false, biases = true;
};

class LayersTest : public ::testing::TestWithParam<std::string> {};

TEST_P(LayersTest, AgreesWithReference) {
  const std::string op = GetParam();
  const bool lstm = Gates(op) == 4;
  constexpr int64_t kTime = 6, kBatch = 3, kIn = 20, kHidden = 24;
  for (const Layers& l :
       {Layers{}, Layers{2}, Layers{1, true}, Layers{3, true, true},
        Layers{2, false, true}, Layers{1, false, false, false}}) {
    TestGroup g;
    const int64_t directions = l.bidirectional ? 2 : 1;
    Value* x = g.Input(Values(l.batch_first ? Sizes{kBatch, kTime, kIn}
                                            : Sizes{kTime, kBatch, kIn}));
    const Sizes state = {l.layers * directions, kBatch, kHidden};
    Value* h = g.Input(Values(state));
    Value* states = lstm ? g.List({h, g.Input(Values(state, -2, 2))}) : h;
    std::vector<Value*> weights;
    const int64_t rows = Gates(op) * kHidden;
    for (int64_t i = 0; i < l.layers * directions; ++i) {
      const int64_t in = i < directions ? kIn : directions * kHidden;
      const float scale = 0.2f + 0.1f * i;
      weights.push_back(g.Constant(Values({rows, in}, -scale, scale)));
      weights.push_back(g.Constant(Values({rows, kHidden}, -scale, scale)));
      if (!l.biases) continue;
      weights.push_back(g.Constant(Values({rows}, -0.5, 0.5)));
      weights.push_back(g.Constant(Values({rows}, 0, 0.5)));
    }
    for (Value* v :
         g.Ops(absl::StrCat(op, ".input"),
               {x, states, g.List(weights), g.Constant(l.biases),
                g.Constant(l.layers), g.Constant(0.5), g.Constant(false),
                g.Constant(l.bidirectional), g.Constant(l.batch_first)})) {
      g.Output(v);
    }
    EXPECT_EQ(Refusal(g), "");
    EXPECT_EQ(Difference(g, nullptr, 1e-5, 1e-5), "")
        << l.layers << l.bidirectional << l.batch_first << l.biases;
  }
}

TEST_P(LayersTest, CellsAgreeWithReference) {
  const std::string op = GetParam();
  const bool lstm = Gates(op) == 4;
  TestGroup g;
  const int64_t rows = Gates(op) * 24;
  Value* h = g.Input(Values({3, 24}));
  Value* states = lstm ? g.List({h, g.Input(Values({3, 24}, -2, 2))}) : h;
  for (Value* v :
       g.Ops(absl::StrCat(op, "_cell"),
             {g.Input(Values({3, 20})), states, g.Constant(Values({rows, 20})),
              g.Constant(Values({rows, 24})), g.Constant(Values({rows})),
              g.Constant(Values({rows}, 0, 1))})) {
    g.Output(v);
  }
  EXPECT_EQ(Difference(g, nullptr, 1e-5, 1e-5), "");
}

INSTANTIATE_TEST_SUITE_P(All, LayersTest,
                         ::testing::Values("aten::lstm", "aten::gru",
                                           "aten::rnn_tanh", "aten::rnn_relu"),
                         [](const auto& info) { return info.param.substr(6); });

}  // namespace
}  // namespace tandem::onednn
