#include "tandem/tensor/file_pages.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace tandem {
namespace {

constexpr int64_t kFloats = 1 << 20;
constexpr size_t kBytes = kFloats * sizeof(float);

// A tensor over a mapped file that holds 0, 1, 2, …
class FilePages : public ::testing::Test {
 protected:
  void SetUp() override {
    if (access("/proc/self/pagemap", R_OK) != 0) {
      GTEST_SKIP() << "the system does not say what a page is";
    }
    std::string path = ::testing::TempDir() + "/pages.XXXXXX";
    const int fd = mkstemp(&path[0]);
    ASSERT_GE(fd, 0);
    unlink(path.c_str());
    std::vector<float> values(kFloats);
    for (int64_t i = 0; i < kFloats; ++i) {
      values[static_cast<size_t>(i)] = static_cast<float>(i);
    }
    ASSERT_EQ(write(fd, values.data(), kBytes), static_cast<ssize_t>(kBytes));
    address_ =
        mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    close(fd);
    ASSERT_NE(address_, MAP_FAILED);
    storage_ = Storage::Borrow(
        address_, kBytes,
        std::shared_ptr<void>(address_, [](void* p) { munmap(p, kBytes); }),
        true);
  }
  Tensor All() {
    return *Tensor::OverStorage(storage_, 0, {kFloats}, {1}, DType::kFloat);
  }
  static double Sum(const Tensor& t) {
    double sum = 0;
    for (int64_t i = 0; i < kFloats; ++i) sum += t.data<float>()[i];
    return sum;
  }

  void* address_ = nullptr;
  Ref<Storage> storage_;
};

constexpr double kSum = static_cast<double>(kFloats) * (kFloats - 1) / 2;

TEST_F(FilePages, PagesThatWereReadAreGivenBackAndComeAgain) {
  const Tensor t = All();
  EXPECT_EQ(Sum(t), kSum);
  EXPECT_EQ(ReleaseFilePages(t), kBytes);
  EXPECT_EQ(ReleaseFilePages(t), 0u);
  EXPECT_EQ(Sum(t), kSum);
}

TEST_F(FilePages, PagesThatWereWrittenToStay) {
  const Tensor t = All();
  t.data<float>()[5000] = -1;
  EXPECT_EQ(Sum(t), kSum - 5001);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(ReleaseFilePages(t), kBytes - page);
  EXPECT_EQ(t.data<float>()[5000], -1);
}

TEST_F(FilePages, OnlyWholePagesUnderTheTensor) {
  EXPECT_EQ(Sum(All()), kSum);
  const Tensor part =
      *Tensor::OverStorage(storage_, 1, {1 << 18}, {1}, DType::kFloat);
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  EXPECT_EQ(ReleaseFilePages(part), (size_t{1} << 20) - page);
}

TEST(ReleaseFilePages, LeavesMemoryThatIsNoFiles) {
  const Tensor t = *Tensor::Zeros({kFloats}, DType::kFloat);
  EXPECT_EQ(ReleaseFilePages(t), 0u);
  EXPECT_EQ(ReleaseFilePages(Tensor()), 0u);
}

}  // namespace
}  // namespace tandem
