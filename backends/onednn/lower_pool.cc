// Pooling: maximum, average, adaptive average, and resampling by nearest and
// linear.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/backends/onednn/post_ops.h"
#include "tandem/ir/operators/pool_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {
namespace {

bool IsEmpty(DimSpan sizes) {
  return std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
}

// [N, C, spatial…], with a batch of one where the input has none.
absl::StatusOr<Operand> Batched(Builder& b, const Operand& x, size_t rank) {
  if (x.sizes.size() == rank + 2) return x;
  if (x.sizes.size() != rank + 1) return Refuse("the input's rank");
  Dims sizes = x.sizes;
  sizes.insert(sizes.begin(), 1);
  return b.Reshape(x, sizes);
}

// Channels as the innermost dim.
absl::StatusOr<MemoryDesc> ChannelsInnermost(const Builder& b,
                                             const Operand& x) {
  Dims strides(x.sizes.size());
  int64_t stride = x.sizes[1];
  strides[1] = 1;
  for (size_t i = x.sizes.size(); i-- > 2;) {
    strides[i] = stride;
    stride *= x.sizes[i];
  }
  strides[0] = stride;
  return b.d().Strided(x.sizes, x.dtype, strides);
}

struct Window {
  dnnl_alg_kind_t alg = dnnl_alg_kind_undef;
  Dims kernel, stride, dilation, before, after;  // dilation: 0 is dense
  const char* name = "";
};

using MakeDesc = std::function<absl::StatusOr<PrimitiveDesc>(
    const MemoryDesc& src, const MemoryDesc& dst, const Attributes& attr)>;

// A primitive of one source in the layout that suits it best.
absl::Status EmitSpatial(Builder& b, const Value* result, const Operand& given,
                         Operand x, const Dims& sizes, absl::string_view name,
                         const MakeDesc& make) {
  Fusable f;
  f.result = result;
  f.sizes = sizes;
  if (given.sizes.size() < x.sizes.size()) f.sizes.erase(f.sizes.begin());
  f.physical = sizes;
  f.strides = SpatialStrides(f.sizes, given);
  f.dtype = x.dtype;
  f.name = std::string(name);
  f.allow_reference = true;
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc dst, b.d().Any(sizes, x.dtype));
  f.create = [&](const Attributes& attr) { return make(x.md, dst, attr); };
  f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
    return Arguments{{DNNL_ARG_SRC, x}};
  };
  // Rows of channels where the layout at hand has only plain loops.
  TANDEM_ASSIGN_OR_RETURN(const Attributes plain, b.d().NewAttributes());
  const absl::StatusOr<PrimitiveDesc> first = f.create(plain);
  if (!first.ok() || b.d().IsReference(*first)) {
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc rows, ChannelsInnermost(b, x));
    const absl::StatusOr<PrimitiveDesc> second = make(rows, dst, plain);
    if (second.ok() && (!first.ok() || !b.d().IsReference(*second))) {
      TANDEM_ASSIGN_OR_RETURN(x, b.As(x, rows));
    }
  }
  return EmitFused(b, f).status();
}

absl::Status EmitPool(Builder& b, const Value* result, const Operand& given,
                      const Operand& x, const Dims& sizes, const Window& w) {
  if (IsEmpty(sizes)) return Refuse("an empty result");
  Dims work = sizes;
  work.insert(work.end(), w.kernel.begin(), w.kernel.end());
  b.CountWork(work);
  return EmitSpatial(
      b, result, given, x, sizes, w.name,
      [&](const MemoryDesc& src, const MemoryDesc& dst,
          const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
        dnnl_primitive_desc_t pd = nullptr;
        const dnnl_status_t status =
            b.d().library().pooling_forward_primitive_desc_create(
                &pd, b.d().engine(), dnnl_forward_inference, w.alg, src.get(),
                dst.get(), w.stride.data(), w.kernel.data(), w.dilation.data(),
                w.before.data(), w.after.data(), attr.get());
        return b.d().Wrap(status, pd, "pooling");
      });
}

// Spatial dims by the operator's name: "aten::max_pool2d" -> 2.
size_t RankOf(const Node& n) {
  const std::string& name = n.op()->schema.name;
  return name[name.size() - 2] - '0';
}

