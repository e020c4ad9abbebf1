// Devices that programs compute on: contexts, streams, memory, kernels.
#ifndef TANDEM_BACKENDS_CUDA_RUNTIME_H_
#define TANDEM_BACKENDS_CUDA_RUNTIME_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "tandem/backends/cuda/allocator.h"
#include "tandem/backends/cuda/compiler.h"
#include "tandem/backends/cuda/cublaslt.h"
#include "tandem/backends/cuda/cudnn.h"
#include "tandem/backends/cuda/driver.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/tensor.h"

namespace tandem::cuda {

class Gpu;

// How the libraries are found: the system's, or stand-ins of tests.
struct Libraries {
  std::function<absl::StatusOr<std::shared_ptr<const Driver>>()> driver =
      &LoadDriver;
  std::function<absl::StatusOr<std::shared_ptr<const Compiler>>()> compiler =
      &LoadNvrtc;
  std::function<absl::StatusOr<std::shared_ptr<const CublasLt>>()> blas =
      &LoadCublasLt;
  std::function<absl::StatusOr<std::shared_ptr<const Cudnn>>()> dnn =
      &LoadCudnn;
};

struct Options {
  // Most bytes of free memory that a device keeps for later.
  size_t max_cached_bytes = size_t{4} << 30;
  // Products of float32 may use TF32 (10 bits of mantissa), as PyTorch's
  // torch.backends.cuda.matmul.allow_tf32 and cudnn.allow_tf32; off and on
  // there by default, as here.
  bool matmul_tf32 = false;
  bool conv_tf32 = true;
  // Groups are captured as CUDA graphs once they are warm.
  bool graphs = true;
  Libraries libraries;
};

// A library that is opened once, when it is first needed; what went wrong is
// said each time.
template <typename T>
class Lazy {
 public:
  template <typename F>
  absl::StatusOr<std::shared_ptr<const T>> Get(const F& load) {
    absl::MutexLock lock(&mutex_);
    if (!tried_) {
      value_ = load();
      tried_ = true;
    }
    return value_;
  }

 private:
  absl::Mutex mutex_;
  bool tried_ ABSL_GUARDED_BY(mutex_) = false;
  absl::StatusOr<std::shared_ptr<const T>> value_ ABSL_GUARDED_BY(mutex_) =
      absl::UnknownError("not loaded");
};

// All devices of the machine. Opens nothing until a device is asked for.
// Thread-safe. Tensors hold on to it.
class Runtime : public std::enable_shared_from_this<Runtime> {
 public:
  static std::shared_ptr<Runtime> Create(Options options);
  ~Runtime();

  const Options& options() const { return options_; }
  // The device of that number; -1: the first. NotFoundError "no NVIDIA driver"
  // with what was tried; InvalidArgumentError for a number that there is not.
  absl::StatusOr<Gpu*> Get(int index);
  // Waits for all work of all devices that have started.
  absl::Status Synchronize();

  // Machine code for a source; compiled once for each architecture.
  absl::StatusOr<std::shared_ptr<const std::string>> Compile(
      const std::string& source, int arch);
  absl::StatusOr<std::shared_ptr<const CublasLt>> Blas();
  absl::StatusOr<std::shared_ptr<const Cudnn>> Dnn();

 private:
  explicit Runtime(Options options) : options_(std::move(options)) {}

  const Options options_;
  Lazy<Driver> driver_;
  Lazy<Compiler> compiler_;
  Lazy<CublasLt> blas_;
  Lazy<Cudnn> dnn_;
  absl::Mutex mutex_;
  int count_ ABSL_GUARDED_BY(mutex_) = -1;
  std::vector<std::unique_ptr<Gpu>> gpus_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<std::pair<std::string, int>,
                      std::shared_ptr<const std::string>>
      images_ ABSL_GUARDED_BY(mutex_);
  size_t image_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// A function that is loaded on a device.
class Kernel {
 public:
  Kernel(Gpu* gpu, ModuleHandle module, FunctionHandle function)
      : gpu_(gpu), module_(module), function_(function) {}
  ~Kernel();  // waits for the device
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;
  FunctionHandle function() const { return function_; }

 private:
  Gpu* const gpu_;
  const ModuleHandle module_;
  const FunctionHandle function_;
};

// Memory of a device for as long as it lives; counted against the call's
// budget.
class DeviceMemory {
 public:
  DeviceMemory(std::shared_ptr<Runtime> runtime, Gpu* gpu, MemoryBlock* block,
               Ref<MemoryBudget::Account> account, size_t counted)
      : runtime_(std::move(runtime)),
        gpu_(gpu),
        block_(block),
        account_(std::move(account)),
        counted_(counted) {}
  ~DeviceMemory();
  DeviceMemory(const DeviceMemory&) = delete;
  DeviceMemory& operator=(const DeviceMemory&) = delete;
  DevicePointer address() const { return block_->address; }
  MemoryBlock* block() const { return block_; }

