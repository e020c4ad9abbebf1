// Calls of kernels: what their tensors must be before they see them.
#include <utility>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "tandem/runtime/autocast.h"
#include "tandem/runtime/executor.h"
#include "tandem/runtime/group_site.h"
#include "tandem/runtime/in_place.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

// Every kernel takes it as it is.
bool IsPlain(const TensorImpl& t) {
  return !t.conj && !t.neg && t.layout == Layout::kStrided &&
         t.quantizer == nullptr && t.device.is_cpu();
}

// Kernels of the backend that is named as the device take tensors there; those
// that read no elements take them anywhere.
bool IsFor(const KernelEntry& entry, const Device& device) {
  return entry.options.metadata_only ||
         entry.backend == Device{device.type, -1}.ToString();
}

// Is a tensor, alone or in a list, quantized?
bool AnyQuantized(const KernelSite& site, const KernelCall& call) {
  for (uint8_t k : site.tensors) {
    if (call.in(k).AsTensor().is_quantized()) return true;
  }
  for (uint8_t k : site.tensor_lists) {
    if (!call.in(k).is_list()) continue;
    for (const IValue& v : call.in(k).AsList().values) {
      const Tensor& t = v.AsOptionalTensor();
      if (t.defined() && t.is_quantized()) return true;
    }
  }
  return false;
}

// The first kernel that takes such tensors as these (sparse ones, or on the
// meta device); the first of all where none does.
const KernelEntry* EntryFor(const KernelSite& site, const KernelCall& call) {
  if (site.others.empty()) return site.entry;
  bool sparse = false, meta = false;
  Device device;
  const auto look = [&](const Tensor& t) {
    if (!t.defined()) return;
    sparse = sparse || t.is_sparse();
    meta = meta || t.is_meta();
    if (!t.device().is_cpu()) device = t.device();
  };
  for (uint8_t k : site.tensors) look(call.in(k).AsOptionalTensor());
  for (uint8_t k : site.optional_tensors) look(call.in(k).AsOptionalTensor());
  for (uint8_t k : site.tensor_lists) {
    if (!call.in(k).is_list()) continue;
    for (const IValue& v : call.in(k).AsList().values) {
      look(v.AsOptionalTensor());
    }
  }
  const auto fits = [&](const KernelEntry* e) {
    return e->options.metadata_only ||
           (!meta && (!sparse || e->options.handles_sparse) &&
            (device.is_cpu() || IsFor(*e, device)));
  };
  if (fits(site.entry)) return site.entry;
  for (const KernelEntry* e : site.others) {
    if (fits(e)) return e;
  }
  return site.entry;
}

// When a kernel has declined: the next backends'.
absl::Status AskOthers(const KernelSite& site, absl::Status status,
                       const KernelCall& call) {
  for (const KernelEntry* other : site.others) {
    if (!IsDeclined(status)) break;
    status = other->kernel(call);
  }
  return status;
}

// What a group's executable must give: strided tensors of the CPU or the
// group's device, laid over memory that holds them.
bool IsSound(const IValue& v) {
  if (!v.is_tensor()) return false;
  const TensorImpl* t = v.AsTensor().impl();
  return t != nullptr && t->storage && t->layout == Layout::kStrided &&
         t->dtype != DType::kUndefined;
}

// What a backend gave where kernels gave `right`; empty when dtype and sizes
// agree.
std::string Difference(const IValue& given, const IValue& right) {
  const Tensor& a = given.AsTensor();
  const Tensor& b = right.AsTensor();
  if (a.dtype() == b.dtype() && a.sizes() == b.sizes()) return "";
  return absl::StrCat(TypeName(a.dtype()), DimsToString(a.sizes()),
                      " where kernels give ", TypeName(b.dtype()),
                      DimsToString(b.sizes()));
}

}  // namespace

