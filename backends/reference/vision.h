// The parts of the vision family (torchvision's operators), one file each.
#ifndef TANDEM_BACKENDS_REFERENCE_VISION_H_
#define TANDEM_BACKENDS_REFERENCE_VISION_H_

#include <cmath>
#include <cstdint>

#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

void AddNms(KernelRegistrar& r);
void AddRoiPooling(KernelRegistrar& r);
void AddDeformConv(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_VISION_H_
