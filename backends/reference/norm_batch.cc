// batch_norm and instance_norm.
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/float_functions.h"
#include "tandem/backends/reference/float_rows.h"
#include "tandem/backends/reference/norm.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Triple = std::tuple<Tensor, Tensor, Tensor>;
using Quadruple = std::tuple<Tensor, Tensor, Tensor, Tensor>;

absl::Status CheckFeatures(absl::string_view name, int64_t expected,
                           const Tensor& t) {
  if (!t.defined() || t.numel() == expected) return absl::OkStatus();
  return Invalid(name, " should contain ", expected, " elements not ",
                 t.numel());
}

int64_t Channels(const Tensor& input) {
  return input.dim() > 1 ? input.size(1) : 0;
}

// Values of an optional parameter in C, `fallback` where it is undefined.
template <typename C>
absl::StatusOr<std::vector<C>> Values(const Tensor& t, int64_t n, C fallback) {
  std::vector<C> r(n, fallback);
  if (!t.defined()) return r;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(t, DTypeOf<C>::value));
  std::copy_n(x.data<C>(), n, r.begin());
  return r;
}

// Mean and sum of squared distances from it, of one channel.
template <typename C>
void Moments(const C* x, int64_t batch, int64_t channels, int64_t channel,
             int64_t area, C* mean, C* squares) {
  const int64_t n = batch * area;
  double sum = 0;
  for (int64_t b = 0; b < batch; ++b) {
    const C* p = x + (b * channels + channel) * area;
    double part = 0;
    for (int64_t i = 0; i < area; ++i) part += p[i];
    sum += part;
  }
  const double m = sum / static_cast<double>(n);
  double total = 0;
  for (int64_t b = 0; b < batch; ++b) {
    const C* p = x + (b * channels + channel) * area;
    double part = 0;
    for (int64_t i = 0; i < area; ++i) part += (p[i] - m) * (p[i] - m);
    total += part;
  }
  *mean = static_cast<C>(m);
  *squares = static_cast<C>(total);
}

// Rounds to a 16-bit type; others stay.
template <typename C>
C RoundTo(DType dtype, C x) {
  if (dtype == DType::kHalf) return static_cast<float>(Half(float(x)));
  if (dtype == DType::kBFloat16) return static_cast<float>(BFloat16(float(x)));
  return x;
}

