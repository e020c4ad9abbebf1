// torch.nn.modules.sparse.
#ifndef TANDEM_FRONTENDS_NN_EMBEDDING_H_
#define TANDEM_FRONTENDS_NN_EMBEDDING_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

struct EmbeddingOptions {
  std::optional<int64_t> padding_idx;  // negative counts from the end
  std::optional<double> max_norm;
  double norm_type = 2;
  bool scale_grad_by_freq = false;
  bool sparse = false;
};

class Embedding : public ModuleOf<Embedding> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.sparse";
  Embedding(int64_t num_embeddings, int64_t embedding_dim,
            const EmbeddingOptions& options = {});
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;

  const int64_t num_embeddings, embedding_dim;
  EmbeddingOptions options;
  Tensor weight;  // [num_embeddings, embedding_dim]
};

struct EmbeddingBagOptions {
  std::optional<double> max_norm;
  double norm_type = 2;
  bool scale_grad_by_freq = false;
  std::string mode = "mean";  // "sum", "mean", "max"
  bool sparse = false;
  bool include_last_offset = false;
  std::optional<int64_t> padding_idx;
};

class EmbeddingBag : public ModuleOf<EmbeddingBag> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.sparse";
  EmbeddingBag(int64_t num_embeddings, int64_t embedding_dim,
               const EmbeddingBagOptions& options = {});
  // `input` of 1 dim with `offsets`, or of 2 dims: a bag each row.
  Tensor forward(const Tensor& input, const Tensor& offsets = {},
                 const Tensor& per_sample_weights = {});
  std::string extra_repr() const override;

  const int64_t num_embeddings, embedding_dim;
  EmbeddingBagOptions options;
  Tensor weight;
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_EMBEDDING_H_
