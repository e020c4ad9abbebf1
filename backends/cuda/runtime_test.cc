// Memory, streams, copies and kernels, against the fake driver.
#include "tandem/backends/cuda/runtime.h"

#include <cstring>
#include <thread>

#include "gtest/gtest.h"
#include "tandem/backends/cuda/fake_driver.h"
#include "tandem/backends/cuda/prelude.h"

namespace tandem::cuda {
namespace {

class RuntimeTest : public testing::Test {
 protected:
  std::shared_ptr<Runtime> Make(FakeDriver::Options fake = {},
                                Options options = {}) {
    driver_ = FakeDriver::Create(fake);
    options.libraries.driver = [this] { return driver_; };
    options.libraries.compiler = &MakeHostCompiler;
    return Runtime::Create(std::move(options));
  }
  void TearDown() override {
    if (driver_ == nullptr) return;
    EXPECT_EQ(driver_->Faults(), "");
    EXPECT_EQ(driver_->Leaks(), "");
  }
  std::shared_ptr<FakeDriver> driver_;
};

TEST_F(RuntimeTest, NoDriverIsOneSentenceWithWhatWasTried) {
  Options options;
  options.libraries.driver = &LoadDriver;
  const auto runtime = Runtime::Create(options);
  const absl::StatusOr<Gpu*> gpu = runtime->Get(0);
  if (gpu.ok()) GTEST_SKIP() << "this machine has a GPU: " << (*gpu)->name();
  EXPECT_NE(gpu.status().message().find("NVIDIA driver"), std::string::npos);
  // The second time it says the same.
  EXPECT_EQ(runtime->Get(0).status(), gpu.status());
}

TEST_F(RuntimeTest, DevicesByNumber) {
  const auto runtime = Make({.devices = 2});
  ASSERT_TRUE(runtime->Get(-1).ok());
  EXPECT_EQ((*runtime->Get(-1))->index(), 0);
  EXPECT_EQ((*runtime->Get(1))->device().ToString(), "cuda:1");
  EXPECT_EQ(runtime->Get(2).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(RuntimeTest, TensorsGoThereAndBack) {
  const auto runtime = Make();
  Gpu* gpu = *runtime->Get(0);
  Tensor t = *gpu->Empty({2, 3}, DType::kFloat);
  EXPECT_EQ(t.device().ToString(), "cuda:0");
  const float values[6] = {1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(gpu->CopyToDevice(AddressOf(t), values, sizeof(values)).ok());
  float back[6] = {};
  ASSERT_TRUE(gpu->CopyToHost(back, AddressOf(t), sizeof(back)).ok());
  EXPECT_EQ(std::memcmp(values, back, sizeof(back)), 0);
}

TEST_F(RuntimeTest, EmptyTensorsTakeNoMemory) {
  const auto runtime = Make();
  Gpu* gpu = *runtime->Get(0);
  EXPECT_EQ(gpu->Empty({0, 3}, DType::kFloat)->numel(), 0);
  EXPECT_EQ(driver_->counts().allocations, 0);
  EXPECT_FALSE(gpu->Empty({-1}, DType::kFloat).ok());
  EXPECT_FALSE(gpu->Empty({int64_t{1} << 62, 8}, DType::kFloat).ok());
}

TEST_F(RuntimeTest, FreedMemoryIsGivenOutAgainOnItsStream) {
  const auto runtime = Make();
  Gpu* gpu = *runtime->Get(0);
  const DevicePointer first = AddressOf(*gpu->Empty({1000}, DType::kFloat));
  EXPECT_EQ(AddressOf(*gpu->Empty({1000}, DType::kFloat)), first);
  EXPECT_EQ(driver_->counts().allocations, 1);
  // Neighbours grow together again.
  {
    const Tensor a = *gpu->Empty({1000}, DType::kFloat);
    const Tensor b = *gpu->Empty({1000}, DType::kFloat);
    EXPECT_NE(AddressOf(a), AddressOf(b));
  }
  EXPECT_EQ(AddressOf(*gpu->Empty({200000}, DType::kFloat)), first);
  EXPECT_EQ(gpu->allocator().stats().in_use, 0u);
}

TEST_F(RuntimeTest, MemoryOfAnotherStreamWaitsForIt) {
  const auto runtime = Make();
  Gpu* gpu = *runtime->Get(0);
  const auto side = *Stream::Create(gpu);
  MemoryBlock* block = *gpu->allocator().Allocate(1 << 20, gpu->stream());
  // The side stream has not come so far.
  ASSERT_TRUE(gpu->SetZero(block->address, 64).ok());
  {
    const ScopedStream scope(*side);
    ASSERT_TRUE(gpu->SetZero(block->address, 64).ok());
  }
  gpu->allocator().RecordUse(block, side->handle());
  gpu->allocator().Free(block);
  EXPECT_EQ(gpu->allocator().stats().pending, size_t{1} << 20);
  MemoryBlock* other = *gpu->allocator().Allocate(1 << 20, gpu->stream());
  EXPECT_NE(other, block);
  {
    const ScopedStream scope(*side);
    ASSERT_TRUE(gpu->Synchronize().ok());
  }
  MemoryBlock* again = *gpu->allocator().Allocate(1 << 20, gpu->stream());
  EXPECT_EQ(gpu->allocator().stats().pending, 0u);
  gpu->allocator().Free(other);
  gpu->allocator().Free(again);
}

TEST_F(RuntimeTest, TheCacheIsBounded) {
  const auto runtime = Make({}, {.max_cached_bytes = 8 << 20});
  Gpu* gpu = *runtime->Get(0);
  for (int i = 1; i <= 20; ++i) {
    gpu->Empty({i << 20}, DType::kFloat).IgnoreError();
  }
  EXPECT_LE(driver_->counts().live_bytes, size_t{8} << 20);
}

TEST_F(RuntimeTest, OutOfMemoryGivesTheCacheBackAndSaysWhatThereIs) {
  const auto runtime = Make({.memory_bytes = 64 << 20});
  Gpu* gpu = *runtime->Get(0);
  // Three quarters, freed, then as much in another shape.
  { const Tensor a = *gpu->Empty({12 << 20}, DType::kFloat); }
  const absl::StatusOr<Tensor> b = gpu->Empty({14 << 20}, DType::kFloat);
  ASSERT_TRUE(b.ok()) << b.status();
  const absl::StatusOr<Tensor> c = gpu->Empty({14 << 20}, DType::kFloat);
  EXPECT_EQ(c.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(c.status().message().find("CUDA out of memory. Tried to allocate"),
            std::string::npos);
}

TEST_F(RuntimeTest, ACallsBudgetCountsDeviceMemory) {
  const auto runtime = Make();
  Gpu* gpu = *runtime->Get(0);
  MemoryBudget budget(1000);
  CallContext context;
  context.memory = &budget;
  const ScopedContext scope(context);
  {
    const absl::StatusOr<Tensor> t = gpu->Empty({200}, DType::kFloat);
    ASSERT_TRUE(t.ok());
    EXPECT_EQ(budget.used(), 800);
    EXPECT_FALSE(gpu->Empty({200}, DType::kFloat).ok());
  }
  EXPECT_EQ(budget.used(), 0);
}

constexpr char kAddOne[] = R"(
struct Args { float* at; i64 n; };
TANDEM_KERNEL(Args) {
  const i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < args.n) args.at[i] += 1;
}
)";
// Each block turns its elements round, which needs the barrier.
constexpr char kReverse[] = R"(
struct Args { float* at; i64 n; };
TANDEM_KERNEL(Args) {
  __shared__ float s[32];
  float* block = args.at + (i64)blockIdx.x * blockDim.x;
  s[threadIdx.x] = block[threadIdx.x];
  __syncthreads();
  block[threadIdx.x] = s[blockDim.x - 1 - threadIdx.x];
}
)";
struct KernelArgs {
  DevicePointer at;
  int64_t n;
};

class KernelTest : public RuntimeTest {
 protected:
  void SetUp() override {
    if (!MakeHostCompiler().ok()) GTEST_SKIP() << "no C++ compiler here";
    runtime_ = Make();
    gpu_ = *runtime_->Get(0);
    t_ = *gpu_->Empty({64}, DType::kFloat);
    for (int i = 0; i < 64; ++i) values_[i] = static_cast<float>(i);
    ASSERT_TRUE(gpu_->CopyToDevice(AddressOf(t_), values_, 256).ok());
  }
  void TearDown() override {
    t_ = Tensor();
    runtime_.reset();
    RuntimeTest::TearDown();
  }
  absl::Status Launch(const char* source, const char* key) {
    const absl::StatusOr<const Kernel*> kernel =
        gpu_->FindKernel(key, [&] { return std::string(Prelude()) + source; });
    if (!kernel.ok()) return kernel.status();
    const KernelArgs args{AddressOf(t_), 64};
    return gpu_->Launch(**kernel, 2, 32, &args);
  }
  std::shared_ptr<Runtime> runtime_;
  Gpu* gpu_ = nullptr;
  Tensor t_;
  float values_[64];
};

TEST_F(KernelTest, RunInOrderOfTheStream) {
  ASSERT_TRUE(Launch(kAddOne, "add").ok());
  ASSERT_TRUE(Launch(kReverse, "reverse").ok());
  ASSERT_TRUE(Launch(kAddOne, "add").ok());
  float back[64];
  ASSERT_TRUE(gpu_->CopyToHost(back, AddressOf(t_), 256).ok());
  EXPECT_EQ(back[0], 31 + 2);
  EXPECT_EQ(back[63], 32 + 2);
  EXPECT_EQ(driver_->counts().modules, 2);
}

TEST_F(KernelTest, WhatDoesNotCompileSaysWhy) {
  const absl::Status status = Launch("TANDEM_KERNEL(Nothing) {}", "bad");
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_NE(status.message().find("error"), std::string::npos);
}

TEST_F(KernelTest, CapturesRunAsGraphs) {
  const auto side = *Stream::Create(gpu_);
  ASSERT_TRUE(Launch(kAddOne, "add").ok());  // compiled before
  ASSERT_TRUE(side->WaitFor(gpu_->stream()).ok());
  const Driver& d = *driver_;
  GraphHandle graph = nullptr;
  GraphExecHandle exec = nullptr;
  {
    const ScopedStream scope(*side);
    ASSERT_EQ(d.StreamBeginCapture(side->handle(), kCaptureThreadLocal), 0);
    ASSERT_TRUE(Launch(kAddOne, "add").ok());
    ASSERT_EQ(d.StreamEndCapture(side->handle(), &graph), 0);
    ASSERT_EQ(d.GraphInstantiate(&exec, graph, 0), 0);
    ASSERT_EQ(d.GraphLaunch(exec, side->handle()), 0);
    ASSERT_EQ(d.GraphLaunch(exec, side->handle()), 0);
  }
  ASSERT_TRUE(side->Join(gpu_->stream()).ok());
  float back[64];
  ASSERT_TRUE(gpu_->CopyToHost(back, AddressOf(t_), 256).ok());
  EXPECT_EQ(back[5], 5 + 3);
  d.GraphExecDestroy(exec);
  d.GraphDestroy(graph);
}

}  // namespace
}  // namespace tandem::cuda
