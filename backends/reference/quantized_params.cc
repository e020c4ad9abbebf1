// Packed parameters: from the state that archives hold, and to it.
#include <algorithm>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/quantize.h"
#include "tandem/backends/reference/quantized.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/half.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

constexpr absl::string_view kClasses = "__torch__.torch.classes.quantized.";

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::Status BadState(const OpaqueObject& object, absl::string_view why) {
  return Invalid(absl::StrCat("the state of a ", object.qualified_name,
                              " does not fit: ", why));
}

// The elements of a tuple or list; null for anything else.
const std::vector<IValue>* ElementsOf(const IValue& v) {
  if (v.is_tuple()) return &v.AsTuple().values;
  if (v.is_list()) return &v.AsList().values;
  return nullptr;
}

Tensor TensorOrNone(const IValue& v) {
  return v.is_tensor() ? v.AsTensor() : Tensor();
}

absl::StatusOr<OpaqueObject*> ObjectOf(const IValue& packed,
                                       absl::string_view name) {
  if (!packed.is_opaque() ||
      packed.AsOpaque().qualified_name != absl::StrCat(kClasses, name)) {
    return Invalid(
        absl::StrCat("Expected an object of the class ", kClasses, name));
  }
  return &packed.AsOpaque();
}

// `prepared` of an object, made by `make` on first use. Objects of a class
// always keep the same type here.
template <typename T, typename Make>
absl::StatusOr<std::shared_ptr<const T>> Prepared(OpaqueObject& object,
                                                  Make make) {
  absl::MutexLock lock(&object.mutex);
  if (object.prepared == nullptr) {
    auto made = std::make_shared<T>();
    TANDEM_RETURN_IF_ERROR(make(made.get()));
    object.prepared = std::move(made);
  }
  return std::static_pointer_cast<const T>(object.prepared);
}

// Scales and zero points along dim `axis`, one (per tensor) or one a channel.
absl::Status ReadQuantizer(const Tensor& weight, int64_t axis,
                           std::vector<float>* scales,
                           std::vector<int64_t>* zero_points) {
  if (!weight.is_quantized()) return Invalid("the weight is not quantized");
  const Quantizer& q = *weight.impl()->quantizer;
  if (q.scheme == 0) {
    scales->assign(1, static_cast<float>(q.scale));
    zero_points->assign(1, q.zero_point);
    return absl::OkStatus();
  }
  if (q.axis != axis || q.scales.numel() != weight.size(axis) ||
      q.zero_points.numel() != weight.size(axis)) {
    return Invalid("the weight is quantized along another dim");
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor s, Contiguous(q.scales, DType::kFloat));
  TANDEM_ASSIGN_OR_RETURN(const Tensor z,
                          Contiguous(q.zero_points, DType::kInt64));
  scales->assign(s.data<float>(), s.data<float>() + s.numel());
  zero_points->assign(z.data<int64_t>(), z.data<int64_t>() + z.numel());
  return absl::OkStatus();
}

absl::Status CheckBias(const Tensor& bias, int64_t channels) {
  if (!bias.defined()) return absl::OkStatus();
  if (bias.dim() != 1 || bias.size(0) != channels) {
    return Invalid(absl::StrCat("bias should have ", channels,
                                " elements, not ", DimsToString(bias.sizes())));
  }
  return absl::OkStatus();
}