// x as [batch, channels, area], in C. Statistics of 16-bit inputs are kept in
// `stats_dtype`; PyTorch's kernel of inputs that are dense in a known order
// takes them from there and rounds the result alone, the other one rounds at
// every step.
template <typename C>
absl::StatusOr<Triple> BatchNormIn(const Tensor& input, const Tensor& weight,
                                   const Tensor& bias,
                                   const Tensor& running_mean,
                                   const Tensor& running_var, bool training,
                                   double momentum, double eps,
                                   DType stats_dtype) {
  const DType c = DTypeOf<C>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input, c));
  const int64_t channels = Channels(input), batch = input.size(0);
  const int64_t planes = batch * channels;
  const int64_t area = planes == 0 ? 0 : x.numel() / planes;
  TANDEM_ASSIGN_OR_RETURN(std::vector<C> w, Values<C>(weight, channels, 1));
  TANDEM_ASSIGN_OR_RETURN(std::vector<C> b, Values<C>(bias, channels, 0));
  std::vector<C> mean(channels), inverse(channels);
  const auto round = [stats_dtype](C v) { return RoundTo(stats_dtype, v); };
  const bool dense = input.is_contiguous() ||
                     input.is_contiguous(MemoryFormat::kChannelsLast) ||
                     input.is_contiguous(MemoryFormat::kChannelsLast3d);
  const bool stepwise = !dense && stats_dtype != c;
  Tensor save_mean, save_inverse;
  if (training) {
    std::vector<C> squares(channels);
    TANDEM_RETURN_IF_ERROR(
        ParallelFor(channels, 1, [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            Moments(x.data<C>(), batch, channels, i, area, &mean[i],
                    &squares[i]);
          }
        }));
    const C n = static_cast<C>(batch * area);
    const bool round_squares = dense && stats_dtype == DType::kBFloat16;
    const auto variance = [&](int64_t i, C count) {
      return round_squares ? round(round(squares[i]) / count)
                           : squares[i] / count;
    };
    const std::vector<C> exact_mean = mean;
    for (int64_t i = 0; i < channels; ++i) {
      mean[i] = round(mean[i]);
      inverse[i] = round(1 / std::sqrt(variance(i, n) + static_cast<C>(eps)));
    }
    auto update = [&](const Tensor& running, auto value) -> absl::Status {
      if (!running.defined()) return absl::OkStatus();
      TANDEM_ASSIGN_OR_RETURN(const std::vector<C> old,
                              Values<C>(running, channels, 0));
      TANDEM_ASSIGN_OR_RETURN(const Tensor next, Tensor::Empty({channels}, c));
      const C m = static_cast<C>(momentum);
      for (int64_t i = 0; i < channels; ++i) {
        next.data<C>()[i] = round_squares
                                ? round(round(m) * round(value(i))) +
                                      round(round(1 - round(m)) * old[i])
                                : m * value(i) + (1 - m) * old[i];
      }
      TANDEM_RETURN_IF_ERROR(CheckWritable(running));
      TANDEM_ASSIGN_OR_RETURN(const Tensor same,
                              ReshapeTo(next, running.sizes()));
      return CopyElements(same, running);
    };
    TANDEM_RETURN_IF_ERROR(update(running_mean, [&](int64_t i) {
      return dense ? exact_mean[i] : mean[i];
    }));
    TANDEM_RETURN_IF_ERROR(
        update(running_var, [&](int64_t i) { return variance(i, n - 1); }));
    auto save = [&](const std::vector<C>& v) -> absl::StatusOr<Tensor> {
      TANDEM_ASSIGN_OR_RETURN(const Tensor t, Tensor::Empty({channels}, c));
      std::copy(v.begin(), v.end(), t.data<C>());
      return ToDType(t, stats_dtype);
    };
    TANDEM_ASSIGN_OR_RETURN(save_mean, save(mean));
    TANDEM_ASSIGN_OR_RETURN(save_inverse, save(inverse));
  } else {
    TANDEM_ASSIGN_OR_RETURN(mean, Values<C>(running_mean, channels, 0));
    TANDEM_ASSIGN_OR_RETURN(inverse, Values<C>(running_var, channels, 1));
    for (C& v : inverse) {
      v += static_cast<C>(eps);
      v = stepwise ? round(1 / round(std::sqrt(round(v)))) : 1 / std::sqrt(v);
    }
    TANDEM_ASSIGN_OR_RETURN(save_mean, Tensor::Empty({0}, stats_dtype));
    TANDEM_ASSIGN_OR_RETURN(save_inverse, Tensor::Empty({0}, stats_dtype));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor out, Tensor::Empty(x.sizes(), c));
  TANDEM_RETURN_IF_ERROR(ParallelFor(
      planes, std::max<int64_t>(1, 32768 / std::max<int64_t>(area, 1)),
      [&](int64_t begin, int64_t end) {
        for (int64_t p = begin; p < end; ++p) {
          const int64_t i = p % channels;
          const C alpha = inverse[i] * w[i];
          const C* from = x.data<C>() + p * area;
          C* to = out.data<C>() + p * area;
          if (stepwise) {
            for (int64_t k = 0; k < area; ++k) {
              const C scaled = round(round(from[k] - mean[i]) * inverse[i]);
              to[k] = round(scaled * w[i]) + b[i];
            }
            continue;
          }
          if constexpr (std::is_same_v<C, float>) {
            FusedScaleRow(area, from, alpha, FusedAdd(-mean[i], alpha, b[i]),
                          to);
          } else {
            const C beta = b[i] - mean[i] * alpha;
            for (int64_t k = 0; k < area; ++k) to[k] = from[k] * alpha + beta;
          }
        }
      }));
  TANDEM_ASSIGN_OR_RETURN(Tensor result, MatchLayout(out, input));
  return Triple(std::move(result), std::move(save_mean),
                std::move(save_inverse));
}

absl::StatusOr<Triple> BatchNormStats(const Tensor& input, const Tensor& weight,
                                      const Tensor& bias,
                                      const Tensor& running_mean,
                                      const Tensor& running_var, bool training,
                                      double momentum, double eps) {
  if (!IsFloatingPoint(input.dtype())) {
    return NotImplementedFor("batch_norm", input.dtype());
  }
  if (input.dim() < 1) return WrapDim(1, input.dim()).status();
  bool mixed = false;
  TANDEM_RETURN_IF_ERROR(CheckMixedDTypes(
      input, {weight, bias, running_mean, running_var}, &mixed));
  const DType stats = mixed ? DType::kFloat : input.dtype();
  if (input.dtype() == DType::kDouble) {
    return BatchNormIn<double>(input, weight, bias, running_mean, running_var,
                               training, momentum, eps, stats);
  }
  return BatchNormIn<float>(input, weight, bias, running_mean, running_var,
                            training, momentum, eps, stats);
}

