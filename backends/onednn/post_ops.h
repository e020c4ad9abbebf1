// Elementwise operators as oneDNN's primitives know them, and chains of them
// fused behind the primitive that they follow.
#ifndef TANDEM_BACKENDS_ONEDNN_POST_OPS_H_
#define TANDEM_BACKENDS_ONEDNN_POST_OPS_H_

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tandem/backends/onednn/builder.h"

namespace tandem::onednn {

// f(x; alpha, beta) of dnnl_eltwise_…, by an operator of one tensor (numbers
// are constants). Several in a row where PyTorch's operator is a chain.
struct Eltwise {
  dnnl_alg_kind_t alg = dnnl_alg_kind_undef;
  float alpha = 0, beta = 0;
};
std::optional<std::vector<Eltwise>> EltwiseOf(const Node& node);

// a OP b, scaled: add with alpha is a + alpha * b.
struct Binary {
  dnnl_alg_kind_t alg = dnnl_alg_kind_undef;
  // rsub: the operands the other way round.
  bool swapped = false;
};
std::optional<Binary> BinaryOf(const Node& node);

// x for the purpose of inference: dropout, detach, contiguous, clone, …
bool IsIdentity(const Node& node);

// Sizes that a and b broadcast to; nullopt if they do not.
std::optional<Dims> BroadcastSizes(DimSpan a, DimSpan b);

// Strides of an elementwise result over a tensor of these sizes and strides.
Dims ElementwiseStrides(DimSpan sizes, DimSpan strides);

// A primitive that a chain of elementwise operators may be fused into.
struct Fusable {
  // The node's result; null: something on the way to it, nothing is fused.
  const Value* result = nullptr;
  Dims sizes, strides;
  DType dtype = DType::kUndefined;
  // Sizes of the primitive's destination where they differ: leading dims of
  // `sizes` folded into one (linear). Empty: the same.
  Dims physical;
  // Makes the descriptor with these attributes.
  std::function<absl::StatusOr<PrimitiveDesc>(const Attributes&)> create;
  // The other arguments, laid out as `pd` wants them.
  std::function<absl::StatusOr<Arguments>(const PrimitiveDesc& pd)> arguments;
  // Attributes to start from (scales, …); may be empty.
  std::function<absl::Status(dnnl_primitive_attr_t)> attributes;
  std::string name;
  // Bound by memory rather than by multiplications (Builder::ThreadsFor).
  bool memory_bound = true;
  // Post-ops that belong to the operator itself: a scale, then an addend of the
  // rank of the destination.
  std::vector<Eltwise> scale;
  std::optional<Operand> addend;
  // What may be fused. oneDNN computes other post-ops wrongly instead of
  // refusing them: softmax and resampling with second operands, pooling with a
  // sum.
  enum class Follow : uint8_t { kAll, kNoSum, kNoOperands };
  Follow follow = Follow::kNoOperands;
  // Run it although oneDNN has plain loops only.
  bool allow_reference = false;
  // The result may be written over this operand (elementwise primitives).
  std::optional<Operand> in_place;
};

// Fuses as much of what follows as the primitive takes, adds the step, defines
// the last value, and returns it.
absl::StatusOr<Operand> EmitFused(Builder& b, const Fusable& f);

// x OP y over a full x (or, but for division, a full y); `result` as above.
absl::StatusOr<Operand> EmitBinary(Builder& b, dnnl_alg_kind_t alg, Operand x,
                                   Operand y, absl::string_view name,
                                   const Value* result);

// Softmax (or its logarithm) along a dim, over its operand if nobody else needs
// that.
absl::StatusOr<Operand> EmitSoftmax(Builder& b, const Operand& x, int64_t dim,
                                    bool logarithm, const Value* result);

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_POST_OPS_H_