absl::Status Execution::CallGroup(const Plan& plan, const Instruction& i,
                                  IValue* r) {
  TANDEM_RETURN_IF_ERROR(Stop());
  GroupSite& site = *plan.groups[i.a];
  const uint32_t* inputs = plan.operands.data() + i.b;
  const KernelCall call{r, inputs, inputs + i.c, i.c, i.d};
  // Autocast changes what each operator computes in.
  absl::InlinedVector<IValue, 2> given;
  GroupSite::Found found;
  if (autocast_.empty() || autocast_.back() == DType::kUndefined) {
    if (frame_->groups.empty()) frame_->groups.resize(plan.groups.size());
    found = site.Find(call, &frame_->groups[i.a]);
  }
  const GroupExecutable* const executable =
      found.entry == nullptr || found.entry->refused.load()
          ? nullptr
          : found.entry->executable.get();
  absl::InlinedVector<IValue, 8> args;
  if (executable == nullptr || found.check) {
    for (uint32_t k = 0; k < i.c; ++k) args.push_back(call.in(k));
  }
  if (executable != nullptr) {
    absl::Status status = executable->Run(call);
    if (!status.ok() && !IsDeclined(status)) {
      if (site.backend().is_trusted()) return status;
      TANDEM_RETURN_IF_ERROR(CheckStop());
      site.Refuse(found.entry, std::string(status.message()));
    }
    if (status.ok()) {
      bool sound = true;
      for (uint32_t k = 0; k < i.d; ++k) {
        sound &= IsSound(call.out(k));
        if (found.check) given.push_back(call.out(k));
      }
      if (sound && !found.check) return status;
      if (!sound) {
        given.clear();
        site.Refuse(found.entry, "a result is no tensor with memory");
      }
    }
    if (args.empty()) {
      for (uint32_t k = 0; k < i.c; ++k) args.push_back(call.in(k));
    }
  }
  Results results;
  TANDEM_RETURN_IF_ERROR(
      Run(site.kernels(), args.data(), args.size(), &results));
  for (size_t k = 0; k < given.size(); ++k) {
    const std::string difference = Difference(given[k], results[k]);
    if (difference.empty()) continue;
    site.Refuse(found.entry, absl::StrCat("result ", k, " is ", difference));
    break;
  }
  for (uint32_t k = 0; k < i.d; ++k) call.out(k) = std::move(results[k]);
  return absl::OkStatus();
}

absl::Status Execution::CheckTensors(
    const KernelSite& site, const KernelEntry& entry, const Plan& plan,
    const Instruction& i, IValue* r,
    std::vector<std::pair<uint32_t, IValue>>* saved) {
  const KernelOptions& options = entry.options;
  const uint32_t* inputs = plan.operands.data() + i.b;
  const AutocastPolicy policy =
      autocast_.empty() || autocast_.back() == DType::kUndefined
          ? AutocastPolicy::kNone
          : AutocastPolicyOf(*site.op);
  const auto resolve = [&](const Tensor& t, Tensor* out) -> absl::Status {
    TensorImpl* impl = t.impl();
    if ((impl->conj || impl->neg) && !options.handles_lazy_bits &&
        !options.metadata_only) {
      TANDEM_ASSIGN_OR_RETURN(*out, ResolveLazyBits(t));
    }
    if (t.is_meta() && !options.metadata_only) {
      return absl::UnimplementedError(absl::StrCat(
          site.op->schema.name,
          ": a tensor on the meta device has no elements to compute with"));
    }
    if (!t.device().is_cpu() && !IsFor(entry, t.device())) {
      return absl::UnimplementedError(absl::StrCat(
          "Could not run '", site.op->schema.FullName(),
          "' with arguments from the '", t.device().ToString(),
          "' device: none of the engine's backends has a kernel for it there"));
    }
    if (policy != AutocastPolicy::kNone && !t.is_sparse() &&
        t.device().is_cpu()) {
      TANDEM_ASSIGN_OR_RETURN(Tensor cast, Autocast(out->defined() ? *out : t,
                                                    policy, autocast_.back()));
      if (!cast.is_same(t)) *out = std::move(cast);
    }
    if (t.is_sparse() && !options.handles_sparse && !options.metadata_only) {
      return absl::UnimplementedError(
          absl::StrCat("Could not run '", site.op->schema.FullName(),
                       "' with arguments from the 'SparseCPU' backend."));
    }
    return absl::OkStatus();
  };
  const auto single = [&](uint8_t k, bool required) -> absl::Status {
    IValue& v = r[inputs[k]];
    if (!v.is_tensor() || !v.AsTensor().defined()) {
      if (!required) return absl::OkStatus();
      return absl::InvalidArgumentError(absl::StrCat(
          "Expected a proper Tensor but got None (or an undefined Tensor in "
          "C++) "
          "for argument #",
          static_cast<int>(k), " '", site.op->schema.arguments[k].name, "'"));
    }
    Tensor resolved;
    TANDEM_RETURN_IF_ERROR(resolve(v.AsTensor(), &resolved));
    if (resolved.defined()) {
      saved->emplace_back(inputs[k], v);
      v = IValue(std::move(resolved));
    }
    return absl::OkStatus();
  };
  for (uint8_t k : site.tensors) TANDEM_RETURN_IF_ERROR(single(k, true));
  for (uint8_t k : site.optional_tensors)
    TANDEM_RETURN_IF_ERROR(single(k, false));
  for (uint8_t k : site.tensor_lists) {
    IValue& v = r[inputs[k]];
    if (!v.is_list()) continue;
    const bool optional = v.AsList().element_type->MayBeNone();
    for (size_t e = 0; e < v.AsList().values.size(); ++e) {
      const Tensor& t = v.AsList().values[e].AsOptionalTensor();
      if (!t.defined()) {
        if (optional) continue;
        return absl::InvalidArgumentError(absl::StrCat(
            "Expected a proper Tensor but got None (or an undefined Tensor in "
            "C++) at position #",
            e, " of argument #", static_cast<int>(k), " '",
            site.op->schema.arguments[k].name, "'"));
      }
      Tensor resolved;
      TANDEM_RETURN_IF_ERROR(resolve(t, &resolved));
      if (!resolved.defined()) continue;
      if (saved->empty() || saved->back().first != inputs[k]) {
        // The program's list stays as it is.
        saved->emplace_back(inputs[k], v);
        v = IValue(MakeList(v.AsList().element_type, v.AsList().values));
      }
      v.AsList().values[e] = IValue(std::move(resolved));
    }
  }
  return absl::OkStatus();
}

