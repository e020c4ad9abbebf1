// Kernels for the FakeDriver: the generated source as C++ of the host.
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "tandem/backends/cuda/fake_driver.h"
#include "tandem/backends/cuda/prelude.h"

namespace tandem::cuda {
namespace {

// What a command prints, and whether it ended well.
bool RunCommand(const std::string& command, std::string* output) {
  FILE* pipe = popen(absl::StrCat(command, " 2>&1").c_str(), "r");
  if (pipe == nullptr) return false;
  char buffer[4096];
  size_t n;
  while ((n = fread(buffer, 1, sizeof(buffer), pipe)) > 0) {
    output->append(buffer, n);
  }
  return pclose(pipe) == 0;
}

class HostCompiler final : public Compiler {
 public:
  HostCompiler(std::string command, std::string folder)
      : command_(std::move(command)), folder_(std::move(folder)) {}
  ~HostCompiler() override {
    for (int i = 0; i < count_; ++i) {
      unlink(absl::StrCat(folder_, "/", i, ".cc").c_str());
      unlink(absl::StrCat(folder_, "/", i, ".so").c_str());
    }
    rmdir(folder_.c_str());
  }

  absl::StatusOr<std::string> Compile(const std::string& source,
                                      int) const override {
    absl::MutexLock lock(&mutex_);
    std::string& image = images_[source];
    if (!image.empty()) return image;
    const std::string stem = absl::StrCat(folder_, "/", count_++);
    std::ofstream(stem + ".cc") << source;
    std::string output;
    if (!RunCommand(absl::StrCat(command_,
                                 " -std=c++17 -O0 -w -fPIC -shared "
                                 "-ffp-contract=off -fwrapv -DTANDEM_HOST -o ",
                                 stem, ".so ", stem, ".cc"),
                    &output)) {
      return absl::InternalError(absl::StrCat("the host's compiler: ", output,
                                              "\n",
                                              source.substr(Prelude().size())));
    }
    const bool barriers = absl::StrContains(
        absl::string_view(source).substr(Prelude().size()), "__syncthreads");
    image = absl::StrCat("FAKE ", barriers ? "1 " : "0 ", stem, ".so");
    return image;
  }

 private:
  const std::string command_, folder_;
  mutable absl::Mutex mutex_;
  mutable int count_ = 0;
  mutable std::map<std::string, std::string> images_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<const Compiler>> MakeHostCompiler() {
  std::vector<std::string> candidates;
  if (const char* cxx = getenv("CXX"); cxx != nullptr) {
    candidates.emplace_back(cxx);
  }
  for (const char* name : {"g++", "c++", "clang++"}) {
    candidates.emplace_back(name);
    candidates.push_back(absl::StrCat("/usr/bin/", name));
  }
  for (const std::string& command : candidates) {
    std::string output;
    if (!RunCommand(command + " --version", &output)) continue;
    const char* temporary = getenv("TEST_TMPDIR");
    std::string folder = absl::StrCat(temporary != nullptr ? temporary : "/tmp",
                                      "/tandem_kernels_XXXXXX");
    if (mkdtemp(folder.data()) == nullptr) {
      return absl::InternalError(absl::StrCat("cannot make ", folder));
    }
    return std::make_shared<HostCompiler>(command, folder);
  }
  return absl::NotFoundError("no C++ compiler ($CXX, g++, c++, clang++)");
}

}  // namespace tandem::cuda
