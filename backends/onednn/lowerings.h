// How operators become primitives: one table a family.
#ifndef TANDEM_BACKENDS_ONEDNN_LOWERINGS_H_
#define TANDEM_BACKENDS_ONEDNN_LOWERINGS_H_

#include <initializer_list>
#include <string>

#include "absl/types/span.h"
#include "tandem/backends/onednn/builder.h"

namespace tandem::onednn {

// What a node is worth to a group.
enum class Weight : uint8_t {
  kHeavy,  // a group of its own: convolutions, products
  kLight,  // joins others; with kernels where it stands alone
  // Joins where something heavy comes before it: what is fused into that.
  kFollower,
};

struct Lowering {
  const char* op;  // "aten::relu", "aten::mean.dim": this overload alone
  Builder::Lower lower;
  Weight weight;
  // Why not this node, empty if it can be; null: whatever its arguments.
  // Arguments that are no tensors are constants already.
  std::string (*refuse)(const Node& node) = nullptr;
  // Other arguments than tensors may follow from sizes (shape_values.h); they
  // are constants when the node is lowered.
  bool takes_sizes = false;
};

absl::Span<const Lowering> ConvLowerings();
absl::Span<const Lowering> MatMulLowerings();
absl::Span<const Lowering> PoolLowerings();
absl::Span<const Lowering> PointwiseLowerings();
absl::Span<const Lowering> NormLowerings();
absl::Span<const Lowering> ReduceLowerings();
absl::Span<const Lowering> ShapeLowerings();
absl::Span<const Lowering> RnnLowerings();

// Constant arguments. They are there and of that kind: Supports() looked.
int64_t IntArg(const Node& node, size_t i);
double DoubleArg(const Node& node, size_t i);
bool BoolArg(const Node& node, size_t i);
std::string StringArg(const Node& node, size_t i);
// Numbers of a list; one number stands for itself.
Dims IntsArg(const Node& node, size_t i);
bool IsNoneArg(const Node& node, size_t i);

// float32, or bfloat16 where `bf16`; Unimplemented for others.
absl::Status CheckDType(DType dtype, bool bf16 = true);

// Are strides, paddings and the like small enough for oneDNN's 32-bit counts?
absl::Status CheckWindow(std::initializer_list<DimSpan> parameters);

// The layout of PyTorch's result for a spatial operator over `input`.
Dims SpatialStrides(DimSpan sizes, const Operand& input);

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_LOWERINGS_H_
