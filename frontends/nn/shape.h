// Layers that move elements: torch.nn.modules.flatten, padding, pixelshuffle,
// channelshuffle, fold, upsampling; and distances.
#ifndef TANDEM_FRONTENDS_NN_SHAPE_H_
#define TANDEM_FRONTENDS_NN_SHAPE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

class Flatten : public ModuleOf<Flatten> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.flatten";
  explicit Flatten(int64_t start_dim = 1, int64_t end_dim = -1);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;
  const int64_t start_dim, end_dim;
};

class Unflatten : public ModuleOf<Unflatten> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.flatten";
  Unflatten(int64_t dim, const IntList& unflattened_size);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;
  const int64_t dim;
  const Dims unflattened_size;
};

// Pads the last dims; one number stands for both ends of all.
#define TANDEM_PAD(NAME)                                                     \
  class NAME : public ModuleOf<NAME> {                                       \
   public:                                                                   \
    static constexpr const char* kPythonModule = "torch.nn.modules.padding"; \
    explicit NAME(const IntList& padding);                                   \
    Tensor forward(const Tensor& input);                                     \
    std::string extra_repr() const override;                                 \
    const Dims padding;                                                      \
  };
TANDEM_PAD(ZeroPad1d)
TANDEM_PAD(ZeroPad2d)
TANDEM_PAD(ZeroPad3d)
TANDEM_PAD(ReflectionPad1d)
TANDEM_PAD(ReflectionPad2d)
TANDEM_PAD(ReflectionPad3d)
TANDEM_PAD(ReplicationPad1d)
TANDEM_PAD(ReplicationPad2d)
TANDEM_PAD(ReplicationPad3d)
TANDEM_PAD(CircularPad1d)
TANDEM_PAD(CircularPad2d)
TANDEM_PAD(CircularPad3d)
#undef TANDEM_PAD
#define TANDEM_CONSTANT_PAD(NAME)                                            \
  class NAME : public ModuleOf<NAME> {                                       \
   public:                                                                   \
    static constexpr const char* kPythonModule = "torch.nn.modules.padding"; \
    NAME(const IntList& padding, double value);                              \
    Tensor forward(const Tensor& input);                                     \
    std::string extra_repr() const override;                                 \
    const Dims padding;                                                      \
    const double value;                                                      \
  };
TANDEM_CONSTANT_PAD(ConstantPad1d)
TANDEM_CONSTANT_PAD(ConstantPad2d)
TANDEM_CONSTANT_PAD(ConstantPad3d)
#undef TANDEM_CONSTANT_PAD

class PixelShuffle : public ModuleOf<PixelShuffle> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.pixelshuffle";
  explicit PixelShuffle(int64_t upscale_factor);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;
  const int64_t upscale_factor;
};

class PixelUnshuffle : public ModuleOf<PixelUnshuffle> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.pixelshuffle";
  explicit PixelUnshuffle(int64_t downscale_factor);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;
  const int64_t downscale_factor;
};

class ChannelShuffle : public ModuleOf<ChannelShuffle> {
 public:
  static constexpr const char* kPythonModule =
      "torch.nn.modules.channelshuffle";
  explicit ChannelShuffle(int64_t groups);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;
  const int64_t groups;
};

struct FoldOptions {
  IntList dilation = 1;
  IntList padding = 0;
  IntList stride = 1;
};

// im2col: [N, C, H, W] to [N, C * kernel, positions].
class Unfold : public ModuleOf<Unfold> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.fold";
  explicit Unfold(const IntList& kernel_size, const FoldOptions& options = {});
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;
  const IntList kernel_size;
  const FoldOptions options;
};

// col2im: the sum of what Unfold took apart.
class Fold : public ModuleOf<Fold> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.fold";
  Fold(const IntList& output_size, const IntList& kernel_size,
       const FoldOptions& options = {});
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;
  const IntList output_size, kernel_size;
  const FoldOptions options;
};

struct UpsampleOptions {
  std::optional<IntList> size;
  std::vector<double> scale_factor;  // one for all dims or one each
  std::string mode = "nearest";      // linear, bilinear, bicubic, trilinear
  std::optional<bool> align_corners;
  bool recompute_scale_factor = false;
};

class Upsample : public ModuleOf<Upsample> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.upsampling";
  explicit Upsample(UpsampleOptions options);
  Tensor forward(const Tensor& input);
  std::string extra_repr() const override;
  const UpsampleOptions options;
};

// torch.nn.functional.interpolate, "area" and "nearest-exact" included.
Tensor interpolate(const Tensor& input, const UpsampleOptions& options);

class CosineSimilarity : public ModuleOf<CosineSimilarity> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.distance";
  explicit CosineSimilarity(int64_t dim = 1, double eps = 1e-8);
  Tensor forward(const Tensor& x1, const Tensor& x2);
  const int64_t dim;
  const double eps;
};

class PairwiseDistance : public ModuleOf<PairwiseDistance> {
 public:
  static constexpr const char* kPythonModule = "torch.nn.modules.distance";
  explicit PairwiseDistance(double p = 2, double eps = 1e-6,
                            bool keepdim = false);
  Tensor forward(const Tensor& x1, const Tensor& x2);
  const double norm, eps;
  const bool keepdim;
};

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_SHAPE_H_
