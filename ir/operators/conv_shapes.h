// Sizes of convolutions and of im2col/col2im, with PyTorch's checks.
#ifndef TANDEM_IR_OPERATORS_CONV_SHAPES_H_
#define TANDEM_IR_OPERATORS_CONV_SHAPES_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// Parameters of a convolution over n spatial dims; each list has n entries
// (ExpandConvParams makes them so).
struct ConvParams {
  Dims stride, padding, dilation, output_padding;
  // Zeros added behind each spatial dim on top of `padding` (padding "same"
  // with an even kernel); 0s else.
  Dims extra_padding;
  bool transposed = false;
  int64_t groups = 1;
};

// Fills lists of one number up to `rank` spatial dims. Error: another length
// ("expected stride to be a single integer value or a list of 2 values …").
absl::Status ExpandConvParams(int64_t rank, ConvParams* params);

// Sizes [N, C, spatial…] of the result of a batched convolution; `bias` is
// nullopt without one. Checks all that PyTorch checks, in its order.
absl::StatusOr<Dims> ConvolutionSizes(DimSpan input, DimSpan weight,
                                      std::optional<DimSpan> bias,
                                      const ConvParams& params);

// Padding "same": fills padding and extra_padding. `params` is expanded;
// weight is [out, in, spatial…].
absl::Status SamePadding(DimSpan weight, ConvParams* params);

// Is the layout of `t` (4 or 5 dims) channels-last, as suggest_memory_format?
bool LooksChannelsLast(DimSpan sizes, DimSpan strides);

// Parameters of im2col and col2im, 2 entries each.
struct UnfoldParams {
  Dims kernel, dilation, padding, stride;
};
// Sizes of im2col(input): [N, C * kh * kw, L], without N for 3-dim input.
absl::StatusOr<Dims> Im2ColSizes(DimSpan input, const UnfoldParams& params);
// Sizes of col2im(input): [N, C, out_h, out_w], without N for 2-dim input.
absl::StatusOr<Dims> Col2ImSizes(DimSpan input, DimSpan output_size,
                                 const UnfoldParams& params);

}  // namespace tandem

#endif  // TANDEM_IR_OPERATORS_CONV_SHAPES_H_
