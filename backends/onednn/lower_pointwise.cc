// Elementwise operators that are not fused into what comes before them.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/backends/onednn/post_ops.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

std::string NameOf(const Node& n) {
  return std::string(absl::StripPrefix(n.op()->schema.name, "aten::"));
}

absl::Status LowerEltwise(Builder& b, const Node& n,
                          const std::vector<Eltwise>& chain) {
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype));
  // A tensor of no dims may be weaker in type promotion than a number.
  if (x.sizes.empty()) return Refuse("a tensor of no dims");
  b.CountWork(x.sizes);
  Fusable f;
  f.follow = Fusable::Follow::kNoSum;
  f.result = n.output();
  f.sizes = x.sizes;
  f.strides = ElementwiseStrides(x.sizes, x.strides);
  f.dtype = x.dtype;
  f.name = NameOf(n);
  f.allow_reference = true;
  f.in_place = x;
  f.scale.assign(chain.begin() + 1, chain.end());
  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status =
        b.d().library().eltwise_forward_primitive_desc_create(
            &pd, b.d().engine(), dnnl_forward_inference, chain[0].alg,
            x.md.get(), x.md.get(), chain[0].alpha, chain[0].beta, attr.get());
    return b.d().Wrap(status, pd, "eltwise");
  };
  f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
    return Arguments{{DNNL_ARG_SRC, x}};
  };
  // Views with gaps, blocks along two dims and the like.
  TANDEM_ASSIGN_OR_RETURN(const Attributes plain, b.d().NewAttributes());
  const absl::StatusOr<PrimitiveDesc> first = f.create(plain);
  if (!first.ok() || b.d().IsReference(*first)) {
    TANDEM_ASSIGN_OR_RETURN(x, b.AsContiguous(x));
    f.in_place = x;
  }
  return EmitFused(b, f).status();
}

absl::StatusOr<Operand> WithRank(Builder& b, const Operand& o, size_t rank) {
  if (o.sizes.size() == rank) return o;
  Dims sizes = o.sizes;
  while (sizes.size() < rank) sizes.insert(sizes.begin(), 1);
  return b.Reshape(o, sizes);
}

}  // namespace

absl::StatusOr<Operand> EmitBinary(Builder& b, dnnl_alg_kind_t alg, Operand x,
                                   Operand y, absl::string_view name,
                                   const Value* result) {
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype));
  if (x.dtype != y.dtype) return Refuse("operands of several dtypes");
  const std::optional<Dims> sizes = BroadcastSizes(x.sizes, y.sizes);
  if (!sizes.has_value() || sizes->empty()) {
    return Refuse("shapes that do not fit");
  }
  b.CountWork(*sizes);
  std::vector<Eltwise> negate;
  Dims strides = ElementwiseStrides(
      *sizes, DimSpan(x.sizes) == DimSpan(*sizes) ? DimSpan(x.strides)
              : DimSpan(y.sizes) == DimSpan(*sizes)
                  ? DimSpan(y.strides)
                  : DimSpan(ContiguousStrides(*sizes)));
  if (DimSpan(x.sizes) != DimSpan(*sizes)) {
    // The first operand is the full one.
    if (DimSpan(y.sizes) != DimSpan(*sizes)) {
      return Refuse("both operands broadcast");
    }
    if (alg == dnnl_binary_div) return Refuse("a dividend that broadcasts");
    std::swap(x, y);
    if (alg == dnnl_binary_sub) negate = {{dnnl_eltwise_linear, -1, 0}};
  }
  TANDEM_ASSIGN_OR_RETURN(y, WithRank(b, y, sizes->size()));
  if (DimSpan(y.sizes) == DimSpan(*sizes)) {
    TANDEM_ASSIGN_OR_RETURN(y, b.As(y, x.md));
  } else {
    TANDEM_ASSIGN_OR_RETURN(y, b.AsPlain(y));
  }
  Fusable f;
  f.follow = Fusable::Follow::kNoSum;
  f.result = result;
  f.sizes = *sizes;
  f.strides = strides;
  f.dtype = x.dtype;
  f.name = std::string(name);
  f.allow_reference = true;
  f.in_place = x;
  f.scale = negate;
  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status = b.d().library().binary_primitive_desc_create(
        &pd, b.d().engine(), alg, x.md.get(), y.md.get(), x.md.get(),
        attr.get());
    return b.d().Wrap(status, pd, "binary");
  };
  f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
    return Arguments{{DNNL_ARG_SRC_0, x}, {DNNL_ARG_SRC_1, y}};
  };
  TANDEM_ASSIGN_OR_RETURN(const Attributes plain, b.d().NewAttributes());
  const absl::StatusOr<PrimitiveDesc> first = f.create(plain);
  if (!first.ok() || b.d().IsReference(*first)) {
    TANDEM_ASSIGN_OR_RETURN(x, b.AsContiguous(x));
    TANDEM_ASSIGN_OR_RETURN(y, b.AsContiguous(y));
    f.in_place = x;
  }
  return EmitFused(b, f);
}

