// sort() and sorted().
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/list.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

// a < b of values of one sortable type; tuples element by element.
bool Less(const IValue& a, const IValue& b) {
  switch (a.tag()) {
    case IValue::Tag::kString:
      return a.AsString() < b.AsString();
    case IValue::Tag::kDouble:
      return a.AsDouble() < b.AsDouble();
    case IValue::Tag::kTensor: {
      const absl::StatusOr<Scalar> x = a.AsTensor().Item();
      const absl::StatusOr<Scalar> y = b.AsTensor().Item();
      if (!x.ok() || !y.ok()) return false;  // refused before
      if (x->is_integral() && y->is_integral()) return x->ToInt() < y->ToInt();
      return x->ToDouble() < y->ToDouble();
    }
    case IValue::Tag::kTuple: {
      const std::vector<IValue>& x = a.AsTuple().values;
      const std::vector<IValue>& y = b.AsTuple().values;
      for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
        if (Less(x[i], y[i])) return true;
        if (Less(y[i], x[i])) return false;
      }
      return x.size() < y.size();
    }
    default:
      return a.AsInt() < b.AsInt();
  }
}

// Can values of this type be ordered without calling a method?
absl::Status CheckSortable(const Type& type, bool nested) {
  switch (type.kind()) {
    case TypeKind::kInt:
    case TypeKind::kBool:
    case TypeKind::kFloat:
    case TypeKind::kStr:
    case TypeKind::kTensor:
      return absl::OkStatus();
    case TypeKind::kTuple:
      for (const TypePtr& e : type.elements()) {
        if (!CheckSortable(*e, true).ok()) {
          return absl::InvalidArgumentError(absl::StrCat(
              "Contained elements in ", type.ToString(),
              " are not sortable. Only Int, Bool, Float, String, Tensor, a "
              "User Defined Class with __lt__ method defined or Tuples of "
              "aforementioned types can be sorted."));
        }
      }
      return absl::OkStatus();
    case TypeKind::kClass:
      return absl::UnimplementedError(
          absl::StrCat("sorting objects of ", type.name(),
                       " calls __lt__, which a kernel cannot"));
    default:
      return absl::InvalidArgumentError(absl::StrCat(
          "Only list of Tensors, ints, floats, bools, strs, a User Defined "
          "Class that defines the __lt__ compare method or Tuples of "
          "aforementioned types can be sorted, got list of ",
          type.ToAnnotation()));
  }
}

absl::Status CheckTensors(const IValue& v) {
  if (v.is_tensor() && v.AsTensor().numel() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Boolean value of Tensor with ",
        v.AsTensor().numel() == 0 ? "no values" : "more than one value",
        " is ambiguous"));
  }
  if (v.is_tuple()) {
    for (const IValue& e : v.AsTuple().values) {
      TANDEM_RETURN_IF_ERROR(CheckTensors(e));
    }
  }
  return absl::OkStatus();
}

absl::Status SortList(const IValue& self, bool reverse) {
  std::vector<IValue>& values = self.AsList().values;
  TANDEM_RETURN_IF_ERROR(CheckSortable(*self.AsList().element_type, false));
  if (values.size() > 1) {
    for (const IValue& v : values) TANDEM_RETURN_IF_ERROR(CheckTensors(v));
  }
  // A merge sort stays inside the list even where NaN makes the order no
  // order.
  if (reverse) {
    std::stable_sort(
        values.begin(), values.end(),
        [](const IValue& a, const IValue& b) { return Less(b, a); });
  } else {
    std::stable_sort(values.begin(), values.end(), Less);
  }
  return absl::OkStatus();
}
absl::StatusOr<IValue> Sorted(const IValue& self) {
  IValue copy(MakeList(self.AsList().element_type, self.AsList().values));
  TANDEM_RETURN_IF_ERROR(SortList(copy, false));
  return copy;
}

}  // namespace

void AddListSort(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  for (const char* type : {"int", "float", "bool", "str", "Tensor", "any"}) {
    r.Add(absl::StrCat("aten::sort.", type), &SortList, lazy)
        .Add(absl::StrCat("aten::sorted.", type), &Sorted, lazy);
  }
}

}  // namespace tandem::reference
