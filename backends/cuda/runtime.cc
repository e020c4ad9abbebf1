#include "tandem/backends/cuda/runtime.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

// The innermost scope of this thread.
const ScopedStream*& CurrentScope() {
  static thread_local const ScopedStream* scope = nullptr;
  return scope;
}

// Compiled sources that are kept, in bytes of source and code.
constexpr size_t kMaxImageBytes = size_t{256} << 20;

}  // namespace

// ---- Runtime

std::shared_ptr<Runtime> Runtime::Create(Options options) {
  return std::shared_ptr<Runtime>(new Runtime(std::move(options)));
}

Runtime::~Runtime() = default;

absl::StatusOr<Gpu*> Runtime::Get(int index) {
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const Driver> driver,
                          driver_.Get(options_.libraries.driver));
  absl::MutexLock lock(&mutex_);
  if (count_ < 0) {
    int count = 0;
    TANDEM_RETURN_IF_ERROR(
        driver->Check(driver->DeviceGetCount(&count), "cuDeviceGetCount"));
    count_ = count;
    gpus_.resize(static_cast<size_t>(std::max(count, 0)));
  }
  if (count_ == 0) {
    return absl::NotFoundError(
        "no NVIDIA device: the driver is there, but no GPU that it sees");
  }
  if (index < 0) index = 0;
  if (index >= count_) {
    return absl::InvalidArgumentError(
        absl::StrCat("CUDA error: invalid device ordinal: cuda:", index,
                     " where there are ", count_, " devices"));
  }
  std::unique_ptr<Gpu>& gpu = gpus_[static_cast<size_t>(index)];
  if (gpu == nullptr) {
    TANDEM_ASSIGN_OR_RETURN(gpu, Gpu::Start(this, driver, index));
  }
  return gpu.get();
}

