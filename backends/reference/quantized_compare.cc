// Comparisons, order and extremes of tensors that are quantized per tensor: the
// dense kernels on their real values or on their integers.
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/borrowed.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/backends/reference/quantized_unary.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

bool IsQuantizedTensor(const IValue& v) {
  return v.is_tensor() && v.AsTensor().defined() && v.AsTensor().is_quantized();
}

// eq, lt …: of the real values.
absl::Status OnReals(const DenseKernel& dense, const KernelCall& call) {
  std::vector<IValue> arguments = ArgumentsOf(call);
  for (IValue& a : arguments) {
    if (!IsQuantizedTensor(a)) continue;
    TANDEM_ASSIGN_OR_RETURN(const Tensor real, Dequantize(a.AsTensor()));
    a = IValue(real);
  }
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense(arguments, call.num_outputs));
  for (uint32_t k = 0; k < call.num_outputs; ++k) call.out(k) = results[k];
  return absl::OkStatus();
}

// The integers, laid out as they are, with the quantizer of `like`.
absl::StatusOr<Tensor> Requantized(const Tensor& integers, const Tensor& like) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out,
      EmptyWithQuantizer(integers.sizes(), like.dtype(), like.impl()->quantizer,
                         MemoryFormat::kContiguous));
  if (!integers.is_contiguous()) {
    const Tensor strided =
        out.ViewUnchecked(integers.sizes(), integers.strides(), 0);
    const bool dense = integers.is_non_overlapping_and_dense();
    TANDEM_ASSIGN_OR_RETURN(const Tensor view, Integers(dense ? strided : out));
    TANDEM_RETURN_IF_ERROR(CopyElements(integers, view));
    return dense ? strided : out;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor view, Integers(out));
  TANDEM_RETURN_IF_ERROR(CopyElements(integers, view));
  return out;
}

// max, sort, topk …: of the integers, whose order is that of the real values.
// The first result is quantized as the input, others are indices.
absl::Status OnIntegers(const DenseKernel& dense, const KernelCall& call) {
  const Tensor self = call.in(0).AsTensor();
  TANDEM_RETURN_IF_ERROR(PerTensorOf(self, "an order").status());
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(self));
  std::vector<IValue> arguments = ArgumentsOf(call);
  arguments[0] = IValue(integers);
  TANDEM_ASSIGN_OR_RETURN(const std::vector<IValue> results,
                          dense(arguments, call.num_outputs));
  TANDEM_ASSIGN_OR_RETURN(const Tensor values,
                          Requantized(results[0].AsTensor(), self));
  for (uint32_t k = 1; k < call.num_outputs; ++k) call.out(k) = results[k];
  call.out(0) = IValue(values);
  return absl::OkStatus();
}

// max and min of all elements.
template <bool kMax>
absl::Status Extreme(const DenseKernel& dense, const KernelCall& call) {
  if (call.in(0).AsTensor().numel() == 0) {
    return absl::OutOfRangeError(
        absl::StrCat(kMax ? "max" : "min",
                     "(): Expected reduction dim 0 to have non-zero size."));
  }
  return OnIntegers(dense, call);
}

absl::StatusOr<bool> Equal(const Tensor& self, const Tensor& other) {
  if (!self.is_quantized() || !other.is_quantized() ||
      self.dtype() != other.dtype() || self.sizes() != other.sizes()) {
    return false;
  }
  const Quantizer& a = *self.impl()->quantizer;
  const Quantizer& b = *other.impl()->quantizer;
  if (a.scheme != b.scheme || ElementsPerByte(self.dtype()) != 1) return false;
  if (a.scheme == 0 && (a.scale != b.scale || a.zero_point != b.zero_point)) {
    return false;
  }
  if (a.scheme != 0) {
    if (a.axis != b.axis) return false;
    TANDEM_ASSIGN_OR_RETURN(const Tensor x, Dequantize(self));
    TANDEM_ASSIGN_OR_RETURN(const Tensor y, Dequantize(other));
    TANDEM_ASSIGN_OR_RETURN(const Tensor u, Contiguous(x));
    TANDEM_ASSIGN_OR_RETURN(const Tensor v, Contiguous(y));
    return u.numel() == 0 || std::memcmp(u.raw_data(), v.raw_data(),
                                         u.numel() * sizeof(float)) == 0;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Integers(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Integers(other));
  TANDEM_ASSIGN_OR_RETURN(const Tensor u, Contiguous(x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor v, Contiguous(y));
  return u.numel() == 0 || std::memcmp(u.raw_data(), v.raw_data(),
                                       u.numel() * u.element_size()) == 0;
}

}  // namespace

absl::Status AddQuantizedCompare(Registry& registry) {
  BorrowingRegistrar s(registry, kQuantizedKernels, {});
  for (const char* name : {"eq", "ne", "lt", "le", "gt", "ge"}) {
    for (const char* overload : {"Tensor", "Scalar"}) {
      s.Add(absl::StrCat("aten::", name, ".", overload), &OnReals);
      s.Add(absl::StrCat("aten::", name, ".", overload, "_out"), &OnReals);
    }
  }
  s.Add("aten::max", &Extreme<true>).Add("aten::min", &Extreme<false>);
  for (const char* name : {"aten::max.dim", "aten::min.dim", "aten::sort",
                           "aten::sort.stable", "aten::topk"}) {
    s.Add(name, &OnIntegers);
  }
  TANDEM_RETURN_IF_ERROR(s.status());
  KernelRegistrar r(registry, kQuantizedKernels);
  r.Add("aten::equal", &Equal);
  return r.status();
}

}  // namespace tandem::reference
