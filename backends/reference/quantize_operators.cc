// aten's operators on quantized tensors: making them, reading them.
#include <cmath>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/memory_format.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::StatusOr<const Quantizer*> QuantizerOf(const Tensor& t,
                                             absl::string_view op) {
  if (!t.is_quantized()) {
    return absl::UnimplementedError(
        absl::StrCat("Could not run 'aten::", op,
                     "' with arguments from the 'CPU' backend."));
  }
  return t.impl()->quantizer.get();
}

absl::StatusOr<const Quantizer*> PerTensor(const Tensor& t,
                                           absl::string_view op) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, QuantizerOf(t, op));
  if (q->scheme != 0) {
    return Invalid(
        "Expected quantizer->qscheme() == kPerTensorAffine to be true, but got "
        "false.");
  }
  return q;
}

absl::StatusOr<const Quantizer*> PerChannel(const Tensor& t,
                                            absl::string_view op) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, QuantizerOf(t, op));
  if (q->scheme == 0) {
    return Invalid(
        "Expected quantizer->qscheme() == kPerChannelAffine || "
        "quantizer->qscheme() == kPerChannelAffineFloatQParams to be true, but "
        "got false.");
  }
  return q;
}

absl::StatusOr<double> QScale(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensor(self, "q_scale"));
  return q->scale;
}

absl::StatusOr<int64_t> QZeroPoint(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, PerTensor(self, "q_zero_point"));
  return q->zero_point;
}

Result QScales(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q,
                          PerChannel(self, "q_per_channel_scales"));
  return q->scales;
}

Result QZeroPoints(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q,
                          PerChannel(self, "q_per_channel_zero_points"));
  return q->zero_points;
}

absl::StatusOr<int64_t> QAxis(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q,
                          PerChannel(self, "q_per_channel_axis"));
  return q->axis;
}

absl::StatusOr<int64_t> QScheme(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q, QuantizerOf(self, "qscheme"));
  return q->scheme;
}

Result IntRepr(const Tensor& self) {
  TANDEM_RETURN_IF_ERROR(QuantizerOf(self, "int_repr").status());
  const int per_byte = ElementsPerByte(self.dtype());
  if (per_byte > 1) {
    TANDEM_ASSIGN_OR_RETURN(const uint8_t* packed, PackedData(self));
    const int64_t bytes = (self.numel() + per_byte - 1) / per_byte;
    TANDEM_ASSIGN_OR_RETURN(Tensor out, Tensor::Empty({bytes}, DType::kUInt8));
    std::copy(packed, packed + bytes, out.data<uint8_t>());
    return out;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(self));
  return Clone(integers, SuggestMemoryFormat(self));
}

Result DequantizeOp(const Tensor& self) { return Dequantize(self); }

absl::StatusOr<std::vector<Tensor>> DequantizeList(
    absl::Span<const Tensor> tensors) {
  std::vector<Tensor> result;
  for (const Tensor& t : tensors) {
    TANDEM_ASSIGN_OR_RETURN(Tensor d, Dequantize(t));
    result.push_back(std::move(d));
  }
  return result;
}

Result QuantizeByTensors(const Tensor& self, const Tensor& scale,
                         const Tensor& zero_point, DType dtype) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar s, scale.Item());
  TANDEM_ASSIGN_OR_RETURN(const Scalar z, zero_point.Item());
  return QuantizePerTensor(self, s.ToDouble(), z.ToInt(), dtype);
}

absl::StatusOr<std::vector<Tensor>> QuantizeList(
    absl::Span<const Tensor> tensors, const Tensor& scales,
    const Tensor& zero_points, DType dtype) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor s, Contiguous(scales, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor z,
                          Contiguous(zero_points, DType::kInt64));
  const auto n = static_cast<int64_t>(tensors.size());
  if (s.numel() < n || z.numel() < n) {
    return Invalid("a scale and a zero point are needed for each tensor");
  }
  std::vector<Tensor> result;
  for (int64_t i = 0; i < n; ++i) {
    TANDEM_ASSIGN_OR_RETURN(Tensor q,
                            QuantizePerTensor(tensors[i], s.data<double>()[i],
                                              z.data<int64_t>()[i], dtype));
    result.push_back(std::move(q));
  }
  return result;
}

