// quantized:: normalisations, activations and matrix products.
#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/matmul.h"
#include "tandem/backends/reference/memory_format.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/backends/reference/quantized_unary.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// ---- activations

Result Relu6(const Tensor& x, bool) {
  return MapQuantized(
      x, [](float v) { return std::min(std::max(v, 0.0f), 6.0f); }, "relu6");
}

Result LeakyRelu(const Tensor& x, const Scalar& slope, bool, double scale,
                 int64_t zero_point) {
  const auto s = static_cast<float>(slope.ToDouble());
  return MapQuantized(
      x, scale, zero_point, [&](float v) { return v > 0 ? v : v * s; },
      "leaky_relu");
}

Result Sigmoid(const Tensor& x, double scale, int64_t zero_point) {
  return MapQuantized(
      x, scale, zero_point,
      [](float v) { return 1.0f / (1.0f + std::exp(-v)); }, "sigmoid");
}

Result Hardswish(const Tensor& x, double scale, int64_t zero_point) {
  return MapQuantized(
      x, scale, zero_point,
      [](float v) {
        return v * std::min(std::max(v + 3.0f, 0.0f), 6.0f) / 6.0f;
      },
      "hardswish");
}

Result Elu(const Tensor& x, double scale, int64_t zero_point,
           const Scalar& alpha, const Scalar& out, const Scalar& in) {
  const auto a = static_cast<float>(alpha.ToDouble() * out.ToDouble());
  const auto s = static_cast<float>(out.ToDouble());
  const auto i = static_cast<float>(in.ToDouble());
  return MapQuantized(
      x, scale, zero_point,
      [&](float v) { return v >= 0 ? v * s : std::expm1(v * i) * a; }, "elu");
}

Result Celu(const Tensor& x, double scale, int64_t zero_point,
            const Scalar& alpha) {
  if (alpha.ToDouble() == 0)
    return Invalid("ZeroDivisionError: alpha cannot be 0 for CELU");
  return Elu(x, scale, zero_point, alpha, Scalar(1.0),
             Scalar(1.0 / alpha.ToDouble()));
}

Result Threshold(const Tensor& x, const Scalar& threshold,
                 const Scalar& value) {
  const auto t = static_cast<float>(threshold.ToDouble());
  const auto v0 = static_cast<float>(value.ToDouble());
  return MapQuantized(
      x, [&](float v) { return v > t ? v : v0; }, "threshold");
}

Result Clamp(const Tensor& x, std::optional<Scalar> least,
             std::optional<Scalar> greatest) {
  const float a =
      least.has_value() ? static_cast<float>(least->ToDouble()) : -INFINITY;
  const float b = greatest.has_value()
                      ? static_cast<float>(greatest->ToDouble())
                      : INFINITY;
  return MapQuantized(
      x, [&](float v) { return std::min(std::max(v, a), b); }, "clamp");
}

Result Dropout(const Tensor& x, double, int64_t, const Scalar&, bool training) {
  if (training) {
    return Invalid("quantized::dropout works only in evaluation mode");
  }
  return Clone(x);
}

// ---- over channels: y = x * a[c] + b[c]

absl::StatusOr<Tensor> Channels(const Tensor& t, int64_t count, float fill) {
  if (t.defined()) {
    if (t.dim() != 1 || t.size(0) != count) {
      return Invalid(absl::StrCat("Expected a tensor of ", count,
                                  " elements, but got ",
                                  DimsToString(t.sizes())));
    }
    return Contiguous(t, DType::kFloat);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor f,
                          Tensor::Empty({count}, DType::kFloat));
  TANDEM_RETURN_IF_ERROR(FillElements(f, Scalar(static_cast<double>(fill))));
  return f;
}

template <bool kRelu>
Result BatchNorm(const Tensor& qx, const Tensor& weight, const Tensor& bias,
                 const Tensor& mean, const Tensor& var, double eps,
                 double scale, int64_t zero_point) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(qx, "batch_norm").status());
  if (qx.dim() < 2) return Invalid("batch_norm: at least 2 dims are expected");
  const int64_t channels = qx.size(1);
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, Channels(weight, channels, 1));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, Channels(bias, channels, 0));
  if (!mean.defined() || !var.defined()) {
    return Invalid("batch_norm: mean and var are needed");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor m, Channels(mean, channels, 0));
  TANDEM_ASSIGN_OR_RETURN(const Tensor v, Channels(var, channels, 1));
  const MemoryFormat format = SuggestMemoryFormat(qx);
  TANDEM_ASSIGN_OR_RETURN(const Tensor real, Dequantize(qx));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, CloneContiguous(real, DType::kFloat));
  int64_t inner = 1;
  for (int64_t d = 2; d < x.dim(); ++d) inner *= x.size(d);
  inner = std::max<int64_t>(1, inner);
  float* data = x.data<float>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    const int64_t c = i / inner % channels;
    const float alpha = w.data<float>()[c] /
                        std::sqrt(v.data<float>()[c] + static_cast<float>(eps));
    data[i] =
        data[i] * alpha + (b.data<float>()[c] - m.data<float>()[c] * alpha);
    if (kRelu) data[i] = std::max(data[i], 0.0f);
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor laid_out, ContiguousIn(x, format));
  return QuantizePerTensor(laid_out, scale, zero_point, qx.dtype());
}

