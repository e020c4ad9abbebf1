// Convolutions of quantized tensors with packed weights.
#include <algorithm>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/conv.h"
#include "tandem/backends/reference/memory_format.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Ints = absl::Span<const int64_t>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// 1-dim convolutions are packed as 2-dim ones with a height of 1.
constexpr int64_t kHeight = 2;

Tensor WithHeight(const Tensor& t) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  Dims strides(t.strides().begin(), t.strides().end());
  sizes.insert(sizes.begin() + kHeight, 1);
  strides.insert(strides.begin() + kHeight,
                 sizes[kHeight + 1] * strides[kHeight]);
  return t.ViewUnchecked(sizes, strides, t.offset());
}

Tensor WithoutHeight(const Tensor& t) {
  Dims sizes(t.sizes().begin(), t.sizes().end());
  Dims strides(t.strides().begin(), t.strides().end());
  sizes.erase(sizes.begin() + kHeight);
  strides.erase(strides.begin() + kHeight);
  return t.ViewUnchecked(sizes, strides, t.offset());
}

MemoryFormat FormatOf(int64_t rank) {
  return rank == 4   ? MemoryFormat::kChannelsLast
         : rank == 5 ? MemoryFormat::kChannelsLast3d
                     : MemoryFormat::kContiguous;
}

// Channel of an element in order of memory, channels last.
struct Scales {
  float input = 1;
  const QuantizedConvParams* p = nullptr;
  float at(int64_t c) const {
    return input * p->scales[c % static_cast<int64_t>(p->scales.size())];
  }
};

// The convolution of integers less their zero points: float32 sums (exact while
// below 2^24), channels last. `x` is a batched quantized tensor.
Result Sums(const Tensor& x, const QuantizedConvParams& p) {
  const Quantizer& q = *x.impl()->quantizer;
  if (x.dim() != static_cast<int64_t>(p.stride.size()) + 2) {
    return Invalid(absl::StrCat("quantized::conv", p.stride.size(),
                                "d(): Expected activation tensor to have ",
                                p.stride.size() + 2, " dimensions."));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor real,
                          CloneContiguous(integers, DType::kFloat));
  const float zero = static_cast<float>(q.zero_point);
  float* data = real.data<float>();
  for (int64_t i = 0; i < real.numel(); ++i) data[i] -= zero;
  ConvParams params;
  params.stride.assign(p.stride.begin(), p.stride.end());
  params.padding.assign(p.padding.begin(), p.padding.end());
  params.dilation.assign(p.dilation.begin(), p.dilation.end());
  params.output_padding.assign(p.output_padding.begin(),
                               p.output_padding.end());
  params.extra_padding.assign(p.stride.size(), 0);
  params.transposed = p.transpose;
  params.groups = p.groups;
  TANDEM_ASSIGN_OR_RETURN(const Tensor sums,
                          Convolution(real, p.real, Tensor(), params));
  return ContiguousIn(sums, FormatOf(sums.dim()));
}

absl::Status CheckInput(const Tensor& x) {
  if ((x.dtype() != DType::kQUInt8 && x.dtype() != DType::kQInt8) ||
      !x.is_quantized() || x.impl()->quantizer->scheme != 0) {
    return Invalid(absl::StrCat("Expected activation data type QUInt8 but got ",
                                TypeName(x.dtype())));
  }
  return absl::OkStatus();
}

// `accum` is added before the result is quantized; undefined: nothing.
Result Convolve(const Tensor& x, const IValue& packed, double scale,
                int64_t zero_point, bool relu, const Tensor& accum) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, ConvParamsOf(packed));
  TANDEM_RETURN_IF_ERROR(CheckInput(x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor sums, Sums(x, *p));
  TANDEM_ASSIGN_OR_RETURN(QuantizedRange range, RangeOf(x.dtype()));
  if (relu) range.least = std::max(range.least, zero_point);
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, EmptyQuantized(sums.sizes(), x.dtype(), scale, zero_point,
                                 FormatOf(sums.dim())));
  Tensor added;
  if (accum.defined()) {
    if (accum.sizes() != out.sizes()) {
      return Invalid("accum has another shape than the convolution's result");
    }
    TANDEM_ASSIGN_OR_RETURN(added, Dequantize(accum));
    TANDEM_ASSIGN_OR_RETURN(added, ContiguousIn(added, FormatOf(out.dim())));
  }
  const Scales scales{static_cast<float>(x.impl()->quantizer->scale), p.get()};
  const float out_scale = static_cast<float>(scale);
  const float* bias = p->bias.defined() ? p->bias.data<float>() : nullptr;
  const int64_t channels = std::max<int64_t>(1, out.size(1));
  const bool is_signed = x.dtype() == DType::kQInt8;
  for (int64_t i = 0; i < out.numel(); ++i) {
    const int64_t c = i % channels;
    const float act = scales.at(c);
    float value = sums.data<float>()[i];
    if (bias != nullptr) value += bias[c] / act;
    if (added.defined()) value += added.data<float>()[i] / act;
    const int64_t q = QuantizeValue(value, act / out_scale, zero_point, range);
    if (is_signed) {
      out.data<int8_t>()[i] = static_cast<int8_t>(q);
    } else {
      out.data<uint8_t>()[i] = static_cast<uint8_t>(q);
    }
  }
  return out;
}

