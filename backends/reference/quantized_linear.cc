// Linear layers with quantized or half-precision weights.
#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/matmul.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Unpacked = absl::StatusOr<std::tuple<Tensor, IValue>>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// sum of x * w, exact.
int64_t DotBytes(const uint8_t* x, const int8_t* w, int64_t k) {
  int64_t total = 0;
  for (int64_t begin = 0; begin < k; begin += 32768) {
    const int64_t end = std::min(k, begin + 32768);
    int32_t sum = 0;
    for (int64_t i = begin; i < end; ++i) {
      sum += static_cast<int32_t>(x[i]) * static_cast<int32_t>(w[i]);
    }
    total += sum;
  }
  return total;
}

// (x - zero point) times (w - zero point) for each row of x and of w, given to
// put(row, column, sum).
template <typename Put>
absl::Status IntegerProduct(const uint8_t* x, int64_t m, int64_t zero_point,
                            const LinearParams& p, Put put) {
  const int64_t n = p.weight.size(0), k = p.weight.size(1);
  const int8_t* w = p.integers.data<int8_t>();
  return ParallelFor(
      m, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, n * k)),
      [&](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) {
          const uint8_t* row = x + i * k;
          int64_t row_sum = 0;
          for (int64_t l = 0; l < k; ++l) row_sum += row[l];
          for (int64_t j = 0; j < n; ++j) {
            const int64_t sum =
                DotBytes(row, w + j * k, k) - zero_point * p.row_sums[j] -
                p.zero_points[j] * row_sum + k * zero_point * p.zero_points[j];
            put(i, j, sum);
          }
        }
      });
}

absl::StatusOr<Dims> OutputSizes(const Tensor& input, const LinearParams& p) {
  if (input.dim() == 0) {
    return Invalid("The dimension of input tensor should be larger than 0.");
  }
  const int64_t k = input.size(input.dim() - 1);
  if (k != p.weight.size(1)) {
    return Invalid(absl::StrCat(
        "The number of rows in the packB should be equal to K: ", k));
  }
  Dims sizes(input.sizes().begin(), input.sizes().end());
  sizes.back() = p.weight.size(0);
  return sizes;
}

Result LinearQuantized(const Tensor& x, const IValue& packed, double scale,
                       int64_t zero_point, bool relu) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, LinearParamsOf(packed));
  if (x.dtype() != DType::kQUInt8 || !x.is_quantized() ||
      x.impl()->quantizer->scheme != 0) {
    return Invalid(absl::StrCat(
        "Expected input data type to be QUInt8 but got ", TypeName(x.dtype())));
  }
  if (p->half) {
    return Invalid("quantized::linear needs a weight of qint8");
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, OutputSizes(x, *p));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, EmptyQuantized(sizes, DType::kQUInt8, scale, zero_point,
                                 MemoryFormat::kContiguous));
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor input, Contiguous(integers));
  const Quantizer& q = *x.impl()->quantizer;
  const int64_t n = p->weight.size(0), k = p->weight.size(1);
  const int64_t m = k == 0 ? (n == 0 ? 0 : out.numel() / n) : x.numel() / k;
  const float* bias = p->bias.defined() ? p->bias.data<float>() : nullptr;
  const float in_scale = static_cast<float>(q.scale);
  uint8_t* to = out.data<uint8_t>();
  const QuantizedRange range = {relu ? std::max<int64_t>(zero_point, 0) : 0,
                                255};
  TANDEM_RETURN_IF_ERROR(IntegerProduct(
      input.data<uint8_t>(), m, q.zero_point, *p,
      [&](int64_t i, int64_t j, int64_t sum) {
        const float act = in_scale * p->scales[j];
        float value = static_cast<float>(sum);
        if (bias != nullptr) value += bias[j] / act;
        to[i * n + j] = static_cast<uint8_t>(QuantizeValue(
            value, act / static_cast<float>(scale), zero_point, range));
      }));
  return out;
}

Result LinearPlain(const Tensor& x, const IValue& packed, double scale,
                   int64_t zero_point) {
  return LinearQuantized(x, packed, scale, zero_point, false);
}

Result LinearRelu(const Tensor& x, const IValue& packed, double scale,
                  int64_t zero_point) {
  return LinearQuantized(x, packed, scale, zero_point, true);
}

// The layer with a real result, for those that go on from it.
Result LinearReal(const Tensor& x, const LinearParams& p) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, OutputSizes(x, p));
  TANDEM_ASSIGN_OR_RETURN(const Tensor input, Dequantize(x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor weight, Dequantize(p.weight));
  return reference::Linear(input, weight, p.bias);
}

Result LinearLeakyRelu(const Tensor& x, const IValue& packed, double scale,
                       int64_t zero_point, double slope) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, LinearParamsOf(packed));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, LinearReal(x, *p));
  float* data = y.data<float>();
  for (int64_t i = 0; i < y.numel(); ++i) {
    if (data[i] < 0) data[i] *= static_cast<float>(slope);
  }
  return QuantizePerTensor(y, scale, zero_point, DType::kQUInt8);
}

Result LinearTanh(const Tensor& x, const IValue& packed, double scale,
                  int64_t zero_point) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, LinearParamsOf(packed));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, LinearReal(x, *p));
  float* data = y.data<float>();
  for (int64_t i = 0; i < y.numel(); ++i) data[i] = std::tanh(data[i]);
  return QuantizePerTensor(y, scale, zero_point, DType::kQUInt8);
}

