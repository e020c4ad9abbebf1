#include "tandem/runtime/operator_call.h"

#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/str_cat.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr size_t kMaxRegisters = 64;

// 0, 1, 2, ...: registers of a call stand in order.
struct Numbers {
  uint32_t value[kMaxRegisters];
  constexpr Numbers() : value() {
    for (size_t i = 0; i < kMaxRegisters; ++i) value[i] = i;
  }
};
constexpr Numbers kNumbers;

bool IsPlain(const TensorImpl& t) {
  return !t.conj && !t.neg && t.layout == Layout::kStrided &&
         t.quantizer == nullptr && t.device.type != DeviceType::kMeta &&
         t.dtype != DType::kUndefined;
}

const TypePtr& WithoutOptional(const TypePtr& type) {
  return type->is(TypeKind::kOptional) ? type->element() : type;
}

// What the tensors of a call have that not every kernel takes.
struct Seen {
  bool sparse = false, meta = false, quantized = false;
  void Look(const Tensor& t) {
    if (!t.defined()) return;
    sparse = sparse || t.is_sparse();
    meta = meta || t.is_meta();
    quantized = quantized || t.is_quantized();
  }
};

}  // namespace

OperatorCall::OperatorCall(const Operator& op, const Registry& registry,
                           absl::Span<const std::string> backends)
    : op_(op), kernels_(registry.FindAll(op, backends)) {
  const std::string sparse = "sparse";
  if (const KernelEntry* e = registry.Find(op, absl::MakeConstSpan(&sparse, 1));
      e != nullptr) {
    kernels_.push_back(e);
  }
  const std::string quantized = "quantized";
  quantized_ = registry.Find(op, absl::MakeConstSpan(&quantized, 1));
  for (size_t i = 0; i < num_inputs(); ++i) {
    const TypePtr& declared = op.schema.arguments[i].type;
    const TypePtr& type = WithoutOptional(declared);
    if (type->is(TypeKind::kTensor)) {
      tensors_.push_back({static_cast<uint8_t>(i), type != declared});
    } else if (type->is(TypeKind::kList) &&
               WithoutOptional(type->element())->is(TypeKind::kTensor)) {
      tensor_lists_.push_back(static_cast<uint8_t>(i));
    }
  }
}

absl::Status OperatorCall::Run(IValue* r) const {
  bool plain = tensor_lists_.empty() && !kernels_.empty();
  for (const TensorArgument& a : tensors_) {
    const TensorImpl* impl = r[a.index].AsOptionalTensor().impl();
    plain = plain && (impl == nullptr ? a.optional : IsPlain(*impl));
  }
  const size_t inputs = num_inputs(), outputs = num_outputs();
  if (ABSL_PREDICT_FALSE(!plain || inputs + outputs > kMaxRegisters)) {
    return RunSlowly(r);
  }
  const KernelCall call{r, kNumbers.value, kNumbers.value + inputs,
                        static_cast<uint32_t>(inputs),
                        static_cast<uint32_t>(outputs)};
  absl::Status status = kernels_[0]->kernel(call);
  for (size_t k = 1; k < kernels_.size() && !status.ok(); ++k) {
    if (!IsDeclined(status)) break;
    status = kernels_[k]->kernel(call);
  }
  return status;
}

absl::Status OperatorCall::Check(const KernelOptions& options, size_t argument,
                                 const Tensor& t, IValue* out) const {
  if (t.dtype() == DType::kUndefined) {
    return absl::InvalidArgumentError(absl::StrCat(
        op_.schema.name, ": argument '", op_.schema.arguments[argument].name,
        "' is a symbolic tensor outside of the trace that it belongs to"));
  }
  if ((t.impl()->conj || t.impl()->neg) && !options.handles_lazy_bits &&
      !options.metadata_only && !op_.schema.is_mutable()) {
    TANDEM_ASSIGN_OR_RETURN(Tensor resolved, ResolveLazyBits(t));
    *out = IValue(std::move(resolved));
  }
  if (t.is_meta() && !options.metadata_only) {
    return absl::UnimplementedError(absl::StrCat(
        op_.schema.name,
        ": a tensor on the meta device has no elements to compute with"));
  }
  if (t.is_sparse() && !options.handles_sparse && !options.metadata_only) {
    return absl::UnimplementedError(
        absl::StrCat("Could not run '", op_.schema.FullName(),
                     "' with arguments from the 'SparseCPU' backend."));
  }
  return absl::OkStatus();
}

