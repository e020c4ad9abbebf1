// Embeddings and bags of them over rows of 8- and 4-bit integers.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// to += weight * row of the table.
void AddRow(const EmbeddingParams& p, int64_t row, float weight, float* to) {
  const int64_t columns = p.weight.size(1);
  const float scale = weight * p.scales[row], bias = weight * p.biases[row];
  if (p.bits == 8) {
    const uint8_t* from = p.weight.data<uint8_t>() + row * columns;
    for (int64_t c = 0; c < columns; ++c) to[c] += scale * from[c] + bias;
    return;
  }
  const auto* from = static_cast<const uint8_t*>(p.weight.storage()->data()) +
                     row * columns / 2;
  for (int64_t c = 0; c < columns; ++c) {
    const int integer = c % 2 == 0 ? from[c / 2] & 15 : from[c / 2] >> 4;
    to[c] += scale * static_cast<float>(integer) + bias;
  }
}

absl::StatusOr<Tensor> IndicesOf(const Tensor& indices, int64_t rows) {
  if (indices.dtype() != DType::kInt32 && indices.dtype() != DType::kInt64) {
    return Invalid(absl::StrCat("Expect 32 or 64 bit indices, but found ",
                                TypeName(indices.dtype()), " instead."));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor i, Contiguous(indices, DType::kInt64));
  for (int64_t k = 0; k < i.numel(); ++k) {
    const int64_t row = i.data<int64_t>()[k];
    if (row < 0 || row >= rows) {
      return Invalid(absl::StrCat("the index ", row,
                                  " is out of range for a table of ", rows,
                                  " rows"));
    }
  }
  return i;
}

template <int kBits>
Result Embedding(const IValue& packed, const Tensor& indices, bool) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, EmbeddingParamsOf(packed));
  if (p->bits != kBits) {
    return Invalid("the packed weight has another number of bits");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor i,
                          IndicesOf(indices, p->weight.size(0)));
  Dims sizes(indices.sizes().begin(), indices.sizes().end());
  sizes.push_back(p->weight.size(1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Zeros(sizes, DType::kFloat));
  for (int64_t k = 0; k < i.numel(); ++k) {
    AddRow(*p, i.data<int64_t>()[k], 1,
           out.data<float>() + k * p->weight.size(1));
  }
  return out;
}

template <int kBits>
Result EmbeddingBag(const IValue& packed, const Tensor& indices,
                    const Tensor& offsets, bool, int64_t, bool,
                    const Tensor& per_sample_weights,
                    const Tensor& compressed_indices_mapping,
                    bool include_last_offset) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, EmbeddingParamsOf(packed));
  if (p->bits != kBits) {
    return Invalid("the packed weight has another number of bits");
  }
  Tensor lookup = indices;
  if (compressed_indices_mapping.defined()) {
    // Pruned rows are left out below.
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor rows,
        IndicesOf(indices, compressed_indices_mapping.numel()));
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor mapping,
        Contiguous(compressed_indices_mapping, DType::kInt64));
    if (mapping.numel() > 1) {
      TANDEM_ASSIGN_OR_RETURN(lookup, CloneContiguous(rows, DType::kInt64));
      for (int64_t k = 0; k < lookup.numel(); ++k) {
        int64_t& at = lookup.data<int64_t>()[k];
        at = mapping.data<int64_t>()[at];
      }
    }
  }
  const int64_t rows = p->weight.size(0), columns = p->weight.size(1);
  if (lookup.dtype() != DType::kInt32 && lookup.dtype() != DType::kInt64) {
    return Invalid(absl::StrCat("Expect 32 or 64 bit indices, but found ",
                                TypeName(lookup.dtype()), " instead."));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor i, Contiguous(lookup, DType::kInt64));
  Tensor starts;
  if (indices.dim() == 2) {
    if (offsets.defined()) {
      return Invalid(
          "embedding_bag operator: input is 2D, then offsets has to be None, "
          "as input is treated is a mini-batch of fixed length sequences.");
    }
    TANDEM_ASSIGN_OR_RETURN(starts,
                            Tensor::Empty({indices.size(0)}, DType::kInt64));
    for (int64_t b = 0; b < indices.size(0); ++b) {
      starts.data<int64_t>()[b] = b * indices.size(1);
    }
    include_last_offset = false;
  } else if (indices.dim() == 1) {
    if (!offsets.defined() || offsets.dim() != 1) {
      return Invalid("embedding_bag expects offsets to be set for 1D indices.");
    }
    TANDEM_ASSIGN_OR_RETURN(starts, Contiguous(offsets, DType::kInt64));
  } else {
    return Invalid(absl::StrCat(
        "qembedding/qembedding_bag operator supports 1 or 2d indices, got ",
        indices.dim()));
  }
  Tensor weights;
  if (per_sample_weights.defined()) {
    if (per_sample_weights.numel() != i.numel()) {
      return Invalid(
          "expected per_sample_weights to have as many elements as indices");
    }
    TANDEM_ASSIGN_OR_RETURN(weights,
                            Contiguous(per_sample_weights, DType::kFloat));
  }
  const int64_t bags =
      std::max<int64_t>(0, starts.numel() - (include_last_offset ? 1 : 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Zeros({bags, columns}, DType::kFloat));
  const int64_t* s = starts.data<int64_t>();
  for (int64_t b = 0; b < bags; ++b) {
    const int64_t begin = s[b];
    const int64_t end = b + 1 < starts.numel() ? s[b + 1] : i.numel();
    if (begin < 0 || begin > end || end > i.numel()) {
      return Invalid(absl::StrCat("offsets are not in order at bag ", b));
    }
    for (int64_t k = begin; k < end; ++k) {
      const int64_t row = i.data<int64_t>()[k];
      if (row == -1 && compressed_indices_mapping.defined()) continue;
      if (row < 0 || row >= rows) {
        return Invalid(absl::StrCat("the index ", row,
                                    " is out of range for a table of ", rows,
                                    " rows"));
      }
      AddRow(*p, row, weights.defined() ? weights.data<float>()[k] : 1.0f,
             out.data<float>() + b * columns);
    }
  }
  return out;
}

absl::StatusOr<IValue> Prepack(const Tensor& weight) {
  const IValue packed = PackEmbedding(weight);
  TANDEM_RETURN_IF_ERROR(EmbeddingParamsOf(packed).status());
  return packed;
}

// The quantized weight again.
Result Unpack(const IValue& packed) {
  TANDEM_RETURN_IF_ERROR(EmbeddingParamsOf(packed).status());
  const IValue& state = packed.AsOpaque().state;
  const std::vector<IValue>& parts =
      state.is_tuple() ? state.AsTuple().values : state.AsList().values;
  const std::vector<IValue>& tensors =
      parts[1].is_list() ? parts[1].AsList().values : parts[1].AsTuple().values;
  return tensors[0].AsTensor();
}

}  // namespace

void AddQuantizedEmbedding(KernelRegistrar& r) {
  r.Add("quantized::embedding_byte", &Embedding<8>)
      .Add("quantized::embedding_4bit", &Embedding<4>)
      .Add("quantized::embedding_bag_byte", &EmbeddingBag<8>)
      .Add("quantized::embedding_bag_4bit", &EmbeddingBag<4>)
      .Add("quantized::embedding_bag_prepack", &Prepack)
      .Add("quantized::embedding_bag_unpack", &Unpack);
}

}  // namespace tandem::reference
