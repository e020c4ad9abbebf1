// Softmax, and sums, means and extremes over dims.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tandem/backends/onednn/lowerings.h"
#include "tandem/backends/onednn/post_ops.h"
#include "tandem/ir/operators/reduce_shapes.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::onednn {

absl::StatusOr<Operand> EmitSoftmax(Builder& b, const Operand& given,
                                    int64_t dim, bool logarithm,
                                    const Value* result) {
  Operand x = given;
  b.CountWork(x.sizes);
  Fusable f;
  f.result = result;
  f.sizes = x.sizes;
  f.strides = ElementwiseStrides(x.sizes, x.strides);
  f.dtype = x.dtype;
  f.name = logarithm ? "log_softmax" : "softmax";
  f.allow_reference = true;
  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status =
        b.d().library().softmax_forward_primitive_desc_create(
            &pd, b.d().engine(), dnnl_forward_inference,
            logarithm ? dnnl_softmax_log : dnnl_softmax_accurate, x.md.get(),
            x.md.get(), static_cast<int>(dim), attr.get());
    return b.d().Wrap(status, pd, "softmax");
  };
  f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
    return Arguments{{DNNL_ARG_SRC, x}};
  };
  TANDEM_ASSIGN_OR_RETURN(const Attributes plain, b.d().NewAttributes());
  const absl::StatusOr<PrimitiveDesc> first = f.create(plain);
  if (!first.ok() || b.d().IsReference(*first)) {
    TANDEM_ASSIGN_OR_RETURN(x, b.AsContiguous(x));
  }
  f.in_place = x;
  return EmitFused(b, f);
}

namespace {

// softmax, log_softmax (self, dim, dtype); _softmax, _log_softmax (self, dim,
// half_to_float)
absl::Status LowerSoftmax(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(const Operand x, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype));
  const absl::StatusOr<int64_t> dim =
      WrapDim(IntArg(n, 1), static_cast<int64_t>(x.sizes.size()));
  if (!dim.ok() || x.sizes.empty()) return Refuse("the dim");
  const bool logarithm = n.op()->schema.name.find("log_") != std::string::npos;
  return EmitSoftmax(b, x, *dim, logarithm, n.output()).status();
}

std::string RefuseDType(const Node& n) {
  return IsNoneArg(n, 2) ? "" : "another dtype of the result";
}
std::string RefuseHalfToFloat(const Node& n) {
  return BoolArg(n, 2) ? "half_to_float" : "";
}

