// The part of cuBLASLt that is used, as an interface; declared as the driver
// is (driver.h).
#ifndef TANDEM_BACKENDS_CUDA_CUBLASLT_H_
#define TANDEM_BACKENDS_CUDA_CUBLASLT_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/cuda/driver.h"

namespace tandem::cuda {

using CublasLtHandle = struct CublasLtTag*;
using MatmulDesc = struct MatmulDescTag*;
using MatrixLayout = struct MatrixLayoutTag*;
using MatmulPreference = struct MatmulPreferenceTag*;
struct MatmulAlgo {
  uint64_t data[8];
};
struct MatmulHeuristic {
  MatmulAlgo algo;
  size_t workspace_bytes;
  int state;
  float waves;
  int reserved[4];
};

// cudaDataType
inline constexpr int kReal32F = 0, kReal64F = 1, kReal16F = 2, kReal16BF = 14;
// cublasComputeType_t
inline constexpr int kCompute32F = 68, kCompute64F = 70,
                     kCompute32FFastTF32 = 77;
// cublasLtMatmulDescAttributes_t
inline constexpr int kDescTransA = 3, kDescTransB = 4, kDescEpilogue = 7,
                     kDescBiasPointer = 8;
// cublasLtMatrixLayoutAttribute_t
inline constexpr int kLayoutBatchCount = 5, kLayoutStridedBatchOffset = 6;
// cublasLtMatmulPreferenceAttributes_t
inline constexpr int kPreferenceMaxWorkspaceBytes = 1,
                     kPreferenceMinAlignmentA = 5;  // and B, C, D
// cublasLtEpilogue_t
inline constexpr int kEpilogueDefault = 1, kEpilogueBias = 4;
// cublasOperation_t
inline constexpr int kOpN = 0, kOpT = 1;

// X(member, symbol, (parameters), (arguments)); all give a cublasStatus_t.
#define TANDEM_CUDA_CUBLASLT(X)                                                \
  X(Create, cublasLtCreate, (CublasLtHandle * handle), (handle))               \
  X(Destroy, cublasLtDestroy, (CublasLtHandle handle), (handle))               \
  X(DescCreate, cublasLtMatmulDescCreate,                                      \
    (MatmulDesc * desc, int compute, int scale), (desc, compute, scale))       \
  X(DescDestroy, cublasLtMatmulDescDestroy, (MatmulDesc desc), (desc))         \
  X(DescSet, cublasLtMatmulDescSetAttribute,                                   \
    (MatmulDesc desc, int attribute, const void* value, size_t bytes),         \
    (desc, attribute, value, bytes))                                           \
  X(LayoutCreate, cublasLtMatrixLayoutCreate,                                  \
    (MatrixLayout * layout, int type, uint64_t rows, uint64_t cols,            \
     int64_t stride),                                                          \
    (layout, type, rows, cols, stride))                                        \
  X(LayoutDestroy, cublasLtMatrixLayoutDestroy, (MatrixLayout layout),         \
    (layout))                                                                  \
  X(LayoutSet, cublasLtMatrixLayoutSetAttribute,                               \
    (MatrixLayout layout, int attribute, const void* value, size_t bytes),     \
    (layout, attribute, value, bytes))                                         \
  X(PreferenceCreate, cublasLtMatmulPreferenceCreate,                          \
    (MatmulPreference * preference), (preference))                             \
  X(PreferenceDestroy, cublasLtMatmulPreferenceDestroy,                        \
    (MatmulPreference preference), (preference))                               \
  X(PreferenceSet, cublasLtMatmulPreferenceSetAttribute,                       \
    (MatmulPreference preference, int attribute, const void* value,            \
     size_t bytes),                                                            \
    (preference, attribute, value, bytes))                                     \
  X(Heuristic, cublasLtMatmulAlgoGetHeuristic,                                 \
    (CublasLtHandle handle, MatmulDesc desc, MatrixLayout a, MatrixLayout b,   \
     MatrixLayout c, MatrixLayout d, MatmulPreference preference, int wanted,  \
     MatmulHeuristic* found, int* count),                                      \
    (handle, desc, a, b, c, d, preference, wanted, found, count))              \
  X(Matmul, cublasLtMatmul,                                                    \
    (CublasLtHandle handle, MatmulDesc desc, const void* alpha, const void* a, \
     MatrixLayout a_layout, const void* b, MatrixLayout b_layout,              \
     const void* beta, const void* c, MatrixLayout c_layout, void* d,          \
     MatrixLayout d_layout, const MatmulAlgo* algo, void* workspace,           \
     size_t workspace_bytes, StreamHandle stream),                             \
    (handle, desc, alpha, a, a_layout, b, b_layout, beta, c, c_layout, d,      \
     d_layout, algo, workspace, workspace_bytes, stream))

class CublasLt {
 public:
  virtual ~CublasLt() = default;
#define TANDEM_CUDA_METHOD(member, symbol, parameters, arguments) \
  virtual int member parameters const = 0;
  TANDEM_CUDA_CUBLASLT(TANDEM_CUDA_METHOD)
#undef TANDEM_CUDA_METHOD
  virtual const char* StatusText(int status) const = 0;
};

// OK, or InternalError "cublasLtMatmul: CUBLAS_STATUS_NOT_SUPPORTED".
absl::Status CheckBlas(const CublasLt& blas, int status,
                       absl::string_view call);

// NotFoundError "no cuBLASLt", with what was tried.
absl::StatusOr<std::shared_ptr<const CublasLt>> LoadCublasLt();

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_CUBLASLT_H_
