// torch.nn.modules.pooling.
#ifndef TANDEM_FRONTENDS_NN_POOLING_H_
#define TANDEM_FRONTENDS_NN_POOLING_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

#define TANDEM_POOL_MEMBERS                                                \
 public:                                                                   \
  static constexpr const char* kPythonModule = "torch.nn.modules.pooling"; \
  std::string extra_repr() const override;

// An empty stride is the kernel's size. One number stands for all dims.
struct MaxPoolOptions {
  IntList stride;
  IntList padding = 0;
  IntList dilation = 1;
  bool ceil_mode = false;
};

#define TANDEM_MAX_POOL(NAME)                                     \
  class NAME : public ModuleOf<NAME> {                            \
    TANDEM_POOL_MEMBERS                                           \
    explicit NAME(const IntList& kernel_size,                     \
                  const MaxPoolOptions& options = {});            \
    Tensor forward(const Tensor& input);                          \
    /* As with return_indices=True: (values, indices). */         \
    std::tuple<Tensor, Tensor> with_indices(const Tensor& input); \
    const IntList kernel_size, stride;                            \
    const MaxPoolOptions options;                                 \
  };
TANDEM_MAX_POOL(MaxPool1d)
TANDEM_MAX_POOL(MaxPool2d)
TANDEM_MAX_POOL(MaxPool3d)
#undef TANDEM_MAX_POOL

struct AvgPoolOptions {
  IntList stride;
  IntList padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::optional<int64_t> divisor_override;  // of 2 and 3 dims
};

#define TANDEM_AVG_POOL(NAME)                          \
  class NAME : public ModuleOf<NAME> {                 \
    TANDEM_POOL_MEMBERS                                \
    explicit NAME(const IntList& kernel_size,          \
                  const AvgPoolOptions& options = {}); \
    Tensor forward(const Tensor& input);               \
    const IntList kernel_size, stride;                 \
    const AvgPoolOptions options;                      \
  };
TANDEM_AVG_POOL(AvgPool1d)
TANDEM_AVG_POOL(AvgPool2d)
TANDEM_AVG_POOL(AvgPool3d)
#undef TANDEM_AVG_POOL

#define TANDEM_ADAPTIVE_POOL(NAME)             \
  class NAME : public ModuleOf<NAME> {         \
    TANDEM_POOL_MEMBERS                        \
    explicit NAME(const IntList& output_size); \
    Tensor forward(const Tensor& input);       \
    const IntList output_size;                 \
  };
TANDEM_ADAPTIVE_POOL(AdaptiveAvgPool1d)
TANDEM_ADAPTIVE_POOL(AdaptiveAvgPool2d)
TANDEM_ADAPTIVE_POOL(AdaptiveAvgPool3d)
TANDEM_ADAPTIVE_POOL(AdaptiveMaxPool1d)
TANDEM_ADAPTIVE_POOL(AdaptiveMaxPool2d)
TANDEM_ADAPTIVE_POOL(AdaptiveMaxPool3d)
#undef TANDEM_ADAPTIVE_POOL

// The norm of each window: (sum of x^p)^(1/p).
#define TANDEM_LP_POOL(NAME)                                  \
  class NAME : public ModuleOf<NAME> {                        \
    TANDEM_POOL_MEMBERS                                       \
    NAME(double norm_type, const IntList& kernel_size,        \
         const IntList& stride = {}, bool ceil_mode = false); \
    Tensor forward(const Tensor& input);                      \
    const double norm_type;                                   \
    const IntList kernel_size, stride;                        \
    const bool ceil_mode;                                     \
  };
TANDEM_LP_POOL(LPPool1d)
TANDEM_LP_POOL(LPPool2d)
#undef TANDEM_LP_POOL

// Puts values back where a max pool took them.
#define TANDEM_MAX_UNPOOL(NAME)                                           \
  class NAME : public ModuleOf<NAME> {                                    \
    TANDEM_POOL_MEMBERS                                                   \
    explicit NAME(const IntList& kernel_size, const IntList& stride = {}, \
                  const IntList& padding = 0);                            \
    Tensor forward(const Tensor& input, const Tensor& indices,            \
                   const std::optional<IntList>& output_size = {});       \
    const Dims kernel_size, stride, padding;                              \
  };
TANDEM_MAX_UNPOOL(MaxUnpool1d)
TANDEM_MAX_UNPOOL(MaxUnpool2d)
TANDEM_MAX_UNPOOL(MaxUnpool3d)
#undef TANDEM_MAX_UNPOOL
#undef TANDEM_POOL_MEMBERS

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_POOLING_H_
