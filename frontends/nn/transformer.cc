#include "tandem/frontends/nn/transformer.h"

#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/init.h"

namespace tandem::nn {
namespace {

// A layer of the same options with the same values, without drawing any.
template <typename T>
Ptr<T> CopyOf(const T& layer) {
  const init::SkipInit skip;
  Ptr<T> copy = Make<T>(layer.d_model, layer.nhead, layer.options);
  copy->load_state_dict(layer.state_dict());
  copy->train(layer.training());
  return copy;
}

template <typename T>
Ptr<ModuleList> Copies(const Ptr<T>& layer, int64_t count) {
  Ptr<ModuleList> list = Make<ModuleList>();
  for (int64_t i = 0; i < count; ++i) list->append(CopyOf(*layer).shared());
  return list;
}

// A LayerNorm that may be absent, as a member.
Ptr<LayerNorm> AddNorm(Module* owner, Ptr<LayerNorm> norm) {
  owner->register_module("norm", std::shared_ptr<Module>(norm.shared()));
  return norm;
}

AttentionOptions AttentionOf(const TransformerLayerOptions& o) {
  AttentionOptions a;
  a.dropout = o.dropout;
  a.bias = o.bias;
  a.batch_first = o.batch_first;
  return a;
}

Tensor Activate(const std::string& activation, const Tensor& x) {
  if (activation == "relu") return eager::relu(x);
  if (activation == "gelu") return eager::gelu(x);
  eager::Throw(
      absl::StrCat("activation should be relu/gelu, not ", activation));
}

// Whether `mask` is the one that hides what comes later.
bool DetectCausal(const Tensor& mask, bool is_causal) {
  if (is_causal || !mask.defined()) return is_causal;
  const int64_t size = mask.raw().sizes().empty() ? 0 : mask.raw().size(0);
  const eager::ScopedRecorder none(nullptr);
  if (mask.raw().dtype() == DType::kUndefined || mask.raw().dim() != 2 ||
      mask.raw().size(1) != size || !IsFloatingPoint(mask.raw().dtype())) {
    return false;
  }
  return static_cast<bool>(
      (mask == Transformer::generate_square_subsequent_mask(size)).all());
}

}  // namespace

TransformerEncoderLayer::TransformerEncoderLayer(
    int64_t d, int64_t heads, const TransformerLayerOptions& o)
    : d_model(d), nhead(heads), options(o) {
  self_attn =
      Register<MultiheadAttention>("self_attn", d, heads, AttentionOf(o));
  linear1 = Register<Linear>("linear1", d, o.dim_feedforward, o.bias);
  dropout = Register<Dropout>("dropout", o.dropout);
  linear2 = Register<Linear>("linear2", o.dim_feedforward, d, o.bias);
  norm1 = Register<LayerNorm>("norm1", d, o.layer_norm_eps, true, o.bias);
  norm2 = Register<LayerNorm>("norm2", d, o.layer_norm_eps, true, o.bias);
  dropout1 = Register<Dropout>("dropout1", o.dropout);
  dropout2 = Register<Dropout>("dropout2", o.dropout);
}

Tensor TransformerEncoderLayer::AttentionBlock(const Tensor& x,
                                               const Tensor& mask,
                                               const Tensor& padding,
                                               bool is_causal) {
  return dropout1(std::get<0>(self_attn(x, x, x, padding, false, mask,
                                        std::optional<bool>(), is_causal)));
}

Tensor TransformerEncoderLayer::FeedForward(const Tensor& x) {
  return dropout2(linear2(dropout(Activate(options.activation, linear1(x)))));
}

Tensor TransformerEncoderLayer::forward(const Tensor& src, const Tensor& mask,
                                        const Tensor& padding, bool is_causal) {
  Tensor x = src;
  if (options.norm_first) {
    x = x + AttentionBlock(norm1(x), mask, padding, is_causal);
    return x + FeedForward(norm2(x));
  }
  x = norm1(x + AttentionBlock(x, mask, padding, is_causal));
  return norm2(x + FeedForward(x));
}

TransformerDecoderLayer::TransformerDecoderLayer(
    int64_t d, int64_t heads, const TransformerLayerOptions& o)
    : d_model(d), nhead(heads), options(o) {
  self_attn =
      Register<MultiheadAttention>("self_attn", d, heads, AttentionOf(o));
  multihead_attn =
      Register<MultiheadAttention>("multihead_attn", d, heads, AttentionOf(o));
  linear1 = Register<Linear>("linear1", d, o.dim_feedforward, o.bias);
  dropout = Register<Dropout>("dropout", o.dropout);
  linear2 = Register<Linear>("linear2", o.dim_feedforward, d, o.bias);
  norm1 = Register<LayerNorm>("norm1", d, o.layer_norm_eps, true, o.bias);
  norm2 = Register<LayerNorm>("norm2", d, o.layer_norm_eps, true, o.bias);
  norm3 = Register<LayerNorm>("norm3", d, o.layer_norm_eps, true, o.bias);
  dropout1 = Register<Dropout>("dropout1", o.dropout);
  dropout2 = Register<Dropout>("dropout2", o.dropout);
  dropout3 = Register<Dropout>("dropout3", o.dropout);
}

Tensor TransformerDecoderLayer::FeedForward(const Tensor& x) {
  return dropout3(linear2(dropout(Activate(options.activation, linear1(x)))));
}

Tensor TransformerDecoderLayer::forward(
    const Tensor& tgt, const Tensor& memory, const Tensor& tgt_mask,
    const Tensor& memory_mask, const Tensor& tgt_padding,
    const Tensor& memory_padding, bool tgt_is_causal, bool memory_is_causal) {
  const std::optional<bool> average;
  const auto own = [&](const Tensor& x) {
    return dropout1(std::get<0>(self_attn(x, x, x, tgt_padding, false, tgt_mask,
                                          average, tgt_is_causal)));
  };
  const auto cross = [&](const Tensor& x) {
    return dropout2(
        std::get<0>(multihead_attn(x, memory, memory, memory_padding, false,
                                   memory_mask, average, memory_is_causal)));
  };
  Tensor x = tgt;
  if (options.norm_first) {
    x = x + own(norm1(x));
    x = x + cross(norm2(x));
    return x + FeedForward(norm3(x));
  }
  x = norm1(x + own(x));
  x = norm2(x + cross(x));
  return norm3(x + FeedForward(x));
}

TransformerEncoder::TransformerEncoder(Ptr<TransformerEncoderLayer> layer,
                                       int64_t num_layers, Ptr<LayerNorm> last)
    : layers(register_module("layers", Copies(layer, num_layers))),
      norm(AddNorm(this, last)) {}

Tensor TransformerEncoder::forward(const Tensor& src, const Tensor& mask,
                                   const Tensor& padding, bool is_causal) {
  const bool causal = DetectCausal(mask, is_causal);
  Tensor x = src;
  for (size_t i = 0; i < layers->size(); ++i) {
    x = layers->at<TransformerEncoderLayer>(i)(x, mask, padding, causal);
  }
  return norm ? norm(x) : x;
}

TransformerDecoder::TransformerDecoder(Ptr<TransformerDecoderLayer> layer,
                                       int64_t num_layers, Ptr<LayerNorm> last)
    : layers(register_module("layers", Copies(layer, num_layers))),
      norm(AddNorm(this, last)) {}

Tensor TransformerDecoder::forward(const Tensor& tgt, const Tensor& memory,
                                   const Tensor& tgt_mask,
                                   const Tensor& memory_mask,
                                   const Tensor& tgt_padding,
                                   const Tensor& memory_padding,
                                   bool tgt_is_causal, bool memory_is_causal) {
  const bool causal = DetectCausal(tgt_mask, tgt_is_causal);
  Tensor x = tgt;
  for (size_t i = 0; i < layers->size(); ++i) {
    x = layers->at<TransformerDecoderLayer>(i)(x, memory, tgt_mask, memory_mask,
                                               tgt_padding, memory_padding,
                                               causal, memory_is_causal);
  }
  return norm ? norm(x) : x;
}

Transformer::Transformer(int64_t d, int64_t heads, int64_t encoder_layers,
                         int64_t decoder_layers,
                         const TransformerLayerOptions& o)
    : d_model(d), nhead(heads), batch_first(o.batch_first) {
  const auto norm = [&] {
    return Make<LayerNorm>(d, o.layer_norm_eps, true, o.bias);
  };
  encoder = Register<TransformerEncoder>(
      "encoder", Make<TransformerEncoderLayer>(d, heads, o), encoder_layers,
      norm());
  decoder = Register<TransformerDecoder>(
      "decoder", Make<TransformerDecoderLayer>(d, heads, o), decoder_layers,
      norm());
  for (const Tensor& p : parameters()) {
    if (p.raw().dim() > 1) init::xavier_uniform_(p);
  }
}

Tensor Transformer::forward(const Tensor& src, const Tensor& tgt,
                            const Tensor& src_mask, const Tensor& tgt_mask,
                            const Tensor& memory_mask,
                            const Tensor& src_padding,
                            const Tensor& tgt_padding,
                            const Tensor& memory_padding) {
  const Tensor memory = encoder(src, src_mask, src_padding);
  return decoder(tgt, memory, tgt_mask, memory_mask, tgt_padding,
                 memory_padding);
}

Tensor Transformer::generate_square_subsequent_mask(int64_t size) {
  return eager::triu(
      eager::full({size, size}, -std::numeric_limits<double>::infinity()), 1);
}

}  // namespace tandem::nn
