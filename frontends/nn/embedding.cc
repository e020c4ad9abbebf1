#include "tandem/frontends/nn/embedding.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/eager/recorder.h"
#include "tandem/frontends/nn/init.h"
#include "tandem/frontends/nn/repr.h"

namespace tandem::nn {
namespace {

std::optional<int64_t> Wrapped(std::optional<int64_t> index, int64_t count) {
  if (!index.has_value()) return index;
  if (*index > 0 && *index >= count) {
    eager::Throw("Padding_idx must be within num_embeddings");
  }
  if (*index < 0) {
    if (*index < -count) {
      eager::Throw("Padding_idx must be within num_embeddings");
    }
    return *index + count;
  }
  return index;
}

Tensor NormalWeight(int64_t count, int64_t dim,
                    std::optional<int64_t> padding) {
  const Tensor weight = init::normal_(eager::empty({count, dim}));
  if (padding.has_value()) {
    const eager::ScopedRecorder none(nullptr);
    weight[*padding].fill_(0);
  }
  return weight;
}

template <typename O>
std::string OptionsText(const O& o) {
  std::string s;
  if (o.max_norm) absl::StrAppend(&s, ", max_norm=", Repr(*o.max_norm));
  if (o.norm_type != 2) absl::StrAppend(&s, ", norm_type=", Repr(o.norm_type));
  if (o.scale_grad_by_freq) absl::StrAppend(&s, ", scale_grad_by_freq=True");
  if (o.sparse) absl::StrAppend(&s, ", sparse=True");
  return s;
}

}  // namespace

Embedding::Embedding(int64_t count, int64_t dim, const EmbeddingOptions& o)
    : num_embeddings(count), embedding_dim(dim), options(o) {
  options.padding_idx = Wrapped(o.padding_idx, count);
  weight = register_parameter("weight",
                              NormalWeight(count, dim, options.padding_idx));
}

Tensor Embedding::forward(const Tensor& input) {
  if (options.max_norm.has_value()) {
    eager::embedding_renorm_(weight, input.contiguous(), *options.max_norm,
                             options.norm_type);
  }
  return eager::embedding(weight, input, options.padding_idx.value_or(-1),
                          options.scale_grad_by_freq, options.sparse);
}

std::string Embedding::extra_repr() const {
  std::string s = absl::StrCat(num_embeddings, ", ", embedding_dim);
  if (options.padding_idx) {
    absl::StrAppend(&s, ", padding_idx=", *options.padding_idx);
  }
  return s + OptionsText(options);
}

EmbeddingBag::EmbeddingBag(int64_t count, int64_t dim,
                           const EmbeddingBagOptions& o)
    : num_embeddings(count), embedding_dim(dim), options(o) {
  options.padding_idx = Wrapped(o.padding_idx, count);
  if (o.mode != "sum" && o.mode != "mean" && o.mode != "max") {
    eager::Throw("mode has to be one of sum, mean or max");
  }
  weight = register_parameter("weight",
                              NormalWeight(count, dim, options.padding_idx));
}

// torch.nn.functional.embedding_bag
Tensor EmbeddingBag::forward(const Tensor& given, const Tensor& given_offsets,
                             const Tensor& given_weights) {
  Tensor input = given, offsets = given_offsets, weights = given_weights;
  const int64_t rank = static_cast<int64_t>(input.dim());
  if (rank == 2) {
    if (offsets.defined()) {
      eager::Throw(
          "if input is 2D, then offsets has to be None, as input is treated is "
          "a mini-batch of fixed length sequences. However, found offsets of "
          "type Tensor");
    }
    offsets = eager::arange(Number(0), Number(input.numel()),
                            Number(input.size(1)), input.dtype());
    input = input.reshape({-1});
    if (weights.defined()) weights = weights.reshape({-1});
  } else if (rank == 1) {
    if (!offsets.defined()) {
      eager::Throw("offsets has to be a 1D Tensor but got None");
    }
  } else {
    eager::Throw(absl::StrCat(
        "input has to be 1D or 2D Tensor, but got Tensor of dimension ", rank));
  }
  if (options.max_norm.has_value()) {
    eager::embedding_renorm_(weight, input, *options.max_norm,
                             options.norm_type);
  }
  const int64_t mode = options.mode == "sum"    ? 0
                       : options.mode == "mean" ? 1
                                                : 2;
  std::optional<Int> padding;
  if (options.padding_idx) padding = Int(*options.padding_idx);
  return std::get<0>(eager::embedding_bag(
      weight, input, offsets, options.scale_grad_by_freq, mode, options.sparse,
      weights, options.include_last_offset, padding));
}

std::string EmbeddingBag::extra_repr() const {
  std::string s =
      absl::StrCat(num_embeddings, ", ", embedding_dim, OptionsText(options));
  absl::StrAppend(&s, ", mode=", Repr(options.mode));
  if (options.padding_idx) {
    absl::StrAppend(&s, ", padding_idx=", *options.padding_idx);
  }
  return s;
}

}  // namespace tandem::nn