absl::StatusOr<MinMaxOf> RangeOfValues(const Tensor& self) {
  if (self.numel() == 0) {
    return Invalid(
        "min(): Expected reduction dim to be specified for input.numel() == 0. "
        "Specify the reduction dim with the 'dim' argument.");
  }
  return MinMax(self);
}

absl::StatusOr<std::tuple<double, int64_t>> ChooseQParams(const Tensor& self,
                                                          bool reduce_range) {
  TANDEM_ASSIGN_OR_RETURN(const MinMaxOf range, RangeOfValues(self));
  const QuantizationParams p = ChooseQuantizationParams(
      range.least, range.greatest, 0, reduce_range ? 127 : 255);
  return std::make_tuple(static_cast<double>(p.scale), int64_t{p.zero_point});
}

Result QuantizeDynamic(const Tensor& self, DType dtype, bool reduce_range) {
  if (dtype == DType::kHalf) return ToDType(self, DType::kHalf);
  if (dtype != DType::kQInt8 && dtype != DType::kQUInt8) {
    return Invalid(absl::StrCat("dtype ", TypeName(dtype), "not supported"));
  }
  TANDEM_ASSIGN_OR_RETURN(const MinMaxOf range, RangeOfValues(self));
  int32_t qmin = dtype == DType::kQInt8 ? -128 : 0;
  int32_t qmax = dtype == DType::kQInt8 ? 127 : 255;
  if (reduce_range) {
    qmin /= 2;
    qmax /= 2;
  }
  const QuantizationParams p =
      ChooseQuantizationParams(range.least, range.greatest, qmin, qmax);
  return QuantizePerTensor(self, p.scale, p.zero_point, dtype);
}

absl::StatusOr<DType> QuantizedType(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
      return DType::kQUInt8;
    case DType::kInt8:
      return DType::kQInt8;
    case DType::kInt32:
      return DType::kQInt32;
    default:
      return Invalid(
          "Creation of quantized tensor requires quantized dtype like "
          "torch.quint8");
  }
}

Result CopyIntegers(const Tensor& self,
                    std::shared_ptr<const Quantizer> quantizer) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, QuantizedType(self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, EmptyWithQuantizer(self.sizes(), dtype, std::move(quantizer),
                                     SuggestMemoryFormat(self)));
  if (self.numel() > 0) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(out));
    TANDEM_RETURN_IF_ERROR(CopyElements(self, integers));
  }
  return out;
}

Result MakePerTensor(const Tensor& self, double scale, int64_t zero_point) {
  return CopyIntegers(self, PerTensorQuantizer(scale, zero_point));
}

Result MakePerChannel(const Tensor& self, const Tensor& scale,
                      const Tensor& zero_point, int64_t axis) {
  TANDEM_ASSIGN_OR_RETURN(
      auto quantizer,
      PerChannelQuantizer(self.sizes(), scale, zero_point, axis));
  return CopyIntegers(self, std::move(quantizer));
}

Result EmptyAffine(absl::Span<const int64_t> size, std::optional<DType> dtype,
                   std::optional<Layout>, std::optional<Device> device,
                   std::optional<bool>, double scale, int64_t zero_point,
                   std::optional<MemoryFormat> format) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(device));
  if (!dtype.has_value() || !IsQuantized(*dtype)) {
    return Invalid(
        "Creation of quantized tensor requires quantized dtype like "
        "torch.quint8");
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, EmptyQuantized(size, *dtype, scale, zero_point,
                                 format.value_or(MemoryFormat::kContiguous)));
  return out;
}

Result EmptyPerChannel(absl::Span<const int64_t> size, const Tensor& scales,
                       const Tensor& zero_points, int64_t axis,
                       std::optional<DType> dtype, std::optional<Layout>,
                       std::optional<Device> device, std::optional<bool>,
                       std::optional<MemoryFormat> format) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(device));
  TANDEM_ASSIGN_OR_RETURN(auto quantizer,
                          PerChannelQuantizer(size, scales, zero_points, axis));
  return EmptyWithQuantizer(size, dtype.value_or(DType::kUndefined),
                            std::move(quantizer),
                            format.value_or(MemoryFormat::kContiguous));
}

