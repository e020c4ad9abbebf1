// Sizes of pooling operators, with PyTorch's checks.
#ifndef TANDEM_IR_OPERATORS_POOL_SHAPES_H_
#define TANDEM_IR_OPERATORS_POOL_SHAPES_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// A window over 2 or 3 spatial dims, one entry each.
struct PoolParams {
  Dims kernel, stride, padding, dilation;
  bool ceil_mode = false;
};

// Parameters of `op` ("max_pool2d", "avg_pool3d", …) over `rank` dims from the
// operator's lists: one number stands for all dims, an empty stride is the
// kernel's. An empty `dilation` is 1.
absl::StatusOr<PoolParams> MakePoolParams(absl::string_view op, int64_t rank,
                                          DimSpan kernel, DimSpan stride,
                                          DimSpan padding, DimSpan dilation,
                                          bool ceil_mode);

// Sizes of the result over an input [N, C, spatial…] or [C, spatial…]. `is_max`
// chooses between the checks of max_pool and of avg_pool.
absl::StatusOr<Dims> PoolSizes(DimSpan input, const PoolParams& params,
                               bool is_max);

// The positions of a window along one dim: PyTorch's pooling_output_shape.
absl::StatusOr<int64_t> PooledLength(int64_t size, int64_t kernel,
                                     int64_t padding, int64_t stride,
                                     int64_t dilation, bool ceil_mode);

// Sizes of max_pool1d, which has checks of its own.
absl::StatusOr<Dims> MaxPool1dSizes(DimSpan input, DimSpan kernel,
                                    DimSpan stride, DimSpan padding,
                                    DimSpan dilation, bool ceil_mode);

// Sizes of adaptive pooling; `op` as in "adaptive_avg_pool2d".
absl::StatusOr<Dims> AdaptivePoolSizes(absl::string_view op, DimSpan input,
                                       DimSpan output_size, bool is_max);

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_POOL_SHAPES_H_
