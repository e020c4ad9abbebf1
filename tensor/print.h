// The text of tensors, in PyTorch's two forms.
#ifndef TANDEM_TENSOR_PRINT_H_
#define TANDEM_TENSOR_PRINT_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// No text of a value grows beyond this (ResourceExhaustedError).
inline constexpr size_t kMaxTextBytes = size_t{1} << 30;

// What print() and str() give inside a program (ATen's operator<<):
//
//    1.5000
//   -2.0000
//   [ CPUFloatType{2} ]
//
// All elements are printed. Errors: a meta tensor ("Cannot copy out of meta
// tensor; no data!"), a dtype without numbers, too long a text, a stop.
absl::StatusOr<std::string> TensorToString(const Tensor& tensor,
                                           size_t max_bytes = kMaxTextBytes);

// What Python's print() gives: "tensor([[0.1000, 2.0000]], dtype=…)". More than
// 1000 elements are summarised to three at each end.
absl::StatusOr<std::string> TensorToPythonString(const Tensor& tensor);

// The fewest digits that give `d` back, fixed for decimal exponents in
// [-4, 16), else scientific: "0.1", "1e-05", "3", "nan". The numbers of Python
// but for the point of integral values.
std::string ShortestDouble(double d);

}  // namespace tandem

#endif  // TANDEM_TENSOR_PRINT_H_
