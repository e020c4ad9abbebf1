#ifndef TANDEM_EXAMPLES_VAD_WAV_H_
#define TANDEM_EXAMPLES_VAD_WAV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem::examples {

// Sound of one channel: samples in [-1, 1), `rate` of them a second.
struct Sound {
  int rate = 0;
  std::vector<float> samples;
};

// Reads the bytes of a RIFF WAVE file of 16-bit PCM; several channels are
// averaged. InvalidArgument names what is wrong with it.
absl::StatusOr<Sound> ParseWav(absl::string_view bytes);

// ParseWav of the file at `path`; NotFound where it can't be read.
absl::StatusOr<Sound> ReadWav(const std::string& path);

// `sound` as a RIFF WAVE file of 16-bit PCM, clipped to its range.
std::string FormatWav(const Sound& sound);

// `sound` at another rate (Hz, > 0), by a windowed sinc that passes what both
// rates can hold. Has round(size * rate / sound.rate) samples.
Sound Resample(const Sound& sound, int rate);

}  // namespace tandem::examples

#endif  // TANDEM_EXAMPLES_VAD_WAV_H_
