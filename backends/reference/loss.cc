// Losses of one element against one: mse, l1, smooth_l1, huber, binary cross
// entropy, KL divergence, Poisson, hinge and ranking losses.
#include "tandem/backends/reference/loss.h"

#include <cmath>

#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {

absl::StatusOr<LossOperands> BroadcastForLoss(
    absl::Span<const Tensor> tensors) {
  LossOperands o;
  ResultType type;
  std::vector<Tensor> defined;
  for (const Tensor& t : tensors) {
    type.Add(t);
    if (t.defined()) defined.push_back(t);
  }
  TANDEM_ASSIGN_OR_RETURN(o.dtype, type.Get());
  TANDEM_ASSIGN_OR_RETURN(o.sizes, BroadcastSizes(defined));
  for (const Tensor& t : tensors) {
    if (!t.defined()) {
      o.values.push_back(t);
      continue;
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor e, ExpandTo(t, o.sizes));
    TANDEM_ASSIGN_OR_RETURN(Tensor c, Contiguous(e, ComputeDType(o.dtype)));
    o.values.push_back(std::move(c));
  }
  return o;
}

absl::StatusOr<Tensor> FinishLoss(const Tensor& losses, int64_t reduction,
                                  DType dtype,
                                  absl::Span<const Tensor> tensors) {
  if (reduction == 1 || reduction == 2) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor r, Reduce(losses, reduction));
    return ToDType(r, dtype);
  }
  const Dims strides = PointwiseStrides(tensors, losses.sizes());
  if (DimSpan(strides) == losses.strides()) return ToDType(losses, dtype);
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::EmptyStrided(losses.sizes(), strides, dtype));
  TANDEM_RETURN_IF_ERROR(CopyElements(losses, out));
  return out;
}

namespace {

template <typename C>
const C* At(const LossOperands& o, size_t i) {
  return o.values[i].data<C>();
}

// Applies f to pairs of elements.
template <typename F>
absl::StatusOr<Tensor> PairLoss(const Tensor& a, const Tensor& b,
                                absl::string_view name, int64_t reduction,
                                F f) {
  return ElementwiseLoss({a, b}, name, reduction,
                         [&](const LossOperands& o, auto* out, int64_t n) {
                           using C = std::remove_pointer_t<decltype(out)>;
                           const C *p = At<C>(o, 0), *q = At<C>(o, 1);
                           for (int64_t i = 0; i < n; ++i)
                             out[i] = f(p[i], q[i]);
                         });
}

absl::StatusOr<Tensor> MseLoss(const Tensor& self, const Tensor& target,
                               int64_t reduction) {
  return PairLoss(self, target, "mse_cpu", reduction,
                  [](auto a, auto b) { return (a - b) * (a - b); });
}

// |self - target|: integers and complex numbers too, except for a mean.
absl::StatusOr<Tensor> L1Loss(const Tensor& self, const Tensor& target,
                              int64_t reduction) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype,
                          ResultType().Add(self).Add(target).Get());
  if (IsFloatingPoint(dtype)) {
    return PairLoss(self, target, "abs", reduction,
                    [](auto a, auto b) { return std::abs(a - b); });
  }
  if (dtype == DType::kBool) {
    return Invalid(
        "Subtraction, the `-` operator, with two bool tensors is not "
        "supported. Use the `^` or `logical_xor()` operator instead.");
  }
  if (reduction == 1 && !IsComplex(dtype)) {
    return absl::UnimplementedError(absl::StrCat(
        "mean(): could not infer output dtype. Input dtype must be either a "
        "floating point or complex dtype. Got: ",
        TypeName(dtype)));
  }
  TANDEM_ASSIGN_OR_RETURN(const LossOperands o,
                          BroadcastForLoss({self, target}));
  const DType real = IsComplex(dtype) ? ToReal(dtype) : dtype;
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(o.sizes, real));
  TANDEM_RETURN_IF_ERROR(
      VisitNumeric(dtype, "abs_cpu", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const T *p = o.values[0].data<T>(), *q = o.values[1].data<T>();
        for (int64_t i = 0; i < out.numel(); ++i) {
          if constexpr (kIsComplex<T>) {
            out.data<typename T::value_type>()[i] = std::abs(p[i] - q[i]);
          } else if constexpr (std::is_integral_v<T>) {
            const T d = static_cast<T>(static_cast<uint64_t>(p[i]) -
                                       static_cast<uint64_t>(q[i]));
            out.data<T>()[i] =
                d < 0 ? static_cast<T>(uint64_t{0} - static_cast<uint64_t>(d))
                      : d;
          }
        }
        return absl::OkStatus();
      }));
  if (IsComplex(dtype)) return FinishLoss(out, reduction, real, {self, target});
  if (reduction != 2) return out;
  absl::InlinedVector<bool, 8> over(out.dim(), true);
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide, ToDType(out, DType::kInt64));
  TANDEM_ASSIGN_OR_RETURN(const Tensor sum, SumKeepDims(wide, over));
  return ReshapeTo(sum, {});
}

