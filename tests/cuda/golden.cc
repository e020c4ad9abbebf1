// Recorded programs on the GPU of this machine, or, where there is none, those
// that are named after --fake on the fake driver:
//
//   golden FOLDER [--fake NAME,…]
//
// Prints "PASS name" and "FAIL name: why", as cases.sh wants them.
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "tandem/backends/cuda/fake_driver.h"
#include "tandem/tools/command.h"
#include "tandem/tools/recorded_calls.h"

namespace tandem::tools {
namespace {

int Main(int argc, char** argv) {
  std::string folder;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    if (std::string(argv[i]) == "--fake" && i + 1 < argc) {
      names = absl::StrSplit(argv[++i], ',', absl::SkipEmpty());
    } else {
      folder = argv[i];
    }
  }
  cuda::Options cuda;
  std::shared_ptr<cuda::FakeDriver> fake;
  if (const auto driver = cuda::LoadDriver(); !driver.ok()) {
    const auto compiler = cuda::MakeHostCompiler();
    if (!compiler.ok()) {
      std::cout << "PASS skipped: " << driver.status().message() << "; "
                << compiler.status().message() << "\n";
      return 0;
    }
    std::cout << "on the fake driver: " << driver.status().message() << "\n";
    fake = cuda::FakeDriver::Create();
    cuda.libraries.driver = [fake] { return fake; };
    cuda.libraries.compiler = [c = *compiler] { return c; };
    cuda.libraries.blas = [] {
      return absl::StatusOr<std::shared_ptr<const cuda::CublasLt>>(
          absl::NotFoundError("no cuBLASLt"));
    };
    cuda.libraries.dnn = [] {
      return absl::StatusOr<std::shared_ptr<const cuda::Cudnn>>(
          absl::NotFoundError("no cuDNN"));
    };
  } else {
    names.clear();
    cuda.conv_tf32 = false;  // what was recorded has all digits
  }
  if (names.empty()) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      std::string name = entry.path().filename().string();
      absl::string_view stem = name;
      if (absl::ConsumeSuffix(&stem, ".io.pt")) names.emplace_back(stem);
    }
    std::sort(names.begin(), names.end());
  }
  const FlagInfo flags[] = {kBackendFlag};
  const std::vector<std::string> args = {"--backend", "cuda"};
  const auto options = Options::Parse(flags, args);
  if (!options.ok()) {
    std::cout << options.status() << "\n";
    return 1;
  }
  auto session = Session::Create(*options, /*list=*/false, cuda);
  if (!session.ok()) {
    std::cout << session.status().message() << "\n";
    return 1;
  }
  Tolerance tolerance;
  tolerance.rtol = 1e-3;
  tolerance.atol = 1e-4;
  bool failed = false;
  for (const std::string& name : names) {
    const std::string stem = absl::StrCat(folder, "/", name);
    const std::string why =
        CheckRecordedCalls(**session, tolerance, stem + ".io.pt",
                           [&] { return (*session)->Load(stem + ".pt"); });
    failed |= !why.empty();
    std::cout << (why.empty() ? "PASS " : "FAIL ") << name
              << (why.empty() ? "" : ": ") << why << std::endl;
  }
  if (fake != nullptr) {
    std::cout << fake->counts().launches << " kernels, "
              << fake->counts().graph_launches << " graphs\n"
              << fake->Faults();
    failed |= !fake->Faults().empty();
  }
  return failed ? 1 : 0;
}

}  // namespace
}  // namespace tandem::tools

int main(int argc, char** argv) { return tandem::tools::Main(argc, argv); }
