#include "tandem/tensor/device.h"

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
  for (const Name& n : kNames) {
    if (n.name != kind) continue;
    Device device{n.type, -1};
    if (colon == absl::string_view::npos) return device;
    int index;
    if (!absl::SimpleAtoi(number, &index) || index < 0 || index > 127 ||
        (number.size() > 1 && number[0] == '0')) {
      break;
    }
    device.index = static_cast<int8_t>(index);
    return device;
  }
  if (text.empty()) {
    return absl::InvalidArgumentError("Device string must not be empty");
  }
  return absl::InvalidArgumentError(
      absl::StrCat("Invalid device string: '", text, "'"));
}

}  // namespace tandem