absl::StatusOr<Tensor> SmoothL1Loss(const Tensor& self, const Tensor& target,
                                    int64_t reduction, double beta) {
  if (beta < 0) {
    return Invalid("smooth_l1_loss does not support negative values for beta.");
  }
  if (beta == 0) {
    TANDEM_ASSIGN_OR_RETURN(const DType dtype,
                            ResultType().Add(self).Add(target).Get());
    if (!IsFloatingPoint(dtype)) {
      return NotImplementedFor("smooth_l1_cpu", dtype);
    }
    return L1Loss(self, target, reduction);
  }
  return PairLoss(
      self, target, "smooth_l1_cpu", reduction, [beta](auto a, auto b) {
        using C = decltype(a);
        const C z = std::abs(a - b), limit = static_cast<C>(beta);
        return z < limit ? C(0.5) * z * z / limit : z - C(0.5) * limit;
      });
}

absl::StatusOr<Tensor> HuberLoss(const Tensor& self, const Tensor& target,
                                 int64_t reduction, double delta) {
  if (!(delta > 0)) {
    return Invalid(
        "huber_loss does not support non-positive values for delta.");
  }
  auto one = [delta](auto a, auto b) {
    using C = decltype(a);
    const C z = std::abs(a - b), limit = static_cast<C>(delta);
    return z <= limit ? C(0.5) * z * z : limit * (z - C(0.5) * limit);
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor loss,
                          PairLoss(self, target, "huber_cpu", reduction, one));
  return ToDType(loss, self.dtype());
}

absl::StatusOr<Tensor> BinaryCrossEntropy(const Tensor& self,
                                          const Tensor& target,
                                          const Tensor& weight,
                                          int64_t reduction) {
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor("binary_cross_entropy", self.dtype());
  }
  if (target.dtype() != self.dtype()) {
    return Invalid("Found dtype ", TypeName(target.dtype()), " but expected ",
                   TypeName(self.dtype()));
  }
  bool inside = true;
  TANDEM_ASSIGN_OR_RETURN(
      Tensor losses,
      ElementwiseLoss({self, target}, "binary_cross_entropy", 0,
                      [&](const LossOperands& o, auto* out, int64_t n) {
                        using C = std::remove_pointer_t<decltype(out)>;
                        const C *x = At<C>(o, 0), *t = At<C>(o, 1);
                        for (int64_t i = 0; i < n; ++i) {
                          if (!(x[i] >= 0 && x[i] <= 1)) inside = false;
                          const C log_x = std::max(std::log(x[i]), C(-100));
                          const C log_rest =
                              std::max(std::log1p(-x[i]), C(-100));
                          out[i] = (t[i] - 1) * log_rest - t[i] * log_x;
                        }
                      }));
  if (!inside)
    return Invalid("all elements of input should be between 0 and 1");
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(losses, Multiply(losses, weight));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor r, Reduce(losses, reduction));
  return ToDType(r, self.dtype());
}

template <typename C>
C LogSigmoid(C x) {
  return std::min(x, C(0)) - std::log1p(std::exp(-std::abs(x)));
}

