#include "tandem/frontends/nn/activation.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/repr.h"

namespace tandem::nn {
namespace {

const char* Inplace(bool inplace) { return inplace ? ", inplace=True" : ""; }

// torch.nn.functional._get_softmax_dim
int64_t DimOf(const std::optional<int64_t>& dim, const Tensor& input) {
  if (dim.has_value()) return *dim;
  const int64_t rank = static_cast<int64_t>(input.dim());
  return rank == 0 || rank == 1 || rank == 3 ? 0 : 1;
}

}  // namespace

#define TANDEM_INPLACE_ACTIVATION(NAME, FUNCTION)                        \
  NAME::NAME(bool in_place) : inplace(in_place) {}                       \
  Tensor NAME::forward(const Tensor& input) {                            \
    return inplace ? eager::FUNCTION##_(input) : eager::FUNCTION(input); \
  }                                                                      \
  std::string NAME::extra_repr() const { return inplace ? "inplace=True" : ""; }
TANDEM_INPLACE_ACTIVATION(ReLU, relu)
TANDEM_INPLACE_ACTIVATION(SELU, selu)
TANDEM_INPLACE_ACTIVATION(SiLU, silu)
TANDEM_INPLACE_ACTIVATION(Mish, mish)
#undef TANDEM_INPLACE_ACTIVATION

// The text of these does not say it.
#define TANDEM_QUIET_ACTIVATION(NAME, FUNCTION)                          \
  NAME::NAME(bool in_place) : inplace(in_place) {}                       \
  Tensor NAME::forward(const Tensor& input) {                            \
    return inplace ? eager::FUNCTION##_(input) : eager::FUNCTION(input); \
  }                                                                      \
  std::string NAME::extra_repr() const { return ""; }
TANDEM_QUIET_ACTIVATION(Hardswish, hardswish)
TANDEM_QUIET_ACTIVATION(Hardsigmoid, hardsigmoid)
#undef TANDEM_QUIET_ACTIVATION

// A hardtanh, as torch.nn.ReLU6 is.
ReLU6::ReLU6(bool in_place) : inplace(in_place) {}
Tensor ReLU6::forward(const Tensor& input) {
  return inplace ? eager::hardtanh_(input, 0., 6.)
                 : eager::hardtanh(input, 0., 6.);
}
std::string ReLU6::extra_repr() const { return inplace ? "inplace=True" : ""; }

#define TANDEM_PLAIN_ACTIVATION(NAME, EXPRESSION)                  \
  NAME::NAME() {}                                                  \
  Tensor NAME::forward(const Tensor& input) { return EXPRESSION; } \
  std::string NAME::extra_repr() const { return ""; }
TANDEM_PLAIN_ACTIVATION(Sigmoid, eager::sigmoid(input))
TANDEM_PLAIN_ACTIVATION(Tanh, eager::tanh(input))
TANDEM_PLAIN_ACTIVATION(LogSigmoid, eager::log_sigmoid(input))
TANDEM_PLAIN_ACTIVATION(Softsign, input / (eager::abs(input) + 1))
TANDEM_PLAIN_ACTIVATION(Tanhshrink, input - eager::tanh(input))
#undef TANDEM_PLAIN_ACTIVATION

Softmax2d::Softmax2d() {}
Tensor Softmax2d::forward(const Tensor& input) {
  if (input.dim() != 3 && input.dim() != 4) {
    eager::Throw(absl::StrCat("Softmax2d: expected input to be 3D or 4D, got ",
                              static_cast<int64_t>(input.dim()), "D instead"));
  }
  return eager::softmax(input, -3);
}
std::string Softmax2d::extra_repr() const { return ""; }

#define TANDEM_DIM_ACTIVATION(NAME, EXPRESSION)                     \
  NAME::NAME(std::optional<int64_t> d) : dim(d) {}                  \
  Tensor NAME::forward(const Tensor& input) {                       \
    const int64_t d = DimOf(dim, input);                            \
    return EXPRESSION;                                              \
  }                                                                 \
  std::string NAME::extra_repr() const {                            \
    return absl::StrCat("dim=", dim ? absl::StrCat(*dim) : "None"); \
  }
TANDEM_DIM_ACTIVATION(Softmax, eager::softmax(input, d))
TANDEM_DIM_ACTIVATION(Softmin, eager::softmax(-input, d))
TANDEM_DIM_ACTIVATION(LogSoftmax, eager::log_softmax(input, d))
#undef TANDEM_DIM_ACTIVATION

ELU::ELU(double a, bool in_place) : alpha(a), inplace(in_place) {}
Tensor ELU::forward(const Tensor& input) {
  return inplace ? eager::elu_(input, alpha) : eager::elu(input, alpha);
}
std::string ELU::extra_repr() const {
  return absl::StrCat("alpha=", Repr(alpha), Inplace(inplace));
}

CELU::CELU(double a, bool in_place) : alpha(a), inplace(in_place) {}
Tensor CELU::forward(const Tensor& input) {
  return inplace ? eager::celu_(input, alpha) : eager::celu(input, alpha);
}
std::string CELU::extra_repr() const {
  return absl::StrCat("alpha=", Repr(alpha), Inplace(inplace));
}

GELU::GELU(std::string a) : approximate(std::move(a)) {}
Tensor GELU::forward(const Tensor& input) {
  return eager::gelu(input, approximate);
}
std::string GELU::extra_repr() const {
  return absl::StrCat("approximate=", Repr(approximate));
}

GLU::GLU(int64_t d) : dim(d) {}
Tensor GLU::forward(const Tensor& input) { return eager::glu(input, dim); }
std::string GLU::extra_repr() const { return absl::StrCat("dim=", dim); }

Hardtanh::Hardtanh(double min, double max, bool in_place)
    : min_val(min), max_val(max), inplace(in_place) {
  if (min >= max) {
    eager::Throw(absl::StrCat("max_val must be larger than min_val, but got ",
                              Repr(max), " and ", Repr(min)));
  }
}
Tensor Hardtanh::forward(const Tensor& input) {
  return inplace ? eager::hardtanh_(input, min_val, max_val)
                 : eager::hardtanh(input, min_val, max_val);
}
std::string Hardtanh::extra_repr() const {
  return absl::StrCat("min_val=", Repr(min_val), ", max_val=", Repr(max_val),
                      Inplace(inplace));
}

Hardshrink::Hardshrink(double l) : lambd(l) {}
Tensor Hardshrink::forward(const Tensor& input) {
  return eager::hardshrink(input, lambd);
}
std::string Hardshrink::extra_repr() const { return Repr(lambd); }

Softshrink::Softshrink(double l) : lambd(l) {}
Tensor Softshrink::forward(const Tensor& input) {
  return eager::softshrink(input, lambd);
}
std::string Softshrink::extra_repr() const { return Repr(lambd); }

LeakyReLU::LeakyReLU(double slope, bool in_place)
    : negative_slope(slope), inplace(in_place) {}
Tensor LeakyReLU::forward(const Tensor& input) {
  return inplace ? eager::leaky_relu_(input, negative_slope)
                 : eager::leaky_relu(input, negative_slope);
}
std::string LeakyReLU::extra_repr() const {
  return absl::StrCat("negative_slope=", Repr(negative_slope),
                      Inplace(inplace));
}

PReLU::PReLU(int64_t count, double init) : num_parameters(count) {
  weight =
      register_parameter("weight", eager::full({count}, init, DType::kFloat));
}
Tensor PReLU::forward(const Tensor& input) {
  return eager::prelu(input, weight);
}
std::string PReLU::extra_repr() const {
  return absl::StrCat("num_parameters=", num_parameters);
}

RReLU::RReLU(double l, double u, bool in_place)
    : lower(l), upper(u), inplace(in_place) {}
Tensor RReLU::forward(const Tensor& input) {
  return inplace ? eager::rrelu_(input, lower, upper, training())
                 : eager::rrelu(input, lower, upper, training());
}
std::string RReLU::extra_repr() const {
  return absl::StrCat("lower=", Repr(lower), ", upper=", Repr(upper),
                      Inplace(inplace));
}

Softplus::Softplus(double b, double t) : beta(b), threshold(t) {}
Tensor Softplus::forward(const Tensor& input) {
  return eager::softplus(input, beta, threshold);
}
std::string Softplus::extra_repr() const {
  return absl::StrCat("beta=", Repr(beta), ", threshold=", Repr(threshold));
}

Threshold::Threshold(double t, double v, bool in_place)
    : threshold(t), value(v), inplace(in_place) {}
Tensor Threshold::forward(const Tensor& input) {
  return inplace ? eager::threshold_(input, threshold, value)
                 : eager::threshold(input, threshold, value);
}
std::string Threshold::extra_repr() const {
  return absl::StrCat("threshold=", Repr(threshold), ", value=", Repr(value),
                      Inplace(inplace));
}

}  // namespace tandem::nn
