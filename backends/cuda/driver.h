// The part of the CUDA driver API that is used, as an interface: libcuda.so.1
// behind it where there is one, or a fake one in tests.
//
// Signatures and numbers are NVIDIA's, declared here so that no toolkit is
// needed to build; tests/cuda compares them with the real headers where those
// are installed.
#ifndef TANDEM_BACKENDS_CUDA_DRIVER_H_
#define TANDEM_BACKENDS_CUDA_DRIVER_H_

#include <cstddef>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem::cuda {

using Result = int;  // CUresult
using DeviceNumber = int;
using DevicePointer = unsigned long long;  // NOLINT: CUdeviceptr's type
using ContextHandle = struct ContextTag*;
using ModuleHandle = struct ModuleTag*;
using FunctionHandle = struct FunctionTag*;
using StreamHandle = struct StreamTag*;
using EventHandle = struct EventTag*;
using GraphHandle = struct GraphTag*;
using GraphExecHandle = struct GraphExecTag*;

inline constexpr Result kSuccess = 0;
inline constexpr Result kErrorInvalidValue = 1;
inline constexpr Result kErrorOutOfMemory = 2;
inline constexpr Result kErrorNoDevice = 100;
inline constexpr Result kErrorNotReady = 600;
inline constexpr Result kErrorCaptureUnsupported = 900;

// CUdevice_attribute
inline constexpr int kMaxThreadsPerBlock = 1;
inline constexpr int kMultiprocessorCount = 16;
inline constexpr int kComputeCapabilityMajor = 75;
inline constexpr int kComputeCapabilityMinor = 76;

inline constexpr unsigned kStreamNonBlocking = 1;
inline constexpr unsigned kEventDisableTiming = 2;
inline constexpr int kCaptureThreadLocal = 1, kCaptureRelaxed = 2;

