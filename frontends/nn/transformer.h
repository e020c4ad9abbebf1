// torch.nn.modules.transformer.
#ifndef TANDEM_FRONTENDS_NN_TRANSFORMER_H_
#define TANDEM_FRONTENDS_NN_TRANSFORMER_H_

#include <cstdint>
#include <string>

#include "tandem/frontends/nn/attention.h"
#include "tandem/frontends/nn/containers.h"
#include "tandem/frontends/nn/dropout.h"
#include "tandem/frontends/nn/linear.h"
#include "tandem/frontends/nn/normalization.h"

namespace tandem::nn {

struct TransformerLayerOptions {
  int64_t dim_feedforward = 2048;
  double dropout = 0.1;
  std::string activation = "relu";  // or "gelu"
  double layer_norm_eps = 1e-5;
  bool batch_first = false;
  bool norm_first = false;
  bool bias = true;
};

class TransformerEncoderLayer : public ModuleOf<TransformerEncoderLayer> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.transformer";
  TransformerEncoderLayer(int64_t d_model, int64_t nhead,
                          const TransformerLayerOptions& options = {});
  Tensor forward(const Tensor& src, const Tensor& src_mask = {},
                 const Tensor& src_key_padding_mask = {},
                 bool is_causal = false);

  const int64_t d_model, nhead;
  const TransformerLayerOptions options;
  Ptr<MultiheadAttention> self_attn;
  Ptr<Linear> linear1;
  Ptr<Dropout> dropout;
  Ptr<Linear> linear2;
  Ptr<LayerNorm> norm1, norm2;
  Ptr<Dropout> dropout1, dropout2;

 private:
  Tensor AttentionBlock(const Tensor& x, const Tensor& mask,
                        const Tensor& padding, bool is_causal);
  Tensor FeedForward(const Tensor& x);
};

class TransformerDecoderLayer : public ModuleOf<TransformerDecoderLayer> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.transformer";
  TransformerDecoderLayer(int64_t d_model, int64_t nhead,
                          const TransformerLayerOptions& options = {});
  Tensor forward(const Tensor& tgt, const Tensor& memory,
                 const Tensor& tgt_mask = {}, const Tensor& memory_mask = {},
                 const Tensor& tgt_key_padding_mask = {},
                 const Tensor& memory_key_padding_mask = {},
                 bool tgt_is_causal = false, bool memory_is_causal = false);

  const int64_t d_model, nhead;
  const TransformerLayerOptions options;
  Ptr<MultiheadAttention> self_attn, multihead_attn;
  Ptr<Linear> linear1;
  Ptr<Dropout> dropout;
  Ptr<Linear> linear2;
  Ptr<LayerNorm> norm1, norm2, norm3;
  Ptr<Dropout> dropout1, dropout2, dropout3;

 private:
  Tensor FeedForward(const Tensor& x);
};

// `num_layers` copies of a layer, and a norm at the end if there is one.
class TransformerEncoder : public ModuleOf<TransformerEncoder> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.transformer";
  TransformerEncoder(Ptr<TransformerEncoderLayer> layer, int64_t num_layers,
                     Ptr<LayerNorm> norm = nullptr);
  Tensor forward(const Tensor& src, const Tensor& mask = {},
                 const Tensor& src_key_padding_mask = {},
                 bool is_causal = false);

  Ptr<ModuleList> layers;
  Ptr<LayerNorm> norm;
};

class TransformerDecoder : public ModuleOf<TransformerDecoder> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.transformer";
  TransformerDecoder(Ptr<TransformerDecoderLayer> layer, int64_t num_layers,
                     Ptr<LayerNorm> norm = nullptr);
  Tensor forward(const Tensor& tgt, const Tensor& memory,
                 const Tensor& tgt_mask = {}, const Tensor& memory_mask = {},
                 const Tensor& tgt_key_padding_mask = {},
                 const Tensor& memory_key_padding_mask = {},
                 bool tgt_is_causal = false, bool memory_is_causal = false);

  Ptr<ModuleList> layers;
  Ptr<LayerNorm> norm;
};

class Transformer : public ModuleOf<Transformer> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.transformer";
  explicit Transformer(int64_t d_model = 512, int64_t nhead = 8,
                       int64_t num_encoder_layers = 6,
                       int64_t num_decoder_layers = 6,
                       const TransformerLayerOptions& options = {});
  Tensor forward(const Tensor& src, const Tensor& tgt,
                 const Tensor& src_mask = {}, const Tensor& tgt_mask = {},
                 const Tensor& memory_mask = {},
                 const Tensor& src_key_padding_mask = {},
                 const Tensor& tgt_key_padding_mask = {},
                 const Tensor& memory_key_padding_mask = {});
  // [size, size] of -inf above the diagonal, 0 elsewhere.
  static Tensor generate_square_subsequent_mask(int64_t size);

  const int64_t d_model, nhead;
  const bool batch_first;
  Ptr<TransformerEncoder> encoder;
  Ptr<TransformerDecoder> decoder;
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_TRANSFORMER_H_