absl::Status MakeLinear(const Tensor& weight, const Tensor& bias,
                        LinearParams* p) {
  if (!weight.defined() || weight.dim() != 2) {
    return Invalid(
        "The weight tensor for quantized::linear_prepack (fbgemm) "
        "should be 2-dimensional.");
  }
  const int64_t n = weight.size(0), k = weight.size(1);
  p->weight = weight;
  TANDEM_RETURN_IF_ERROR(CheckBias(bias, n));
  if (bias.defined()) {
    TANDEM_ASSIGN_OR_RETURN(p->bias, Contiguous(bias, DType::kFloat));
  }
  if (weight.dtype() == DType::kFloat) {
    p->half = true;
    TANDEM_ASSIGN_OR_RETURN(const Tensor half, ToDType(weight, DType::kHalf));
    TANDEM_ASSIGN_OR_RETURN(p->weight, Contiguous(half, DType::kFloat));
    return absl::OkStatus();
  }
  if (weight.dtype() != DType::kQInt8) {
    return Invalid("the weight of a quantized linear layer must be qint8");
  }
  std::vector<int64_t> zero_points;
  TANDEM_RETURN_IF_ERROR(ReadQuantizer(weight, 0, &p->scales, &zero_points));
  p->scales.resize(n, p->scales.empty() ? 1.0f : p->scales[0]);
  zero_points.resize(n, zero_points.empty() ? 0 : zero_points[0]);
  p->zero_points.assign(zero_points.begin(), zero_points.end());
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(weight));
  TANDEM_ASSIGN_OR_RETURN(p->integers, Contiguous(integers));
  p->row_sums.resize(n);
  const int8_t* data = p->integers.data<int8_t>();
  for (int64_t i = 0; i < n; ++i) {
    int64_t sum = 0;
    for (int64_t j = 0; j < k; ++j) sum += data[i * k + j];
    p->row_sums[i] = sum;
  }
  return absl::OkStatus();
}

// ---- convolutions: three forms of state over the years

absl::Status Ints(const IValue& v, std::vector<int64_t>* ints) {
  ints->clear();
  if (v.is_tensor() && v.AsTensor().defined()) {
    TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                            Contiguous(v.AsTensor(), DType::kInt64));
    ints->assign(t.data<int64_t>(), t.data<int64_t>() + t.numel());
    return absl::OkStatus();
  }
  const std::vector<IValue>* values = ElementsOf(v);
  if (values == nullptr) return Invalid("a list of integers is missing");
  for (const IValue& e : *values) {
    if (e.is_int()) {
      ints->push_back(e.AsInt());
    } else if (e.is_tensor() && e.AsTensor().defined() &&
               e.AsTensor().numel() == 1) {
      TANDEM_ASSIGN_OR_RETURN(const Scalar s, e.AsTensor().Item());
      ints->push_back(s.ToInt());
    } else {
      return Invalid("a list holds something that is no integer");
    }
  }
  return absl::OkStatus();
}

// [spatial dims, stride, padding, dilation, output padding, groups, transpose]
absl::Status ReadConfig(const std::vector<int64_t>& config,
                        QuantizedConvParams* p) {
  if (config.empty() || config[0] < 1 || config[0] > 3 ||
      config.size() != static_cast<size_t>(4 * config[0] + 3)) {
    return Invalid("the list of parameters has the wrong length");
  }
  const int64_t n = config[0];
  const auto part = [&](int64_t i) {
    return std::vector<int64_t>(config.begin() + 1 + i * n,
                                config.begin() + 1 + (i + 1) * n);
  };
  p->stride = part(0);
  p->padding = part(1);
  p->dilation = part(2);
  p->output_padding = part(3);
  p->groups = config[4 * n + 1];
  p->transpose = (config[4 * n + 2] & 1) != 0;
  return absl::OkStatus();
}

