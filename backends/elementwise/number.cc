#include "tandem/backends/elementwise/number.h"

#include <cstring>

namespace tandem::elementwise {
namespace {

constexpr unsigned F = 1, D = 2, I = 4, B = 8;
constexpr unsigned FD = F | D, FDI = F | D | I, IB = I | B;

constexpr OpInfo kInfo[kNumOps] = {
#define TANDEM_OP(Name, inputs, types, ...) \
  {#Name, inputs, types, false, #__VA_ARGS__},
#define TANDEM_TEST(Name, inputs, types, ...) \
  {#Name, inputs, types, true, #__VA_ARGS__},
#include "tandem/backends/elementwise/operators.inc"
#undef TANDEM_OP
#undef TANDEM_TEST
    {"Where", 3, F | D | I | B, false, ""}};

bool PutNumber(int computed, const Scalar& s, char* to) {
  const auto put = [&](auto v) { std::memcpy(to, &v, sizeof(v)); };
  if (s.is_complex()) return false;
  switch (computed) {
    case 0:
      put(s.To<float>());
      return true;
    case 1:
      put(s.ToDouble());
      return true;
    case 2:
      if (!s.is_integral()) return false;
      put(s.ToInt());
      return true;
    default:
      if (!s.is_bool()) return false;
      put(static_cast<uint8_t>(s.ToBool()));
      return true;
  }
}

}  // namespace

const OpInfo& InfoOf(Op op) { return kInfo[static_cast<int>(op)]; }

bool Number::Set(int computed, const Scalar& s) {
  return PutNumber(computed, s, bytes);
}

bool Numbers::Set(int computed, absl::Span<const Scalar> values) {
  for (size_t i = 0; i < kMaxParams; ++i) {
    if (!PutNumber(computed, i < values.size() ? values[i] : Scalar(false),
                   bytes + static_cast<int64_t>(i) * kSizes[computed])) {
      return false;
    }
  }
  return true;
}

}  // namespace tandem::elementwise
