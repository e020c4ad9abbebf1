// Numbers of canonical text; not for use elsewhere.
#ifndef TANDEM_IR_CANONICAL_NUMBER_H_
#define TANDEM_IR_CANONICAL_NUMBER_H_

#include <charconv>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace tandem::canonical {

// The whole text as a number of this type; false when it is none, or out of
// range.
template <typename T>
bool FromText(absl::string_view text, T* out) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *out);
  return error == std::errc() && end == text.data() + text.size();
}

// "0x7fc00000"
inline bool FromHex(absl::string_view text, uint64_t* out) {
  text.remove_prefix(2);
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), *out, 16);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace tandem::canonical

#endif  // TANDEM_IR_CANONICAL_NUMBER_H_
