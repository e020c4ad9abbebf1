// Which kernels there are, by operator and backend. An object: a process can
// hold several; a binary holds what it registers, and nothing else.
#ifndef TANDEM_BACKENDS_REGISTRY_H_
#define TANDEM_BACKENDS_REGISTRY_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/kernel.h"
#include "tandem/ir/operator_table.h"

namespace tandem {

class GroupBackend;

// What a kernel promises besides its signature.
struct KernelOptions {
  // Takes tensors whose conj or neg bit is set; others get them resolved first.
  bool handles_lazy_bits = false;
  // Reads sizes, dtypes and the like but no elements: takes tensors on the meta
  // device and sparse ones as well, which are refused for all others.
  bool metadata_only = false;
  // Takes sparse tensors (to_dense, coalesce, …).
  bool handles_sparse = false;
};

struct KernelEntry {
  BoundKernel kernel;
  KernelOptions options;
  std::string backend;
  // Keeps alive what the kernel works with.
  std::shared_ptr<const void> owner;
};

// Kernels of one backend, while it registers. Errors are gathered: a wrong
// signature or an unknown operator shows in status() with its name.
class KernelRegistrar;

class Registry {
 public:
  explicit Registry(const OperatorTable* operators = &OperatorTable::Builtin());

  const OperatorTable& operators() const { return *operators_; }

  // Registers `function` for "aten::add.Tensor" ("aten::relu" has no overload
  // name). Checks the signature against the row.
  template <typename R, typename... A>
  absl::Status Kernel(absl::string_view backend, absl::string_view op,
                      R (*function)(A...), KernelOptions options = {}) {
    return Add(backend, op, BindKernel(function), SignatureOf(function),
               options);
  }
  // A kernel that takes the call's registers as they are: varargs (format,
  // print-like operators) and operators over generic containers.
  absl::Status BoxedKernel(absl::string_view backend, absl::string_view op,
                           absl::Status (*function)(const KernelCall&),
                           KernelOptions options = {});

  // A kernel that is bound already and takes registers as they are; `owner`
  // lives as long as the registry.
  absl::Status AddBound(absl::string_view backend, absl::string_view op,
                        BoundKernel kernel, KernelOptions options,
                        std::shared_ptr<const void> owner);

  // The kernel of the first of `backends` that has one; null when none does.
  const KernelEntry* Find(const Operator& op,
                          absl::Span<const std::string> backends) const;
  // All of them that `backends` have, in that order.
  std::vector<const KernelEntry*> FindAll(
      const Operator& op, absl::Span<const std::string> backends) const;

  // A backend that compiles groups (backends/group.h). Its name may be that of
  // one which has kernels too.
  absl::Status AddGroupBackend(std::shared_ptr<const GroupBackend> backend);
  // Null when there is none of that name.
  const GroupBackend* FindGroupBackend(absl::string_view name) const;

  // Backends in the order of registration.
  const std::vector<std::string>& backends() const { return backends_; }
  // Number of operators that a backend covers.
  size_t Coverage(absl::string_view backend) const;

 private:
  absl::Status Add(absl::string_view backend, absl::string_view op,
                   BoundKernel kernel, const KernelSignature& signature,
                   KernelOptions options);
  absl::Status Put(absl::string_view backend, const Operator& op,
                   KernelEntry entry);

  const OperatorTable* const operators_;
  std::vector<std::string> backends_;
  absl::flat_hash_map<const Operator*,
                      std::vector<std::unique_ptr<KernelEntry>>>
      kernels_;
  std::vector<std::shared_ptr<const GroupBackend>> group_backends_;
};

// Registers the kernels of a backend, remembering the first error:
//
//   absl::Status RegisterPointwise(Registry& registry) {
//     KernelRegistrar r(registry, "reference");
//     r.Add("aten::relu", &Relu).Add("aten::relu_", &ReluInPlace);
//     return r.status();
//   }
class KernelRegistrar {
 public:
  KernelRegistrar(Registry& registry, absl::string_view backend)
      : registry_(registry), backend_(backend) {}
  template <typename R, typename... A>
  KernelRegistrar& Add(absl::string_view op, R (*function)(A...),
                       KernelOptions options = {}) {
    Note(registry_.Kernel(backend_, op, function, options));
    return *this;
  }
  KernelRegistrar& AddBoxed(absl::string_view op,
                            absl::Status (*function)(const KernelCall&),
                            KernelOptions options = {}) {
    Note(registry_.BoxedKernel(backend_, op, function, options));
    return *this;
  }
  const absl::Status& status() const { return status_; }

 private:
  void Note(absl::Status s) {
    if (status_.ok()) status_ = std::move(s);
  }
  Registry& registry_;
  const std::string backend_;
  absl::Status status_;
};

}  // namespace tandem

#endif  // TANDEM_BACKENDS_REGISTRY_H_
