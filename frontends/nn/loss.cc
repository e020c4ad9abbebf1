#include "tandem/frontends/nn/loss.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"

namespace tandem::nn {
namespace {

Tensor Reduced(const Tensor& loss, const std::string& reduction) {
  if (reduction == "mean") return loss.mean();
  if (reduction == "sum") return loss.sum();
  return loss;
}

}  // namespace

int64_t ReductionOf(const std::string& reduction) {
  if (reduction == "none") return 0;
  if (reduction == "mean") return 1;
  if (reduction == "sum") return 2;
  eager::Throw(absl::StrCat(reduction, " is not a valid value for reduction"));
}

#define TANDEM_LOSS(NAME, FUNCTION)                                 \
  NAME::NAME(std::string r) : reduction(std::move(r)) {}            \
  Tensor NAME::forward(const Tensor& input, const Tensor& target) { \
    return eager::FUNCTION(input, target, ReductionOf(reduction));  \
  }
TANDEM_LOSS(L1Loss, l1_loss)
TANDEM_LOSS(MSELoss, mse_loss)
TANDEM_LOSS(MultiLabelMarginLoss, multilabel_margin_loss)
TANDEM_LOSS(SoftMarginLoss, soft_margin_loss)
#undef TANDEM_LOSS

SmoothL1Loss::SmoothL1Loss(std::string r, double b)
    : reduction(std::move(r)), beta(b) {}
Tensor SmoothL1Loss::forward(const Tensor& input, const Tensor& target) {
  return eager::smooth_l1_loss(input, target, ReductionOf(reduction), beta);
}

HuberLoss::HuberLoss(std::string r, double d)
    : reduction(std::move(r)), delta(d) {}
Tensor HuberLoss::forward(const Tensor& input, const Tensor& target) {
  return eager::huber_loss(input, target, ReductionOf(reduction), delta);
}

HingeEmbeddingLoss::HingeEmbeddingLoss(std::string r, double m)
    : reduction(std::move(r)), margin(m) {}
Tensor HingeEmbeddingLoss::forward(const Tensor& input, const Tensor& target) {
  return eager::hinge_embedding_loss(input, target, margin,
                                     ReductionOf(reduction));
}

#define TANDEM_LOSS(NAME, FUNCTION)                                           \
  NAME::NAME(double m, std::string r) : margin(m), reduction(std::move(r)) {} \
  Tensor NAME::forward(const Tensor& input1, const Tensor& input2,            \
                       const Tensor& target) {                                \
    return eager::FUNCTION(input1, input2, target, margin,                    \
                           ReductionOf(reduction));                           \
  }
TANDEM_LOSS(MarginRankingLoss, margin_ranking_loss)
TANDEM_LOSS(CosineEmbeddingLoss, cosine_embedding_loss)
#undef TANDEM_LOSS

CrossEntropyLoss::CrossEntropyLoss(Tensor w, int64_t ignore, std::string r,
                                   double smoothing)
    : ignore_index(ignore),
      reduction(std::move(r)),
      label_smoothing(smoothing) {
  weight = register_buffer("weight", std::move(w));
}
Tensor CrossEntropyLoss::forward(const Tensor& input, const Tensor& target) {
  return eager::cross_entropy_loss(input, target, weight,
                                   ReductionOf(reduction), ignore_index,
                                   label_smoothing);
}

NLLLoss::NLLLoss(Tensor w, int64_t ignore, std::string r)
    : ignore_index(ignore), reduction(std::move(r)) {
  weight = register_buffer("weight", std::move(w));
}
Tensor NLLLoss::forward(const Tensor& input, const Tensor& target) {
  return eager::nll_loss_nd(input, target, weight, ReductionOf(reduction),
                            ignore_index);
}

BCELoss::BCELoss(Tensor w, std::string r) : reduction(std::move(r)) {
  weight = register_buffer("weight", std::move(w));
}
Tensor BCELoss::forward(const Tensor& input, const Tensor& target) {
  return eager::binary_cross_entropy(input, target, weight,
                                     ReductionOf(reduction));
}

BCEWithLogitsLoss::BCEWithLogitsLoss(Tensor w, std::string r, Tensor p)
    : reduction(std::move(r)) {
  weight = register_buffer("weight", std::move(w));
  pos_weight = register_buffer("pos_weight", std::move(p));
}
Tensor BCEWithLogitsLoss::forward(const Tensor& input, const Tensor& target) {
  return eager::binary_cross_entropy_with_logits(
      input, target, weight, pos_weight, ReductionOf(reduction));
}

KLDivLoss::KLDivLoss(std::string r, bool log)
    : reduction(std::move(r)), log_target(log) {}
Tensor KLDivLoss::forward(const Tensor& input, const Tensor& target) {
  if (reduction != "batchmean") {
    return eager::kl_div(input, target, ReductionOf(reduction), log_target);
  }
  const Tensor sum = eager::kl_div(input, target, 2, log_target);
  return input.dim() == 0 ? sum : sum / Number(input.size(0));
}

PoissonNLLLoss::PoissonNLLLoss(bool log, bool f, double e, std::string r)
    : log_input(log), full(f), eps(e), reduction(std::move(r)) {}
Tensor PoissonNLLLoss::forward(const Tensor& input, const Tensor& target) {
  return eager::poisson_nll_loss(input, target, log_input, full, eps,
                                 ReductionOf(reduction));
}

GaussianNLLLoss::GaussianNLLLoss(bool f, double e, std::string r)
    : full(f), eps(e), reduction(std::move(r)) {}
// torch.nn.functional.gaussian_nll_loss
Tensor GaussianNLLLoss::forward(const Tensor& input, const Tensor& target,
                                const Tensor& given) {
  Tensor var = given;
  if (!(var.sizes() == input.sizes())) {
    const Dims in = input.sizes().ToDims(), v = var.sizes().ToDims();
    if (Dims(in.begin(), in.end() - 1) == v) {
      var = var.unsqueeze(-1);
    } else if (in.size() != v.size() || v.empty() || v.back() != 1 ||
               !std::equal(in.begin(), in.end() - 1, v.begin())) {
      eager::Throw("var is of incorrect size");
    }
  }
  if (static_cast<bool>((var < 0).any())) {
    eager::Throw("var has negative entry/entries");
  }
  var = var.clone();
  var.clamp_(eps);
  Tensor loss = 0.5 * (eager::log(var) + (input - target).pow(2) / var);
  if (full) loss += 0.5 * std::log(2 * 3.14159265358979323846);
  return Reduced(loss, reduction);
}

MultiLabelSoftMarginLoss::MultiLabelSoftMarginLoss(Tensor w, std::string r)
    : reduction(std::move(r)) {
  weight = register_buffer("weight", std::move(w));
}
Tensor MultiLabelSoftMarginLoss::forward(const Tensor& input,
                                         const Tensor& target) {
  Tensor loss = -(target * eager::log_sigmoid(input) +
                  (1 - target) * eager::log_sigmoid(-input));
  if (weight.defined()) loss = loss * weight;
  loss = loss.mean(input.dim() - 1);
  return Reduced(loss, reduction);
}

MultiMarginLoss::MultiMarginLoss(int64_t power, double m, Tensor w,
                                 std::string r)
    : p(power), margin(m), reduction(std::move(r)) {
  if (p != 1 && p != 2) eager::Throw("only p == 1 and p == 2 supported");
  weight = register_buffer("weight", std::move(w));
}
Tensor MultiMarginLoss::forward(const Tensor& input, const Tensor& target) {
  return eager::multi_margin_loss(input, target, p, margin, weight,
                                  ReductionOf(reduction));
}

TripletMarginLoss::TripletMarginLoss(double m, double norm, double e, bool s,
                                     std::string r)
    : margin(m), p(norm), eps(e), swap(s), reduction(std::move(r)) {}
Tensor TripletMarginLoss::forward(const Tensor& anchor, const Tensor& positive,
                                  const Tensor& negative) {
  return eager::triplet_margin_loss(anchor, positive, negative, margin, p, eps,
                                    swap, ReductionOf(reduction));
}

CTCLoss::CTCLoss(int64_t b, std::string r, bool zero)
    : blank(b), reduction(std::move(r)), zero_infinity(zero) {}
Tensor CTCLoss::forward(const Tensor& log_probs, const Tensor& targets,
                        const Tensor& input_lengths,
                        const Tensor& target_lengths) {
  return eager::ctc_loss(log_probs, targets, input_lengths, target_lengths,
                         blank, ReductionOf(reduction), zero_infinity);
}

}  // namespace tandem::nn
