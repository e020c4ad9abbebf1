// A compiled group: a list of primitives over memory planned in one arena.
#ifndef TANDEM_BACKENDS_ONEDNN_PROGRAM_H_
#define TANDEM_BACKENDS_ONEDNN_PROGRAM_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "tandem/backends/group.h"
#include "tandem/backends/onednn/descriptors.h"

namespace tandem::onednn {

// A constant in the layout that a primitive wants, or as it was.
struct PackedTensor {
  Tensor tensor;         // as it was; undefined if packed
  Ref<Storage> storage;  // packed
  void* data() const {
    return tensor.defined() ? static_cast<void*>(tensor.raw_data())
                            : storage->data();
  }
};

// A piece of memory. Values may share one (views, results in place).
struct Buffer {
  enum class Kind : uint8_t { kInput, kConstant, kInner, kOutput };
  Kind kind = Kind::kInner;
  // kInput, kOutput: number of the group's input or output.
  size_t index = 0;
  int64_t bytes = 0;
  // kInner: where it lies in the arena, given by the plan.
  int64_t offset = -1;
  // kInner: filled with zeros before the first step.
  bool zeroed = false;
  std::shared_ptr<const PackedTensor> constant;
};

// What a primitive reads or writes: a layout over a buffer.
struct Slot {
  MemoryDesc md;
  size_t buffer = 0;
  int64_t byte_offset = 0;
};

// What a step does that is no primitive: addresses of its arguments, in their
// order.
using StepFunction = std::function<void(absl::Span<void* const> data)>;

struct Step {
  Primitive primitive;                       // null:
  StepFunction function;                     // this instead
  std::vector<std::pair<int, size_t>> args;  // DNNL_ARG_…, slot
  std::string name;
  int threads = 1;
};

struct Output {
  Dims sizes, strides;
  DType dtype = DType::kUndefined;
  size_t buffer = 0;
};

struct ProgramParts {
  std::shared_ptr<const Library> library;
  std::vector<Buffer> buffers;
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::vector<Output> outputs;
  int threads = 1;
  // Kernels run the calls whose inputs have these: they would be lost.
  bool declines_nan = false, declines_infinity = false;
  std::string text;
};

// Places the inner buffers, each alive from the first step that touches it to
// the last, so that those alive together do not overlap. Bytes of the arena.
int64_t PlanArena(const std::vector<Step>& steps,
                  const std::vector<Slot>& slots, std::vector<Buffer>* buffers);

class Program : public GroupExecutable {
 public:
  static absl::StatusOr<std::unique_ptr<Program>> Make(ProgramParts parts);
  ~Program() override;

  absl::Status Run(const KernelCall& call) const override;
  std::string ToString() const override { return parts_.text; }
  int64_t arena_bytes() const { return arena_bytes_; }
  const std::vector<Step>& steps() const { return parts_.steps; }

 private:
  // oneDNN's memory objects hold addresses: each run at a time has its own.
  struct Frame {
    dnnl_stream_t stream = nullptr;
    std::vector<dnnl_memory_t> memories;             // by slot
    std::vector<void*> handles;                      // by slot, as last set
    std::vector<std::vector<dnnl_exec_arg_t>> args;  // by step
  };

  explicit Program(ProgramParts parts);
  absl::StatusOr<std::unique_ptr<Frame>> TakeFrame() const;
  void GiveFrame(std::unique_ptr<Frame> frame) const;
  void Destroy(Frame& frame) const;
  absl::Status Execute(const KernelCall& call, Frame& frame) const;

  ProgramParts parts_;
  int64_t arena_bytes_ = 0;
  mutable absl::Mutex mutex_;
  mutable std::vector<std::unique_ptr<Frame>> frames_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_PROGRAM_H_