absl::Status CheckBatchNorm(const Tensor& input, const Tensor& weight,
                            const Tensor& bias, const Tensor& running_mean,
                            const Tensor& running_var, bool training) {
  const int64_t channels = Channels(input);
  if (running_mean.defined()) {
    TANDEM_RETURN_IF_ERROR(
        CheckFeatures("running_mean", channels, running_mean));
  } else if (!training) {
    return Invalid("running_mean must be defined in evaluation mode");
  }
  if (running_var.defined()) {
    TANDEM_RETURN_IF_ERROR(CheckFeatures("running_var", channels, running_var));
  } else if (!training) {
    return Invalid("running_var must be defined in evaluation mode");
  }
  TANDEM_RETURN_IF_ERROR(CheckFeatures("weight", channels, weight));
  TANDEM_RETURN_IF_ERROR(CheckFeatures("bias", channels, bias));
  if (running_mean.defined() != running_var.defined()) {
    return Invalid(
        "running_mean and running_var must either both be None or neither be "
        "None");
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> BatchNorm(const Tensor& input, const Tensor& weight,
                                 const Tensor& bias, const Tensor& running_mean,
                                 const Tensor& running_var, bool training,
                                 double momentum, double eps, bool) {
  // Of nothing PyTorch gives input * weight[0] + bias[0], and looks at no
  // statistics.
  if (input.numel() == 0) {
    DType dtype = input.dtype();
    for (const Tensor* t : {&weight, &bias}) {
      if (!t->defined()) continue;
      if (t->dim() == 0) {
        return Invalid("select() cannot be applied to a 0-dim tensor.");
      }
      if (t->size(0) == 0) {
        return Invalid("select(): index 0 out of range for tensor of size ",
                       DimsToString(t->sizes()), " at dimension 0");
      }
      const Tensor first = t->ViewUnchecked(
          t->sizes().subspan(1), t->strides().subspan(1), t->offset());
      TANDEM_RETURN_IF_ERROR(
          BroadcastSizes(input.sizes(), first.sizes()).status());
      TANDEM_ASSIGN_OR_RETURN(dtype, ResultType().Add(input).Add(first).Get());
    }
    TANDEM_ASSIGN_OR_RETURN(const Tensor copy, Clone(input));
    return ToDType(copy, dtype);
  }
  TANDEM_RETURN_IF_ERROR(
      CheckBatchNorm(input, weight, bias, running_mean, running_var, training));
  if (input.dim() < 2) return WrapDim(1, input.dim()).status();
  TANDEM_ASSIGN_OR_RETURN(
      Triple r, BatchNormStats(input, weight, bias, running_mean, running_var,
                               training, momentum, eps));
  return std::get<0>(std::move(r));
}

absl::StatusOr<Triple> NativeBatchNorm(const Tensor& input,
                                       const Tensor& weight, const Tensor& bias,
                                       const Tensor& running_mean,
                                       const Tensor& running_var, bool training,
                                       double momentum, double eps) {
  TANDEM_RETURN_IF_ERROR(
      CheckBatchNorm(input, weight, bias, running_mean, running_var, training));
  if (training && input.numel() == 0) {
    return Invalid(
        "input tensor must have at least one element, but got input_sizes = ",
        DimsToString(input.sizes()));
  }
  return BatchNormStats(input, weight, bias, running_mean, running_var,
                        training, momentum, eps);
}

absl::StatusOr<Triple> LegitNoStats(const Tensor& input, const Tensor& weight,
                                    const Tensor& bias, bool training,
                                    double momentum, double eps) {
  return NativeBatchNorm(input, weight, bias, Tensor(), Tensor(), training,
                         momentum, eps);
}

absl::StatusOr<Triple> LegitNoTraining(const Tensor& input,
                                       const Tensor& weight, const Tensor& bias,
                                       const Tensor& running_mean,
                                       const Tensor& running_var,
                                       double momentum, double eps) {
  return NativeBatchNorm(input, weight, bias, running_mean, running_var, false,
                         momentum, eps);
}

absl::StatusOr<std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor>>
LegitFunctional(const Tensor& input, const Tensor& weight, const Tensor& bias,
                const Tensor& running_mean, const Tensor& running_var,
                bool training, double momentum, double eps) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor mean, Clone(running_mean));
  TANDEM_ASSIGN_OR_RETURN(const Tensor var, Clone(running_var));
  TANDEM_ASSIGN_OR_RETURN(
      Triple r,
      NativeBatchNorm(input, weight, bias, mean, var, training, momentum, eps));
  return std::make_tuple(std::get<0>(r), std::get<1>(r), std::get<2>(r), mean,
                         var);
}

