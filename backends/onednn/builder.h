// From a group's graph to a program: what lowerings of operators build on.
#ifndef TANDEM_BACKENDS_ONEDNN_BUILDER_H_
#define TANDEM_BACKENDS_ONEDNN_BUILDER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/function_ref.h"
#include "tandem/backends/group.h"
#include "tandem/backends/onednn/onednn.h"
#include "tandem/backends/onednn/program.h"

namespace tandem::onednn {

// A tensor while a program is built.
struct Operand {
  size_t buffer = 0;
  int64_t byte_offset = 0;
  MemoryDesc md;  // how it lies in memory: the same sizes, but rank 1 for 0
  Dims sizes;
  // As PyTorch would lay it out: what a result of the group gets.
  Dims strides;
  DType dtype = DType::kUndefined;
};

// DNNL_ARG_… and what is given for it.
using Arguments = std::vector<std::pair<int, Operand>>;

class Builder {
 public:
  using Lower = absl::Status (*)(Builder& builder, const Node& node);
  using FindLowering = absl::FunctionRef<Lower(const Node&)>;

  // Numbers that follow from sizes become constants of the graph on the way.
  Builder(const Descriptors& descriptors, const Options& options, Graph& graph,
          absl::Span<const ValueDescription> inputs, PackedWeights* weights)
      : descriptors_(descriptors),
        options_(options),
        graph_(graph),
        inputs_(inputs),
        weights_(weights) {}

  // Lowers every node; Unimplemented with the reason where one cannot be.
  absl::StatusOr<ProgramParts> Build(FindLowering find, int threads);

  const Descriptors& d() const { return descriptors_; }
  const Options& options() const { return options_; }

  // ---- arguments

  // The tensor of a value; error if it is none that is known yet.
  absl::StatusOr<Operand> Get(const Value* value);
  // Nullopt for None.
  absl::StatusOr<std::optional<Operand>> GetOptional(const Value* value);
  // Tensors of a list.
  absl::StatusOr<std::vector<Operand>> GetList(const Value* value);
  bool IsKnown(const Value* value) const;
  bool IsConstant(const Operand& operand) const;
  // The elements of a constant of floats.
  absl::StatusOr<Tensor> ConstantTensor(const Value* value) const;

  // ---- layouts

  // The same elements by another layout of the same sizes: nothing to do if it
  // is equal, once for a constant, else a reorder.
  absl::StatusOr<Operand> As(const Operand& operand, const MemoryDesc& md,
                             const Attributes& attr = nullptr);
  absl::StatusOr<Operand> AsContiguous(const Operand& operand);
  // Without blocks: as it is if it has none, else contiguous.
  absl::StatusOr<Operand> AsPlain(const Operand& operand);
  // The same elements in row-major order under other sizes. `strides` of the
  // result are contiguous.
  absl::StatusOr<Operand> Reshape(const Operand& operand, DimSpan sizes);
  absl::StatusOr<Operand> Permute(const Operand& operand, DimSpan order);
  // A constant of this program alone.
  absl::StatusOr<Operand> FromTensor(const Tensor& tensor);
  // A constant made from constants, kept under `key` with the weights.
  absl::StatusOr<Operand> MakeConstant(
      const std::string& key,
      const std::function<absl::StatusOr<Tensor>()>& make);
  // A name for the elements of a constant.
  std::string ConstantKey(const Operand& operand) const;

  // ---- results

  // New memory.
  Operand NewOperand(const MemoryDesc& md, DimSpan sizes, DimSpan strides,
                     DType dtype);
  // `value` is this from now on.
  void Define(const Value* value, const Operand& operand);
  // Counts a node as computed (fused ones).
  // Only its sizes are known: it was fused into what follows.
  void DefineSizes(const Value* value, DimSpan sizes) {
    sizes_[value].assign(sizes.begin(), sizes.end());
  }
  void MarkDone(const Node* node) { done_.insert(node); }
  bool IsDone(const Node* node) const { return done_.contains(node); }
  bool IsGroupOutput(const Value* value) const;
  // After `users` have run, does nobody need what the buffer holds? Only such
  // inner memory may be written over.
  bool DiesWith(const Operand& operand,
                absl::Span<const Node* const> users) const;

  // Adds a primitive; its scratchpad comes from the arena.
  absl::Status AddStep(const PrimitiveDesc& pd, Arguments args,
                       std::string name, int threads);
  // Adds a step that is no primitive; `args` count from 0.
  void AddFunction(StepFunction function, Arguments args, std::string name);
  // Multiplications, roughly, as a product of sizes: tells groups that are too
  // small to bother.
  void CountWork(DimSpan factors);
  // Threads for a primitive of so many multiplications (elements, where it is
  // bound by memory): one where a team would cost more than it saves.
  int ThreadsFor(int64_t multiplications, bool memory_bound) const;
  int64_t last_work() const { return last_work_; }

 private:
  size_t NewBuffer(Buffer buffer);
  // Is it known from sizes what the node gives? Then its users have constants.
  bool FoldSizes(Node* node);
  absl::Status DefineInputs();
  absl::Status DefineOutputs();

  const Descriptors& descriptors_;
  const Options& options_;
  Graph& graph_;
  const absl::Span<const ValueDescription> inputs_;
  PackedWeights* const weights_;

  ProgramParts parts_;
  std::vector<std::string> names_;
  absl::flat_hash_map<const Value*, Operand> operands_;
  absl::flat_hash_map<const Value*, Dims> sizes_;
  absl::flat_hash_map<const Value*, IValue> numbers_;
  // Values whose elements a buffer holds.
  std::vector<std::vector<const Value*>> holds_;
  absl::flat_hash_set<const Node*> done_;
  int64_t work_ = 0, last_work_ = 0;
};

// Unimplemented: kernels run the group, and its reason shows in the plan.
template <typename... A>
absl::Status Refuse(const A&... parts) {
  return absl::UnimplementedError(absl::StrCat(parts...));
}

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_BUILDER_H_
