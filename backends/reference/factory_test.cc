#include <gtest/gtest.h>

#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/recorded_cases.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

class FactoryTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(RegisterFactory(registry_).ToString(), "OK");
  }
  // aten::tensor(data) of a list.
  absl::StatusOr<Tensor> FromList(const IValue& data, IValue dtype = IValue()) {
    const Operator* op = registry_.operators().Find("aten::tensor", "");
    const std::string backend = "reference";
    const KernelEntry* kernel =
        registry_.Find(*op, absl::MakeConstSpan(&backend, 1));
    IValue registers[] = {data, dtype, IValue(), IValue(false), IValue()};
    const uint32_t inputs[] = {0, 1, 2, 3}, outputs[] = {4};
    TANDEM_RETURN_IF_ERROR(kernel->kernel({registers, inputs, outputs, 4, 1}));
    return registers[4].AsTensor();
  }
  static IValue Ints(absl::Span<const int64_t> values) {
    return IValue(MakeIntList(values));
  }
  static IValue List(TypePtr element, std::vector<IValue> values) {
    return IValue(MakeList(std::move(element), std::move(values)));
  }

  Registry registry_;
};

TEST_F(FactoryTest, DoesAsRecorded) {
  const CaseCounts counts = RunRecordedCases(
      registry_, "backends/reference/testdata/factory_cases.txt");
  EXPECT_GT(counts.run, 500);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

TEST_F(FactoryTest, ListsTellSizesAndDType) {
  const TypePtr ints = Type::List(Type::Int());
  absl::StatusOr<Tensor> t =
      FromList(List(ints, {Ints({1, 2, 3}), Ints({4, 5, 6})}));
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->sizes(), DimSpan({2, 3}));
  EXPECT_EQ(t->dtype(), DType::kInt64);
  EXPECT_EQ(t->data<int64_t>()[4], 5);

  t = FromList(List(ints, {Ints({}), Ints({})}));
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->sizes(), DimSpan({2, 0}));
  EXPECT_EQ(t->dtype(), DType::kInt64);

  t = FromList(List(Type::Float(), {}));
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(t->dtype(), DType::kFloat);
}

// As PyTorch: the number goes through float32 whatever dtype is asked for.
TEST_F(FactoryTest, FloatsGoThroughFloat32) {
  const absl::StatusOr<Tensor> t =
      FromList(List(Type::Float(), {IValue(0.1)}),
               IValue(static_cast<int64_t>(DType::kDouble)));
  ASSERT_TRUE(t.ok());
  EXPECT_EQ(*t->data<double>(), static_cast<double>(0.1f));
}

TEST_F(FactoryTest, RefusesRaggedListsAndOtherElements) {
  EXPECT_EQ(FromList(List(Type::List(Type::Int()), {Ints({1, 2}), Ints({3})}))
                .status()
                .message(),
            "Expected sequence of length 2 at dim 1 (got 1)");
  EXPECT_EQ(FromList(List(Type::Str(), {IValue("a")})).status().message(),
            "Input must be of ints, floats, or bools, got str");
}

}  // namespace
}  // namespace tandem::reference
