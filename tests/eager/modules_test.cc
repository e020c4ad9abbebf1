// Modules beside those of torch.nn: text, first values, results.
// testdata/modules.txt has what PyTorch gave (record_modules.py).
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "tandem/backends/native/native.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/frontends/eager/eager.h"
#include "tandem/frontends/nn/nn.h"
#include "tandem/frontends/symbolic/lower.h"
#include "tandem/serialization/torchscript/plain_values_writer.h"

namespace tandem::nn {
namespace {

using eager::FromIValue;
using eager::rand;
using eager::tensor;
using eager::ToIValue;

struct Recorded {
  std::string name, repr;
  // In order; values are exact.
  std::vector<std::pair<std::string, std::vector<double>>> state, results;
  std::map<std::string, Dims> sizes;
};

std::vector<Recorded> ReadRecorded() {
  std::ifstream in("tests/eager/testdata/modules.txt");
  std::vector<Recorded> out;
  std::string line;
  while (std::getline(in, line)) {
    const std::pair<absl::string_view, absl::string_view> split =
        absl::StrSplit(line, absl::MaxSplits(' ', 1));
    if (split.first == "case") {
      out.emplace_back();
      out.back().name = std::string(split.second);
    } else if (split.first == "repr") {
      std::string& repr = out.back().repr;
      if (!repr.empty()) repr += "\n";
      repr += std::string(split.second);
    } else if (split.first == "tensor") {
      const std::vector<std::string> parts = absl::StrSplit(split.second, ' ');
      Dims sizes;
      if (parts[1] != "scalar") {
        for (const auto& d : absl::StrSplit(parts[1], 'x')) {
          sizes.push_back(std::atoll(std::string(d).c_str()));
        }
      }
      std::vector<double> values;
      for (size_t i = 2; i < parts.size(); ++i) {
        values.push_back(std::strtod(parts[i].c_str(), nullptr));
      }
      const bool is_state = parts[0].rfind("state:", 0) == 0;
      out.back().sizes[parts[0]] = sizes;
      (is_state ? out.back().state : out.back().results)
          .emplace_back(is_state ? parts[0].substr(6) : parts[0],
                        std::move(values));
    }
  }
  return out;
}

struct Case {
  std::function<std::shared_ptr<Module>()> make;
  // Sizes of inputs that rand draws, or the inputs themselves.
  std::vector<IntList> inputs;
  std::function<std::vector<Tensor>()> given;
};

template <typename T, typename... A>
std::function<std::shared_ptr<Module>()> Of(A... args) {
  return
      [=]() -> std::shared_ptr<Module> { return std::make_shared<T>(args...); };
}
template <typename F>
std::function<std::shared_ptr<Module>()> By(F f) {
  return [=]() -> std::shared_ptr<Module> { return f().shared(); };
}

ConvOptions Conv(IntList stride, ConvPadding padding, IntList dilation = 1,
                 int64_t groups = 1, IntList output_padding = 0) {
  ConvOptions o;
  o.stride = stride;
  o.padding = padding;
  o.dilation = dilation;
  o.groups = groups;
  o.output_padding = output_padding;
  return o;
}
ConvOptions Mode(ConvPadding padding, std::string mode, bool bias = true) {
  ConvOptions o = Conv(1, padding);
  o.padding_mode = mode;
  o.bias = bias;
  return o;
}
BatchNormOptions Norm(double eps, std::optional<double> momentum, bool affine,
                      bool track) {
  BatchNormOptions o;
  o.eps = eps;
  o.momentum = momentum;
  o.affine = affine;
  o.track_running_stats = track;
  return o;
}

void AddLayers(std::map<std::string, Case>* c) {
  auto& cases = *c;
  cases["Linear"] = {Of<Linear>(3, 4), {{2, 3}}, {}};
  cases["LinearNoBias"] = {Of<Linear>(3, 4, false), {{3}}, {}};
  cases["Bilinear"] = {Of<Bilinear>(2, 3, 4), {{5, 2}, {5, 3}}, {}};
  cases["Conv1d"] = {Of<Conv1d>(2, 4, 3), {{2, 2, 7}}, {}};
  cases["Conv2d"] = {
      Of<Conv2d>(4, 6, IntList{3, 2}, Conv(2, 1, IntList{1, 2}, 2)),
      {{1, 4, 8, 9}},
      {}};
  cases["Conv2dReflect"] = {
      Of<Conv2d>(2, 3, 3, Mode(IntList{1, 2}, "reflect", false)),
      {{2, 2, 6, 6}},
      {}};
  cases["Conv2dSame"] = {
      Of<Conv2d>(2, 3, IntList{4, 3}, Conv(1, "same")), {{2, 2, 6, 6}}, {}};
  cases["Conv1dCircularSame"] = {
      Of<Conv1d>(2, 3, 4, Mode("same", "circular")), {{2, 2, 6}}, {}};
  cases["Conv3d"] = {Of<Conv3d>(1, 2, 2), {{1, 1, 3, 4, 5}}, {}};
  cases["ConvTranspose1d"] = {Of<ConvTranspose1d>(2, 4, 3), {{2, 2, 5}}, {}};
  cases["ConvTranspose2d"] = {
      Of<ConvTranspose2d>(4, 6, 3, Conv(2, 1, 1, 2, 1)), {{1, 4, 3, 4}}, {}};
  cases["ConvTranspose3d"] = {
      Of<ConvTranspose3d>(1, 2, 2), {{1, 1, 2, 3, 2}}, {}};
  cases["BatchNorm1d"] = {Of<BatchNorm1d>(4), {{3, 4}}, {}};
  cases["BatchNorm2d"] = {
      Of<BatchNorm2d>(2, Norm(0.01, std::nullopt, true, true)),
      {{3, 2, 2, 2}},
      {}};
  cases["BatchNorm3dNoStats"] = {
      Of<BatchNorm3d>(2, Norm(1e-5, 0.1, false, false)), {{3, 2, 2, 2, 1}}, {}};
  cases["InstanceNorm1d"] = {Of<InstanceNorm1d>(2), {{2, 5}}, {}};
  cases["InstanceNorm2d"] = {
      Of<InstanceNorm2d>(2, Norm(1e-5, 0.1, true, false)), {{3, 2, 2, 3}}, {}};
  cases["LayerNorm"] = {Of<LayerNorm>(IntList{3, 4}), {{2, 3, 4}}, {}};
  cases["LayerNormPlain"] = {Of<LayerNorm>(4, 1e-5, false), {{2, 4}}, {}};
  cases["LayerNormNoBias"] = {
      Of<LayerNorm>(4, 1e-5, true, false), {{2, 4}}, {}};
  cases["GroupNorm"] = {Of<GroupNorm>(2, 4), {{2, 4, 3}}, {}};
  cases["RMSNorm"] = {Of<RMSNorm>(4), {{2, 4}}, {}};
  cases["LocalResponseNorm"] = {Of<LocalResponseNorm>(2), {{1, 4, 2, 2}}, {}};
  EmbeddingOptions padded, bounded;
  padded.padding_idx = -1;
  bounded.max_norm = 1;
  const auto ids = [] { return std::vector<Tensor>{tensor({{1, 9}, {0, 3}})}; };
  cases["Embedding"] = {Of<Embedding>(10, 3, padded), {}, ids};
  cases["EmbeddingMaxNorm"] = {Of<Embedding>(5, 3, bounded), {}, [] {
                                 return std::vector<Tensor>{tensor({0, 4})};
                               }};
  EmbeddingBagOptions sum;
  sum.mode = "sum";
  cases["EmbeddingBag"] = {Of<EmbeddingBag>(10, 3, sum), {}, ids};
  RNNOptions rnn, gru, lstm, no_bias;
  rnn.num_layers = 2;
  rnn.nonlinearity = "relu";
  gru.batch_first = gru.bidirectional = true;
  lstm.num_layers = lstm.proj_size = 2;
  lstm.dropout = 0.5;
  no_bias.bias = false;
  cases["RNN"] = {Of<RNN>(3, 4, rnn), {{5, 2, 3}}, {}};
  cases["GRU"] = {Of<GRU>(3, 4, gru), {{2, 5, 3}}, {}};
  cases["LSTM"] = {Of<LSTM>(3, 4, lstm), {{5, 2, 3}}, {}};
  cases["LSTMLone"] = {Of<LSTM>(3, 4, no_bias), {{5, 3}}, {}};
  cases["RNNCell"] = {Of<RNNCell>(3, 4, true, "relu"), {{2, 3}}, {}};
  cases["GRUCell"] = {Of<GRUCell>(3, 4), {{3}}, {}};
  cases["LSTMCell"] = {Of<LSTMCell>(3, 4, false), {{2, 3}}, {}};
  AttentionOptions first, dims;
  first.batch_first = true;
  dims.kdim = 3;
  dims.vdim = 5;
  dims.add_bias_kv = dims.add_zero_attn = true;
  cases["MultiheadAttention"] = {
      Of<MultiheadAttention>(4, 2), {{3, 2, 4}, {5, 2, 4}, {5, 2, 4}}, {}};
  cases["MultiheadAttentionSelf"] = {
      Of<MultiheadAttention>(4, 2, first), {}, [] {
        const Tensor x = rand({2, 3, 4});
        return std::vector<Tensor>{x, x, x};
      }};
  cases["MultiheadAttentionDims"] = {
      Of<MultiheadAttention>(4, 2, dims), {{3, 4}, {5, 3}, {5, 5}}, {}};
  TransformerLayerOptions small, other;
  small.dim_feedforward = other.dim_feedforward = 8;
  other.activation = "gelu";
  other.norm_first = other.batch_first = true;
  other.bias = false;
  cases["TransformerEncoderLayer"] = {
      Of<TransformerEncoderLayer>(4, 2, small), {{3, 2, 4}}, {}};
  cases["TransformerEncoderLayerFirst"] = {
      Of<TransformerEncoderLayer>(4, 2, other), {{3, 2, 4}}, {}};
  cases["TransformerDecoderLayer"] = {
      Of<TransformerDecoderLayer>(4, 2, small), {{3, 2, 4}, {5, 2, 4}}, {}};
  cases["TransformerEncoder"] = {
      By([=] {
        auto layer = Make<TransformerEncoderLayer>(4, 2, small);
        return Make<TransformerEncoder>(layer, 3, Make<LayerNorm>(4));
      }),
      {{3, 2, 4}},
      {}};
  cases["Transformer"] = {
      Of<Transformer>(4, 2, 1, 2, small), {{3, 2, 4}, {5, 2, 4}}, {}};
  cases["Sequential"] = {By([] {
                           auto a = Make<Linear>(3, 4);
                           return Make<Sequential>(
                               a, Make<ReLU>(),
                               Make<Sequential>(Make<Linear>(4, 2)));
                         }),
                         {{2, 3}},
                         {}};
  cases["ModuleList"] = {By([] {
                           auto list = Make<ModuleList>();
                           list->append(Make<Linear>(2, 2));
                           list->append(Make<Linear>(2, 2));
                           list->append(Make<Linear>(2, 3));
                           return list;
                         }),
                         {},
                         {}};
  cases["ModuleDict"] = {
      By([] {
        return Make<ModuleDict>(
            std::vector<std::pair<std::string, std::shared_ptr<Module>>>{
                {"a", Make<Linear>(2, 2)}, {"b", Make<Identity>()}});
      }),
      {},
      {}};
}

void AddFunctions(std::map<std::string, Case>* c) {
  auto& cases = *c;
  const std::vector<IntList> five{{5}};
  cases["ReLU"] = {Of<ReLU>(true), five, {}};
  cases["ReLU6"] = {Of<ReLU6>(), five, {}};
  cases["SELU"] = {Of<SELU>(), five, {}};
  cases["SiLU"] = {Of<SiLU>(), five, {}};
  cases["Mish"] = {Of<Mish>(true), five, {}};
  cases["Hardswish"] = {Of<Hardswish>(), five, {}};
  cases["Hardsigmoid"] = {Of<Hardsigmoid>(), five, {}};
  cases["Sigmoid"] = {Of<Sigmoid>(), five, {}};
  cases["Tanh"] = {Of<Tanh>(), five, {}};
  cases["LogSigmoid"] = {Of<LogSigmoid>(), five, {}};
  cases["Softsign"] = {Of<Softsign>(), five, {}};
  cases["Tanhshrink"] = {Of<Tanhshrink>(), five, {}};
  cases["Softmax2d"] = {Of<Softmax2d>(), {{2, 3, 1, 2}}, {}};
  cases["Softmax"] = {Of<Softmax>(-1), {{2, 3}}, {}};
  cases["Softmin"] = {Of<Softmin>(0), {{2, 3}}, {}};
  cases["LogSoftmax"] = {Of<LogSoftmax>(1), {{2, 3}}, {}};
  cases["ELU"] = {Of<ELU>(0.5), five, {}};
  cases["CELU"] = {Of<CELU>(2.0), five, {}};
  cases["GELU"] = {Of<GELU>("tanh"), five, {}};
  cases["GLU"] = {Of<GLU>(), {{4}}, {}};
  cases["Hardtanh"] = {Of<Hardtanh>(-0.5, 0.5), five, {}};
  cases["Hardshrink"] = {Of<Hardshrink>(), five, {}};
  cases["Softshrink"] = {Of<Softshrink>(0.25), five, {}};
  cases["LeakyReLU"] = {Of<LeakyReLU>(0.2), five, {}};
  cases["PReLU"] = {Of<PReLU>(), five, {}};
  cases["RReLU"] = {Of<RReLU>(), five, {}};
  cases["Softplus"] = {Of<Softplus>(), five, {}};
  cases["Threshold"] = {Of<Threshold>(0.5, 2.0), five, {}};
  cases["Dropout"] = {Of<Dropout>(0.25), five, {}};
  cases["Dropout1d"] = {Of<Dropout1d>(), {{2, 5}}, {}};
  cases["AlphaDropout"] = {Of<AlphaDropout>(0.1), five, {}};
  MaxPoolOptions max;
  max.stride = 1;
  max.padding = 1;
  max.ceil_mode = true;
  AvgPoolOptions avg, divided;
  avg.stride = 2;
  avg.padding = 1;
  avg.count_include_pad = false;
  divided.divisor_override = 3;
  cases["MaxPool1d"] = {Of<MaxPool1d>(2), {{1, 2, 6}}, {}};
  cases["MaxPool2d"] = {Of<MaxPool2d>(IntList{2, 3}, max), {{1, 2, 5, 6}}, {}};
  cases["MaxPool3d"] = {Of<MaxPool3d>(2), {{1, 2, 4, 4, 4}}, {}};
  cases["AvgPool1d"] = {Of<AvgPool1d>(2), {{1, 2, 6}}, {}};
  cases["AvgPool2d"] = {Of<AvgPool2d>(3, avg), {{1, 2, 5, 6}}, {}};
  cases["AvgPool3d"] = {
      Of<AvgPool3d>(IntList{1, 2, 2}, divided), {{1, 2, 4, 4, 4}}, {}};
  cases["AdaptiveAvgPool2d"] = {
      Of<AdaptiveAvgPool2d>(IntList{3, 2}), {{1, 2, 5, 6}}, {}};
  cases["AdaptiveMaxPool1d"] = {Of<AdaptiveMaxPool1d>(3), {{1, 2, 5}}, {}};
  cases["LPPool1d"] = {Of<LPPool1d>(2, 3, 2), {{1, 2, 9}}, {}};
  cases["LPPool2d"] = {Of<LPPool2d>(3, IntList{2, 1}), {{1, 2, 4, 3}}, {}};
  cases["Flatten"] = {Of<Flatten>(), {{2, 3, 4}}, {}};
  cases["Unflatten"] = {Of<Unflatten>(1, IntList{2, 3}), {{2, 6}}, {}};
  cases["ZeroPad2d"] = {Of<ZeroPad2d>(1), {{1, 1, 2, 2}}, {}};
  cases["ReflectionPad1d"] = {
      Of<ReflectionPad1d>(IntList{2, 1}), {{1, 2, 4}}, {}};
  cases["ReplicationPad2d"] = {
      Of<ReplicationPad2d>(IntList{1, 0, 0, 2}), {{1, 1, 2, 2}}, {}};
  cases["CircularPad1d"] = {Of<CircularPad1d>(2), {{1, 2, 4}}, {}};
  cases["ConstantPad2d"] = {Of<ConstantPad2d>(1, 3.5), {{1, 1, 2, 2}}, {}};
  cases["PixelShuffle"] = {Of<PixelShuffle>(2), {{1, 8, 2, 3}}, {}};
  cases["PixelUnshuffle"] = {Of<PixelUnshuffle>(2), {{1, 2, 4, 6}}, {}};
  cases["ChannelShuffle"] = {Of<ChannelShuffle>(2), {{1, 4, 2, 2}}, {}};
  FoldOptions padded, strided;
  padded.padding = 1;
  strided.stride = 2;
  cases["Unfold"] = {Of<Unfold>(IntList{2, 3}, padded), {{1, 2, 4, 4}}, {}};
  cases["Fold"] = {Of<Fold>(IntList{4, 4}, 2, strided), {{1, 8, 4}}, {}};
  UpsampleOptions nearest, bilinear, exact;
  nearest.scale_factor = {2.0};
  bilinear.size = IntList{5, 4};
  bilinear.mode = "bilinear";
  bilinear.align_corners = true;
  exact.size = 5;
  exact.mode = "nearest-exact";
  cases["Upsample"] = {Of<Upsample>(nearest), {{1, 2, 3, 3}}, {}};
  cases["UpsampleBilinear"] = {Of<Upsample>(bilinear), {{1, 2, 3, 3}}, {}};
  cases["UpsampleExact"] = {Of<Upsample>(exact), {{1, 2, 3}}, {}};
  const std::vector<IntList> pair{{2, 3}, {2, 3}};
  cases["CosineSimilarity"] = {Of<CosineSimilarity>(), pair, {}};
  cases["PairwiseDistance"] = {Of<PairwiseDistance>(), pair, {}};
  cases["L1Loss"] = {Of<L1Loss>(), pair, {}};
  cases["MSELoss"] = {Of<MSELoss>("sum"), pair, {}};
  cases["SmoothL1Loss"] = {Of<SmoothL1Loss>("mean", 0.25), pair, {}};
  cases["HuberLoss"] = {Of<HuberLoss>("mean", 0.25), pair, {}};
  const auto classes = [] {
    return std::vector<Tensor>{rand({2, 3}), tensor({0, 2})};
  };
  cases["CrossEntropyLoss"] = {
      By([] {
        return Make<CrossEntropyLoss>(tensor({1., 2., 3.}), -100, "mean", 0.1);
      }),
      {},
      classes};
  cases["NLLLoss"] = {
      Of<NLLLoss>(Tensor(), 1), {}, [] {
        return std::vector<Tensor>{rand({3, 3}), tensor({0, 2, 1})};
      }};
  cases["BCELoss"] = {Of<BCELoss>(), pair, {}};
  cases["BCEWithLogitsLoss"] = {
      By([] {
        return Make<BCEWithLogitsLoss>(Tensor(), "mean", tensor({1., 2., 3.}));
      }),
      pair,
      {}};
  cases["KLDivLoss"] = {Of<KLDivLoss>("batchmean"), pair, {}};
  cases["PoissonNLLLoss"] = {Of<PoissonNLLLoss>(true, true), pair, {}};
  cases["GaussianNLLLoss"] = {
      Of<GaussianNLLLoss>(true), {{2, 3}, {2, 3}, {2, 1}}, {}};
  cases["MarginRankingLoss"] = {
      Of<MarginRankingLoss>(0.5), {{3}, {3}, {3}}, {}};
  cases["MultiLabelSoftMarginLoss"] = {
      Of<MultiLabelSoftMarginLoss>(), pair, {}};
  cases["MultiMarginLoss"] = {Of<MultiMarginLoss>(2), {}, classes};
  cases["TripletMarginLoss"] = {
      Of<TripletMarginLoss>(1., 2., 1e-6, true), {{2, 3}, {2, 3}, {2, 3}}, {}};
}

// The tensors of a result, named as record_modules.py does.
void Collect(const std::string& name, const IValue& value,
             std::vector<std::pair<std::string, Tensor>>* out) {
  if (value.is_tuple()) {
    for (size_t i = 0; i < value.AsTuple().values.size(); ++i) {
      Collect(absl::StrCat(name, ".", i), value.AsTuple().values[i], out);
    }
  } else if (value.is_tensor()) {
    out->emplace_back(name, FromIValue<Tensor>(value));
  }
}

std::vector<double> Values(const Tensor& t) {
  return t.to(DType::kDouble).ToVector<double>();
}

TEST(ModulesTest, AreTorchs) {
  Registry registry;
  ASSERT_TRUE(reference::Register(registry).ok());
  ASSERT_TRUE(native::Register(registry).ok());
  eager::Context context(&registry);
  eager::SetDefaultContext(&context);
  std::map<std::string, Case> cases;
  AddLayers(&cases);
  AddFunctions(&cases);
  const std::vector<Recorded> recorded = ReadRecorded();
  EXPECT_EQ(recorded.size(), cases.size());
  for (const Recorded& r : recorded) {
    SCOPED_TRACE(r.name);
    ASSERT_TRUE(cases.count(r.name));
    const Case& c = cases[r.name];
    try {
      eager::manual_seed(0);
      const std::shared_ptr<Module> module = c.make();
      EXPECT_EQ(module->ToString(), r.repr);
      // The same numbers, bit by bit.
      const StateDict state = module->state_dict();
      ASSERT_EQ(state.size(), r.state.size());
      for (size_t i = 0; i < state.size(); ++i) {
        EXPECT_EQ(state[i].first, r.state[i].first);
        EXPECT_EQ(Values(state[i].second), r.state[i].second) << state[i].first;
      }
      if (r.results.empty()) continue;
      eager::manual_seed(1);
      std::vector<Tensor> inputs;
      if (c.given) inputs = c.given();
      for (const IntList& sizes : c.inputs) inputs.push_back(rand(sizes));
      module->eval();
      std::vector<IValue> args;
      for (const Tensor& t : inputs) args.push_back(ToIValue(t));
      std::vector<std::pair<std::string, Tensor>> results;
      Collect("result", module->CallBoxed(std::move(args)), &results);
      ASSERT_EQ(results.size(), r.results.size());
      for (size_t i = 0; i < results.size(); ++i) {
        EXPECT_EQ(results[i].first, r.results[i].first);
        EXPECT_EQ(results[i].second.sizes().ToDims(),
                  r.sizes.at(r.results[i].first));
        const std::vector<double> got = Values(results[i].second);
        ASSERT_EQ(got.size(), r.results[i].second.size());
        for (size_t k = 0; k < got.size(); ++k) {
          EXPECT_NEAR(got[k], r.results[i].second[k], 2e-6) << k;
        }
      }
    } catch (const Error& e) {
      ADD_FAILURE() << e.what();
    }
  }
}

struct Counter : ModuleOf<Counter> {
  Ptr<Linear> first = Register<Linear>("first", 2, 3);
  Ptr<Linear> again = register_module("again", first);
  Tensor count = register_buffer("count", tensor({0}));
  Tensor hidden = register_buffer("hidden", tensor({1.}), false);
  Tensor forward(const Tensor& x) { return again(x); }
};

TEST(ModulesTest, StateDicts) {
  Registry registry;
  ASSERT_TRUE(reference::Register(registry).ok());
  eager::Context context(&registry);
  eager::SetDefaultContext(&context);
  auto a = Make<Counter>(), b = Make<Counter>();
  EXPECT_EQ(a->name(), "Counter");
  EXPECT_EQ(a->first->qualified_name(), "torch.nn.modules.linear.Linear");
  // Shared modules show at each place, parameters once.
  EXPECT_EQ(a->named_parameters().size(), 2u);
  std::vector<std::string> keys;
  for (const auto& [name, t] : a->state_dict()) keys.push_back(name);
  EXPECT_EQ(keys,
            (std::vector<std::string>{"count", "first.weight", "first.bias",
                                      "again.weight", "again.bias"}));
  const Tensor x = tensor({1., 2.});
  b->load_state_dict(a->state_dict());
  EXPECT_EQ(Values(a(x)), Values(b(x)));
  StateDict wrong = a->state_dict();
  wrong[0].first = "other";
  wrong[1].second = tensor({1.});
  try {
    b->load_state_dict(wrong);
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(
        e.what(),
        "Error(s) in loading state_dict for Counter:\n\t"
        "Unexpected key(s) in state_dict: \"other\". \n\t"
        "Missing key(s) in state_dict: \"count\". \n\t"
        "size mismatch for first.weight: copying a param with shape "
        "torch.Size([1]) from checkpoint, the shape in current model is "
        "torch.Size([3, 2]).");
  }
  a->to(DType::kDouble);
  EXPECT_EQ(a->first->weight.dtype(), DType::kDouble);
  EXPECT_EQ(a->count.dtype(), DType::kInt64);
  EXPECT_TRUE(a->first->weight.requires_grad());
  EXPECT_FALSE(a->eval().training());
  EXPECT_FALSE(a->first->training());
  EXPECT_THROW(a->register_buffer("count", Tensor()), Error);
  EXPECT_EQ(a->FindModule("again"), a->first.get());
  EXPECT_NE(a->FindTensor("first.bias"), nullptr);
}

// A model of one layer, which forwards what it gets.
class Holder : public Module {
 public:
  Holder(std::shared_ptr<Module> layer, size_t num_arguments)
      : layer_(layer), num_arguments_(num_arguments) {
    register_module("layer", std::move(layer));
  }
  std::string name() const override { return "Holder"; }
  IValue ForwardBoxed(std::vector<IValue> args) override {
    return layer_->CallBoxed(std::move(args));
  }
  size_t num_arguments() const override { return num_arguments_; }

