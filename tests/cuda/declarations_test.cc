// Our declarations of NVIDIA's interfaces against the toolkit's headers, where
// those are installed: everything is checked when this compiles.
#include <cublasLt.h>
#include <cuda.h>
#include <nvrtc.h>
#if __has_include(<cudnn.h>)
#include <cudnn.h>
#define TANDEM_HAS_CUDNN
#endif

#include <cstddef>
#include <type_traits>

#include "gtest/gtest.h"
#include "tandem/backends/cuda/cublaslt.h"
#include "tandem/backends/cuda/cudnn.h"
#include "tandem/backends/cuda/driver.h"
#include "tandem/backends/cuda/nvrtc.h"

namespace tandem::cuda {
namespace {

// Values that are passed in the same way: pointers, or numbers (enums) of one
// size.
template <typename Ours, typename Theirs>
constexpr bool Passes() {
  if (std::is_pointer_v<Ours> || std::is_pointer_v<Theirs>) {
    return std::is_pointer_v<Ours> && std::is_pointer_v<Theirs>;
  }
  if (std::is_floating_point_v<Ours> || std::is_floating_point_v<Theirs>) {
    return std::is_same_v<Ours, Theirs>;
  }
  return sizeof(Ours) == sizeof(Theirs);
}
template <typename Ours, typename Theirs>
struct Fits : std::false_type {};
template <typename R, typename... A, typename S, typename... B>
struct Fits<R (*)(A...), S (*)(B...)> {
  static constexpr bool Each() {
    if constexpr (sizeof...(A) == sizeof...(B)) {
      return Passes<R, S>() && (Passes<A, B>() && ...);
    } else {
      return false;
    }
  }
  static constexpr bool value = Each();
};

#define TANDEM_CHECK_CALL(member, symbol, parameters, ...)              \
  static_assert(Fits<decltype(static_cast<int(*) parameters>(nullptr)), \
                     decltype(&::symbol)>::value,                       \
                #symbol " is declared otherwise in the toolkit's header");
TANDEM_CUDA_DRIVER(TANDEM_CHECK_CALL)
TANDEM_CUDA_NVRTC(TANDEM_CHECK_CALL)
TANDEM_CUDA_CUBLASLT(TANDEM_CHECK_CALL)
#ifdef TANDEM_HAS_CUDNN
TANDEM_CUDA_CUDNN(TANDEM_CHECK_CALL)
#endif
#undef TANDEM_CHECK_CALL

static_assert(sizeof(DevicePointer) == sizeof(CUdeviceptr));
static_assert(kSuccess == CUDA_SUCCESS);
static_assert(kErrorInvalidValue == CUDA_ERROR_INVALID_VALUE);
static_assert(kErrorOutOfMemory == CUDA_ERROR_OUT_OF_MEMORY);
static_assert(kErrorNoDevice == CUDA_ERROR_NO_DEVICE);
static_assert(kErrorNotReady == CUDA_ERROR_NOT_READY);
static_assert(kErrorCaptureUnsupported ==
              CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED);
static_assert(kMaxThreadsPerBlock == CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
static_assert(kMultiprocessorCount == CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
static_assert(kComputeCapabilityMajor ==
              CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
static_assert(kComputeCapabilityMinor ==
              CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
static_assert(kStreamNonBlocking == CU_STREAM_NON_BLOCKING);
static_assert(kEventDisableTiming == CU_EVENT_DISABLE_TIMING);
static_assert(kCaptureThreadLocal == CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
static_assert(kCaptureRelaxed == CU_STREAM_CAPTURE_MODE_RELAXED);

static_assert(kReal32F == CUDA_R_32F && kReal64F == CUDA_R_64F &&
              kReal16F == CUDA_R_16F && kReal16BF == CUDA_R_16BF);
static_assert(kCompute32F == CUBLAS_COMPUTE_32F &&
              kCompute64F == CUBLAS_COMPUTE_64F &&
              kCompute32FFastTF32 == CUBLAS_COMPUTE_32F_FAST_TF32);
static_assert(kDescTransA == CUBLASLT_MATMUL_DESC_TRANSA &&
              kDescTransB == CUBLASLT_MATMUL_DESC_TRANSB &&
              kDescEpilogue == CUBLASLT_MATMUL_DESC_EPILOGUE &&
              kDescBiasPointer == CUBLASLT_MATMUL_DESC_BIAS_POINTER);
static_assert(kLayoutBatchCount == CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT &&
              kLayoutStridedBatchOffset ==
                  CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET);
static_assert(
    kPreferenceMaxWorkspaceBytes == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES &&
    kPreferenceMinAlignmentA == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES &&
    kPreferenceMinAlignmentA + 3 == CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES);
static_assert(kEpilogueBias == CUBLASLT_EPILOGUE_BIAS);
static_assert(kOpN == CUBLAS_OP_N && kOpT == CUBLAS_OP_T);
static_assert(sizeof(MatmulAlgo) == sizeof(cublasLtMatmulAlgo_t));
static_assert(sizeof(MatmulHeuristic) ==
                  sizeof(cublasLtMatmulHeuristicResult_t) &&
              offsetof(MatmulHeuristic, workspace_bytes) ==
                  offsetof(cublasLtMatmulHeuristicResult_t, workspaceSize) &&
              offsetof(MatmulHeuristic, state) ==
                  offsetof(cublasLtMatmulHeuristicResult_t, state));

#ifdef TANDEM_HAS_CUDNN
static_assert(kDnnFloat == CUDNN_DATA_FLOAT &&
              kDnnDouble == CUDNN_DATA_DOUBLE && kDnnHalf == CUDNN_DATA_HALF &&
              kDnnBFloat16 == CUDNN_DATA_BFLOAT16);
static_assert(kDnnNchw == CUDNN_TENSOR_NCHW);
static_assert(kCrossCorrelation == CUDNN_CROSS_CORRELATION);
static_assert(kDefaultMath == CUDNN_DEFAULT_MATH && kFmaMath == CUDNN_FMA_MATH);
template <typename Perf>
constexpr bool IsConvAlgo() {
  return sizeof(ConvAlgo) == sizeof(Perf) &&
         offsetof(ConvAlgo, status) == offsetof(Perf, status) &&
         offsetof(ConvAlgo, memory) == offsetof(Perf, memory) &&
         offsetof(ConvAlgo, math) == offsetof(Perf, mathType);
}
static_assert(IsConvAlgo<cudnnConvolutionFwdAlgoPerf_t>());
static_assert(IsConvAlgo<cudnnConvolutionBwdDataAlgoPerf_t>());
#endif

TEST(DeclarationsTest, AgreeWithTheToolkit) {}

}  // namespace
}  // namespace tandem::cuda
