// vad [--save=OUT.wav] [--expected=PROBABILITIES.txt] [--noplot] MODEL
// SPEECH.wav
//
// Where does SPEECH hold a voice? MODEL is silero_vad's TorchScript archive,
// which takes 32 ms of sound at a time and keeps state between calls.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "tandem/backends/reference/reference.h"
#include "tandem/backends/registry.h"
#include "tandem/examples/vad/plot.h"
#include "tandem/examples/vad/wav.h"
#include "tandem/runtime/engine.h"
#include "tandem/runtime/module.h"
#include "tandem/serialization/torchscript/module_loader.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/tensor.h"

namespace tandem::examples {
namespace {

constexpr int kRate = 16000;
constexpr int kFrame = 512;  // samples; 32 ms
constexpr float kVoice = 0.5f;
// Where a sum is taken in another order than PyTorch's, the last bits differ.
constexpr double kTolerance = 1e-4;

struct Arguments {
  std::string model, speech, save, expected;
  bool plot = true;
};

struct Hearing {
  std::vector<float> probabilities;  // of a voice, one a frame
  double first_ms = 0;               // of the first call
  double mean_ms = 0;                // of the others
};

double Milliseconds(std::chrono::steady_clock::time_point since) {
  const auto passed = std::chrono::steady_clock::now() - since;
  return std::chrono::duration<double, std::milli>(passed).count();
}

// One call of the model.
absl::StatusOr<float> ProbabilityOfVoice(const Engine& engine,
                                         const Module& model,
                                         absl::Span<const float> frame) {
  TANDEM_ASSIGN_OR_RETURN(Tensor x, Tensor::Empty({1, kFrame}, DType::kFloat));
  std::fill_n(x.data<float>(), kFrame, 0.0f);  // the last frame may be short
  std::copy(frame.begin(), frame.end(), x.data<float>());
  TANDEM_ASSIGN_OR_RETURN(
      IValue y, engine.Call(model, "forward", {std::move(x), int64_t{kRate}}));
  if (!y.is_tensor() || y.AsTensor().numel() != 1) {
    return absl::InvalidArgumentError(
        "the model gives something else than one number a frame");
  }
  TANDEM_ASSIGN_OR_RETURN(Scalar probability, y.AsTensor().Item());
  return static_cast<float>(probability.ToDouble());
}

absl::StatusOr<Hearing> Hear(const std::string& path, const Sound& sound) {
  Registry registry;
  TANDEM_RETURN_IF_ERROR(reference::Register(registry));
  const Engine engine(&registry);
  LoadOptions options;
  options.engine = &engine;
  TANDEM_ASSIGN_OR_RETURN(Module model, LoadModule(path, options));

  Hearing hearing;
  double total = 0;
  const absl::Span<const float> samples = sound.samples;
  for (size_t at = 0; at < samples.size(); at += kFrame) {
    const auto start = std::chrono::steady_clock::now();
    TANDEM_ASSIGN_OR_RETURN(
        float probability,
        ProbabilityOfVoice(engine, model, samples.subspan(at, kFrame)));
    hearing.probabilities.push_back(probability);
    (at == 0 ? hearing.first_ms : total) += Milliseconds(start);
  }
  if (hearing.probabilities.size() > 1) {
    hearing.mean_ms = total / (hearing.probabilities.size() - 1);
  }
  return hearing;
}

// "0.1-2.4 s, 3.2-5.3 s": the runs of frames with a voice.
std::string Voices(absl::Span<const float> probabilities) {
  constexpr double kSeconds = static_cast<double>(kFrame) / kRate;
  std::string out;
  for (size_t i = 0; i < probabilities.size();) {
    size_t end = i;
    while (end < probabilities.size() && probabilities[end] >= kVoice) ++end;
    if (end > i) {
      absl::StrAppendFormat(&out, "%s%.1f-%.1f s", out.empty() ? "" : ", ",
                            i * kSeconds, end * kSeconds);
    }
    i = std::max(end, i + 1);
  }
  return out.empty() ? "nowhere" : out;
}

// Compares with a file of one number a line.
absl::Status Compare(absl::Span<const float> got, const std::string& path) {
  std::ifstream file(path);
  if (!file) return absl::NotFoundError(absl::StrCat("cannot read ", path));
  std::vector<double> want;
  for (double value; file >> value;) want.push_back(value);
  if (want.size() != got.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        path, " holds ", want.size(), " frames, the speech has ", got.size()));
  }
  double largest = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = std::abs(got[i] - want[i]);
    if (std::isnan(difference)) {
      return absl::InternalError(absl::StrCat("frame ", i, " is NaN"));
    }
    largest = std::max(largest, difference);
  }
  absl::PrintF("%d frames, largest difference from PyTorch 2.15: %.1e\n",
               got.size(), largest);
  if (largest > kTolerance) {
    return absl::InternalError(
        absl::StrCat("that is more than ", kTolerance, " allows"));
  }
  return absl::OkStatus();
}

absl::Status Run(const Arguments& arguments) {
  TANDEM_ASSIGN_OR_RETURN(Sound sound, ReadWav(arguments.speech));
  // As 16-bit samples, so that what is saved is what was heard.
  const std::string wav = FormatWav(Resample(sound, kRate));
  TANDEM_ASSIGN_OR_RETURN(sound, ParseWav(wav));
  if (sound.samples.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(arguments.speech, " is empty"));
  }
  if (!arguments.save.empty()) {
    std::ofstream out(arguments.save, std::ios::binary);
    out << wav;
    if (!out.flush()) {
      return absl::InternalError(absl::StrCat("cannot write ", arguments.save));
    }
  }
  TANDEM_ASSIGN_OR_RETURN(Hearing hearing, Hear(arguments.model, sound));
  if (arguments.plot) {
    const double seconds = static_cast<double>(sound.samples.size()) / kRate;
    absl::PrintF("%s", PlotOverTime(hearing.probabilities, seconds));
    absl::PrintF("voice: %s\n", Voices(hearing.probabilities));
    absl::PrintF(
        "%d frames of 32 ms: the first took %.1f ms, the others %.2f "
        "ms each\n",
        hearing.probabilities.size(), hearing.first_ms, hearing.mean_ms);
  }
  if (!arguments.expected.empty()) {
    return Compare(hearing.probabilities, arguments.expected);
  }
  return absl::OkStatus();
}

// False where the command line isn't understood.
bool Parse(int argc, char** argv, Arguments& arguments) {
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    absl::string_view word = argv[i];
    if (absl::ConsumePrefix(&word, "--save=")) {
      arguments.save = std::string(word);
    } else if (absl::ConsumePrefix(&word, "--expected=")) {
      arguments.expected = std::string(word);
    } else if (word == "--noplot") {
      arguments.plot = false;
    } else if (word.substr(0, 2) == "--") {
      return false;
    } else {
      files.emplace_back(word);
    }
  }
  if (files.size() != 2) return false;
  arguments.model = files[0];
  arguments.speech = files[1];
  return true;
}

}  // namespace
}  // namespace tandem::examples

int main(int argc, char** argv) {
  tandem::examples::Arguments arguments;
  if (!tandem::examples::Parse(argc, argv, arguments)) {
    std::fprintf(stderr,
                 "usage: vad [--save=OUT.wav] [--expected=PROBABILITIES.txt] "
                 "[--noplot] MODEL SPEECH.wav\n");
    return 2;
  }
  const absl::Status status = tandem::examples::Run(arguments);
  if (!status.ok()) {
    std::fprintf(stderr, "error: %s\n", std::string(status.message()).c_str());
    return 1;
  }
  return 0;
}
