// The fused layers of transformer encoders: _native_multi_head_attention and
// _transformer_encoder_layer_fwd, over padded and nested batches.
#include <cmath>

#include "tandem/backends/reference/attention.h"
#include "tandem/backends/reference/matmul.h"
#include "tandem/backends/reference/nested.h"
#include "tandem/backends/reference/norm.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Pair = std::tuple<Tensor, Tensor>;
using Triple = std::tuple<Tensor, Tensor, Tensor>;

// [B, T, 3 * D] + bias -> three of [B, heads, T, D / heads]; the first scaled
// by 1 / sqrt(D / heads).
absl::StatusOr<Triple> TransformBiasRescale(const Tensor& qkv,
                                            const Tensor& bias, int64_t heads) {
  if (qkv.dim() != 3 || bias.dim() != 1 || qkv.size(2) % 3 != 0 ||
      bias.size(0) != qkv.size(2) || heads <= 0 ||
      qkv.size(2) / 3 % heads != 0) {
    return Invalid(
        "_transform_bias_rescale_qkv: expected qkv [B, T, 3 * D] "
        "and a bias of 3 * D, D divisible by num_heads");
  }
  const int64_t b = qkv.size(0), t = qkv.size(1), d = qkv.size(2) / 3;
  const int64_t per_head = d / heads;
  const DType compute = ComputeDType(qkv.dtype());
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(qkv, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, Contiguous(bias, compute));
  Tensor parts[3];
  auto run = [&](auto tag) {
    using C = typename decltype(tag)::type;
    const C scale =
        static_cast<C>(1 / std::sqrt(static_cast<double>(per_head)));
    for (int p = 0; p < 3; ++p) {
      C* out = parts[p].data<C>();
      for (int64_t i = 0; i < b; ++i) {
        for (int64_t h = 0; h < heads; ++h) {
          for (int64_t j = 0; j < t; ++j) {
            const int64_t from = p * d + h * per_head;
            const C* row = x.data<C>() + (i * t + j) * 3 * d + from;
            const C* add = w.data<C>() + from;
            for (int64_t k = 0; k < per_head; ++k) {
              const C v = row[k] + add[k];
              *out++ = p == 0 ? v * scale : v;
            }
          }
        }
      }
    }
  };
  for (Tensor& p : parts) {
    TANDEM_ASSIGN_OR_RETURN(p, Tensor::Empty({b, heads, t, per_head}, compute));
  }
  if (compute == DType::kDouble) {
    run(TypeTag<double>{});
  } else if (compute == DType::kFloat) {
    run(TypeTag<float>{});
  } else {
    return NotImplementedFor("transform_bias_rescale_qkv", qkv.dtype());
  }
  for (Tensor& p : parts) {
    TANDEM_ASSIGN_OR_RETURN(p, ToDType(p, qkv.dtype()));
  }
  return Triple(parts[0], parts[1], parts[2]);
}

