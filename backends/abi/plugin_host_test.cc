#include "tandem/backends/abi/plugin_host.h"

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/backends/group.h"
#include "tandem/ir/graph.h"

const TandemPlugin* test_plugin();  // linked into this test

namespace tandem {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kFolder[] = "backends/abi";

class PluginHostTest : public ::testing::TestWithParam<bool> {
 protected:
  PluginHostTest()
      : operators_(&OperatorTable::Builtin()),
        registry_(&operators_),
        host_(&registry_, &operators_, [this](std::string name, TextPass pass) {
          passes_.emplace_back(std::move(name), std::move(pass));
          return absl::OkStatus();
        }) {
    host_.search_path = {"/no/such/folder", kFolder};
  }
  // From a shared object or linked: the same plugin.
  absl::Status Open() {
    return GetParam() ? host_.Load("test_plugin_shared.so")
                      : host_.Link(test_plugin());
  }

  absl::StatusOr<IValue> Call(const char* name, std::vector<IValue> args) {
    const Operator* op = operators_.Find(name, "");
    const std::vector<std::string> backends = {"test"};
    const KernelEntry* entry = registry_.Find(*op, backends);
    std::vector<uint32_t> inputs;
    for (uint32_t i = 0; i < args.size(); ++i) inputs.push_back(i);
    const uint32_t output = static_cast<uint32_t>(args.size());
    args.emplace_back();
    const KernelCall call{args.data(), inputs.data(), &output,
                          static_cast<uint32_t>(inputs.size()), 1};
    const absl::Status status = entry->kernel(call);
    if (!status.ok()) return status;
    return args.back();
  }

  static IValue Floats(std::vector<float> values) {
    Tensor t =
        *Tensor::Empty({static_cast<int64_t>(values.size())}, DType::kFloat);
    std::copy(values.begin(), values.end(), t.data<float>());
    return IValue(t);
  }