absl::Status OperatorCall::RunSlowly(IValue* r) const {
  if (kernels_.empty() && quantized_ == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("no backend has a kernel for ", op_.schema.ToString()));
  }
  Seen seen;
  for (const TensorArgument& a : tensors_) {
    const Tensor& t = r[a.index].AsOptionalTensor();
    if (!t.defined() && !a.optional) {
      return absl::InvalidArgumentError(absl::StrCat(
          "Expected a proper Tensor but got None (or an undefined Tensor in "
          "C++) for argument #",
          static_cast<int>(a.index), " '", op_.schema.arguments[a.index].name,
          "'"));
    }
    seen.Look(t);
  }
  for (const uint8_t k : tensor_lists_) {
    if (!r[k].is_list()) continue;
    const bool optional = WithoutOptional(op_.schema.arguments[k].type)
                              ->element()
                              ->is(TypeKind::kOptional);
    for (const IValue& v : r[k].AsList().values) {
      if (!v.AsOptionalTensor().defined() && !optional) {
        return absl::InvalidArgumentError(absl::StrCat(
            "Expected a proper Tensor but got None (or an undefined Tensor in "
            "C++) for an element of argument #",
            static_cast<int>(k), " '", op_.schema.arguments[k].name, "'"));
      }
      seen.Look(v.AsOptionalTensor());
    }
  }
  // The first kernel that takes such tensors; the first of all where none does.
  size_t first = 0;
  for (size_t k = 0; k < kernels_.size(); ++k) {
    const KernelOptions& o = kernels_[k]->options;
    if (o.metadata_only || (!seen.meta && (!seen.sparse || o.handles_sparse))) {
      first = k;
      break;
    }
  }
  const bool use_quantized =
      quantized_ != nullptr && (seen.quantized || kernels_.empty());
  const KernelEntry& entry = use_quantized ? *quantized_ : *kernels_[first];
  for (const TensorArgument& a : tensors_) {
    IValue resolved;
    const Tensor t = r[a.index].AsOptionalTensor();
    if (!t.defined()) continue;
    TANDEM_RETURN_IF_ERROR(Check(entry.options, a.index, t, &resolved));
    if (!resolved.is_none()) r[a.index] = std::move(resolved);
  }
  for (const uint8_t k : tensor_lists_) {
    if (!r[k].is_list()) continue;
    const Ref<ListObject> given = r[k].AsRef<ListObject>();
    bool copied = false;
    for (size_t e = 0; e < given->values.size(); ++e) {
      const Tensor& t = given->values[e].AsOptionalTensor();
      if (!t.defined()) continue;
      IValue resolved;
      TANDEM_RETURN_IF_ERROR(Check(entry.options, k, t, &resolved));
      if (resolved.is_none()) continue;
      if (!copied) {
        r[k] = IValue(MakeList(given->element_type, given->values));
        copied = true;
      }
      r[k].AsList().values[e] = std::move(resolved);
    }
  }
  const size_t inputs = num_inputs(), outputs = num_outputs();
  std::vector<uint32_t> numbers(inputs + outputs);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = i;
  const KernelCall call{r, numbers.data(), numbers.data() + inputs,
                        static_cast<uint32_t>(inputs),
                        static_cast<uint32_t>(outputs)};
  absl::Status status = entry.kernel(call);
  for (size_t k = first + 1; k < kernels_.size() && !use_quantized; ++k) {
    if (!IsDeclined(status)) break;
    status = kernels_[k]->kernel(call);
  }
  return status;
}

}  // namespace tandem
