#include "tandem/backends/cuda/cuda.h"

#include <utility>

#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/group.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {

absl::StatusOr<std::shared_ptr<Runtime>> Register(Registry& registry,
                                                  Options options) {
  std::shared_ptr<Runtime> runtime = Runtime::Create(std::move(options));
  Registrar r(registry, runtime);
  AddCopies(r);
  AddViews(r);
  AddFactories(r);
  AddElementwise(r);
  AddReductions(r);
  AddNorms(r);
  AddMatmul(r);
  AddConvolutions(r);
  AddPooling(r);
  AddIndexing(r);
  r.AddHost();
  TANDEM_RETURN_IF_ERROR(r.status());
  TANDEM_RETURN_IF_ERROR(
      registry.AddGroupBackend(MakeGroupBackend(runtime, r.bindings())));
  return runtime;
}

absl::StatusOr<IValue> ToDevice(Gpu& gpu, const IValue& value) {
  return Mover(&gpu.runtime(), &gpu, /*in_place=*/false).Move(value);
}

absl::StatusOr<IValue> ToCpu(Runtime& runtime, const IValue& value) {
  return Mover(&runtime, nullptr, /*in_place=*/false).Move(value);
}

ArgumentsOnDevice::ArgumentsOnDevice(Gpu* gpu)
    : gpu_(gpu),
      mover_(std::make_unique<Mover>(&gpu->runtime(), gpu,
                                     /*in_place=*/false)) {}
ArgumentsOnDevice::~ArgumentsOnDevice() = default;

absl::StatusOr<IValue> ArgumentsOnDevice::Move(const IValue& value) {
  return mover_->Move(value);
}

absl::Status ArgumentsOnDevice::WriteBack() {
  for (const auto& [host, there] : mover_->moved()) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor now, ToHost(*gpu_, there));
    if (now.sizes() == host.sizes() && now.dtype() == host.dtype()) {
      // What is not writable is no argument that a program can have written.
      if (host.numel() == 0 || !host.storage()->EnsureWritable().ok()) continue;
      TANDEM_RETURN_IF_ERROR(CopyElements(now, host));
      continue;
    }
    TensorImpl& impl = *host.impl();
    impl.storage = now.storage();
    impl.offset = now.offset();
    impl.dtype = now.dtype();
    impl.SetGeometry(now.sizes(), now.strides());
  }
  return absl::OkStatus();
}

absl::Status MoveModule(Gpu& gpu, const Ref<ModuleObject>& module) {
  return Mover(&gpu.runtime(), &gpu, /*in_place=*/true)
      .Move(IValue(module))
      .status();
}

namespace {

absl::Status MoveConstantsOf(Mover& mover, Block* block) {
  for (Node* n : *block) {
    for (Block* inner : n->blocks()) {
      TANDEM_RETURN_IF_ERROR(MoveConstantsOf(mover, inner));
    }
    if (!n->is(NodeKind::kConstant)) continue;
    const IValue value = n->constant();
    if (value.is_tensor() &&
        (!value.AsTensor().defined() || value.AsTensor().dim() == 0)) {
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(IValue moved, mover.Move(value));
    if (!moved.Is(value)) n->SetAttribute("value", std::move(moved));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status MoveConstants(Gpu& gpu, Graph* graph) {
  Mover mover(&gpu.runtime(), &gpu, /*in_place=*/false);
  return MoveConstantsOf(mover, graph->block());
}

}  // namespace tandem::cuda
