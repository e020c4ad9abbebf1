// The parts of the upsample family, one file each.
#ifndef TANDEM_BACKENDS_REFERENCE_UPSAMPLE_H_
#define TANDEM_BACKENDS_REFERENCE_UPSAMPLE_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/reference/resample.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

void AddUpsampleOverloads(KernelRegistrar& r);
void AddInterpolate(KernelRegistrar& r);
void AddGridSampler(KernelRegistrar& r);
void AddAffineGrid(KernelRegistrar& r);

// Resample() with PyTorch's checks of input and output sizes; as many dims as
// `output_size` ought to have. Tensors quantized per tensor too.
absl::StatusOr<Tensor> Upsample(const Tensor& input, DimSpan output_size,
                                absl::Span<const std::optional<double>> scales,
                                const ResampleOptions& options,
                                absl::string_view name);

// The .vec overloads: sizes given, or scale factors that make them.
absl::StatusOr<Tensor> UpsampleBy(
    const Tensor& input, std::optional<absl::Span<const int64_t>> output_size,
    std::optional<absl::Span<const double>> scale_factors, int64_t spatial,
    const ResampleOptions& options, absl::string_view name);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_UPSAMPLE_H_
