#include "tandem/backends/reference/reference.h"

#include <gtest/gtest.h>

#include "tandem/backends/reference/recorded_cases.h"

namespace tandem::reference {
namespace {

// Every kernel fits its row, and no operator has two.
TEST(ReferenceTest, Registers) {
  Registry registry;
  EXPECT_EQ(Register(registry).ToString(), "OK");
  EXPECT_GT(registry.Coverage("reference"), 500u);
}

// Where 16-bit types are rounded, how equal elements are ordered, which of
// several errors comes first.
TEST(ReferenceTest, RoundsAndOrdersAsRecorded) {
  Registry registry;
  ASSERT_EQ(Register(registry).ToString(), "OK");
  const CaseCounts counts = RunRecordedCases(
      registry, "backends/reference/testdata/rounding_cases.txt", {"reference"},
      /*tolerance16=*/0);
  EXPECT_GT(counts.run, 100);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

}  // namespace
}  // namespace tandem::reference
