#include "tandem/ir/print_value.h"

#include <complex>
#include <limits>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/ivalue.h"

namespace tandem {
namespace {

TEST(FloatToString, IsStrOfAProgram) {
  EXPECT_EQ(FloatToString(2), "2.");
  EXPECT_EQ(FloatToString(-0.0), "0.");
  EXPECT_EQ(FloatToString(1e18), "1000000000000000000.");
  EXPECT_EQ(FloatToString(1e19), "1e+19");
  EXPECT_EQ(FloatToString(0.1), "0.10000000000000001");
  EXPECT_EQ(FloatToString(1e-7), "9.9999999999999995e-08");
  EXPECT_EQ(FloatToString(5e-324), "4.9406564584124654e-324");
  EXPECT_EQ(FloatToString(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(FloatToString, IsALiteralOfCode) {
  EXPECT_EQ(FloatToString(-0.0, true), "-0.");
  EXPECT_EQ(FloatToString(9999999999.0, true), "9999999999.");
  EXPECT_EQ(FloatToString(1e10, true), "10000000000");
  EXPECT_EQ(FloatToString(3e20, true), "3e+20");
}

TEST(ComplexToString, HasSignAndPoint) {
  EXPECT_EQ(ComplexToString({1.5, -2.5}), "1.5-2.5j");
  EXPECT_EQ(ComplexToString({-0.0, -0.0}), "0.+0.j");
  EXPECT_EQ(ComplexToString({1e15, -1e30}), "1000000000000000.-1e+30j");
}

TEST(ToString, PrintsContainers) {
  EXPECT_EQ(IValue(MakeList(Type::Int(), {1, 2})).ToString(), "[1, 2]");
  EXPECT_EQ(IValue(MakeList(Type::Str(), {"a", "b\n"})).ToString(), "[a, b\n]");
  EXPECT_EQ(IValue(MakeTuple({1})).ToString(), "(1,)");
  EXPECT_EQ(IValue(MakeTuple({})).ToString(), "()");
  EXPECT_EQ(IValue(MakeTuple({1, "x", 2.0, IValue(), true})).ToString(),
            "(1, x, 2., None, True)");
  const Ref<DictObject> dict = MakeDict(Type::Int(), Type::Str());
  EXPECT_EQ(IValue(dict).ToString(), "{}");
  dict->Set(1, "a");
  dict->Set(2, "b");
  EXPECT_EQ(IValue(dict).ToString(), "{1: a, 2: b}");
}

TEST(ToString, PrintsOtherValues) {
  EXPECT_EQ(IValue(Device{DeviceType::kCuda, 1}).ToString(), "cuda:1");
  EXPECT_EQ(IValue(*Tensor::FromScalar(Scalar(1.5))).ToString(),
            "1.5\n[ CPUDoubleType{} ]");
  const auto type = std::make_shared<EnumType>("__torch__.Color", Type::Int());
  EXPECT_EQ(IValue(MakeRef<EnumObject>(type, "RED", 1)).ToString(),
            "Enum<Color.RED>");
}

TEST(AppendValueText, EndsOnAListThatHoldsItself) {
  const Ref<ListObject> list = MakeList(Type::Any());
  list->values.push_back(list);
  std::string out;
  EXPECT_FALSE(AppendValueText(list, &out).ok());
  list->values.clear();
}

TEST(AppendValueText, EndsOnATextOutOfProportion) {
  IValue pair = MakeTuple({1});
  for (int i = 0; i < 100; ++i) pair = MakeTuple({pair, pair});
  std::string out;
  EXPECT_EQ(AppendValueText(pair, &out, 10000).code(),
            absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace tandem
