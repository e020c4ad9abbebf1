#include "tandem/backends/cuda/capture.h"

#include <utility>

#include "tandem/backends/cuda/loops.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {

absl::StatusOr<std::unique_ptr<CapturedWork>> CapturedWork::Record(
    Gpu& gpu, absl::Span<const Tensor> inputs, const Work& work) {
  const StreamHandle caller = gpu.stream();
  TANDEM_ASSIGN_OR_RETURN(std::unique_ptr<Stream> stream, Stream::Create(&gpu));
  // What the graph writes to is nobody else's while it lives.
  gpu.allocator().Pin(stream->handle());
  std::unique_ptr<CapturedWork> made(new CapturedWork(gpu, std::move(stream)));
  const Driver& driver = gpu.driver();
  const StreamHandle own = made->stream_->handle();
  TANDEM_RETURN_IF_ERROR(made->stream_->WaitFor(caller));
  {
    const ScopedStream scope(*made->stream_);
    // The graph outlives the call: its memory is not on the call's budget.
    CallContext context = CurrentContext();
    context.memory = nullptr;
    const ScopedContext unlimited(context);
    for (const Tensor& t : inputs) {
      if (!t.is_non_overlapping_and_dense()) {
        return absl::UnimplementedError("an input with gaps");
      }
      TANDEM_ASSIGN_OR_RETURN(
          Tensor copy, gpu.EmptyStrided(t.sizes(), t.strides(), t.dtype()));
      TANDEM_RETURN_IF_ERROR(CopyOnGpu(gpu, t, copy));
      made->inputs_.push_back(std::move(copy));
    }
    {
      std::vector<Tensor> first;
      TANDEM_RETURN_IF_ERROR(work(made->inputs_, &first));
    }
    TANDEM_RETURN_IF_ERROR(gpu.Synchronize());
    TANDEM_RETURN_IF_ERROR(
        gpu.Check(driver.StreamBeginCapture(own, kCaptureRelaxed),
                  "cuStreamBeginCapture"));
    absl::Status status = work(made->inputs_, &made->outputs_);
    GraphHandle graph = nullptr;
    const Result ended = driver.StreamEndCapture(own, &graph);
    if (status.ok()) status = gpu.Check(ended, "cuStreamEndCapture");
    if (status.ok()) {
      status = gpu.Check(driver.GraphInstantiate(&made->exec_, graph, 0),
                         "cuGraphInstantiate");
    }
    if (graph != nullptr) driver.GraphDestroy(graph);
    TANDEM_RETURN_IF_ERROR(status);
  }
  TANDEM_RETURN_IF_ERROR(made->stream_->Join(caller));
  return made;
}

CapturedWork::~CapturedWork() {
  if (gpu_.MakeCurrent().ok()) {
    gpu_.driver().StreamSynchronize(stream_->handle());
    if (exec_ != nullptr) gpu_.driver().GraphExecDestroy(exec_);
  }
  inputs_.clear();
  outputs_.clear();
}

absl::Status CapturedWork::Run(absl::Span<const Tensor> inputs,
                               std::vector<Tensor>* outputs) {
  const StreamHandle caller = gpu_.stream();
  // Memory of the caller's stream, which may still be in use there: taken
  // before this stream waits for it.
  outputs->clear();
  for (const Tensor& t : outputs_) {
    TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLikeOnGpu(gpu_, t, t.dtype()));
    outputs->push_back(std::move(result));
  }
  absl::MutexLock lock(&mutex_);
  TANDEM_RETURN_IF_ERROR(stream_->WaitFor(caller));
  {
    const ScopedStream scope(*stream_);
    for (size_t i = 0; i < inputs.size(); ++i) {
      TANDEM_RETURN_IF_ERROR(CopyOnGpu(gpu_, inputs[i], inputs_[i]));
    }
    TANDEM_RETURN_IF_ERROR(gpu_.Check(
        gpu_.driver().GraphLaunch(exec_, stream_->handle()), "cuGraphLaunch"));
    for (size_t i = 0; i < outputs_.size(); ++i) {
      TANDEM_RETURN_IF_ERROR(CopyOnGpu(gpu_, outputs_[i], (*outputs)[i]));
    }
  }
  return stream_->Join(caller);
}

}  // namespace tandem::cuda