absl::Status MakeConv(const OpaqueObject& object, QuantizedConvParams* p) {
  const std::vector<IValue>* state = ElementsOf(object.state);
  if (state == nullptr || state->empty()) {
    return BadState(object, "it is no tuple");
  }
  const IValue& first = (*state)[0];
  std::vector<int64_t> config;
  if (first.is_tensor()) {  // version 1: weight, bias, lists of tensors
    if (state->size() < 6) return BadState(object, "too few parts");
    p->weight = first.AsTensor();
    p->bias = TensorOrNone((*state)[1]);
    TANDEM_RETURN_IF_ERROR(Ints((*state)[2], &p->stride));
    TANDEM_RETURN_IF_ERROR(Ints((*state)[3], &p->padding));
    TANDEM_RETURN_IF_ERROR(Ints((*state)[4], &p->dilation));
    TANDEM_RETURN_IF_ERROR(Ints((*state)[5], &config));
    if (config.size() != 1) return BadState(object, "groups");
    p->groups = config[0];
    p->output_padding.assign(p->stride.size(), 0);
  } else if (state->size() == 3) {
    // version 2: "2", [parameters, weight], [bias];
    // version 3: 3, parameters, [_, weight, bias].
    const std::vector<IValue>* second = ElementsOf((*state)[1]);
    const std::vector<IValue>* third = ElementsOf((*state)[2]);
    if (second == nullptr || third == nullptr) {
      return BadState(object, "parts that are no lists");
    }
    if (first.is_string()) {
      if (second->size() < 2 || third->empty()) {
        return BadState(object, "too few tensors");
      }
      TANDEM_RETURN_IF_ERROR(Ints((*second)[0], &config));
      p->weight = TensorOrNone((*second)[1]);
      p->bias = TensorOrNone((*third)[0]);
    } else {
      if (third->size() < 3) return BadState(object, "too few tensors");
      TANDEM_RETURN_IF_ERROR(Ints((*state)[1], &config));
      p->weight = TensorOrNone((*third)[1]);
      p->bias = TensorOrNone((*third)[2]);
    }
    if (absl::Status s = ReadConfig(config, p); !s.ok()) {
      return BadState(object, s.message());
    }
  } else {
    return BadState(object, "an unknown version");
  }
  const size_t spatial = p->stride.size();
  if (!p->weight.defined() || p->weight.dtype() != DType::kQInt8 ||
      p->weight.dim() != static_cast<int64_t>(spatial) + 2 ||
      p->padding.size() != spatial || p->dilation.size() != spatial ||
      p->groups < 1) {
    return BadState(object, "a qint8 weight of as many dims as its parameters");
  }
  // The output channels of a transposed convolution lie along dim 1.
  const int64_t axis = p->transpose ? 1 : 0;
  int64_t channels = p->weight.size(axis);
  if (p->transpose) channels *= p->groups;
  TANDEM_RETURN_IF_ERROR(CheckBias(p->bias, channels));
  if (p->bias.defined()) {
    TANDEM_ASSIGN_OR_RETURN(p->bias, Contiguous(p->bias, DType::kFloat));
  }
  std::vector<int64_t> zero_points;
  TANDEM_RETURN_IF_ERROR(
      ReadQuantizer(p->weight, axis, &p->scales, &zero_points));
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(p->weight));
  TANDEM_ASSIGN_OR_RETURN(p->real, CloneContiguous(integers, DType::kFloat));
  float* data = p->real.data<float>();
  int64_t inner = 1;
  for (int64_t d = axis + 1; d < p->real.dim(); ++d) inner *= p->real.size(d);
  for (int64_t i = 0; i < p->real.numel(); ++i) {
    const int64_t c =
        zero_points.size() == 1
            ? 0
            : i / std::max<int64_t>(1, inner) % p->weight.size(axis);
    data[i] -= static_cast<float>(zero_points[c]);
  }
  return absl::OkStatus();
}

// ---- embeddings

absl::Status MakeEmbedding(const OpaqueObject& object, EmbeddingParams* p) {
  const std::vector<IValue>* state = ElementsOf(object.state);
  if (state == nullptr || state->size() != 4) {
    return BadState(object, "four parts are expected");
  }
  const std::vector<IValue>* tensors = ElementsOf((*state)[1]);
  if (tensors == nullptr || tensors->empty()) {
    return BadState(object, "no weight");
  }
  p->weight = TensorOrNone((*tensors)[0]);
  const Tensor& w = p->weight;
  if (!w.defined() || w.dim() != 2 || !w.is_quantized() ||
      (w.dtype() != DType::kQUInt8 && w.dtype() != DType::kQUInt4x2)) {
    return BadState(object, "a quantized weight of two dims is expected");
  }
  const Quantizer& q = *w.impl()->quantizer;
  p->bits = w.dtype() == DType::kQUInt4x2 ? 4 : 8;
  const int64_t rows = w.size(0);
  if (q.scheme == 0 || q.axis != 0 || q.scales.numel() != rows ||
      q.zero_points.numel() != rows) {
    return BadState(object, "a weight quantized by rows is expected");
  }
  if (p->bits == 4) {
    TANDEM_RETURN_IF_ERROR(PackedData(w).status());
    if (w.size(1) % 2 != 0) return BadState(object, "an odd number of columns");
  } else {
    TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(w));
    TANDEM_ASSIGN_OR_RETURN(p->weight, Contiguous(integers));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor s, Contiguous(q.scales, DType::kFloat));
  TANDEM_ASSIGN_OR_RETURN(const Tensor z,
                          Contiguous(q.zero_points, DType::kFloat));
  for (int64_t i = 0; i < rows; ++i) {
    float scale = s.data<float>()[i];
    float bias = -z.data<float>()[i] * scale;
    if (p->bits == 4) {  // packed beside the row in half precision
      scale = HalfToFloat(FloatToHalf(scale));
      bias = HalfToFloat(FloatToHalf(bias));
    }
    p->scales.push_back(scale);
    p->biases.push_back(bias);
  }
  return absl::OkStatus();
}