 private:
  const std::shared_ptr<Module> layer_;
  const size_t num_arguments_;
};

void ExpectSame(const IValue& got, const IValue& want) {
  std::vector<std::pair<std::string, Tensor>> a, b;
  Collect("result", got, &a);
  Collect("result", want, &b);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].second.ToString(), b[i].second.ToString()) << a[i].first;
  }
}

// These look at ranks or dtypes of their inputs, which lowering does not know.
const std::set<std::string> kAskForRanks = {"BatchNorm1d",
                                            "BatchNorm2d",
                                            "BatchNorm3dNoStats",
                                            "Dropout1d",
                                            "EmbeddingBag",
                                            "GRU",
                                            "GRUCell",
                                            "GaussianNLLLoss",
                                            "InstanceNorm1d",
                                            "InstanceNorm2d",
                                            "KLDivLoss",
                                            "LSTM",
                                            "LSTMCell",
                                            "LSTMLone",
                                            "LocalResponseNorm",
                                            "MultiheadAttention",
                                            "MultiheadAttentionDims",
                                            "MultiheadAttentionSelf",
                                            "RNN",
                                            "RNNCell",
                                            "Softmax2d",
                                            "Transformer",
                                            "TransformerDecoderLayer",
                                            "TransformerEncoder",
                                            "TransformerEncoderLayer",
                                            "TransformerEncoderLayerFirst",
                                            "Upsample",
                                            "UpsampleBilinear",
                                            "UpsampleExact"};