absl::Status CheckAttention(const Tensor& q, const Tensor& k, const Tensor& v,
                            int64_t d, int64_t heads, const Tensor& qkv_weight,
                            const Tensor& qkv_bias, const Tensor& mask) {
  const bool nested = IsNested(q) || IsNested(k) || IsNested(v);
  if (mask.defined() && IsNested(q)) {
    return Invalid("NestedTensor with mask is not supported yet");
  }
  if (q.dim() != 3) {
    return Invalid("expected 3-D `query`, got ", q.dim(), "-D tensor");
  }
  if (!IsNested(q) && q.size(2) != d) {
    return Invalid("passed-in embed_dim ", d,
                   " didn't match last dim of query ", q.size(2));
  }
  if (k.dim() != 3) {
    return Invalid("expected 3-D `key`, got ", k.dim(), "-D tensor");
  }
  if (v.dim() != 3) {
    return Invalid("expected 3-D `value`, got ", v.dim(), "-D tensor");
  }
  if (!nested && (q.sizes() != k.sizes() || k.sizes() != v.sizes())) {
    return Invalid("expected `query`/`key`/`value` shapes to match");
  }
  if (k.size(0) != q.size(0) || v.size(0) != q.size(0) ||
      k.size(1) != v.size(1)) {
    return Invalid("expected `query`/`key`/`value` shapes to match");
  }
  if (qkv_weight.dim() != 2) {
    return Invalid("expected 2-D `qkv_weight`, got ", qkv_weight.dim(),
                   "-D tensor");
  }
  if (d < 0 || d > (int64_t{1} << 40) || d * 3 != qkv_weight.size(0)) {
    return Invalid("expected `qkv_weight` first dim to be 3x embed_dim");
  }
  if (d != qkv_weight.size(1)) {
    return Invalid("expected `qkv_weight` second dim to be embed_Dim");
  }
  if (qkv_bias.dim() != 1) {
    return Invalid("expected 1-D `qkv_bias`, got ", qkv_bias.dim(),
                   "-D tensor");
  }
  if (qkv_bias.size(0) != 3 * d) {
    return Invalid(
        "expected `qkv_bias` first dim and first dim of query to be equal");
  }
  if (heads <= 0 || d % heads != 0) {
    return Invalid("`embed_dim` must divide evenly by `num_heads`");
  }
  return absl::OkStatus();
}

// True where keys lie behind their sequence: [N, 1, 1, L].
absl::StatusOr<Tensor> PaddingMask(const Tensor& lengths, int64_t n,
                                   int64_t length) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor mask,
                          Tensor::Empty({n, 1, 1, length}, DType::kBool));
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j < length; ++j) {
      mask.data<bool>()[i * length + j] = j >= lengths.data<int64_t>()[i];
    }
  }
  return mask;
}

