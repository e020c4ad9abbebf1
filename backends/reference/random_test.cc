#include <gtest/gtest.h>

#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/recorded_cases.h"

namespace tandem::reference {
namespace {

// The cases seed the generator where their numbers come from it.
TEST(RandomTest, DrawsAsRecorded) {
  Registry registry;
  ASSERT_EQ(RegisterRandom(registry).ToString(), "OK");
  const CaseCounts counts = RunRecordedCases(
      registry, "backends/reference/testdata/random_cases.txt");
  EXPECT_GT(counts.run, 150);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

}  // namespace
}  // namespace tandem::reference
