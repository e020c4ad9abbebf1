#include "tandem/backends/reference/sizes.h"

#include <algorithm>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/context.h"

namespace tandem::reference {

absl::Status CheckMemory(uint64_t count, uint64_t unit) {
  constexpr uint64_t kSmall = uint64_t{1} << 20;
  uint64_t bytes;
  if (__builtin_mul_overflow(count, unit, &bytes)) bytes = UINT64_MAX;
  if (bytes <= kSmall) return absl::OkStatus();
  const absl::Status no_memory = absl::ResourceExhaustedError(
      absl::StrCat("no memory for a value of ", bytes, " bytes"));
  if (bytes > uint64_t{INT64_MAX}) return no_memory;
  MemoryBudget* budget = CurrentContext().memory;
  if (budget != nullptr) {
    if (!budget->Take(static_cast<int64_t>(bytes))) return no_memory;
    budget->Give(static_cast<int64_t>(bytes));
  }
  // Containers would abort where malloc refuses.
  void* probe = std::malloc(bytes);
  if (probe == nullptr) return no_memory;
  std::free(probe);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> AdjustSlice(int64_t length, int64_t* start,
                                    int64_t* end, int64_t step) {
  if (step == 0) {
    return absl::InvalidArgumentError("List slice should have non-zero step");
  }
  if (step < -INT64_MAX) {
    return absl::InvalidArgumentError("List slice step is out of bounds");
  }
  const bool down = step < 0;
  if (*start == INT64_MAX) *start = down ? INT64_MAX : 0;
  if (*end == INT64_MAX) *end = down ? INT64_MIN : INT64_MAX;
  const auto clamp = [&](int64_t i) {
    if (i < 0) return i + length < 0 ? (down ? int64_t{-1} : 0) : i + length;
    return i >= length ? (down ? length - 1 : length) : i;
  };
  *start = clamp(*start);
  *end = clamp(*end);
  if (down) return *end < *start ? (*start - *end - 1) / -step + 1 : 0;
  return *start < *end ? (*end - *start - 1) / step + 1 : 0;
}

}  // namespace tandem::reference