absl::StatusOr<Tensor> BceWithLogits(const Tensor& self, const Tensor& target,
                                     const Tensor& weight,
                                     const Tensor& pos_weight,
                                     int64_t reduction) {
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor("log_sigmoid_cpu", self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const DType dtype,
                          ResultType().Add(target).Add(self).Get());
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(target.sizes(), self.sizes()));
  if (!pos_weight.defined()) {
    // PyTorch multiplies into 1 - target.
    if (DimSpan(sizes) != target.sizes()) {
      return Invalid("output with shape ", DimsToString(target.sizes()),
                     " doesn't match the broadcast shape ",
                     DimsToString(sizes));
    }
    if (!CanCast(dtype, target.dtype())) {
      return Invalid("result type ", TypeName(dtype),
                     " can't be cast to the desired output type ",
                     TypeName(target.dtype()));
    }
  }
  const bool single = self.dtype() != DType::kDouble;
  // Laid out as the target, which PyTorch begins with.
  return ElementwiseLoss(
      {target, self, weight, pos_weight}, "binary_cross_entropy", reduction,
      [&](const LossOperands& o, auto* out, int64_t n) {
        using C = std::remove_pointer_t<decltype(out)>;
        const C *x = At<C>(o, 1), *t = At<C>(o, 0);
        const auto rounded = [dtype](C v) { return RoundedTo(dtype, v); };
        for (int64_t i = 0; i < n; ++i) {
          // In the dtype of the logits.
          const C log_sigmoid =
              single ? static_cast<C>(LogSigmoid(static_cast<float>(x[i])))
                     : LogSigmoid(x[i]);
          C likelihood = rounded(log_sigmoid);
          if (o.values[3].defined()) {
            const C factor =
                rounded(rounded(rounded(At<C>(o, 3)[i] - 1) * t[i]) + 1);
            likelihood = rounded(likelihood * factor);
          }
          out[i] = rounded(rounded(rounded(1 - t[i]) * x[i]) - likelihood);
          if (o.values[2].defined()) out[i] = rounded(out[i] * At<C>(o, 2)[i]);
        }
      });
}

absl::StatusOr<Tensor> KlDiv(const Tensor& self, const Tensor& target,
                             int64_t reduction, bool log_target) {
  for (const Tensor* t : {&self, &target}) {
    if (IsComplex(t->dtype())) {
      return Invalid("kl_div: Complex inputs not supported.");
    }
    if (IsIntegral(t->dtype(), true)) {
      return Invalid("kl_div: Integral inputs not supported.");
    }
  }
  return PairLoss(
      target, self, "kl_div", reduction, [log_target](auto t, auto x) {
        using C = decltype(x);
        if (log_target) return std::exp(t) * (t - x);
        if (t != t) return t;
        return (t > 0 ? t * std::log(t) : t < 0 ? std::log(t) : C(0)) - t * x;
      });
}

// Integers become floats on the way.
absl::StatusOr<Tensor> AsFloat(const Tensor& t) {
  return IsIntegral(t.dtype(), false) ? ToDType(t, DType::kFloat) : t;
}

absl::StatusOr<Tensor> PoissonNllLoss(const Tensor& given, const Tensor& target,
                                      bool log_input, bool full, double eps,
                                      int64_t reduction) {
  TANDEM_RETURN_IF_ERROR(
      BroadcastSizes(target.sizes(), given.sizes()).status());
  TANDEM_ASSIGN_OR_RETURN(const Tensor input, AsFloat(given));
  return PairLoss(input, target, "exp", reduction, [=](auto x, auto t) {
    using C = decltype(x);
    C loss = log_input ? std::exp(x) - t * x
                       : x - t * std::log(x + static_cast<C>(eps));
    if (full) {
      const C stirling = t * std::log(t) - t +
                         C(0.5) * std::log(C(2 * 3.14159265358979323846) * t);
      loss += t <= 1 ? C(0) : stirling;
    }
    return loss;
  });
}

absl::StatusOr<Tensor> HingeEmbeddingLoss(const Tensor& self,
                                          const Tensor& target, double margin,
                                          int64_t reduction) {
  return PairLoss(target, self, "clamp", reduction, [margin](auto t, auto x) {
    using C = decltype(x);
    C loss = 0;
    if (t != 1) {
      const C rest = static_cast<C>(margin) - x;
      loss += rest < 0 ? C(0) : rest;
    }
    if (t != -1) loss += x;
    return loss;
  });
}

