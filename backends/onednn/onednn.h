// The oneDNN backend: convolutions, matrix products, pooling, normalisation and
// recurrent layers as groups, with what follows them fused into them.
#ifndef TANDEM_BACKENDS_ONEDNN_ONEDNN_H_
#define TANDEM_BACKENDS_ONEDNN_ONEDNN_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "tandem/backends/group.h"
#include "tandem/backends/registry.h"

namespace tandem::onednn {

struct Options {
  // Products of float32 may round their factors to bfloat16 (faster where the
  // CPU has AVX512_BF16 or AMX; about three digits).
  bool allow_bf16 = false;
  // Groups of fewer multiplications (roughly) are left to kernels, whose calls
  // cost less than those of primitives.
  int64_t min_work = 20000;
  // The library; empty: searched for (library.h says where).
  std::string library;
  // Open it from the start, in a thread of its own, instead of with the first
  // group: for programs that are about to read a model that will need it. The
  // loader takes some 6 ms for it.
  bool preload = false;
};

// Adds the group backend "onednn". The library is opened by the first group:
// where there is none, kernels run everything.
absl::Status Register(Registry& registry);
absl::Status Register(Registry& registry, const Options& options);

// The backend alone, for tests and for programs that compile groups themselves.
std::shared_ptr<const GroupBackend> MakeBackend(const Options& options);

}  // namespace tandem::onednn

#endif  // TANDEM_BACKENDS_ONEDNN_ONEDNN_H_