// mean.dim, sum.dim_IntList (self, dim, keepdim, dtype), amax, amin (self, dim,
// keepdim)
absl::Status LowerReduction(Builder& b, const Node& n) {
  TANDEM_ASSIGN_OR_RETURN(Operand x, b.Get(n.input(0)));
  TANDEM_RETURN_IF_ERROR(CheckDType(x.dtype, false));
  const size_t rank = x.sizes.size();
  if (rank == 0) return Refuse("a tensor of no dims");
  const Dims dims = IntsArg(n, 1);
  const absl::StatusOr<DimMask> mask =
      ReducedDims(IsNoneArg(n, 1) ? std::nullopt : std::optional<DimSpan>(dims),
                  static_cast<int64_t>(rank));
  if (!mask.ok()) return Refuse(mask.status().message());
  const bool keepdim = BoolArg(n, 2);
  b.CountWork(x.sizes);
  const dnnl_alg_kind_t alg = n.Is("aten::mean")   ? dnnl_reduction_mean
                              : n.Is("aten::sum")  ? dnnl_reduction_sum
                              : n.Is("aten::amax") ? dnnl_reduction_max
                                                   : dnnl_reduction_min;
  // [kept…, reduced] in rows: what oneDNN's kernels reduce.
  Dims order, kept;
  int64_t columns = 1, rows = 1;
  bool trailing = true, spatial = rank >= 3;
  for (size_t i = 0; i < rank; ++i) {
    if ((*mask)[i]) {
      columns *= x.sizes[i];
      continue;
    }
    trailing &= kept.size() == i;
    order.push_back(static_cast<int64_t>(i));
    kept.push_back(x.sizes[i]);
    rows *= x.sizes[i];
  }
  spatial &= kept.size() == 2 && trailing && rank <= 5;
  Fusable f;
  f.result = n.output();
  f.sizes = ReducedSizes(x.sizes, *mask, keepdim);
  f.strides = ContiguousStrides(f.sizes);
  f.dtype = x.dtype;
  f.name = std::string(absl::StripPrefix(n.op()->schema.name, "aten::"));
  f.allow_reference = true;
  if (spatial && alg == dnnl_reduction_mean) {
    // As pooling, which reads images as convolutions leave them.
    const Dims kernel(x.sizes.begin() + 2, x.sizes.end());
    const Dims zeros(kernel.size(), 0);
    Dims sizes = {x.sizes[0], x.sizes[1]};
    sizes.resize(rank, 1);
    f.physical = sizes;
    TANDEM_ASSIGN_OR_RETURN(const MemoryDesc dst, b.d().Any(sizes, x.dtype));
    f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
      dnnl_primitive_desc_t pd = nullptr;
      const dnnl_status_t status =
          b.d().library().pooling_forward_primitive_desc_create(
              &pd, b.d().engine(), dnnl_forward_inference,
              dnnl_pooling_avg_exclude_padding, x.md.get(), dst.get(),
              kernel.data(), kernel.data(), zeros.data(), zeros.data(),
              zeros.data(), attr.get());
      return b.d().Wrap(status, pd, "pooling");
    };
    f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
      return Arguments{{DNNL_ARG_SRC, x}};
    };
    TANDEM_ASSIGN_OR_RETURN(const Attributes plain, b.d().NewAttributes());
    const absl::StatusOr<PrimitiveDesc> pd = f.create(plain);
    if (pd.ok() && !b.d().IsReference(*pd)) return EmitFused(b, f).status();
  }
  if (!trailing) {
    for (size_t i = 0; i < rank; ++i) {
      if ((*mask)[i]) order.push_back(static_cast<int64_t>(i));
    }
    TANDEM_ASSIGN_OR_RETURN(x, b.Permute(x, order));
  }
  TANDEM_ASSIGN_OR_RETURN(x, b.AsContiguous(x));
  TANDEM_ASSIGN_OR_RETURN(x, b.Reshape(x, {rows, columns}));
  f.physical = {rows, 1};
  TANDEM_ASSIGN_OR_RETURN(const MemoryDesc dst,
                          b.d().Contiguous(f.physical, x.dtype));
  f.create = [&](const Attributes& attr) -> absl::StatusOr<PrimitiveDesc> {
    dnnl_primitive_desc_t pd = nullptr;
    const dnnl_status_t status =
        b.d().library().reduction_primitive_desc_create(
            &pd, b.d().engine(), alg, x.md.get(), dst.get(), 0, 0, attr.get());
    return b.d().Wrap(status, pd, "reduction");
  };
  f.arguments = [&](const PrimitiveDesc&) -> absl::StatusOr<Arguments> {
    return Arguments{{DNNL_ARG_SRC, x}};
  };
  return EmitFused(b, f).status();
}

std::string RefuseReducedDType(const Node& n) {
  return IsNoneArg(n, 3) ? "" : "another dtype of the result";
}

constexpr Lowering kLowerings[] = {
    {"aten::softmax.int", &LowerSoftmax, Weight::kFollower, &RefuseDType},
    {"aten::log_softmax.int", &LowerSoftmax, Weight::kFollower, &RefuseDType},
    {"aten::_softmax", &LowerSoftmax, Weight::kFollower, &RefuseHalfToFloat},
    {"aten::_log_softmax", &LowerSoftmax, Weight::kFollower,
     &RefuseHalfToFloat},
    {"aten::mean.dim", &LowerReduction, Weight::kFollower, &RefuseReducedDType},
    {"aten::sum.dim_IntList", &LowerReduction, Weight::kFollower,
     &RefuseReducedDType},
    {"aten::amax", &LowerReduction, Weight::kFollower},
    {"aten::amin", &LowerReduction, Weight::kFollower},
};

}  // namespace

absl::Span<const Lowering> ReduceLowerings() { return kLowerings; }

}  // namespace tandem::onednn