Result EmptyLikeQuantized(absl::Span<const int64_t> size, const Tensor& qtensor,
                          std::optional<DType>, std::optional<Layout>,
                          std::optional<Device>, std::optional<bool>,
                          std::optional<MemoryFormat> format) {
  TANDEM_ASSIGN_OR_RETURN(const Quantizer* q,
                          PerTensor(qtensor, "empty_quantized"));
  return EmptyQuantized(size, qtensor.dtype(), q->scale, q->zero_point,
                        format.value_or(MemoryFormat::kContiguous));
}

template <auto F>
struct QuantizedOut;
template <typename... A, Result (*F)(A...)>
struct QuantizedOut<F> {
  // out= takes over the parameters of the result.
  static Result Call(A... a, const Tensor& out) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(a...));
    TANDEM_RETURN_IF_ERROR(WriteOutExact(result, out).status());
    out.impl()->quantizer = result.impl()->quantizer;
    return out;
  }
};

}  // namespace

absl::StatusOr<MinMaxOf> MinMax(const Tensor& self) {
  MinMaxOf range;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(self, DType::kFloat));
  const float* data = x.data<float>();
  for (int64_t i = 0; i < x.numel(); ++i) {
    if (i == 0 || data[i] < range.least) range.least = data[i];
    if (i == 0 || data[i] > range.greatest) range.greatest = data[i];
  }
  return range;
}

absl::Status RegisterQuantize(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  const KernelOptions meta = {.handles_lazy_bits = true, .metadata_only = true};
  r.Add("aten::q_scale", &QScale, meta)
      .Add("aten::q_zero_point", &QZeroPoint, meta)
      .Add("aten::q_per_channel_scales", &QScales, meta)
      .Add("aten::q_per_channel_scales.out", &Variants<&QScales>::OutExact)
      .Add("aten::q_per_channel_zero_points", &QZeroPoints, meta)
      .Add("aten::q_per_channel_zero_points.out",
           &Variants<&QZeroPoints>::OutExact)
      .Add("aten::q_per_channel_axis", &QAxis, meta)
      .Add("aten::qscheme", &QScheme, meta)
      .Add("aten::int_repr", &IntRepr)
      .Add("aten::int_repr.out", &Variants<&IntRepr>::OutExact)
      .Add("aten::dequantize.self", &DequantizeOp)
      .Add("aten::dequantize.tensor", &DequantizeOp)
      .Add("aten::dequantize.self_out", &Variants<&DequantizeOp>::OutExact)
      .Add("aten::dequantize.tensors", &DequantizeList)
      .Add("aten::dequantize.list", &DequantizeList)
      .Add("aten::dequantize.tensors_out", &Variants<&DequantizeList>::Out);
  r.Add("aten::quantize_per_tensor", &QuantizePerTensor)
      .Add("aten::quantize_per_tensor.out",
           &QuantizedOut<&QuantizePerTensor>::Call)
      .Add("aten::quantize_per_tensor.tensor_qparams", &QuantizeByTensors)
      .Add("aten::quantize_per_tensor.tensor_qparams_out",
           &QuantizedOut<&QuantizeByTensors>::Call)
      .Add("aten::quantize_per_tensor.tensors", &QuantizeList)
      .Add("aten::quantize_per_channel", &QuantizePerChannel)
      .Add("aten::quantize_per_channel.out",
           &QuantizedOut<&QuantizePerChannel>::Call)
      .Add("aten::quantize_per_tensor_dynamic", &QuantizeDynamic)
      .Add("aten::quantize_per_tensor_dynamic.out",
           &QuantizedOut<&QuantizeDynamic>::Call)
      .Add("aten::_choose_qparams_per_tensor", &ChooseQParams)
      .Add("aten::_make_per_tensor_quantized_tensor", &MakePerTensor)
      .Add("aten::_make_per_tensor_quantized_tensor.out",
           &QuantizedOut<&MakePerTensor>::Call)
      .Add("aten::_make_per_channel_quantized_tensor", &MakePerChannel)
      .Add("aten::_make_per_channel_quantized_tensor.out",
           &QuantizedOut<&MakePerChannel>::Call)
      .Add("aten::_empty_affine_quantized", &EmptyAffine)
      .Add("aten::_empty_per_channel_affine_quantized", &EmptyPerChannel)
      .Add("aten::empty_quantized", &EmptyLikeQuantized);
  AddFakeQuantize(r);
  return r.status();
}

}  // namespace tandem::reference
