#include "tandem/ir/operator_table.h"

#include <string>

#include "absl/strings/str_replace.h"
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

// PyTorch's own text again, but that symbolic sizes are ints to a program, with
// the short form of defaults that ints have, and futures have the brackets of
// graphs.
TEST(OperatorTableTest, RowsPrintAsTheyAreWritten) {
  for (const FamilyRows& family : BuiltinRows()) {
    for (absl::string_view row :
         absl::StrSplit(family.rows, '\n', absl::SkipEmpty())) {
      const std::pair<std::string, std::string> parts =
          absl::StrSplit(row, absl::MaxSplits("  ; ", 1));
      const auto schema = ParseSchema(parts.first);
      ASSERT_TRUE(schema.ok()) << schema.status();
      EXPECT_EQ(schema->ToString(),
                absl::StrReplaceAll(parts.first, {{"SymInt", "int"},
                                                  {"SymBool", "bool"},
                                                  {"Future(t)", "Future[t]"},
                                                  {"=[0, 0, 0]", "=0"},
                                                  {"=[1, 1, 1]", "=1"},
                                                  {"=[0, 0]", "=0"},
                                                  {"=[1, 1]", "=1"},
                                                  {"=[0]", "=0"},
                                                  {"=[1]", "=1"}}));
    }
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