absl::StatusOr<Tensor> MarginRankingLoss(const Tensor& input1,
                                         const Tensor& input2,
                                         const Tensor& target, double margin,
                                         int64_t reduction) {
  if (IsIntegral(target.dtype(), false) && IsIntegral(input1.dtype(), false) &&
      IsIntegral(input2.dtype(), false)) {
    // Integers wrap around before the margin is added.
    TANDEM_ASSIGN_OR_RETURN(const Tensor opposite, Sub(Scalar(0), target));
    TANDEM_ASSIGN_OR_RETURN(const Tensor difference, Sub(input1, input2));
    TANDEM_ASSIGN_OR_RETURN(const Tensor product, Mul(opposite, difference));
    TANDEM_ASSIGN_OR_RETURN(const Tensor real, AsFloat(product));
    return ElementwiseLoss(
        {real}, "clamp", reduction,
        [margin](const LossOperands& o, auto* out, int64_t n) {
          using C = std::remove_pointer_t<decltype(out)>;
          for (int64_t i = 0; i < n; ++i) {
            const C v = At<C>(o, 0)[i] + static_cast<C>(margin);
            out[i] = v < 0 ? C(0) : v;
          }
        });
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, AsFloat(target));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, AsFloat(input1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, AsFloat(input2));
  return ElementwiseLoss({t, x, y}, "clamp", reduction,
                         [margin](const LossOperands& o, auto* out, int64_t n) {
                           using C = std::remove_pointer_t<decltype(out)>;
                           for (int64_t i = 0; i < n; ++i) {
                             const C v = -At<C>(o, 0)[i] *
                                             (At<C>(o, 1)[i] - At<C>(o, 2)[i]) +
                                         static_cast<C>(margin);
                             out[i] = v < 0 ? C(0) : v;
                           }
                         });
}

absl::StatusOr<Tensor> SoftMarginLoss(const Tensor& self, const Tensor& target,
                                      int64_t reduction) {
  if (!IsFloatingPoint(self.dtype())) {
    return Invalid(
        "result type Float can't be cast to the desired output type ",
        TypeName(self.dtype()));
  }
  TANDEM_ASSIGN_OR_RETURN(const DType dtype,
                          ResultType().Add(self).Add(target).Get());
  auto one = [dtype](auto x, auto t) {
    const auto power = RoundedTo(dtype, std::exp(RoundedTo(dtype, -t * x)));
    return std::log1p(power);
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor loss,
                          PairLoss(self, target, "log1p", reduction, one));
  return ToDType(loss, self.dtype());
}

}  // namespace

void RegisterElementwiseLosses(KernelRegistrar& r) {
  r.Add("aten::mse_loss", &MseLoss)
      .Add("aten::mse_loss.out", &Variants<MseLoss>::Out)
      .Add("aten::l1_loss", &L1Loss)
      .Add("aten::smooth_l1_loss", &SmoothL1Loss)
      .Add("aten::smooth_l1_loss.out", &Variants<SmoothL1Loss>::Out)
      .Add("aten::huber_loss", &HuberLoss)
      .Add("aten::huber_loss.out", &Variants<HuberLoss>::Out)
      .Add("aten::binary_cross_entropy", &BinaryCrossEntropy)
      .Add("aten::binary_cross_entropy.out", &Variants<BinaryCrossEntropy>::Out)
      .Add("aten::binary_cross_entropy_with_logits", &BceWithLogits)
      .Add("aten::binary_cross_entropy_with_logits.out",
           &Variants<BceWithLogits>::Out)
      .Add("aten::kl_div", &KlDiv)
      .Add("aten::poisson_nll_loss", &PoissonNllLoss)
      .Add("aten::hinge_embedding_loss", &HingeEmbeddingLoss)
      .Add("aten::margin_ranking_loss", &MarginRankingLoss)
      .Add("aten::soft_margin_loss", &SoftMarginLoss)
      .Add("aten::soft_margin_loss.out", &Variants<SoftMarginLoss>::Out);
}

absl::Status RegisterLoss(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  RegisterElementwiseLosses(r);
  RegisterClassLosses(r);
  RegisterMarginLosses(r);
  RegisterCtcLoss(r);
  return r.status();
}

}  // namespace tandem::reference
