// The gradients of softmax and log_softmax, which programs call by name.
#include <cmath>

#include "tandem/backends/reference/composites.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/reduce.h"
#include "tandem/backends/reference/variants.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

template <typename T, bool kLog>
void Slice(const char* grad, int64_t grad_stride, const char* output,
           int64_t output_stride, char* to, int64_t stride, int64_t n) {
  const auto g = [&](int64_t i) {
    return *reinterpret_cast<const T*>(grad + i * grad_stride);
  };
  const auto y = [&](int64_t i) {
    return *reinterpret_cast<const T*>(output + i * output_stride);
  };
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += kLog ? g(i) : g(i) * y(i);
  for (int64_t i = 0; i < n; ++i) {
    *reinterpret_cast<T*>(to + i * stride) =
        kLog ? g(i) - std::exp(y(i)) * sum : (g(i) - sum) * y(i);
  }
}

template <bool kLog>
Result Backward(const Tensor& grad, const Tensor& output, int64_t dim,
                DType input_dtype) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, grad.dim()));
  if (grad.sizes() != output.sizes()) {
    return Invalid("softmax backward: grad_output and output differ in sizes");
  }
  if (grad.dtype() != output.dtype()) {
    return Invalid("expected scalar type ", TypeName(grad.dtype()),
                   " but found ", TypeName(output.dtype()));
  }
  if (grad.dtype() != input_dtype &&
      !(input_dtype == DType::kHalf && grad.dtype() == DType::kFloat)) {
    return Invalid(
        "expected input and grad types to match, or input to be at "
        "Half and grad to be at Float");
  }
  if (!IsFloatingPoint(grad.dtype())) {
    return NotImplementedFor(kLog ? "log_softmax_backward" : "softmax_backward",
                             grad.dtype());
  }
  const DType compute = ComputeDType(grad.dtype());
  TANDEM_ASSIGN_OR_RETURN(const Tensor g, Contiguous(grad, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Contiguous(output, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(grad.sizes(), compute));
  const int64_t n = grad.dim() == 0 ? 1 : grad.size(d);
  TANDEM_RETURN_IF_ERROR(
      ForEachSlice({out, g, y}, d, [&](char* const* data, const int64_t* s) {
        (compute == DType::kDouble ? Slice<double, kLog>
                                   : Slice<float, kLog>)(data[1], s[1], data[2],
                                                         s[2], data[0], s[0],
                                                         n);
      }));
  return ToDType(out, input_dtype);
}

}  // namespace

void AddSoftmaxBackward(KernelRegistrar& r) {
  r.Add("aten::_softmax_backward_data", &Backward<false>)
      .Add("aten::_softmax_backward_data.out",
           &Variants<&Backward<false>>::OutExact)
      .Add("aten::_log_softmax_backward_data", &Backward<true>)
      .Add("aten::_log_softmax_backward_data.out",
           &Variants<&Backward<true>>::OutExact);
}

}  // namespace tandem::reference