// Every layer as a leaf of a symbolic trace, run by its graph and lowered.
TEST(ModulesTest, AreLeavesOfSymbolicTraces) {
  Registry registry;
  ASSERT_TRUE(reference::Register(registry).ok());
  eager::Context context(&registry);
  eager::SetDefaultContext(&context);
  std::map<std::string, Case> cases;
  AddLayers(&cases);
  AddFunctions(&cases);
  for (const auto& [name, c] : cases) {
    SCOPED_TRACE(name);
    if (c.inputs.empty() && !c.given) continue;
    const std::shared_ptr<Module> layer = c.make();
    layer->eval();
    std::vector<Tensor> inputs;
    if (c.given) inputs = c.given();
    for (const IntList& sizes : c.inputs) inputs.push_back(rand(sizes));
    const auto args = [&] {
      std::vector<IValue> values;
      for (const Tensor& t : inputs) values.push_back(ToIValue(t.clone()));
      return values;
    };
    const IValue want = layer->CallBoxed(args());
    Holder holder(layer, inputs.size());
    const absl::Status status = eager::Try([&] {
      const auto traced = fx::symbolic_trace(holder);
      if (name != "Sequential") {
        EXPECT_EQ(traced->graph().find_nodes("call_module", "layer").size(),
                  1u);
      }
      ExpectSame(traced->CallBoxed(args()), want);
      auto lowering = fx::lower_fx(*traced);
      if (kAskForRanks.count(name) != 0) {
        EXPECT_NE(lowering.status().message().find("cannot be lowered"),
                  std::string::npos);
        return;
      }
      auto lowered = eager::Unwrap(std::move(lowering));
      ExpectSame(
          eager::Unwrap(context.engine().Call(lowered, "forward", args())),
          want);
    });
    EXPECT_TRUE(status.ok()) << status;
  }
}