template <bool kRelu>
Result Conv(const Tensor& x, const IValue& packed, double scale,
            int64_t zero_point) {
  return Convolve(x, packed, scale, zero_point, kRelu, Tensor());
}

// The parameters given again were packed with the weight.
template <bool kRelu>
Result ConvOld(const Tensor& x, const IValue& packed, Ints, Ints, Ints, int64_t,
               double scale, int64_t zero_point) {
  return Convolve(x, packed, scale, zero_point, kRelu, Tensor());
}

template <bool kRelu>
Result Conv1d(const Tensor& x, const IValue& packed, double scale,
              int64_t zero_point) {
  if (x.dim() != 3) {
    return Invalid(
        "quantized::conv1d(): Expected activation tensor to have 3 "
        "dimensions.");
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor y,
      Convolve(WithHeight(x), packed, scale, zero_point, kRelu, Tensor()));
  return WithoutHeight(y);
}

template <bool kRelu>
Result ConvAdd(const Tensor& x, const Tensor& accum, const IValue& packed,
               double scale, int64_t zero_point) {
  return Convolve(x, packed, scale, zero_point, kRelu, accum);
}

// A float input, quantized by its range; a float result.
Result ConvDynamic(const Tensor& x, const IValue& packed, bool reduce_range) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, ConvParamsOf(packed));
  if (x.dtype() != DType::kFloat) {
    return Invalid(absl::StrCat("expected scalar type Float but found ",
                                TypeName(x.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const MinMaxOf range, MinMax(x));
  const QuantizationParams q = ChooseQuantizationParams(
      range.least, range.greatest, 0, reduce_range ? 127 : 255);
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor quantized,
      QuantizePerTensor(x, q.scale, q.zero_point, DType::kQUInt8));
  TANDEM_ASSIGN_OR_RETURN(const Tensor sums, Sums(quantized, *p));
  const Scales scales{static_cast<float>(q.scale), p.get()};
  const int64_t channels = std::max<int64_t>(1, sums.size(1));
  float* data = sums.data<float>();
  for (int64_t i = 0; i < sums.numel(); ++i) {
    const int64_t c = i % channels;
    data[i] *= scales.at(c);
    if (p->bias.defined()) data[i] += p->bias.data<float>()[c];
  }
  return sums;
}

Result Conv1dDynamic(const Tensor& x, const IValue& packed, bool reduce_range) {
  if (x.dim() != 3) {
    return Invalid(
        "quantized::conv1d_dynamic(): Expected activation tensor to have 3 "
        "dimensions.");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor y,
                          ConvDynamic(WithHeight(x), packed, reduce_range));
  return WithoutHeight(y);
}

// ---- packing

absl::StatusOr<IValue> Pack(int64_t spatial, const Tensor& weight,
                            const Tensor& bias, Ints stride, Ints padding,
                            Ints output_padding, Ints dilation, int64_t groups,
                            bool transpose) {
  const IValue packed = PackConv(spatial, weight, bias, stride, padding,
                                 output_padding, dilation, groups, transpose);
  TANDEM_RETURN_IF_ERROR(ConvParamsOf(packed).status());
  return packed;
}

template <int kSpatial>
absl::StatusOr<IValue> Prepack(const Tensor& weight, const Tensor& bias,
                               Ints stride, Ints padding, Ints dilation,
                               int64_t groups) {
  const Dims zeros(kSpatial, 0);
  return Pack(kSpatial, weight, bias, stride, padding, zeros, dilation, groups,
              false);
}

template <int kSpatial>
absl::StatusOr<IValue> PrepackTransposed(const Tensor& weight,
                                         const Tensor& bias, Ints stride,
                                         Ints padding, Ints output_padding,
                                         Ints dilation, int64_t groups) {
  return Pack(kSpatial, weight, bias, stride, padding, output_padding, dilation,
              groups, true);
}

absl::Status CheckSingle(const Tensor& weight,
                         std::initializer_list<Ints> all) {
  for (Ints i : all) {
    if (i.size() != 1) return Invalid("a list of one number is expected");
  }
  if (weight.dim() != 3) return Invalid("a weight of 3 dims is expected");
  return absl::OkStatus();
}

absl::StatusOr<IValue> Prepack1d(const Tensor& weight, const Tensor& bias,
                                 Ints stride, Ints padding, Ints dilation,
                                 int64_t groups) {
  TANDEM_RETURN_IF_ERROR(CheckSingle(weight, {stride, padding, dilation}));
  return Pack(2, WithHeight(weight), bias, {1, stride[0]}, {0, padding[0]},
              {0, 0}, {1, dilation[0]}, groups, false);
}

absl::StatusOr<IValue> PrepackTransposed1d(const Tensor& weight,
                                           const Tensor& bias, Ints stride,
                                           Ints padding, Ints output_padding,
                                           Ints dilation, int64_t groups) {
  TANDEM_RETURN_IF_ERROR(
      CheckSingle(weight, {stride, padding, output_padding, dilation}));
  return Pack(2, WithHeight(weight), bias, {1, stride[0]}, {0, padding[0]},
              {0, output_padding[0]}, {1, dilation[0]}, groups, true);
}

template <bool k1d>
absl::StatusOr<std::tuple<Tensor, IValue>> Unpack(const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, ConvParamsOf(packed));
  const bool narrow = k1d && p->weight.dim() == 4;
  return std::make_tuple(narrow ? WithoutHeight(p->weight) : p->weight,
                         p->bias.defined() ? IValue(p->bias) : IValue());
}