absl::StatusOr<Pair> MultiHeadAttention(
    const Tensor& query, const Tensor& key, const Tensor& value,
    int64_t embed_dim, int64_t heads, const Tensor& qkv_weight,
    const Tensor& qkv_bias, const Tensor& proj_weight, const Tensor& proj_bias,
    const Tensor& mask, bool need_weights, bool average_weights,
    std::optional<int64_t> mask_type) {
  TANDEM_RETURN_IF_ERROR(CheckAttention(query, key, value, embed_dim, heads,
                                        qkv_weight, qkv_bias, mask));
  const int64_t d = embed_dim, n = query.size(0), t = query.size(1);
  const int64_t per_head = d / heads;
  const DType dtype = query.dtype();
  // [N, T, D] -> [N * heads, T, D / heads]
  auto project = [&](const Tensor& x, int64_t part) -> absl::StatusOr<Tensor> {
    TANDEM_ASSIGN_OR_RETURN(const Tensor y,
                            Linear(x, NarrowView(qkv_weight, 0, part * d, d),
                                   NarrowView(qkv_bias, 0, part * d, d)));
    const int64_t length = x.size(1);
    TANDEM_ASSIGN_OR_RETURN(const Tensor split,
                            ReshapeTo(y, {n, length, heads, per_head}));
    return Contiguous(TransposeView(split, 1, 2), ComputeDType(dtype));
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor q, project(query, 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor k, project(key, 1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor v, project(value, 2));
  const int64_t keys = key.size(1);
  TANDEM_ASSIGN_OR_RETURN(const Tensor weights,
                          Tensor::Empty({n, heads, t, keys}, q.dtype()));
  auto flat = [&](const Tensor& x, int64_t rows, int64_t cols) {
    return x.ViewUnchecked({n * heads, rows, cols}, {rows * cols, cols, 1}, 0);
  };
  TANDEM_RETURN_IF_ERROR(BatchedGemmTensors(
      1 / std::sqrt(static_cast<double>(per_head)), flat(q, t, per_head),
      TransposeView(flat(k, keys, per_head), 1, 2), 0, flat(weights, t, keys),
      "bmm"));
  Tensor m;
  EmptyRows empty = EmptyRows::kNan;
  if (IsNested(key)) {
    TANDEM_ASSIGN_OR_RETURN(m, PaddingMask(NestedLengths(key), n, keys));
    empty = EmptyRows::kZero;
  } else if (mask.defined()) {
    // Masks of numbers leave out what is not 0.
    TANDEM_ASSIGN_OR_RETURN(m, ToDType(mask, DType::kBool));
    const int64_t type = mask_type.value_or(2);
    if (type < 0 || type > 2) {
      return Invalid(
          "Mask Type should be 0 (src_mask) or 1 (src_key_padding_mask), or 2 "
          "(default_mask)");
    }
    const Dims wanted = type == 0   ? Dims{t, keys}
                        : type == 1 ? Dims{n, keys}
                                    : Dims{n, heads, t, keys};
    if (m.sizes() != DimSpan(wanted)) {
      return Invalid("For mask_type == ", type, " mask shape should be ",
                     type == 0   ? "(L, L)"
                     : type == 1 ? "(B, L)"
                                 : "that of the input");
    }
    if (type == 1) m = UnsqueezeView(UnsqueezeView(m, 1), 1);
  }
  TANDEM_RETURN_IF_ERROR(MaskedSoftmaxInPlace(weights, m, false, empty));
  TANDEM_ASSIGN_OR_RETURN(const Tensor heads_out,
                          Tensor::Empty({n, heads, t, per_head}, q.dtype()));
  TANDEM_RETURN_IF_ERROR(
      BatchedGemmTensors(1, flat(weights, t, keys), flat(v, keys, per_head), 0,
                         flat(heads_out, t, per_head), "bmm"));
  TANDEM_ASSIGN_OR_RETURN(const Tensor joined,
                          ReshapeTo(TransposeView(heads_out, 1, 2), {n, t, d}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor back, ToDType(joined, dtype));
  TANDEM_ASSIGN_OR_RETURN(Tensor out, Linear(back, proj_weight, proj_bias));
  if (IsNested(query)) out = MakeNested(out, NestedLengths(query));
  if (!need_weights) return Pair(std::move(out), Tensor());
  if (!average_weights) {
    TANDEM_ASSIGN_OR_RETURN(Tensor w, ToDType(weights, dtype));
    return Pair(std::move(out), std::move(w));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum,
                          SumKeepDims(weights, {false, true, false, false}));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor share,
      Tensor::FromScalar(1.0 / static_cast<double>(heads), weights.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor mean, Multiply(sum, share));
  TANDEM_ASSIGN_OR_RETURN(Tensor w, ToDType(SelectView(mean, 1, 0), dtype));
  return Pair(std::move(out), std::move(w));
}

// a += b, both contiguous with one dtype and size.
absl::Status AddInto(const Tensor& a, const Tensor& b) {
  if (a.sizes() != b.sizes() || a.dtype() != b.dtype()) {
    return Invalid("expected a layer that keeps the size ",
                   DimsToString(b.sizes()), ", but got ",
                   DimsToString(a.sizes()));
  }
  return VisitFloating(a.dtype(), "add", [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    T* p = a.data<T>();
    const T* q = b.data<T>();
    for (int64_t i = 0; i < a.numel(); ++i) p[i] = p[i] + q[i];
    return absl::OkStatus();
  });
}

absl::Status Activate(const Tensor& t, bool gelu) {
  return VisitFloating(t.dtype(), "gelu", [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    using C = Compute<T>;
    T* p = t.data<T>();
    for (int64_t i = 0; i < t.numel(); ++i) {
      const C x = p[i];
      if (gelu) {
        p[i] = T(x * static_cast<C>(0.5) *
                 (1 + std::erf(x * static_cast<C>(0.70710678118654752440))));
      } else if (x < 0) {
        p[i] = T(C(0));
      }
    }
    return absl::OkStatus();
  });
}

absl::StatusOr<Tensor> EncoderLayer(
    const Tensor& src, int64_t embed_dim, int64_t num_heads,
    const Tensor& qkv_weight, const Tensor& qkv_bias, const Tensor& proj_weight,
    const Tensor& proj_bias, bool use_gelu, bool norm_first, double eps,
    const Tensor& norm_weight_1, const Tensor& norm_bias_1,
    const Tensor& norm_weight_2, const Tensor& norm_bias_2,
    const Tensor& ffn_weight_1, const Tensor& ffn_bias_1,
    const Tensor& ffn_weight_2, const Tensor& ffn_bias_2, const Tensor& mask,
    std::optional<int64_t> mask_type) {
  const bool nested = IsNested(src);
  auto keep = [&](const Tensor& t) {
    return nested ? MakeNested(t, NestedLengths(src)) : t;
  };
  auto norm = [&](const Tensor& t, const Tensor& w,
                  const Tensor& b) -> absl::StatusOr<Tensor> {
    return LayerNorm(t, {embed_dim}, w, b, eps, true);
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor input, Contiguous(src));
  Tensor x = src;
  if (norm_first) {
    TANDEM_ASSIGN_OR_RETURN(x, norm(x, norm_weight_1, norm_bias_1));
    x = keep(x);
  }
  TANDEM_ASSIGN_OR_RETURN(
      Pair attended,
      MultiHeadAttention(x, x, x, embed_dim, num_heads, qkv_weight, qkv_bias,
                         proj_weight, proj_bias, mask, false, true, mask_type));
  x = std::get<0>(attended);
  TANDEM_RETURN_IF_ERROR(AddInto(x, input));
  if (!norm_first) {
    TANDEM_ASSIGN_OR_RETURN(x, norm(x, norm_weight_1, norm_bias_1));
  }
  const Tensor residual = x;
  if (norm_first) {
    TANDEM_ASSIGN_OR_RETURN(x, norm(x, norm_weight_2, norm_bias_2));
  }
  TANDEM_ASSIGN_OR_RETURN(x, Linear(x, ffn_weight_1, ffn_bias_1));
  TANDEM_RETURN_IF_ERROR(Activate(x, use_gelu));
  TANDEM_ASSIGN_OR_RETURN(x, Linear(x, ffn_weight_2, ffn_bias_2));
  TANDEM_RETURN_IF_ERROR(AddInto(x, residual));
  if (!norm_first) {
    TANDEM_ASSIGN_OR_RETURN(x, norm(x, norm_weight_2, norm_bias_2));
  }
  return keep(x);
}

absl::StatusOr<Tensor> EncoderLayerOut(
    const Tensor& src, int64_t embed_dim, int64_t num_heads,
    const Tensor& qkv_weight, const Tensor& qkv_bias, const Tensor& proj_weight,
    const Tensor& proj_bias, bool use_gelu, bool norm_first, double eps,
    const Tensor& norm_weight_1, const Tensor& norm_bias_1,
    const Tensor& norm_weight_2, const Tensor& norm_bias_2,
    const Tensor& ffn_weight_1, const Tensor& ffn_bias_1,
    const Tensor& ffn_weight_2, const Tensor& ffn_bias_2, const Tensor& mask,
    std::optional<int64_t> mask_type, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor result,
      EncoderLayer(src, embed_dim, num_heads, qkv_weight, qkv_bias, proj_weight,
                   proj_bias, use_gelu, norm_first, eps, norm_weight_1,
                   norm_bias_1, norm_weight_2, norm_bias_2, ffn_weight_1,
                   ffn_bias_1, ffn_weight_2, ffn_bias_2, mask, mask_type));
  return WriteOut(result, out);
}

}  // namespace

void RegisterNativeAttention(KernelRegistrar& r) {
  r.Add("aten::_native_multi_head_attention", &MultiHeadAttention)
      .Add("aten::_transformer_encoder_layer_fwd", &EncoderLayer)
      .Add("aten::_transformer_encoder_layer_fwd.out", &EncoderLayerOut)
      .Add("aten::_transform_bias_rescale_qkv", &TransformBiasRescale)
      .Add("aten::_transform_bias_rescale_qkv.out",
           &Variants<TransformBiasRescale>::Out);
}

}  // namespace tandem::reference
