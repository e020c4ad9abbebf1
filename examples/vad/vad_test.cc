#include <cmath>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tandem/examples/vad/plot.h"
#include "tandem/examples/vad/wav.h"

namespace tandem::examples {
namespace {

using ::testing::HasSubstr;

Sound Sine(double hertz, int rate, int count) {
  Sound sound;
  sound.rate = rate;
  for (int i = 0; i < count; ++i) {
    sound.samples.push_back(
        static_cast<float>(0.5 * std::sin(2 * M_PI * hertz * i / rate)));
  }
  return sound;
}

TEST(WavTest, ReadsWhatItWrote) {
  Sound sound;
  sound.rate = 16000;
  sound.samples = {0.0f, 0.5f, -1.0f, 0.25f};
  const absl::StatusOr<Sound> read = ParseWav(FormatWav(sound));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->rate, 16000);
  EXPECT_EQ(read->samples, sound.samples);
}

TEST(WavTest, ClipsWhatDoesNotFit) {
  Sound sound;
  sound.rate = 8000;
  sound.samples = {2.0f, -2.0f};
  const absl::StatusOr<Sound> read = ParseWav(FormatWav(sound));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_FLOAT_EQ(read->samples[0], 32767.0f / 32768);
  EXPECT_FLOAT_EQ(read->samples[1], -1.0f);
}

TEST(WavTest, TakesTheRestWhereTheSizeIsTooLarge) {
  Sound sound;
  sound.rate = 8000;
  sound.samples = {0.5f, 0.5f};
  std::string bytes = FormatWav(sound);
  bytes.replace(40, 4, "\xff\xff\xff\x7f");
  const absl::StatusOr<Sound> read = ParseWav(bytes);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->samples.size(), 2u);
}

TEST(WavTest, NamesWhatIsWrong) {
  EXPECT_THAT(std::string(ParseWav("hello").status().message()),
              HasSubstr("not a RIFF WAVE"));
  std::string bytes = FormatWav(Sine(100, 8000, 4));
  for (size_t size = 0; size < 44; ++size) {
    EXPECT_FALSE(ParseWav(bytes.substr(0, size)).ok()) << size;
  }
  bytes[34] = 8;
  EXPECT_THAT(std::string(ParseWav(bytes).status().message()),
              HasSubstr("8 bits"));
}

TEST(ResampleTest, KeepsATone) {
  const Sound out = Resample(Sine(1000, 22050, 22050), 16000);
  ASSERT_EQ(out.samples.size(), 16000u);
  const Sound want = Sine(1000, 16000, 16000);
  for (int i = 100; i < 15900; ++i) {
    ASSERT_NEAR(out.samples[i], want.samples[i], 2e-3) << i;
  }
}

TEST(ResampleTest, DropsWhatTheLowerRateCannotHold) {
  const Sound out = Resample(Sine(10000, 22050, 22050), 16000);
  for (int i = 100; i < 15900; ++i) {
    ASSERT_NEAR(out.samples[i], 0, 5e-3) << i;
  }
}

TEST(PlotTest, DrawsBarsAndAxes) {
  EXPECT_EQ(PlotOverTime({0.0f, 0.25f, 0.5f, 1.0f}, 1.0, 10, 2),
            "  1.0 |   █\n"
            "  0.5 | ▄██\n"
            "  0.0 +----\n"
            "       0 s\n");
}

TEST(PlotTest, KeepsTheLargestOfAColumn) {
  EXPECT_EQ(PlotOverTime({0.0f, 1.0f, 0.0f, 0.0f}, 1.0, 2, 1),
            "  1.0 |█\n"
            "  0.0 +--\n"
            "       0 s\n");
}

}  // namespace
}  // namespace tandem::examples
