// aten's operators of tensors that are quantized per tensor.
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/memory_format.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/backends/reference/quantized_unary.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;
using Ints = absl::Span<const int64_t>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

Result Relu(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensorOf(self, "relu"));
  return ClampIntegers(self, q->zero_point, INT64_MAX, "relu");
}

Result Relu6(const Tensor& self) {
  return MapQuantized(
      self, [](float v) { return std::min(std::max(v, 0.0f), 6.0f); }, "relu6");
}

Result Hardtanh(const Tensor& self, const Scalar& least,
                const Scalar& greatest) {
  const auto a = static_cast<float>(least.ToDouble());
  const auto b = static_cast<float>(greatest.ToDouble());
  return MapQuantized(
      self, [&](float v) { return std::min(std::max(v, a), b); }, "hardtanh");
}

Result Clamp(const Tensor& self, std::optional<Scalar> least,
             std::optional<Scalar> greatest) {
  if (!least.has_value() && !greatest.has_value()) {
    return Invalid(
        "torch.clamp: At least one of 'min' or 'max' must not be "
        "None");
  }
  const float a =
      least.has_value() ? static_cast<float>(least->ToDouble()) : -INFINITY;
  const float b = greatest.has_value()
                      ? static_cast<float>(greatest->ToDouble())
                      : INFINITY;
  return MapQuantized(
      self, [&](float v) { return std::min(std::max(v, a), b); }, "clamp");
}

Result LeakyRelu(const Tensor& self, const Scalar& slope) {
  const auto s = static_cast<float>(slope.ToDouble());
  return MapQuantized(
      self, [&](float v) { return v > 0 ? v : v * s; }, "leaky_relu");
}

Result Elu(const Tensor& self, const Scalar& alpha, const Scalar& scale,
           const Scalar& input_scale) {
  const auto a = static_cast<float>(alpha.ToDouble() * scale.ToDouble());
  const auto s = static_cast<float>(scale.ToDouble());
  const auto i = static_cast<float>(input_scale.ToDouble());
  return MapQuantized(
      self, [&](float v) { return v >= 0 ? v * s : std::expm1(v * i) * a; },
      "elu");
}

// Results of these have a range of their own, whatever the input's.
Result OnUnitRange(const Tensor& self, absl::FunctionRef<float(float)> f,
                   absl::string_view op) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(self, op).status());
  switch (self.dtype()) {
    case DType::kQUInt8:
      return MapQuantized(self, 1.0 / 256, 0, f, op);
    case DType::kQInt8:
      return MapQuantized(self, 1.0 / 256, -128, f, op);
    default:
      return MapQuantized(self, 1.0 / 4294967296.0, 0, f, op);
  }
}

Result Sigmoid(const Tensor& self) {
  return OnUnitRange(
      self, [](float v) { return 1.0f / (1.0f + std::exp(-v)); }, "sigmoid");
}

Result Hardsigmoid(const Tensor& self) {
  return OnUnitRange(
      self,
      [](float v) { return std::min(std::max(v + 3.0f, 0.0f), 6.0f) / 6.0f; },
      "hardsigmoid");
}

Result Tanh(const Tensor& self) {
  const auto f = [](float v) { return std::tanh(v); };
  if (self.dtype() == DType::kQInt32) {
    return MapQuantized(self, 2.0 / 4294967296.0, 0, f, "tanh");
  }
  return MapQuantized(self, 2.0 / 256, self.dtype() == DType::kQUInt8 ? 128 : 0,
                      f, "tanh");
}

Result Gelu(const Tensor& self, absl::string_view approximate) {
  if (approximate == "tanh") {
    return MapQuantized(
        self,
        [](float v) {
          return 0.5f * v *
                 (1 + std::tanh(0.7978845608f * (v + 0.044715f * v * v * v)));
        },
        "gelu");
  }
  return MapQuantized(
      self, [](float v) { return 0.5f * v * (1 + std::erf(v * 0.70710678f)); },
      "gelu");
}

Result Threshold(const Tensor& self, const Scalar& threshold,
                 const Scalar& value) {
  const auto t = static_cast<float>(threshold.ToDouble());
  const auto v0 = static_cast<float>(value.ToDouble());
  return MapQuantized(
      self, [&](float v) { return v > t ? v : v0; }, "threshold");
}

