// scaled_dot_product_attention and the operators behind it.
#include "tandem/backends/reference/attention.h"

#include <cmath>
#include <limits>

#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/matmul.h"
#include "tandem/backends/reference/nested.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

absl::Status MaskedSoftmaxInPlace(const Tensor& scores, const Tensor& mask,
                                  bool keep, EmptyRows empty) {
  if (scores.numel() == 0) return absl::OkStatus();
  const int64_t n = scores.size(scores.dim() - 1);
  const int64_t rows = scores.numel() / n;
  Tensor m;
  if (mask.defined()) {
    TANDEM_ASSIGN_OR_RETURN(m, ExpandTo(mask, scores.sizes()));
    TANDEM_ASSIGN_OR_RETURN(
        m, Contiguous(m, mask.dtype() == DType::kBool ? DType::kBool
                                                      : scores.dtype()));
  }
  auto run = [&](auto tag) -> absl::Status {
    using C = typename decltype(tag)::type;
    constexpr C kNone = -std::numeric_limits<C>::infinity();
    const bool* flags =
        m.defined() && m.dtype() == DType::kBool ? m.data<bool>() : nullptr;
    const C* added = m.defined() && flags == nullptr ? m.data<C>() : nullptr;
    return ParallelFor(
        rows, std::max<int64_t>(1, 4096 / n), [&](int64_t begin, int64_t end) {
          for (int64_t r = begin; r < end; ++r) {
            C* x = scores.data<C>() + r * n;
            C max = kNone;
            for (int64_t i = 0; i < n; ++i) {
              if (flags != nullptr && flags[r * n + i] != keep) x[i] = kNone;
              if (added != nullptr) x[i] += added[r * n + i];
              if (x[i] > max || x[i] != x[i]) max = x[i];
            }
            if (max == kNone) {
              const C fill = empty == EmptyRows::kZero
                                 ? C(0)
                                 : std::numeric_limits<C>::quiet_NaN();
              for (int64_t i = 0; i < n; ++i) x[i] = fill;
              continue;
            }
            C sum = 0;
            for (int64_t i = 0; i < n; ++i) {
              x[i] = std::exp(x[i] - max);
              sum += x[i];
            }
            const C scale = 1 / sum;
            for (int64_t i = 0; i < n; ++i) x[i] *= scale;
          }
        });
  };
  return scores.dtype() == DType::kDouble ? run(TypeTag<double>{})
                                          : run(TypeTag<float>{});
}

