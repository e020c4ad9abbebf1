#include "tandem/frontends/script/upgraders.h"

#include <cstddef>

namespace tandem::script {
namespace {

// Entries of one operator stand together.
constexpr OperatorUpgrader kUpgraders[] = {
    // Until version 3, div of integers truncated.
    {"aten::div", "aten::div.Tensor(Tensor self, Tensor other) -> Tensor", 3,
     "div_Tensor_0_3"},
    {"aten::div", "aten::div.Scalar(Tensor self, Scalar other) -> Tensor", 3,
     "div_Scalar_0_3"},
    {"aten::div",
     "aten::div.out(Tensor self, Tensor other, *, Tensor(a!) out) -> "
     "Tensor(a!)",
     3, "div_out_0_3"},
    {"aten::div_",
     "aten::div_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)", 3,
     "div__Tensor_0_3"},
    {"aten::div_",
     "aten::div_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)", 3,
     "div__Scalar_0_3"},
    // Until version 4, full without dtype gave floats for integers and bools.
    {"aten::full",
     "aten::full(int[] size, Scalar fill_value, *, ScalarType? dtype=None, "
     "Layout? layout=None, Device? device=None, bool? pin_memory=None) -> "
     "Tensor",
     4, "full_0_4"},
    // Until version 7 (8), linspace (logspace) took 100 steps by default.
    {"aten::linspace",
     "aten::linspace(Scalar start, Scalar end, int? steps=None, *, ScalarType? "
     "dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None) -> Tensor",
     7, "linspace_0_7"},
    {"aten::linspace",
     "aten::linspace.out(Scalar start, Scalar end, int? steps=None, *, "
     "Tensor(a!) out) -> Tensor(a!)",
     7, "linspace_out_0_7"},
    {"aten::logspace",
     "aten::logspace(Scalar start, Scalar end, int? steps=None, float "
     "base=10.0, *, ScalarType? dtype=None, Layout? layout=None, Device? "
     "device=None, bool? pin_memory=None) -> Tensor",
     8, "logspace_0_8"},
    {"aten::logspace",
     "aten::logspace.out(Scalar start, Scalar end, int? steps=None, float "
     "base=10.0, *, Tensor(a!) out) -> Tensor(a!)",
     8, "logspace_out_0_8"},
    // Until version 9, gelu had no approximation to choose.
    {"aten::gelu", "aten::gelu(Tensor self) -> Tensor", 9, "gelu_0_9"},
    {"aten::gelu",
     "aten::gelu.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)", 9,
     "gelu_out_0_9"},
};

constexpr absl::string_view kSource = R"(
def div_Tensor_0_3(self: Tensor, other: Tensor) -> Tensor:
  if self.is_floating_point() or other.is_floating_point():
    return torch.true_divide(self, other)
  return torch.div(self, other, rounding_mode="trunc")

def div_Scalar_0_3(self: Tensor, other: number) -> Tensor:
  if self.is_floating_point() or isinstance(other, float):
    return torch.true_divide(self, other)
  return torch.div(self, other, rounding_mode="trunc")

def div_out_0_3(self: Tensor, other: Tensor, *, out: Tensor) -> Tensor:
  if self.is_floating_point() or other.is_floating_point() or out.is_floating_point():
    return torch.true_divide(self, other, out=out)
  return torch.div(self, other, rounding_mode="trunc", out=out)

def div__Tensor_0_3(self: Tensor, other: Tensor) -> Tensor:
  if self.is_floating_point() or other.is_floating_point():
    return self.true_divide_(other)
  return self.div_(other, rounding_mode="trunc")

def div__Scalar_0_3(self: Tensor, other: number) -> Tensor:
  if self.is_floating_point() or isinstance(other, float):
    return self.true_divide_(other)
  return self.div_(other, rounding_mode="trunc")

def full_0_4(size: List[int], fill_value: number, *, dtype: Optional[int]=None, layout: Optional[int]=None, device: Optional[Device]=None, pin_memory: Optional[bool]=None) -> Tensor:
  if dtype is None:
    return torch.full(size, float(fill_value), dtype=None, layout=layout, device=device, pin_memory=pin_memory)
  return torch.full(size, fill_value, dtype=dtype, layout=layout, device=device, pin_memory=pin_memory)

def linspace_0_7(start: number, end: number, steps: Optional[int]=None, *, dtype: Optional[int]=None, layout: Optional[int]=None, device: Optional[Device]=None, pin_memory: Optional[bool]=None) -> Tensor:
  if steps is None:
    return torch.linspace(start, end, 100, dtype=dtype, layout=layout, device=device, pin_memory=pin_memory)
  return torch.linspace(start, end, steps, dtype=dtype, layout=layout, device=device, pin_memory=pin_memory)

def linspace_out_0_7(start: number, end: number, steps: Optional[int]=None, *, out: Tensor) -> Tensor:
  if steps is None:
    return torch.linspace(start, end, 100, out=out)
  return torch.linspace(start, end, steps, out=out)

def logspace_0_8(start: number, end: number, steps: Optional[int]=None, base: float=10., *, dtype: Optional[int]=None, layout: Optional[int]=None, device: Optional[Device]=None, pin_memory: Optional[bool]=None) -> Tensor:
  if steps is None:
    return torch.logspace(start, end, 100, base, dtype=dtype, layout=layout, device=device, pin_memory=pin_memory)
  return torch.logspace(start, end, steps, base, dtype=dtype, layout=layout, device=device, pin_memory=pin_memory)

def logspace_out_0_8(start: number, end: number, steps: Optional[int]=None, base: float=10., *, out: Tensor) -> Tensor:
  if steps is None:
    return torch.logspace(start, end, 100, base, out=out)
  return torch.logspace(start, end, steps, base, out=out)

def gelu_0_9(self: Tensor) -> Tensor:
  return torch.gelu(self, approximate="none")

def gelu_out_0_9(self: Tensor, *, out: Tensor) -> Tensor:
  return torch.gelu(self, approximate="none", out=out)
)";

}  // namespace

absl::Span<const OperatorUpgrader> UpgradersOf(absl::string_view op) {
  const absl::Span<const OperatorUpgrader> all(kUpgraders);
  size_t begin = 0;
  while (begin < all.size() && all[begin].op != op) ++begin;
  size_t end = begin;
  while (end < all.size() && all[end].op == op) ++end;
  return all.subspan(begin, end - begin);
}

absl::Span<const OperatorUpgrader> AllUpgraders() { return kUpgraders; }

absl::string_view UpgraderSource() { return kSource.substr(1); }

}  // namespace tandem::script
