#include "tandem/backends/reference/composites.h"

#include <gtest/gtest.h>

#include "tandem/backends/reference/recorded_cases.h"

namespace tandem::reference {
namespace {

TEST(CompositesTest, DoAsRecorded) {
  Registry registry;
  ASSERT_EQ(RegisterComposites(registry).ToString(), "OK");
  const CaseCounts counts = RunRecordedCases(
      registry, "backends/reference/testdata/composites_cases.txt");
  EXPECT_GT(counts.run, 300);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

}  // namespace
}  // namespace tandem::reference