namespace {

using Pair = std::tuple<Tensor, Tensor>;

absl::Status CheckInputs(const Tensor& q, const Tensor& k, const Tensor& v,
                         const Tensor& mask) {
  if (q.dtype() != k.dtype() || q.dtype() != v.dtype()) {
    return Invalid(
        "Expected query, key, and value to have the same dtype, but got "
        "query.dtype: ",
        CppTypeName(q.dtype()), " key.dtype: ", CppTypeName(k.dtype()),
        " and value.dtype: ", CppTypeName(v.dtype()), " instead.");
  }
  if (q.dim() < 2 || k.dim() < 2 || v.dim() < 2) {
    return Invalid(
        "Expected query, key, and value to all be  at least 2 dimensional, but "
        "got query.dim: ",
        q.dim(), " key.dim: ", k.dim(), " and value.dim: ", v.dim(),
        " instead.");
  }
  if (mask.defined() && mask.dtype() != DType::kBool &&
      mask.dtype() != q.dtype() && mask.dtype() != DType::kFloat) {
    return Invalid(
        "Expected attn_mask dtype to be bool or float or to match query "
        "dtype, but got attn_mask.dtype: ",
        CppTypeName(mask.dtype()),
        " and  query.dtype: ", CppTypeName(q.dtype()), " instead.");
  }
  return absl::OkStatus();
}

// Each head of keys and values serves several heads of queries.
absl::StatusOr<Tensor> RepeatHeads(const Tensor& t, int64_t heads) {
  const int64_t d = t.dim() - 3;
  const int64_t own = t.size(d);
  if (own == heads) return t;
  if (own == 0 || heads % own != 0) {
    return Invalid(
        "Number of heads in key and value must divide the number of heads in "
        "query");
  }
  const Tensor grown = UnsqueezeView(t, d + 1);
  Dims sizes(grown.sizes().begin(), grown.sizes().end());
  sizes[d + 1] = heads / own;
  TANDEM_ASSIGN_OR_RETURN(const Tensor repeated, ExpandTo(grown, sizes));
  Dims folded(t.sizes().begin(), t.sizes().end());
  folded[d] = heads;
  return ReshapeTo(repeated, folded);
}

// The result, and the weights where `weights` is not null.
absl::StatusOr<Tensor> Attention(const Tensor& query, const Tensor& key,
                                 const Tensor& value, const Tensor& attn_mask,
                                 double dropout_p, bool is_causal,
                                 const Tensor& dropout_mask,
                                 std::optional<double> scale, bool enable_gqa,
                                 Tensor* weights) {
  TANDEM_RETURN_IF_ERROR(CheckInputs(query, key, value, attn_mask));
  const DType dtype = query.dtype();
  if (!IsFloatingPoint(dtype) && !IsComplex(dtype)) {
    return Invalid("expected scalar type Float but found ", TypeName(dtype));
  }
  const DType compute = ComputeDType(dtype);
  if (is_causal && attn_mask.defined()) {
    return Invalid(
        "_scaled_dot_product_attention: Explicit attn_mask should not be set "
        "when is_causal=True");
  }
  if (!(dropout_p >= 0 && dropout_p <= 1)) {
    return Invalid("dropout probability has to be between 0 and 1, but got ",
                   dropout_p);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor q, ToDType(query, compute));
  TANDEM_ASSIGN_OR_RETURN(Tensor k, ToDType(key, compute));
  TANDEM_ASSIGN_OR_RETURN(Tensor v, ToDType(value, compute));
  if (enable_gqa) {
    if (q.dim() < 3 || k.dim() < 3 || v.dim() < 3) {
      return Invalid("enable_gqa needs at least 3 dimensions");
    }
    const int64_t heads = q.size(q.dim() - 3);
    TANDEM_ASSIGN_OR_RETURN(k, RepeatHeads(k, heads));
    TANDEM_ASSIGN_OR_RETURN(v, RepeatHeads(v, heads));
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor product,
      MatMul(q, TransposeView(k, k.dim() - 2, k.dim() - 1)));
  TANDEM_ASSIGN_OR_RETURN(Tensor scores, Contiguous(product));
  if (IsComplex(dtype)) return NotImplementedFor("softmax_kernel_impl", dtype);
  const int64_t rows = scores.size(scores.dim() - 2);
  const int64_t cols = scores.size(scores.dim() - 1);
  const double factor =
      scale.value_or(1 / std::sqrt(static_cast<double>(q.size(q.dim() - 1))));
  auto prepare = [&](auto tag) {
    using C = typename decltype(tag)::type;
    C* x = scores.data<C>();
    const C f = static_cast<C>(factor);
    for (int64_t i = 0; i < scores.numel(); ++i) {
      x[i] *= f;
      if (is_causal && i % cols > i / cols % rows) {
        x[i] = -std::numeric_limits<C>::infinity();
      }
    }
  };
  if (compute == DType::kDouble) {
    prepare(TypeTag<double>{});
  } else {
    prepare(TypeTag<float>{});
  }
  if (attn_mask.defined()) {
    TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                            BroadcastSizes(scores.sizes(), attn_mask.sizes()));
    if (DimSpan(sizes) != scores.sizes()) {
      TANDEM_ASSIGN_OR_RETURN(const Tensor wide, ExpandTo(scores, sizes));
      TANDEM_ASSIGN_OR_RETURN(scores, Contiguous(wide));
    }
  }
  TANDEM_RETURN_IF_ERROR(
      MaskedSoftmaxInPlace(scores, attn_mask, true, EmptyRows::kZero));
  if (dropout_p > 0) {
    if (dropout_mask.defined()) {
      TANDEM_ASSIGN_OR_RETURN(const Tensor factor_mask,
                              ToDType(dropout_mask, compute));
      TANDEM_ASSIGN_OR_RETURN(scores, Multiply(scores, factor_mask));
      TANDEM_ASSIGN_OR_RETURN(const Tensor rest,
                              Tensor::FromScalar(1 / (1 - dropout_p), compute));
      TANDEM_ASSIGN_OR_RETURN(v, Multiply(v, rest));
    } else {
      TANDEM_ASSIGN_OR_RETURN(scores, Dropout(scores, dropout_p, true));
    }
  }
  // A value matrix longer than the keys: PyTorch's CPU kernel reads what the
  // keys reach.
  if (v.size(v.dim() - 2) > cols) v = NarrowView(v, v.dim() - 2, 0, cols);
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, MatMul(scores, v));
  if (weights != nullptr) {
    TANDEM_ASSIGN_OR_RETURN(*weights, ToDType(scores, dtype));
  }
  return ToDType(out, dtype);
}

absl::StatusOr<Tensor> ScaledDotProductAttention(
    const Tensor& query, const Tensor& key, const Tensor& value,
    const Tensor& attn_mask, double dropout_p, bool is_causal,
    std::optional<double> scale, bool enable_gqa) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor out,
      Attention(query, key, value, attn_mask, dropout_p, is_causal, Tensor(),
                scale, enable_gqa, nullptr));
  // The fused kernel, which takes rows that are dense, lays its result out as
  // the query.
  const auto dense = [](const Tensor& t) { return t.stride(t.dim() - 1) == 1; };
  if (out.dim() != 4 || dropout_p != 0 || out.sizes() != query.sizes() ||
      query.is_contiguous() || !dense(query) || !dense(key) || !dense(value)) {
    return out;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, EmptyLike(query, query.dtype()));
  TANDEM_RETURN_IF_ERROR(CopyElements(out, result));
  return result;
}

