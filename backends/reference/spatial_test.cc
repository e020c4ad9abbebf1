// Families that read images and signals, against recorded calls of PyTorch.
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/recorded_cases.h"

namespace tandem::reference {
namespace {

void ExpectAsRecorded(absl::Status (*register_family)(Registry&),
                      absl::string_view name, int at_least) {
  Registry registry;
  ASSERT_EQ(register_family(registry).ToString(), "OK");
  const CaseCounts counts = RunRecordedCases(
      registry,
      absl::StrCat("backends/reference/testdata/", name, "_cases.txt"));
  EXPECT_GE(counts.run, at_least);
  for (const std::string& failure : counts.failures) ADD_FAILURE() << failure;
}

TEST(FftTest, DoesAsRecorded) { ExpectAsRecorded(&RegisterFft, "fft", 1400); }

TEST(UpsampleTest, DoesAsRecorded) {
  ExpectAsRecorded(&RegisterUpsample, "upsample", 800);
}

TEST(VisionTest, DoesAsRecorded) {
  ExpectAsRecorded(&RegisterVision, "vision", 120);
}

}  // namespace
}  // namespace tandem::reference
