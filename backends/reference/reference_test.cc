#include "tandem/backends/reference/reference.h"

#include <gtest/gtest.h>

namespace tandem::reference {
namespace {

// Every kernel fits its row, and no operator has two.
TEST(ReferenceTest, Registers) {
  Registry registry;
  EXPECT_EQ(Register(registry).ToString(), "OK");
  EXPECT_GT(registry.Coverage("reference"), 500u);
}

}  // namespace
}  // namespace tandem::reference
