// Losses over classes: nll_loss in its forms, cross_entropy_loss.
#include <cmath>
#include <limits>
#include <vector>

#include "tandem/backends/reference/loss.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Pair = std::tuple<Tensor, Tensor>;

absl::Status CheckTargetDType(const Tensor& target) {
  if (target.dtype() == DType::kInt64 || target.dtype() == DType::kUInt8) {
    return absl::OkStatus();
  }
  return Invalid("expected target dtype to be Long or Byte, but got ",
                 TypeName(target.dtype()));
}

absl::Status CheckWeight(const Tensor& weight, int64_t classes) {
  if (!weight.defined() || (weight.dim() == 1 && weight.numel() == classes)) {
    return absl::OkStatus();
  }
  return Invalid("weight tensor should be defined either for all ", classes,
                 " classes or no classes but got weight tensor of shape: ",
                 DimsToString(weight.sizes()));
}

absl::Status OutOfBounds(int64_t target) {
  return absl::OutOfRangeError(
      absl::StrCat("Target ", target, " is out of bounds."));
}

// -weight[t] * x[n, t, …] over x [batch, classes, area] and targets [batch,
// area]; also the sum of the weights that took part.
template <typename C>
absl::StatusOr<Pair> Nll(const Tensor& self, const Tensor& target,
                         const Tensor& weight, int64_t reduction,
                         int64_t ignore_index, int64_t batch, int64_t classes,
                         int64_t area, DimSpan loss_sizes) {
  const DType c = DTypeOf<C>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self, c));
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(target, DType::kInt64));
  Tensor w;
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(w, Contiguous(weight, c));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor losses, Tensor::Empty(loss_sizes, c));
  double total = 0, total_weight = 0;
  for (int64_t i = 0; i < batch * area; ++i) {
    const int64_t label = t.data<int64_t>()[i];
    if (label == ignore_index) {
      losses.data<C>()[i] = 0;
      continue;
    }
    if (label < 0 || label >= classes) return OutOfBounds(label);
    const C factor = w.defined() ? w.data<C>()[label] : C(1);
    const C loss =
        -x.data<C>()[(i / area * classes + label) * area + i % area] * factor;
    losses.data<C>()[i] = loss;
    total += loss;
    total_weight += factor;
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor weight_sum,
      Tensor::FromScalar(reduction == 0 ? 0.0 : total_weight, self.dtype()));
  if (reduction == 0) {
    TANDEM_ASSIGN_OR_RETURN(Tensor out, ToDType(losses, self.dtype()));
    return Pair(std::move(out), std::move(weight_sum));
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out,
      Tensor::FromScalar(reduction == 1 ? total / total_weight : total,
                         self.dtype()));
  return Pair(std::move(out), std::move(weight_sum));
}

absl::StatusOr<Pair> NllForward(const Tensor& self, const Tensor& target,
                                const Tensor& weight, int64_t reduction,
                                int64_t ignore_index) {
  if (self.dim() < 1 || self.dim() > 2) {
    return Invalid("input tensor should be 1D or 2D");
  }
  if (target.dim() > 1) {
    return Invalid(
        "0D or 1D target tensor expected, multi-target not "
        "supported");
  }
  TANDEM_RETURN_IF_ERROR(CheckTargetDType(target));
  const bool no_batch = self.dim() == 1 && target.dim() == 0;
  const int64_t batch = self.dim() == 1 ? 1 : self.size(0);
  if (!no_batch &&
      (self.dim() == 1 ? target.numel() != 1
                       : target.dim() == 0 || target.size(0) != batch)) {
    return Invalid("size mismatch (got input: ", DimsToString(self.sizes()),
                   ", target: ", DimsToString(target.sizes()), ")");
  }
  const int64_t classes = self.size(self.dim() - 1);
  TANDEM_RETURN_IF_ERROR(CheckWeight(weight, classes));
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor("nll_loss_out_frame", self.dtype());
  }
  if (weight.defined() && weight.dtype() != self.dtype()) {
    return Invalid("expected scalar type ", TypeName(self.dtype()),
                   " but found ", TypeName(weight.dtype()));
  }
  const Dims sizes = self.dim() == 1 ? Dims{} : Dims{batch};
  return self.dtype() == DType::kDouble
             ? Nll<double>(self, target, weight, reduction, ignore_index, batch,
                           classes, 1, sizes)
             : Nll<float>(self, target, weight, reduction, ignore_index, batch,
                          classes, 1, sizes);
}

