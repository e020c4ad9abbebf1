// Lists by the values of their elements: in, index, count, remove, ==.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tandem/backends/reference/list.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

absl::StatusOr<bool> TensorsEqual(const Tensor& a, const Tensor& b) {
  const int64_t n = std::max(a.numel(), b.numel());
  if (a.numel() != 1 || b.numel() != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Boolean value of Tensor with ",
        n == 0 || a.numel() == 0 || b.numel() == 0 ? "no values"
                                                   : "more than one value",
        " is ambiguous"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar x, a.Item());
  TANDEM_ASSIGN_OR_RETURN(const Scalar y, b.Item());
  return x.Equals(y);
}

// The position of the first equal element; the list's size if there is none.
absl::StatusOr<size_t> FirstEqual(const IValue& list, const IValue& value) {
  const std::vector<IValue>& values = list.AsList().values;
  for (size_t i = 0; i < values.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(const bool equal, ElementsEqual(values[i], value));
    if (equal) return i;
  }
  return values.size();
}

absl::StatusOr<bool> Contains(const IValue& list, const IValue& value) {
  TANDEM_ASSIGN_OR_RETURN(const size_t i, FirstEqual(list, value));
  return i < list.AsList().values.size();
}
// The element as a C++ stream prints it.
std::string StreamText(const IValue& v) {
  if (v.is_bool()) return v.AsBool() ? "1" : "0";
  if (v.is_double()) return absl::StrFormat("%g", v.AsDouble());
  return v.ToString();
}
absl::StatusOr<int64_t> Index(const IValue& list, const IValue& value) {
  TANDEM_ASSIGN_OR_RETURN(const size_t i, FirstEqual(list, value));
  if (i == list.AsList().values.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", StreamText(value), "' is not in list"));
  }
  return static_cast<int64_t>(i);
}
absl::StatusOr<int64_t> Count(const IValue& list, const IValue& value) {
  int64_t count = 0;
  for (const IValue& v : list.AsList().values) {
    TANDEM_ASSIGN_OR_RETURN(const bool equal, ElementsEqual(v, value));
    if (equal) ++count;
  }
  return count;
}
absl::Status Remove(const IValue& list, const IValue& value) {
  TANDEM_ASSIGN_OR_RETURN(const size_t i, FirstEqual(list, value));
  std::vector<IValue>& values = list.AsList().values;
  if (i == values.size()) {
    return absl::InvalidArgumentError("list.remove(x): x not in list");
  }
  values.erase(values.begin() + i);
  return absl::OkStatus();
}

absl::StatusOr<bool> ListsEqual(const IValue& a, const IValue& b) {
  const std::vector<IValue>& x = a.AsList().values;
  const std::vector<IValue>& y = b.AsList().values;
  if (x.size() != y.size()) return false;
  for (size_t i = 0; i < x.size(); ++i) {
    TANDEM_ASSIGN_OR_RETURN(const bool equal, ElementsEqual(x[i], y[i]));
    if (!equal) return false;
  }
  return true;
}
absl::StatusOr<bool> ListsDiffer(const IValue& a, const IValue& b) {
  TANDEM_ASSIGN_OR_RETURN(const bool equal, ListsEqual(a, b));
  return !equal;
}

}  // namespace

absl::StatusOr<bool> ElementsEqual(const IValue& a, const IValue& b) {
  if (a.is_tensor() && b.is_tensor()) {
    return TensorsEqual(a.AsTensor(), b.AsTensor());
  }
  return Equal(a, b);
}

void AddListSearch(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  for (const char* type : {"int", "float", "bool", "str", "Tensor"}) {
    r.Add(absl::StrCat("aten::index.list_", type), &Index, lazy)
        .Add(absl::StrCat("aten::count.", type), &Count, lazy)
        .Add(absl::StrCat("aten::remove.", type), &Remove, lazy)
        .Add(absl::StrCat("aten::eq.", type, "_list"), &ListsEqual, lazy)
        .Add(absl::StrCat("aten::ne.", type, "_list"), &ListsDiffer, lazy);
  }
  for (const char* type : {"int", "float", "str"}) {
    r.Add(absl::StrCat("aten::__contains__.", type, "_list"), &Contains);
  }
}

}  // namespace tandem::reference
