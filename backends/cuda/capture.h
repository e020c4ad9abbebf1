// A piece of work on a device as a CUDA graph: recorded once on fixed memory,
// started as one launch from then on.
#ifndef TANDEM_BACKENDS_CUDA_CAPTURE_H_
#define TANDEM_BACKENDS_CUDA_CAPTURE_H_

#include <functional>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "tandem/backends/cuda/runtime.h"

namespace tandem::cuda {

// Thread-safe: one run at a time.
class CapturedWork {
 public:
  // Enqueues the work on the current stream: from tensors like `inputs` to new
  // tensors.
  using Work = std::function<absl::Status(absl::Span<const Tensor> inputs,
                                          std::vector<Tensor>* outputs)>;
  // Runs the work once on a stream of its own, so that all is compiled and its
  // memory is there, then records it. An error where something of the work
  // cannot be recorded (it waits for the device); nothing is left of it then.
  static absl::StatusOr<std::unique_ptr<CapturedWork>> Record(
      Gpu& gpu, absl::Span<const Tensor> inputs, const Work& work);
  ~CapturedWork();

  // Copies the inputs to the graph's memory, starts it and copies the results
  // to new tensors; in order with the current stream.
  absl::Status Run(absl::Span<const Tensor> inputs,
                   std::vector<Tensor>* outputs);

 private:
  CapturedWork(Gpu& gpu, std::unique_ptr<Stream> stream)
      : gpu_(gpu), stream_(std::move(stream)) {}

  Gpu& gpu_;
  std::unique_ptr<Stream> stream_;
  absl::Mutex mutex_;
  std::vector<Tensor> inputs_, outputs_;
  GraphExecHandle exec_ = nullptr;
};

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_CAPTURE_H_
