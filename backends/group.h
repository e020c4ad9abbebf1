// The coarse grain of a backend: groups of nodes that it compiles as a whole.
//
// The partitioner asks Supports() of every node, grows maximal groups that
// aliasing, effects and control flow allow, and replaces each by one
// prim::FusionGroup node. When the plan meets a group with arguments of shapes
// that it has not seen, the backend compiles the group for them; executables
// are kept in a bounded cache by description. Whatever a backend refuses runs
// on kernels, node by node.
#ifndef TANDEM_BACKENDS_GROUP_H_
#define TANDEM_BACKENDS_GROUP_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tandem/backends/kernel.h"
#include "tandem/ir/graph.h"
#include "tandem/tensor/tensor.h"

namespace tandem {

// Would a backend take a node? If not, why: `tandem show --plan` prints it.
struct Support {
  bool supported = false;
  std::string reason;
  // Worth a group of its own, even alone (a convolution is, an addition is
  // not: the partitioner leaves small groups without one to kernels).
  bool worthwhile = false;

  static Support Yes(bool worthwhile = true) { return {true, "", worthwhile}; }
  static Support No(std::string reason) {
    return {false, std::move(reason), false};
  }
};

// The value of an argument that is known when the program is prepared: a
// constant, or a list of constants. Nullopt otherwise.
std::optional<IValue> ConstantArgument(const Value* value);

// One argument of a group as its executable is compiled for it. Tensors are
// strided, on the CPU unless `device` says otherwise, without lazy bits and
// not quantized unless `quantized`.
struct ValueDescription {
  // Not a tensor: an int, float or bool, which may be another one each call.
  bool is_tensor = false;
  bool quantized = false;
  DType dtype = DType::kUndefined;
  Device device;
  Dims sizes;
  Dims strides;
  friend bool operator==(const ValueDescription& a, const ValueDescription& b) {
    return a.is_tensor == b.is_tensor && a.quantized == b.quantized &&
           a.dtype == b.dtype && a.device == b.device && a.sizes == b.sizes &&
           a.strides == b.strides;
  }
  friend bool operator!=(const ValueDescription& a, const ValueDescription& b) {
    return !(a == b);
  }
  bool is_contiguous() const {
    return DimSpan(strides) == DimSpan(ContiguousStrides(sizes));
  }
};

// Weights in the form that a backend wants, made once for a group and a layout
// and shared by the executables of all shapes. Thread-safe.
class PackedWeights {
 public:
  // What `make` gave for `key` (which names the constant and the layout), made
  // now if this is the first to ask.
  template <typename T>
  absl::StatusOr<std::shared_ptr<const T>> Get(
      const std::string& key,
      const std::function<absl::StatusOr<std::shared_ptr<const T>>()>& make) {
    absl::MutexLock lock(&mutex_);
    std::shared_ptr<const void>& entry = entries_[key];
    if (entry == nullptr) {
      absl::StatusOr<std::shared_ptr<const T>> made = make();
      if (!made.ok()) return made.status();
      entry = *std::move(made);
    }
    return std::static_pointer_cast<const T>(entry);
  }

 private:
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::shared_ptr<const void>> entries_
      ABSL_GUARDED_BY(mutex_);
};

// A group, compiled for arguments of one description.
class GroupExecutable {
 public:
  virtual ~GroupExecutable() = default;
  // Reads the inputs, sets all outputs to new tensors (never aliases of an
  // input). Any number of threads at once: state of a run lives on its stack or
  // in the tensor memory pool. Threads and cancellation: tensor/context.h.
  virtual absl::Status Run(const KernelCall& call) const = 0;
  // For the plan's text: "conv2d+relu, conv2d+add+relu, …".
  virtual std::string ToString() const = 0;
};

class GroupBackend {
 public:
  virtual ~GroupBackend() = default;
  // "onednn"; the name by which EngineOptions::backends asks for it.
  virtual absl::string_view name() const = 0;

  // False: the first results of each executable are compared with what kernels
  // give (their dtypes and sizes), as plugins' are.
  virtual bool is_trusted() const { return true; }

  // Looks at the row, constant arguments and types as far as they are known. A
  // supported node is a kOperator whose outputs are tensors; arguments that are
  // not tensors must be constants, or numbers if the backend can take them
  // late. Only pure operators are ever asked for: no writes, no effects.
  virtual Support Supports(const Node& node) const = 0;

  // `group` is a straight graph of supported nodes and constants. Its
  // constants are weights. An error sends calls of this description to
  // kernels, with the reason in the plan's text; a wrong shape or dtype of a
  // result is caught by the runtime.
  virtual absl::StatusOr<std::unique_ptr<GroupExecutable>> Compile(
      const Graph& group, absl::Span<const ValueDescription> inputs,
      PackedWeights* weights) const = 0;
};

}  // namespace tandem

#endif  // TANDEM_BACKENDS_GROUP_H_
