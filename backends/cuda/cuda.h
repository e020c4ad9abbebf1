// The backend "cuda": NVIDIA GPUs through their driver, NVRTC, cuBLASLt and
// cuDNN, all opened when a tensor first goes there. One binary runs with and
// without a GPU, and nothing of the toolkit is needed to build it.
#ifndef TANDEM_BACKENDS_CUDA_CUDA_H_
#define TANDEM_BACKENDS_CUDA_CUDA_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "tandem/backends/cuda/runtime.h"
#include "tandem/backends/registry.h"
#include "tandem/ir/graph.h"
#include "tandem/ir/ivalue.h"

namespace tandem::cuda {

// Adds kernels and groups under "cuda". The backends of the CPU must have been
// registered: an operator that has no kernel here runs on theirs, over copies.
// An engine that names it first ("cuda", "native", "reference") takes tensors
// on both kinds of device. Opens nothing.
//
//   auto cuda = cuda::Register(registry);
//   TANDEM_ASSIGN_OR_RETURN(cuda::Gpu * gpu, (*cuda)->Get(0));
//   TANDEM_RETURN_IF_ERROR(cuda::MoveModule(*gpu, module.object()));
//   TANDEM_ASSIGN_OR_RETURN(IValue x, cuda::ToDevice(*gpu, input));
absl::StatusOr<std::shared_ptr<Runtime>> Register(Registry& registry,
                                                  Options options = {});

// The value with its tensors on the device, in lists, tuples and dicts too;
// what is moved is copied. Objects are left alone.
absl::StatusOr<IValue> ToDevice(Gpu& gpu, const IValue& value);
// The value with all tensors on the CPU.
absl::StatusOr<IValue> ToCpu(Runtime& runtime, const IValue& value);
// Parameters, buffers and other tensors of a module, in place, as
// torch.nn.Module.to does. Sparse and quantized tensors stay where they are.
absl::Status MoveModule(Gpu& gpu, const Ref<ModuleObject>& module);
// Arguments of a call that works on the device.
class ArgumentsOnDevice {
 public:
  explicit ArgumentsOnDevice(Gpu* gpu);
  ~ArgumentsOnDevice();
  // The value with its tensors on the device; a tensor that several arguments
  // hold stays one.
  absl::StatusOr<IValue> Move(const IValue& value);
  // After the call: what it wrote to the tensors shows in those on the CPU.
  absl::Status WriteBack();

 private:
  Gpu* const gpu_;
  const std::unique_ptr<class Mover> mover_;
};
// Constant tensors of a graph and its blocks, those of one number apart, which
// operators take from the CPU.
absl::Status MoveConstants(Gpu& gpu, Graph* graph);

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_CUDA_H_