IValue NewObject(absl::string_view name, IValue state) {
  return IValue(Ref<OpaqueObject>::Adopt(
      new OpaqueObject(absl::StrCat(kClasses, name), std::move(state))));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const LinearParams>> LinearParamsOf(
    const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(OpaqueObject * object,
                          ObjectOf(packed, "LinearPackedParamsBase"));
  return Prepared<LinearParams>(*object, [&](LinearParams* p) -> absl::Status {
    const std::vector<IValue>* state = ElementsOf(object->state);
    if (state == nullptr || state->size() != 2) {
      return BadState(*object, "a weight and a bias are expected");
    }
    return MakeLinear(TensorOrNone((*state)[0]), TensorOrNone((*state)[1]), p);
  });
}

absl::StatusOr<std::shared_ptr<const QuantizedConvParams>> ConvParamsOf(
    const IValue& packed) {
  absl::StatusOr<OpaqueObject*> object =
      ObjectOf(packed, "Conv2dPackedParamsBase");
  if (!object.ok()) object = ObjectOf(packed, "Conv3dPackedParamsBase");
  if (!object.ok()) return object.status();
  return Prepared<QuantizedConvParams>(
      **object, [&](QuantizedConvParams* p) { return MakeConv(**object, p); });
}

absl::StatusOr<std::shared_ptr<const EmbeddingParams>> EmbeddingParamsOf(
    const IValue& packed) {
  TANDEM_ASSIGN_OR_RETURN(OpaqueObject * object,
                          ObjectOf(packed, "EmbeddingPackedParamsBase"));
  return Prepared<EmbeddingParams>(
      *object, [&](EmbeddingParams* p) { return MakeEmbedding(*object, p); });
}

absl::StatusOr<IValue> PackLinear(const Tensor& weight, const Tensor& bias) {
  LinearParams check;
  TANDEM_RETURN_IF_ERROR(MakeLinear(weight, bias, &check));
  return NewObject(
      "LinearPackedParamsBase",
      IValue(MakeTuple(
          {IValue(weight), bias.defined() ? IValue(bias) : IValue()})));
}

IValue PackConv(int64_t spatial, const Tensor& weight, const Tensor& bias,
                absl::Span<const int64_t> stride,
                absl::Span<const int64_t> padding,
                absl::Span<const int64_t> output_padding,
                absl::Span<const int64_t> dilation, int64_t groups,
                bool transpose) {
  std::vector<int64_t> config = {spatial};
  for (absl::Span<const int64_t> part :
       {stride, padding, dilation, output_padding}) {
    config.insert(config.end(), part.begin(), part.end());
  }
  config.push_back(groups);
  config.push_back(transpose ? 1 : 0);
  std::vector<IValue> tensors = {IValue(), IValue(weight),
                                 bias.defined() ? IValue(bias) : IValue()};
  return NewObject(
      spatial == 3 ? "Conv3dPackedParamsBase" : "Conv2dPackedParamsBase",
      IValue(MakeTuple({IValue(int64_t{3}), IValue(MakeIntList(config)),
                        IValue(MakeList(Type::Optional(Type::Tensor()),
                                        std::move(tensors)))})));
}

IValue PackEmbedding(const Tensor& weight) {
  const int64_t bits = weight.dtype() == DType::kQUInt4x2 ? 4 : 8;
  return NewObject(
      "EmbeddingPackedParamsBase",
      IValue(MakeTuple({IValue(int64_t{1}),
                        IValue(MakeTensorList(absl::MakeConstSpan(&weight, 1))),
                        IValue(MakeList(Type::Float())),
                        IValue(MakeIntList({bits, 1}))})));
}

}  // namespace tandem::reference
