// cuBLASLt and cuDNN, opened when they are first needed.
#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/cublaslt.h"
#include "tandem/backends/cuda/cudnn.h"
#include "tandem/backends/cuda/shared_library.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

#define TANDEM_CUDA_BIND(member, symbol, parameters, arguments) \
  TANDEM_RETURN_IF_ERROR(library.Bind(#symbol, &member##_));
#define TANDEM_CUDA_CALL(member, symbol, parameters, arguments) \
  int member parameters const override { return member##_ arguments; }
#define TANDEM_CUDA_POINTER(member, symbol, parameters, arguments) \
  int(*member##_) parameters = nullptr;

class SystemCublasLt final : public CublasLt {
 public:
  absl::Status Bind(const SharedLibrary& library) {
    TANDEM_CUDA_CUBLASLT(TANDEM_CUDA_BIND)
    return library.Bind("cublasLtGetStatusName", &status_name_);
  }
  TANDEM_CUDA_CUBLASLT(TANDEM_CUDA_CALL)
  const char* StatusText(int status) const override {
    return status_name_(status);
  }

 private:
  TANDEM_CUDA_CUBLASLT(TANDEM_CUDA_POINTER)
  const char* (*status_name_)(int) = nullptr;
};

class SystemCudnn final : public Cudnn {
 public:
  absl::Status Bind(const SharedLibrary& library) {
    TANDEM_CUDA_CUDNN(TANDEM_CUDA_BIND)
    return library.Bind("cudnnGetErrorString", &error_string_);
  }
  TANDEM_CUDA_CUDNN(TANDEM_CUDA_CALL)
  const char* StatusText(int status) const override {
    return error_string_(status);
  }

 private:
  TANDEM_CUDA_CUDNN(TANDEM_CUDA_POINTER)
  const char* (*error_string_)(int) = nullptr;
};

#undef TANDEM_CUDA_BIND
#undef TANDEM_CUDA_CALL
#undef TANDEM_CUDA_POINTER

}  // namespace

absl::Status CheckBlas(const CublasLt& blas, int status,
                       absl::string_view call) {
  if (status == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(call, ": ", blas.StatusText(status)));
}

absl::Status CheckDnn(const Cudnn& dnn, int status, absl::string_view call) {
  if (status == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat(call, ": ", dnn.StatusText(status)));
}

absl::StatusOr<std::shared_ptr<const CublasLt>> LoadCublasLt() {
  static constexpr const char* kNames[] = {
      "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11",
      "libcublasLt.so"};
  TANDEM_ASSIGN_OR_RETURN(
      const SharedLibrary library,
      SharedLibrary::Open("no cuBLASLt", kNames, /*in_toolkit=*/true));
  auto blas = std::make_shared<SystemCublasLt>();
  TANDEM_RETURN_IF_ERROR(blas->Bind(library));
  return blas;
}

absl::StatusOr<std::shared_ptr<const Cudnn>> LoadCudnn() {
  static constexpr const char* kNames[] = {"libcudnn.so.9", "libcudnn.so.8",
                                           "libcudnn.so"};
  TANDEM_ASSIGN_OR_RETURN(
      const SharedLibrary library,
      SharedLibrary::Open("no cuDNN", kNames, /*in_toolkit=*/true));
  auto dnn = std::make_shared<SystemCudnn>();
  TANDEM_RETURN_IF_ERROR(dnn->Bind(library));
  return dnn;
}

}  // namespace tandem::cuda
