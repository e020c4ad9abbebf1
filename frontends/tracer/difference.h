// Differences as text: of lines, as Python's difflib.ndiff shows them, and of
// tensors, as torch.testing.assert_close does.
#ifndef TANDEM_FRONTENDS_TRACER_DIFFERENCE_H_
#define TANDEM_FRONTENDS_TRACER_DIFFERENCE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "tandem/tensor/tensor.h"

namespace tandem::tracer {

// "  both\n- only before\n+ only after\n"
std::string LineDifference(absl::string_view before, absl::string_view after);

// Empty when close; NaN equals NaN. Both in elements of any real dtype.
std::string TensorDifference(const Tensor& actual, const Tensor& expected,
                             double relative, double absolute);

// torch.testing's absolute tolerance for a dtype.
double DefaultAbsoluteTolerance(DType dtype);

}  // namespace tandem::tracer

#endif  // TANDEM_FRONTENDS_TRACER_DIFFERENCE_H_
