// The part of NVRTC's interface that is used; tests/cuda compares it with the
// real header.
#ifndef TANDEM_BACKENDS_CUDA_NVRTC_H_
#define TANDEM_BACKENDS_CUDA_NVRTC_H_

#include <cstddef>

namespace tandem::cuda {

using NvrtcProgram = struct NvrtcProgramTag*;

// X(member, symbol, (parameters))
#define TANDEM_CUDA_NVRTC(X)                                                   \
  X(CreateProgram, nvrtcCreateProgram,                                         \
    (NvrtcProgram * program, const char* source, const char* name,             \
     int num_headers, const char* const* headers,                              \
     const char* const* include_names))                                        \
  X(DestroyProgram, nvrtcDestroyProgram, (NvrtcProgram * program))             \
  X(CompileProgram, nvrtcCompileProgram,                                       \
    (NvrtcProgram program, int num_options, const char* const* options))       \
  X(GetCubinSize, nvrtcGetCUBINSize, (NvrtcProgram program, size_t * size))    \
  X(GetCubin, nvrtcGetCUBIN, (NvrtcProgram program, char* image))              \
  X(GetPtxSize, nvrtcGetPTXSize, (NvrtcProgram program, size_t * size))        \
  X(GetPtx, nvrtcGetPTX, (NvrtcProgram program, char* image))                  \
  X(GetLogSize, nvrtcGetProgramLogSize, (NvrtcProgram program, size_t * size)) \
  X(GetLog, nvrtcGetProgramLog, (NvrtcProgram program, char* log))             \
  X(GetNumSupportedArchs, nvrtcGetNumSupportedArchs, (int* count))             \
  X(GetSupportedArchs, nvrtcGetSupportedArchs, (int* archs))

struct Nvrtc {
#define TANDEM_CUDA_POINTER(member, symbol, parameters) \
  int(*member) parameters = nullptr;
  TANDEM_CUDA_NVRTC(TANDEM_CUDA_POINTER)
#undef TANDEM_CUDA_POINTER
};

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_NVRTC_H_
