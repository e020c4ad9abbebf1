// A CUDA driver and compiler for tests on machines without a GPU: memory is the
// host's, kernels run on the CPU, thread by thread.
//
// What it catches:
//  - host code that touches device memory, kernels that touch freed memory:
//    pages are inaccessible then, and the test dies at the spot;
//  - work that is not ordered: nothing runs before somebody waits for it, in
//    the order that streams and events allow;
//  - copies past the end of an allocation, unknown handles, calls that a
//    capture does not allow: errors, and lines in Faults();
//  - memory, streams, events, modules and graphs that are left: Leaks().
#ifndef TANDEM_BACKENDS_CUDA_FAKE_DRIVER_H_
#define TANDEM_BACKENDS_CUDA_FAKE_DRIVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tandem/backends/cuda/compiler.h"
#include "tandem/backends/cuda/driver.h"

namespace tandem::cuda {

class FakeDriver : public Driver {
 public:
  struct Options {
    int devices = 1;
    size_t memory_bytes = size_t{1} << 30;  // of each device
    int threads_per_block = 32;
  };
  static std::shared_ptr<FakeDriver> Create(const Options& options);
  static std::shared_ptr<FakeDriver> Create() { return Create(Options()); }

  // What went wrong so far, a line each; empty: nothing.
  virtual std::string Faults() const = 0;
  // What has not been given back; empty: nothing.
  virtual std::string Leaks() const = 0;
  struct Counts {
    int64_t launches = 0;        // kernels that were enqueued one by one
    int64_t graph_launches = 0;  // graphs that were
    int64_t allocations = 0;     // calls of cuMemAlloc
    int64_t modules = 0;         // modules that were loaded
    size_t live_bytes = 0;
  };
  virtual Counts counts() const = 0;
  // The next calls of cuMemAlloc fail.
  virtual void FailAllocations(int count) = 0;
  // Enqueues work of a library: `run` reads and writes device memory.
  virtual Result Enqueue(StreamHandle stream,
                         std::function<void()> run) const = 0;
};

// Compiles sources for the FakeDriver with the host's C++ compiler ($CXX, g++,
// c++ or clang++). NotFoundError where there is none.
absl::StatusOr<std::shared_ptr<const Compiler>> MakeHostCompiler();

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_FAKE_DRIVER_H_
