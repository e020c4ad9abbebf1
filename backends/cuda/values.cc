#include "tandem/backends/cuda/values.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

// Elements from the view's first to its last.
int64_t Extent(const Tensor& t) {
  int64_t last = 0;
  for (int64_t d = 0; d < t.dim(); ++d) last += (t.size(d) - 1) * t.stride(d);
  return last + 1;
}

void CopyFlags(const Tensor& from, const Tensor& to) {
  to.impl()->requires_grad = from.impl()->requires_grad;
  to.impl()->conj = from.impl()->conj;
  to.impl()->neg = from.impl()->neg;
  to.impl()->wrapped_number = from.impl()->wrapped_number;
}

}  // namespace

absl::StatusOr<Tensor> ToGpu(Gpu& gpu, const Tensor& t) {
  if (t.is_sparse() || t.is_quantized()) {
    return absl::UnimplementedError(absl::StrCat(
        "a ", t.is_sparse() ? "sparse" : "quantized", " tensor cannot be on ",
        gpu.device().ToString(), " here"));
  }
  if (t.is_meta()) {
    return absl::InvalidArgumentError(
        "Cannot copy out of meta tensor; no data!");
  }
  Tensor dense = t;
  if (!t.is_non_overlapping_and_dense()) {
    TANDEM_ASSIGN_OR_RETURN(dense, Contiguous(t));
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      gpu.EmptyStrided(dense.sizes(), dense.strides(), dense.dtype()));
  if (t.numel() > 0) {
    TANDEM_RETURN_IF_ERROR(gpu.CopyToDevice(
        AddressOf(result), dense.raw_data(),
        static_cast<size_t>(dense.numel()) * dense.element_size()));
  }
  CopyFlags(dense, result);
  return result;
}

absl::StatusOr<Tensor> ToHost(Gpu& gpu, const Tensor& t) {
  constexpr int64_t kSmallBytes = 1 << 20;
  Tensor source = t;
  const int64_t size = static_cast<int64_t>(t.element_size());
  if (t.numel() > 0 && !t.is_non_overlapping_and_dense()) {
    // As it lies with its gaps, unless they are large.
    const int64_t bytes = Extent(t) * size;
    if (bytes > kSmallBytes && bytes > 4 * t.numel() * size) {
      TANDEM_ASSIGN_OR_RETURN(source, ContiguousOnGpu(gpu, t));
    }
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Tensor::EmptyStrided(source.sizes(), source.strides(), source.dtype()));
  if (t.numel() > 0) {
    TANDEM_RETURN_IF_ERROR(
        gpu.CopyToHost(result.raw_data(), AddressOf(source),
                       static_cast<size_t>(Extent(source) * size)));
  }
  CopyFlags(t, result);
  return result;
}

absl::Status WriteToGpu(Gpu& gpu, const Tensor& host, const Tensor& t) {
  if (t.numel() == 0) return absl::OkStatus();
  if (host.strides() == t.strides() && t.is_non_overlapping_and_dense()) {
    return gpu.CopyToDevice(AddressOf(t), host.raw_data(),
                            static_cast<size_t>(t.numel()) * t.element_size());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor there, ToGpu(gpu, host));
  return CopyOnGpu(gpu, there, t);
}

absl::StatusOr<Tensor> Mover::ToDevice(const Tensor& host) {
  const Ref<Storage>& storage = host.storage();
  const size_t own = static_cast<size_t>(host.numel()) * host.element_size();
  if (!storage || storage->bytes() == 0 ||
      (!in_place_ && storage->bytes() > 4 * own + (size_t{1} << 20))) {
    return ToGpu(*gpu_, host);
  }
  auto it = storages_.find(storage.get());
  if (it == storages_.end()) {
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor bytes,
        gpu_->Empty({static_cast<int64_t>(storage->bytes())}, DType::kUInt8));
    TANDEM_RETURN_IF_ERROR(gpu_->CopyToDevice(AddressOf(bytes), storage->data(),
                                              storage->bytes()));
    it = storages_
             .emplace(storage.get(), std::make_pair(storage, bytes.storage()))
             .first;
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      Tensor::OverStorage(it->second.second, host.offset(), host.sizes(),
                          host.strides(), host.dtype()));
  result.impl()->device = gpu_->device();
  CopyFlags(host, result);
  return result;
}

