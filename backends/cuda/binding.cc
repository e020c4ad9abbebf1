#include "tandem/backends/cuda/binding.h"

#include <algorithm>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/fallback.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

constexpr absl::string_view kBackend = "cuda";

bool HoldsTensors(const Type& type) {
  if (type.is(TypeKind::kTensor)) return true;
  return (type.is(TypeKind::kOptional) || type.is(TypeKind::kList)) &&
         HoldsTensors(*type.element());
}

bool IsDeviceType(const Type& type) {
  return type.is(TypeKind::kDevice) || (type.is(TypeKind::kOptional) &&
                                        type.element()->is(TypeKind::kDevice));
}

// Operators over values of any type that look at the elements of tensors among
// them; containers' own operators only move references.
bool LooksIntoValues(absl::string_view name) {
  static constexpr absl::string_view kNames[] = {
      "aten::print",  "aten::str",       "aten::format", "aten::percentFormat",
      "aten::tensor", "aten::as_tensor", "prim::Print",
  };
  for (absl::string_view n : kNames) {
    if (n == name) return true;
  }
  return false;
}

// The CUDA device that a value is on or names.
std::optional<Device> DeviceOf(const IValue& v, int depth = 0) {
  if (v.is_tensor()) {
    if (IsOnCuda(v.AsTensor())) return v.AsTensor().device();
  } else if (v.is_device()) {
    if (v.AsDevice().type == DeviceType::kCuda) return v.AsDevice();
  } else if ((v.is_list() || v.is_tuple()) && depth < 4) {
    const auto& values = v.is_list() ? v.AsList().values : v.AsTuple().values;
    for (const IValue& e : values) {
      if (!e.is_reference()) break;  // numbers
      if (auto d = DeviceOf(e, depth + 1); d.has_value()) return d;
    }
  }
  return std::nullopt;
}

absl::Status Invoke(void (*function)(), const KernelCall& call) {
  return reinterpret_cast<const Binding*>(function)->Run(call);
}

}  // namespace

std::vector<const KernelEntry*> Binding::HostKernels() const {
  std::vector<std::string> others;
  for (const std::string& name : registry->backends()) {
    if (name != kBackend && name != "quantized" && name != "sparse") {
      others.push_back(name);
    }
  }
  return registry->FindAll(*op, others);
}

absl::Status Binding::Run(const KernelCall& call) const {
  std::optional<Device> device;
  const auto look = [&](const std::vector<uint8_t>& places) {
    for (uint8_t i : places) {
      if (device.has_value() || i >= call.num_inputs) return;
      device = DeviceOf(call.in(i));
    }
  };
  look(tensors);
  look(devices);
  if (op->schema.is_vararg) {
    for (uint32_t i = 0; i < call.num_inputs && !device.has_value(); ++i) {
      device = DeviceOf(call.in(i));
    }
  } else {
    look(any);
  }
  if (!device.has_value()) {
    if (op->schema.name != "aten::cuda") return Declined();
    device = Device{DeviceType::kCuda, -1};
  }
  TANDEM_ASSIGN_OR_RETURN(Gpu * gpu, runtime->Get(device->index));
  if (kind == Kind::kView) {
    for (const KernelEntry* entry : HostKernels()) {
      absl::Status status = entry->kernel(call);
      if (!IsDeclined(status)) return status;
    }
  } else if (kind == Kind::kKernel) {
    absl::Status status = function(Call{*gpu, *this, call});
    if (!IsDeclined(status)) return status;
  }
  return RunOnHost(*gpu, *this, call);
}

void Registrar::Bind(absl::string_view name, Binding::Kind kind,
                     KernelFunction function, const void* data) {
  const size_t dot = name.find('.');
  const Operator* op = registry_.operators().Find(
      name.substr(0, dot),
      dot == absl::string_view::npos ? "" : name.substr(dot + 1));
  if (op == nullptr) {
    Note(absl::NotFoundError(
        absl::StrCat("backend 'cuda' registers a kernel for ", name,
                     ", which the table of operators does not have")));
    return;
  }
  auto binding = std::make_shared<Binding>();
  binding->runtime = runtime_;
  binding->registry = &registry_;
  binding->op = op;
  binding->kind = kind;
  binding->function = function;
  binding->data = data;
  const auto& arguments = op->schema.arguments;
  for (size_t i = 0; i < arguments.size() && i < 250; ++i) {
    if (HoldsTensors(*arguments[i].type)) {
      binding->tensors.push_back(static_cast<uint8_t>(i));
    } else if (IsDeviceType(*arguments[i].type)) {
      binding->devices.push_back(static_cast<uint8_t>(i));
    } else if (LooksIntoValues(op->schema.name)) {
      binding->any.push_back(static_cast<uint8_t>(i));
    }
  }
  if (op->schema.is_vararg) {
    for (uint8_t i = 0; i < 250; ++i) binding->any.push_back(i);
  }
  const BoundKernel bound{
      reinterpret_cast<void (*)()>(const_cast<Binding*>(binding.get())),
      &Invoke};
  Note(registry_.AddBound(kBackend, name, bound, {.handles_lazy_bits = true},
                          binding));
  bound_.insert(std::string(name));
  bindings_[op] = std::move(binding);
}

Registrar& Registrar::AddBoxed(absl::string_view op, KernelFunction function,
                               const void* data) {
  Bind(op, Binding::Kind::kKernel, function, data);
  return *this;
}

Registrar& Registrar::AddView(absl::string_view op) {
  Bind(op, Binding::Kind::kView, nullptr, nullptr);
  return *this;
}

void Registrar::AddHost() {
  const std::vector<std::string> backends = registry_.backends();
  for (const Operator* op : registry_.operators().All()) {
    const std::string name = op->schema.FullName();
    if (bound_.contains(name)) continue;
    const KernelEntry* entry = registry_.Find(*op, backends);
    if (entry == nullptr || entry->options.metadata_only) continue;
    bool wanted = LooksIntoValues(op->schema.name);
    for (const Argument& a : op->schema.arguments) {
      wanted = wanted || HoldsTensors(*a.type) || IsDeviceType(*a.type);
    }
    if (!wanted) continue;
    // Dicts know tensors by identity, which a copy would lose.
    const bool dict = std::any_of(
        op->schema.arguments.begin(), op->schema.arguments.end(),
        [](const Argument& a) { return a.type->is(TypeKind::kDict); });
    Bind(name, dict ? Binding::Kind::kView : Binding::Kind::kHost, nullptr,
         nullptr);
  }
}

}  // namespace tandem::cuda
