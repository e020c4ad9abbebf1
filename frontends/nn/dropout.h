// torch.nn.modules.dropout.
#ifndef TANDEM_FRONTENDS_NN_DROPOUT_H_
#define TANDEM_FRONTENDS_NN_DROPOUT_H_

#include <string>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

// Each zeroes with probability p while training.
#define TANDEM_DROPOUT(NAME)                                                 \
  class NAME : public ModuleOf<NAME> {                                       \
   public:                                                                   \
    static constexpr const char* kPythonModule = "torch.nn.modules.dropout"; \
    explicit NAME(double p = 0.5, bool inplace = false);                     \
    Tensor forward(const Tensor& input);                                     \
    std::string extra_repr() const override;                                 \
    const double p;                                                          \
    const bool inplace;                                                      \
  };
TANDEM_DROPOUT(Dropout)
TANDEM_DROPOUT(Dropout1d)
TANDEM_DROPOUT(Dropout2d)
TANDEM_DROPOUT(Dropout3d)
TANDEM_DROPOUT(AlphaDropout)
TANDEM_DROPOUT(FeatureAlphaDropout)
#undef TANDEM_DROPOUT

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_DROPOUT_H_
