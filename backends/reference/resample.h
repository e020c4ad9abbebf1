// Separable resampling of tensors along dims: what upsample_* operators are
// made of.
#ifndef TANDEM_BACKENDS_REFERENCE_RESAMPLE_H_
#define TANDEM_BACKENDS_REFERENCE_RESAMPLE_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

enum class ResampleFilter : uint8_t {
  kNearest,
  kNearestExact,
  kLinear,
  kCubic,
  kLanczos
};

struct ResampleOptions {
  ResampleFilter filter = ResampleFilter::kNearest;
  bool align_corners = false;
  bool antialias = false;
};

// The last sizes.size() dims of `input` (of rank 2 + that) resampled to
// `sizes`. `scales` (output over input, one a dim) replace the quotient of
// sizes where given and positive. Floating types, and uint8 where PyTorch has
// it (nearest; 2-dim linear and cubic, in fixed point as PyTorch does on x86).
// The memory format is kept. `name` is for errors.
absl::StatusOr<Tensor> Resample(const Tensor& input, DimSpan sizes,
                                absl::Span<const std::optional<double>> scales,
                                const ResampleOptions& options,
                                absl::string_view name);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_RESAMPLE_H_
