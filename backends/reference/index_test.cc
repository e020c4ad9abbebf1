#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

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

// The order of equal elements shows which algorithm PyTorch takes: one long row
// of integers is sorted by digits, which keeps it, though no one asked.
TEST(SortTest, LongRowsOfIntegersKeepTheOrderOfEqualElements) {
  Registry registry;
  ASSERT_EQ(RegisterSort(registry).ToString(), "OK");
  const KernelEntry* entry = registry.Find(
      *registry.operators().Find("aten::argsort", ""), {"reference"});
  ASSERT_NE(entry, nullptr);
  std::vector<int64_t> x(40000);
  uint64_t state = 1;
  for (int64_t& v : x) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = static_cast<int64_t>(state >> 33) % 4001 - 2000;
  }
  x[7] = INT64_MAX;
  x[9] = INT64_MIN;
  std::vector<int64_t> want(x.size());
  std::iota(want.begin(), want.end(), 0);
  std::stable_sort(want.begin(), want.end(),
                   [&](int64_t a, int64_t b) { return x[a] < x[b]; });
  IValue registers[] = {IValue(*Tensor::FromSpan<int64_t>(x)),
                        IValue(int64_t{-1}), IValue(false), IValue()};
  const uint32_t in[] = {0, 1, 2}, out[] = {3};
  ASSERT_TRUE(entry->kernel(KernelCall{registers, in, out, 3, 1}).ok());
  const int64_t* got = registers[3].AsTensor().data<int64_t>();
  EXPECT_EQ(std::vector<int64_t>(got, got + x.size()), want);
}

}  // namespace
}  // namespace tandem::reference
