// torch.nn.modules.conv.
#ifndef TANDEM_FRONTENDS_NN_CONV_H_
#define TANDEM_FRONTENDS_NN_CONV_H_

#include <cstdint>
#include <optional>
#include <string>

#include "tandem/frontends/nn/module.h"

namespace tandem::nn {

// "padding" of a convolution: sizes, or "same" or "valid".
class ConvPadding {
 public:
  ConvPadding(IntList sizes) : sizes_(std::move(sizes)) {}  // NOLINT
  template <typename T, std::enable_if_t<eager::kIsInteger<T>, int> = 0>
  ConvPadding(T size) : sizes_(size) {}                             // NOLINT
  ConvPadding(std::initializer_list<Int> sizes) : sizes_(sizes) {}  // NOLINT
  ConvPadding(const char* name) : name_(name) {}                    // NOLINT
  const IntList& sizes() const { return sizes_; }
  const std::string& name() const { return name_; }

 private:
  IntList sizes_;
  std::string name_;
};

// What convolutions are made of, beside channels and kernel. One number stands
// for all dims.
struct ConvOptions {
  IntList stride = 1;
  ConvPadding padding = 0;
  IntList dilation = 1;
  int64_t groups = 1;
  bool bias = true;
  std::string padding_mode = "zeros";  // "reflect", "replicate", "circular"
  IntList output_padding = 0;          // of transposed ones
};

// Base of all: not a module by itself.
class ConvBase : public Module {
 public:
  ConvBase(int64_t rank, bool transposed, int64_t in_channels,
           int64_t out_channels, const IntList& kernel_size,
           const ConvOptions& options);
  std::string extra_repr() const override;
  void reset_parameters();

  const int64_t rank, in_channels, out_channels, groups;
  const bool transposed;
  const Dims kernel_size, stride, dilation, output_padding;
  const Dims padding;              // empty with a padding by name
  const std::string padding_name;  // "same", "valid" or empty
  const std::string padding_mode;
  Tensor
      weight;  // [out, in / groups, k...], transposed [in, out / groups, k...]
  Tensor bias;

 protected:
  Tensor Convolve(const Tensor& input);
  // Of a transposed one; `output_size` (spatial, or whole) chooses among the
  // sizes that a stride allows.
  Tensor ConvolveTransposed(const Tensor& input, const IntList* output_size);
};

#define TANDEM_CONV(NAME, RANK)                                           \
  class NAME : public ModuleOf<NAME, ConvBase> {                          \
   public:                                                                \
    static constexpr const char* kPythonModule = "torch.nn.modules.conv"; \
    NAME(int64_t in_channels, int64_t out_channels,                       \
         const IntList& kernel_size, const ConvOptions& options = {});    \
    Tensor forward(const Tensor& input);                                  \
  };                                                                      \
  class ConvTranspose##RANK##d                                            \
      : public ModuleOf<ConvTranspose##RANK##d, ConvBase> {               \
   public:                                                                \
    static constexpr const char* kPythonModule = "torch.nn.modules.conv"; \
    ConvTranspose##RANK##d(int64_t in_channels, int64_t out_channels,     \
                           const IntList& kernel_size,                    \
                           const ConvOptions& options = {});              \
    Tensor forward(const Tensor& input,                                   \
                   const std::optional<IntList>& output_size = {});       \
  };
TANDEM_CONV(Conv1d, 1)
TANDEM_CONV(Conv2d, 2)
TANDEM_CONV(Conv3d, 3)
#undef TANDEM_CONV

}  // namespace tandem::nn

#endif  // TANDEM_FRONTENDS_NN_CONV_H_
