#include <gtest/gtest.h>

#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/recorded_cases.h"

namespace tandem::reference {
namespace {

TEST(IndexTest, DoesAsRecorded) {
  Registry registry;
  ASSERT_EQ(RegisterIndex(registry).ToString(), "OK");
  const CaseCounts counts =
      RunRecordedCases(registry, "backends/reference/testdata/index_cases.txt");
  EXPECT_GT(counts.run, 500);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

TEST(SortTest, DoesAsRecorded) {
  Registry registry;
  ASSERT_EQ(RegisterSort(registry).ToString(), "OK");
  const CaseCounts counts =
      RunRecordedCases(registry, "backends/reference/testdata/sort_cases.txt");
  EXPECT_GT(counts.run, 100);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

}  // namespace
}  // namespace tandem::reference
