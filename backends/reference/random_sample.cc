// Draws by given probabilities and rates: bernoulli, multinomial, poisson.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/random.h"
#include "tandem/backends/reference/special_math.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"

namespace tandem::reference {
namespace {

// 1 with the probability in p's element: one float draw each, a double one for
// double probabilities.
absl::StatusOr<Tensor> BernoulliTensorInPlace(const Tensor& self,
                                              const Tensor& p,
                                              Generator* generator) {
  if (!IsFloatingPoint(p.dtype())) {
    return NotImplementedFor("bernoulli_tensor_cpu_p_", p.dtype());
  }
  if (self.numel() == 0) return self;
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor wide, ToDType(p, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(wide, self.sizes()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor draws, EmptyLike(self, DType::kDouble));
  const bool is_double = p.dtype() == DType::kDouble;
  Generator& g = Pick(generator);
  bool bad = false;
  const StridedLoop loop(self.sizes(), {StridedLoop::Operand::Of(draws),
                                        StridedLoop::Operand::Of(expanded)});
  loop.Run(
      0, loop.numel(), [&](char* const* data, const int64_t* s, int64_t n) {
        for (int64_t i = 0; i < n; ++i) {
          const double q = *reinterpret_cast<const double*>(data[1] + i * s[1]);
          bad = bad || !(q >= 0 && q <= 1);
          const bool hit = is_double ? g.UniformDouble() < q
                                     : g.UniformFloat() < static_cast<float>(q);
          *reinterpret_cast<double*>(data[0] + i * s[0]) = hit;
        }
      });
  if (bad) {
    return absl::InvalidArgumentError(
        "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could "
        "this error message be improved?  If so, please report an enhancement "
        "request to PyTorch.)");
  }
  TANDEM_RETURN_IF_ERROR(CopyElements(draws, self));
  return self;
}

absl::StatusOr<Tensor> Bernoulli(const Tensor& self, Generator* g) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, EmptyLike(self, self.dtype()));
  return BernoulliTensorInPlace(result, self, g);
}
absl::StatusOr<Tensor> BernoulliOut(const Tensor& self, Generator* g,
                                    const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, self.sizes()));
  return BernoulliTensorInPlace(out, self, g);
}
absl::StatusOr<Tensor> BernoulliP(const Tensor& self, double p, Generator* g) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, EmptyLike(self, self.dtype()));
  return BernoulliInPlace(result, p, g);
}
absl::StatusOr<Tensor> BernoulliTensor(const Tensor& self, const Tensor& p,
                                       Generator* g) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, EmptyLike(self, self.dtype()));
  return BernoulliTensorInPlace(result, p, g);
}

// Rows of probabilities in double, checked.
absl::StatusOr<Tensor> Probabilities(const Tensor& self, int64_t samples,
                                     bool replacement) {
  if (self.dim() != 1 && self.dim() != 2) {
    return absl::InvalidArgumentError("prob_dist must be 1 or 2 dim");
  }
  if (!IsFloatingPoint(self.dtype())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "multinomial only supports floating-point dtypes for input, got: ",
        TypeName(self.dtype())));
  }
  if (samples <= 0) {
    return absl::InvalidArgumentError("cannot sample n_sample <= 0 samples");
  }
  const int64_t categories = self.size(self.dim() - 1);
  if (!replacement && samples > categories) {
    return absl::InvalidArgumentError(
        "cannot sample n_sample > prob_dist.size(-1) samples without "
        "replacement");
  }
  if (categories > (int64_t{1} << 24)) {
    return absl::InvalidArgumentError(
        "number of categories cannot exceed 2^24");
  }
  return CloneContiguous(self, DType::kDouble);
}

