// Elementwise loops over strided tensors of a device: what all operators of one
// expression run through.
#ifndef TANDEM_BACKENDS_CUDA_LOOPS_H_
#define TANDEM_BACKENDS_CUDA_LOOPS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/backends/cuda/runtime.h"
#include "tandem/tensor/scalar.h"
#include "tandem/tensor/tensor.h"

namespace tandem::cuda {

// The name of a dtype's elements in generated code; empty: kernels do not
// compute with it (complex, quantized, float8).
absl::string_view CodeType(DType dtype);
// The dtype that elements are computed in: float for half types, themselves
// otherwise. kUndefined where CodeType is empty.
DType ComputeType(DType dtype);

// Numbers of the host as generated code reads them (prelude's Slot).
struct Slot {
  double d = 0;
  int64_t i = 0;
  static Slot Of(const Scalar& s) {
    return {s.ToDouble(), s.is_bool() ? s.ToBool() : s.ToInt()};
  }
};

// An operand: a tensor on the device, one of no dims on the CPU, or a number.
struct LoopOperand {
  const Tensor* tensor = nullptr;
  const Scalar* number = nullptr;
};

// out[i] = expression(x, y, z)
struct Loop {
  // Over x, y, z (of type T), p(0) … p(2); see prelude.h.
  absl::string_view expression;
  DType compute = DType::kFloat;  // T
  // Operand i is read as bool instead of T.
  unsigned bools = 0;
  bool test = false;  // the expression gives bool, whatever T is
};

inline constexpr int kMaxLoopOperands = 3;
inline constexpr int kMaxLoopDims = 8;

// Runs the loop into `out`, whose sizes the operands broadcast to. Memory that
// overlaps otherwise than element by element must have been copied before.
// Declined() for shapes of more than 8 dims that do not merge.
absl::Status RunLoop(Gpu& gpu, const Loop& loop,
                     absl::Span<const LoopOperand> operands,
                     absl::Span<const Scalar> params, const Tensor& out);

// dst = src with broadcasting and conversion of dtypes, both on the device.
absl::Status CopyOnGpu(Gpu& gpu, const Tensor& src, const Tensor& dst);
// `t` itself if contiguous, or a contiguous copy.
absl::StatusOr<Tensor> ContiguousOnGpu(Gpu& gpu, const Tensor& t);
absl::StatusOr<Tensor> CastOnGpu(Gpu& gpu, const Tensor& t, DType dtype);
absl::Status FillOnGpu(Gpu& gpu, const Tensor& t, const Scalar& value);
// Strides that empty_like gives (tensor/copy.h), on the device.
absl::StatusOr<Tensor> EmptyLikeOnGpu(
    Gpu& gpu, const Tensor& like, DType dtype,
    MemoryFormat format = MemoryFormat::kPreserve);

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_LOOPS_H_
