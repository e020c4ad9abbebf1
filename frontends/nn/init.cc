#include "tandem/frontends/nn/init.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/eager/recorder.h"

namespace tandem::nn::init {
namespace {

using eager::Throw;

thread_local bool skipped = false;

// Filling is no part of any recording, and needs no gradient.
class Quiet {
 public:
  explicit Quiet(const Tensor& t) : none_(nullptr), tensor_(t) {}

 private:
  const eager::ScopedRecorder none_;
  const Tensor tensor_;
};

double Fan(const Tensor& t, absl::string_view mode) {
  const auto [in, out] = calculate_fans(t);
  if (mode == "fan_in") return static_cast<double>(in);
  if (mode == "fan_out") return static_cast<double>(out);
  Throw(absl::StrCat("Mode ", mode,
                     " not supported, please use one of ['fan_in', "
                     "'fan_out']"));
}

}  // namespace

SkipInit::SkipInit() : previous_(skipped) { skipped = true; }
SkipInit::~SkipInit() { skipped = previous_; }

Tensor uniform_(const Tensor& t, double a, double b) {
  if (skipped) return t;
  const Quiet quiet(t);
  return t.uniform_(a, b);
}

Tensor normal_(const Tensor& t, double mean, double std) {
  if (skipped) return t;
  const Quiet quiet(t);
  return t.normal_(mean, std);
}

// Since PyTorch 2.0: the inverse of the normal distribution function on
// uniform draws.
Tensor trunc_normal_(const Tensor& t, double mean, double std, double a,
                     double b) {
  if (skipped) return t;
  const Quiet quiet(t);
  const auto cdf = [](double x) {
    return (1. + std::erf(x / std::sqrt(2.))) / 2.;
  };
  const double l = cdf((a - mean) / std), u = cdf((b - mean) / std);
  t.uniform_(2 * l - 1, 2 * u - 1);
  t.erfinv_();
  t.mul_(std * std::sqrt(2.));
  t.add_(mean);
  t.clamp_(a, b);
  return t;
}

Tensor constant_(const Tensor& t, double value) {
  if (skipped) return t;
  const Quiet quiet(t);
  return t.fill_(value);
}
Tensor ones_(const Tensor& t) { return constant_(t, 1); }
Tensor zeros_(const Tensor& t) {
  if (skipped) return t;
  const Quiet quiet(t);
  return t.zero_();
}

Tensor eye_(const Tensor& t) {
  if (skipped) return t;
  const Quiet quiet(t);
  if (t.raw().dim() != 2) {
    Throw("Only tensors with 2 dimensions are supported");
  }
  return t.copy_(eager::eye(t.raw().size(0), t.raw().size(1)));
}

std::pair<int64_t, int64_t> calculate_fans(const Tensor& t) {
  if (t.raw().dim() < 2) {
    Throw(
        "Fan in and fan out can not be computed for tensor with fewer than 2 "
        "dimensions");
  }
  int64_t field = 1;
  for (int64_t d = 2; d < t.raw().dim(); ++d) field *= t.raw().size(d);
  return {t.raw().size(1) * field, t.raw().size(0) * field};
}

double calculate_gain(absl::string_view nonlinearity, double param) {
  if (nonlinearity == "linear" || nonlinearity == "sigmoid" ||
      nonlinearity == "conv1d" || nonlinearity == "conv2d" ||
      nonlinearity == "conv3d" || nonlinearity == "conv_transpose1d" ||
      nonlinearity == "conv_transpose2d" ||
      nonlinearity == "conv_transpose3d") {
    return 1;
  }
  if (nonlinearity == "tanh") return 5.0 / 3;
  if (nonlinearity == "relu") return std::sqrt(2.0);
  if (nonlinearity == "leaky_relu") {
    return std::sqrt(2.0 / (1 + param * param));
  }
  if (nonlinearity == "selu") return 3.0 / 4;
  Throw(absl::StrCat("Unsupported nonlinearity ", nonlinearity));
}

Tensor xavier_uniform_(const Tensor& t, double gain) {
  const auto [in, out] = calculate_fans(t);
  const double std = gain * std::sqrt(2.0 / static_cast<double>(in + out));
  const double a = std::sqrt(3.0) * std;
  return init::uniform_(t, -a, a);
}

Tensor xavier_normal_(const Tensor& t, double gain) {
  const auto [in, out] = calculate_fans(t);
  return init::normal_(t, 0,
                       gain * std::sqrt(2.0 / static_cast<double>(in + out)));
}

Tensor kaiming_uniform_(const Tensor& t, double a, absl::string_view mode,
                        absl::string_view nonlinearity) {
  if (t.raw().numel() == 0) return t;
  const double std = calculate_gain(nonlinearity, a) / std::sqrt(Fan(t, mode));
  const double bound = std::sqrt(3.0) * std;
  return init::uniform_(t, -bound, bound);
}

Tensor kaiming_normal_(const Tensor& t, double a, absl::string_view mode,
                       absl::string_view nonlinearity) {
  if (t.raw().numel() == 0) return t;
  return init::normal_(
      t, 0, calculate_gain(nonlinearity, a) / std::sqrt(Fan(t, mode)));
}

Tensor orthogonal_(const Tensor& t, double gain) {
  if (skipped) return t;
  const Quiet quiet(t);
  if (t.raw().dim() < 2) {
    Throw("Only tensors with 2 or more dimensions are supported");
  }
  if (t.raw().numel() == 0) return t;
  const int64_t rows = t.raw().size(0);
  const int64_t columns = t.raw().numel() / rows;
  Tensor flat = eager::empty({rows, columns}, t.raw().dtype()).normal_(0, 1);
  if (rows < columns) flat.t_();
  auto [q, r] = eager::linalg_qr(flat);
  q *= eager::sign(eager::diag(r, 0));
  if (rows < columns) q.t_();
  t.view_as(q).copy_(q);
  return t.mul_(gain);
}

}  // namespace tandem::nn::init
