#include "tandem/backends/cuda/fake_driver.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/mutex.h"

namespace tandem::cuda {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kArena = size_t{1} << 36;  // addresses, not memory
constexpr size_t kFiberStack = size_t{128} << 10;

// As the prelude's HostThread.
struct Index {
  unsigned x, y, z;
};
struct HostThread {
  Index thread, block, block_size, grid_size;
  void (*barrier)();
};

struct FakeModule {
  void* library = nullptr;
  void (*kernel)(const void*) = nullptr;
  HostThread** current = nullptr;
  const unsigned long* args_bytes = nullptr;  // NOLINT: as exported
  bool barriers = false;
};

// The threads of a block as fibers that take turns at barriers.
class BlockRunner {
 public:
  void Run(const FakeModule& module, const void* args, HostThread thread,
           unsigned count) {
    module_ = &module;
    args_ = args;
    threads_.assign(count, thread);
    fibers_.resize(count);
    stacks_.resize(count);
    done_.assign(count, false);
    active_ = this;
    for (unsigned i = 0; i < count; ++i) {
      threads_[i].thread.x = i;
      threads_[i].barrier = &Barrier;
      stacks_[i].resize(kFiberStack);
      getcontext(&fibers_[i]);
      fibers_[i].uc_stack.ss_sp = stacks_[i].data();
      fibers_[i].uc_stack.ss_size = kFiberStack;
      fibers_[i].uc_link = &main_;
      makecontext(&fibers_[i], &Start, 0);
    }
    // One turn each, from barrier to barrier.
    bool any = true;
    while (any) {
      any = false;
      for (unsigned i = 0; i < count; ++i) {
        if (done_[i]) continue;
        any = true;
        now_ = i;
        *module.current = &threads_[i];
        swapcontext(&main_, &fibers_[i]);
      }
    }
    active_ = nullptr;
  }

 private:
  static void Start() {
    BlockRunner* self = active_;
    const unsigned me = self->now_;
    self->module_->kernel(self->args_);
    self->done_[me] = true;
  }
  static void Barrier() {
    BlockRunner* self = active_;
    swapcontext(&self->fibers_[self->now_], &self->main_);
  }

