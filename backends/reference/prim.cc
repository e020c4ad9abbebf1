// Operators of the language that are no kind of node: values of enums, choice,
// helpers that optimised graphs of PyTorch contain.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/scalar.h"
#include "tandem/ir/class_type.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

std::string EnumName(const IValue& v) { return v.AsEnum().name; }
IValue EnumValue(const IValue& v) { return v.AsEnum().value; }

IValue IfThenElse(bool condition, const IValue& a, const IValue& b) {
  return condition ? a : b;
}

absl::StatusOr<IValue> TupleIndex(const IValue& tuple, int64_t index) {
  const std::vector<IValue>& values = tuple.AsTuple().values;
  const int64_t size = static_cast<int64_t>(values.size());
  const int64_t i = index < 0 ? index + size : index;
  if (i < 0 || i >= size) {
    return absl::OutOfRangeError("Tuple index out of range");
  }
  return values[i];
}

int64_t Id(const IValue& v) {
  return v.is_none() ? 0 : reinterpret_cast<int64_t>(&v.AsObject());
}

void AddStatValue(absl::string_view, int64_t) {}

// Tensors of a gradient that are defined, over all arguments.
template <typename F>
void ForEachTensor(const KernelCall& call, F&& f) {
  for (uint32_t i = 0; i < call.num_inputs; ++i) {
    const IValue& v = call.in(i);
    if (v.is_list()) {
      for (const IValue& e : v.AsList().values) f(e.AsOptionalTensor());
    } else {
      f(v.AsOptionalTensor());
    }
  }
}
absl::Status AnyNonZero(const KernelCall& call) {
  bool any = false;
  ForEachTensor(call, [&](const Tensor& t) { any = any || t.defined(); });
  call.out(0) = IValue(any);
  return absl::OkStatus();
}
absl::Status AllNonZero(const KernelCall& call) {
  bool all = true;
  ForEachTensor(call, [&](const Tensor& t) { all = all && t.defined(); });
  call.out(0) = IValue(all);
  return absl::OkStatus();
}
absl::Status AllZero(const KernelCall& call) {
  bool all = true;
  ForEachTensor(call, [&](const Tensor& t) { all = all && !t.defined(); });
  call.out(0) = IValue(all);
  return absl::OkStatus();
}
Tensor AutogradZero() { return Tensor(); }

absl::Status SizesOfBroadcast(const KernelCall& call) {
  Dims sizes;
  for (uint32_t i = 0; i < call.num_inputs; ++i) {
    Dims other;
    for (const IValue& v : call.in(i).AsList().values) {
      other.push_back(v.AsInt());
    }
    TANDEM_ASSIGN_OR_RETURN(sizes, BroadcastSizes(sizes, other));
  }
  call.out(0) = IValue(MakeIntList(sizes));
  return absl::OkStatus();
}

// Sizes after a reduction over `axes`.
absl::StatusOr<std::vector<int64_t>> ReductionSizes(
    absl::Span<const int64_t> size, absl::Span<const int64_t> axes,
    bool keep_dim) {
  std::vector<bool> reduced(size.size(), false);
  for (int64_t axis : axes) {
    TANDEM_ASSIGN_OR_RETURN(const int64_t d,
                            WrapDim(axis, static_cast<int64_t>(size.size())));
    if (!size.empty()) reduced[d] = true;
  }
  std::vector<int64_t> result;
  for (size_t d = 0; d < size.size(); ++d) {
    if (!reduced[d]) {
      result.push_back(size[d]);
    } else if (keep_dim) {
      result.push_back(1);
    }
  }
  return result;
}

}  // namespace

absl::Status RegisterPrim(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("prim::EnumName", &EnumName)
      .Add("prim::EnumValue.int", &EnumValue)
      .Add("prim::EnumValue.float", &EnumValue)
      .Add("prim::EnumValue.str", &EnumValue)
      .Add("prim::IfThenElse", &IfThenElse, lazy)
      .Add("prim::TupleIndex", &TupleIndex, lazy)
      .Add("prim::id", &Id)
      .Add("prim::AddStatValue", &AddStatValue)
      .AddBoxed("prim::AutogradAnyNonZero", &AnyNonZero, lazy)
      .AddBoxed("prim::AutogradAllNonZero", &AllNonZero, lazy)
      .AddBoxed("prim::AutogradAllZero", &AllZero, lazy)
      .Add("prim::AutogradZero", &AutogradZero)
      .AddBoxed("prim::BroadcastSizes", &SizesOfBroadcast)
      .Add("prim::ReductionSizes", &ReductionSizes);
  AddProfiler(r);
  return r.status();
}

}  // namespace tandem::reference
