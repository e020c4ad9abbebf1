// Families that read images, signals and matrices, against recorded calls of
// PyTorch; factorizations by what they are for.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/linalg_kernels.h"
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

TEST(LinalgTest, DoesAsRecorded) {
  ExpectAsRecorded(&RegisterLinalg, "linalg", 400);
}

Matrix<Complex128> RandomMatrix(int64_t m, int64_t n, std::mt19937* random) {
  std::normal_distribution<double> normal;
  Matrix<Complex128> a(m, n);
  for (Complex128& v : a.data) v = Complex128(normal(*random), normal(*random));
  return a;
}

double Distance(const Matrix<Complex128>& a, const Matrix<Complex128>& b) {
  double most = 0;
  for (size_t i = 0; i < a.data.size(); ++i) {
    most = std::max(most, std::abs(a.data[i] - b.data[i]));
  }
  return most;
}

TEST(LinalgTest, SingularVectorsMakeTheMatrixAgain) {
  std::mt19937 random(1);
  for (const auto& [m, n] : {std::pair(5, 3), {3, 5}, {4, 4}, {1, 7}}) {
    const Matrix<Complex128> a = RandomMatrix(m, n, &random);
    Matrix<Complex128> u, v;
    std::vector<double> s;
    Svd(a, &u, &s, &v);
    for (int64_t i = 0; i < u.rows; ++i) {
      for (int64_t j = 0; j < u.cols; ++j) u(i, j) *= s[j];
    }
    EXPECT_LT(Distance(Product(u, Adjoint(v)), a), 1e-12);
  }
}

TEST(LinalgTest, EigenvectorsAreScaledByEigenvalues) {
  std::mt19937 random(2);
  for (int n : {1, 2, 3, 6, 12}) {
    const Matrix<Complex128> a = RandomMatrix(n, n, &random);
    std::vector<Complex128> w;
    Matrix<Complex128> v;
    ASSERT_TRUE(EigenGeneral(a, &w, &v));
    Matrix<Complex128> scaled = v;
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < n; ++j) scaled(i, j) *= w[j];
    }
    EXPECT_LT(Distance(Product(a, v), scaled), 1e-10) << n;
  }
}

}  // namespace
}  // namespace tandem::reference
