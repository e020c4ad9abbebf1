#include "tandem/backends/cuda/compiler.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/nvrtc.h"
#include "tandem/backends/cuda/shared_library.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

class NvrtcCompiler final : public Compiler {
 public:
  absl::Status Bind(const SharedLibrary& library) {
#define TANDEM_CUDA_BIND(member, symbol, parameters) \
  TANDEM_RETURN_IF_ERROR(library.Bind(#symbol, &nvrtc_.member));
    TANDEM_CUDA_NVRTC(TANDEM_CUDA_BIND)
#undef TANDEM_CUDA_BIND
    int count = 0;
    TANDEM_RETURN_IF_ERROR(Check(nvrtc_.GetNumSupportedArchs(&count),
                                 "nvrtcGetNumSupportedArchs"));
    archs_.resize(static_cast<size_t>(count));
    if (count == 0) return absl::InternalError("NVRTC knows no architecture");
    return Check(nvrtc_.GetSupportedArchs(archs_.data()),
                 "nvrtcGetSupportedArchs");
  }

  absl::StatusOr<std::string> Compile(const std::string& source,
                                      int arch) const override {
    const bool known =
        std::find(archs_.begin(), archs_.end(), arch) != archs_.end();
    // The newest that the device can run: PTX is forward compatible.
    int virtual_arch = 0;
    for (int a : archs_) {
      if (a <= arch) virtual_arch = std::max(virtual_arch, a);
    }
    if (!known && virtual_arch == 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("NVRTC compiles for sm_", archs_.front(), " to sm_",
                       archs_.back(), ", not for this device's sm_", arch));
    }
    const std::string target =
        known ? absl::StrCat("--gpu-architecture=sm_", arch)
              : absl::StrCat("--gpu-architecture=compute_", virtual_arch);
    const char* const options[] = {target.c_str(), "--std=c++17"};
    Program program{this, nullptr};
    TANDEM_RETURN_IF_ERROR(
        Check(nvrtc_.CreateProgram(&program.handle, source.c_str(), "tandem.cu",
                                   0, nullptr, nullptr),
              "nvrtcCreateProgram"));
    const int result = nvrtc_.CompileProgram(program.handle, 2, options);
    if (result != 0) {
      std::string log;
      size_t size = 0;
      if (nvrtc_.GetLogSize(program.handle, &size) == 0 && size > 1) {
        log.resize(size);
        nvrtc_.GetLog(program.handle, log.data());
        log.resize(size - 1);
      }
      return absl::InternalError(
          absl::StrCat("nvrtcCompileProgram: error ", result, "\n", log));
    }
    std::string image;
    size_t size = 0;
    if (known) {
      TANDEM_RETURN_IF_ERROR(Check(nvrtc_.GetCubinSize(program.handle, &size),
                                   "nvrtcGetCUBINSize"));
      image.resize(size);
      TANDEM_RETURN_IF_ERROR(Check(
          nvrtc_.GetCubin(program.handle, image.data()), "nvrtcGetCUBIN"));
    } else {
      TANDEM_RETURN_IF_ERROR(
          Check(nvrtc_.GetPtxSize(program.handle, &size), "nvrtcGetPTXSize"));
      image.resize(size);
      TANDEM_RETURN_IF_ERROR(
          Check(nvrtc_.GetPtx(program.handle, image.data()), "nvrtcGetPTX"));
    }
    return image;
  }

 private:
  struct Program {
    const NvrtcCompiler* compiler;
    NvrtcProgram handle;
    ~Program() {
      if (handle != nullptr) compiler->nvrtc_.DestroyProgram(&handle);
    }
  };

  static absl::Status Check(int result, absl::string_view call) {
    return result == 0
               ? absl::OkStatus()
               : absl::InternalError(absl::StrCat(call, ": error ", result));
  }

  Nvrtc nvrtc_;
  std::vector<int> archs_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Compiler>> LoadNvrtc() {
  static constexpr const char* kNames[] = {"libnvrtc.so.13", "libnvrtc.so.12",
                                           "libnvrtc.so.11.2", "libnvrtc.so"};
  TANDEM_ASSIGN_OR_RETURN(
      const SharedLibrary library,
      SharedLibrary::Open("no NVRTC", kNames, /*in_toolkit=*/true));
  auto compiler = std::make_shared<NvrtcCompiler>();
  TANDEM_RETURN_IF_ERROR(compiler->Bind(library));
  return compiler;
}

}  // namespace tandem::cuda