 private:
  const std::shared_ptr<Runtime> runtime_;
  Gpu* const gpu_;
  MemoryBlock* const block_;
  const Ref<MemoryBudget::Account> account_;  // null: not counted
  const size_t counted_;
};

// One device. Work of a thread goes to its current stream: the device's own,
// or that of the innermost ScopedStream.
class Gpu {
 public:
  static absl::StatusOr<std::unique_ptr<Gpu>> Start(
      Runtime* runtime, std::shared_ptr<const Driver> driver, int index);
  ~Gpu();
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  Runtime& runtime() { return *runtime_; }
  const Driver& driver() const { return *driver_; }
  Allocator& allocator() { return *allocator_; }
  Device device() const {
    return Device{DeviceType::kCuda, static_cast<int8_t>(index_)};
  }
  int index() const { return index_; }
  int arch() const { return arch_; }  // 90 for compute capability 9.0
  int multiprocessors() const { return multiprocessors_; }
  const std::string& name() const { return name_; }
  // Threads of a block of our kernels.
  int block_size() const { return block_size_; }
  // The current stream of this thread.
  StreamHandle stream() const;

  // Binds the context to the calling thread; before any call of the driver.
  absl::Status MakeCurrent() const;
  absl::Status Check(Result result, absl::string_view call) const {
    return driver_->Check(result, call);
  }
  absl::Status Synchronize() const;  // the current stream

  absl::StatusOr<std::shared_ptr<DeviceMemory>> Allocate(size_t bytes);
  // Uninitialised tensors.
  absl::StatusOr<Tensor> Empty(DimSpan sizes, DType dtype);
  absl::StatusOr<Tensor> EmptyStrided(DimSpan sizes, DimSpan strides,
                                      DType dtype);
  // Bytes; the host's may be reused at once.
  absl::Status CopyToDevice(DevicePointer to, const void* from, size_t bytes);
  absl::Status CopyToHost(void* to, DevicePointer from, size_t bytes);
  absl::Status CopyOnDevice(DevicePointer to, DevicePointer from, size_t bytes);
  absl::Status SetZero(DevicePointer to, size_t bytes);

  // The kernel `name` of the source that `make` gives, compiled and loaded when
  // `key` is met first. Kept for good: keys are as many as there are operators
  // and dtypes.
  absl::StatusOr<const Kernel*> FindKernel(
      const std::string& key, const std::function<std::string()>& make);
  // The same for a source that is used by one group; the owner drops it.
  absl::StatusOr<std::shared_ptr<const Kernel>> LoadKernel(
      const std::string& source);
  // `args` is the kernel's one parameter, copied by the call.
  absl::Status Launch(const Kernel& kernel, int64_t blocks, int threads,
                      const void* args) const;
  // Kernels that were launched so far.
  int64_t launches() const { return launches_.load(std::memory_order_relaxed); }
  // Blocks that n elements need, at most so many as keep the device busy.
  int64_t BlocksFor(int64_t elements) const;

  // Handles of the libraries and their work space, used under the lock: cuDNN's
  // handle has one stream at a time.
  absl::StatusOr<CublasLtHandle> BlasHandle();
  absl::StatusOr<CudnnHandle> DnnHandle();
  absl::Mutex& dnn_mutex() { return dnn_mutex_; }

 private:
  Gpu(Runtime* runtime, std::shared_ptr<const Driver> driver, int index)
      : runtime_(runtime), driver_(std::move(driver)), index_(index) {}
  absl::Status Init();

  Runtime* const runtime_;
  const std::shared_ptr<const Driver> driver_;
  const int index_;
  DeviceNumber number_ = 0;
  ContextHandle context_ = nullptr;
  StreamHandle own_stream_ = nullptr;
  int arch_ = 0, multiprocessors_ = 1, block_size_ = 256;
  std::string name_;
  mutable std::atomic<int64_t> launches_{0};
  std::unique_ptr<Allocator> allocator_;
  absl::Mutex mutex_;
  absl::flat_hash_map<std::string, std::unique_ptr<const Kernel>> kernels_
      ABSL_GUARDED_BY(mutex_);
  CublasLtHandle blas_ ABSL_GUARDED_BY(mutex_) = nullptr;
  absl::Mutex dnn_mutex_;
  CudnnHandle dnn_ ABSL_GUARDED_BY(dnn_mutex_) = nullptr;
};

// A stream of its own.
class Stream {
 public:
  static absl::StatusOr<std::unique_ptr<Stream>> Create(Gpu* gpu);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  StreamHandle handle() const { return handle_; }
  Gpu* gpu() const { return gpu_; }
  // What is enqueued on this stream from now on waits for what `other` has.
  absl::Status WaitFor(StreamHandle other) const;
  // And the other way round.
  absl::Status Join(StreamHandle other) const;

 private:
  Stream(Gpu* gpu, StreamHandle handle) : gpu_(gpu), handle_(handle) {}
  Gpu* const gpu_;
  const StreamHandle handle_;
};

// Work that this thread gives to the stream's device goes to that stream.
class ScopedStream {
 public:
  explicit ScopedStream(const Stream& stream);
  ~ScopedStream();
  ScopedStream(const ScopedStream&) = delete;
  ScopedStream& operator=(const ScopedStream&) = delete;

 private:
  friend class Gpu;
  const Stream& stream_;
  const ScopedStream* const previous_;
};

inline DevicePointer AddressOf(const Tensor& t) {
  return reinterpret_cast<DevicePointer>(t.raw_data());
}

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_RUNTIME_H_