namespace {

absl::Status LowerBinary(Builder& b, const Node& n, const Binary& binary) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x,
                          b.Get(n.input(binary.swapped ? 1 : 0)));
  TANDEM_ASSIGN_OR_RETURN(const Operand y,
                          b.Get(n.input(binary.swapped ? 0 : 1)));
  return EmitBinary(b, binary.alg, x, y, NameOf(n), n.output()).status();
}

absl::Status LowerPointwise(Builder& b, const Node& n) {
  if (const std::optional<std::vector<Eltwise>> chain = EltwiseOf(n)) {
    return LowerEltwise(b, n, *chain);
  }
  if (const std::optional<Binary> binary = BinaryOf(n)) {
    return LowerBinary(b, n, *binary);
  }
  return Refuse("its arguments");
}

std::string RefuseArguments(const Node& n) {
  if (EltwiseOf(n).has_value()) return "";
  if (!BinaryOf(n).has_value()) return "arguments that oneDNN does not have";
  for (const Value* v : n.inputs().first(2)) {
    const std::optional<IValue> constant = ConstantOf(v);
    if (!constant.has_value()) continue;
    if (!constant->is_tensor() || !constant->AsTensor().defined() ||
        constant->AsTensor().dim() == 0 ||
        !CheckDType(constant->AsTensor().dtype()).ok()) {
      return "an operand that is no plain tensor of floats";
    }
  }
  return "";
}

// What changes no element.
absl::Status LowerIdentity(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.Get(n.input(0)));
  if (n.Is("aten::contiguous") || n.Is("aten::clone")) {
    const std::optional<IValue> format = ConstantOf(n.input(1));
    const int64_t code = format->is_none()
                             ? static_cast<int64_t>(MemoryFormat::kPreserve)
                             : format->AsInt();
    if (code == static_cast<int64_t>(MemoryFormat::kContiguous)) {
      x.strides = ContiguousStrides(x.sizes);
    } else if (code == static_cast<int64_t>(MemoryFormat::kChannelsLast) ||
               code == static_cast<int64_t>(MemoryFormat::kChannelsLast3d)) {
      if (x.sizes.size() != 4 && x.sizes.size() != 5) {
        return Refuse("the memory format");
      }
      x.strides = ChannelsLastStrides(x.sizes);
    } else {
      x.strides = ElementwiseStrides(x.sizes, x.strides);
    }
  }
  b.Define(n.output(), x);
  return absl::OkStatus();
}

std::string RefuseIdentity(const Node& n) {
  return IsIdentity(n) ? "" : "it changes its argument";
}

#define TANDEM_POINTWISE(op) \
  { op, &LowerPointwise, Weight::kFollower, &RefuseArguments }
#define TANDEM_IDENTITY(op) \
  { op, &LowerIdentity, Weight::kFollower, &RefuseIdentity }
constexpr Lowering kLowerings[] = {
    TANDEM_POINTWISE("aten::abs"),
    TANDEM_POINTWISE("aten::add.Scalar"),
    TANDEM_POINTWISE("aten::add.Tensor"),
    TANDEM_POINTWISE("aten::clamp"),
    TANDEM_POINTWISE("aten::clamp_max"),
    TANDEM_POINTWISE("aten::clamp_min"),
    TANDEM_POINTWISE("aten::div.Scalar"),
    TANDEM_POINTWISE("aten::div.Tensor"),
    TANDEM_POINTWISE("aten::elu"),
    TANDEM_POINTWISE("aten::gelu"),
    TANDEM_POINTWISE("aten::hardsigmoid"),
    TANDEM_POINTWISE("aten::hardswish"),
    TANDEM_POINTWISE("aten::hardtanh"),
    TANDEM_POINTWISE("aten::leaky_relu"),
    TANDEM_POINTWISE("aten::mish"),
    TANDEM_POINTWISE("aten::mul.Scalar"),
    TANDEM_POINTWISE("aten::mul.Tensor"),
    TANDEM_POINTWISE("aten::neg"),
    TANDEM_POINTWISE("aten::pow.Tensor_Scalar"),
    TANDEM_POINTWISE("aten::relu"),
    TANDEM_POINTWISE("aten::relu6"),
    TANDEM_POINTWISE("aten::rsub.Scalar"),
    TANDEM_POINTWISE("aten::rsub.Tensor"),
    TANDEM_POINTWISE("aten::sigmoid"),
    TANDEM_POINTWISE("aten::silu"),
    TANDEM_POINTWISE("aten::softplus"),
    TANDEM_POINTWISE("aten::square"),
    TANDEM_POINTWISE("aten::sub.Scalar"),
    TANDEM_POINTWISE("aten::sub.Tensor"),
    TANDEM_POINTWISE("aten::tanh"),
    TANDEM_IDENTITY("aten::alias"),
    TANDEM_IDENTITY("aten::clone"),
    TANDEM_IDENTITY("aten::contiguous"),
    TANDEM_IDENTITY("aten::detach"),
    TANDEM_IDENTITY("aten::dropout"),
    TANDEM_IDENTITY("aten::feature_dropout"),
};
#undef TANDEM_POINTWISE
#undef TANDEM_IDENTITY

}  // namespace

absl::Span<const Lowering> PointwiseLowerings() { return kLowerings; }

}  // namespace tandem::onednn