absl::StatusOr<Pair> AttentionMath(const Tensor& query, const Tensor& key,
                                   const Tensor& value, const Tensor& attn_mask,
                                   double dropout_p, bool is_causal,
                                   const Tensor& dropout_mask,
                                   std::optional<double> scale,
                                   bool enable_gqa) {
  Tensor weights;
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, Attention(query, key, value, attn_mask, dropout_p, is_causal,
                            dropout_mask, scale, enable_gqa, &weights));
  return Pair(std::move(out), std::move(weights));
}

// Also log(sum(exp(scores))) of each row, [N, heads, L] laid out [N, L, heads].
absl::StatusOr<Pair> FlashAttention(const Tensor& query, const Tensor& key,
                                    const Tensor& value, double dropout_p,
                                    bool is_causal, const Tensor& attn_mask,
                                    std::optional<double> scale) {
  if (query.dim() != 4 || key.dim() != 4 || value.dim() != 4) {
    return Invalid(
        "scaled_dot_product_attention_flash_attention: Accept only 4 dims "
        "inputs shape of {(B, H, T, K)}");
  }
  if (dropout_p != 0) {
    return Invalid(
        "scaled_dot_product_attention_flash_attention: Currently do not "
        "support dropout > 0");
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor out,
                          Attention(query, key, value, attn_mask, 0, is_causal,
                                    Tensor(), scale, false, nullptr));
  // The scores again, without values, for their sums.
  const DType compute = ComputeDType(query.dtype());
  TANDEM_ASSIGN_OR_RETURN(const Tensor q, Contiguous(query, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor k, Contiguous(key, compute));
  TANDEM_ASSIGN_OR_RETURN(const Tensor scores,
                          MatMul(q, TransposeView(k, 2, 3)));
  Tensor mask;
  if (attn_mask.defined()) {
    TANDEM_ASSIGN_OR_RETURN(mask, ExpandTo(attn_mask, scores.sizes()));
    if (mask.dtype() != DType::kBool) {
      TANDEM_ASSIGN_OR_RETURN(mask, Contiguous(mask, compute));
    } else {
      TANDEM_ASSIGN_OR_RETURN(mask, Contiguous(mask));
    }
  }
  const int64_t rows = scores.size(2), cols = scores.size(3);
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor lse,
      Tensor::Empty({query.size(0), rows, query.size(1)}, compute));
  auto run = [&](auto tag) {
    using C = typename decltype(tag)::type;
    const double factor =
        scale.value_or(1 / std::sqrt(static_cast<double>(q.size(3))));
    const int64_t heads = query.size(1);
    for (int64_t r = 0; r < query.size(0) * heads * rows; ++r) {
      const C* x = scores.data<C>() + r * cols;
      double max = -std::numeric_limits<double>::infinity(), sum = 0;
      auto at = [&](int64_t j) -> double {
        if (is_causal && j > r % rows)
          return -std::numeric_limits<double>::infinity();
        double s = x[j] * factor;
        if (mask.defined()) {
          if (mask.dtype() == DType::kBool) {
            if (!mask.data<bool>()[r * cols + j]) {
              s = -std::numeric_limits<double>::infinity();
            }
          } else {
            s += mask.data<C>()[r * cols + j];
          }
        }
        return s;
      };
      for (int64_t j = 0; j < cols; ++j) max = std::max(max, at(j));
      for (int64_t j = 0; j < cols; ++j) sum += std::exp(at(j) - max);
      const int64_t b = r / (heads * rows), h = r / rows % heads, t = r % rows;
      lse.data<C>()[(b * rows + t) * heads + h] =
          static_cast<C>(max + std::log(sum));
    }
  };
  if (compute == DType::kDouble) {
    run(TypeTag<double>{});
  } else {
    run(TypeTag<float>{});
  }
  return Pair(std::move(out), TransposeView(lse, 1, 2));
}

// Which kernel PyTorch would take: 0 math, 1 flash.
absl::StatusOr<int64_t> FusedSdpChoice(const Tensor& query, const Tensor& key,
                                       const Tensor& value,
                                       const Tensor& attn_mask,
                                       double dropout_p, bool is_causal,
                                       std::optional<double>, bool) {
  const bool flash = query.dim() == 4 && key.dim() == 4 && value.dim() == 4 &&
                     dropout_p == 0 && IsFloatingPoint(query.dtype()) &&
                     query.size(3) == key.size(3) &&
                     key.size(3) == value.size(3) &&
                     !(is_causal && attn_mask.defined());
  return flash ? 1 : 0;
}

}  // namespace

absl::Status RegisterAttention(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  r.Add("aten::scaled_dot_product_attention", &ScaledDotProductAttention)
      .Add("aten::_scaled_dot_product_attention_math", &AttentionMath)
      .Add("aten::_scaled_dot_product_flash_attention_for_cpu", &FlashAttention)
      .Add("aten::_fused_sdp_choice", &FusedSdpChoice);
  RegisterNativeAttention(r);
  RegisterNested(r);
  return r.status();
}

}  // namespace tandem::reference