absl::StatusOr<Pair> Nll2dForward(const Tensor& self, const Tensor& target,
                                  const Tensor& weight, int64_t reduction,
                                  int64_t ignore_index) {
  TANDEM_RETURN_IF_ERROR(CheckTargetDType(target));
  if (target.dim() != 3) {
    return Invalid(
        "only batches of spatial targets supported (3D tensors) but got "
        "targets of dimension: ",
        target.dim());
  }
  if (self.dim() != 4) {
    return Invalid(
        "only batches of spatial inputs supported (4D tensors), but got input "
        "of dimension: ",
        self.dim());
  }
  if (self.size(0) != target.size(0) || self.size(2) != target.size(1) ||
      self.size(3) != target.size(2)) {
    return Invalid("size mismatch (got input: ", DimsToString(self.sizes()),
                   " , target: ", DimsToString(target.sizes()));
  }
  if (weight.defined() && weight.numel() != self.size(1)) {
    return Invalid(
        "weight tensor should be defined either for all or no "
        "classes");
  }
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor("nll_loss2d_forward_out_frame", self.dtype());
  }
  if (weight.defined() && weight.dtype() != self.dtype()) {
    return Invalid("expected scalar type ", TypeName(self.dtype()),
                   " but found ", TypeName(weight.dtype()));
  }
  const int64_t area = self.size(2) * self.size(3);
  return self.dtype() == DType::kDouble
             ? Nll<double>(self, target, weight, reduction, ignore_index,
                           self.size(0), self.size(1), area, target.sizes())
             : Nll<float>(self, target, weight, reduction, ignore_index,
                          self.size(0), self.size(1), area, target.sizes());
}

template <auto F>
absl::StatusOr<Tensor> FirstOf(const Tensor& self, const Tensor& target,
                               const Tensor& weight, int64_t reduction,
                               int64_t ignore_index) {
  TANDEM_ASSIGN_OR_RETURN(Pair r,
                          F(self, target, weight, reduction, ignore_index));
  return std::get<0>(std::move(r));
}
constexpr auto kNllLoss = &FirstOf<NllForward>;
constexpr auto kNllLoss2d = &FirstOf<Nll2dForward>;