absl::Status Runtime::Synchronize() {
  std::vector<Gpu*> started;
  {
    absl::MutexLock lock(&mutex_);
    for (const auto& gpu : gpus_) {
      if (gpu != nullptr) started.push_back(gpu.get());
    }
  }
  for (Gpu* gpu : started) TANDEM_RETURN_IF_ERROR(gpu->Synchronize());
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const std::string>> Runtime::Compile(
    const std::string& source, int arch) {
  const std::pair<std::string, int> key(source, arch);
  {
    absl::MutexLock lock(&mutex_);
    if (const auto it = images_.find(key); it != images_.end()) {
      return it->second;
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const Compiler> compiler,
                          compiler_.Get(options_.libraries.compiler));
  TANDEM_ASSIGN_OR_RETURN(std::string made, compiler->Compile(source, arch));
  auto image = std::make_shared<const std::string>(std::move(made));
  absl::MutexLock lock(&mutex_);
  // Beyond the bound the cache starts anew: what is loaded stays loaded.
  if (image_bytes_ > kMaxImageBytes) {
    images_.clear();
    image_bytes_ = 0;
  }
  image_bytes_ += source.size() + image->size();
  images_[key] = image;
  return image;
}

absl::StatusOr<std::shared_ptr<const CublasLt>> Runtime::Blas() {
  return blas_.Get(options_.libraries.blas);
}

absl::StatusOr<std::shared_ptr<const Cudnn>> Runtime::Dnn() {
  return dnn_.Get(options_.libraries.dnn);
}

// ---- Memory and kernels

DeviceMemory::~DeviceMemory() {
  if (gpu_->MakeCurrent().ok()) gpu_->allocator().Free(block_);
  if (account_) account_->Give(static_cast<int64_t>(counted_));
}

Kernel::~Kernel() {
  if (!gpu_->MakeCurrent().ok()) return;
  // What runs it may still be queued.
  gpu_->driver().StreamSynchronize(gpu_->stream());
  gpu_->driver().ModuleUnload(module_);
}

// ---- Gpu

absl::StatusOr<std::unique_ptr<Gpu>> Gpu::Start(
    Runtime* runtime, std::shared_ptr<const Driver> driver, int index) {
  std::unique_ptr<Gpu> gpu(new Gpu(runtime, std::move(driver), index));
  TANDEM_RETURN_IF_ERROR(gpu->Init());
  return gpu;
}

absl::Status Gpu::Init() {
  TANDEM_RETURN_IF_ERROR(
      Check(driver_->DeviceGet(&number_, index_), "cuDeviceGet"));
  char name[256] = {};
  TANDEM_RETURN_IF_ERROR(
      Check(driver_->DeviceGetName(name, sizeof(name) - 1, number_),
            "cuDeviceGetName"));
  name_ = name;
  int major = 0, minor = 0, threads = 256;
  const auto attribute = [&](int which, int* value) {
    return Check(driver_->DeviceGetAttribute(value, which, number_),
                 "cuDeviceGetAttribute");
  };
  TANDEM_RETURN_IF_ERROR(attribute(kComputeCapabilityMajor, &major));
  TANDEM_RETURN_IF_ERROR(attribute(kComputeCapabilityMinor, &minor));
  TANDEM_RETURN_IF_ERROR(attribute(kMultiprocessorCount, &multiprocessors_));
  TANDEM_RETURN_IF_ERROR(attribute(kMaxThreadsPerBlock, &threads));
  arch_ = major * 10 + minor;
  // A power of two: reductions within a block halve it.
  while (block_size_ > threads) block_size_ /= 2;
  TANDEM_RETURN_IF_ERROR(Check(driver_->PrimaryCtxRetain(&context_, number_),
                               "cuDevicePrimaryCtxRetain"));
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  TANDEM_RETURN_IF_ERROR(
      Check(driver_->StreamCreate(&own_stream_, kStreamNonBlocking),
            "cuStreamCreate"));
  allocator_ = std::make_unique<Allocator>(
      driver_.get(), runtime_->options().max_cached_bytes);
  return absl::OkStatus();
}

Gpu::~Gpu() {
  if (context_ == nullptr) return;
  if (MakeCurrent().ok()) {
    if (own_stream_ != nullptr) driver_->StreamSynchronize(own_stream_);
    {
      absl::MutexLock lock(&mutex_);
      kernels_.clear();
      if (blas_ != nullptr) {
        if (auto blas = runtime_->Blas(); blas.ok()) (*blas)->Destroy(blas_);
      }
    }
    {
      absl::MutexLock lock(&dnn_mutex_);
      if (dnn_ != nullptr) {
        if (auto dnn = runtime_->Dnn(); dnn.ok()) (*dnn)->Destroy(dnn_);
      }
    }
    allocator_.reset();
    if (own_stream_ != nullptr) driver_->StreamDestroy(own_stream_);
  }
  driver_->PrimaryCtxRelease(number_);
}

StreamHandle Gpu::stream() const {
  for (const ScopedStream* s = CurrentScope(); s != nullptr; s = s->previous_) {
    if (s->stream_.gpu() == this) return s->stream_.handle();
  }
  return own_stream_;
}

absl::Status Gpu::MakeCurrent() const {
  return Check(driver_->CtxSetCurrent(context_), "cuCtxSetCurrent");
}

absl::Status Gpu::Synchronize() const {
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  return Check(driver_->StreamSynchronize(stream()), "cuStreamSynchronize");
}

absl::StatusOr<std::shared_ptr<DeviceMemory>> Gpu::Allocate(size_t bytes) {
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  MemoryBudget* budget = CurrentContext().memory;
  if (budget != nullptr && !budget->Take(static_cast<int64_t>(bytes))) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "out of memory: a tensor needs ", bytes, " bytes, the limit is ",
        budget->limit(), " bytes of which ", budget->used(), " are in use"));
  }
  const absl::StatusOr<MemoryBlock*> block =
      allocator_->Allocate(bytes, stream());
  if (!block.ok()) {
    if (budget != nullptr) budget->Give(static_cast<int64_t>(bytes));
    return block.status();
  }
  return std::make_shared<DeviceMemory>(
      runtime_->shared_from_this(), this, *block,
      budget == nullptr ? nullptr : budget->account(), bytes);
}