template <std::vector<int64_t> QuantizedConvParams::*kField>
absl::StatusOr<std::vector<int64_t>> Field(const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, ConvParamsOf(packed));
  return (*p).*kField;
}

absl::StatusOr<int64_t> Groups(const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, ConvParamsOf(packed));
  return p->groups;
}

absl::StatusOr<int64_t> Transposed(const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, ConvParamsOf(packed));
  return int64_t{p->transpose};
}

}  // namespace

void AddQuantizedConv(KernelRegistrar& r) {
  r.Add("quantized::conv1d", &Conv1d<false>)
      .Add("quantized::conv1d_relu", &Conv1d<true>)
      .Add("quantized::conv1d_dynamic", &Conv1dDynamic)
      .Add("quantized::conv1d_prepack", &Prepack1d)
      .Add("quantized::conv1d_unpack", &Unpack<true>)
      .Add("quantized::conv_transpose1d", &Conv1d<false>)
      .Add("quantized::conv_transpose1d_dynamic", &Conv1dDynamic)
      .Add("quantized::conv_transpose1d_prepack", &PrepackTransposed1d)
      .Add("quantized::conv_transpose1d_unpack", &Unpack<true>)
      .Add("quantized::conv2d", &ConvOld<false>)
      .Add("quantized::conv2d_relu", &ConvOld<true>)
      .Add("quantized::conv3d", &ConvOld<false>)
      .Add("quantized::conv3d_relu", &ConvOld<true>)
      .Add("quantized::conv2d_add", &ConvAdd<false>)
      .Add("quantized::conv2d_add_relu", &ConvAdd<true>)
      .Add("quantized::conv_prepack", &Prepack<2>)
      .Add("quantized::conv_unpack", &Unpack<false>)
      .Add("quantized::conv2d_prepack", &Prepack<2>)
      .Add("quantized::conv3d_prepack", &Prepack<3>)
      .Add("quantized::conv_transpose2d_prepack", &PrepackTransposed<2>)
      .Add("quantized::conv_transpose3d_prepack", &PrepackTransposed<3>);
  for (const char* rank : {"2d", "3d"}) {
    const std::string conv = absl::StrCat("quantized::conv", rank);
    r.Add(conv + ".new", &Conv<false>).Add(conv + "_relu.new", &Conv<true>);
    r.Add(absl::StrCat("quantized::conv_transpose", rank), &Conv<false>);
    for (const std::string& name :
         {conv, absl::StrCat("quantized::conv_transpose", rank)}) {
      r.Add(name + "_dynamic", &ConvDynamic)
          .Add(name + "_unpack", &Unpack<false>)
          .Add(name + "_stride", &Field<&QuantizedConvParams::stride>)
          .Add(name + "_padding", &Field<&QuantizedConvParams::padding>)
          .Add(name + "_dilation", &Field<&QuantizedConvParams::dilation>)
          .Add(name + "_output_padding",
               &Field<&QuantizedConvParams::output_padding>)
          .Add(name + "_groups", &Groups)
          .Add(name + "_transpose", &Transposed);
    }
  }
}

}  // namespace tandem::reference