// ---- means

Result Mean(const Tensor& self, std::optional<Ints> dim, bool keepdim,
            std::optional<DType>) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(self, "mean").status());
  TANDEM_ASSIGN_OR_RETURN(const Tensor real, Dequantize(self));
  const int64_t rank = self.dim();
  std::vector<bool> over(rank, !dim.has_value() || dim->empty());
  if (dim.has_value()) {
    for (int64_t d : *dim) {
      TANDEM_ASSIGN_OR_RETURN(const int64_t w, WrapDim(d, rank));
      if (rank > 0) over[w] = true;
    }
  }
  Dims sizes, kept, strides;
  int64_t count = 1;
  for (int64_t d = 0; d < rank; ++d) {
    kept.push_back(over[d] ? 1 : self.size(d));
    if (over[d]) count *= self.size(d);
    if (!over[d] || keepdim) sizes.push_back(kept.back());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor sums,
                          Tensor::Zeros(kept, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(real));
  const Dims out_strides = ContiguousStrides(kept);
  Dims index(rank, 0);
  for (int64_t i = 0; i < x.numel(); ++i) {
    int64_t at = 0;
    for (int64_t d = 0; d < rank; ++d) {
      if (!over[d]) at += index[d] * out_strides[d];
    }
    sums.data<double>()[at] += x.data<float>()[i];
    for (int64_t d = rank - 1; d >= 0; --d) {
      if (++index[d] < self.size(d)) break;
      index[d] = 0;
    }
  }
  for (int64_t i = 0; i < sums.numel(); ++i) {
    sums.data<double>()[i] /= static_cast<double>(count);
  }
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor means,
      ToDType(sums.ViewUnchecked(sizes, ContiguousStrides(sizes), 0),
              DType::kFloat));
  return QuantizeAs(means, self);
}

Result MeanAll(const Tensor& self, std::optional<DType> dtype) {
  return Mean(self, std::nullopt, false, dtype);
}

// ---- pooling over the last dims; real values in order [planes, spatial…]

struct Windows {
  std::vector<int64_t> begin, end;  // of each output position along a dim
};

Windows Adaptive(int64_t in, int64_t out) {
  Windows w;
  for (int64_t i = 0; i < out; ++i) {
    w.begin.push_back(i * in / out);
    w.end.push_back(((i + 1) * in + out - 1) / out);
  }
  return w;
}