absl::StatusOr<Tensor> Gpu::Empty(DimSpan sizes, DType dtype) {
  return EmptyStrided(sizes, ContiguousStrides(sizes), dtype);
}

absl::StatusOr<Tensor> Gpu::EmptyStrided(DimSpan sizes, DimSpan strides,
                                         DType dtype) {
  // Checks sizes, dtype and overflow, and knows the bytes.
  TANDEM_ASSIGN_OR_RETURN(const Tensor shape,
                          Tensor::Meta(sizes, strides, dtype));
  const size_t bytes = shape.storage()->bytes();
  if (ElementSize(dtype) == 0) {
    return absl::InvalidArgumentError("a tensor needs a dtype that there is");
  }
  Ref<Storage> storage;
  if (bytes == 0) {
    storage = Storage::Borrow(nullptr, 0, nullptr, true);
  } else {
    TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<DeviceMemory> memory,
                            Allocate(bytes));
    storage = Storage::Borrow(reinterpret_cast<void*>(memory->address()), bytes,
                              memory, true);
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::OverStorage(std::move(storage), 0,
                                                        sizes, strides, dtype));
  t.impl()->device = device();
  return t;
}

absl::Status Gpu::CopyToDevice(DevicePointer to, const void* from,
                               size_t bytes) {
  if (bytes == 0) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  // From pageable memory: the driver has read it when the call returns.
  return Check(driver_->MemcpyHtoDAsync(to, from, bytes, stream()),
               "cuMemcpyHtoDAsync");
}

absl::Status Gpu::CopyToHost(void* to, DevicePointer from, size_t bytes) {
  if (bytes == 0) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  TANDEM_RETURN_IF_ERROR(
      Check(driver_->MemcpyDtoHAsync(to, from, bytes, stream()),
            "cuMemcpyDtoHAsync"));
  return Synchronize();
}

absl::Status Gpu::CopyOnDevice(DevicePointer to, DevicePointer from,
                               size_t bytes) {
  if (bytes == 0) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  return Check(driver_->MemcpyDtoDAsync(to, from, bytes, stream()),
               "cuMemcpyDtoDAsync");
}

absl::Status Gpu::SetZero(DevicePointer to, size_t bytes) {
  if (bytes == 0) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  return Check(driver_->MemsetD8Async(to, 0, bytes, stream()),
               "cuMemsetD8Async");
}

absl::StatusOr<std::shared_ptr<const Kernel>> Gpu::LoadKernel(
    const std::string& source) {
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> image,
                          runtime_->Compile(source, arch_));
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  ModuleHandle module = nullptr;
  TANDEM_RETURN_IF_ERROR(Check(driver_->ModuleLoadData(&module, image->c_str()),
                               "cuModuleLoadData"));
  FunctionHandle function = nullptr;
  const Result result =
      driver_->ModuleGetFunction(&function, module, "tandem_kernel");
  if (result != kSuccess) {
    driver_->ModuleUnload(module);
    return Check(result, "cuModuleGetFunction");
  }
  return std::make_shared<const Kernel>(this, module, function);
}

absl::StatusOr<const Kernel*> Gpu::FindKernel(
    const std::string& key, const std::function<std::string()>& make) {
  {
    absl::MutexLock lock(&mutex_);
    if (const auto it = kernels_.find(key); it != kernels_.end()) {
      return it->second.get();
    }
  }
  const std::string source = make();
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> image,
                          runtime_->Compile(source, arch_));
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  absl::MutexLock lock(&mutex_);
  std::unique_ptr<const Kernel>& kernel = kernels_[key];
  if (kernel != nullptr) return kernel.get();
  ModuleHandle module = nullptr;
  TANDEM_RETURN_IF_ERROR(Check(driver_->ModuleLoadData(&module, image->c_str()),
                               "cuModuleLoadData"));
  FunctionHandle function = nullptr;
  TANDEM_RETURN_IF_ERROR(
      Check(driver_->ModuleGetFunction(&function, module, "tandem_kernel"),
            "cuModuleGetFunction"));
  kernel = std::make_unique<const Kernel>(this, module, function);
  return kernel.get();
}

