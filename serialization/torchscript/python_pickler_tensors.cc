// Tensors and storages of PythonPickler: what torch._utils rebuilds.
#include "absl/strings/str_cat.h"
#include "tandem/serialization/torchscript/python_pickler.h"
#include "tandem/tensor/dtype.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

constexpr absl::string_view kSchemes[] = {
    "per_tensor_affine", "per_channel_affine", "per_tensor_symmetric",
    "per_channel_symmetric", "per_channel_affine_float_qparams"};

// The dtypes that Python has typed storages of; the others' are untyped.
bool HasTypedStorage(DType dtype) {
  switch (dtype) {
    case DType::kDouble:
    case DType::kFloat:
    case DType::kHalf:
    case DType::kInt64:
    case DType::kInt32:
    case DType::kInt16:
    case DType::kInt8:
    case DType::kUInt8:
    case DType::kBool:
    case DType::kBFloat16:
    case DType::kComplexDouble:
    case DType::kComplexFloat:
    case DType::kQInt8:
    case DType::kQInt32:
    case DType::kQUInt8:
    case DType::kQUInt4x2:
    case DType::kQUInt2x4:
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::Status PythonPickler::PutTensor(const Tensor& tensor, int depth) {
  if (tensor.is_sparse()) return PutSparse(tensor, depth);
  if (tensor.is_meta()) {
    PutMeta(tensor);
    return absl::OkStatus();
  }
  return PutStrided(tensor, depth);
}

absl::Status PythonPickler::PutStrided(const Tensor& tensor, int depth) {
  const Quantizer* quantizer = tensor.impl()->quantizer.get();
  const bool typed = HasTypedStorage(tensor.dtype());
  PutGlobal("torch._utils", quantizer != nullptr ? "_rebuild_qtensor"
                            : typed              ? "_rebuild_tensor_v2"
                                                 : "_rebuild_tensor_v3");
  Emit("(");
  TANDEM_RETURN_IF_ERROR(PutStorage(tensor));
  PutInt(tensor.offset());
  PutSizes(tensor.sizes());
  PutSizes(tensor.strides());
  if (quantizer != nullptr) {
    TANDEM_RETURN_IF_ERROR(PutQuantizer(*quantizer, depth));
  }
  PutBool(tensor.requires_grad());
  PutEmptyOrderedDict();  // backward hooks
  if (quantizer == nullptr && !typed) {
    PutGlobal("torch", PythonName(tensor.dtype()));
  }
  const bool conj = tensor.impl()->conj, neg = tensor.impl()->neg;
  if (quantizer == nullptr && (conj || neg)) {
    Emit("}");
    Memoize();
    if (conj && neg) Emit("(");
    if (conj) {
      PutConstant("conj");
      PutBool(true);
    }
    if (neg) {
      PutConstant("neg");
      PutBool(true);
    }
    Emit(conj && neg ? "u" : "s");
  }
  CloseTuple(4);
  Emit("R");
  return absl::OkStatus();
}

absl::Status PythonPickler::PutQuantizer(const Quantizer& quantizer,
                                         int depth) {
  if (quantizer.scheme < 0 || quantizer.scheme > 4) {
    return absl::InvalidArgumentError(
        "a tensor of an unknown scheme of quantization cannot be saved");
  }
  if (quantizer.scheme == 0) {
    PutGlobal("torch", kSchemes[0]);
    PutFloat(quantizer.scale);
    PutInt(quantizer.zero_point);
    CloseTuple(3);
    return absl::OkStatus();
  }
  Emit("(");
  PutGlobal("torch", kSchemes[quantizer.scheme]);
  TANDEM_RETURN_IF_ERROR(Put(IValue(quantizer.scales), depth + 1));
  TANDEM_RETURN_IF_ERROR(Put(IValue(quantizer.zero_points), depth + 1));
  PutInt(quantizer.axis);
  CloseTuple(4);
  return absl::OkStatus();
}

absl::Status PythonPickler::PutSparse(const Tensor& tensor, int depth) {
  const SparseParts& parts = *tensor.impl()->sparse;
  const bool coo = tensor.impl()->layout == Layout::kSparse;
  PutGlobal("torch._utils", "_rebuild_sparse_tensor");
  PutGlobal("torch.serialization", "_get_layout");
  PutNewText(coo ? "torch.sparse_coo" : "torch.sparse_csr");
  CloseTuple(1);
  Emit("R");
  Memoize();
  Emit("(");
  TANDEM_RETURN_IF_ERROR(Put(IValue(coo ? parts.indices : parts.crow), depth));
  if (!coo) TANDEM_RETURN_IF_ERROR(Put(IValue(parts.col), depth));
  TANDEM_RETURN_IF_ERROR(Put(IValue(parts.values), depth));
  PutSizeObject(tensor.sizes());
  if (coo) PutBool(parts.coalesced);
  CloseTuple(4);
  CloseTuple(2);
  Emit("R");
  return absl::OkStatus();
}

void PythonPickler::PutMeta(const Tensor& tensor) {
  PutGlobal("torch._utils", "_rebuild_meta_tensor_no_storage");
  Emit("(");
  PutGlobal("torch", PythonName(tensor.dtype()));
  PutSizes(tensor.sizes());
  PutSizes(tensor.strides());
  PutBool(tensor.requires_grad());
  CloseTuple(4);
  Emit("R");
}

absl::Status PythonPickler::PutStorage(const Tensor& tensor) {
  const Ref<Storage>& storage = tensor.storage();
  if (!storage) {
    return absl::InvalidArgumentError(
        "a tensor without storage cannot be saved");
  }
  const DType dtype =
      HasTypedStorage(tensor.dtype()) ? tensor.dtype() : DType::kUndefined;
  Emit("(");
  PutConstant("storage");
  if (dtype == DType::kUndefined) {
    PutGlobal("torch.storage", "UntypedStorage");
  } else {
    PutGlobal("torch", absl::StrCat(TypeName(dtype), "Storage"));
  }
  const auto known = met_.find(storage.get());
  if (known == met_.end()) {
    met_[storage.get()] = {dtype, next_memo_};
    PutNewText(absl::StrCat(storages_.size()));
    storages_.push_back(storage);
  } else if (known->second.dtype != dtype) {
    return absl::InvalidArgumentError(
        "Cannot save multiple tensors or storages that view the same data as "
        "different types");
  } else {
    Recall(known->second.key_memo);
  }
  PutConstant(tensor.device().ToString());
  PutInt(static_cast<int64_t>(
      storage->bytes() /
      (dtype == DType::kUndefined ? 1 : tensor.element_size())));
  CloseTuple(5);
  Emit("Q");
  return absl::OkStatus();
}

}  // namespace tandem