absl::StatusOr<Tensor> NllLossNd(const Tensor& self, const Tensor& target,
                                 const Tensor& weight, int64_t reduction,
                                 int64_t ignore_index) {
  if (self.dim() < 1) {
    return Invalid("Expected 1 or more dimensions (got ", self.dim(), ")");
  }
  if (self.dim() != 1 &&
      (target.dim() == 0 || self.size(0) != target.size(0))) {
    return Invalid("Expected input batch_size (", self.size(0),
                   ") to match target batch_size (",
                   target.dim() == 0 ? 0 : target.size(0), ").");
  }
  if (self.dim() <= 2) {
    return kNllLoss(self, target, weight, reduction, ignore_index);
  }
  if (self.dim() == 4) {
    return kNllLoss2d(self, target, weight, reduction, ignore_index);
  }
  const int64_t n = self.size(0), c = self.size(1);
  Dims expected{n};
  expected.insert(expected.end(), self.sizes().begin() + 2, self.sizes().end());
  if (target.sizes() != DimSpan(expected)) {
    return Invalid("Expected target size ", DimsToString(expected), ", got ",
                   DimsToString(target.sizes()));
  }
  int64_t area = 1;
  for (int64_t d = 2; d < self.dim(); ++d) area *= self.size(d);
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ReshapeTo(self, {n, c, 1, area}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, ReshapeTo(target, {n, 1, area}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          kNllLoss2d(x, t, weight, reduction, ignore_index));
  return reduction == 0 ? ReshapeTo(out, expected)
                        : absl::StatusOr<Tensor>(out);
}

// log_softmax over the class dim of [batch, classes, area], in C.
template <typename C>
void LogSoftmax(C* x, int64_t batch, int64_t classes, int64_t area) {
  for (int64_t n = 0; n < batch; ++n) {
    for (int64_t a = 0; a < area; ++a) {
      C* p = x + n * classes * area + a;
      C max = -std::numeric_limits<C>::infinity();
      for (int64_t k = 0; k < classes; ++k) {
        if (p[k * area] > max || p[k * area] != p[k * area]) max = p[k * area];
      }
      double sum = 0;
      for (int64_t k = 0; k < classes; ++k) sum += std::exp(p[k * area] - max);
      const C shift = static_cast<C>(std::log(sum));
      for (int64_t k = 0; k < classes; ++k)
        p[k * area] = p[k * area] - max - shift;
    }
  }
}

// Targets are probabilities of the classes.
template <typename C>
absl::StatusOr<Tensor> ProbabilityLoss(const Tensor& log_p,
                                       const Tensor& target,
                                       const Tensor& weight, int64_t reduction,
                                       double smoothing, int64_t batch,
                                       int64_t classes, int64_t area,
                                       DimSpan loss_sizes, DType dtype) {
  const DType c = DTypeOf<C>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(target, c));
  Tensor w;
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(w, Contiguous(weight, c));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor losses, Tensor::Empty(loss_sizes, c));
  double total = 0;
  for (int64_t i = 0; i < batch * area; ++i) {
    double loss = 0;
    for (int64_t k = 0; k < classes; ++k) {
      const int64_t at = (i / area * classes + k) * area + i % area;
      double p = t.data<C>()[at];
      if (smoothing > 0) {
        p = p * (1 - smoothing) + smoothing / static_cast<double>(classes);
      }
      const double factor = w.defined() ? w.data<C>()[k] : 1;
      loss -= log_p.data<C>()[at] * p * factor;
    }
    losses.data<C>()[i] = static_cast<C>(loss);
    total += loss;
  }
  if (reduction == 0) return ToDType(losses, dtype);
  return Tensor::FromScalar(
      reduction == 1 ? total / static_cast<double>(batch * area) : total,
      dtype);
}

// Targets are classes, a share of the probability goes to all.
template <typename C>
absl::StatusOr<Tensor> SmoothedLoss(const Tensor& log_p, const Tensor& target,
                                    const Tensor& weight, int64_t reduction,
                                    int64_t ignore_index, double smoothing,
                                    int64_t batch, int64_t classes,
                                    int64_t area, DimSpan loss_sizes,
                                    DType dtype) {
  const DType c = DTypeOf<C>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(target, DType::kInt64));
  Tensor w;
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(w, Contiguous(weight, c));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor losses, Tensor::Empty(loss_sizes, c));
  double nll_sum = 0, smooth_sum = 0, weights = 0;
  for (int64_t i = 0; i < batch * area; ++i) {
    const int64_t label = t.data<int64_t>()[i];
    if (label == ignore_index) {
      losses.data<C>()[i] = 0;
      continue;
    }
    if (label < 0 || label >= classes) return OutOfBounds(label);
    double smooth = 0;
    for (int64_t k = 0; k < classes; ++k) {
      const int64_t at = (i / area * classes + k) * area + i % area;
      smooth -= log_p.data<C>()[at] * (w.defined() ? w.data<C>()[k] : C(1));
    }
    const double factor = w.defined() ? w.data<C>()[label] : 1;
    const double nll =
        -log_p.data<C>()[(i / area * classes + label) * area + i % area] *
        factor;
    losses.data<C>()[i] =
        static_cast<C>((1 - smoothing) * nll +
                       smoothing / static_cast<double>(classes) * smooth);
    nll_sum += nll;
    smooth_sum += smooth;
    weights += factor;
  }
  if (reduction == 0) return ToDType(losses, dtype);
  const double total = (1 - smoothing) * nll_sum +
                       smoothing / static_cast<double>(classes) * smooth_sum;
  return Tensor::FromScalar(reduction == 1 ? total / weights : total, dtype);
}

