// Connectionist temporal classification: ctc_loss and _ctc_loss.
#include <cmath>
#include <limits>

#include "tandem/backends/reference/loss.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Pair = std::tuple<Tensor, Tensor>;
using Ints = absl::Span<const int64_t>;

constexpr absl::string_view kWhile =
    " (while checking arguments for ctc_loss_allocate_outputs)";

// Where each sequence's labels lie, checked as PyTorch checks.
struct CtcTargets {
  std::vector<int64_t> labels;  // all
  std::vector<int64_t> start;   // by batch
  int64_t longest = 0;
};

absl::StatusOr<CtcTargets> PlaceTargets(const Tensor& log_probs,
                                        const Tensor& targets,
                                        Ints input_lengths, Ints target_lengths,
                                        int64_t blank) {
  const int64_t steps = log_probs.size(0), batch = log_probs.size(1),
                classes = log_probs.size(2);
  if (blank < 0 || blank >= classes) {
    return Invalid("blank must be in label range");
  }
  if (static_cast<int64_t>(input_lengths.size()) != batch) {
    return Invalid("input_lengths must be of size batch_size");
  }
  if (static_cast<int64_t>(target_lengths.size()) != batch) {
    return Invalid("target_lengths must be of size batch_size");
  }
  CtcTargets r;
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(targets, DType::kInt64));
  int64_t sum = 0;
  for (int64_t n : target_lengths) {
    if (n < 0) {
      return Invalid(
          "Expected target_lengths to have value at least 0, but "
          "got value ",
          n, kWhile);
    }
    if (__builtin_add_overflow(sum, n, &sum)) {
      return Invalid("target_lengths overflow");
    }
    r.longest = std::max(r.longest, n);
  }
  if (targets.dim() == 1) {
    int64_t at = 0;
    for (int64_t n : target_lengths) {
      r.start.push_back(at);
      at += n;
    }
    if (t.size(0) != sum) {
      return Invalid("Expected tensor to have size ", sum,
                     " at dimension 0, but got size ", t.size(0),
                     " for argument #2 'targets'", kWhile);
    }
  } else if (targets.dim() == 2) {
    if (t.size(0) != batch) {
      return Invalid("Expected tensor to have size ", batch,
                     " at dimension 0, but got size ", t.size(0),
                     " for argument #2 'targets'", kWhile);
    }
    if (t.size(1) < r.longest) {
      return Invalid("Expected tensor to have size at least ", r.longest,
                     " at dimension 1, but got size ", t.size(1),
                     " for argument #2 'targets'", kWhile);
    }
    for (int64_t i = 0; i < batch; ++i) r.start.push_back(i * t.size(1));
  } else {
    return Invalid("Expected 1 to 2 dimensions, but got ", targets.dim(),
                   "-dimensional tensor for argument #2 'targets'", kWhile);
  }
  for (int64_t n : input_lengths) {
    if (n < 0) {
      return Invalid(
          "Expected input_lengths to have value at least 0, but got "
          "value ",
          n, kWhile);
    }
    if (n > steps) {
      return Invalid("Expected input_lengths to have value at most ", steps,
                     ", but got value ", n, kWhile);
    }
  }
  r.labels.assign(t.data<int64_t>(), t.data<int64_t>() + t.numel());
  return r;
}

template <typename C>
C LogSum(C a, C b) {
  const C max = std::max(a, b);
  if (max == -std::numeric_limits<C>::infinity()) return max;
  return std::log(std::exp(a - max) + std::exp(b - max)) + max;
}

// Forward variables of one sequence: alpha[t][s] over labels with blanks
// between them.
template <typename C>
C Forward(const C* log_probs, int64_t step_stride, int64_t classes,
          const int64_t* labels, int64_t steps, int64_t length, int64_t blank,
          C* alpha, int64_t alpha_stride) {
  constexpr C kNone = -std::numeric_limits<C>::infinity();
  if (steps == 0) return length == 0 ? C(0) : -kNone;
  auto label = [&](int64_t s) { return s % 2 == 0 ? blank : labels[s / 2]; };
  // A label outside of the classes can never be emitted.
  auto prob = [&](int64_t t, int64_t l) {
    return l >= 0 && l < classes ? log_probs[t * step_stride + l] : kNone;
  };
  alpha[0] = prob(0, blank);
  if (length > 0) alpha[1] = prob(0, label(1));
  for (int64_t t = 1; t < steps; ++t) {
    const C* old = alpha + (t - 1) * alpha_stride;
    C* now = alpha + t * alpha_stride;
    for (int64_t s = 0; s < 2 * length + 1; ++s) {
      C sum = old[s];
      if (s > 0) sum = LogSum(sum, old[s - 1]);
      if (s > 1 && label(s - 2) != label(s)) sum = LogSum(sum, old[s - 2]);
      now[s] = sum + prob(t, label(s));
    }
  }
  const C* last = alpha + (steps - 1) * alpha_stride;
  C total = last[2 * length];
  if (length > 0) total = LogSum(total, last[2 * length - 1]);
  return -total;
}