absl::Status Gpu::Launch(const Kernel& kernel, int64_t blocks, int threads,
                         const void* args) const {
  if (blocks <= 0) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  launches_.fetch_add(1, std::memory_order_relaxed);
  void* parameters[] = {const_cast<void*>(args)};
  return Check(driver_->LaunchKernel(
                   kernel.function(),
                   static_cast<unsigned>(std::min<int64_t>(blocks, INT32_MAX)),
                   1, 1, static_cast<unsigned>(threads), 1, 1, 0, stream(),
                   parameters, nullptr),
               "cuLaunchKernel");
}

int64_t Gpu::BlocksFor(int64_t elements) const {
  const int64_t all = (elements + block_size_ - 1) / block_size_;
  return std::min<int64_t>(all, int64_t{64} * multiprocessors_);
}

absl::StatusOr<CublasLtHandle> Gpu::BlasHandle() {
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const CublasLt> blas,
                          runtime_->Blas());
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  absl::MutexLock lock(&mutex_);
  if (blas_ == nullptr) {
    TANDEM_RETURN_IF_ERROR(
        CheckBlas(*blas, blas->Create(&blas_), "cublasLtCreate"));
  }
  return blas_;
}

absl::StatusOr<CudnnHandle> Gpu::DnnHandle() {
  dnn_mutex_.AssertHeld();
  TANDEM_ASSIGN_OR_RETURN(const std::shared_ptr<const Cudnn> dnn,
                          runtime_->Dnn());
  TANDEM_RETURN_IF_ERROR(MakeCurrent());
  if (dnn_ == nullptr) {
    TANDEM_RETURN_IF_ERROR(CheckDnn(*dnn, dnn->Create(&dnn_), "cudnnCreate"));
  }
  TANDEM_RETURN_IF_ERROR(
      CheckDnn(*dnn, dnn->SetStream(dnn_, stream()), "cudnnSetStream"));
  return dnn_;
}

// ---- Streams

absl::StatusOr<std::unique_ptr<Stream>> Stream::Create(Gpu* gpu) {
  TANDEM_RETURN_IF_ERROR(gpu->MakeCurrent());
  StreamHandle handle = nullptr;
  TANDEM_RETURN_IF_ERROR(
      gpu->Check(gpu->driver().StreamCreate(&handle, kStreamNonBlocking),
                 "cuStreamCreate"));
  return std::unique_ptr<Stream>(new Stream(gpu, handle));
}

Stream::~Stream() {
  if (!gpu_->MakeCurrent().ok()) return;
  gpu_->driver().StreamSynchronize(handle_);
  gpu_->allocator().Retire(handle_);
  gpu_->driver().StreamDestroy(handle_);
}

namespace {

absl::Status Order(Gpu* gpu, StreamHandle first, StreamHandle then) {
  if (first == then) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(gpu->MakeCurrent());
  const Driver& driver = gpu->driver();
  EventHandle event = nullptr;
  TANDEM_RETURN_IF_ERROR(gpu->Check(
      driver.EventCreate(&event, kEventDisableTiming), "cuEventCreate"));
  absl::Status status =
      gpu->Check(driver.EventRecord(event, first), "cuEventRecord");
  if (status.ok()) {
    status =
        gpu->Check(driver.StreamWaitEvent(then, event, 0), "cuStreamWaitEvent");
  }
  // The driver keeps what is recorded until it has happened.
  driver.EventDestroy(event);
  return status;
}

}  // namespace

absl::Status Stream::WaitFor(StreamHandle other) const {
  return Order(gpu_, other, handle_);
}

absl::Status Stream::Join(StreamHandle other) const {
  return Order(gpu_, handle_, other);
}

ScopedStream::ScopedStream(const Stream& stream)
    : stream_(stream), previous_(std::exchange(CurrentScope(), this)) {}

ScopedStream::~ScopedStream() { CurrentScope() = previous_; }

}  // namespace tandem::cuda
