// Lists of numbers: sum, all, any, min, max, sizes of broadcasting.
#include <algorithm>
#include <complex>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/list.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Values = std::vector<IValue>;

// PyTorch adds up in a C int.
int64_t SumInt(const IValue& self) {
  uint64_t sum = 0;
  for (const IValue& v : self.AsList().values) {
    sum += static_cast<uint64_t>(v.AsInt());
  }
  return static_cast<int32_t>(sum);
}
double SumFloat(const IValue& self) {
  double sum = 0;
  for (const IValue& v : self.AsList().values) sum += v.AsDouble();
  return sum;
}
std::complex<double> SumComplex(const IValue& self) {
  std::complex<double> sum = 0;
  for (const IValue& v : self.AsList().values) sum += v.AsComplex();
  return sum;
}

bool Truth(const IValue& v) {
  if (v.is_string()) return !v.AsString().empty();
  return v.is_double() ? v.AsDouble() != 0 : v.AsInt() != 0;
}
bool Any(const IValue& self) {
  const Values& values = self.AsList().values;
  return std::any_of(values.begin(), values.end(), Truth);
}
bool All(const IValue& self) {
  const Values& values = self.AsList().values;
  return std::all_of(values.begin(), values.end(), Truth);
}

bool Less(const IValue& a, const IValue& b) {
  return a.is_double() ? a.AsDouble() < b.AsDouble() : a.AsInt() < b.AsInt();
}

// The element that no other is less (greater) than: the first of equals; one
// that NaN stands before stays.
template <bool max>
absl::StatusOr<IValue> Extreme(const IValue& self) {
  const Values& values = self.AsList().values;
  if (values.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(max ? "max" : "min", "() arg is an empty sequence"));
  }
  const IValue* best = &values[0];
  for (const IValue& v : values) {
    if (max ? Less(*best, v) : Less(v, *best)) best = &v;
  }
  return *best;
}

// In lexical order; of equal lists the first.
template <bool max>
IValue ExtremeList(const IValue& a, const IValue& b) {
  const Values& x = a.AsList().values;
  const Values& y = b.AsList().values;
  for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
    if (Equal(x[i], y[i])) continue;
    return (max ? Less(y[i], x[i]) : Less(x[i], y[i])) ? a : b;
  }
  return (x.size() < y.size()) != max || x.size() == y.size() ? a : b;
}

Dims ToDims(const IValue& list) {
  Dims dims;
  for (const IValue& v : list.AsList().values) dims.push_back(v.AsInt());
  return dims;
}
// The message names the second list first, as PyTorch's does.
absl::StatusOr<std::vector<int64_t>> InferSize(const IValue& a,
                                               const IValue& b) {
  TANDEM_ASSIGN_OR_RETURN(const Dims dims,
                          BroadcastSizes(ToDims(b), ToDims(a)));
  return std::vector<int64_t>(dims.begin(), dims.end());
}
IValue SizeIfNotEqual(const IValue& self, const IValue& other) {
  return Equal(self, other) ? IValue() : self;
}

}  // namespace

void AddListMath(KernelRegistrar& r) {
  r.Add("aten::sum.int", &SumInt)
      .Add("aten::sum.bool", &SumInt)
      .Add("aten::sum.float", &SumFloat)
      .Add("aten::sum.complex", &SumComplex);
  for (const char* type : {"int", "float", "bool"}) {
    r.Add(absl::StrCat("aten::any.", type), &Any)
        .Add(absl::StrCat("aten::all.", type), &All)
        .Add(absl::StrCat("prim::max.self_", type), &Extreme<true>)
        .Add(absl::StrCat("prim::min.self_", type), &Extreme<false>)
        .Add(absl::StrCat("prim::max.", type, "_list"), &ExtremeList<true>)
        .Add(absl::StrCat("prim::min.", type, "_list"), &ExtremeList<false>);
  }
  r.Add("aten::any.str", &Any)
      .Add("aten::_infer_size", &InferSize)
      .Add("aten::broadcast_shapes", &InferSize)
      .Add("aten::_size_if_not_equal", &SizeIfNotEqual);
}

}  // namespace tandem::reference