  OperatorTable operators_;
  Registry registry_;
  std::vector<std::pair<std::string, TextPass>> passes_;
  PluginHost host_;
};

TEST_P(PluginHostTest, RegistersWhatThePluginHas) {
  ASSERT_TRUE(Open().ok()) << Open();
  EXPECT_NE(operators_.Find("test::scaled_add", ""), nullptr);
  EXPECT_NE(registry_.FindGroupBackend("test"), nullptr);
  ASSERT_EQ(passes_.size(), 1u);
  EXPECT_EQ(passes_[0].first, "relu_to_neg");
  ASSERT_EQ(host_.loaded().size(), 1u);
  EXPECT_EQ(host_.loaded()[0].version, "1.2");
}

TEST_P(PluginHostTest, KernelsCompute) {
  ASSERT_TRUE(Open().ok());
  const absl::StatusOr<IValue> y =
      Call("test::scaled_add", {Floats({1, 2}), Floats({10, 20}), IValue(0.5)});
  ASSERT_TRUE(y.ok()) << y.status();
  EXPECT_EQ(y->AsTensor().data<float>()[0], 6);
  EXPECT_EQ(y->AsTensor().data<float>()[1], 12);
}

TEST_P(PluginHostTest, KernelsThatFailSaySo) {
  ASSERT_TRUE(Open().ok());
  const absl::StatusOr<IValue> y =
      Call("test::scaled_add", {Floats({1, 2}), Floats({10}), IValue(0.5)});
  EXPECT_EQ(y.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(y.status().message()), HasSubstr("of one shape"));
}

TEST_P(PluginHostTest, WhatAKernelThrowsIsAnError) {
  ASSERT_TRUE(Open().ok());
  EXPECT_THAT(
      std::string(Call("test::throws", {Floats({1})}).status().message()),
      HasSubstr("plugin 'test' threw: out of plums"));
}

TEST_P(PluginHostTest, OutputsAreChecked) {
  ASSERT_TRUE(Open().ok());
  EXPECT_THAT(
      std::string(Call("test::forgets", {Floats({1})}).status().message()),
      HasSubstr("did not set output 0"));
  EXPECT_THAT(
      std::string(Call("test::gives_number", {Floats({1})}).status().message()),
      HasSubstr("test::gives_number gave a int as output 0"));
}

TEST_P(PluginHostTest, PassesWorkOnText) {
  ASSERT_TRUE(Open().ok());
  const auto changed = passes_[0].second("x aten::relu(y)");
  ASSERT_TRUE(changed.ok() && changed->has_value());
  EXPECT_EQ(**changed, "x aten::neg(y)");
  EXPECT_FALSE(passes_[0].second("nothing")->has_value());
}

TEST_P(PluginHostTest, GroupsAreCompiledAndRun) {
  ASSERT_TRUE(Open().ok());
  const GroupBackend* backend = registry_.FindGroupBackend("test");
  Graph g;
  Value* x = g.AddInput("x", Type::Tensor());
  Node* relu = g.Insert(g.Create(operators_.Find("aten::relu", ""), {x}));
  Node* neg =
      g.Insert(g.Create(operators_.Find("aten::neg", ""), {relu->output()}));
  Node* sin =
      g.Insert(g.Create(operators_.Find("aten::sin", ""), {relu->output()}));
  Node* exp =
      g.Insert(g.Create(operators_.Find("aten::exp", ""), {relu->output()}));
  EXPECT_TRUE(backend->Supports(*relu).supported);
  EXPECT_EQ(backend->Supports(*exp).reason, "only relu and neg");
  EXPECT_THAT(backend->Supports(*sin).reason, HasSubstr("I never sin"));
  sin->Destroy();
  exp->Destroy();
  g.AddOutput(neg->output());
  ValueDescription d;
  d.is_tensor = true;
  d.dtype = DType::kFloat;
  d.sizes = {2};
  d.strides = {1};
  PackedWeights weights;
  auto executable = backend->Compile(g, {d}, &weights);
  ASSERT_TRUE(executable.ok()) << executable.status();
  IValue registers[] = {Floats({3, -3}), IValue()};
  const uint32_t in = 0, out = 1;
  ASSERT_TRUE((*executable)->Run(KernelCall{registers, &in, &out, 1, 1}).ok());
  EXPECT_EQ(registers[1].AsTensor().data<float>()[0], -3);
  d.dtype = DType::kDouble;
  EXPECT_EQ(backend->Compile(g, {d}, &weights).status().code(),
            absl::StatusCode::kUnimplemented);
}

TEST_P(PluginHostTest, TheSamePluginTwiceIsRefused) {
  ASSERT_TRUE(Open().ok());
  EXPECT_THAT(std::string(Open().message()),
              HasSubstr("plugin 'test' is loaded already"));
}

INSTANTIATE_TEST_SUITE_P(Ways, PluginHostTest, ::testing::Bool(),
                         [](const auto& info) {
                           return info.param ? "Loaded" : "Linked";
                         });

TEST(PluginErrors, OfFilesNameThem) {
  Registry registry;
  PluginHost host(&registry, nullptr);
  EXPECT_THAT(std::string(host.Load("nothing").message()),
              HasSubstr("TANDEM_PLUGIN_PATH"));
  host.search_path = {kFolder};
  EXPECT_THAT(std::string(host.Load("nothing").message()),
              HasSubstr("no plugin 'nothing' in backends/abi"));
  EXPECT_THAT(std::string(host.Load("./none.so").message()),
              HasSubstr("cannot load plugin ./none.so"));
  EXPECT_THAT(std::string(host.Load("other_version.so").message()),
              HasSubstr("was built for version 99 of the plugin interface, "
                        "this program has version 1"));
  EXPECT_TRUE(host.loaded().empty());
}

TEST(PluginErrors, OperatorsNeedATable) {
  Registry registry;
  PluginHost host(&registry, nullptr);
  EXPECT_THAT(std::string(host.Link(test_plugin()).message()),
              HasSubstr("takes no operators"));
}

}  // namespace
}  // namespace tandem
