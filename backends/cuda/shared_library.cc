#include "tandem/backends/cuda/shared_library.h"

#include <dlfcn.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace tandem::cuda {
namespace {

std::vector<std::string> ToolkitFolders() {
  std::vector<std::string> folders;
  if (const char* path = std::getenv("TANDEM_CUDA_PATH"); path != nullptr) {
    for (absl::string_view folder :
         absl::StrSplit(path, ':', absl::SkipEmpty())) {
      folders.emplace_back(folder);
    }
  }
  const char* home = std::getenv("CUDA_HOME");
  folders.push_back(
      absl::StrCat(home != nullptr ? home : "/usr/local/cuda", "/lib64"));
  return folders;
}

}  // namespace

absl::StatusOr<SharedLibrary> SharedLibrary::Open(
    absl::string_view what, absl::Span<const char* const> names,
    bool in_toolkit) {
  std::vector<std::string> candidates;
  for (const char* name : names) candidates.emplace_back(name);
  if (in_toolkit) {
    for (const std::string& folder : ToolkitFolders()) {
      for (const char* name : names) {
        candidates.push_back(absl::StrCat(folder, "/", name));
      }
    }
  }
  std::vector<std::string> failures;
  for (const std::string& candidate : candidates) {
    void* handle = dlopen(candidate.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) {
      const char* why = dlerror();
      failures.push_back(why != nullptr ? why : candidate);
      continue;
    }
    SharedLibrary library;
    library.handle_ = handle;
    library.path_ = candidate;
    return library;
  }
  return absl::NotFoundError(
      absl::StrCat(what, " (tried: ", absl::StrJoin(failures, "; "), ")"));
}

void* SharedLibrary::Find(const char* symbol) const {
  return dlsym(handle_, symbol);
}

absl::Status SharedLibrary::Missing(const char* symbol) const {
  return absl::FailedPreconditionError(
      absl::StrCat(path_, " has no ", symbol, ": it is too old"));
}

}  // namespace tandem::cuda
