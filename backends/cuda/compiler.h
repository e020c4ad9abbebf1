// Compiles CUDA C++ at run time: NVRTC behind it where there is one.
#ifndef TANDEM_BACKENDS_CUDA_COMPILER_H_
#define TANDEM_BACKENDS_CUDA_COMPILER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace tandem::cuda {

// Thread-safe.
class Compiler {
 public:
  virtual ~Compiler() = default;
  // An image for cuModuleLoadData: machine code of sm_`arch`, or PTX of the
  // newest architecture that the compiler knows where it is older than the
  // device. Null-terminated. An error holds the compiler's log.
  virtual absl::StatusOr<std::string> Compile(const std::string& source,
                                              int arch) const = 0;
};

// Opens libnvrtc. NotFoundError "no NVRTC", with what was tried.
absl::StatusOr<std::shared_ptr<const Compiler>> LoadNvrtc();

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_COMPILER_H_