  static thread_local BlockRunner* active_;
  const FakeModule* module_ = nullptr;
  const void* args_ = nullptr;
  std::vector<HostThread> threads_;
  std::vector<ucontext_t> fibers_;
  std::vector<std::vector<char>> stacks_;
  std::vector<bool> done_;
  ucontext_t main_;
  unsigned now_ = 0;
};
thread_local BlockRunner* BlockRunner::active_ = nullptr;

struct FakeEvent {
  StreamHandle stream = nullptr;
  int64_t wanted = 0;  // recordings
  int64_t reached = 0;
};

struct Step {
  std::function<void()> run;
  FakeEvent* wait = nullptr;  // for its recording number
  int64_t wait_for = 0;
  FakeEvent* record = nullptr;
  int64_t number = 0;
};

struct FakeGraph {
  std::vector<std::function<void()>> steps;
};

struct FakeStream {
  std::deque<Step> queue;
  std::unique_ptr<FakeGraph> capture;
};

class HostDriver final : public FakeDriver {
 public:
  explicit HostDriver(const Options& options) : options_(options) {
    arena_ = static_cast<char*>(
        mmap(nullptr, kArena, PROT_NONE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  }
  ~HostDriver() override {
    for (FakeEvent* e : dead_events_) delete e;
    munmap(arena_, kArena);
  }

  std::string Faults() const override {
    absl::MutexLock lock(&mutex_);
    return absl::StrJoin(faults_, "\n");
  }
  std::string Leaks() const override {
    absl::MutexLock lock(&mutex_);
    std::vector<std::string> leaks;
    const auto add = [&](size_t n, const char* what) {
      if (n > 0) leaks.push_back(absl::StrCat(n, " ", what));
    };
    add(blocks_.size(), "allocations");
    add(streams_.size(), "streams");
    add(events_.size(), "events");
    add(modules_.size(), "modules");
    add(graphs_.size(), "graphs");
    add(execs_.size(), "executable graphs");
    add(static_cast<size_t>(retained_), "contexts");
    return absl::StrJoin(leaks, ", ");
  }
  Counts counts() const override {
    absl::MutexLock lock(&mutex_);
    return counts_;
  }
  void FailAllocations(int count) override {
    absl::MutexLock lock(&mutex_);
    fail_ = count;
  }
  Result Enqueue(StreamHandle stream,
                 std::function<void()> run) const override {
    absl::MutexLock lock(&mutex_);
    return Put(stream, std::move(run));
  }

  Result Init(unsigned) const override { return kSuccess; }
  Result DriverGetVersion(int* version) const override {
    *version = 13000;
    return kSuccess;
  }
  Result DeviceGetCount(int* count) const override {
    *count = options_.devices;
    return options_.devices == 0 ? kErrorNoDevice : kSuccess;
  }
  Result DeviceGet(DeviceNumber* device, int ordinal) const override {
    *device = ordinal;
    return ordinal < options_.devices ? kSuccess : kErrorInvalidValue;
  }
  Result DeviceGetName(char* name, int length, DeviceNumber) const override {
    std::strncpy(name, "fake", static_cast<size_t>(length));
    return kSuccess;
  }
  Result DeviceGetAttribute(int* value, int attribute,
                            DeviceNumber) const override {
    switch (attribute) {
      case kMaxThreadsPerBlock:
        *value = options_.threads_per_block;
        return kSuccess;
      case kMultiprocessorCount:
        *value = 2;
        return kSuccess;
      case kComputeCapabilityMajor:
        *value = 9;
        return kSuccess;
      case kComputeCapabilityMinor:
        *value = 0;
        return kSuccess;
      default:
        return kErrorInvalidValue;
    }
  }
  Result PrimaryCtxRetain(ContextHandle* context,
                          DeviceNumber device) const override {
    absl::MutexLock lock(&mutex_);
    ++retained_;
    *context =
        reinterpret_cast<ContextHandle>(static_cast<intptr_t>(device) + 1);
    return kSuccess;
  }
  Result PrimaryCtxRelease(DeviceNumber) const override {
    absl::MutexLock lock(&mutex_);
    --retained_;
    return kSuccess;
  }
  Result CtxSetCurrent(ContextHandle context) const override {
    return context == nullptr ? kErrorInvalidValue : kSuccess;
  }

  Result MemAlloc(DevicePointer* pointer, size_t bytes) const override {
    absl::MutexLock lock(&mutex_);
    if (fail_ > 0) {
      --fail_;
      return kErrorOutOfMemory;
    }
    const size_t size = (bytes + kPage - 1) / kPage * kPage;
    if (bytes == 0) return Fault("cuMemAlloc of nothing", kErrorInvalidValue);
    if (counts_.live_bytes + size > options_.memory_bytes) {
      return kErrorOutOfMemory;
    }
    // Addresses are used once, and a page apart.
    if (next_ + size + kPage > kArena) return kErrorOutOfMemory;
    char* at = arena_ + next_;
    next_ += size + kPage;
    blocks_[at] = size;
    counts_.live_bytes += size;
    ++counts_.allocations;
    // What nobody wrote is no number.
    mprotect(at, size, PROT_READ | PROT_WRITE);
    std::memset(at, 0xff, size);
    mprotect(at, size, PROT_NONE);
    *pointer = reinterpret_cast<DevicePointer>(at);
    return kSuccess;
  }
  Result MemFree(DevicePointer pointer) const override {
    absl::MutexLock lock(&mutex_);
    for (auto& [handle, stream] : streams_) Drain(*stream);
    const auto it = blocks_.find(reinterpret_cast<char*>(pointer));
    if (it == blocks_.end()) {
      return Fault("cuMemFree of an unknown address", kErrorInvalidValue);
    }
    counts_.live_bytes -= it->second;
    madvise(it->first, it->second, MADV_DONTNEED);
    blocks_.erase(it);
    return kSuccess;
  }
  Result MemGetInfo(size_t* free, size_t* total) const override {
    absl::MutexLock lock(&mutex_);
    *total = options_.memory_bytes;
    *free = options_.memory_bytes - counts_.live_bytes;
    return kSuccess;
  }
  Result MemcpyHtoDAsync(DevicePointer to, const void* from, size_t bytes,
                         StreamHandle stream) const override {
    absl::MutexLock lock(&mutex_);
    if (!IsInside(to, bytes)) {
      return Fault("cuMemcpyHtoD past an allocation", kErrorInvalidValue);
    }
    if (IsCapturing(stream)) {
      return Fault("a copy from pageable memory in a capture",
                   kErrorCaptureUnsupported);
    }
    // Pageable memory is read before the call returns.
    auto staged =
        std::make_shared<std::string>(static_cast<const char*>(from), bytes);
    return Put(stream, [this, to, staged] {
      Move(reinterpret_cast<char*>(to), staged->data(), staged->size(), true,
           false);
    });
  }
  Result MemcpyDtoHAsync(void* to, DevicePointer from, size_t bytes,
                         StreamHandle stream) const override {
    absl::MutexLock lock(&mutex_);
    if (!IsInside(from, bytes)) {
      return Fault("cuMemcpyDtoH past an allocation", kErrorInvalidValue);
    }
    if (IsCapturing(stream)) {
      return Fault("a copy to pageable memory in a capture",
                   kErrorCaptureUnsupported);
    }
    return Put(stream, [this, to, from, bytes] {
      Move(to, reinterpret_cast<const char*>(from), bytes, false, true);
    });
  }
  Result MemcpyDtoDAsync(DevicePointer to, DevicePointer from, size_t bytes,
                         StreamHandle stream) const override {
    absl::MutexLock lock(&mutex_);
    if (!IsInside(to, bytes) || !IsInside(from, bytes)) {
      return Fault("cuMemcpyDtoD past an allocation", kErrorInvalidValue);
    }
    return Put(stream, [this, to, from, bytes] {
      Move(reinterpret_cast<char*>(to), reinterpret_cast<const char*>(from),
           bytes, true, true);
    });
  }
  Result MemsetD8Async(DevicePointer to, unsigned char value, size_t count,
                       StreamHandle stream) const override {
    absl::MutexLock lock(&mutex_);
    if (!IsInside(to, count)) {
      return Fault("cuMemsetD8 past an allocation", kErrorInvalidValue);
    }
    return Put(stream, [this, to, value, count] {
      if (IsInside(to, count)) {
        std::memset(reinterpret_cast<void*>(to), value, count);
      } else {
        Fault("cuMemsetD8 of freed memory", 0);
      }
    });
  }

  Result StreamCreate(StreamHandle* stream, unsigned) const override {
    absl::MutexLock lock(&mutex_);
    *stream = NewHandle<StreamHandle>();
    streams_[*stream] = std::make_unique<FakeStream>();
    return kSuccess;
  }
  Result StreamDestroy(StreamHandle stream) const override {
    absl::MutexLock lock(&mutex_);
    FakeStream* s = Find(stream);
    if (s == nullptr) return kErrorInvalidValue;
    Drain(*s);
    streams_.erase(stream);
    return kSuccess;
  }
  Result StreamSynchronize(StreamHandle stream) const override {
    absl::MutexLock lock(&mutex_);
    FakeStream* s = Find(stream);
    if (s == nullptr) return kErrorInvalidValue;
    if (s->capture != nullptr) return kErrorCaptureUnsupported;
    Drain(*s);
    return kSuccess;
  }
  Result StreamWaitEvent(StreamHandle stream, EventHandle event,
                         unsigned) const override {
    absl::MutexLock lock(&mutex_);
    FakeStream* s = Find(stream);
    FakeEvent* e = Find(event);
    if (s == nullptr || e == nullptr) return kErrorInvalidValue;
    if (s->capture != nullptr) return kErrorCaptureUnsupported;
    Step step;
    step.wait = e;
    step.wait_for = e->wanted;
    s->queue.push_back(std::move(step));
    return kSuccess;
  }
  Result EventCreate(EventHandle* event, unsigned) const override {
    absl::MutexLock lock(&mutex_);
    *event = reinterpret_cast<EventHandle>(new FakeEvent());
    events_.insert(*event);
    return kSuccess;
  }
  Result EventDestroy(EventHandle event) const override {
    absl::MutexLock lock(&mutex_);
    FakeEvent* e = Find(event);
    if (e == nullptr) return kErrorInvalidValue;
    events_.erase(event);
    dead_events_.push_back(e);  // steps may still name it
    return kSuccess;
  }
  Result EventRecord(EventHandle event, StreamHandle stream) const override {
    absl::MutexLock lock(&mutex_);
    FakeStream* s = Find(stream);
    FakeEvent* e = Find(event);
    if (s == nullptr || e == nullptr) return kErrorInvalidValue;
    if (s->capture != nullptr) return kErrorCaptureUnsupported;
    e->stream = stream;
    Step step;
    step.record = e;
    step.number = ++e->wanted;
    s->queue.push_back(std::move(step));
    return kSuccess;
  }
  Result EventQuery(EventHandle event) const override {
    absl::MutexLock lock(&mutex_);
    FakeEvent* e = Find(event);
    if (e == nullptr) return kErrorInvalidValue;
    return e->reached >= e->wanted ? kSuccess : kErrorNotReady;
  }
  Result EventSynchronize(EventHandle event) const override {
    absl::MutexLock lock(&mutex_);
    FakeEvent* e = Find(event);
    if (e == nullptr) return kErrorInvalidValue;
    Reach(*e, e->wanted);
    return kSuccess;
  }

  Result ModuleLoadData(ModuleHandle* module,
                        const void* image) const override {
    // "FAKE barriers path"
    const std::vector<std::string> words =
        absl::StrSplit(static_cast<const char*>(image), ' ');
    if (words.size() != 3 || words[0] != "FAKE") return kErrorInvalidValue;
    auto made = std::make_unique<FakeModule>();
    made->barriers = words[1] == "1";
    made->library = dlopen(words[2].c_str(), RTLD_NOW | RTLD_LOCAL);
    if (made->library == nullptr) return kErrorInvalidValue;
    made->kernel = reinterpret_cast<void (*)(const void*)>(
        dlsym(made->library, "tandem_kernel"));
    made->current =
        static_cast<HostThread**>(dlsym(made->library, "tandem_host"));
    made->args_bytes = static_cast<const unsigned long*>(  // NOLINT
        dlsym(made->library, "tandem_args_bytes"));
    if (made->args_bytes == nullptr) return kErrorInvalidValue;
    absl::MutexLock lock(&mutex_);
    *module = NewHandle<ModuleHandle>();
    modules_[*module] = std::move(made);
    ++counts_.modules;
    return kSuccess;
  }
  Result ModuleUnload(ModuleHandle module) const override {
    absl::MutexLock lock(&mutex_);
    const auto it = modules_.find(module);
    if (it == modules_.end()) return kErrorInvalidValue;
    for (auto& [handle, stream] : streams_) Drain(*stream);
    dlclose(it->second->library);
    modules_.erase(it);
    return kSuccess;
  }
  Result ModuleGetFunction(FunctionHandle* function, ModuleHandle module,
                           const char*) const override {
    absl::MutexLock lock(&mutex_);
    const auto it = modules_.find(module);
    if (it == modules_.end() || it->second->kernel == nullptr) {
      return kErrorInvalidValue;
    }
    *function = reinterpret_cast<FunctionHandle>(it->second.get());
    return kSuccess;
  }
  Result LaunchKernel(FunctionHandle function, unsigned grid_x, unsigned grid_y,
                      unsigned grid_z, unsigned block_x, unsigned block_y,
                      unsigned block_z, unsigned, StreamHandle stream,
                      void** parameters, void**) const override {
    absl::MutexLock lock(&mutex_);
    if (grid_x == 0 || grid_y != 1 || grid_z != 1 || block_y != 1 ||
        block_z != 1 || block_x == 0 ||
        block_x > static_cast<unsigned>(options_.threads_per_block)) {
      return Fault("a launch that the fake does not know", kErrorInvalidValue);
    }
    const auto* module = reinterpret_cast<const FakeModule*>(function);
    auto args = std::make_shared<std::string>(
        static_cast<const char*>(parameters[0]), *module->args_bytes);
    ++counts_.launches;
    return Put(stream, [module, args, grid_x, block_x] {
      HostThread thread{};
      thread.block_size = {block_x, 1, 1};
      thread.grid_size = {grid_x, 1, 1};
      for (unsigned b = 0; b < grid_x; ++b) {
        thread.block = {b, 0, 0};
        if (module->barriers) {
          BlockRunner runner;
          runner.Run(*module, args->data(), thread, block_x);
          continue;
        }
        *module->current = &thread;
        for (unsigned t = 0; t < block_x; ++t) {
          thread.thread = {t, 0, 0};
          module->kernel(args->data());
        }
      }
    });
  }

  Result StreamBeginCapture(StreamHandle stream, int) const override {
    absl::MutexLock lock(&mutex_);
    FakeStream* s = Find(stream);
    if (s == nullptr || s->capture != nullptr) return kErrorInvalidValue;
    s->capture = std::make_unique<FakeGraph>();
    return kSuccess;
  }
  Result StreamEndCapture(StreamHandle stream,
                          GraphHandle* graph) const override {
    absl::MutexLock lock(&mutex_);
    FakeStream* s = Find(stream);
    if (s == nullptr || s->capture == nullptr) return kErrorInvalidValue;
    *graph = NewHandle<GraphHandle>();
    graphs_[*graph] = std::move(s->capture);
    s->capture = nullptr;
    return kSuccess;
  }
  Result GraphInstantiate(GraphExecHandle* exec, GraphHandle graph,
                          unsigned long long) const override {
    absl::MutexLock lock(&mutex_);
    const auto it = graphs_.find(graph);
    if (it == graphs_.end()) return kErrorInvalidValue;
    *exec = NewHandle<GraphExecHandle>();
    execs_[*exec] = std::make_unique<FakeGraph>(*it->second);
    return kSuccess;
  }
  Result GraphLaunch(GraphExecHandle exec, StreamHandle stream) const override {
    absl::MutexLock lock(&mutex_);
    const auto it = execs_.find(exec);
    if (it == execs_.end()) return kErrorInvalidValue;
    ++counts_.graph_launches;
    for (const auto& step : it->second->steps) {
      if (const Result r = Put(stream, step); r != kSuccess) return r;
    }
    return kSuccess;
  }
  Result GraphDestroy(GraphHandle graph) const override {
    absl::MutexLock lock(&mutex_);
    return graphs_.erase(graph) == 1 ? kSuccess : kErrorInvalidValue;
  }
  Result GraphExecDestroy(GraphExecHandle exec) const override {
    absl::MutexLock lock(&mutex_);
    return execs_.erase(exec) == 1 ? kSuccess : kErrorInvalidValue;
  }
  Result GetErrorName(Result result, const char** text) const override {
    *text = result == kErrorOutOfMemory ? "CUDA_ERROR_OUT_OF_MEMORY"
                                        : "CUDA_ERROR_FAKE";
    return kSuccess;
  }
  Result GetErrorString(Result, const char** text) const override {
    *text = "an error of the fake driver";
    return kSuccess;
  }

 private:
  template <typename T>
  T NewHandle() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return reinterpret_cast<T>(++handles_ << 4);
  }
  Result Fault(std::string text, Result result) const {
    faults_.push_back(std::move(text));
    return result;
  }
  FakeStream* Find(StreamHandle stream) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const auto it = streams_.find(stream);
    if (it != streams_.end()) return it->second.get();
    Fault("an unknown stream", 0);
    return nullptr;
  }
  FakeEvent* Find(EventHandle event) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (events_.count(event) == 1) return reinterpret_cast<FakeEvent*>(event);
    Fault("an unknown event", 0);
    return nullptr;
  }
  bool IsCapturing(StreamHandle stream) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const FakeStream* s = Find(stream);
    return s != nullptr && s->capture != nullptr;
  }
  bool IsInside(DevicePointer pointer, size_t bytes) const {
    char* at = reinterpret_cast<char*>(pointer);
    auto it = blocks_.upper_bound(at);
    if (it == blocks_.begin()) return false;
    --it;
    return at + bytes <= it->first + it->second;
  }
  // Within a step: memory is accessible.
  void Move(void* to, const void* from, size_t bytes, bool to_device,
            bool from_device) const {
    if ((to_device && !IsInside(reinterpret_cast<DevicePointer>(to), bytes)) ||
        (from_device &&
         !IsInside(reinterpret_cast<DevicePointer>(from), bytes))) {
      Fault("a copy of freed memory", 0);
      return;
    }
    std::memmove(to, from, bytes);
  }
  Result Put(StreamHandle stream, std::function<void()> run) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    FakeStream* s = Find(stream);
    if (s == nullptr) return kErrorInvalidValue;
    if (s->capture != nullptr) {
      s->capture->steps.push_back(std::move(run));
      return kSuccess;
    }
    Step step;
    step.run = std::move(run);
    s->queue.push_back(std::move(step));
    return kSuccess;
  }
  // Memory is there while steps run, which may make others run first.
  void Open() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (open_++ == 0) Protect(PROT_READ | PROT_WRITE);
  }
  void Close() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (--open_ == 0) Protect(PROT_NONE);
  }
  void Protect(int how) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    for (const auto& [at, size] : blocks_) mprotect(at, size, how);
  }
  void Drain(FakeStream& stream) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (stream.queue.empty()) return;
    Open();
    while (!stream.queue.empty()) RunOne(stream);
    Close();
  }
  void RunOne(FakeStream& stream) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    const Step step = std::move(stream.queue.front());
    stream.queue.pop_front();
    if (step.wait != nullptr) Reach(*step.wait, step.wait_for);
    if (step.run) step.run();
    if (step.record != nullptr) {
      step.record->reached = std::max(step.record->reached, step.number);
    }
  }
  void Reach(FakeEvent& event, int64_t number) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    if (event.reached >= number) return;
    const auto it = streams_.find(event.stream);
    if (it == streams_.end()) return;
    Open();
    while (event.reached < number && !it->second->queue.empty()) {
      RunOne(*it->second);
    }
    Close();
  }

  const Options options_;
  mutable absl::Mutex mutex_;
  char* arena_ = nullptr;
  mutable size_t next_ = 0;
  mutable std::map<char*, size_t> blocks_;
  mutable std::map<StreamHandle, std::unique_ptr<FakeStream>> streams_;
  mutable std::set<EventHandle> events_;
  mutable std::vector<FakeEvent*> dead_events_;
  mutable std::map<ModuleHandle, std::unique_ptr<FakeModule>> modules_;
  mutable std::map<GraphHandle, std::unique_ptr<FakeGraph>> graphs_;
  mutable std::map<GraphExecHandle, std::unique_ptr<FakeGraph>> execs_;
  mutable std::vector<std::string> faults_;
  mutable Counts counts_;
  mutable intptr_t handles_ = 0;
  mutable int retained_ = 0;
  mutable int open_ = 0;
  mutable int fail_ = 0;
};

}  // namespace

std::shared_ptr<FakeDriver> FakeDriver::Create(const Options& options) {
  return std::make_shared<HostDriver>(options);
}

}  // namespace tandem::cuda