absl::StatusOr<Quadruple> WithReserve(absl::StatusOr<Triple> r) {
  if (!r.ok()) return r.status();
  TANDEM_ASSIGN_OR_RETURN(Tensor reserve, Tensor::Empty({0}, DType::kUInt8));
  return Quadruple(std::get<0>(*r), std::get<1>(*r), std::get<2>(*r),
                   std::move(reserve));
}

absl::StatusOr<std::tuple<Tensor, Tensor, Tensor, Tensor, int64_t>> ImplIndex(
    const Tensor& input, const Tensor& weight, const Tensor& bias,
    const Tensor& running_mean, const Tensor& running_var, bool training,
    double momentum, double eps, bool) {
  TANDEM_ASSIGN_OR_RETURN(
      Quadruple r,
      WithReserve(NativeBatchNorm(input, weight, bias, running_mean,
                                  running_var, training, momentum, eps)));
  return std::tuple_cat(std::move(r), std::make_tuple(int64_t{0}));
}

absl::StatusOr<Quadruple> WithUpdate(const Tensor& input, const Tensor& weight,
                                     const Tensor& bias,
                                     const Tensor& running_mean,
                                     const Tensor& running_var, double momentum,
                                     double eps) {
  return WithReserve(NativeBatchNorm(input, weight, bias, running_mean,
                                     running_var, true, momentum, eps));
}

absl::StatusOr<Quadruple> NoUpdate(const Tensor& input, const Tensor& weight,
                                   const Tensor& bias,
                                   const Tensor& running_mean,
                                   const Tensor& running_var, double momentum,
                                   double eps) {
  return WithReserve(NativeBatchNorm(input, weight, bias, running_mean,
                                     running_var, false, momentum, eps));
}

template <auto F>
absl::StatusOr<Quadruple> QuadrupleOut(const Tensor& input,
                                       const Tensor& weight, const Tensor& bias,
                                       const Tensor& running_mean,
                                       const Tensor& running_var,
                                       double momentum, double eps,
                                       const Tensor& a, const Tensor& b,
                                       const Tensor& c, const Tensor& d) {
  TANDEM_ASSIGN_OR_RETURN(Quadruple r, F(input, weight, bias, running_mean,
                                         running_var, momentum, eps));
  TANDEM_RETURN_IF_ERROR(WriteOut(std::get<0>(r), a).status());
  TANDEM_RETURN_IF_ERROR(WriteOut(std::get<1>(r), b).status());
  TANDEM_RETURN_IF_ERROR(WriteOut(std::get<2>(r), c).status());
  TANDEM_RETURN_IF_ERROR(WriteOut(std::get<3>(r), d).status());
  return Quadruple(a, b, c, d);
}

absl::StatusOr<std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>>
WithUpdateFunctional(const Tensor& input, const Tensor& weight,
                     const Tensor& bias, const Tensor& running_mean,
                     const Tensor& running_var, double momentum, double eps) {
  TANDEM_ASSIGN_OR_RETURN(Tensor mean, Clone(running_mean));
  TANDEM_ASSIGN_OR_RETURN(Tensor var, Clone(running_var));
  TANDEM_ASSIGN_OR_RETURN(
      Quadruple r, WithUpdate(input, weight, bias, mean, var, momentum, eps));
  return std::tuple_cat(std::move(r),
                        std::make_tuple(std::move(mean), std::move(var)));
}

