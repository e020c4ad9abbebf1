// Fourier transforms of tensors, and the parts of the fft family.
#ifndef TANDEM_BACKENDS_REFERENCE_FFT_H_
#define TANDEM_BACKENDS_REFERENCE_FFT_H_

#include <cstdint>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// Numbers are PyTorch's fft_norm_mode.
enum class FftNorm : int64_t { kNone = 0, kByRootN = 1, kByN = 2 };

// The operators _fft_c2c, _fft_r2c and _fft_c2r: dims wrapped, at least one
// (none: a copy). Strides of results are those of PyTorch's MKL kernels.
absl::StatusOr<Tensor> FftC2C(const Tensor& self, DimSpan dim, FftNorm norm,
                              bool forward);
absl::StatusOr<Tensor> FftR2C(const Tensor& self, DimSpan dim, FftNorm norm,
                              bool onesided);
absl::StatusOr<Tensor> FftC2R(const Tensor& self, DimSpan dim, FftNorm norm,
                              int64_t last_dim_size);

void AddFftPrimitives(KernelRegistrar& r);
void AddFftOperators(KernelRegistrar& r);
void AddFftHelpers(KernelRegistrar& r);
void AddStft(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_FFT_H_