Result AverageOver(const Tensor& self, absl::Span<const Windows> windows,
                   absl::Span<const int64_t> divisors) {
  const auto spatial = static_cast<int64_t>(windows.size());
  const int64_t lead = self.dim() - spatial;
  const MemoryFormat format = SuggestMemoryFormat(self);
  TANDEM_ASSIGN_OR_RETURN(const Tensor real, Dequantize(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(real));
  Dims sizes(self.sizes().begin(), self.sizes().begin() + lead);
  int64_t planes = 1, out_area = 1, in_area = 1;
  for (int64_t s : sizes) planes *= s;
  Dims in, out;
  for (int64_t d = 0; d < spatial; ++d) {
    in.push_back(self.size(lead + d));
    out.push_back(static_cast<int64_t>(windows[d].begin.size()));
    sizes.push_back(out[d]);
    in_area *= in[d];
    out_area *= out[d];
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Tensor::Empty(sizes, DType::kFloat));
  for (int64_t j = 0; j < planes * out_area; ++j) {
    const float* plane = x.data<float>() + j / out_area * in_area;
    int64_t begin[3] = {0, 0, 0}, end[3] = {1, 1, 1}, size[3] = {1, 1, 1};
    int64_t rest = j % out_area, count = 1;
    for (int64_t d = spatial - 1; d >= 0; --d) {
      const int64_t at = 3 - spatial + d, o = rest % out[d];
      rest /= out[d];
      begin[at] = windows[d].begin[o];
      end[at] = windows[d].end[o];
      size[at] = in[d];
      count *= end[at] - begin[at];
    }
    double sum = 0;
    for (int64_t a = begin[0]; a < end[0]; ++a) {
      for (int64_t b = begin[1]; b < end[1]; ++b) {
        for (int64_t c = begin[2]; c < end[2]; ++c) {
          sum += plane[(a * size[1] + b) * size[2] + c];
        }
      }
    }
    const int64_t divisor = divisors.empty() ? count : divisors[j % out_area];
    y.data<float>()[j] = static_cast<float>(sum / static_cast<double>(divisor));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor laid_out, ContiguousIn(y, format));
  return QuantizeAs(laid_out, self);
}

template <int kSpatial>
Result AdaptiveAvgPool(const Tensor& self, Ints output_size) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(self, "adaptive_avg_pool").status());
  if (self.dim() < kSpatial + 1 || self.dim() > kSpatial + 2) {
    return Invalid(absl::StrCat(
        "adaptive_avg_pool", kSpatial, "d(): Expected ", kSpatial + 1, "D or ",
        kSpatial + 2, "D tensor, but got ", DimsToString(self.sizes())));
  }
  if (output_size.size() != kSpatial) {
    return Invalid(absl::StrCat("adaptive_avg_pool", kSpatial,
                                "d: output_size must be ", kSpatial));
  }
  std::vector<Windows> windows;
  for (int64_t d = 0; d < kSpatial; ++d) {
    const int64_t size = self.size(self.dim() - kSpatial + d);
    if (size <= 0 || output_size[d] < 0 || output_size[d] > (1 << 24)) {
      return Invalid("adaptive_avg_pool(): sizes must be positive");
    }
    windows.push_back(Adaptive(size, output_size[d]));
  }
  return AverageOver(self, windows, {});
}

template <int kSpatial>
Result AvgPool(const Tensor& self, Ints kernel, Ints stride, Ints padding,
               bool ceil_mode, bool count_include_pad,
               std::optional<int64_t> divisor_override) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(self, "avg_pool").status());
  if (self.dim() == 0) {
    return absl::OutOfRangeError(absl::StrCat("Dimension specified as ",
                                              -kSpatial - 1,
                                              " but tensor has no dimensions"));
  }
  TANDEM_RETURN_IF_ERROR(WrapDim(-kSpatial - 1, self.dim()).status());
  if (self.dim() > kSpatial + 2) {
    return Invalid("avg_pool: wrong number of dims of a quantized input");
  }
  if (divisor_override.has_value() && *divisor_override == 0) {
    return Invalid("divisor must be not zero");
  }
  const auto value = [](Ints v, int64_t d) {
    return v.size() == 1 ? v[0] : v[d];
  };
  for (Ints v : {kernel, stride, padding}) {
    if (v.size() > 1 && v.size() != kSpatial) {
      return Invalid("avg_pool: lists must have one number a dim");
    }
  }
  if (kernel.empty() || padding.empty()) {
    return Invalid("avg_pool: kernel_size and padding must not be empty");
  }
  std::vector<Windows> windows;
  std::vector<std::vector<int64_t>> padded;  // window lengths with padding
  for (int64_t d = 0; d < kSpatial; ++d) {
    const int64_t in = self.size(self.dim() - kSpatial + d);
    const int64_t k = value(kernel, d), p = value(padding, d);
    const int64_t s = stride.empty() ? k : value(stride, d);
    if (k <= 0 || s <= 0 || p < 0 || p > k / 2 || k > (1 << 30)) {
      return Invalid("avg_pool: kernel size, stride or padding out of range");
    }
    int64_t out = (in + 2 * p - k + (ceil_mode ? s - 1 : 0)) / s + 1;
    if (in + 2 * p - k < 0 && !ceil_mode) out = 0;
    if (ceil_mode && (out - 1) * s >= in + p) --out;
    if (out < 1) {
      return Invalid("avg_pool: Output size is too small");
    }
    Windows w;
    std::vector<int64_t> lengths;
    for (int64_t o = 0; o < out; ++o) {
      const int64_t begin = o * s - p, end = std::min(begin + k, in + p);
      lengths.push_back(end - begin);
      w.begin.push_back(std::max<int64_t>(begin, 0));
      w.end.push_back(std::min(end, in));
    }
    windows.push_back(std::move(w));
    padded.push_back(std::move(lengths));
  }
  std::vector<int64_t> divisors;
  if (divisor_override.has_value() || count_include_pad) {
    int64_t area = 1;
    for (const Windows& w : windows) {
      area *= static_cast<int64_t>(w.begin.size());
    }
    for (int64_t j = 0; j < area; ++j) {
      int64_t rest = j, count = 1;
      for (int64_t d = kSpatial - 1; d >= 0; --d) {
        const auto n = static_cast<int64_t>(padded[d].size());
        count *= padded[d][rest % n];
        rest /= n;
      }
      divisors.push_back(divisor_override.value_or(count));
    }
  }
  return AverageOver(self, windows, divisors);
}

