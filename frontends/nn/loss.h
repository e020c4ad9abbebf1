// torch.nn.modules.loss.
#ifndef TANDEM_FRONTENDS_NN_LOSS_H_
#define TANDEM_FRONTENDS_NN_LOSS_H_

#include <cstdint>
#include <string>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

// "none", "mean" or "sum" as the operators take it.
int64_t ReductionOf(const std::string& reduction);

// forward(input, target) with a reduction alone.
#define TANDEM_LOSS(NAME)                                                 \
  class NAME : public ModuleOf<NAME> {                                    \
   public:                                                                \
    static constexpr const char* kPythonModule = "torch.nn.modules.loss"; \
    explicit NAME(std::string reduction = "mean");                        \
    Tensor forward(const Tensor& input, const Tensor& target);            \
    const std::string reduction;                                          \
  };
TANDEM_LOSS(L1Loss)
TANDEM_LOSS(MSELoss)
TANDEM_LOSS(MultiLabelMarginLoss)
TANDEM_LOSS(SoftMarginLoss)
#undef TANDEM_LOSS

// forward(input, target) with a number beside.
#define TANDEM_LOSS(NAME, NUMBER, DEFAULT)                                  \
  class NAME : public ModuleOf<NAME> {                                      \
   public:                                                                  \
    static constexpr const char* kPythonModule = "torch.nn.modules.loss";   \
    explicit NAME(std::string reduction = "mean", double NUMBER = DEFAULT); \
    Tensor forward(const Tensor& input, const Tensor& target);              \
    const std::string reduction;                                            \
    const double NUMBER;                                                    \
  };
TANDEM_LOSS(SmoothL1Loss, beta, 1)
TANDEM_LOSS(HuberLoss, delta, 1)
TANDEM_LOSS(HingeEmbeddingLoss, margin, 1)
#undef TANDEM_LOSS

// forward(input1, input2, target) with a margin.
#define TANDEM_LOSS(NAME)                                                 \
  class NAME : public ModuleOf<NAME> {                                    \
   public:                                                                \
    static constexpr const char* kPythonModule = "torch.nn.modules.loss"; \
    explicit NAME(double margin = 0, std::string reduction = "mean");     \
    Tensor forward(const Tensor& input1, const Tensor& input2,            \
                   const Tensor& target);                                 \
    const double margin;                                                  \
    const std::string reduction;                                          \
  };
TANDEM_LOSS(MarginRankingLoss)
TANDEM_LOSS(CosineEmbeddingLoss)
#undef TANDEM_LOSS

// With weights of classes, a buffer named "weight".
class CrossEntropyLoss : public ModuleOf<CrossEntropyLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit CrossEntropyLoss(Tensor weight = {}, int64_t ignore_index = -100,
                            std::string reduction = "mean",
                            double label_smoothing = 0);
  Tensor forward(const Tensor& input, const Tensor& target);
  Tensor weight;
  const int64_t ignore_index;
  const std::string reduction;
  const double label_smoothing;
};

class NLLLoss : public ModuleOf<NLLLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit NLLLoss(Tensor weight = {}, int64_t ignore_index = -100,
                   std::string reduction = "mean");
  Tensor forward(const Tensor& input, const Tensor& target);
  Tensor weight;
  const int64_t ignore_index;
  const std::string reduction;
};

class BCELoss : public ModuleOf<BCELoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit BCELoss(Tensor weight = {}, std::string reduction = "mean");
  Tensor forward(const Tensor& input, const Tensor& target);
  Tensor weight;
  const std::string reduction;
};

class BCEWithLogitsLoss : public ModuleOf<BCEWithLogitsLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit BCEWithLogitsLoss(Tensor weight = {}, std::string reduction = "mean",
                             Tensor pos_weight = {});
  Tensor forward(const Tensor& input, const Tensor& target);
  Tensor weight, pos_weight;
  const std::string reduction;
};

// `reduction` may be "batchmean" as well.
class KLDivLoss : public ModuleOf<KLDivLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit KLDivLoss(std::string reduction = "mean", bool log_target = false);
  Tensor forward(const Tensor& input, const Tensor& target);
  const std::string reduction;
  const bool log_target;
};

class PoissonNLLLoss : public ModuleOf<PoissonNLLLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit PoissonNLLLoss(bool log_input = true, bool full = false,
                          double eps = 1e-8, std::string reduction = "mean");
  Tensor forward(const Tensor& log_input, const Tensor& target);
  const bool log_input, full;
  const double eps;
  const std::string reduction;
};

class GaussianNLLLoss : public ModuleOf<GaussianNLLLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit GaussianNLLLoss(bool full = false, double eps = 1e-6,
                           std::string reduction = "mean");
  Tensor forward(const Tensor& input, const Tensor& target, const Tensor& var);
  const bool full;
  const double eps;
  const std::string reduction;
};

class MultiLabelSoftMarginLoss : public ModuleOf<MultiLabelSoftMarginLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit MultiLabelSoftMarginLoss(Tensor weight = {},
                                    std::string reduction = "mean");
  Tensor forward(const Tensor& input, const Tensor& target);
  Tensor weight;
  const std::string reduction;
};

class MultiMarginLoss : public ModuleOf<MultiMarginLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit MultiMarginLoss(int64_t p = 1, double margin = 1, Tensor weight = {},
                           std::string reduction = "mean");
  Tensor forward(const Tensor& input, const Tensor& target);
  const int64_t p;
  const double margin;
  Tensor weight;
  const std::string reduction;
};

class TripletMarginLoss : public ModuleOf<TripletMarginLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit TripletMarginLoss(double margin = 1, double p = 2, double eps = 1e-6,
                             bool swap = false, std::string reduction = "mean");
  Tensor forward(const Tensor& anchor, const Tensor& positive,
                 const Tensor& negative);
  const double margin, p, eps;
  const bool swap;
  const std::string reduction;
};

class CTCLoss : public ModuleOf<CTCLoss> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.loss";
  explicit CTCLoss(int64_t blank = 0, std::string reduction = "mean",
                   bool zero_infinity = false);
  Tensor forward(const Tensor& log_probs, const Tensor& targets,
                 const Tensor& input_lengths, const Tensor& target_lengths);
  const int64_t blank;
  const std::string reduction;
  const bool zero_infinity;
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_LOSS_H_
