#include "tandem/backends/cuda/fallback.h"

#include <numeric>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

bool Holds(absl::Span<const uint8_t> places, size_t i) {
  for (uint8_t p : places) {
    if (p == i) return true;
  }
  return false;
}

// What a kernel wrote to a copy shows in the device's tensor, its new sizes
// and memory too.
absl::Status WriteBack(Gpu& gpu, const Tensor& host, const Tensor& t) {
  TensorImpl& impl = *t.impl();
  if (host.dtype() == t.dtype() && host.sizes() == t.sizes()) {
    return WriteToGpu(gpu, host, t);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor moved, ToGpu(gpu, host));
  impl.storage = moved.storage();
  impl.offset = moved.offset();
  impl.dtype = moved.dtype();
  impl.SetGeometry(moved.sizes(), moved.strides());
  return absl::OkStatus();
}

class HostCall {
 public:
  HostCall(Gpu& gpu, const Binding& binding, const KernelCall& call)
      : gpu_(gpu),
        binding_(binding),
        call_(call),
        to_host_(&gpu.runtime(), nullptr, false) {}

  absl::Status Run() {
    const size_t n = call_.num_inputs;
    registers_.resize(n + call_.num_outputs);
    for (size_t i = 0; i < n; ++i) {
      TANDEM_ASSIGN_OR_RETURN(registers_[i], Input(i));
    }
    TANDEM_RETURN_IF_ERROR(RunKernels());
    TANDEM_RETURN_IF_ERROR(WriteAll());
    for (size_t k = 0; k < call_.num_outputs; ++k) {
      TANDEM_ASSIGN_OR_RETURN(registers_[n + k], Output(registers_[n + k]));
    }
    for (size_t k = 0; k < call_.num_outputs; ++k) {
      call_.out(k) = std::move(registers_[n + k]);
    }
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<IValue> Input(size_t i) {
    const IValue& v = call_.in(i);
    if (v.is_device() && v.AsDevice().type == DeviceType::kCuda) {
      return IValue(Device{DeviceType::kCpu, -1});
    }
    if (!Holds(binding_.tensors, i) && !Holds(binding_.any, i)) return v;
    return to_host_.Move(v);
  }

  absl::Status RunKernels() {
    std::vector<uint32_t> places(registers_.size());
    std::iota(places.begin(), places.end(), 0);
    const KernelCall call{registers_.data(), places.data(),
                          places.data() + call_.num_inputs, call_.num_inputs,
                          call_.num_outputs};
    absl::Status status = Declined();
    for (const KernelEntry* entry : binding_.HostKernels()) {
      TANDEM_RETURN_IF_ERROR(Resolve(entry->options));
      status = entry->kernel(call);
      if (!IsDeclined(status)) break;
    }
    if (IsDeclined(status)) {
      return absl::UnimplementedError(
          absl::StrCat("no backend has a kernel for ",
                       binding_.op->schema.FullName(), " of these tensors"));
    }
    return status;
  }

  // Conj and neg bits, as the executor resolves them.
  absl::Status Resolve(const KernelOptions& options) {
    if (options.handles_lazy_bits || binding_.op->schema.is_mutable()) {
      return absl::OkStatus();
    }
    for (uint8_t i : binding_.tensors) {
      IValue& v = registers_[i];
      if (!v.is_tensor() || !v.AsTensor().defined()) continue;
      const TensorImpl& impl = *v.AsTensor().impl();
      if (!impl.conj && !impl.neg) continue;
      TANDEM_ASSIGN_OR_RETURN(Tensor t, ResolveLazyBits(v.AsTensor()));
      v = IValue(std::move(t));
    }
    return absl::OkStatus();
  }

  absl::Status WriteAll() {
    const std::vector<Argument>& arguments = binding_.op->schema.arguments;
    for (uint8_t i : binding_.tensors) {
      if (!IsWritten(arguments[i])) continue;
      const IValue& before = call_.in(i);
      const IValue& after = registers_[i];
      if (before.is_tensor()) {
        TANDEM_RETURN_IF_ERROR(Write(after.AsOptionalTensor()));
      } else if (before.is_list()) {
        for (const IValue& v : after.AsList().values) {
          TANDEM_RETURN_IF_ERROR(Write(v.AsOptionalTensor()));
        }
      }
    }
    return absl::OkStatus();
  }

  static bool IsWritten(const Argument& a) {
    // Statistics that training updates; no row says so.
    if (absl::StartsWith(a.name, "running_")) return true;
    if (!a.alias.has_value()) return false;
    if (a.alias->is_write) return true;
    for (const AliasInfo& e : a.alias->contained) {
      if (e.is_write) return true;
    }
    return false;
  }

  absl::Status Write(const Tensor& host) {
    if (!host.defined()) return absl::OkStatus();
    const Tensor original = to_host_.OriginalOf(host);
    if (!IsOnCuda(original)) return absl::OkStatus();
    return WriteBack(gpu_, host, original);
  }

  absl::StatusOr<IValue> Output(const IValue& v) {
    if (v.is_tensor()) {
      if (!v.AsTensor().defined()) return v;
      if (const Tensor original = to_host_.OriginalOf(v.AsTensor());
          original.defined()) {
        return IValue(original);
      }
      if (v.AsTensor().is_quantized() || v.AsTensor().is_sparse()) return v;
    } else if (!v.is_list() && !v.is_tuple()) {
      return v;
    }
    if (v.is_list() && !v.AsList().element_type->is(TypeKind::kTensor)) {
      return v;
    }
    Mover to_gpu(&gpu_.runtime(), &gpu_, false);
    return to_gpu.Move(v);
  }

  Gpu& gpu_;
  const Binding& binding_;
  const KernelCall& call_;
  Mover to_host_;
  std::vector<IValue> registers_;
};

}  // namespace

absl::Status RunOnHost(Gpu& gpu, const Binding& binding,
                       const KernelCall& call) {
  return HostCall(gpu, binding, call).Run();
}

}  // namespace tandem::cuda
