// Convolutions for other families (quantized layers compute through them).
#ifndef TANDEM_BACKENDS_REFERENCE_CONV_H_
#define TANDEM_BACKENDS_REFERENCE_CONV_H_

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/operators/conv_shapes.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// As aten::convolution over a batched input; lists may have one entry.
absl::StatusOr<Tensor> Convolution(const Tensor& input, const Tensor& weight,
                                   const Tensor& bias, ConvParams params);

// Spatial geometry of a sliding window, 3 entries each (leading 1s).
struct WindowGeometry {
  int64_t in[3], out[3], kernel[3], stride[3], padding[3], dilation[3];
  int64_t in_size() const { return in[0] * in[1] * in[2]; }
  int64_t out_size() const { return out[0] * out[1] * out[2]; }
  int64_t kernel_size() const { return kernel[0] * kernel[1] * kernel[2]; }
};
WindowGeometry MakeGeometry(DimSpan in, DimSpan out, DimSpan kernel,
                            DimSpan stride, DimSpan padding, DimSpan dilation);

// columns[c * kernel + k][o - begin] = image[c][position of k at o] for the
// output positions [begin, end); 0 outside of the image.
template <typename T>
void Im2Col(const WindowGeometry& g, int64_t channels, const T* image,
            int64_t begin, int64_t end, T* columns);
// image[c][…] += columns[c * kernel + k][o - begin].
template <typename T>
void AddCol2Im(const WindowGeometry& g, int64_t channels, const T* columns,
               int64_t begin, int64_t end, T* image);

// Parts of RegisterConv.
void RegisterUnfold(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_CONV_H_