// torch.save(net.state_dict()) of the same network (testdata/record.py there).
TEST(StateDictTest, FileIsThatOfPyTorch) {
  Registry registry;
  ASSERT_TRUE(reference::Register(registry).ok());
  eager::Context context(&registry);
  eager::SetDefaultContext(&context);
  auto net = Make<Sequential>(Make<Linear>(2, 3), Make<BatchNorm1d>(3));
  for (const Tensor& p : net->parameters()) {
    const int64_t count = p.raw().numel();
    for (int64_t i = 0; i < count; ++i) {
      p.raw().data<float>()[i] = static_cast<float>(i) * 0.5f;
    }
  }
  StateDictEntries entries;
  for (const auto& [name, t] : net->state_dict()) {
    entries.tensors.emplace_back(name, t.raw());
  }
  entries.versions = net->state_dict_versions();
  std::string bytes;
  const absl::Status saved =
      SaveStateDict(entries, *CreateStringSink(&bytes), "state_dict");
  ASSERT_TRUE(saved.ok()) << saved;
  std::ifstream file("serialization/torchscript/testdata/state_dict.pt",
                     std::ios::binary);
  const std::string torchs((std::istreambuf_iterator<char>(file)),
                           std::istreambuf_iterator<char>());
  ASSERT_EQ(bytes.size(), torchs.size());
  // The record of the values is the first one and has all of the pickle.
  const size_t end = torchs.find(".format_version");
  EXPECT_EQ(bytes.find(".format_version"), end);
  EXPECT_TRUE(bytes.compare(0, end, torchs, 0, end) == 0);
}

}  // namespace
}  // namespace tandem::nn
