#include "tandem/frontends/eager/indexing.h"

#include <limits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/eager/recorder.h"

namespace tandem::eager {
namespace {

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

bool IsMask(const Tensor& t) {
  return t.raw().dtype() == DType::kBool || t.raw().dtype() == DType::kUInt8;
}

// How many dims of self an item stands for.
int64_t DimsOf(const IndexItem& item) {
  switch (item.kind()) {
    case IndexItem::Kind::kInt:
    case IndexItem::Kind::kSlice:
      return 1;
    case IndexItem::Kind::kTensor:
      return IsMask(item.tensor()) ? item.tensor().raw().dim() : 1;
    default:
      return 0;
  }
}

// An index of the operator aten::index for a bool.
Tensor BoolIndex(bool value) {
  return value ? zeros({1}, DType::kInt64) : empty({0}, DType::kInt64);
}

// Applies what views can do; what is left for aten::index goes to `indices`.
Tensor ApplyViews(const Tensor& self, absl::Span<const IndexItem> items,
                  std::vector<Tensor>* indices) {
  using Kind = IndexItem::Kind;
  const bool recorded = CurrentRecorder() != nullptr;
  const int64_t rank = self.raw().dim();
  int64_t given = 0;
  for (const IndexItem& item : items) given += DimsOf(item);
  if (given > rank) {
    Throw(absl::OutOfRangeError(
        absl::StrCat("too many indices for tensor of dimension ", rank)));
  }
  Tensor x = self;
  int64_t dim = 0;
  const auto put = [&](Tensor index) {
    indices->resize(dim + 1);
    (*indices)[dim++] = std::move(index);
  };
  const auto select_one = [&](const Int& index) {
    if (x.raw().dim() == 0) {
      Throw(absl::OutOfRangeError(
          "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or "
          "`tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"));
    }
    const int64_t size = x.raw().size(dim);
    if (index.hint() < -size || index.hint() >= size) {
      Throw(absl::OutOfRangeError(absl::StrCat("index ", index.hint(),
                                               " is out of bounds for "
                                               "dimension ",
                                               dim, " with size ", size)));
    }
    x = x.select(dim, index);
  };
  for (const IndexItem& item : items) {
    switch (item.kind()) {
      case Kind::kNone:
        x = x.unsqueeze(dim++);
        break;
      case Kind::kEllipsis:
        dim += rank - given;
        break;
      case Kind::kInt:
        select_one(item.integer());
        break;
      case Kind::kBool:
        x = x.unsqueeze(dim);
        put(BoolIndex(item.boolean()));
        break;
      case Kind::kSlice: {
        const Slice& s = item.slice();
        const Int step = s.step.value_or(Int(1));
        if (step.hint() <= 0) Throw("step must be greater than zero");
        const Int start = s.start.value_or(Int(0));
        const Int stop = s.stop.value_or(Int(kEnd));
        const bool whole = !start.is_symbolic() && start.hint() == 0 &&
                           !s.stop.has_value() && step.hint() == 1;
        // A trace has the slice, as PyTorch's does.
        if (!whole || recorded) x = x.slice(dim, start, stop, step);
        ++dim;
        break;
      }
      case Kind::kTensor: {
        const Tensor& t = item.tensor();
        const DType dtype = t.raw().dtype();
        if (t.raw().dim() == 0 && IsIntegral(dtype, true)) {
          if (!IsMask(t)) {
            const int64_t value = Unwrap(t.raw().Item()).ToInt();
            select_one(recorded ? Int(value, t.raw()) : Int(value));
          } else {
            x = x.unsqueeze(dim);
            put(dtype == DType::kBool
                    ? BoolIndex(Unwrap(t.raw().Item()).ToBool())
                    : t);
          }
          break;
        }
        put(t);
        break;
      }
    }
  }
  return x;
}

// `value` for sliced = value: leading sizes of 1 that are too many go away.
Tensor WithoutLeadingOnes(const Tensor& value, const Tensor& target) {
  Tensor v = value;
  const int64_t extra = v.raw().dim() - target.raw().dim();
  for (int64_t i = 0; i < extra && v.raw().size(0) == 1; ++i) v = v.squeeze(0);
  return v;
}

bool IsSymbolic(const Tensor& t) {
  return t.defined() && t.raw().dtype() == DType::kUndefined;
}

// Neither self nor an index is a tensor without elements to look at.
void CheckConcrete(const Tensor& self, absl::Span<const IndexItem> items) {
  bool symbolic = IsSymbolic(self);
  for (const IndexItem& item : items) {
    if (item.kind() == IndexItem::Kind::kTensor) {
      if (!item.tensor().defined()) Throw("an index is an undefined tensor");
      symbolic = symbolic || IsSymbolic(item.tensor());
    }
  }
  if (symbolic) {
    Throw("a symbolic tensor outside of the trace that it belongs to");
  }
}

}  // namespace

Tensor GetItem(const Tensor& self, absl::Span<const IndexItem> items) {
  if (!self.defined()) Throw("an undefined tensor cannot be indexed");
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    tandem::Tensor result;
    if (Unwrap(recorder->Index(self.raw(), items, &result))) return result;
  }
  CheckConcrete(self, items);
  std::vector<Tensor> indices;
  const Tensor x = ApplyViews(self, items, &indices);
  if (!indices.empty()) return index(x, indices);
  return x.is_same(self) ? x.alias() : x;
}

void SetItem(const Tensor& self, absl::Span<const IndexItem> items,
             const Tensor& value) {
  if (!self.defined()) Throw("an undefined tensor cannot be indexed");
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    if (Unwrap(recorder->SetIndex(self.raw(), items, IValue(value.raw())))) {
      return;
    }
  }
  CheckConcrete(self, items);
  std::vector<Tensor> indices;
  const Tensor x = ApplyViews(self, items, &indices);
  if (indices.empty()) {
    x.copy_(WithoutLeadingOnes(value, x));
  } else {
    x.index_put_(indices, value);
  }
}

void SetItem(const Tensor& self, absl::Span<const IndexItem> items,
             const Number& value) {
  if (!self.defined()) Throw("an undefined tensor cannot be indexed");
  if (Recorder* recorder = CurrentRecorder(); recorder != nullptr) {
    if (Unwrap(recorder->SetIndex(self.raw(), items, IValue(value.value())))) {
      return;
    }
  }
  CheckConcrete(self, items);
  std::vector<Tensor> indices;
  const Tensor x = ApplyViews(self, items, &indices);
  const Tensor number(
      Unwrap(tandem::Tensor::FromScalar(value.value(), self.raw().dtype())));
  if (indices.empty()) {
    x.copy_(number);
  } else {
    x.index_put_(indices, number);
  }
}

}  // namespace tandem::eager
