// The input elements that an output element is made of, along one dim.
#ifndef TANDEM_BACKENDS_REFERENCE_RESAMPLE_TAPS_H_
#define TANDEM_BACKENDS_REFERENCE_RESAMPLE_TAPS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/backends/reference/resample.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// Output i is the sum of weight[k] * in[index[k]] for k in [first[i],
// first[i + 1]). Memory counts against the call's budget.
struct Taps {
  int64_t in = 0, out = 0;
  Tensor first;    // int64[out + 1]
  Tensor indices;  // int64[total]
  Tensor weights;  // double[total]; undefined: one tap each, of weight 1
};

// Positions and weights are computed in float (`in_float`) or double, as
// PyTorch does for the dtype.
absl::StatusOr<Taps> MakeTaps(int64_t in, int64_t out,
                              std::optional<double> scale,
                              const ResampleOptions& options, bool in_float);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_RESAMPLE_TAPS_H_