// X(member, symbol, (parameters), (arguments))
#define TANDEM_CUDA_DRIVER(X)                                                  \
  X(Init, cuInit, (unsigned flags), (flags))                                   \
  X(DriverGetVersion, cuDriverGetVersion, (int* version), (version))           \
  X(DeviceGetCount, cuDeviceGetCount, (int* count), (count))                   \
  X(DeviceGet, cuDeviceGet, (DeviceNumber * device, int ordinal),              \
    (device, ordinal))                                                         \
  X(DeviceGetName, cuDeviceGetName,                                            \
    (char* name, int length, DeviceNumber device), (name, length, device))     \
  X(DeviceGetAttribute, cuDeviceGetAttribute,                                  \
    (int* value, int attribute, DeviceNumber device),                          \
    (value, attribute, device))                                                \
  X(PrimaryCtxRetain, cuDevicePrimaryCtxRetain,                                \
    (ContextHandle * context, DeviceNumber device), (context, device))         \
  X(PrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (DeviceNumber device),    \
    (device))                                                                  \
  X(CtxSetCurrent, cuCtxSetCurrent, (ContextHandle context), (context))        \
  X(MemAlloc, cuMemAlloc_v2, (DevicePointer * pointer, size_t bytes),          \
    (pointer, bytes))                                                          \
  X(MemFree, cuMemFree_v2, (DevicePointer pointer), (pointer))                 \
  X(MemGetInfo, cuMemGetInfo_v2, (size_t * free, size_t * total),              \
    (free, total))                                                             \
  X(MemcpyHtoDAsync, cuMemcpyHtoDAsync_v2,                                     \
    (DevicePointer to, const void* from, size_t bytes, StreamHandle stream),   \
    (to, from, bytes, stream))                                                 \
  X(MemcpyDtoHAsync, cuMemcpyDtoHAsync_v2,                                     \
    (void* to, DevicePointer from, size_t bytes, StreamHandle stream),         \
    (to, from, bytes, stream))                                                 \
  X(MemcpyDtoDAsync, cuMemcpyDtoDAsync_v2,                                     \
    (DevicePointer to, DevicePointer from, size_t bytes, StreamHandle stream), \
    (to, from, bytes, stream))                                                 \
  X(MemsetD8Async, cuMemsetD8Async,                                            \
    (DevicePointer to, unsigned char value, size_t count,                      \
     StreamHandle stream),                                                     \
    (to, value, count, stream))                                                \
  X(StreamCreate, cuStreamCreate, (StreamHandle * stream, unsigned flags),     \
    (stream, flags))                                                           \
  X(StreamDestroy, cuStreamDestroy_v2, (StreamHandle stream), (stream))        \
  X(StreamSynchronize, cuStreamSynchronize, (StreamHandle stream), (stream))   \
  X(StreamWaitEvent, cuStreamWaitEvent,                                        \
    (StreamHandle stream, EventHandle event, unsigned flags),                  \
    (stream, event, flags))                                                    \
  X(EventCreate, cuEventCreate, (EventHandle * event, unsigned flags),         \
    (event, flags))                                                            \
  X(EventDestroy, cuEventDestroy_v2, (EventHandle event), (event))             \
  X(EventRecord, cuEventRecord, (EventHandle event, StreamHandle stream),      \
    (event, stream))                                                           \
  X(EventQuery, cuEventQuery, (EventHandle event), (event))                    \
  X(EventSynchronize, cuEventSynchronize, (EventHandle event), (event))        \
  X(ModuleLoadData, cuModuleLoadData,                                          \
    (ModuleHandle * module, const void* image), (module, image))               \
  X(ModuleUnload, cuModuleUnload, (ModuleHandle module), (module))             \
  X(ModuleGetFunction, cuModuleGetFunction,                                    \
    (FunctionHandle * function, ModuleHandle module, const char* name),        \
    (function, module, name))                                                  \
  X(LaunchKernel, cuLaunchKernel,                                              \
    (FunctionHandle function, unsigned grid_x, unsigned grid_y,                \
     unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,    \
     unsigned shared_bytes, StreamHandle stream, void** parameters,            \
     void** extra),                                                            \
    (function, grid_x, grid_y, grid_z, block_x, block_y, block_z,              \
     shared_bytes, stream, parameters, extra))                                 \
  X(StreamBeginCapture, cuStreamBeginCapture_v2,                               \
    (StreamHandle stream, int mode), (stream, mode))                           \
  X(StreamEndCapture, cuStreamEndCapture,                                      \
    (StreamHandle stream, GraphHandle * graph), (stream, graph))               \
  X(GraphInstantiate, cuGraphInstantiateWithFlags,                             \
    (GraphExecHandle * exec, GraphHandle graph, unsigned long long flags),     \
    (exec, graph, flags))                                                      \
  X(GraphLaunch, cuGraphLaunch, (GraphExecHandle exec, StreamHandle stream),   \
    (exec, stream))                                                            \
  X(GraphDestroy, cuGraphDestroy, (GraphHandle graph), (graph))                \
  X(GraphExecDestroy, cuGraphExecDestroy, (GraphExecHandle exec), (exec))      \
  X(GetErrorName, cuGetErrorName, (Result result, const char** text),          \
    (result, text))                                                            \
  X(GetErrorString, cuGetErrorString, (Result result, const char** text),      \
    (result, text))

// Thread-safe, as the driver is. Calls work on the context that is current on
// the calling thread.
class Driver {
 public:
  virtual ~Driver() = default;
#define TANDEM_CUDA_METHOD(member, symbol, parameters, arguments) \
  virtual Result member parameters const = 0;
  TANDEM_CUDA_DRIVER(TANDEM_CUDA_METHOD)
#undef TANDEM_CUDA_METHOD

  // OK, or an error "cuMemAlloc: CUDA_ERROR_OUT_OF_MEMORY (out of memory)";
  // ResourceExhausted when memory is short, Internal otherwise.
  absl::Status Check(Result result, absl::string_view call) const;
};

// Opens libcuda.so.1 and starts it. NotFoundError "no NVIDIA driver", with what
// was tried, where there is none; the driver's own reason where it does not
// start (no device, a version that does not fit).
absl::StatusOr<std::shared_ptr<const Driver>> LoadDriver();

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_DRIVER_H_
