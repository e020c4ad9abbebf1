// torch.nn.modules.batchnorm, instancenorm and normalization.
#ifndef TANDEM_FRONTENDS_NN_NORMALIZATION_H_
#define TANDEM_FRONTENDS_NN_NORMALIZATION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;  // none: a cumulative average
  bool affine = true;
  bool track_running_stats = true;
};

// Base of batch and instance norms: not a module by itself.
class NormBase : public Module {
 public:
  NormBase(int64_t num_features, const BatchNormOptions& options);
  std::string extra_repr() const override;

  const int64_t num_features;
  const BatchNormOptions options;
  Tensor weight, bias;               // [num_features], undefined if not affine
  Tensor running_mean, running_var;  // undefined if not tracked
  Tensor num_batches_tracked;

 protected:
  int64_t state_version() const override { return 2; }
  // Ranks from `low` to `high` are taken.
  Tensor NormalizeBatch(const Tensor& input, int64_t low, int64_t high);
  // The rank without a batch is `unbatched`.
  Tensor NormalizeInstances(const Tensor& input, int64_t unbatched);
};

#define TANDEM_NORM(NAME, MODULE, DEFAULTS)                                  \
  class NAME : public ModuleOf<NAME, NormBase> {                             \
   public:                                                                   \
    static constexpr const char* kPythonModule = "torch.nn.modules." MODULE; \
    explicit NAME(int64_t num_features,                                      \
                  const BatchNormOptions& options = DEFAULTS);               \
    Tensor forward(const Tensor& input);                                     \
  };
TANDEM_NORM(BatchNorm1d, "batchnorm", {})
TANDEM_NORM(BatchNorm2d, "batchnorm", {})
TANDEM_NORM(BatchNorm3d, "batchnorm", {})
inline BatchNormOptions InstanceNormDefaults() {
  BatchNormOptions o;
  o.affine = o.track_running_stats = false;
  return o;
}
TANDEM_NORM(InstanceNorm1d, "instancenorm", InstanceNormDefaults())
TANDEM_NORM(InstanceNorm2d, "instancenorm", InstanceNormDefaults())
TANDEM_NORM(InstanceNorm3d, "instancenorm", InstanceNormDefaults())
#undef TANDEM_NORM

class LayerNorm : public ModuleOf<LayerNorm> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.normalization";
  explicit LayerNorm(const IntList& normalized_shape, double eps = 1e-5,
                     bool elementwise_affine = true, bool bias = true);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;

  const Dims normalized_shape;
  const double eps;
  const bool elementwise_affine;
  Tensor weight, bias;
};

class GroupNorm : public ModuleOf<GroupNorm> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.normalization";
  GroupNorm(int64_t num_groups, int64_t num_channels, double eps = 1e-5,
            bool affine = true);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;

  const int64_t num_groups, num_channels;
  const double eps;
  const bool affine;
  Tensor weight, bias;
};

class RMSNorm : public ModuleOf<RMSNorm> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.normalization";
  // Without eps: the smallest step of the input's dtype.
  explicit RMSNorm(const IntList& normalized_shape,
                   std::optional<double> eps = std::nullopt,
                   bool elementwise_affine = true);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;

  const Dims normalized_shape;
  const std::optional<double> eps;
  const bool elementwise_affine;
  Tensor weight;
};

class LocalResponseNorm : public ModuleOf<LocalResponseNorm> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.normalization";
  explicit LocalResponseNorm(int64_t size, double alpha = 1e-4,
                             double beta = 0.75, double k = 1);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;

  const int64_t size;
  const double alpha, beta, k;
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_NORMALIZATION_H_
