// Sums in float are those of PyTorch 2.15 (x86-64 with AVX2 and fused
// multiply-add, one thread) to the last bit.
#include "tandem/backends/reference/float_rows.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "tandem/backends/reference/float_functions.h"
#include "tandem/backends/reference/gemm.h"
#include "tandem/backends/reference/gemm_small.h"

namespace tandem::reference {
namespace {

// 0, step, 2 * step … modulo 1009, around zero.
std::vector<float> Sequence(int64_t n, int64_t step) {
  std::vector<float> x(n);
  for (int64_t i = 0; i < n; ++i) {
    x[i] = static_cast<float>(static_cast<double>(i * step % 1009 - 504) / 257);
  }
  return x;
}

bool HasFusedAdd() {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

TEST(FloatRows, ProductsOfMatrices) {
  struct Case {
    int64_t m, k, n;
    float last, first;
  };
  const Case cases[] = {
      {1, 29, 7, -0x1.a649d0p-1, 0x1.4dfd78p+2},
      {2, 29, 7, 0x1.761f2cp+3, 0x1.4dfd78p+2},
      {3, 24, 9, 0x1.7a6fe6p+2, 0x1.6e2ef6p+2},
      {5, 26, 7, 0x1.75b614p+0, 0x1.4af154p+2},
      {9, 30, 1, -0x1.4e6664p+2, 0x1.40ee64p+1},
      {4, 30, 12, 0x1.befde8p+3, 0x1.40ee68p+1},
      {5, 400, 16, -0x1.fdf8a0p+0, 0x1.167b96p+4},
  };
  for (const Case& c : cases) {
    if (!IsSmallProduct(c.m, c.n) && !HasFusedAdd()) continue;
    // Aligned to a vector, as tensors are: how a row lies decides its order.
    Scratch memory(sizeof(float) * c.m * c.k);
    const std::vector<float> a = Sequence(c.m * c.k, 37);
    std::copy(a.begin(), a.end(), memory.data<float>());
    const std::vector<float> w = Sequence(c.n * c.k, 101);
    std::vector<float> out(c.m * c.n);
    ASSERT_TRUE(Gemm<float>(c.m, c.n, c.k, 1.0f, {memory.data<float>(), c.k, 1},
                            {w.data(), 1, c.k}, 0.0f, {out.data(), c.n, 1})
                    .ok());
    EXPECT_EQ(out.front(), c.first) << c.m << "x" << c.k << "x" << c.n;
    EXPECT_EQ(out.back(), c.last) << c.m << "x" << c.k << "x" << c.n;
  }
}

TEST(FloatRows, SumsOfRowsAndColumns) {
  const std::vector<float> x = Sequence(4096, 37), y = Sequence(4096, 101);
  EXPECT_EQ(DotVectors(1003, x.data(), y.data()), 0x1.3a70acp+5f);
  EXPECT_EQ(CascadeSum(1003, x.data(), 1), -0x1.18877cp+3f);
  EXPECT_EQ(CascadeSum(5, x.data(), 1), -0x1.0bb44cp+3f);
  float sums[32];
  CascadeSumThirtyTwo(100, x.data(), 40, sums);
  EXPECT_EQ(sums[0], -0x1.207f84p+3f);
  CascadeSumEight(100, x.data() + 32, 40, sums);
  EXPECT_EQ(sums[1], -0x1.1f20dep+3f);
  EXPECT_EQ(CascadeSum(300, x.data() + 2, 3), 0x1.7e8180p-2f);
}

TEST(FloatRows, MomentsAndNormalization) {
  if (!HasFusedAdd()) GTEST_SKIP();
  const std::vector<float> x = Sequence(4096, 37), y = Sequence(4096, 101);
  float mean, variance;
  RowMoments(3003, x.data(), &mean, &variance);
  EXPECT_EQ(mean, -0x1.5a75c2p-10f);
  const float rstd = 1 / std::sqrt(variance + 1e-5f);
  EXPECT_EQ(rstd, 0x1.c361fep-1f);
  std::vector<float> out(3003);
  NormalizeRow(3003, x.data(), mean, rstd, y.data(), y.data() + 100,
               out.data());
  EXPECT_EQ(out[77], 0x1.c608fep+0f);
  EXPECT_EQ(out[3002], 0x1.5ac784p-5f);
}

TEST(FloatRows, ExponentialsOfSoftmax) {
  std::vector<float> e = Sequence(100, 37);
  const float high = *std::max_element(e.begin(), e.end());
  for (float& v : e) v = LaneExp(v - high);
  EXPECT_EQ(e[3] * (1 / LaneSum(100, e.data())), 0x1.6b3dd0p-10f);
  EXPECT_EQ(LaneExp(-200.0f), 0.0f);
  EXPECT_TRUE(std::isinf(LaneExp(101.0f)));
  EXPECT_TRUE(std::isnan(LaneExp(NAN)));
}

}  // namespace
}  // namespace tandem::reference
