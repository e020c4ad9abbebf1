// torch.nn.modules.linear.
#ifndef TANDEM_FRONTENDS_NN_LINEAR_H_
#define TANDEM_FRONTENDS_NN_LINEAR_H_

#include <cstdint>
#include <string>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

// y = x A^T + b over the last dim.
class Linear : public ModuleOf<Linear> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.linear";
  Linear(int64_t in_features, int64_t out_features, bool bias = true);
  Tensor forward(const Tensor& input);
  void reset_parameters();
  std::string extra_repr() const override;

  const int64_t in_features, out_features;
  Tensor weight;  // [out, in]
  Tensor bias;    // [out], undefined without
};

// y = x1^T A x2 + b.
class Bilinear : public ModuleOf<Bilinear> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.linear";
  Bilinear(int64_t in1_features, int64_t in2_features, int64_t out_features,
           bool bias = true);
  Tensor forward(const Tensor& input1, const Tensor& input2);
  std::string extra_repr() const override;

  const int64_t in1_features, in2_features, out_features;
  Tensor weight;  // [out, in1, in2]
  Tensor bias;
};

// Gives what it gets.
class Identity : public ModuleOf<Identity> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.linear";
  Tensor forward(const Tensor& input) { return input; }
};

// What a MultiheadAttention holds as out_proj.
class NonDynamicallyQuantizableLinear
    : public ModuleOf<NonDynamicallyQuantizableLinear, Linear> {
 public:
  using ModuleOf::ModuleOf;
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_LINEAR_H_
