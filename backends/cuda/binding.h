// Kernels of this backend: how they are registered and called.
//
// A kernel is a function over boxed registers, or a typed one as everywhere
// (backends/kernel.h) with the device in front:
//
//   absl::StatusOr<Tensor> Linear(Gpu& gpu, const Tensor& input,
//                                 const Tensor& weight, const Tensor& bias);
//   r.Add<&Linear>("aten::linear");
//
// It runs where an argument is on a CUDA device or names one; otherwise the
// backend declines and the next one's kernel runs. What it declines itself
// (`return Declined();`), and every operator that has no kernel here, runs on
// the CPU over copies (fallback.h).
#ifndef TANDEM_BACKENDS_CUDA_BINDING_H_
#define TANDEM_BACKENDS_CUDA_BINDING_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "tandem/backends/cuda/runtime.h"
#include "tandem/backends/kernel.h"
#include "tandem/backends/registry.h"

namespace tandem::cuda {

struct Binding;

// What a kernel gets.
struct Call {
  Gpu& gpu;
  const Binding& binding;
  const KernelCall& registers;
  const IValue& in(size_t i) const { return registers.in(i); }
  IValue& out(size_t i) const { return registers.out(i); }
  const Tensor& tensor(size_t i) const { return in(i).AsOptionalTensor(); }
};
using KernelFunction = absl::Status (*)(const Call& call);

// An operator's kernel, kept by the registry.
struct Binding {
  enum class Kind : uint8_t {
    kKernel,
    kView,  // of the next backend, which reads no elements
    kHost,  // on the CPU over copies
  };
  std::shared_ptr<Runtime> runtime;
  const Registry* registry = nullptr;
  const Operator* op = nullptr;
  Kind kind = Kind::kHost;
  KernelFunction function = nullptr;
  const void* data = nullptr;  // a row of a family's table
  // Places of arguments that hold tensors (alone or in lists) and devices;
  // `any`: those of generic types, looked into as well.
  std::vector<uint8_t> tensors, devices, any;

  // The kernels of the CPU's backends.
  std::vector<const KernelEntry*> HostKernels() const;
  // Runs it; Declined() when nothing of the call is on a CUDA device.
  absl::Status Run(const KernelCall& call) const;
};

namespace binding_internal {

template <auto F>
struct Typed;
template <typename R, typename... A, R (*F)(Gpu&, A...)>
struct Typed<F> {
  using Plain = R (*)(A...);  // as the row's schema says
  static absl::Status Run(const Call& call) {
    return Apply(call, std::index_sequence_for<A...>());
  }
  template <size_t... I>
  static absl::Status Apply(const Call& call, std::index_sequence<I...>) {
    using kernel_internal::Bare;
    return kernel_internal::Results<Bare<R>>::Put(
        F(call.gpu, kernel_internal::Unbox<Bare<A>>::Get(call.in(I))...),
        call.registers);
  }
};

}  // namespace binding_internal

// Registers kernels, remembering the first error.
class Registrar {
 public:
  Registrar(Registry& registry, std::shared_ptr<Runtime> runtime)
      : registry_(registry),
        runtime_(std::move(runtime)),
        check_(&registry.operators()) {}

  // A typed kernel; its signature is checked against the row.
  template <auto F>
  Registrar& Add(absl::string_view op) {
    using T = binding_internal::Typed<F>;
    Note(check_.Kernel("check", op, static_cast<typename T::Plain>(nullptr)));
    return AddBoxed(op, &T::Run);
  }
  Registrar& AddBoxed(absl::string_view op, KernelFunction function,
                      const void* data = nullptr);
  // An operator whose result is a view, by the kernel of the next backend.
  Registrar& AddView(absl::string_view op);
  // Everything else that takes tensors or devices and reads elements. Backends
  // of the CPU have been registered.
  void AddHost();
  // Is there a kernel here?
  bool Has(absl::string_view op) const { return bound_.contains(op); }

  const Registry& registry() const { return registry_; }
  const std::shared_ptr<Runtime>& runtime() const { return runtime_; }
  const absl::Status& status() const { return status_; }
  // Kernels by row: what groups are made of.
  const absl::flat_hash_map<const Operator*, std::shared_ptr<const Binding>>&
  bindings() const {
    return bindings_;
  }

 private:
  void Bind(absl::string_view op, Binding::Kind kind, KernelFunction function,
            const void* data);
  void Note(absl::Status s) {
    if (status_.ok()) status_ = std::move(s);
  }

  Registry& registry_;
  const std::shared_ptr<Runtime> runtime_;
  Registry check_;  // that signatures are tried on
  absl::flat_hash_set<std::string> bound_;
  absl::flat_hash_map<const Operator*, std::shared_ptr<const Binding>>
      bindings_;
  absl::Status status_;
};

// The families of kernels; one function a family.
void AddElementwise(Registrar& r);
void AddCopies(Registrar& r);
void AddViews(Registrar& r);
void AddFactories(Registrar& r);
void AddReductions(Registrar& r);
void AddNorms(Registrar& r);
void AddMatmul(Registrar& r);
void AddConvolutions(Registrar& r);
void AddPooling(Registrar& r);
void AddIndexing(Registrar& r);

}  // namespace tandem::cuda

#endif  // TANDEM_BACKENDS_CUDA_BINDING_H_
