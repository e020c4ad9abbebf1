// torch.nn.modules.activation, MultiheadAttention aside (attention.h).
#ifndef TANDEM_FRONTENDS_NN_ACTIVATION_H_
#define TANDEM_FRONTENDS_NN_ACTIVATION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

// What each class below has: its Python module, forward, its text.
#define TANDEM_ACTIVATION(NAME)                                               \
 public:                                                                      \
  static constexpr const char* kPythonModule = "torch.nn.modules.activation"; \
  Tensor forward(const Tensor& input);                                        \
  std::string extra_repr() const override;

// Pointwise functions without parameters but whether they work in place.
#define TANDEM_INPLACE_ACTIVATION(NAME)  \
  class NAME : public ModuleOf<NAME> {   \
    TANDEM_ACTIVATION(NAME)              \
    explicit NAME(bool inplace = false); \
    const bool inplace;                  \
  };
TANDEM_INPLACE_ACTIVATION(ReLU)
TANDEM_INPLACE_ACTIVATION(ReLU6)
TANDEM_INPLACE_ACTIVATION(SELU)
TANDEM_INPLACE_ACTIVATION(SiLU)
TANDEM_INPLACE_ACTIVATION(Mish)
TANDEM_INPLACE_ACTIVATION(Hardswish)
TANDEM_INPLACE_ACTIVATION(Hardsigmoid)
#undef TANDEM_INPLACE_ACTIVATION

// Without anything.
#define TANDEM_PLAIN_ACTIVATION(NAME)  \
  class NAME : public ModuleOf<NAME> { \
    TANDEM_ACTIVATION(NAME)            \
    NAME();                            \
  };
TANDEM_PLAIN_ACTIVATION(Sigmoid)
TANDEM_PLAIN_ACTIVATION(Tanh)
TANDEM_PLAIN_ACTIVATION(LogSigmoid)
TANDEM_PLAIN_ACTIVATION(Softsign)
TANDEM_PLAIN_ACTIVATION(Tanhshrink)
TANDEM_PLAIN_ACTIVATION(Softmax2d)
#undef TANDEM_PLAIN_ACTIVATION

// Over a dim; without one, dim 0 for tensors of 0, 1 and 3 dims, 1 for others.
#define TANDEM_DIM_ACTIVATION(NAME)                           \
  class NAME : public ModuleOf<NAME> {                        \
    TANDEM_ACTIVATION(NAME)                                   \
    explicit NAME(std::optional<int64_t> dim = std::nullopt); \
    const std::optional<int64_t> dim;                         \
  };
TANDEM_DIM_ACTIVATION(Softmax)
TANDEM_DIM_ACTIVATION(Softmin)
TANDEM_DIM_ACTIVATION(LogSoftmax)
#undef TANDEM_DIM_ACTIVATION

class ELU : public ModuleOf<ELU> {
  TANDEM_ACTIVATION(ELU)
  explicit ELU(double alpha = 1, bool inplace = false);
  const double alpha;
  const bool inplace;
};

class CELU : public ModuleOf<CELU> {
  TANDEM_ACTIVATION(CELU)
  explicit CELU(double alpha = 1, bool inplace = false);
  const double alpha;
  const bool inplace;
};

// `approximate`: "none" or "tanh".
class GELU : public ModuleOf<GELU> {
  TANDEM_ACTIVATION(GELU)
  explicit GELU(std::string approximate = "none");
  const std::string approximate;
};

class GLU : public ModuleOf<GLU> {
  TANDEM_ACTIVATION(GLU)
  explicit GLU(int64_t dim = -1);
  const int64_t dim;
};

class Hardtanh : public ModuleOf<Hardtanh> {
  TANDEM_ACTIVATION(Hardtanh)
  explicit Hardtanh(double min_val = -1, double max_val = 1,
                    bool inplace = false);
  const double min_val, max_val;
  const bool inplace;
};

class Hardshrink : public ModuleOf<Hardshrink> {
  TANDEM_ACTIVATION(Hardshrink)
  explicit Hardshrink(double lambd = 0.5);
  const double lambd;
};

class Softshrink : public ModuleOf<Softshrink> {
  TANDEM_ACTIVATION(Softshrink)
  explicit Softshrink(double lambd = 0.5);
  const double lambd;
};

class LeakyReLU : public ModuleOf<LeakyReLU> {
  TANDEM_ACTIVATION(LeakyReLU)
  explicit LeakyReLU(double negative_slope = 0.01, bool inplace = false);
  const double negative_slope;
  const bool inplace;
};

class PReLU : public ModuleOf<PReLU> {
  TANDEM_ACTIVATION(PReLU)
  explicit PReLU(int64_t num_parameters = 1, double init = 0.25);
  const int64_t num_parameters;
  Tensor weight;
};

// Random slopes while training, their mean otherwise.
class RReLU : public ModuleOf<RReLU> {
  TANDEM_ACTIVATION(RReLU)
  explicit RReLU(double lower = 1. / 8, double upper = 1. / 3,
                 bool inplace = false);
  const double lower, upper;
  const bool inplace;
};

class Softplus : public ModuleOf<Softplus> {
  TANDEM_ACTIVATION(Softplus)
  explicit Softplus(double beta = 1, double threshold = 20);
  const double beta, threshold;
};

class Threshold : public ModuleOf<Threshold> {
  TANDEM_ACTIVATION(Threshold)
  Threshold(double threshold, double value, bool inplace = false);
  const double threshold, value;
  const bool inplace;
};
#undef TANDEM_ACTIVATION

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_ACTIVATION_H_
