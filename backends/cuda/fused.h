// Chains of elementwise operators and reductions over rows as one kernel.
#ifndef TANDEM_BACKENDS_CUDA_FUSED_H_
#define TANDEM_BACKENDS_CUDA_FUSED_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tandem/backends/cuda/runtime.h"
#include "tandem/backends/elementwise/expression.h"

namespace tandem::cuda {

// A kernel's text and what it needs. Sizes, strides and numbers are in the
// text; addresses are its arguments.
struct FusedSource {
  std::string text;
  std::vector<int> inputs;   // arguments of the expressions, in order
  std::vector<int> outputs;  // numbers of results
  std::vector<Dims> sizes;   // of the outputs
  std::vector<DType> dtypes;
  bool by_rows = false;
  int64_t count = 0;  // elements of the loop, or rows
  int64_t row = 1;    // elements of a row
};

// One source for the outputs of each loop. Unimplemented, with the reason, for
// expressions that do not walk one loop.
absl::StatusOr<std::vector<FusedSource>> MakeFusedSources(
    const elementwise::Expressions& x, int block_size);

// The kernels of a group's expressions, loaded.
class FusedKernels {
 public:
  static absl::StatusOr<std::unique_ptr<FusedKernels>> Make(
      Gpu& gpu, const elementwise::Expressions& x);
  // `tensors` are the arguments of the expressions and their constants;
  // `results` get new tensors.
  absl::Status Run(Gpu& gpu, absl::Span<const Tensor> tensors,
                   absl::Span<Tensor> results) const;
  const std::vector<Tensor>& constants() const { return constants_; }
  size_t size() const { return sources_.size(); }

 private:
  std::vector<FusedSource> sources_;
  std::vector<std::shared_ptr<const Kernel>> kernels_;
  std::vector<Tensor> constants_;
};

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_FUSED_H_
