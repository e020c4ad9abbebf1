#include "tandem/backends/cuda/driver.h"

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/shared_library.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

// The functions of libcuda.so.1.
class SystemDriver final : public Driver {
 public:
  absl::Status Bind(const SharedLibrary& library) {
#define TANDEM_CUDA_BIND(member, symbol, parameters, arguments) \
  TANDEM_RETURN_IF_ERROR(library.Bind(#symbol, &member##_));
    TANDEM_CUDA_DRIVER(TANDEM_CUDA_BIND)
#undef TANDEM_CUDA_BIND
    return absl::OkStatus();
  }

#define TANDEM_CUDA_CALL(member, symbol, parameters, arguments) \
  Result member parameters const override { return member##_ arguments; }
  TANDEM_CUDA_DRIVER(TANDEM_CUDA_CALL)
#undef TANDEM_CUDA_CALL

 private:
#define TANDEM_CUDA_POINTER(member, symbol, parameters, arguments) \
  Result(*member##_) parameters = nullptr;
  TANDEM_CUDA_DRIVER(TANDEM_CUDA_POINTER)
#undef TANDEM_CUDA_POINTER
};

}  // namespace

absl::Status Driver::Check(Result result, absl::string_view call) const {
  if (result == kSuccess) return absl::OkStatus();
  const char* name = nullptr;
  const char* text = nullptr;
  GetErrorName(result, &name);
  GetErrorString(result, &text);
  const std::string message = absl::StrCat(
      call, ": ", name != nullptr ? name : absl::StrCat("error ", result), " (",
      text != nullptr ? text : "an error that this driver does not know", ")");
  return result == kErrorOutOfMemory ? absl::ResourceExhaustedError(message)
                                     : absl::InternalError(message);
}

absl::StatusOr<std::shared_ptr<const Driver>> LoadDriver() {
  static constexpr const char* kNames[] = {"libcuda.so.1", "libcuda.so"};
  TANDEM_ASSIGN_OR_RETURN(
      const SharedLibrary library,
      SharedLibrary::Open("no NVIDIA driver", kNames, /*in_toolkit=*/false));
  auto driver = std::make_shared<SystemDriver>();
  TANDEM_RETURN_IF_ERROR(driver->Bind(library));
  if (absl::Status s = driver->Check(driver->Init(0), "cuInit"); !s.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the NVIDIA driver does not start: ", s.message()));
  }
  return driver;
}

}  // namespace tandem::cuda