absl::StatusOr<Tensor> Mover::MoveTensor(const Tensor& t) {
  if (!t.defined() || t.is_meta() || t.is_sparse() || t.is_quantized()) {
    return t;
  }
  if (const auto it = index_.find(t.impl()); it != index_.end()) {
    return moved_[it->second].second;
  }
  Tensor result;
  if (gpu_ == nullptr) {
    if (!IsOnCuda(t)) return t;
    TANDEM_ASSIGN_OR_RETURN(Gpu * from, runtime_->Get(t.device().index));
    TANDEM_ASSIGN_OR_RETURN(result, ToHost(*from, t));
  } else {
    if (IsOnCuda(t) && t.device() == gpu_->device()) return t;
    Tensor host = t;
    if (IsOnCuda(t)) {
      TANDEM_ASSIGN_OR_RETURN(Gpu * from, runtime_->Get(t.device().index));
      TANDEM_ASSIGN_OR_RETURN(host, ToHost(*from, t));
    }
    TANDEM_ASSIGN_OR_RETURN(result, ToDevice(host));
  }
  index_[t.impl()] = moved_.size();
  moved_.emplace_back(t, result);
  return result;
}

Tensor Mover::OriginalOf(const Tensor& moved) const {
  for (const auto& [from, to] : moved_) {
    if (to.is_same(moved)) return from;
  }
  return Tensor();
}

absl::StatusOr<IValue> Mover::Move(const IValue& value) {
  switch (value.tag()) {
    case IValue::Tag::kTensor: {
      TANDEM_ASSIGN_OR_RETURN(Tensor t, MoveTensor(value.AsTensor()));
      return IValue(std::move(t));
    }
    case IValue::Tag::kTuple: {
      const TupleObject& tuple = value.AsTuple();
      std::vector<IValue> values;
      bool changed = false;
      for (const IValue& e : tuple.values) {
        TANDEM_ASSIGN_OR_RETURN(IValue moved, Move(e));
        changed |= !moved.Is(e);
        values.push_back(std::move(moved));
      }
      if (!changed) return value;
      return IValue(MakeRef<TupleObject>(std::move(values), tuple.type));
    }
    case IValue::Tag::kList: {
      ListObject& list = value.AsList();
      if (const auto it = objects_.find(&list); it != objects_.end()) {
        return it->second;
      }
      std::vector<IValue> values;
      bool changed = false;
      objects_[&list] = value;  // a list that holds itself
      for (const IValue& e : list.values) {
        TANDEM_ASSIGN_OR_RETURN(IValue moved, Move(e));
        changed |= !moved.Is(e);
        values.push_back(std::move(moved));
      }
      if (!changed) return value;
      if (in_place_) {
        list.values = std::move(values);
        return value;
      }
      IValue result(MakeList(list.element_type, std::move(values)));
      objects_[&list] = result;
      return result;
    }
    case IValue::Tag::kDict: {
      DictObject& dict = value.AsDict();
      if (const auto it = objects_.find(&dict); it != objects_.end()) {
        return it->second;
      }
      objects_[&dict] = value;
      auto result = MakeDict(dict.key_type, dict.value_type);
      bool changed = false;
      for (const auto& [key, v] : dict.Items()) {
        TANDEM_ASSIGN_OR_RETURN(IValue there, Move(key));
        TANDEM_ASSIGN_OR_RETURN(IValue moved, Move(v));
        changed |= !moved.Is(v) || !there.Is(key);
        result->Set(std::move(there), std::move(moved));
      }
      if (!changed) return value;
      if (in_place_) {
        dict.Clear();
        for (auto& [key, v] : result->Items()) dict.Set(key, v);
        return value;
      }
      objects_[&dict] = IValue(result);
      return IValue(result);
    }
    case IValue::Tag::kObject: {
      ModuleObject& object = value.AsObject();
      if (!in_place_ || objects_.contains(&object)) return value;
      objects_[&object] = value;
      for (size_t slot = 0; slot < object.num_slots(); ++slot) {
        const IValue before = object.Get(slot);
        TANDEM_ASSIGN_OR_RETURN(IValue moved, Move(before));
        if (!moved.Is(before)) object.Set(slot, std::move(moved));
      }
      return value;
    }
    default:
      return value;
  }
}

}  // namespace tandem::cuda
