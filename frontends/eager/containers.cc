#include "tandem/frontends/eager/containers.h"

#include <algorithm>

#include "tandem/frontends/eager/context.h"
#include "tandem/frontends/eager/convert.h"
#include "tandem/frontends/eager/error.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/eager/recorder.h"

namespace tandem::eager {
namespace {

void Tell(const Tensor& x, Conversion what) {
  if (!x.defined()) Throw("a tensor that is None has no elements");
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    ThrowIfError(recorder->Convert(x.raw(), what));
  }
}

// `name` of `args`, where a recorder has a way for it.
Tensor Recorded(const char* name, std::vector<IValue> args, Tensor otherwise) {
  Recorder* const recorder = CurrentRecorder();
  if (recorder == nullptr || recorder->KeepsOperators()) return otherwise;
  const std::optional<IValue> result =
      Unwrap(recorder->EnterFunction(name, &args));
  return result.has_value() ? FromIValue<Tensor>(*result) : otherwise;
}

template <typename T>
Tensor FromElements(const std::vector<T>& elements, const IntList& sizes) {
  const tandem::Tensor flat =
      Unwrap(tandem::Tensor::FromSpan<T>(absl::MakeConstSpan(elements)));
  Tensor shaped;
  {
    const ScopedRecorder none(nullptr);
    shaped = Tensor(flat).view(sizes);
  }
  return Recorded("torch.from_numpy", {IValue(shaped.raw())}, shaped);
}

}  // namespace

RowIterator begin(const Tensor& x) {
  if (x.defined() && x.raw().dtype() != DType::kUndefined &&
      x.raw().dim() == 0) {
    Throw("iteration over a 0-d tensor");
  }
  Tell(x, Conversion::kIteration);
  return RowIterator(x.unbind(0));
}

bool Contains(const Tensor& x, const Number& value) {
  return (x == value).any().item<bool>();
}
bool Contains(const Tensor& x, const Tensor& value) {
  return (x == value).any().item<bool>();
}

namespace internal {

Tensor ForList(const Tensor& x) {
  Tell(x, Conversion::kList);
  const Tensor resolved = x.resolve_conj().resolve_neg();
  const ScopedRecorder none(nullptr);
  return resolved.contiguous();
}

Tensor ForArray(const Tensor& x) {
  Tell(x, Conversion::kArray);
  if (x.requires_grad()) {
    Throw(
        "Can't call numpy() on Tensor that requires grad. Use "
        "tensor.detach().numpy() instead.");
  }
  if (x.raw().impl()->conj) {
    Throw(
        "Can't call numpy() on Tensor that has conjugate bit set. Use "
        "tensor.resolve_conj().numpy() instead.");
  }
  if (x.raw().impl()->neg) {
    Throw(
        "Can't call numpy() on Tensor that has negative bit set. Use "
        "tensor.resolve_neg().numpy() instead.");
  }
  const ScopedRecorder none(nullptr);
  return x.contiguous();
}

}  // namespace internal

Tensor FromArray(const std::vector<float>& elements, const IntList& sizes) {
  return FromElements(elements, sizes);
}
Tensor FromArray(const std::vector<double>& elements, const IntList& sizes) {
  return FromElements(elements, sizes);
}
Tensor FromArray(const std::vector<int64_t>& elements, const IntList& sizes) {
  return FromElements(elements, sizes);
}

Tensor TensorFrom(const Tensor& x) {
  Recorder* const recorder = CurrentRecorder();
  if (recorder != nullptr && !recorder->KeepsOperators()) {
    return Recorded("torch.tensor(Tensor)", {IValue(x.raw())}, x);
  }
  return x.detach().clone();
}

}  // namespace tandem::eager
