#include "tandem/runtime/autocast.h"

#include "gtest/gtest.h"

namespace tandem {
namespace {

AutocastPolicy Policy(const char* name, const char* overload = "") {
  return AutocastPolicyOf(*OperatorTable::Builtin().Find(name, overload));
}

TEST(AutocastTest, ProductsAreReducedLossesAreFull) {
  EXPECT_EQ(Policy("aten::linear"), AutocastPolicy::kReduced);
  EXPECT_EQ(Policy("aten::_convolution"), AutocastPolicy::kReduced);
  EXPECT_EQ(Policy("aten::mv"), AutocastPolicy::kReduced);
  EXPECT_EQ(Policy("aten::mse_loss"), AutocastPolicy::kFull);
  EXPECT_EQ(Policy("aten::acos"), AutocastPolicy::kFull);
  EXPECT_EQ(Policy("aten::triplet_margin_loss"), AutocastPolicy::kFull);
  EXPECT_EQ(Policy("aten::relu"), AutocastPolicy::kNone);
  EXPECT_EQ(Policy("prim::NumToTensor", "Scalar"), AutocastPolicy::kNone);
}

TEST(AutocastTest, OnlyFloatIsReducedAndOnlyHalvesAreWidened) {
  const Tensor f = *Tensor::Zeros({2}, DType::kFloat);
  const Tensor d = *Tensor::Zeros({2}, DType::kDouble);
  const Tensor h = *Tensor::Zeros({2}, DType::kHalf);
  const DType b = DType::kBFloat16;
  EXPECT_EQ(Autocast(f, AutocastPolicy::kReduced, b)->dtype(), b);
  EXPECT_TRUE(Autocast(d, AutocastPolicy::kReduced, b)->is_same(d));
  EXPECT_EQ(Autocast(h, AutocastPolicy::kFull, b)->dtype(), DType::kFloat);
  EXPECT_TRUE(Autocast(f, AutocastPolicy::kFull, b)->is_same(f));
  EXPECT_TRUE(Autocast(h, AutocastPolicy::kNone, b)->is_same(h));
}

}  // namespace
}  // namespace tandem
