#include "tandem/frontends/eager/tensor.h"

#include <ostream>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/indexing.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/tensor/print.h"

namespace tandem::eager {
namespace {

void CheckDefined(const tandem::Tensor& t) {
  if (!t.defined()) Throw("an undefined tensor has no properties");
}

// Before something that only a real tensor has is read.
void CheckConcrete(const tandem::Tensor& t,
                   Conversion conversion = Conversion::kMetadata) {
  CheckDefined(t);
  if (t.dtype() != DType::kUndefined) return;
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    ThrowIfError(recorder->Convert(t, conversion));
  }
  Throw("a symbolic tensor outside of the trace that it belongs to");
}

Int Extent(const tandem::Tensor& t, Recorder::Extent extent, int64_t dim) {
  CheckDefined(t);
  tandem::Tensor symbol;
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    symbol = Unwrap(recorder->Size(t, extent, dim));
  }
  if (t.dtype() == DType::kUndefined) {
    if (!symbol.defined()) CheckConcrete(t);
    return Int(0, std::move(symbol));
  }
  int64_t value = 0;
  switch (extent) {
    case Recorder::Extent::kSize:
      value = t.size(Unwrap(WrapDim(dim, t.dim())));
      break;
    case Recorder::Extent::kNumel:
      value = t.numel();
      break;
    case Recorder::Extent::kDim:
      value = t.dim();
      break;
  }
  return Int(value, std::move(symbol));
}

}  // namespace

Int Tensor::size(int64_t dim) const {
  if (defined() && raw().dtype() != DType::kUndefined) {
    if (raw().dim() == 0) {
      Throw(absl::OutOfRangeError(
          "dimension specified as 0 but tensor has no dimensions"));
    }
    ThrowIfError(WrapDim(dim, raw().dim()).status());
  }
  return Extent(tensor_, Recorder::Extent::kSize, dim);
}

IntList Tensor::sizes() const {
  CheckDefined(tensor_);
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    return Unwrap(recorder->Shape(tensor_));
  }
  CheckConcrete(tensor_);
  return IntList(tensor_.sizes());
}

Int Tensor::dim() const { return Extent(tensor_, Recorder::Extent::kDim, 0); }
Int Tensor::numel() const {
  return Extent(tensor_, Recorder::Extent::kNumel, 0);
}

Int Tensor::len() const {
  CheckDefined(tensor_);
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    ThrowIfError(recorder->Convert(tensor_, Conversion::kLen));
  }
  CheckConcrete(tensor_, Conversion::kLen);
  if (tensor_.dim() == 0) Throw("len() of a 0-d tensor");
  return Int(tensor_.size(0));
}

int64_t Tensor::stride(int64_t dim) const {
  CheckConcrete(tensor_);
  return tensor_.stride(Unwrap(WrapDim(dim, tensor_.dim())));
}
Dims Tensor::strides() const {
  CheckConcrete(tensor_);
  return Dims(tensor_.strides().begin(), tensor_.strides().end());
}
DType Tensor::dtype() const {
  CheckConcrete(tensor_);
  return tensor_.dtype();
}
Device Tensor::device() const {
  CheckConcrete(tensor_);
  return tensor_.device();
}
Layout Tensor::layout() const {
  CheckConcrete(tensor_);
  return tensor_.impl()->layout;
}

const Tensor& Tensor::requires_grad_(bool requires_grad) const {
  CheckConcrete(tensor_);
  if (requires_grad && !IsFloatingPoint(tensor_.dtype()) &&
      !IsComplex(tensor_.dtype())) {
    Throw("only Tensors of floating point dtype can require gradients");
  }
  tensor_.impl()->requires_grad = requires_grad;
  return *this;
}

Scalar Tensor::ItemValue() const {
  CheckDefined(tensor_);
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    ThrowIfError(recorder->Convert(tensor_, Conversion::kItem));
  }
  CheckConcrete(tensor_, Conversion::kItem);
  if (tensor_.numel() != 1) {
    Throw(absl::StrCat("a Tensor with ", tensor_.numel(),
                       " elements cannot be converted to Scalar"));
  }
  return Unwrap(tensor_.Item());
}

Number Tensor::item() const { return Number(ItemValue()); }

Tensor::operator bool() const {
  CheckDefined(tensor_);
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    ThrowIfError(recorder->Convert(tensor_, Conversion::kBool));
  }
  CheckConcrete(tensor_, Conversion::kBool);
  if (tensor_.numel() != 1) {
    Throw(tensor_.numel() == 0
              ? "Boolean value of Tensor with no values is ambiguous"
              : "Boolean value of Tensor with more than one value is "
                "ambiguous");
  }
  return Unwrap(tensor_.Item()).ToBool();
}

Tensor Tensor::ContiguousForRead() const {
  CheckDefined(tensor_);
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    ThrowIfError(recorder->Convert(tensor_, Conversion::kItem));
  }
  CheckConcrete(tensor_, Conversion::kItem);
  const ScopedRecorder none(nullptr);
  return contiguous();
}

Tensor Tensor::operator[](const Int& index) const {
  const IndexItem item(index);
  return GetItem(*this, absl::MakeConstSpan(&item, 1));
}
Tensor Tensor::operator[](const Tensor& index) const {
  const IndexItem item(index);
  return GetItem(*this, absl::MakeConstSpan(&item, 1));
}
Tensor Tensor::index(std::initializer_list<IndexItem> items) const {
  return GetItem(*this, items);
}
Tensor Tensor::index(absl::Span<const IndexItem> items) const {
  return GetItem(*this, items);
}
const Tensor& Tensor::set(std::initializer_list<IndexItem> items,
                          const Tensor& value) const {
  SetItem(*this, items, value);
  return *this;
}
const Tensor& Tensor::set(std::initializer_list<IndexItem> items,
                          const Number& value) const {
  SetItem(*this, items, value);
  return *this;
}

Tensor Tensor::type(DType dtype) const { return to(dtype); }
Tensor Tensor::cpu() const { return to(Device()); }

std::string Tensor::ToString() const {
  if (!defined()) return "None";
  if (raw().dtype() == DType::kUndefined) {
    Recorder* recorder = CurrentRecorder();
    return recorder == nullptr ? "<symbolic tensor>"
                               : recorder->Describe(tensor_);
  }
  return Unwrap(TensorToPythonString(tensor_));
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) {
  return out << t.ToString();
}

}  // namespace tandem::eager
