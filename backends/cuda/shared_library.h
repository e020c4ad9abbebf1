// Shared objects that are opened when they are first needed.
#ifndef TANDEM_BACKENDS_CUDA_SHARED_LIBRARY_H_
#define TANDEM_BACKENDS_CUDA_SHARED_LIBRARY_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace tandem::cuda {

// An open library. Never closed: NVIDIA's keep threads and handlers.
class SharedLibrary {
 public:
  // The first of `names` that opens: as the system finds it, then in the
  // folders of $TANDEM_CUDA_PATH and the toolkit's ($CUDA_HOME or
  // /usr/local/cuda, lib64). NotFoundError tells what was tried; its text
  // starts with `what`.
  static absl::StatusOr<SharedLibrary> Open(absl::string_view what,
                                            absl::Span<const char* const> names,
                                            bool in_toolkit);
  const std::string& path() const { return path_; }

  // Sets *function to the symbol; FailedPreconditionError when it is absent.
  template <typename F>
  absl::Status Bind(const char* symbol, F** function) const {
    void* address = Find(symbol);
    if (address == nullptr) return Missing(symbol);
    *function = reinterpret_cast<F*>(address);
    return absl::OkStatus();
  }
  // Null when absent.
  void* Find(const char* symbol) const;

 private:
  absl::Status Missing(const char* symbol) const;
  void* handle_ = nullptr;
  std::string path_;
};

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_SHARED_LIBRARY_H_