absl::StatusOr<Tensor> CrossEntropyLoss(const Tensor& self,
                                        const Tensor& target,
                                        const Tensor& weight, int64_t reduction,
                                        int64_t ignore_index,
                                        double label_smoothing) {
  const bool probabilities = self.sizes() == target.sizes();
  if (!(label_smoothing >= 0 && label_smoothing <= 1)) {
    return Invalid("label_smoothing must be between 0.0 and 1.0. Got: ",
                   label_smoothing);
  }
  if (probabilities) {
    if (!IsFloatingPoint(target.dtype())) {
      return Invalid(
          "Expected floating point type for target with class "
          "probabilities, got ",
          TypeName(target.dtype()));
    }
    if (ignore_index >= 0) {
      return Invalid("ignore_index is not supported for floating point target");
    }
  }
  if (self.dim() == 0) return Invalid("input tensor should be 1D or more");
  const int64_t classes = self.size(self.dim() == 1 ? 0 : 1);
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor(self.dim() <= 2 ? "log_softmax_lastdim_kernel_impl"
                                             : "softmax_kernel_impl",
                             self.dtype());
  }
  const DType dtype = self.dtype();
  TANDEM_ASSIGN_OR_RETURN(const Tensor log_p,
                          CloneContiguous(self, ComputeDType(dtype)));
  const int64_t batch = self.dim() == 1 ? 1 : self.size(0);
  int64_t area = 1;
  for (int64_t d = 2; d < self.dim(); ++d) area *= self.size(d);
  // Without the dimension of classes.
  std::vector<int64_t> loss_sizes(self.sizes().begin(), self.sizes().end());
  loss_sizes.erase(loss_sizes.begin() + (self.dim() == 1 ? 0 : 1));
  const bool is_double = log_p.dtype() == DType::kDouble;
  if (is_double) {
    LogSoftmax(log_p.data<double>(), batch, classes, area);
  } else {
    LogSoftmax(log_p.data<float>(), batch, classes, area);
  }
  if (probabilities) {
    TANDEM_RETURN_IF_ERROR(CheckWeight(weight, classes));
    return is_double ? ProbabilityLoss<double>(log_p, target, weight, reduction,
                                               label_smoothing, batch, classes,
                                               area, loss_sizes, dtype)
                     : ProbabilityLoss<float>(log_p, target, weight, reduction,
                                              label_smoothing, batch, classes,
                                              area, loss_sizes, dtype);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor rounded, ToDType(log_p, dtype));
  if (label_smoothing == 0) {
    return NllLossNd(rounded, target, weight, reduction, ignore_index);
  }
  // The checks of the plain loss hold here as well.
  TANDEM_RETURN_IF_ERROR(
      NllLossNd(rounded, target, weight, 0, ignore_index).status());
  if (weight.defined() && reduction == 1 && target.dtype() == DType::kUInt8) {
    return Invalid("gather(): Expected dtype int32/int64 for index");
  }
  const DimSpan sizes = self.dim() == 1 ? target.sizes() : DimSpan(loss_sizes);
  return is_double ? SmoothedLoss<double>(log_p, target, weight, reduction,
                                          ignore_index, label_smoothing, batch,
                                          classes, area, sizes, dtype)
                   : SmoothedLoss<float>(log_p, target, weight, reduction,
                                         ignore_index, label_smoothing, batch,
                                         classes, area, sizes, dtype);
}

template <auto F>
absl::StatusOr<Tensor> LossOut(const Tensor& self, const Tensor& target,
                               const Tensor& weight, int64_t reduction,
                               int64_t ignore_index, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor r, FirstOf<F>(self, target, weight,
                                                     reduction, ignore_index));
  return WriteOut(r, out);
}

}  // namespace

void RegisterClassLosses(KernelRegistrar& r) {
  r.Add("aten::nll_loss_forward", &NllForward)
      .Add("aten::nll_loss_forward.output", &Variants<NllForward>::Out)
      .Add("aten::nll_loss2d_forward", &Nll2dForward)
      .Add("aten::nll_loss2d_forward.output", &Variants<Nll2dForward>::Out)
      .Add("aten::nll_loss", kNllLoss)
      .Add("aten::nll_loss.out", &LossOut<NllForward>)
      .Add("aten::nll_loss2d", kNllLoss2d)
      .Add("aten::nll_loss2d.out", &LossOut<Nll2dForward>)
      .Add("aten::nll_loss_nd", &NllLossNd)
      .Add("aten::cross_entropy_loss", &CrossEntropyLoss);
}

}  // namespace tandem::reference
