// Lists of any element type: items, slices, append and the like.
#include <algorithm>
#include <utility>
#include <vector>

#include "tandem/backends/reference/list.h"
#include "tandem/backends/reference/sizes.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Values = std::vector<IValue>;

absl::Status OutOfRange() {
  return absl::OutOfRangeError("list index out of range");
}

// The position of an index that may count from the end.
absl::StatusOr<size_t> At(const Values& values, int64_t index) {
  const int64_t size = static_cast<int64_t>(values.size());
  const int64_t i = index < 0 ? index + size : index;
  if (ABSL_PREDICT_FALSE(i < 0 || i >= size)) return OutOfRange();
  return static_cast<size_t>(i);
}

IValue NewList(const IValue& like, Values values) {
  return IValue(MakeList(like.AsList().element_type, std::move(values)));
}

// Boxed, as the commonest call of all: nothing but the element is touched.
absl::Status GetItem(const KernelCall& call) {
  const Values& values = call.in(0).AsList().values;
  const int64_t size = static_cast<int64_t>(values.size());
  int64_t i = call.in(1).AsInt();
  if (i < 0) i += size;
  if (ABSL_PREDICT_FALSE(i < 0 || i >= size)) return OutOfRange();
  // The list may be the register that the element is put into.
  IValue element = values[i];
  call.out(0) = std::move(element);
  return absl::OkStatus();
}

absl::StatusOr<IValue> SetItem(const IValue& self, int64_t index,
                               const IValue& value) {
  Values& values = self.AsList().values;
  TANDEM_ASSIGN_OR_RETURN(const size_t i, At(values, index));
  values[i] = value;
  return self;
}
IValue Append(const IValue& self, const IValue& value) {
  self.AsList().values.push_back(value);
  return self;
}
absl::Status Delete(const IValue& self, int64_t index) {
  Values& values = self.AsList().values;
  if (values.empty()) {
    return absl::OutOfRangeError("pop index out of range");
  }
  TANDEM_ASSIGN_OR_RETURN(const size_t i, At(values, index));
  values.erase(values.begin() + i);
  return absl::OkStatus();
}
// As Python: a position beyond an end is that end.
void Insert(const IValue& self, int64_t index, const IValue& value) {
  Values& values = self.AsList().values;
  const int64_t size = static_cast<int64_t>(values.size());
  if (index < 0) index = std::max<int64_t>(0, index + size);
  values.insert(values.begin() + std::min(index, size), value);
}
absl::StatusOr<IValue> Pop(const IValue& self, int64_t index) {
  Values& values = self.AsList().values;
  if (values.empty()) {
    return absl::InvalidArgumentError("pop from empty list");
  }
  TANDEM_ASSIGN_OR_RETURN(const size_t i, At(values, index));
  IValue result = std::move(values[i]);
  values.erase(values.begin() + i);
  return result;
}
void Clear(const IValue& self) {
  // Freed after the list is empty: destructors must not see it half gone.
  Values gone;
  gone.swap(self.AsList().values);
}
void Reverse(const IValue& self) {
  Values& values = self.AsList().values;
  std::reverse(values.begin(), values.end());
}
absl::Status Extend(const IValue& self, const IValue& other) {
  Values& values = self.AsList().values;
  const size_t n = other.AsList().values.size();  // `other` may be `self`
  TANDEM_RETURN_IF_ERROR(CheckMemory(values.size() + n, sizeof(IValue)));
  values.reserve(values.size() + n);
  for (size_t i = 0; i < n; ++i) values.push_back(other.AsList().values[i]);
  return absl::OkStatus();
}
absl::StatusOr<IValue> InPlaceAdd(const IValue& self, const IValue& other) {
  TANDEM_RETURN_IF_ERROR(Extend(self, other));
  return self;
}