// ---- over groups of `size` elements in a row; weights per `weight_at(i)`

struct Affine {
  Tensor weight, bias;  // float32, contiguous, or undefined
};

Result Normalize(const Tensor& qx, int64_t size, double eps,
                 const Affine& affine, int64_t inner, int64_t period,
                 double scale, int64_t zero_point) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor real, Dequantize(qx));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, CloneContiguous(real, DType::kFloat));
  float* data = x.data<float>();
  const int64_t groups = size == 0 ? 0 : x.numel() / size;
  for (int64_t g = 0; g < groups; ++g) {
    float* row = data + g * size;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < size; ++i) {
      sum += row[i];
      squares += static_cast<double>(row[i]) * row[i];
    }
    const double mean = sum / static_cast<double>(size);
    const double variance =
        std::max(0.0, squares / static_cast<double>(size) - mean * mean);
    const double inverse = 1 / std::sqrt(variance + eps);
    for (int64_t i = 0; i < size; ++i) {
      const int64_t c = (g * size + i) / inner % period;
      double v = (row[i] - mean) * inverse;
      if (affine.weight.defined()) v *= affine.weight.data<float>()[c];
      if (affine.bias.defined()) v += affine.bias.data<float>()[c];
      row[i] = static_cast<float>(v);
    }
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor laid_out,
                          ContiguousIn(x, SuggestMemoryFormat(qx)));
  return QuantizePerTensor(laid_out, scale, zero_point, qx.dtype());
}

absl::StatusOr<Affine> AffineOf(const Tensor& weight, const Tensor& bias,
                                int64_t count) {
  Affine a;
  for (const Tensor* t : {&weight, &bias}) {
    if (t->defined() && t->numel() != count) {
      return Invalid(absl::StrCat("Expected weight and bias of ", count,
                                  " elements, but got ",
                                  DimsToString(t->sizes())));
    }
  }
  if (weight.defined()) {
    TANDEM_ASSIGN_OR_RETURN(a.weight, Contiguous(weight, DType::kFloat));
  }
  if (bias.defined()) {
    TANDEM_ASSIGN_OR_RETURN(a.bias, Contiguous(bias, DType::kFloat));
  }
  return a;
}

Result LayerNorm(const Tensor& input, absl::Span<const int64_t> shape,
                 const Tensor& weight, const Tensor& bias, double eps,
                 double scale, int64_t zero_point) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(input, "layer_norm").status());
  const auto n = static_cast<int64_t>(shape.size());
  if (n < 1 || n > input.dim() ||
      input.sizes().subspan(input.dim() - n) != shape) {
    return Invalid(absl::StrCat("Given normalized_shape=", DimsToString(shape),
                                ", expected input with shape ending in it, but "
                                "got input of size",
                                DimsToString(input.sizes())));
  }
  int64_t size = 1;
  for (int64_t s : shape) size *= s;
  TANDEM_ASSIGN_OR_RETURN(const Affine a, AffineOf(weight, bias, size));
  return Normalize(input, size, eps, a, 1, std::max<int64_t>(1, size), scale,
                   zero_point);
}

Result GroupNorm(const Tensor& input, int64_t num_groups, const Tensor& weight,
                 const Tensor& bias, double eps, double scale,
                 int64_t zero_point) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(input, "group_norm").status());
  if (input.dim() < 2 || num_groups <= 0 || input.size(1) % num_groups != 0) {
    return Invalid(
        "Expected number of channels in input to be divisible by "
        "num_groups");
  }
  int64_t inner = 1;
  for (int64_t d = 2; d < input.dim(); ++d) inner *= input.size(d);
  const int64_t channels = input.size(1);
  TANDEM_ASSIGN_OR_RETURN(const Affine a, AffineOf(weight, bias, channels));
  return Normalize(input, channels / num_groups * inner, eps, a,
                   std::max<int64_t>(1, inner), std::max<int64_t>(1, channels),
                   scale, zero_point);
}

Result InstanceNorm(const Tensor& input, const Tensor& weight,
                    const Tensor& bias, double eps, double scale,
                    int64_t zero_point) {
  if (input.dim() < 3) {
    return Invalid("Expected normalized_shape to be at least 1-dimensional");
  }
  return GroupNorm(input, input.size(1), weight, bias, eps, scale, zero_point);
}

