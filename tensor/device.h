// Where a tensor lives. Numbers of the kinds are PyTorch's DeviceType.
#ifndef TANDEM_TENSOR_DEVICE_H_
#define TANDEM_TENSOR_DEVICE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace tandem {

enum class DeviceType : int8_t {
  kCpu = 0,
  kCuda = 1,
  kXpu = 12,
  kMps = 13,
  kMeta = 14
};

struct Device {
  DeviceType type = DeviceType::kCpu;
  int8_t index = -1;  // -1: none given

  bool is_cpu() const { return type == DeviceType::kCpu; }
  bool operator==(const Device& o) const {
    return type == o.type && index == o.index;
  }
  bool operator!=(const Device& o) const { return !(*this == o); }
  std::string ToString() const;  // "cpu", "cuda:0"
};

// From "cpu", "cuda", "cuda:1", "meta"; PyTorch's error texts.
absl::StatusOr<Device> ParseDevice(absl::string_view text);

}  // namespace tandem

#endif  // TANDEM_TENSOR_DEVICE_H_