// max_pool*d(self, kernel, stride, padding, dilation, ceil_mode) and
// avg_pool*d(self, kernel, stride, padding, ceil_mode, count_include_pad,
// divisor_override)
absl::Status LowerPool(Builder& b, const Node& n) {
  absl::string_view op = n.op()->schema.name;
  const bool is_max = op.find("max") != op.npos;
  const size_t rank = RankOf(n);
  TANDEM_ASSIGN_OR_RETURN(const Operand given, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(given.dtype));
  TANDEM_ASSIGN_OR_RETURN(const Operand x, Batched(b, given, rank));
  const auto expand = [&](Dims dims) {
    if (dims.size() == 1) dims.resize(rank, dims[0]);
    return dims;
  };
  Window w;
  w.kernel = expand(IntsArg(n, 1));
  const Dims stride = IntsArg(n, 2);
  w.stride = stride.empty() ? w.kernel : expand(stride);
  w.before = expand(IntsArg(n, 3));
  w.dilation = is_max ? expand(IntsArg(n, 4)) : Dims(rank, 1);
  const bool ceil_mode = BoolArg(n, is_max ? 5 : 4);
  if (w.kernel.size() != rank || w.stride.size() != rank ||
      w.before.size() != rank || w.dilation.size() != rank) {
    return Refuse("arguments of another rank");
  }
  TANDEM_RETURN_IF_ERROR(
      CheckWindow({w.kernel, w.stride, w.before, w.dilation}));
  Dims sizes = {x.sizes[0], x.sizes[1]};
  bool padded = false, beyond = false;
  for (size_t i = 0; i < rank; ++i) {
    if (w.kernel[i] <= 0 || w.stride[i] <= 0 || w.dilation[i] <= 0 ||
        w.before[i] < 0 || w.before[i] > w.kernel[i] / 2) {
      return Refuse("arguments that PyTorch refuses");
    }
    const absl::StatusOr<int64_t> length =
        PooledLength(x.sizes[2 + i], w.kernel[i], w.before[i], w.stride[i],
                     w.dilation[i], ceil_mode);
    if (!length.ok() || *length <= 0) return Refuse("an empty result");
    sizes.push_back(*length);
    // The last window may reach past the padding.
    const int64_t reach = (*length - 1) * w.stride[i] +
                          (w.kernel[i] - 1) * w.dilation[i] + 1 -
                          x.sizes[2 + i] - w.before[i];
    w.after.push_back(std::max(reach, w.before[i]));
    padded |= w.before[i] != 0;
    beyond |= reach > w.before[i];
    --w.dilation[i];
  }
  if (is_max) {
    w.alg = dnnl_pooling_max;
    w.name = "max_pool";
  } else {
    // PyTorch's average never counts what lies past the padding.
    if (padded && BoolArg(n, 5) && beyond) {
      return Refuse("an average over windows that reach past the padding");
    }
    w.alg = padded && BoolArg(n, 5) ? dnnl_pooling_avg_include_padding
                                    : dnnl_pooling_avg_exclude_padding;
    w.name = "avg_pool";
  }
  return EmitPool(b, n.output(), given, x, sizes, w);
}

std::string RefuseAverage(const Node& n) {
  return n.inputs().size() > 6 && !IsNoneArg(n, 6) ? "divisor_override" : "";
}

// adaptive_avg_pool*d(self, output_size)
absl::Status LowerAdaptive(Builder& b, const Node& n) {
  const size_t rank = RankOf(n);
  TANDEM_ASSIGN_OR_RETURN(const Operand given, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(given.dtype));
  TANDEM_ASSIGN_OR_RETURN(const Operand x, Batched(b, given, rank));
  Dims output = IntsArg(n, 1);
  if (output.size() == 1) output.resize(rank, output[0]);
  if (output.size() != rank) return Refuse("the output's rank");
  Window w;
  w.alg = dnnl_pooling_avg_exclude_padding;
  w.name = "adaptive_avg_pool";
  Dims sizes = {x.sizes[0], x.sizes[1]};
  for (size_t i = 0; i < rank; ++i) {
    const int64_t in = x.sizes[2 + i];
    if (output[i] <= 0 || in % output[i] != 0) {
      return Refuse("windows of several sizes");
    }
    w.kernel.push_back(in / output[i]);
    w.before.push_back(0);
    sizes.push_back(output[i]);
  }
  w.stride = w.kernel;
  w.after = w.dilation = w.before;
  return EmitPool(b, n.output(), given, x, sizes, w);
}

// ---- resampling

absl::Status EmitResampling(Builder& b, const Node& n, dnnl_alg_kind_t alg,
                            const Dims& output) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype));
  if (x.sizes.size() != output.size() + 2) return Refuse("the input's rank");
  Dims sizes = {x.sizes[0], x.sizes[1]};
  for (size_t i = 0; i < output.size(); ++i) {
    // oneDNN rounds where PyTorch cuts: the same for whole factors.
    if (output[i] <= 0 || output[i] % x.sizes[2 + i] != 0) {
      return Refuse("a factor that is no whole number");
    }
    sizes.push_back(output[i]);
  }
  b.CountWork(sizes);
  return EmitSpatial(
      b, n.output(), x, x, sizes, "resampling",
      [&](const MemoryDesc& src, const MemoryDesc& dst,
          const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
        dnnl_primitive_desc_t pd = nullptr;
        const dnnl_status_t status =
            b.d().library().resampling_forward_primitive_desc_create(
                &pd, b.d().engine(), dnnl_forward_inference, alg, nullptr,
                src.get(), dst.get(), attr.get());
        return b.d().Wrap(status, pd, "resampling");
      });
}