absl::Status Execution::CallInPlace(const Plan& plan, const Instruction& i,
                                    IValue* r) {
  const uint32_t* inputs = plan.operands.data() + i.b;
  // A result may take the register over.
  const Tensor self = r[inputs[0]].AsOptionalTensor();
  TANDEM_RETURN_IF_ERROR(CallKernel(plan, i, r));
  IValue& result = r[inputs[i.c]];
  if (!self.defined() || !result.is_tensor() || !result.AsTensor().defined()) {
    return absl::OkStatus();
  }
  TANDEM_RETURN_IF_ERROR(CheckInPlace(self, result.AsTensor()));
  if (!SameLayout(self, result.AsTensor())) {
    // What is written in place keeps its strides.
    TANDEM_ASSIGN_OR_RETURN(
        Tensor laid_out,
        Tensor::EmptyStrided(self.sizes(), self.strides(), self.dtype()));
    TANDEM_RETURN_IF_ERROR(CopyElements(result.AsTensor(), laid_out));
    result = IValue(std::move(laid_out));
  } else if (self.strides() != result.AsTensor().strides()) {
    result = IValue(result.AsTensor().ViewUnchecked(
        self.sizes(), self.strides(), result.AsTensor().offset()));
  }
  return absl::OkStatus();
}

absl::Status Execution::CallKernel(const Plan& plan, const Instruction& i,
                                   IValue* r) {
  const KernelSite& site = plan.kernels[i.a];
  const uint32_t* inputs = plan.operands.data() + i.b;
  const KernelCall call{r, inputs, inputs + i.c, i.c, i.d};
  bool plain = true;
  for (uint8_t k : site.tensors) {
    const TensorImpl* impl = r[inputs[k]].AsOptionalTensor().impl();
    plain = plain && impl != nullptr && IsPlain(*impl);
  }
  for (uint8_t k : site.optional_tensors) {
    const TensorImpl* impl = r[inputs[k]].AsOptionalTensor().impl();
    plain = plain && (impl == nullptr || IsPlain(*impl));
  }
  if (ABSL_PREDICT_FALSE(StopIsDue())) TANDEM_RETURN_IF_ERROR(StopNow());
  if (ABSL_PREDICT_TRUE(plain && site.tensor_lists.empty() &&
                        autocast_.empty())) {
    absl::Status status = site.entry->kernel(call);
    if (ABSL_PREDICT_TRUE(status.ok()) || site.others.empty()) return status;
    return AskOthers(site, std::move(status), call);
  }
  std::vector<std::pair<uint32_t, IValue>> saved;
  const KernelEntry* entry = EntryFor(site, call);
  absl::Status status = CheckTensors(site, *entry, plan, i, r, &saved);
  // What was resolved but is to be written: the copy, and the tensor itself.
  std::vector<std::pair<Tensor, Tensor>> written;
  if (status.ok() && site.op->schema.is_mutable()) {
    for (const auto& [index, value] : saved) {
      if (!value.is_tensor()) continue;
      const TensorImpl& impl = *value.AsTensor().impl();
      if (!impl.conj && !impl.neg) continue;
      for (uint8_t k : site.tensors) {
        const auto& alias = site.op->schema.arguments[k].alias;
        if (inputs[k] == index && alias.has_value() && alias->is_write) {
          written.emplace_back(r[index].AsTensor(), value.AsTensor());
        }
      }
    }
  }
  if (status.ok()) {
    const bool quantized =
        site.quantized != nullptr && AnyQuantized(site, call);
    status = (quantized ? site.quantized : entry)->kernel(call);
    if (!quantized && entry == site.entry)
      status = AskOthers(site, std::move(status), call);
  }
  for (const auto& [copy, tensor] : written) {
    if (!status.ok()) break;
    status = CopyElements(copy, tensor);
    for (uint32_t k = 0; k < i.d; ++k) {
      IValue& result = r[call.outputs[k]];
      if (result.is_tensor() && result.AsTensor().is_same(copy)) {
        result = IValue(tensor);
      }
    }
  }
  for (auto it = saved.rbegin(); it != saved.rend(); ++it) {
    // An output may have taken the register over.
    bool overwritten = false;
    for (uint32_t k = 0; k < i.d; ++k)
      overwritten |= call.outputs[k] == it->first;
    if (!overwritten) r[it->first] = std::move(it->second);
  }
  return status;
}

}  // namespace tandem
