#include "tandem/tensor/memory_pool.h"

#include <cstdint>
#include <cstring>

#include "gtest/gtest.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/tensor.h"

namespace tandem::memory_pool {
namespace {

TEST(MemoryPoolTest, AFreedBlockServesTheNextOfItsSize) {
  for (size_t bytes :
       {1, 40, 200, 256, 1000, 1025, 5000, 70000, 3000000, 5000000}) {
    size_t capacity;
    void* first = Allocate(bytes, &capacity);
    ASSERT_NE(first, nullptr);
    EXPECT_GE(capacity, bytes);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % 64, 0u);
    std::memset(first, 1, capacity);
    Free(first, capacity);
    size_t again;
    EXPECT_EQ(Allocate(bytes, &again), first) << bytes;
    EXPECT_EQ(again, capacity);
    Free(first, again);
  }
}

TEST(MemoryPoolTest, LargeBlocksWasteLittle) {
  for (size_t bytes = 1025; bytes < 5'000'000; bytes = bytes * 9 / 8 + 1) {
    size_t capacity;
    void* p = Allocate(bytes, &capacity);
    EXPECT_LT(capacity, bytes * 5 / 4 + 256);
    Free(p, capacity);
  }
}

TEST(MemoryPoolTest, AbsurdSizesGiveNothing) {
  size_t capacity;
  EXPECT_EQ(Allocate(SIZE_MAX / 2, &capacity), nullptr);
  EXPECT_EQ(Allocate(size_t{1} << 60, &capacity), nullptr);
}

TEST(MemoryBudgetTest, TensorsGiveBackWhatTheyTookAndMayOutliveTheBudget) {
  Tensor kept;
  {
    MemoryBudget budget(10000);
    CallContext context;
    context.memory = &budget;
    ScopedContext scope(context);
    kept = *Tensor::Empty({1000}, DType::kFloat);
    EXPECT_EQ(budget.used(), 4000);
    EXPECT_FALSE(Tensor::Empty({2000}, DType::kFloat).ok());
    *Tensor::Empty({1000}, DType::kFloat);
    EXPECT_EQ(budget.used(), 4000);
  }
  kept.data<float>()[999] = 1;
  kept = Tensor();
}

}  // namespace
}  // namespace tandem::memory_pool
