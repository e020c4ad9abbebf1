#include "tandem/backends/onednn/library.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

#include <climits>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "tandem/backends/onednn/runfile.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

// Turns of a waiting libgomp thread before it sleeps: a few microseconds, so
// that a team is still awake for the next of a row of small primitives, and a
// thread whose partner is not scheduled gives its core up soon. libgomp's own
// choice is milliseconds.
constexpr char kSpins[] = "1000";

std::vector<std::string> Candidates(const std::string& path) {
  if (!path.empty()) return {path};
  if (const char* named = getenv("TANDEM_ONEDNN_LIBRARY")) return {named};
  std::vector<std::string> paths;
  // "external/onednn/lib/libdnnl.so.3" is onednn/lib/… among the runfiles.
  absl::string_view runfile = TANDEM_ONEDNN_RUNFILE;
  absl::ConsumePrefix(&runfile, "external/");
  char exe[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));
  if (n > 0 && n < static_cast<ssize_t>(sizeof(exe))) {
    const std::string self(exe, n);
    const std::string folder = self.substr(0, self.rfind('/'));
    paths.push_back(absl::StrCat(folder, "/libdnnl.so.3"));
    paths.push_back(absl::StrCat(folder, "/../lib/libdnnl.so.3"));
    paths.push_back(absl::StrCat(self, ".runfiles/", runfile));
  }
  for (const char* variable : {"RUNFILES_DIR", "TEST_SRCDIR"}) {
    if (const char* folder = getenv(variable)) {
      paths.push_back(absl::StrCat(folder, "/", runfile));
    }
  }
  paths.push_back("libdnnl.so.3");
  return paths;
}

}  // namespace

ScopedSpinCount::ScopedSpinCount() {
  if (getenv("GOMP_SPINCOUNT") != nullptr ||
      getenv("OMP_WAIT_POLICY") != nullptr) {
    return;
  }
  if (void* loaded = dlopen("libgomp.so.1", RTLD_LAZY | RTLD_NOLOAD)) {
    dlclose(loaded);
    return;
  }
  set_ = setenv("GOMP_SPINCOUNT", kSpins, 0) == 0;
}

ScopedSpinCount::~ScopedSpinCount() {
  if (set_) unsetenv("GOMP_SPINCOUNT");
}

absl::Status Library::Bind(void* handle) {
#define TANDEM_ONEDNN_BIND(f)                                           \
  f = reinterpret_cast<decltype(&dnnl_##f)>(dlsym(handle, "dnnl_" #f)); \
  if (f == nullptr) {                                                   \
    return absl::FailedPreconditionError(                               \
        absl::StrCat(path_, " has no dnnl_" #f ": not oneDNN 3?"));     \
  }
  TANDEM_ONEDNN_FUNCTIONS(TANDEM_ONEDNN_BIND)
#undef TANDEM_ONEDNN_BIND
  const dnnl_version_t* v = version();
  if (v->major != 3) {
    return absl::FailedPreconditionError(absl::StrCat(path_, " is oneDNN ",
                                                      v->major, ".", v->minor,
                                                      "; version 3 is needed"));
  }
  // dlsym looks into what the library itself needs: libgomp. Absent where
  // oneDNN was built without OpenMP, and then there is nothing to set.
  omp_get_max_threads_ =
      reinterpret_cast<int (*)()>(dlsym(handle, "omp_get_max_threads"));
  omp_set_num_threads_ =
      reinterpret_cast<void (*)(int)>(dlsym(handle, "omp_set_num_threads"));
  if (engine_create(&engine_, dnnl_cpu, 0) != dnnl_success) {
    return absl::FailedPreconditionError(
        absl::StrCat(path_, ": oneDNN has no engine for this CPU"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Library>> Library::Load(
    const std::string& path) {
  std::vector<std::string> failures;
  for (const std::string& candidate : Candidates(path)) {
    // A name without a slash is searched for by the loader.
    if (absl::StrContains(candidate, "/") &&
        access(candidate.c_str(), R_OK) != 0) {
      failures.push_back(absl::StrCat(candidate, " is not there"));
      continue;
    }
    void* handle;
    {
      ScopedSpinCount spins;
      handle = dlopen(candidate.c_str(), RTLD_LAZY | RTLD_LOCAL);
    }
    if (handle == nullptr) {
      failures.push_back(dlerror());
      continue;
    }
    std::shared_ptr<Library> library(new Library);
    library->path_ = candidate;
    TANDEM_RETURN_IF_ERROR(library->Bind(handle));
    return library;
  }
  return absl::NotFoundError(
      absl::StrCat("oneDNN is not available: ", absl::StrJoin(failures, "; ")));
}

Library::~Library() {
  if (engine_ != nullptr) engine_destroy(engine_);
}

Library::ScopedThreads::ScopedThreads(const Library& library, int threads)
    : library_(library),
      previous_(library.omp_get_max_threads_ == nullptr
                    ? 0
                    : library.omp_get_max_threads_()),
      threads_(threads) {
  if (library_.omp_set_num_threads_ != nullptr && previous_ != threads) {
    library_.omp_set_num_threads_(threads);
  }
}

Library::ScopedThreads::~ScopedThreads() {
  if (library_.omp_set_num_threads_ != nullptr && previous_ != threads_) {
    library_.omp_set_num_threads_(previous_);
  }
}

}  // namespace tandem::onednn