IValue Copy(const IValue& self) { return NewList(self, self.AsList().values); }
absl::StatusOr<IValue> Add(const IValue& a, const IValue& b) {
  const Values& x = a.AsList().values;
  const Values& y = b.AsList().values;
  TANDEM_RETURN_IF_ERROR(CheckMemory(x.size() + y.size(), sizeof(IValue)));
  Values values;
  values.reserve(x.size() + y.size());
  values.insert(values.end(), x.begin(), x.end());
  values.insert(values.end(), y.begin(), y.end());
  return NewList(a, std::move(values));
}
absl::StatusOr<Values> Repeated(const Values& values, int64_t n) {
  if (values.empty() || n == 0) return Values();
  if (n < 0) return absl::InvalidArgumentError("vector::reserve");
  uint64_t count;
  if (__builtin_mul_overflow(values.size(), static_cast<uint64_t>(n), &count)) {
    count = UINT64_MAX;
  }
  TANDEM_RETURN_IF_ERROR(CheckMemory(count, sizeof(IValue)));
  Values result;
  result.reserve(count);
  for (int64_t i = 0; i < n; ++i) {
    result.insert(result.end(), values.begin(), values.end());
    if (i % 4096 == 4095) TANDEM_RETURN_IF_ERROR(CheckStop());
  }
  return result;
}
absl::StatusOr<IValue> Mul(const IValue& self, int64_t n) {
  TANDEM_ASSIGN_OR_RETURN(Values values, Repeated(self.AsList().values, n));
  return NewList(self, std::move(values));
}
absl::StatusOr<IValue> MulRight(int64_t n, const IValue& self) {
  return Mul(self, n);
}
absl::StatusOr<IValue> InPlaceMul(const IValue& self, int64_t n) {
  n = std::max<int64_t>(n, 0);
  TANDEM_ASSIGN_OR_RETURN(Values values, Repeated(self.AsList().values, n));
  self.AsList().values.swap(values);
  return self;
}
absl::StatusOr<IValue> Slice(const IValue& self, std::optional<int64_t> start,
                             std::optional<int64_t> end, int64_t step) {
  const Values& values = self.AsList().values;
  int64_t first = start.value_or(INT64_MAX), last = end.value_or(INT64_MAX);
  TANDEM_ASSIGN_OR_RETURN(
      const int64_t n,
      AdjustSlice(static_cast<int64_t>(values.size()), &first, &last, step));
  Values result;
  result.reserve(n);
  for (int64_t i = 0; i < n; ++i) result.push_back(values[first + i * step]);
  return NewList(self, std::move(result));
}

int64_t Length(const IValue& self) {
  return static_cast<int64_t>(self.AsList().values.size());
}
// Any[]: a tuple comes here as well.
int64_t LengthAny(const IValue& self) {
  return static_cast<int64_t>(self.is_tuple() ? self.AsTuple().values.size()
                                              : self.AsList().values.size());
}
absl::StatusOr<int64_t> LengthTensor(const Tensor& t) {
  if (t.dim() == 0) {
    return absl::InvalidArgumentError("len() of a 0-d tensor");
  }
  return t.size(0);
}

absl::StatusOr<IValue> RangeList(int64_t n) {
  if (n < 0) return absl::InvalidArgumentError("vector::reserve");
  TANDEM_RETURN_IF_ERROR(CheckMemory(n, sizeof(IValue)));
  Values values;
  values.reserve(n);
  for (int64_t i = 0; i < n; ++i) values.emplace_back(i);
  return IValue(MakeList(Type::Int(), std::move(values)));
}

}  // namespace

void AddListMethods(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.AddBoxed("aten::__getitem__.t", &GetItem, lazy)
      .AddBoxed("aten::select.t", &GetItem, lazy)
      .Add("aten::_set_item.t", &SetItem, lazy)
      .Add("aten::append.t", &Append, lazy)
      .Add("aten::Delete.t", &Delete, lazy)
      .Add("aten::insert.t", &Insert, lazy)
      .Add("aten::pop.t", &Pop, lazy)
      .Add("aten::clear.t", &Clear, lazy)
      .Add("aten::reverse.t", &Reverse, lazy)
      .Add("aten::extend.t", &Extend, lazy)
      .Add("aten::add_.t", &InPlaceAdd, lazy);
  r.Add("aten::copy.t", &Copy, lazy)
      .Add("aten::list.t", &Copy, lazy)
      .Add("aten::add.t", &Add, lazy)
      .Add("aten::mul.left_t", &Mul, lazy)
      .Add("aten::mul.right_", &MulRight, lazy)
      .Add("aten::mul_.t", &InPlaceMul, lazy)
      .Add("aten::slice.t", &Slice, lazy)
      .Add("aten::len.t", &Length, lazy)
      .Add("aten::len.any", &LengthAny, lazy)
      .Add("aten::len.Tensor", &LengthTensor, lazy)
      .Add("prim::rangelist", &RangeList);
}

}  // namespace tandem::reference