template <bool kRelu>
Result Dynamic(const Tensor& x, const IValue& packed, bool reduce_range) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, LinearParamsOf(packed));
  return LinearDynamic(x, *p, reduce_range, kRelu);
}

template <bool kRelu>
Result DynamicHalf(const Tensor& x, const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, LinearParamsOf(packed));
  return LinearDynamic(x, *p, false, kRelu);
}

Result DynamicHalfUnpacked(const Tensor& x, const Tensor& weight,
                           const Tensor& bias) {
  TANDEM_ASSIGN_OR_RETURN(const IValue packed, PackLinear(weight, bias));
  return DynamicHalf<false>(x, packed);
}

template <bool kRelu>
Result QuantizedInputRealOutput(const Tensor& x, double scale,
                                int64_t zero_point, const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, LinearParamsOf(packed));
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor q, QuantizePerTensor(x, scale, zero_point, DType::kQUInt8));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, LinearReal(q, *p));
  if (kRelu) {
    float* data = y.data<float>();
    for (int64_t i = 0; i < y.numel(); ++i) data[i] = std::max(data[i], 0.0f);
  }
  return y;
}

absl::StatusOr<IValue> Prepack(const Tensor& weight, const Tensor& bias) {
  if (weight.dtype() != DType::kQInt8) {
    return Invalid("quantized::linear_prepack needs a weight of qint8");
  }
  return PackLinear(weight, bias);
}

absl::StatusOr<IValue> PrepackHalf(const Tensor& weight, const Tensor& bias) {
  if (weight.dtype() != DType::kFloat) {
    return Invalid("quantized::linear_prepack_fp16 needs a weight of float");
  }
  return PackLinear(weight, bias);
}

Unpacked Unpack(const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(const auto p, LinearParamsOf(packed));
  return std::make_tuple(p->weight,
                         p->bias.defined() ? IValue(p->bias) : IValue());
}

}  // namespace

absl::StatusOr<Tensor> LinearDynamic(const Tensor& input, const LinearParams& p,
                                     bool reduce_range, bool relu) {
  if (input.dtype() != DType::kFloat) {
    return Invalid(absl::StrCat("expected scalar type Float but found ",
                                TypeName(input.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, OutputSizes(input, p));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(input));
  const int64_t n = p.weight.size(0);
  Tensor out;
  if (p.half) {
    TANDEM_ASSIGN_OR_RETURN(out, reference::Linear(x, p.weight, p.bias));
  } else {
    TANDEM_ASSIGN_OR_RETURN(out, Tensor::Empty(sizes, DType::kFloat));
    if (out.numel() == 0) return out;
    TANDEM_ASSIGN_OR_RETURN(const MinMaxOf range, MinMax(x));
    const QuantizationParams q = ChooseQuantizationParams(
        range.least, range.greatest, 0, reduce_range ? 127 : 255);
    TANDEM_ASSIGN_OR_RETURN(const Tensor integers,
                            Tensor::Empty(x.sizes(), DType::kUInt8));
    const auto scale = static_cast<float>(q.scale);
    const float inverse = 1.0f / scale;
    for (int64_t i = 0; i < x.numel(); ++i) {
      integers.data<uint8_t>()[i] = static_cast<uint8_t>(
          QuantizeValue(x.data<float>()[i], inverse, q.zero_point, {0, 255}));
    }
    const float* bias = p.bias.defined() ? p.bias.data<float>() : nullptr;
    float* to = out.data<float>();
    TANDEM_RETURN_IF_ERROR(IntegerProduct(
        integers.data<uint8_t>(), out.numel() / n, q.zero_point, p,
        [&](int64_t i, int64_t j, int64_t sum) {
          float value = static_cast<float>(sum) * (scale * p.scales[j]);
          if (bias != nullptr) value += bias[j];
          to[i * n + j] = value;
        }));
  }
  if (relu) {
    float* data = out.data<float>();
    for (int64_t i = 0; i < out.numel(); ++i) data[i] = std::max(data[i], 0.0f);
  }
  return out;
}

void AddQuantizedLinear(KernelRegistrar& r) {
  r.Add("quantized::linear", &LinearPlain)
      .Add("quantized::linear_relu", &LinearRelu)
      .Add("quantized::linear_leaky_relu", &LinearLeakyRelu)
      .Add("quantized::linear_tanh", &LinearTanh)
      .Add("quantized::linear_dynamic", &Dynamic<false>)
      .Add("quantized::linear_relu_dynamic", &Dynamic<true>)
      .Add("quantized::linear_dynamic_fp16", &DynamicHalf<false>)
      .Add("quantized::linear_relu_dynamic_fp16", &DynamicHalf<true>)
      .Add("quantized::linear_dynamic_fp16_unpacked_weight",
           &DynamicHalfUnpacked)
      .Add("quantized::linear_with_input_q_dq_qweight_dq_output_fp32",
           &QuantizedInputRealOutput<false>)
      .Add("quantized::linear_with_input_q_dq_qweight_dq_relu_output_fp32",
           &QuantizedInputRealOutput<true>)
      .Add("quantized::linear_prepack", &Prepack)
      .Add("quantized::linear_prepack_fp16", &PrepackHalf)
      .Add("quantized::linear_unpack", &Unpack)
      .Add("quantized::linear_unpack_fp16", &Unpack);
}

}  // namespace tandem::reference
