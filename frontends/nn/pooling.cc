#include "tandem/frontends/nn/pooling.h"

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/repr.h"
#include "tandem/tensor/print.h"

namespace tandem::nn {
namespace {

IntList StrideOr(const IntList& stride, const IntList& kernel) {
  return stride.empty() ? kernel : stride;
}

// torch.nn.functional._unpool_output_size
IntList UnpooledSize(const Tensor& input, const Dims& kernel,
                     const Dims& stride, const Dims& padding,
                     const std::optional<IntList>& output_size) {
  const int64_t rank = static_cast<int64_t>(kernel.size());
  const Dims sizes = input.sizes().ToDims();
  const int64_t lead = static_cast<int64_t>(sizes.size()) - rank;
  Dims least(rank);
  for (int64_t d = 0; d < rank; ++d) {
    least[d] = (sizes[lead + d] - 1) * stride[d] + kernel[d] - 2 * padding[d];
  }
  if (!output_size.has_value()) return least;
  Dims wanted = output_size->ToDims();
  if (static_cast<int64_t>(wanted.size()) == rank + 2) {
    wanted.erase(wanted.begin(), wanted.begin() + 2);
  }
  if (static_cast<int64_t>(wanted.size()) != rank) {
    eager::Throw(absl::StrCat(
        "output_size should be a sequence containing ", rank, " or ", rank + 2,
        " elements, but it has a length of '", wanted.size(), "'"));
  }
  for (int64_t d = 0; d < rank; ++d) {
    if (wanted[d] <= least[d] - stride[d] ||
        wanted[d] >= least[d] + stride[d]) {
      eager::Throw(absl::StrCat("invalid output_size \"", Repr(wanted),
                                "\" (dim ", d, " must be between ",
                                least[d] - stride[d], " and ",
                                least[d] + stride[d], ")"));
    }
  }
  return wanted;
}

// What torch.nn.functional.lp_pool makes of the mean of powers.
Tensor LpOfMean(const Tensor& mean, double norm_type, int64_t window) {
  return (eager::sign(mean) * eager::relu(eager::abs(mean)))
      .mul(static_cast<double>(window))
      .pow(1.0 / norm_type);
}

}  // namespace

#define TANDEM_MAX_POOL(NAME, FUNCTION)                                        \
  NAME::NAME(const IntList& kernel, const MaxPoolOptions& o)                   \
      : kernel_size(kernel), stride(StrideOr(o.stride, kernel)), options(o) {} \
  Tensor NAME::forward(const Tensor& input) {                                  \
    return eager::FUNCTION(input, kernel_size, stride, options.padding,        \
                           options.dilation, options.ceil_mode);               \
  }                                                                            \
  std::tuple<Tensor, Tensor> NAME::with_indices(const Tensor& input) {         \
    return eager::FUNCTION##_with_indices(input, kernel_size, stride,          \
                                          options.padding, options.dilation,   \
                                          options.ceil_mode);                  \
  }                                                                            \
  std::string NAME::extra_repr() const {                                       \
    return absl::StrCat("kernel_size=", Repr(kernel_size),                     \
                        ", stride=", Repr(stride),                             \
                        ", padding=", Repr(options.padding),                   \
                        ", dilation=", Repr(options.dilation),                 \
                        ", ceil_mode=", Repr(options.ceil_mode));              \
  }
TANDEM_MAX_POOL(MaxPool1d, max_pool1d)
TANDEM_MAX_POOL(MaxPool2d, max_pool2d)
TANDEM_MAX_POOL(MaxPool3d, max_pool3d)
#undef TANDEM_MAX_POOL

#define TANDEM_AVG_POOL(NAME, RANK, CALL)                                      \
  NAME::NAME(const IntList& kernel, const AvgPoolOptions& o)                   \
      : kernel_size(kernel), stride(StrideOr(o.stride, kernel)), options(o) {} \
  Tensor NAME::forward(const Tensor& input) { return CALL; }                   \
  std::string NAME::extra_repr() const {                                       \
    const auto text = [](const IntList& v) {                                   \
      return RANK == 1 ? Repr(Ntuple(v, 1)) : Repr(v);                         \
    };                                                                         \
    return absl::StrCat("kernel_size=", text(kernel_size),                     \
                        ", stride=", text(stride),                             \
                        ", padding=", text(options.padding));                  \
  }
TANDEM_AVG_POOL(AvgPool1d, 1,
                eager::avg_pool1d(input, kernel_size, stride, options.padding,
                                  options.ceil_mode, options.count_include_pad))
