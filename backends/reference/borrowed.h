// Kernels that do an operator's work with the dense kernel of the same or of
// another operator, on other arguments: a sparse tensor's values, a quantized
// tensor's integers.
#ifndef TANDEM_BACKENDS_REFERENCE_BORROWED_H_
#define TANDEM_BACKENDS_REFERENCE_BORROWED_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "tandem/backends/registry.h"

namespace tandem::reference {

// The name under which kernels are registered that take sparse tensors where an
// operator's other kernels do not; the runtime asks them last.
inline constexpr absl::string_view kSparseKernels = "sparse";

// Gives the kernel of "reference" for these arguments its results; the
// arguments are as the schema says.
class DenseKernel {
 public:
  explicit DenseKernel(const KernelEntry* entry) : entry_(entry) {}
  absl::StatusOr<std::vector<IValue>> operator()(
      absl::Span<const IValue> arguments, size_t results) const;

 private:
  const KernelEntry* entry_;
};

using BorrowingKernel = absl::Status (*)(const DenseKernel& dense,
                                         const KernelCall& call);

// Registers `kernel` for `op` as `backend`'s; `dense` names the operator whose
// kernel it gets, which may be registered later.
class BorrowingRegistrar {
 public:
  BorrowingRegistrar(Registry& registry, absl::string_view backend,
                     KernelOptions options)
      : registry_(registry), backend_(backend), options_(options) {}
  BorrowingRegistrar& Add(absl::string_view op, BorrowingKernel kernel) {
    return Add(op, kernel, op);
  }
  BorrowingRegistrar& Add(absl::string_view op, BorrowingKernel kernel,
                          absl::string_view dense);
  const absl::Status& status() const { return status_; }

 private:
  Registry& registry_;
  const absl::string_view backend_;
  const KernelOptions options_;
  absl::Status status_;
};

// The arguments of a call, to be changed.
std::vector<IValue> ArgumentsOf(const KernelCall& call);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_BORROWED_H_
