#include "tandem/frontends/nn/linear.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/init.h"

namespace tandem::nn {
namespace {

const char* PythonBool(bool b) { return b ? "True" : "False"; }

}  // namespace

Linear::Linear(int64_t in, int64_t out, bool has_bias)
    : in_features(in), out_features(out) {
  weight = register_parameter("weight", eager::empty({out, in}));
  bias = register_parameter("bias", has_bias ? eager::empty({out}) : Tensor());
  reset_parameters();
}

void Linear::reset_parameters() {
  init::kaiming_uniform_(weight, std::sqrt(5.));
  if (!bias.defined()) return;
  const double bound =
      in_features > 0 ? 1 / std::sqrt(static_cast<double>(in_features)) : 0;
  init::uniform_(bias, -bound, bound);
}

Tensor Linear::forward(const Tensor& input) {
  return eager::linear(input, weight, bias);
}

std::string Linear::extra_repr() const {
  return absl::StrCat("in_features=", in_features,
                      ", out_features=", out_features,
                      ", bias=", PythonBool(bias.defined()));
}

Bilinear::Bilinear(int64_t in1, int64_t in2, int64_t out, bool has_bias)
    : in1_features(in1), in2_features(in2), out_features(out) {
  if (in1 <= 0) {
    eager::Throw(absl::StrCat("in1_features must be > 0, but got ", in1));
  }
  weight = register_parameter("weight", eager::empty({out, in1, in2}));
  bias = register_parameter("bias", has_bias ? eager::empty({out}) : Tensor());
  const double bound = 1 / std::sqrt(static_cast<double>(in1));
  init::uniform_(weight, -bound, bound);
  if (has_bias) init::uniform_(bias, -bound, bound);
}

Tensor Bilinear::forward(const Tensor& input1, const Tensor& input2) {
  return eager::bilinear(input1, input2, weight, bias);
}

std::string Bilinear::extra_repr() const {
  return absl::StrCat(
      "in1_features=", in1_features, ", in2_features=", in2_features,
      ", out_features=", out_features, ", bias=", PythonBool(bias.defined()));
}

}  // namespace tandem::nn