TANDEM_AVG_POOL(AvgPool2d, 2,
                eager::avg_pool2d(input, kernel_size, stride, options.padding,
                                  options.ceil_mode, options.count_include_pad,
                                  options.divisor_override))
TANDEM_AVG_POOL(AvgPool3d, 3,
                eager::avg_pool3d(input, kernel_size, stride, options.padding,
                                  options.ceil_mode, options.count_include_pad,
                                  options.divisor_override))
#undef TANDEM_AVG_POOL

#define TANDEM_ADAPTIVE_POOL(NAME, CALL)                     \
  NAME::NAME(const IntList& size) : output_size(size) {}     \
  Tensor NAME::forward(const Tensor& input) { return CALL; } \
  std::string NAME::extra_repr() const {                     \
    return absl::StrCat("output_size=", Repr(output_size));  \
  }
TANDEM_ADAPTIVE_POOL(AdaptiveAvgPool1d,
                     eager::adaptive_avg_pool1d(input, output_size))
TANDEM_ADAPTIVE_POOL(AdaptiveAvgPool2d,
                     eager::adaptive_avg_pool2d(input, output_size))
TANDEM_ADAPTIVE_POOL(AdaptiveAvgPool3d,
                     eager::adaptive_avg_pool3d(input, output_size))
TANDEM_ADAPTIVE_POOL(AdaptiveMaxPool1d,
                     std::get<0>(eager::adaptive_max_pool1d(input,
                                                            output_size)))
TANDEM_ADAPTIVE_POOL(AdaptiveMaxPool2d,
                     std::get<0>(eager::adaptive_max_pool2d(input,
                                                            output_size)))
TANDEM_ADAPTIVE_POOL(AdaptiveMaxPool3d,
                     std::get<0>(eager::adaptive_max_pool3d(input,
                                                            output_size)))
#undef TANDEM_ADAPTIVE_POOL

#define TANDEM_LP_POOL(NAME, RANK)                                             \
  NAME::NAME(double p, const IntList& kernel, const IntList& s, bool ceil)     \
      : norm_type(p), kernel_size(kernel), stride(s), ceil_mode(ceil) {}       \
  Tensor NAME::forward(const Tensor& input) {                                  \
    int64_t window = 1;                                                        \
    for (const int64_t k : Ntuple(kernel_size, RANK)) window *= k;             \
    return LpOfMean(                                                           \
        eager::avg_pool##RANK##d(input.pow(norm_type), kernel_size, stride, 0, \
                                 ceil_mode),                                   \
        norm_type, window);                                                    \
  }                                                                            \
  std::string NAME::extra_repr() const {                                       \
    return absl::StrCat("norm_type=", ShortestDouble(norm_type),               \
                        ", kernel_size=", Repr(kernel_size),                   \
                        ", stride=", stride.empty() ? "None" : Repr(stride),   \
                        ", ceil_mode=", Repr(ceil_mode));                      \
  }
TANDEM_LP_POOL(LPPool1d, 1)
TANDEM_LP_POOL(LPPool2d, 2)
#undef TANDEM_LP_POOL

#define TANDEM_MAX_UNPOOL(NAME, RANK, CALL)                             \
  NAME::NAME(const IntList& kernel, const IntList& s, const IntList& p) \
      : kernel_size(Ntuple(kernel, RANK)),                              \
        stride(Ntuple(StrideOr(s, kernel), RANK)),                      \
        padding(Ntuple(p, RANK)) {}                                     \
  Tensor NAME::forward(const Tensor& input, const Tensor& indices,      \
                       const std::optional<IntList>& output_size) {     \
    const IntList size =                                                \
        UnpooledSize(input, kernel_size, stride, padding, output_size); \
    return CALL;                                                        \
  }                                                                     \
  std::string NAME::extra_repr() const {                                \
    return absl::StrCat("kernel_size=", Repr(kernel_size),              \
                        ", stride=", Repr(stride),                      \
                        ", padding=", Repr(padding));                   \
  }
// A 1-dim one is that of two dims with a last size of 1.
TANDEM_MAX_UNPOOL(MaxUnpool1d, 1,
                  eager::max_unpool2d(input.unsqueeze(-1),
                                      indices.unsqueeze(-1), {size[0], 1})
                      .squeeze(-1))
TANDEM_MAX_UNPOOL(MaxUnpool2d, 2, eager::max_unpool2d(input, indices, size))
TANDEM_MAX_UNPOOL(MaxUnpool3d, 3,
                  eager::max_unpool3d(input, indices, size, stride, padding))
#undef TANDEM_MAX_UNPOOL

}  // namespace tandem::nn
