// torch.nn.MultiheadAttention.
#ifndef TANDEM_FRONTENDS_NN_ATTENTION_H_
#define TANDEM_FRONTENDS_NN_ATTENTION_H_

#include <cstdint>
#include <optional>
#include <tuple>

#include "tandem/frontends/nn/linear.h"

namespace tandem::nn {

struct AttentionOptions {
  double dropout = 0;
  bool bias = true;
  bool add_bias_kv = false;
  bool add_zero_attn = false;
  std::optional<int64_t> kdim, vdim;
  bool batch_first = false;
};

// Inputs are [time, batch, embed] ([batch, time, embed] if batch_first) or
// [time, embed]. Gives (output, weights); weights are undefined if not needed.
class MultiheadAttention : public ModuleOf<MultiheadAttention> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.activation";
  MultiheadAttention(int64_t embed_dim, int64_t num_heads,
                     const AttentionOptions& options = {});
  // Masks are bool (true: hidden) or floats that are added. need_weights and
  // average_attn_weights are true unless said otherwise.
  std::tuple<Tensor, Tensor> forward(
      const Tensor& query, const Tensor& key, const Tensor& value,
      const Tensor& key_padding_mask = {},
      const std::optional<bool>& need_weights = {},
      const Tensor& attn_mask = {},
      const std::optional<bool>& average_attn_weights = {},
      bool is_causal = false);

  const int64_t embed_dim, num_heads, head_dim, kdim, vdim;
  const AttentionOptions options;
  Tensor in_proj_weight;  // [3 * embed, embed] if kdim and vdim are embed_dim
  Tensor q_proj_weight, k_proj_weight, v_proj_weight;  // otherwise
  Tensor in_proj_bias, bias_k, bias_v;
  Ptr<NonDynamicallyQuantizableLinear> out_proj;

 private:
  std::tuple<Tensor, Tensor, Tensor> Project(const Tensor& query,
                                             const Tensor& key,
                                             const Tensor& value);
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_ATTENTION_H_