// Mean and biased variance; running statistics follow.
absl::StatusOr<std::tuple<Tensor, Tensor>> UpdateStats(
    const Tensor& input, const Tensor& running_mean, const Tensor& running_var,
    double momentum) {
  TANDEM_ASSIGN_OR_RETURN(
      Triple r, NativeBatchNorm(input, Tensor(), Tensor(), running_mean,
                                running_var, true, momentum, 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor inverse,
                          Contiguous(std::get<2>(r), DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor var,
                          Tensor::Empty(inverse.sizes(), DType::kDouble));
  for (int64_t i = 0; i < var.numel(); ++i) {
    const double v = inverse.data<double>()[i];
    var.data<double>()[i] = 1 / (v * v);
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor out, ToDType(var, std::get<1>(r).dtype()));
  return std::make_tuple(std::get<1>(r), std::move(out));
}

// Each instance is a channel of a batch of one.
absl::StatusOr<Tensor> InstanceNorm(const Tensor& input, const Tensor& weight,
                                    const Tensor& bias,
                                    const Tensor& running_mean,
                                    const Tensor& running_var,
                                    bool use_input_stats, double momentum,
                                    double eps, bool cudnn) {
  if (!use_input_stats && (!running_mean.defined() || !running_var.defined())) {
    return Invalid(
        "Expected running_mean and running_var to be defined when "
        "use_input_stats is false");
  }
  if (input.dim() < 2) return WrapDim(1, input.dim()).status();
  const int64_t b = input.size(0), c = input.size(1);
  Dims sizes(input.sizes().begin(), input.sizes().end());
  Dims folded = sizes;
  folded[0] = 1;
  folded[1] = b * c;
  auto repeat = [&](const Tensor& t) -> absl::StatusOr<Tensor> {
    if (!t.defined()) return t;
    TANDEM_ASSIGN_OR_RETURN(const Tensor flat, ReshapeTo(t, {t.numel()}));
    const Tensor rows =
        flat.ViewUnchecked({b, t.numel()}, {0, 1}, flat.offset());
    return ReshapeTo(rows, {b * t.numel()});
  };
  auto repeat_stats = [&](const Tensor& t) -> absl::StatusOr<Tensor> {
    if (!t.defined() || t.dtype() == DType::kFloat) return repeat(t);
    TANDEM_ASSIGN_OR_RETURN(const Tensor same, ToDType(t, input.dtype()));
    return repeat(same);
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, repeat(weight));
  TANDEM_ASSIGN_OR_RETURN(const Tensor bias_all, repeat(bias));
  TANDEM_ASSIGN_OR_RETURN(const Tensor mean, repeat_stats(running_mean));
  TANDEM_ASSIGN_OR_RETURN(const Tensor var, repeat_stats(running_var));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ReshapeTo(input, folded));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          BatchNorm(x, w, bias_all, mean, var, use_input_stats,
                                    momentum, eps, cudnn));
  // Running statistics become the mean over the batch.
  auto put_back = [&](const Tensor& all, const Tensor& t) -> absl::Status {
    if (!t.defined() || b == 0) return absl::OkStatus();
    TANDEM_ASSIGN_OR_RETURN(
        const Tensor sum,
        SumKeepDims(all.ViewUnchecked({b, c}, {c, 1}, 0), {true, false}));
    TANDEM_ASSIGN_OR_RETURN(const Tensor factor,
                            Tensor::FromScalar(1.0 / b, all.dtype()));
    TANDEM_ASSIGN_OR_RETURN(const Tensor average, Multiply(sum, factor));
    TANDEM_ASSIGN_OR_RETURN(const Tensor same, ReshapeTo(average, t.sizes()));
    return CopyElements(same, t);
  };
  if (use_input_stats) {
    TANDEM_RETURN_IF_ERROR(put_back(mean, running_mean));
    TANDEM_RETURN_IF_ERROR(put_back(var, running_var));
  }
  return ReshapeTo(out, sizes);
}

}  // namespace

void RegisterBatchNorm(KernelRegistrar& r) {
  r.Add("aten::batch_norm", &BatchNorm)
      .Add("aten::native_batch_norm", &NativeBatchNorm)
      .Add("aten::native_batch_norm.out", &Variants<NativeBatchNorm>::Out)
      .Add("aten::_native_batch_norm_legit", &NativeBatchNorm)
      .Add("aten::_native_batch_norm_legit.out",
           &Variants<NativeBatchNorm>::Out)
      .Add("aten::_native_batch_norm_legit.no_stats", &LegitNoStats)
      .Add("aten::_native_batch_norm_legit.no_stats_out",
           &Variants<LegitNoStats>::Out)
      .Add("aten::_native_batch_norm_legit_no_training", &LegitNoTraining)
      .Add("aten::_native_batch_norm_legit_no_training.out",
           &Variants<LegitNoTraining>::Out)
      .Add("aten::_native_batch_norm_legit_functional", &LegitFunctional)
      .Add("aten::_batch_norm_impl_index", &ImplIndex)
      .Add("aten::_batch_norm_with_update", &WithUpdate)
      .Add("aten::_batch_norm_with_update.out", &QuadrupleOut<WithUpdate>)
      .Add("aten::_batch_norm_with_update_functional", &WithUpdateFunctional)
      .Add("aten::_batch_norm_no_update", &NoUpdate)
      .Add("aten::_batch_norm_no_update.out", &QuadrupleOut<NoUpdate>)
      .Add("aten::batch_norm_update_stats", &UpdateStats)
      .Add("aten::batch_norm_update_stats.out", &Variants<UpdateStats>::Out)
      .Add("aten::instance_norm", &InstanceNorm);
}

absl::Status RegisterNorm(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  RegisterBatchNorm(r);
  RegisterLayerNorm(r);
  RegisterDistances(r);
  return r.status();
}

}  // namespace tandem::reference
