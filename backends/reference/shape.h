// The parts of the shape family, one file each.
#ifndef TANDEM_BACKENDS_REFERENCE_SHAPE_H_
#define TANDEM_BACKENDS_REFERENCE_SHAPE_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

void AddShapeCast(KernelRegistrar& r);
void AddShapeComplex(KernelRegistrar& r);
void AddShapeJoin(KernelRegistrar& r);
void AddShapePad(KernelRegistrar& r);
void AddShapeProperty(KernelRegistrar& r);
void AddShapeRearrange(KernelRegistrar& r);
void AddShapeRepeat(KernelRegistrar& r);
void AddShapeScatter(KernelRegistrar& r);
void AddShapeSlice(KernelRegistrar& r);
void AddShapeSplit(KernelRegistrar& r);
void AddShapeView(KernelRegistrar& r);

// A view of self's storage; refused for tensors quantized per channel, whose
// parameters belong to one dim.
absl::StatusOr<Tensor> MakeView(const Tensor& self, DimSpan sizes,
                                DimSpan strides, int64_t offset);

// The operators that other operators are made of.
absl::StatusOr<Tensor> View(const Tensor& self, DimSpan size);
absl::StatusOr<Tensor> Reshape(const Tensor& self, DimSpan shape);
absl::StatusOr<Tensor> Permute(const Tensor& self, DimSpan dims);
absl::StatusOr<Tensor> Transpose(const Tensor& self, int64_t dim0,
                                 int64_t dim1);
absl::StatusOr<Tensor> MoveDim(const Tensor& self, int64_t source,
                               int64_t destination);
absl::StatusOr<Tensor> Unsqueeze(const Tensor& self, int64_t dim);
absl::StatusOr<Tensor> Expand(const Tensor& self, DimSpan size);
absl::StatusOr<Tensor> Select(const Tensor& self, int64_t dim, int64_t index);
absl::StatusOr<Tensor> Slice(const Tensor& self, int64_t dim,
                             std::optional<int64_t> start,
                             std::optional<int64_t> end, int64_t step);
absl::StatusOr<Tensor> Narrow(const Tensor& self, int64_t dim, int64_t start,
                              int64_t length);
absl::StatusOr<Tensor> Diagonal(const Tensor& self, int64_t offset,
                                int64_t dim1, int64_t dim2);
absl::StatusOr<Tensor> AsStrided(const Tensor& self, DimSpan size,
                                 DimSpan stride, std::optional<int64_t> offset);
absl::StatusOr<Tensor> Cat(absl::Span<const Tensor> tensors, int64_t dim);
absl::StatusOr<Tensor> Stack(absl::Span<const Tensor> tensors, int64_t dim);
absl::StatusOr<Tensor> Flip(const Tensor& self, absl::Span<const int64_t> dims);
absl::StatusOr<Tensor> ConstantPadNd(const Tensor& self,
                                     absl::Span<const int64_t> pad,
                                     const Scalar& value);
absl::StatusOr<Tensor> AtLeast1d(const Tensor& self);
absl::StatusOr<Tensor> AtLeast2d(const Tensor& self);
absl::StatusOr<Tensor> AtLeast3d(const Tensor& self);
absl::StatusOr<std::vector<Tensor>> BroadcastTensors(
    absl::Span<const Tensor> tensors);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_SHAPE_H_
