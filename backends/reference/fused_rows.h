// Fused multiply-adds over rows of float.
#ifndef TANDEM_BACKENDS_REFERENCE_FUSED_ROWS_H_
#define TANDEM_BACKENDS_REFERENCE_FUSED_ROWS_H_

#include <cstdint>

namespace tandem::reference {

// to[i] += factor * from[i * stride], i < n, rounded once where the processor
// can do so.
void FusedAddRow(int64_t n, float factor, const float* from, int64_t stride,
                 float* to);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_FUSED_ROWS_H_
