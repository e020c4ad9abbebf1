#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/recorded_cases.h"

namespace tandem::reference {
namespace {

struct Family {
  const char* name;
  absl::Status (*add)(Registry&);
  int cases;  // at least
};

class RecordedTest : public testing::TestWithParam<Family> {};

TEST_P(RecordedTest, DoesAsRecorded) {
  Registry registry;
  ASSERT_EQ(GetParam().add(registry).ToString(), "OK");
  const CaseCounts counts =
      RunRecordedCases(registry, absl::StrCat("backends/reference/testdata/",
                                              GetParam().name, "_cases.txt"));
  EXPECT_GT(counts.run, GetParam().cases);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

INSTANTIATE_TEST_SUITE_P(
    Families, RecordedTest,
    testing::Values(Family{"matmul", &RegisterMatmul, 600},
                    Family{"conv", &RegisterConv, 400},
                    Family{"pool", &RegisterPool, 600},
                    Family{"norm", &RegisterNorm, 400},
                    Family{"rnn", &RegisterRnn, 100},
                    Family{"attention", &RegisterAttention, 60},
                    Family{"loss", &RegisterLoss, 400}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace tandem::reference
