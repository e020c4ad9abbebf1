// Methods of classes bound from C++: the packed parameters of quantized
// modules, which archives hold as opaque values and whose code may ask them.
#ifndef TANDEM_RUNTIME_BOUND_METHODS_H_
#define TANDEM_RUNTIME_BOUND_METHODS_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/ivalue.h"

namespace tandem {

// Calls `method`, which takes nothing but `self`, an opaque value: what
// frontends/script knows of such classes (compiler/custom_classes.h). Most are
// operators (quantized::conv2d_unpack, ...), run by the kernels of `backends`.
absl::StatusOr<IValue> CallBoundMethod(const IValue& self,
                                       absl::string_view method,
                                       const Registry& registry,
                                       absl::Span<const std::string> backends);

}  // namespace tandem

#endif  // TANDEM_RUNTIME_BOUND_METHODS_H_
