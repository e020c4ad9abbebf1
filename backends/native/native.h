// The backend "native": own vector kernels for what models spend their time on
// beside convolutions. The instruction set is chosen at run time.
#ifndef TANDEM_BACKENDS_NATIVE_NATIVE_H_
#define TANDEM_BACKENDS_NATIVE_NATIVE_H_

#include "absl/status/status.h"
#include "tandem/backends/registry.h"

namespace tandem::native {

// Adds the kernels. They decline (backends/kernel.h) what they were not made
// for, so that another backend, such as reference, must stand behind them.
absl::Status Register(Registry& registry);

}  // namespace tandem::native

#endif  // TANDEM_BACKENDS_NATIVE_NATIVE_H_
