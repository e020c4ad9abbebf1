#include "tandem/backends/onednn/program.h"

#include "gtest/gtest.h"

namespace tandem::onednn {
namespace {

// Step i writes buffer i + 1 and reads buffer i.
struct Chain {
  std::vector<Step> steps;
  std::vector<Slot> slots;
  std::vector<Buffer> buffers;
  explicit Chain(std::vector<int64_t> bytes) {
    for (size_t i = 0; i < bytes.size(); ++i) {
      Slot slot;
      slot.buffer = i;
      slots.push_back(slot);
      Buffer buffer;
      buffer.bytes = bytes[i];
      buffers.push_back(buffer);
      if (i == 0) continue;
      Step step;
      step.args = {{DNNL_ARG_SRC, i - 1}, {DNNL_ARG_DST, i}};
      steps.push_back(step);
    }
  }
};

TEST(PlanArenaTest, ReusesWhatNobodyReadsAnyMore) {
  Chain c({100, 100, 100, 100});
  EXPECT_EQ(PlanArena(c.steps, c.slots, &c.buffers), 256);
  EXPECT_EQ(c.buffers[0].offset, c.buffers[2].offset);
  EXPECT_NE(c.buffers[0].offset, c.buffers[1].offset);
}

TEST(PlanArenaTest, KeepsApartWhatLivesTogether) {
  Chain c({64, 640, 64, 128, 1});
  // The first is read again at the end.
  c.steps.back().args.push_back({DNNL_ARG_SRC_1, 0});
  const int64_t total = PlanArena(c.steps, c.slots, &c.buffers);
  EXPECT_EQ(total, 64 + 640 + 64);
  for (size_t a = 0; a < c.buffers.size(); ++a) {
    EXPECT_EQ(c.buffers[a].offset % 64, 0);
    EXPECT_LE(c.buffers[a].offset + c.buffers[a].bytes, total);
  }
  for (size_t a = 1; a < c.buffers.size(); ++a) {
    EXPECT_NE(c.buffers[0].offset, c.buffers[a].offset);
  }
}

TEST(PlanArenaTest, PlacesInnerBuffersOnly) {
  Chain c({100, 100});
  c.buffers[0].kind = Buffer::Kind::kInput;
  c.buffers[1].kind = Buffer::Kind::kOutput;
  EXPECT_EQ(PlanArena(c.steps, c.slots, &c.buffers), 0);
}

}  // namespace
}  // namespace tandem::onednn