// Sizes by argument `i`, or the input's times the factors of argument `j`.
absl::StatusOr<Dims> ResampledSizes(Builder& b, const Node& n, size_t i,
                                    size_t j) {
  if (!IsNoneArg(n, i)) return IntsArg(n, i);
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  const std::optional<IValue> factors = ConstantArgument(n.input(j));
  if (!factors.has_value() || !factors->is_list() ||
      factors->AsList().values.size() + 2 != x.sizes.size()) {
    return Refuse("neither sizes nor factors");
  }
  Dims output;
  for (size_t d = 0; d + 2 < x.sizes.size(); ++d) {
    const IValue& factor = factors->AsList().values[d];
    if (!factor.is_double() || factor.AsDouble() < 1 ||
        factor.AsDouble() > 1024 ||
        factor.AsDouble() != static_cast<int64_t>(factor.AsDouble())) {
      return Refuse("a factor that is no whole number");
    }
    output.push_back(x.sizes[2 + d] * static_cast<int64_t>(factor.AsDouble()));
  }
  return output;
}

// upsample_nearest*d.vec(input, output_size, scale_factors)
absl::Status LowerNearestVec(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Dims output, ResampledSizes(b, n, 1, 2));
  return EmitResampling(b, n, dnnl_resampling_nearest, output);
}
// upsample_nearest*d(self, output_size, scales…)
absl::Status LowerNearest(Builder& b, const Node& n) {
  return EmitResampling(b, n, dnnl_resampling_nearest, IntsArg(n, 1));
}
// upsample_bilinear2d.vec(input, output_size, align_corners, scale_factors)
absl::Status LowerLinearVec(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Dims output, ResampledSizes(b, n, 1, 3));
  return EmitResampling(b, n, dnnl_resampling_linear, output);
}
// upsample_bilinear2d(self, output_size, align_corners, scales…)
absl::Status LowerLinear(Builder& b, const Node& n) {
  return EmitResampling(b, n, dnnl_resampling_linear, IntsArg(n, 1));
}
std::string RefuseAlignedCorners(const Node& n) {
  return BoolArg(n, 2) ? "align_corners" : "";
}
// Scales of the plain overloads: whatever they say, sizes are given, and
// PyTorch computes positions by them.
std::string RefuseScales(const Node& n) {
  const size_t first = n.Is("aten::upsample_nearest1d") ||
                               n.Is("aten::upsample_nearest2d") ||
                               n.Is("aten::upsample_nearest3d")
                           ? 2
                           : 3;
  for (size_t i = first; i < n.inputs().size(); ++i) {
    const double scale = DoubleArg(n, i);
    if (!IsNoneArg(n, i) && scale != static_cast<int64_t>(scale)) {
      return "a factor that is no whole number";
    }
  }
  return first == 3 ? RefuseAlignedCorners(n) : "";
}

constexpr Lowering kLowerings[] = {
    {"aten::max_pool1d", &LowerPool, Weight::kHeavy},
    {"aten::max_pool2d", &LowerPool, Weight::kHeavy},
    {"aten::max_pool3d", &LowerPool, Weight::kHeavy},
    {"aten::avg_pool1d", &LowerPool, Weight::kHeavy},
    {"aten::avg_pool2d", &LowerPool, Weight::kHeavy, &RefuseAverage},
    {"aten::avg_pool3d", &LowerPool, Weight::kHeavy, &RefuseAverage},
    {"aten::adaptive_avg_pool1d", &LowerAdaptive, Weight::kFollower},
    {"aten::adaptive_avg_pool2d", &LowerAdaptive, Weight::kFollower},
    {"aten::adaptive_avg_pool3d", &LowerAdaptive, Weight::kFollower},
    {"aten::upsample_nearest1d", &LowerNearest, Weight::kFollower,
     &RefuseScales},
    {"aten::upsample_nearest2d", &LowerNearest, Weight::kFollower,
     &RefuseScales},
    {"aten::upsample_nearest3d", &LowerNearest, Weight::kFollower,
     &RefuseScales},
    {"aten::upsample_nearest1d.vec", &LowerNearestVec, Weight::kFollower},
    {"aten::upsample_nearest2d.vec", &LowerNearestVec, Weight::kFollower},
    {"aten::upsample_nearest3d.vec", &LowerNearestVec, Weight::kFollower},
    {"aten::upsample_linear1d", &LowerLinear, Weight::kFollower, &RefuseScales},
    {"aten::upsample_bilinear2d", &LowerLinear, Weight::kFollower,
     &RefuseScales},
    {"aten::upsample_trilinear3d", &LowerLinear, Weight::kFollower,
     &RefuseScales},
    {"aten::upsample_linear1d.vec", &LowerLinearVec, Weight::kFollower,
     &RefuseAlignedCorners},
    {"aten::upsample_bilinear2d.vec", &LowerLinearVec, Weight::kFollower,
     &RefuseAlignedCorners},
    {"aten::upsample_trilinear3d.vec", &LowerLinearVec, Weight::kFollower,
     &RefuseAlignedCorners},
};

}  // namespace

absl::Span<const Lowering> PoolLowerings() { return kLowerings; }

}  // namespace tandem::onednn
