#include "tandem/examples/vad/wav.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace tandem::examples {
namespace {

constexpr double kPi = 3.14159265358979323846;

uint32_t Unsigned(absl::string_view bytes, size_t at, int width) {
  uint32_t value = 0;
  for (int i = 0; i < width; ++i) {
    value |= uint32_t{static_cast<uint8_t>(bytes[at + i])} << (8 * i);
  }
  return value;
}

void Append(uint32_t value, int width, std::string& out) {
  for (int i = 0; i < width; ++i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

struct Format {
  int channels = 0;
  int rate = 0;
};

absl::StatusOr<Format> ParseFormat(absl::string_view chunk) {
  if (chunk.size() < 16) {
    return absl::InvalidArgumentError("WAVE: the fmt chunk is too short");
  }
  const uint32_t tag = Unsigned(chunk, 0, 2);
  const uint32_t bits = Unsigned(chunk, 14, 2);
  Format format;
  format.channels = static_cast<int>(Unsigned(chunk, 2, 2));
  const uint32_t rate = Unsigned(chunk, 4, 4);
  if (tag != 1 || bits != 16) {
    return absl::InvalidArgumentError(
        absl::StrCat("WAVE: only 16-bit PCM (format 1) is read, this is ", bits,
                     " bits of format ", tag));
  }
  if (format.channels == 0 || rate == 0 || rate > 1000000) {
    return absl::InvalidArgumentError(absl::StrCat(
        "WAVE: ", format.channels, " channels at ", rate, " samples a second"));
  }
  format.rate = static_cast<int>(rate);
  return format;
}

}  // namespace

absl::StatusOr<Sound> ParseWav(absl::string_view bytes) {
  if (bytes.size() < 12 || bytes.substr(0, 4) != "RIFF" ||
      bytes.substr(8, 4) != "WAVE") {
    return absl::InvalidArgumentError("not a RIFF WAVE file");
  }
  Format format;
  size_t at = 12;
  while (bytes.size() - at >= 8) {
    const absl::string_view name = bytes.substr(at, 4);
    // A program that writes to a pipe leaves a size that is too large.
    const size_t size =
        std::min<size_t>(Unsigned(bytes, at + 4, 4), bytes.size() - at - 8);
    const absl::string_view chunk = bytes.substr(at + 8, size);
    if (name == "fmt ") {
      absl::StatusOr<Format> parsed = ParseFormat(chunk);
      if (!parsed.ok()) return parsed.status();
      format = *parsed;
    } else if (name == "data") {
      if (format.channels == 0) {
        return absl::InvalidArgumentError("WAVE: data before fmt");
      }
      Sound sound;
      sound.rate = format.rate;
      const size_t frame = size_t{2} * format.channels;
      sound.samples.reserve(size / frame);
      for (size_t i = 0; i + frame <= size; i += frame) {
        float sum = 0;
        for (int c = 0; c < format.channels; ++c) {
          sum += static_cast<int16_t>(Unsigned(chunk, i + 2 * c, 2));
        }
        sound.samples.push_back(sum / (32768.0f * format.channels));
      }
      return sound;
    }
    at += 8 + size;
    if (size % 2 == 1 && at < bytes.size()) ++at;
  }
  return absl::InvalidArgumentError("WAVE: no data chunk");
}

absl::StatusOr<Sound> ReadWav(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  const std::string bytes((std::istreambuf_iterator<char>(file)),
                          std::istreambuf_iterator<char>());
  absl::StatusOr<Sound> sound = ParseWav(bytes);
  if (!sound.ok()) {
    return absl::Status(sound.status().code(),
                        absl::StrCat(path, ": ", sound.status().message()));
  }
  return sound;
}

std::string FormatWav(const Sound& sound) {
  const uint32_t size = static_cast<uint32_t>(2 * sound.samples.size());
  std::string out = "RIFF";
  Append(36 + size, 4, out);
  out += "WAVEfmt ";
  Append(16, 4, out);
  Append(1, 2, out);  // PCM
  Append(1, 2, out);  // channels
  Append(sound.rate, 4, out);
  Append(2 * sound.rate, 4, out);  // bytes a second
  Append(2, 2, out);               // bytes a frame
  Append(16, 2, out);              // bits a sample
  out += "data";
  Append(size, 4, out);
  for (const float sample : sound.samples) {
    const float scaled = std::round(sample * 32768.0f);
    const auto value =
        static_cast<int16_t>(std::clamp(scaled, -32768.0f, 32767.0f));
    Append(static_cast<uint16_t>(value), 2, out);
  }
  return out;
}

Sound Resample(const Sound& sound, int rate) {
  if (rate == sound.rate) return sound;
  Sound out;
  out.rate = rate;
  const double step = static_cast<double>(sound.rate) / rate;
  // The lower of both rates decides which frequencies are left.
  const double cutoff = 0.94 * std::min(1.0, 1.0 / step);
  const double reach = 16.0 / cutoff;  // input samples to each side
  const auto size = static_cast<int64_t>(sound.samples.size());
  const auto count = static_cast<int64_t>(std::llround(size / step));
  out.samples.reserve(count);
  for (int64_t i = 0; i < count; ++i) {
    const double center = i * step;
    const auto first =
        std::max<int64_t>(0, static_cast<int64_t>(std::ceil(center - reach)));
    const auto last = std::min<int64_t>(
        size - 1, static_cast<int64_t>(std::floor(center + reach)));
    double sum = 0;
    for (int64_t j = first; j <= last; ++j) {
      const double x = j - center;
      const double y = kPi * cutoff * x;
      const double sinc = y == 0 ? 1.0 : std::sin(y) / y;
      const double hann = 0.5 + 0.5 * std::cos(kPi * x / reach);
      sum += sound.samples[j] * cutoff * sinc * hann;
    }
    out.samples.push_back(static_cast<float>(sum));
  }
  return out;
}

}  // namespace tandem::examples
