// The parts of the factory family, one file each.
#ifndef TANDEM_BACKENDS_REFERENCE_FACTORY_H_
#define TANDEM_BACKENDS_REFERENCE_FACTORY_H_

#include <optional>

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

void AddFactoryFill(KernelRegistrar& r);
void AddFactoryFromValues(KernelRegistrar& r);
void AddFactoryMatrix(KernelRegistrar& r);
void AddFactoryRange(KernelRegistrar& r);
void AddFactoryWindow(KernelRegistrar& r);

// An uninitialised tensor as the options of a factory ask for it; on the meta
// device without memory. Texts as PyTorch's for a device, layout or format that
// there is not.
absl::StatusOr<Tensor> NewTensor(
    DimSpan sizes, DType dtype, std::optional<Layout> layout = std::nullopt,
    std::optional<Device> device = std::nullopt,
    std::optional<MemoryFormat> format = std::nullopt);

// Fills a new tensor and gives it back.
absl::StatusOr<Tensor> Filled(absl::StatusOr<Tensor> t, const Scalar& value);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_FACTORY_H_
