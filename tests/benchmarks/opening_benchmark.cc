// What opening a model.tandem with 500 MB of weights costs: without the
// weights' checksums (mapped, not read), with them, and what a second process
// would touch. The file is made in TMPDIR (or /tmp) and removed.
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "tandem/ir/canonical.h"
#include "tandem/serialization/files/crc32c.h"
#include "tandem/serialization/tandem/model_file.h"
#include "tandem/tensor/copy.h"

namespace tandem {
namespace {

constexpr int kLayers = 50;
constexpr int64_t kElements = 2'500'000;  // 10 MB a layer

// A module of layers that multiply.
Module MakeModule() {
  std::string text = "program 1\nclass __torch__.M module\n";
  for (int i = 0; i < kLayers; ++i) {
    absl::StrAppend(&text, "  parameter w", i, " : Tensor\n");
  }
  absl::StrAppend(&text,
                  "  method @__torch__.M.forward\n"
                  "function __torch__.M.forward of __torch__.M(self : "
                  "__torch__.M, x : Tensor) -> (Tensor)\n"
                  "  graph(%self : __torch__.M,\n"
                  "        %x0 : Tensor):\n");
  for (int i = 0; i < kLayers; ++i) {
    absl::StrAppend(&text, "    %w", i, " : Tensor = prim::GetAttr[name=\"w", i,
                    "\"](%self)\n", "    %x", i + 1,
                    " : Tensor = aten::mul.Tensor(%x", i, ", %w", i, ")\n");
  }
  absl::StrAppend(&text, "    return (%x", kLayers, ")\n",
                  "object 0 : __torch__.M\n");
  std::vector<IValue> externals;
  for (int i = 0; i < kLayers; ++i) {
    absl::StrAppend(&text, "  w", i, " = extern(", i, ")\n");
    Tensor t = *Tensor::Empty({kElements}, DType::kFloat);
    if (!FillElements(t, Scalar(i)).ok()) std::abort();
    externals.emplace_back(std::move(t));
  }
  text += "root object(0)\n";
  CanonicalParseOptions options;
  options.externals = &externals;
  absl::StatusOr<CanonicalProgram> program = ParseProgram(text, options);
  if (!program.ok()) {
    std::fprintf(stderr, "%s\n", program.status().ToString().c_str());
    std::abort();
  }
  return Module(program->unit, program->root.AsRef<ModuleObject>());
}

const std::string& ModelPath() {
  static const std::string* const kPath = [] {
    const char* folder = std::getenv("TMPDIR");
    auto* path = new std::string(
        absl::StrCat(folder != nullptr ? folder : "/tmp", "/opening_benchmark.",
                     getpid(), ".tandem"));
    if (const absl::Status s = SaveTandem(MakeModule(), *path); !s.ok()) {
      std::fprintf(stderr, "%s\n", s.ToString().c_str());
      std::abort();
    }
    std::atexit([] { unlink(ModelPath().c_str()); });
    return path;
  }();
  return *kPath;
}

void Open(benchmark::State& state) {
  TandemLoadOptions options;
  options.verify_weights = state.range(0) != 0;
  ModelPath();
  rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  for (auto _ : state) {
    auto module = LoadTandem(ModelPath(), options);
    if (!module.ok()) std::abort();
    benchmark::DoNotOptimize(module);
  }
  getrusage(RUSAGE_SELF, &after);
  state.counters["pages_touched"] =
      static_cast<double>(after.ru_minflt - before.ru_minflt) /
      static_cast<double>(state.iterations());
  if (options.verify_weights) {
    state.SetBytesProcessed(state.iterations() * kLayers * kElements * 4);
  }
}
BENCHMARK(Open)
    ->ArgName("checksums")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);

void Checksum(benchmark::State& state) {
  const std::vector<uint8_t> bytes(static_cast<size_t>(state.range(0)), 7);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Crc32c(0, bytes.data(), bytes.size()));
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}
BENCHMARK(Checksum)->Arg(1 << 16)->Arg(100 << 20);

}  // namespace
}  // namespace tandem

BENCHMARK_MAIN();
