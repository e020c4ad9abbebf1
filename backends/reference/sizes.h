// Refuses sizes that a program must not make up.
#ifndef TANDEM_BACKENDS_REFERENCE_SIZES_H_
#define TANDEM_BACKENDS_REFERENCE_SIZES_H_

#include <cstddef>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace tandem::reference {

// Is there memory for `count` pieces of `unit` bytes? Errors: past the call's
// budget, or more than the machine gives. Small amounts cost nothing.
absl::Status CheckMemory(uint64_t count, uint64_t unit);

// start and end of a slice as Python's: `*start` and `*end` become positions
// (INT64_MAX stands for None), the result is the number of elements.
absl::StatusOr<int64_t> AdjustSlice(int64_t length, int64_t* start,
                                    int64_t* end, int64_t step);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_SIZES_H_
