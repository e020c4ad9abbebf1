#include "tandem/runtime/autocast.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/strip.h"
#include "tandem/tensor/copy.h"

namespace tandem {
namespace {

constexpr absl::string_view kReduced[] = {
    "_convolution",
    "addbmm",
    "addmm",
    "addmv",
    "addr",
    "baddbmm",
    "bmm",
    "chain_matmul",
    "conv1d",
    "conv2d",
    "conv3d",
    "conv_tbc",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "convolution",
    "linear",
    "matmul",
    "mm",
    "mv",
    "prelu",
};

constexpr absl::string_view kFull[] = {
    "acos",
    "asin",
    "binary_cross_entropy_with_logits",
    "cdist",
    "cosh",
    "cosine_embedding_loss",
    "cosine_similarity",
    "cross_entropy_loss",
    "cumprod",
    "cumsum",
    "dist",
    "erfinv",
    "exp",
    "expm1",
    "frobenius_norm",
    "gelu",
    "group_norm",
    "hinge_embedding_loss",
    "kl_div",
    "l1_loss",
    "layer_norm",
    "log",
    "log10",
    "log1p",
    "log2",
    "log_softmax",
    "logsumexp",
    "margin_ranking_loss",
    "mse_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "nll_loss",
    "nll_loss2d",
    "norm",
    "nuclear_norm",
    "pdist",
    "poisson_nll_loss",
    "pow",
    "prod",
    "reciprocal",
    "renorm",
    "rsqrt",
    "sinh",
    "smooth_l1_loss",
    "soft_margin_loss",
    "softmax",
    "softplus",
    "sum",
    "tan",
    "triplet_margin_loss",
};

}  // namespace

AutocastPolicy AutocastPolicyOf(const Operator& op) {
  absl::string_view name = op.schema.name;
  if (!absl::ConsumePrefix(&name, "aten::")) return AutocastPolicy::kNone;
  if (std::binary_search(std::begin(kReduced), std::end(kReduced), name)) {
    return AutocastPolicy::kReduced;
  }
  if (std::binary_search(std::begin(kFull), std::end(kFull), name)) {
    return AutocastPolicy::kFull;
  }
  return AutocastPolicy::kNone;
}

absl::StatusOr<Tensor> Autocast(const Tensor& t, AutocastPolicy policy,
                                DType reduced) {
  if (!t.defined()) return t;
  if (policy == AutocastPolicy::kReduced && t.dtype() == DType::kFloat) {
    return ToDType(t, reduced);
  }
  if (policy == AutocastPolicy::kFull &&
      (t.dtype() == DType::kHalf || t.dtype() == DType::kBFloat16)) {
    return ToDType(t, DType::kFloat);
  }
  return t;
}

}  // namespace tandem