absl::Status CheckRow(const double* p, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    if (!(p[i] >= 0) || std::isinf(p[i])) {
      return absl::InvalidArgumentError(
          "probability tensor contains either `inf`, `nan` or element < 0");
    }
    sum += p[i];
  }
  if (!(sum > 0)) {
    return absl::InvalidArgumentError(
        "invalid multinomial distribution (sum of probabilities <= 0)");
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> Multinomial(const Tensor& self, int64_t samples,
                                   bool replacement, Generator* generator) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor p,
                          Probabilities(self, samples, replacement));
  const int64_t n = self.size(self.dim() - 1);
  const int64_t rows = self.dim() == 1 ? 1 : self.size(0);
  Dims sizes;
  if (self.dim() == 2) sizes.push_back(rows);
  sizes.push_back(samples);
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(sizes, DType::kInt64));
  if (out.numel() == 0) return out;
  int64_t* result = out.data<int64_t>();
  for (int64_t row = 0; row < rows; ++row) {
    TANDEM_RETURN_IF_ERROR(CheckRow(p.data<double>() + row * n, n));
  }
  Generator& g = Pick(generator);
  const bool is_double = self.dtype() == DType::kDouble;
  const auto round = [is_double](double v) {
    return is_double ? v : static_cast<double>(static_cast<float>(v));
  };
  if (!replacement || samples == 1) {
    // The largest of p / q for exponential q.
    TANDEM_ASSIGN_OR_RETURN(const Tensor q, EmptyLike(self, self.dtype()));
    TANDEM_RETURN_IF_ERROR(ExponentialInPlace(q, 1, generator).status());
    TANDEM_ASSIGN_OR_RETURN(const Tensor wide,
                            CloneContiguous(q, DType::kDouble));
    std::vector<double> ratio(n);
    std::vector<int64_t> order(n);
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t i = 0; i < n; ++i) {
        ratio[i] = round(p.data<double>()[row * n + i] /
                         wide.data<double>()[row * n + i]);
      }
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + samples, order.end(),
                        [&](int64_t a, int64_t b) {
                          return ratio[a] > ratio[b] ||
                                 (ratio[a] == ratio[b] && a < b);
                        });
      std::copy_n(order.begin(), samples, result + row * samples);
    }
    return out;
  }
  std::vector<double> cumulative(n);
  for (int64_t row = 0; row < rows; ++row) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) {
      sum = round(sum + p.data<double>()[row * n + i]);
      cumulative[i] = sum;
    }
    for (double& c : cumulative) c = round(c / sum);
    cumulative[n - 1] = 1;
    for (int64_t j = 0; j < samples; ++j) {
      const double u = g.UniformDouble();
      result[row * samples + j] =
          std::lower_bound(cumulative.begin(), cumulative.end(), u) -
          cumulative.begin();
      if (j % 65536 == 65535) TANDEM_RETURN_IF_ERROR(CheckStop());
    }
  }
  return out;
}

absl::StatusOr<Tensor> MultinomialOut(const Tensor& self, int64_t samples,
                                      bool replacement, Generator* generator,
                                      const Tensor& out) {
  if (out.dtype() != DType::kInt64) {
    return absl::InvalidArgumentError(absl::StrCat(
        "multinomial expects Long tensor out, got: ", TypeName(out.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Multinomial(self, samples, replacement, generator));
  return WriteOut(result, out);
}

// Small rates by products of uniform numbers, large ones by transformed
// rejection (Hoermann 1993, PTRS).
int64_t DrawPoisson(double rate, Generator& g) {
  if (rate == 0) return 0;
  if (rate < 10) {
    const double limit = std::exp(-rate);
    double product = 1;
    for (int64_t k = 0;; ++k) {
      product *= g.UniformDouble();
      if (product <= limit) return k;
    }
  }
  const double root = std::sqrt(rate), log_rate = std::log(rate);
  const double b = 0.931 + 2.53 * root;
  const double a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
  const double v_r = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const double u = g.UniformDouble() - 0.5;
    const double v = g.UniformDouble();
    const double us = 0.5 - std::fabs(u);
    const double x = std::floor((2 * a / us + b) * u + rate + 0.43);
    const int64_t k = SaturatingToInt64(x);
    if (us >= 0.07 && v <= v_r) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <=
        -rate + static_cast<double>(k) * log_rate -
            LogGamma(static_cast<double>(k) + 1)) {
      return k;
    }
  }
}

absl::StatusOr<Tensor> Poisson(const Tensor& self, Generator* generator) {
  if (!IsFloatingPoint(self.dtype())) {
    return NotImplementedFor("poisson_cpu", self.dtype());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor rates,
                          CloneContiguous(self, DType::kDouble));
  Generator& g = Pick(generator);
  double* v = rates.data<double>();
  for (int64_t i = 0; i < rates.numel(); ++i) {
    if (!(v[i] >= 0)) {
      return absl::InvalidArgumentError(
          "invalid Poisson rate, expected rate to be non-negative");
    }
    v[i] = static_cast<double>(DrawPoisson(v[i], g));
    if (i % 4096 == 4095) TANDEM_RETURN_IF_ERROR(CheckStop());
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor result,
      EmptyLike(self, self.dtype(), MemoryFormat::kContiguous));
  TANDEM_RETURN_IF_ERROR(CopyElements(rates, result));
  return result;
}

}  // namespace

void AddRandomSample(KernelRegistrar& r) {
  r.Add("aten::bernoulli", &Bernoulli)
      .Add("aten::bernoulli.out", &BernoulliOut)
      .Add("aten::bernoulli.p", &BernoulliP)
      .Add("aten::bernoulli.Tensor", &BernoulliTensor)
      .Add("aten::bernoulli.Tensor_out", &Variants<BernoulliTensor>::Out)
      .Add("aten::bernoulli.float_out", &Variants<BernoulliP>::Out)
      .Add("aten::bernoulli_.Tensor", &BernoulliTensorInPlace)
      .Add("aten::bernoulli_.float", &BernoulliInPlace)
      .Add("aten::multinomial", &Multinomial)
      .Add("aten::multinomial.out", &MultinomialOut)
      .Add("aten::poisson", &Poisson)
      .Add("aten::poisson.out", &Variants<Poisson>::Out);
}

}  // namespace tandem::reference
