// Which elementwise operators oneDNN has, by their rows.
#include <algorithm>
#include <cmath>
#include <limits>

#include "tandem/backends/onednn/post_ops.h"

namespace tandem::onednn {
namespace {

std::optional<double> Number(const Value* value) {
  const std::optional<IValue> constant = ConstantOf(value);
  if (!constant.has_value()) return std::nullopt;
  if (constant->is_int() || constant->is_bool()) {
    return static_cast<double>(constant->AsInt());
  }
  if (constant->is_double()) return constant->AsDouble();
  // A tensor of no dims is weak in type promotion, as a number is.
  if (constant->is_tensor()) {
    const Tensor& t = constant->AsTensor();
    if (!t.defined() || t.dim() != 0 || t.is_meta() || t.is_quantized() ||
        t.is_sparse()) {
      return std::nullopt;
    }
    const absl::StatusOr<Scalar> item = t.Item();
    if (!item.ok() || item->is_complex()) return std::nullopt;
    return item->ToDouble();
  }
  return std::nullopt;
}

bool IsNone(const Value* value) {
  const std::optional<IValue> constant = ConstantOf(value);
  return constant.has_value() && constant->is_none();
}

bool IsString(const Value* value, absl::string_view text) {
  const std::optional<IValue> constant = ConstantOf(value);
  return constant.has_value() && constant->is_string() &&
         constant->AsString() == text;
}

bool IsFalse(const Value* value) {
  const std::optional<IValue> constant = ConstantOf(value);
  return constant.has_value() && constant->is_bool() && !constant->AsBool();
}

using Chain = std::optional<std::vector<Eltwise>>;

Chain One(dnnl_alg_kind_t alg, double alpha = 0, double beta = 0) {
  return std::vector<Eltwise>{
      {alg, static_cast<float>(alpha), static_cast<float>(beta)}};
}

// Without parameters.
Chain Plain(absl::string_view name) {
  if (name == "aten::relu") return One(dnnl_eltwise_relu);
  if (name == "aten::relu6") return One(dnnl_eltwise_clip, 0, 6);
  if (name == "aten::sigmoid") return One(dnnl_eltwise_logistic);
  if (name == "aten::tanh") return One(dnnl_eltwise_tanh);
  if (name == "aten::silu") return One(dnnl_eltwise_swish, 1);
  if (name == "aten::mish") return One(dnnl_eltwise_mish);
  if (name == "aten::hardswish") {
    return One(dnnl_eltwise_hardswish, 1.0 / 6, 0.5);
  }
  if (name == "aten::hardsigmoid") {
    return One(dnnl_eltwise_hardsigmoid, 1.0 / 6, 0.5);
  }
  if (name == "aten::abs") return One(dnnl_eltwise_abs);
  if (name == "aten::square") return One(dnnl_eltwise_square);
  if (name == "aten::neg") return One(dnnl_eltwise_linear, -1);
  return std::nullopt;
}

Chain Clamp(std::optional<double> low, std::optional<double> high) {
  // PyTorch gives `high` everywhere where low > high.
  if (low.has_value() && high.has_value()) low = std::min(*low, *high);
  return One(dnnl_eltwise_clip,
             low.value_or(-std::numeric_limits<double>::infinity()),
             high.value_or(std::numeric_limits<double>::infinity()));
}

}  // namespace

std::optional<std::vector<Eltwise>> EltwiseOf(const Node& n) {
  if (n.op() == nullptr || n.outputs().size() != 1) return std::nullopt;
  const absl::string_view name = n.op()->schema.name;
  const absl::string_view overload = n.op()->schema.overload_name;
  if (n.inputs().size() == 1) return Plain(name);
  const auto number = [&](size_t i) { return Number(n.input(i)); };
  if (name == "aten::gelu") {
    if (IsString(n.input(1), "none")) return One(dnnl_eltwise_gelu_erf);
    if (IsString(n.input(1), "tanh")) return One(dnnl_eltwise_gelu_tanh);
    return std::nullopt;
  }
  if (name == "aten::hardtanh") {
    const auto low = number(1), high = number(2);
    if (!low.has_value() || !high.has_value()) return std::nullopt;
    return Clamp(low, high);
  }
  if (name == "aten::clamp" && overload.empty()) {
    const auto low = number(1), high = number(2);
    if ((!low.has_value() && !IsNone(n.input(1))) ||
        (!high.has_value() && !IsNone(n.input(2)))) {
      return std::nullopt;
    }
    return Clamp(low, high);
  }
  if (name == "aten::clamp_min" && overload.empty() && number(1).has_value()) {
    return Clamp(number(1), std::nullopt);
  }
  if (name == "aten::clamp_max" && overload.empty() && number(1).has_value()) {
    return Clamp(std::nullopt, number(1));
  }
  if (name == "aten::leaky_relu" && number(1).has_value()) {
    return One(dnnl_eltwise_relu, *number(1));
  }
  if (name == "aten::elu") {
    const auto alpha = number(1), scale = number(2), input_scale = number(3);
    if (!alpha.has_value() || scale != 1.0 || input_scale != 1.0) {
      return std::nullopt;
    }
    return One(dnnl_eltwise_elu, *alpha);
  }
  if (name == "aten::softplus") {
    const auto beta = number(1), threshold = number(2);
    // Past the threshold PyTorch gives x; the difference is below what a float
    // holds from 20 on.
    if (!beta.has_value() || *beta <= 0 || !threshold.has_value() ||
        *threshold < 20) {
      return std::nullopt;
    }
    return One(dnnl_eltwise_soft_relu, *beta);
  }
  if (name == "aten::pow" && overload == "Tensor_Scalar") {
    if (number(1) == 2.0) return One(dnnl_eltwise_square);
    return std::nullopt;
  }
  // With a number: a * x + b.
  const bool is_add = name == "aten::add", is_sub = name == "aten::sub",
             is_rsub = name == "aten::rsub";
  if (is_add || is_sub || is_rsub) {
    const auto other = number(1), alpha = number(2);
    if (!other.has_value() || !alpha.has_value()) return std::nullopt;
    if (is_rsub) {
      // other - alpha * x
      return One(dnnl_eltwise_linear, -*alpha, *other);
    }
    const double shift = *alpha * *other;
    return One(dnnl_eltwise_linear, 1, is_add ? shift : -shift);
  }
  if (n.inputs().size() == 2 && number(1).has_value()) {
    const double c = *number(1);
    if (name == "aten::mul") return One(dnnl_eltwise_linear, c);
    if (name == "aten::div") {
      // Dividing by 0 or by what has no reciprocal stays a division.
      if (c == 0 || !std::isfinite(1 / static_cast<float>(c))) {
        return std::nullopt;
      }
      return One(dnnl_eltwise_linear, 1 / c);
    }
  }
  return std::nullopt;
}

std::optional<Binary> BinaryOf(const Node& n) {
  if (n.op() == nullptr || n.outputs().size() != 1 || n.inputs().size() < 2) {
    return std::nullopt;
  }
  const absl::string_view name = n.op()->schema.name;
  const absl::string_view overload = n.op()->schema.overload_name;
  const bool tensors = overload == "Tensor" || overload == "other" ||
                       name == "aten::maximum" || name == "aten::minimum";
  if (!tensors) return std::nullopt;
  if (name == "aten::add" || name == "aten::sub" || name == "aten::rsub") {
    if (Number(n.input(2)) != 1.0) return std::nullopt;
    if (name == "aten::add") return Binary{dnnl_binary_add, false};
    return Binary{dnnl_binary_sub, name == "aten::rsub"};
  }
  if (n.inputs().size() != 2) return std::nullopt;
  if (name == "aten::mul") return Binary{dnnl_binary_mul, false};
  if (name == "aten::div") return Binary{dnnl_binary_div, false};
  return std::nullopt;
}

bool IsIdentity(const Node& n) {
  if (n.op() == nullptr) return false;
  const absl::string_view name = n.op()->schema.name;
  if (name == "aten::dropout" || name == "aten::feature_dropout") {
    return IsFalse(n.input(2));
  }
  if (name == "aten::detach" || name == "aten::alias") return true;
  if (name == "aten::contiguous" || name == "aten::clone") {
    const std::optional<IValue> format = ConstantOf(n.input(1));
    return format.has_value();
  }
  return false;
}

std::optional<Dims> BroadcastSizes(DimSpan a, DimSpan b) {
  if (a.size() < b.size()) std::swap(a, b);
  Dims sizes(a.begin(), a.end());
  const size_t lead = a.size() - b.size();
  for (size_t i = 0; i < b.size(); ++i) {
    int64_t& s = sizes[lead + i];
    if (s == b[i] || b[i] == 1) continue;
    if (s != 1) return std::nullopt;
    s = b[i];
  }
  return sizes;
}

Dims ElementwiseStrides(DimSpan sizes, DimSpan strides) {
  // A dense order of dims is kept; anything else becomes row-major.
  std::vector<size_t> order;
  for (size_t i = 0; i < sizes.size(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return sizes[a] != 1 && sizes[b] != 1 && strides[a] < strides[b];
  });
  int64_t expected = 1;
  for (size_t i : order) {
    if (sizes[i] == 1) continue;
    if (strides[i] != expected) return ContiguousStrides(sizes);
    expected *= sizes[i];
  }
  return Dims(strides.begin(), strides.end());
}

}  // namespace tandem::onednn