template <typename C>
absl::StatusOr<Pair> CtcIn(const Tensor& log_probs, const CtcTargets& targets,
                           Ints input_lengths, Ints target_lengths,
                           int64_t blank) {
  const int64_t steps = log_probs.size(0), batch = log_probs.size(1),
                classes = log_probs.size(2);
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(log_probs));
  TANDEM_ASSIGN_OR_RETURN(const Tensor losses,
                          Tensor::Empty({batch}, x.dtype()));
  const int64_t width = 2 * targets.longest + 1;
  TANDEM_ASSIGN_OR_RETURN(const Tensor alpha,
                          Tensor::Empty({batch, steps, width}, x.dtype()));
  TANDEM_RETURN_IF_ERROR(
      FillElements(alpha, -std::numeric_limits<double>::infinity()));
  TANDEM_RETURN_IF_ERROR(ParallelFor(batch, 1, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      losses.data<C>()[b] = Forward<C>(
          x.data<C>() + b * classes, batch * classes, classes,
          targets.labels.data() + targets.start[b], input_lengths[b],
          target_lengths[b], blank, alpha.data<C>() + b * steps * width, width);
    }
  }));
  return Pair(losses, alpha);
}

absl::StatusOr<Pair> CtcForward(const Tensor& log_probs, const Tensor& targets,
                                Ints input_lengths, Ints target_lengths,
                                int64_t blank, bool) {
  if (log_probs.dim() != 3) {
    return Invalid("Expected 3-dimensional tensor, but got ", log_probs.dim(),
                   "-dimensional tensor for argument #1 'log_probs'", kWhile);
  }
  TANDEM_ASSIGN_OR_RETURN(
      const CtcTargets t,
      PlaceTargets(log_probs, targets, input_lengths, target_lengths, blank));
  switch (log_probs.dtype()) {
    case DType::kFloat:
      return CtcIn<float>(log_probs, t, input_lengths, target_lengths, blank);
    case DType::kDouble:
      return CtcIn<double>(log_probs, t, input_lengths, target_lengths, blank);
    default:
      return NotImplementedFor("ctc_loss_cpu", log_probs.dtype());
  }
}

absl::StatusOr<Tensor> CtcLoss(const Tensor& log_probs, const Tensor& targets,
                               Ints input_lengths, Ints target_lengths,
                               int64_t blank, int64_t reduction,
                               bool zero_infinity) {
  const bool batched = log_probs.dim() == 3;
  const Tensor probs =
      log_probs.dim() == 2 ? UnsqueezeView(log_probs, 1) : log_probs;
  const Tensor labels =
      !batched && targets.dim() == 1 ? UnsqueezeView(targets, 0) : targets;
  TANDEM_ASSIGN_OR_RETURN(
      Pair r, CtcForward(probs, labels, input_lengths, target_lengths, blank,
                         zero_infinity));
  const Tensor losses = std::get<0>(r);
  auto finish = [&](auto tag) {
    using C = typename decltype(tag)::type;
    for (int64_t i = 0; i < losses.numel(); ++i) {
      C& v = losses.data<C>()[i];
      if (zero_infinity && std::isinf(v)) v = 0;
      if (reduction == 1) {
        v /= static_cast<C>(std::max<int64_t>(target_lengths[i], 1));
      }
    }
  };
  if (losses.dtype() == DType::kDouble) {
    finish(TypeTag<double>{});
  } else {
    finish(TypeTag<float>{});
  }
  if (reduction == 1 || reduction == 2) return Reduce(losses, reduction);
  if (!batched) return ReshapeTo(losses, {});
  return losses;
}

absl::StatusOr<std::vector<int64_t>> LengthsOf(absl::string_view name,
                                               const Tensor& t) {
  if (!IsIntegral(t.dtype(), true)) return Invalid(name, " must be integral");
  TANDEM_ASSIGN_OR_RETURN(const Tensor c, Contiguous(t, DType::kInt64));
  return std::vector<int64_t>(c.data<int64_t>(), c.data<int64_t>() + c.numel());
}

absl::StatusOr<Tensor> CtcLossTensor(const Tensor& log_probs,
                                     const Tensor& targets,
                                     const Tensor& input_lengths,
                                     const Tensor& target_lengths,
                                     int64_t blank, int64_t reduction,
                                     bool zero_infinity) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> inputs,
                          LengthsOf("input_lengths", input_lengths));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> labels,
                          LengthsOf("target_lengths", target_lengths));
  return CtcLoss(log_probs, targets, inputs, labels, blank, reduction,
                 zero_infinity);
}

absl::StatusOr<Pair> CtcForwardTensor(const Tensor& log_probs,
                                      const Tensor& targets,
                                      const Tensor& input_lengths,
                                      const Tensor& target_lengths,
                                      int64_t blank, bool zero_infinity) {
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> inputs,
                          LengthsOf("input_lengths", input_lengths));
  TANDEM_ASSIGN_OR_RETURN(const std::vector<int64_t> labels,
                          LengthsOf("target_lengths", target_lengths));
  return CtcForward(log_probs, targets, inputs, labels, blank, zero_infinity);
}

}  // namespace

void RegisterCtcLoss(KernelRegistrar& r) {
  r.Add("aten::ctc_loss.IntList", &CtcLoss)
      .Add("aten::ctc_loss.Tensor", &CtcLossTensor)
      .Add("aten::_ctc_loss", &CtcForward)
      .Add("aten::_ctc_loss.out", &Variants<CtcForward>::Out)
      .Add("aten::_ctc_loss.Tensor", &CtcForwardTensor)
      .Add("aten::_ctc_loss.Tensor_out", &Variants<CtcForwardTensor>::Out);
}

}  // namespace tandem::reference
