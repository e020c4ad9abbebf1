#include "tandem/frontends/nn/attention.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/factories.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/init.h"

namespace tandem::nn {
namespace {

// A bool mask as one that is added.
Tensor AddedMask(const Tensor& mask, const char* name, DType dtype) {
  if (!mask.defined()) return mask;
  if (mask.dtype() == DType::kBool) {
    return eager::zeros_like(mask, dtype)
        .masked_fill_(mask, -std::numeric_limits<double>::infinity());
  }
  if (!IsFloatingPoint(mask.dtype())) {
    eager::Throw(absl::StrCat("only bool and floating types of ", name,
                              " are supported"));
  }
  return mask;
}

}  // namespace

MultiheadAttention::MultiheadAttention(int64_t embed, int64_t heads,
                                       const AttentionOptions& o)
    : embed_dim(embed),
      num_heads(heads),
      head_dim(heads > 0 ? embed / heads : 0),
      kdim(o.kdim.value_or(embed)),
      vdim(o.vdim.value_or(embed)),
      options(o) {
  if (embed <= 0 || heads <= 0) {
    eager::Throw(absl::StrCat(
        "embed_dim and num_heads must be greater than 0, got embed_dim=", embed,
        " and num_heads=", heads, " instead"));
  }
  if (head_dim * heads != embed) {
    eager::Throw("embed_dim must be divisible by num_heads");
  }
  const bool same = kdim == embed && vdim == embed;
  const auto weight = [&](const char* name, bool has, const IntList& sizes) {
    return register_parameter(name, has ? eager::empty(sizes) : Tensor());
  };
  q_proj_weight = weight("q_proj_weight", !same, {embed, embed});
  k_proj_weight = weight("k_proj_weight", !same, {embed, kdim});
  v_proj_weight = weight("v_proj_weight", !same, {embed, vdim});
  in_proj_weight = weight("in_proj_weight", same, {3 * embed, embed});
  in_proj_bias = weight("in_proj_bias", o.bias, {3 * embed});
  out_proj = Register<NonDynamicallyQuantizableLinear>("out_proj", embed, embed,
                                                       o.bias);
  bias_k = weight("bias_k", o.add_bias_kv, {1, 1, embed});
  bias_v = weight("bias_v", o.add_bias_kv, {1, 1, embed});
  if (same) {
    init::xavier_uniform_(in_proj_weight);
  } else {
    init::xavier_uniform_(q_proj_weight);
    init::xavier_uniform_(k_proj_weight);
    init::xavier_uniform_(v_proj_weight);
  }
  if (o.bias) {
    init::zeros_(in_proj_bias);
    init::zeros_(out_proj->bias);
  }
  if (o.add_bias_kv) {
    init::xavier_normal_(bias_k);
    init::xavier_normal_(bias_v);
  }
}

std::tuple<Tensor, Tensor, Tensor> MultiheadAttention::Project(
    const Tensor& query, const Tensor& key, const Tensor& value) {
  std::vector<Tensor> b(3);
  if (in_proj_bias.defined()) b = in_proj_bias.chunk(3);
  if (!in_proj_weight.defined()) {
    return {eager::linear(query, q_proj_weight, b[0]),
            eager::linear(key, k_proj_weight, b[1]),
            eager::linear(value, v_proj_weight, b[2])};
  }
  if (key.is_same(value) && query.is_same(key)) {
    Tensor proj = eager::linear(query, in_proj_weight, in_proj_bias);
    proj = proj.unflatten(-1, {3, embed_dim})
               .unsqueeze(0)
               .transpose(0, -2)
               .squeeze(-2)
               .contiguous();
    return {proj[0], proj[1], proj[2]};
  }
  const std::vector<Tensor> w = in_proj_weight.chunk(3);
  return {eager::linear(query, w[0], b[0]), eager::linear(key, w[1], b[1]),
          eager::linear(value, w[2], b[2])};
}

// torch.nn.functional.multi_head_attention_forward
std::tuple<Tensor, Tensor> MultiheadAttention::forward(
    const Tensor& q_in, const Tensor& k_in, const Tensor& v_in,
    const Tensor& padding_in, const std::optional<bool>& need,
    const Tensor& mask_in, const std::optional<bool>& average, bool is_causal) {
  const bool need_weights = need.value_or(true);
  const int64_t rank = static_cast<int64_t>(q_in.dim());
  if (rank != 2 && rank != 3) {
    eager::Throw(absl::StrCat(
        "query should be unbatched 2D or batched 3D tensor but received ", rank,
        "-D query tensor"));
  }
  if (k_in.dim() != rank || v_in.dim() != rank) {
    eager::Throw(absl::StrCat(
        "For ", rank == 3 ? "batched (3-D)" : "unbatched (2-D)",
        " `query`, expected `key` and `value` to be ", rank, "-D but found ",
        static_cast<int64_t>(k_in.dim()), "-D and ",
        static_cast<int64_t>(v_in.dim()), "-D tensors respectively"));
  }
  if (is_causal && !mask_in.defined()) {
    eager::Throw("Need attn_mask if specifying the is_causal hint.");
  }
  Tensor query = q_in, key = k_in, value = v_in;
  if (options.batch_first && rank == 3) {
    // One tensor stays one: it is projected at once.
    const bool one = query.is_same(key) && key.is_same(value);
    const bool pair = key.is_same(value);
    query = query.transpose(1, 0);
    key = one ? query : key.transpose(1, 0);
    value = one ? query : pair ? key : value.transpose(1, 0);
  }
  const DType dtype = query.dtype();
  Tensor padding = AddedMask(padding_in, "key_padding_mask", dtype);
  Tensor mask = AddedMask(mask_in, "attn_mask", dtype);
  if (rank == 2) {
    const bool one = query.is_same(key) && key.is_same(value);
    const bool pair = key.is_same(value);
    query = query.unsqueeze(1);
    key = one ? query : key.unsqueeze(1);
    value = one ? query : pair ? key : value.unsqueeze(1);
    if (padding.defined()) padding = padding.unsqueeze(0);
  }
  const Int time = query.size(0), batch = query.size(1);
  if (query.size(2) != embed_dim) {
    eager::Throw(absl::StrCat("was expecting embedding dimension of ",
                              embed_dim, ", but got ",
                              static_cast<int64_t>(query.size(2))));
  }
  // The mask is for those who do not want weights and pad nothing.
  bool causal = is_causal && !padding.defined() && !need_weights;
  if (causal) mask = Tensor();
  auto [q, k, v] = Project(query, key, value);
  if (mask.defined() && mask.dim() == 2) mask = mask.unsqueeze(0);
  Int source = k.size(0);
  if (bias_k.defined()) {
    k = eager::cat({k, bias_k.repeat(1, batch, 1)});
    v = eager::cat({v, bias_v.repeat(1, batch, 1)});
    if (mask.defined()) mask = eager::pad(mask, {0, 1});
    if (padding.defined()) padding = eager::pad(padding, {0, 1});
  }
  const Int rows = batch * num_heads;
  q = q.view({time, rows, head_dim}).transpose(0, 1);
  k = k.view({k.size(0), rows, head_dim}).transpose(0, 1);
  v = v.view({v.size(0), rows, head_dim}).transpose(0, 1);
  if (options.add_zero_attn) {
    const Tensor zero = eager::zeros({rows, 1, head_dim}, k.dtype());
    k = eager::cat({k, zero}, 1);
    v = eager::cat({v, zero}, 1);
    if (mask.defined()) mask = eager::pad(mask, {0, 1});
    if (padding.defined()) padding = eager::pad(padding, {0, 1});
  }
  source = k.size(1);
  if (padding.defined()) {
    padding = padding.view({batch, 1, 1, source})
                  .expand({-1, num_heads, -1, -1})
                  .reshape({rows, 1, source});
    mask = mask.defined() ? mask + padding : padding;
  }
  const double dropout = training() ? options.dropout : 0;
  Tensor output, weights;
  if (need_weights) {
    const Tensor scaled = q * std::sqrt(1.0 / static_cast<double>(head_dim));
    weights = mask.defined() ? eager::baddbmm(mask, scaled, k.transpose(-2, -1))
                             : eager::bmm(scaled, k.transpose(-2, -1));
    weights = eager::softmax(weights, -1);
    if (dropout > 0) weights = eager::dropout(weights, dropout, true);
    output = eager::bmm(weights, v);
    output =
        output.transpose(0, 1).contiguous().view({time * batch, embed_dim});
    output = eager::linear(output, out_proj->weight, out_proj->bias);
    output = output.view({time, batch, output.size(1)});
    weights = weights.view({batch, num_heads, time, source});
    if (average.value_or(true)) weights = weights.mean(IntList{1});
    if (rank == 2) {
      output = output.squeeze(1);
      weights = weights.squeeze(0);
    }
  } else {
    if (mask.defined()) {
      mask = mask.size(0) == 1 && mask.dim() == 3
                 ? mask.unsqueeze(0)
                 : mask.view({batch, num_heads, -1, source});
    }
    q = q.view({batch, num_heads, time, head_dim});
    k = k.view({batch, num_heads, source, head_dim});
    v = v.view({batch, num_heads, source, head_dim});
    output =
        eager::scaled_dot_product_attention(q, k, v, mask, dropout, causal);
    output = output.permute({2, 0, 1, 3})
                 .contiguous()
                 .view({batch * time, embed_dim});
    output = eager::linear(output, out_proj->weight, out_proj->bias);
    output = output.view({time, batch, output.size(1)});
    if (rank == 2) output = output.squeeze(1);
  }
  if (options.batch_first && rank == 3) output = output.transpose(1, 0);
  return {output, weights};
}

}  // namespace tandem::nn
