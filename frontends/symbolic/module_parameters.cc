#include "tandem/frontends/symbolic/module_parameters.h"

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tandem/frontends/symbolic/graph_module.h"

namespace tandem::fx {
namespace {

struct Row {
  absl::string_view class_name;
  absl::string_view names;
  size_t positional;
};

constexpr absl::string_view kDecoder =
    "tgt memory tgt_mask memory_mask tgt_key_padding_mask "
    "memory_key_padding_mask tgt_is_causal memory_is_causal";
constexpr Row kRows[] = {
    {"MultiheadAttention",
     "query key value key_padding_mask need_weights attn_mask "
     "average_attn_weights is_causal",
     3},
    {"TransformerEncoderLayer", "src src_mask src_key_padding_mask is_causal",
     1},
    {"TransformerEncoder", "src mask src_key_padding_mask is_causal", 1},
    {"TransformerDecoderLayer", kDecoder, 2},
    {"TransformerDecoder", kDecoder, 2},
    {"Transformer",
     "src tgt src_mask tgt_mask memory_mask src_key_padding_mask "
     "tgt_key_padding_mask memory_key_padding_mask",
     2},
    {"EmbeddingBag", "input offsets per_sample_weights", 2},
    {"ConvTranspose1d", "input output_size", 1},
    {"ConvTranspose2d", "input output_size", 1},
    {"ConvTranspose3d", "input output_size", 1},
    {"RNN", "input hx", 2},
    {"GRU", "input hx", 2},
    {"LSTM", "input hx", 2},
    {"RNNCell", "input hx", 2},
    {"GRUCell", "input hx", 2},
    {"LSTMCell", "input hx", 2},
    {"Bilinear", "input1 input2", 2},
    {"CosineSimilarity", "x1 x2", 2},
    {"PairwiseDistance", "x1 x2", 2},
    {"CosineEmbeddingLoss", "input1 input2 target", 3},
    {"MarginRankingLoss", "input1 input2 target", 3},
    {"TripletMarginLoss", "anchor positive negative", 3},
    {"GaussianNLLLoss", "input target var", 3},
    {"PoissonNLLLoss", "log_input target", 2},
};

}  // namespace

ModuleParameters ModuleParametersOf(nn::Module& module) {
  ModuleParameters found;
  if (auto* graph_module = dynamic_cast<GraphModule*>(&module)) {
    for (Node* n : graph_module->graph().find_nodes("placeholder", "")) {
      found.names.push_back(absl::StrReplaceAll(TargetOf(n), {{"*", ""}}));
    }
    found.positional = found.names.size();
    return found;
  }
  if (!absl::StartsWith(module.qualified_name(), "torch.nn.")) return found;
  const std::string class_name = module.name();
  for (const Row& row : kRows) {
    if (class_name != row.class_name) continue;
    found.names = absl::StrSplit(row.names, ' ');
    found.positional = row.positional;
    return found;
  }
  found.names = {"input"};
  if (absl::EndsWith(class_name, "Loss")) found.names.push_back("target");
  found.positional = found.names.size();
  return found;
}

}  // namespace tandem::fx