Result MaxPool1d(const Tensor& self, Ints kernel, Ints stride, Ints padding,
                 Ints dilation, bool ceil_mode) {
  return QuantizedMaxPool(self, kernel, stride, padding, dilation, ceil_mode,
                          1);
}

Result MaxPool2d(const Tensor& self, Ints kernel, Ints stride, Ints padding,
                 Ints dilation, bool ceil_mode) {
  return QuantizedMaxPool(self, kernel, stride, padding, dilation, ceil_mode,
                          2);
}

Result MaxPool3d(const Tensor& self, Ints kernel, Ints stride, Ints padding,
                 Ints dilation, bool ceil_mode) {
  return QuantizedMaxPool(self, kernel, stride, padding, dilation, ceil_mode,
                          3);
}

Result Cat(absl::Span<const Tensor> tensors, int64_t dim) {
  return QuantizedCat(tensors, dim, std::nullopt, std::nullopt, false);
}

template <auto F>
Result InPlaceInts(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(self));
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_RETURN_IF_ERROR(CopyElements(result, self));
  self.impl()->quantizer = result.impl()->quantizer;
  return self;
}

}  // namespace

absl::StatusOr<Tensor> QuantizedMaxPool(const Tensor& x, Ints kernel,
                                        Ints stride, Ints padding,
                                        Ints dilation, bool ceil_mode,
                                        int64_t spatial) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(x, "max_pool").status());
  if (x.dim() < spatial + 1 || x.dim() > spatial + 2) {
    return Invalid(absl::StrCat("Expecting the input tensor of rank ",
                                spatial + 1, " or ", spatial + 2, "."));
  }
  const auto value = [](Ints v, int64_t d) {
    return v.size() == 1 ? v[0] : v[d];
  };
  for (Ints v : {kernel, stride, padding, dilation}) {
    if (v.size() > 1 && static_cast<int64_t>(v.size()) != spatial) {
      return Invalid("max_pool: lists must have one number a dim");
    }
  }
  if (kernel.empty() || padding.empty() || dilation.empty()) {
    return Invalid("max_pool: kernel_size, padding and dilation are needed");
  }
  int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, k[3] = {1, 1, 1};
  int64_t s[3] = {1, 1, 1}, p[3] = {0, 0, 0}, l[3] = {1, 1, 1};
  const int64_t lead = x.dim() - spatial;
  Dims sizes(x.sizes().begin(), x.sizes().begin() + lead);
  int64_t planes = 1;
  for (int64_t v : sizes) planes *= v;
  for (int64_t d = 0; d < spatial; ++d) {
    const int64_t at = 3 - spatial + d;
    in[at] = x.size(lead + d);
    k[at] = value(kernel, d);
    s[at] = stride.empty() ? k[at] : value(stride, d);
    p[at] = value(padding, d);
    l[at] = value(dilation, d);
    constexpr int64_t kMost = 1 << 30;
    if (k[at] <= 0 || s[at] <= 0 || l[at] <= 0 || p[at] < 0 || k[at] > kMost ||
        s[at] > kMost || l[at] > kMost || p[at] > k[at] / 2) {
      return Invalid(
          "max_pool: kernel size, stride, padding or dilation out of range");
    }
    const int64_t room = in[at] + 2 * p[at] - l[at] * (k[at] - 1) - 1;
    out[at] = room < 0 ? 0 : (room + (ceil_mode ? s[at] - 1 : 0)) / s[at] + 1;
    if (ceil_mode && (out[at] - 1) * s[at] >= in[at] + p[at]) --out[at];
    if (out[at] < 1) return Invalid("max_pool: Output size is too small");
    sizes.push_back(out[at]);
  }
  const MemoryFormat format = SuggestMemoryFormat(x);
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor from,
                          CloneContiguous(integers, DType::kInt32));
  TANDEM_ASSIGN_OR_RETURN(const Tensor to, Tensor::Empty(sizes, DType::kInt32));
  const int64_t area = out[0] * out[1] * out[2];
  for (int64_t j = 0; j < planes * area; ++j) {
    if (j % 4096 == 0) TANDEM_RETURN_IF_ERROR(CheckStop());
    const int32_t* plane =
        from.data<int32_t>() + j / area * in[0] * in[1] * in[2];
    const int64_t o[3] = {j % area / (out[1] * out[2]), j / out[2] % out[1],
                          j % out[2]};
    int32_t most = INT32_MIN;
    for (int64_t a = 0; a < k[0]; ++a) {
      const int64_t z = o[0] * s[0] - p[0] + a * l[0];
      if (z < 0 || z >= in[0]) continue;
      for (int64_t b = 0; b < k[1]; ++b) {
        const int64_t y = o[1] * s[1] - p[1] + b * l[1];
        if (y < 0 || y >= in[1]) continue;
        for (int64_t c = 0; c < k[2]; ++c) {
          const int64_t w = o[2] * s[2] - p[2] + c * l[2];
          if (w < 0 || w >= in[2]) continue;
          most = std::max(most, plane[(z * in[1] + y) * in[2] + w]);
        }
      }
    }
    to.data<int32_t>()[j] = most;
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor result,
      EmptyWithQuantizer(sizes, x.dtype(), x.impl()->quantizer, format));
  TANDEM_ASSIGN_OR_RETURN(const Tensor view, Integers(result));
  TANDEM_RETURN_IF_ERROR(CopyElements(to, view));
  return result;
}

