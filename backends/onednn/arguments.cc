#include "tandem/backends/onednn/lowerings.h"
#include "tandem/ir/operators/conv_shapes.h"

namespace tandem::onednn {
namespace {

IValue Constant(const Node& n, size_t i) {
  return ConstantArgument(n.input(i)).value_or(IValue());
}

}  // namespace

int64_t IntArg(const Node& n, size_t i) {
  const IValue v = Constant(n, i);
  return v.is_int() || v.is_bool() ? v.AsInt() : 0;
}

double DoubleArg(const Node& n, size_t i) {
  const IValue v = Constant(n, i);
  if (v.is_double()) return v.AsDouble();
  return v.is_int() || v.is_bool() ? static_cast<double>(v.AsInt()) : 0;
}

bool BoolArg(const Node& n, size_t i) {
  const IValue v = Constant(n, i);
  return v.is_bool() && v.AsBool();
}

std::string StringArg(const Node& n, size_t i) {
  const IValue v = Constant(n, i);
  return v.is_string() ? v.AsString() : "";
}

Dims IntsArg(const Node& n, size_t i) {
  const IValue v = Constant(n, i);
  Dims dims;
  if (v.is_int()) dims.push_back(v.AsInt());
  if (v.is_list()) {
    for (const IValue& e : v.AsList().values) {
      if (e.is_int()) dims.push_back(e.AsInt());
    }
  }
  return dims;
}

bool IsNoneArg(const Node& n, size_t i) {
  const std::optional<IValue> v = ConstantArgument(n.input(i));
  return v.has_value() && v->is_none();
}

absl::Status CheckDType(DType dtype, bool bf16) {
  if (dtype == DType::kFloat || (bf16 && dtype == DType::kBFloat16)) {
    return absl::OkStatus();
  }
  return Refuse("dtype ", TypeName(dtype));
}

absl::Status CheckWindow(std::initializer_list<DimSpan> parameters) {
  constexpr int64_t kMax = 1 << 20;
  for (const DimSpan values : parameters) {
    for (int64_t v : values) {
      if (v < -kMax || v > kMax) return Refuse("a parameter of ", v);
    }
  }
  return absl::OkStatus();
}

Dims SpatialStrides(DimSpan sizes, const Operand& input) {
  if ((sizes.size() == 4 || sizes.size() == 5) &&
      LooksChannelsLast(input.sizes, input.strides)) {
    return ChannelsLastStrides(sizes);
  }
  return ContiguousStrides(sizes);
}

}  // namespace tandem::onednn
