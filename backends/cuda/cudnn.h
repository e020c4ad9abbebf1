// The part of cuDNN that is used, as an interface; declared as the driver is
// (driver.h).
#ifndef TANDEM_BACKENDS_CUDA_CUDNN_H_
#define TANDEM_BACKENDS_CUDA_CUDNN_H_

#include <cstddef>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/cuda/driver.h"

namespace tandem::cuda {

using CudnnHandle = struct CudnnTag*;
using TensorDesc = struct TensorDescTag*;
using FilterDesc = struct FilterDescTag*;
using ConvDesc = struct ConvDescTag*;
// cudnnConvolutionFwdAlgoPerf_t, and the same for backward data.
struct ConvAlgo {
  int algo;
  int status;
  float time;
  size_t memory;
  int determinism;
  int math;
  int reserved[3];
};

// cudnnDataType_t
inline constexpr int kDnnFloat = 0, kDnnDouble = 1, kDnnHalf = 2,
                     kDnnBFloat16 = 9;
// cudnnTensorFormat_t
inline constexpr int kDnnNchw = 0, kDnnNhwc = 1;
// cudnnConvolutionMode_t
inline constexpr int kCrossCorrelation = 1;
// cudnnMathType_t
inline constexpr int kDefaultMath = 0, kFmaMath = 3;

// X(member, symbol, (parameters), (arguments)); all give a cudnnStatus_t.
#define TANDEM_CUDA_CUDNN(X)                                                   \
  X(Create, cudnnCreate, (CudnnHandle * handle), (handle))                     \
  X(Destroy, cudnnDestroy, (CudnnHandle handle), (handle))                     \
  X(SetStream, cudnnSetStream, (CudnnHandle handle, StreamHandle stream),      \
    (handle, stream))                                                          \
  X(TensorCreate, cudnnCreateTensorDescriptor, (TensorDesc * desc), (desc))    \
  X(TensorDestroy, cudnnDestroyTensorDescriptor, (TensorDesc desc), (desc))    \
  X(TensorSet, cudnnSetTensorNdDescriptor,                                     \
    (TensorDesc desc, int type, int rank, const int* sizes,                    \
     const int* strides),                                                      \
    (desc, type, rank, sizes, strides))                                        \
  X(FilterCreate, cudnnCreateFilterDescriptor, (FilterDesc * desc), (desc))    \
  X(FilterDestroy, cudnnDestroyFilterDescriptor, (FilterDesc desc), (desc))    \
  X(FilterSet, cudnnSetFilterNdDescriptor,                                     \
    (FilterDesc desc, int type, int format, int rank, const int* sizes),       \
    (desc, type, format, rank, sizes))                                         \
  X(ConvCreate, cudnnCreateConvolutionDescriptor, (ConvDesc * desc), (desc))   \
  X(ConvDestroy, cudnnDestroyConvolutionDescriptor, (ConvDesc desc), (desc))   \
  X(ConvSet, cudnnSetConvolutionNdDescriptor,                                  \
    (ConvDesc desc, int rank, const int* padding, const int* stride,           \
     const int* dilation, int mode, int type),                                 \
    (desc, rank, padding, stride, dilation, mode, type))                       \
  X(ConvSetGroups, cudnnSetConvolutionGroupCount, (ConvDesc desc, int groups), \
    (desc, groups))                                                            \
  X(ConvSetMath, cudnnSetConvolutionMathType, (ConvDesc desc, int math),       \
    (desc, math))                                                              \
  X(ForwardAlgos, cudnnGetConvolutionForwardAlgorithm_v7,                      \
    (CudnnHandle handle, TensorDesc x, FilterDesc w, ConvDesc conv,            \
     TensorDesc y, int wanted, int* count, ConvAlgo* found),                   \
    (handle, x, w, conv, y, wanted, count, found))                             \
  X(Forward, cudnnConvolutionForward,                                          \
    (CudnnHandle handle, const void* alpha, TensorDesc x_desc, const void* x,  \
     FilterDesc w_desc, const void* w, ConvDesc conv, int algo,                \
     void* workspace, size_t workspace_bytes, const void* beta,                \
     TensorDesc y_desc, void* y),                                              \
    (handle, alpha, x_desc, x, w_desc, w, conv, algo, workspace,               \
     workspace_bytes, beta, y_desc, y))                                        \
  X(BackwardDataAlgos, cudnnGetConvolutionBackwardDataAlgorithm_v7,            \
    (CudnnHandle handle, FilterDesc w, TensorDesc dy, ConvDesc conv,           \
     TensorDesc dx, int wanted, int* count, ConvAlgo* found),                  \
    (handle, w, dy, conv, dx, wanted, count, found))                           \
  X(BackwardData, cudnnConvolutionBackwardData,                                \
    (CudnnHandle handle, const void* alpha, FilterDesc w_desc, const void* w,  \
     TensorDesc dy_desc, const void* dy, ConvDesc conv, int algo,              \
     void* workspace, size_t workspace_bytes, const void* beta,                \
     TensorDesc dx_desc, void* dx),                                            \
    (handle, alpha, w_desc, w, dy_desc, dy, conv, algo, workspace,             \
     workspace_bytes, beta, dx_desc, dx))

class Cudnn {
 public:
  virtual ~Cudnn() = default;
#define TANDEM_CUDA_METHOD(member, symbol, parameters, arguments) \
  virtual int member parameters const = 0;
  TANDEM_CUDA_CUDNN(TANDEM_CUDA_METHOD)
#undef TANDEM_CUDA_METHOD
  virtual const char* StatusText(int status) const = 0;
};

// OK, or InternalError "cudnnCreate: CUDNN_STATUS_NOT_INITIALIZED".
absl::Status CheckDnn(const Cudnn& dnn, int status, absl::string_view call);

// NotFoundError "no cuDNN", with what was tried.
absl::StatusOr<std::shared_ptr<const Cudnn>> LoadCudnn();

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_CUDNN_H_