void AddQuantizedPool(KernelRegistrar& r) {
  r.Add("quantized::max_pool1d", &MaxPool1d)
      .Add("quantized::max_pool2d", &MaxPool2d);
}

void AddQuantizedAten(KernelRegistrar& r) {
  r.Add("aten::relu", &Relu)
      .Add("aten::relu_", &InPlaceInts<&Relu>)
      .Add("aten::relu6", &Relu6)
      .Add("aten::relu6_", &InPlaceInts<&Relu6>)
      .Add("aten::hardtanh", &Hardtanh)
      .Add("aten::clamp", &Clamp)
      .Add("aten::leaky_relu", &LeakyRelu)
      .Add("aten::elu", &Elu)
      .Add("aten::sigmoid", &Sigmoid)
      .Add("aten::hardsigmoid", &Hardsigmoid)
      .Add("aten::tanh", &Tanh)
      .Add("aten::gelu", &Gelu)
      .Add("aten::threshold", &Threshold)
      .Add("aten::mean", &MeanAll)
      .Add("aten::mean.dim", &Mean)
      .Add("aten::adaptive_avg_pool2d", &AdaptiveAvgPool<2>)
      .Add("aten::_adaptive_avg_pool2d", &AdaptiveAvgPool<2>)
      .Add("aten::adaptive_avg_pool3d", &AdaptiveAvgPool<3>)
      .Add("aten::_adaptive_avg_pool3d", &AdaptiveAvgPool<3>)
      .Add("aten::avg_pool2d", &AvgPool<2>)
      .Add("aten::avg_pool3d", &AvgPool<3>)
      .Add("aten::max_pool1d", &MaxPool1d)
      .Add("aten::max_pool2d", &MaxPool2d)
      .Add("aten::max_pool3d", &MaxPool3d)
      .Add("aten::quantized_max_pool1d", &MaxPool1d)
      .Add("aten::quantized_max_pool2d", &MaxPool2d)
      .Add("aten::quantized_max_pool3d", &MaxPool3d)
      .Add("aten::cat", &Cat);
}

}  // namespace tandem::reference
