#include "tandem/tensor/device.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace tandem {
namespace {

struct Name {
  DeviceType type;
  absl::string_view name;
};

constexpr Name kNames[] = {{DeviceType::kCpu, "cpu"},
                           {DeviceType::kCuda, "cuda"},
                           {DeviceType::kXpu, "xpu"},
                           {DeviceType::kMps, "mps"},
                           {DeviceType::kMeta, "meta"}};

}  // namespace

std::string Device::ToString() const {
  for (const Name& n : kNames) {
    if (n.type != type) continue;
    return index < 0 ? std::string(n.name)
                     : absl::StrCat(n.name, ":", static_cast<int>(index));
  }
  return "unknown";
}

absl::StatusOr<Device> ParseDevice(absl::string_view text) {
  absl::string_view kind = text, number;
  const size_t colon = text.find(':');
  if (colon != absl::string_view::npos) {
    kind = text.substr(0, colon);
    number = text.substr(colon + 1);
  }
  if (text.empty()) {
    return absl::InvalidArgumentError("Device string must not be empty");
  }
  int index = -1;
  const bool good_number =
      colon == absl::string_view::npos ||
      (absl::SimpleAtoi(number, &index) && index >= 0 && index <= 127 &&
       (number.size() == 1 || number[0] != '0'));
  const bool good_kind =
      !kind.empty() && std::all_of(kind.begin(), kind.end(), [](char c) {
        return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_';
      });
  if (!good_number || !good_kind) {
    return absl::InvalidArgumentError(
        absl::StrCat("Invalid device string: '", text, "'"));
  }
  for (const Name& n : kNames) {
    if (n.name == kind) return Device{n.type, static_cast<int8_t>(index)};
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "Expected one of cpu, cuda, ipu, xpu, mkldnn, opengl, opencl, ideep, "
      "hip, ve, fpga, maia, xla, lazy, vulkan, mps, meta, hpu, mtia, "
      "privateuseone device type at start of device string: ",
      kind));
}

}  // namespace tandem
