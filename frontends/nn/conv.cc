#include "tandem/frontends/nn/conv.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/frontends/eager/operators.h"
#include "tandem/frontends/nn/init.h"
#include "tandem/frontends/nn/repr.h"

namespace tandem::nn {
namespace {

bool AllAre(const Dims& dims, int64_t value) {
  for (const int64_t d : dims) {
    if (d != value) return false;
  }
  return true;
}

IntList WeightSizes(const ConvBase& c) {
  IntList sizes;
  sizes.push_back(c.transposed ? c.in_channels : c.out_channels);
  sizes.push_back((c.transposed ? c.out_channels : c.in_channels) / c.groups);
  for (const int64_t k : c.kernel_size) sizes.push_back(k);
  return sizes;
}

}  // namespace

ConvBase::ConvBase(int64_t r, bool is_transposed, int64_t in, int64_t out,
                   const IntList& kernel, const ConvOptions& o)
    : rank(r),
      in_channels(in),
      out_channels(out),
      groups(o.groups),
      transposed(is_transposed),
      kernel_size(Ntuple(kernel, r)),
      stride(Ntuple(o.stride, r)),
      dilation(Ntuple(o.dilation, r)),
      output_padding(Ntuple(o.output_padding, r)),
      padding(o.padding.name().empty() ? Ntuple(o.padding.sizes(), r) : Dims()),
      padding_name(o.padding.name()),
      padding_mode(o.padding_mode) {
  if (groups <= 0) eager::Throw("groups must be a positive integer");
  if (in % groups != 0) {
    eager::Throw("in_channels must be divisible by groups");
  }
  if (out % groups != 0) {
    eager::Throw("out_channels must be divisible by groups");
  }
  if (!padding_name.empty()) {
    if (padding_name != "same" && padding_name != "valid") {
      eager::Throw(absl::StrCat("Invalid padding string '", padding_name,
                                "', should be one of {'valid', 'same'}"));
    }
    if (padding_name == "same" && !AllAre(stride, 1)) {
      eager::Throw("padding='same' is not supported for strided convolutions");
    }
  }
  if (padding_mode != "zeros" && padding_mode != "reflect" &&
      padding_mode != "replicate" && padding_mode != "circular") {
    eager::Throw(absl::StrCat(
        "padding_mode must be one of {'zeros', 'reflect', 'replicate', "
        "'circular'}, but got padding_mode='",
        padding_mode, "'"));
  }
  if (transposed && padding_mode != "zeros") {
    eager::Throw(absl::StrCat(
        "Only \"zeros\" padding mode is supported for ConvTranspose", rank,
        "d"));
  }
  weight = register_parameter("weight", eager::empty(WeightSizes(*this)));
  bias = register_parameter("bias", o.bias ? eager::empty({out}) : Tensor());
  reset_parameters();
}

void ConvBase::reset_parameters() {
  init::kaiming_uniform_(weight, std::sqrt(5.));
  if (!bias.defined()) return;
  const auto [fan_in, fan_out] = init::calculate_fans(weight);
  if (fan_in == 0) return;
  const double bound = 1 / std::sqrt(static_cast<double>(fan_in));
  init::uniform_(bias, -bound, bound);
}

Tensor ConvBase::Convolve(const Tensor& given) {
  Tensor input = given;
  Dims pad = padding;
  std::string name = padding_name;
  if (padding_mode != "zeros") {
    // Pairs from the last dim on.
    IntList pairs;
    for (int64_t d = rank - 1; d >= 0; --d) {
      int64_t before = 0, after = 0;
      if (name.empty()) {
        before = after = padding[d];
      } else if (name == "same") {
        const int64_t total = dilation[d] * (kernel_size[d] - 1);
        before = total / 2;
        after = total - before;
      }
      pairs.push_back(before);
      pairs.push_back(after);
    }
    input = eager::pad(input, pairs, padding_mode);
    pad = Dims(rank, 0);
    name.clear();
  }
  switch (rank) {
    case 1:
      return name.empty() ? eager::conv1d(input, weight, bias, stride, pad,
                                          dilation, groups)
                          : eager::conv1d(input, weight, bias, stride, name,
                                          dilation, groups);
    case 2:
      return name.empty() ? eager::conv2d(input, weight, bias, stride, pad,
                                          dilation, groups)
                          : eager::conv2d(input, weight, bias, stride, name,
                                          dilation, groups);
    default:
      return name.empty() ? eager::conv3d(input, weight, bias, stride, pad,
                                          dilation, groups)
                          : eager::conv3d(input, weight, bias, stride, name,
                                          dilation, groups);
  }
}

Tensor ConvBase::ConvolveTransposed(const Tensor& input,
                                    const IntList* output_size) {
  Dims extra = output_padding;
  if (output_size != nullptr) {
    // ConvTransposeNd._output_padding
    Dims wanted = output_size->ToDims();
    const int64_t input_rank = static_cast<int64_t>(input.dim());
    const int64_t lead = input_rank - rank;
    if (static_cast<int64_t>(wanted.size()) == input_rank) {
      wanted.erase(wanted.begin(), wanted.begin() + lead);
    }
    if (static_cast<int64_t>(wanted.size()) != rank) {
      eager::Throw(absl::StrCat("ConvTranspose", rank, "D: for ", input_rank,
                                "D input, output_size must have ", rank, " or ",
                                input_rank, " elements (got ", wanted.size(),
                                ")"));
    }
    Dims least(rank), most(rank);
    for (int64_t d = 0; d < rank; ++d) {
      least[d] = (static_cast<int64_t>(input.size(d + lead)) - 1) * stride[d] -
                 2 * padding[d] + dilation[d] * (kernel_size[d] - 1) + 1;
      most[d] = least[d] + stride[d] - 1;
    }
    for (int64_t d = 0; d < rank; ++d) {
      if (wanted[d] < least[d] || wanted[d] > most[d]) {
        eager::Throw(
            absl::StrCat("requested an output size of ", DimsToString(wanted),
                         ", but valid sizes range from ", DimsToString(least),
                         " to ", DimsToString(most), " (for an input of ",
                         Repr(input.sizes().ToDims()), ")"));
      }
      extra[d] = wanted[d] - least[d];
    }
  }
  switch (rank) {
    case 1:
      return eager::conv_transpose1d(input, weight, bias, stride, padding,
                                     extra, groups, dilation);
    case 2:
      return eager::conv_transpose2d(input, weight, bias, stride, padding,
                                     extra, groups, dilation);
    default:
      return eager::conv_transpose3d(input, weight, bias, stride, padding,
                                     extra, groups, dilation);
  }
}

std::string ConvBase::extra_repr() const {
  std::string s = absl::StrCat(in_channels, ", ", out_channels,
                               ", kernel_size=", Repr(kernel_size),
                               ", stride=", Repr(stride));
  if (!padding_name.empty()) {
    absl::StrAppend(&s, ", padding=", padding_name);
  } else if (!AllAre(padding, 0)) {
    absl::StrAppend(&s, ", padding=", Repr(padding));
  }
  if (!AllAre(dilation, 1)) {
    absl::StrAppend(&s, ", dilation=", Repr(dilation));
  }
  if (!AllAre(output_padding, 0)) {
    absl::StrAppend(&s, ", output_padding=", Repr(output_padding));
  }
  if (groups != 1) absl::StrAppend(&s, ", groups=", groups);
  if (!bias.defined()) absl::StrAppend(&s, ", bias=False");
  if (padding_mode != "zeros") {
    absl::StrAppend(&s, ", padding_mode=", padding_mode);
  }
  return s;
}

#define TANDEM_CONV(NAME, RANK)                                              \
  NAME::NAME(int64_t in, int64_t out, const IntList& kernel,                 \
             const ConvOptions& options)                                     \
      : ModuleOf(RANK, false, in, out, kernel, options) {}                   \
  Tensor NAME::forward(const Tensor& input) { return Convolve(input); }      \
  ConvTranspose##RANK##d::ConvTranspose##RANK##d(int64_t in, int64_t out,    \
                                                 const IntList& kernel,      \
                                                 const ConvOptions& options) \
      : ModuleOf(RANK, true, in, out, kernel, options) {}                    \
  Tensor ConvTranspose##RANK##d::forward(                                    \
      const Tensor& input, const std::optional<IntList>& output_size) {      \
    return ConvolveTransposed(input, output_size ? &*output_size : nullptr); \
  }
TANDEM_CONV(Conv1d, 1)
TANDEM_CONV(Conv2d, 2)
TANDEM_CONV(Conv3d, 3)
#undef TANDEM_CONV

}  // namespace tandem::nn