Result Softmax(const Tensor& x, int64_t dim, double scale, int64_t zero_point) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(x, "softmax").status());
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapDim(dim, x.dim()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor real, Dequantize(x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, CloneContiguous(real, DType::kFloat));
  if (y.dim() > 0 && y.numel() > 0) {
    const int64_t n = y.size(d);
    int64_t inner = 1;
    for (int64_t e = d + 1; e < y.dim(); ++e) inner *= y.size(e);
    for (int64_t j = 0; j < y.numel() / n; ++j) {
      float* line = y.data<float>() + j / inner * n * inner + j % inner;
      float most = line[0], sum = 0;
      for (int64_t i = 1; i < n; ++i) most = std::max(most, line[i * inner]);
      for (int64_t i = 0; i < n; ++i) {
        line[i * inner] = std::exp(line[i * inner] - most);
        sum += line[i * inner];
      }
      for (int64_t i = 0; i < n; ++i) line[i * inner] /= sum;
    }
  }
  return QuantizePerTensor(y, scale, zero_point, x.dtype());
}

Result Matmul(const Tensor& qa, const Tensor& qb, double scale,
              int64_t zero_point) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(qa, "matmul").status());
  TANDEM_RETURN_IF_ERROR(PerTensorOf(qb, "matmul").status());
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, Dequantize(qa));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, Dequantize(qb));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, MatMul(a, b));
  return QuantizePerTensor(y, scale, zero_point, qa.dtype());
}

Result Prelu(const Tensor& x, const Tensor& weight, double scale,
             int64_t zero_point) {
  TANDEM_RETURN_IF_ERROR(PerTensorOf(x, "prelu").status());
  TANDEM_ASSIGN_OR_RETURN(const Tensor w, Dequantize(weight));
  TANDEM_ASSIGN_OR_RETURN(const Tensor slopes, Contiguous(w));
  const int64_t channels = x.dim() > 1 ? x.size(1) : 1;
  if (slopes.numel() != 1 && slopes.numel() != channels) {
    return Invalid("Mismatch of parameter numbers and input channel size.");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor real, Dequantize(x));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, CloneContiguous(real, DType::kFloat));
  int64_t inner = 1;
  for (int64_t d = 2; d < y.dim(); ++d) inner *= y.size(d);
  inner = std::max<int64_t>(1, inner);
  for (int64_t i = 0; i < y.numel(); ++i) {
    float& v = y.data<float>()[i];
    const int64_t c = slopes.numel() == 1 ? 0 : i / inner % channels;
    if (v < 0) v *= slopes.data<float>()[c];
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor laid_out,
                          ContiguousIn(y, SuggestMemoryFormat(x)));
  return QuantizePerTensor(laid_out, scale, zero_point, x.dtype());
}

}  // namespace

void AddQuantizedLayers(KernelRegistrar& r) {
  r.Add("quantized::relu6", &Relu6)
      .Add("quantized::leaky_relu", &LeakyRelu)
      .Add("quantized::sigmoid", &Sigmoid)
      .Add("quantized::hardswish", &Hardswish)
      .Add("quantized::elu", &Elu)
      .Add("quantized::celu", &Celu)
      .Add("quantized::threshold", &Threshold)
      .Add("quantized::clamp", &Clamp)
      .Add("quantized::dropout", &Dropout)
      .Add("quantized::prelu", &Prelu)
      .Add("quantized::softmax", &Softmax)
      .Add("quantized::matmul", &Matmul)
      .Add("quantized::layer_norm", &LayerNorm)
      .Add("quantized::group_norm", &GroupNorm)
      .Add("quantized::instance_norm", &InstanceNorm)
      .Add("aten::quantized_batch_norm", &BatchNorm<false>);
  for (const char* rank : {"", "1d", "2d", "3d"}) {
    const std::string name = absl::StrCat("quantized::batch_norm", rank);
    r.Add(name, &BatchNorm<false>).Add(name + "_relu", &BatchNorm<true>);
  }
}

absl::Status RegisterQuantized(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddQuantizedArithmetic(r);
  AddQuantizedLayers(r);
  AddQuantizedLinear(r);
  AddQuantizedConv(r);
  AddQuantizedEmbedding(r);
  AddQuantizedRecurrent(r);
  AddQuantizedPool(r);
  TANDEM_RETURN_IF_ERROR(r.status());
  KernelRegistrar quantized(registry, kQuantizedKernels);
  AddQuantizedAten(quantized);
  TANDEM_RETURN_IF_ERROR(quantized.status());
  return AddQuantizedCompare(registry);
}

}  // namespace tandem::reference
