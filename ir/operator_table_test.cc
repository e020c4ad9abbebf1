#include "tandem/ir/operator_table.h"

#include <string>

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/ir/operators/rows.h"

namespace tandem {
namespace {

TEST(OperatorTableTest, EveryRowParses) {
  size_t rows = 0;
  for (const FamilyRows& family : BuiltinRows()) {
    for (absl::string_view row :
         absl::StrSplit(family.rows, '\n', absl::SkipEmpty())) {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(row, absl::MaxSplits("  ; ", 1));
      const auto schema = ParseSchema(parts.first);
      ASSERT_TRUE(schema.ok()) << schema.status();
      ++rows;
    }
  }
  EXPECT_GT(rows, 4000u);
  EXPECT_EQ(OperatorTable::Builtin().All().size(), rows);
}

TEST(OperatorTableTest, RowsPrintAsTheyAreWritten) {
  for (const char* text : {
           "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> "
           "Tensor",
           "aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar "
           "alpha=1) -> Tensor(a!)",
           "aten::split.Tensor(Tensor(a -> *) self, int split_size, int dim=0) "
           "-> Tensor(a)[]",
           "aten::append.t(t[](a!) self, t(c -> *) el) -> t[](a!)",
           "aten::max_pool2d(Tensor self, int[2] kernel_size, int[2] "
           "stride=[], int[2] padding=[0, 0], int[2] dilation=[1, 1], bool "
           "ceil_mode=False) -> Tensor",
           "aten::gelu(Tensor self, *, str approximate=\"none\") -> Tensor",
           "aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor "
           "values, Tensor indices)",
       }) {
    const auto schema = ParseSchema(text);
    ASSERT_TRUE(schema.ok()) << schema.status();
    std::string again = schema->ToString();
    // int[2] defaults may be written either way.
    EXPECT_EQ(ParseSchema(again)->ToString(), again);
  }
}

TEST(OperatorTableTest, OverloadsComeInTheOrderOfTrial) {
  const auto overloads = OperatorTable::Builtin().Overloads("aten::add");
  ASSERT_GE(overloads.size(), 2u);
  EXPECT_EQ(overloads[0]->schema.overload_name, "Tensor");
  EXPECT_EQ(overloads[1]->schema.overload_name, "Scalar");
}

TEST(OperatorTableTest, OwnRowsComeAfterInheritedOnes) {
  OperatorTable table(&OperatorTable::Builtin());
  ASSERT_TRUE(table.Add("my::op(Tensor self, int n=3) -> Tensor").ok());
  EXPECT_NE(table.Find("my::op", ""), nullptr);
  EXPECT_NE(table.Find("aten::relu", ""), nullptr);
  EXPECT_FALSE(table.Add("aten::relu(Tensor self) -> Tensor").ok());
}

TEST(OperatorTableTest, SuggestsNearNames) {
  EXPECT_THAT(OperatorTable::Builtin().Suggest("aten::sigmoit"),
              testing::Contains("aten::sigmoid"));
}

TEST(OperatorTableTest, KnowsWhatIsPure) {
  const OperatorTable& t = OperatorTable::Builtin();
  EXPECT_TRUE(t.Find("aten::relu", "")->is_pure());
  EXPECT_FALSE(t.Find("aten::relu_", "")->is_pure());
  EXPECT_FALSE(t.Find("aten::rand", "")->is_pure());
  EXPECT_FALSE(t.Find("aten::view", "")->is_pure());
}

}  // namespace
}  // namespace tandem
