#include "tandem/backends/reference/quantize.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/memory_format.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// The integer type under a quantized dtype.
template <typename Body>
absl::Status VisitQuantized(DType dtype, absl::string_view op, Body&& body) {
  switch (dtype) {
    case DType::kQUInt8:
      return body(TypeTag<uint8_t>{});
    case DType::kQInt8:
      return body(TypeTag<int8_t>{});
    case DType::kQInt32:
      return body(TypeTag<int32_t>{});
    default:
      return NotImplementedFor(op, dtype);
  }
}

// Elements of a per-channel tensor in order of memory: channel of element i.
struct ChannelOrder {
  int64_t channels = 1, inner = 1;
  int64_t at(int64_t i) const { return i / inner % channels; }
};

ChannelOrder OrderOf(const Tensor& t, int64_t axis, MemoryFormat format) {
  ChannelOrder order;
  order.channels = std::max<int64_t>(1, t.size(axis));
  if (format == MemoryFormat::kContiguous) {
    for (int64_t d = axis + 1; d < t.dim(); ++d) order.inner *= t.size(d);
  } else if (axis != 1) {  // channels last: dims axis+1 …, then dim 1
    for (int64_t d = std::max<int64_t>(axis + 1, 2); d < t.dim(); ++d) {
      order.inner *= t.size(d);
    }
    order.inner *= t.size(1);
  }
  order.inner = std::max<int64_t>(1, order.inner);
  return order;
}

int64_t PackedBytes(int64_t numel, int per_byte) {
  return numel / per_byte + (numel % per_byte != 0);
}

bool IsFloatParams(const Quantizer& q) { return q.scheme == 4; }

}  // namespace

int ElementsPerByte(DType dtype) {
  return dtype == DType::kQUInt4x2 ? 2 : dtype == DType::kQUInt2x4 ? 4 : 1;
}

absl::StatusOr<const uint8_t*> PackedData(const Tensor& t) {
  const int per_byte = ElementsPerByte(t.dtype());
  const int64_t need = PackedBytes(t.numel(), per_byte);
  if (t.offset() != 0 || !t.is_contiguous() || t.storage() == nullptr ||
      (need > 0 && (t.storage()->data() == nullptr ||
                    static_cast<int64_t>(t.storage()->bytes()) < need))) {
    return Invalid(
        "a tensor of a packed dtype must be contiguous and start its storage");
  }
  return static_cast<const uint8_t*>(t.storage()->data());
}

absl::StatusOr<QuantizedRange> RangeOf(DType dtype) {
  switch (dtype) {
    case DType::kQUInt8:
      return QuantizedRange{0, 255};
    case DType::kQInt8:
      return QuantizedRange{-128, 127};
    case DType::kQInt32:
      return QuantizedRange{INT32_MIN, INT32_MAX};
    case DType::kQUInt4x2:
      return QuantizedRange{0, 15};
    case DType::kQUInt2x4:
      return QuantizedRange{0, 3};
    default:
      return Invalid(absl::StrCat("ScalarType ", TypeName(dtype),
                                  " is not supported in new_qtensor."));
  }
}

std::shared_ptr<const Quantizer> PerTensorQuantizer(double scale,
                                                    int64_t zero_point) {
  auto q = std::make_shared<Quantizer>();
  q->scale = scale;
  q->zero_point = zero_point;
  return q;
}

absl::StatusOr<Tensor> EmptyWithQuantizer(
    DimSpan sizes, DType dtype, std::shared_ptr<const Quantizer> quantizer,
    MemoryFormat format) {
  TANDEM_RETURN_IF_ERROR(RangeOf(dtype).status());
  const int per_byte = ElementsPerByte(dtype);
  Tensor result;
  if (per_byte == 1) {
    TANDEM_ASSIGN_OR_RETURN(result, EmptyInFormat(sizes, dtype, format));
  } else {
    TANDEM_ASSIGN_OR_RETURN(const int64_t numel, CheckedNumel(sizes));
    TANDEM_ASSIGN_OR_RETURN(Ref<Storage> storage,
                            Storage::Allocate(PackedBytes(numel, per_byte)));
    Ref<TensorImpl> impl = Ref<TensorImpl>::Adopt(TensorImpl::New());
    impl->storage = std::move(storage);
    impl->dtype = dtype;
    impl->SetContiguous(sizes);
    result = Tensor(std::move(impl));
  }
  result.impl()->quantizer = std::move(quantizer);
  return result;
}

absl::StatusOr<Tensor> EmptyQuantized(DimSpan sizes, DType dtype, double scale,
                                      int64_t zero_point, MemoryFormat format) {
  return EmptyWithQuantizer(sizes, dtype, PerTensorQuantizer(scale, zero_point),
                            format);
}

absl::StatusOr<Tensor> Integers(const Tensor& self) {
  DType dtype;
  switch (self.dtype()) {
    case DType::kQUInt8:
      dtype = DType::kUInt8;
      break;
    case DType::kQInt8:
      dtype = DType::kInt8;
      break;
    case DType::kQInt32:
      dtype = DType::kInt32;
      break;
    default:
      return NotImplementedFor("int_repr", self.dtype());
  }
  Tensor view = self.Alias();
  view.impl()->dtype = dtype;
  view.impl()->quantizer = nullptr;
  return view;
}

absl::StatusOr<Tensor> Dequantize(const Tensor& self) {
  if (!self.is_quantized()) return ToDType(self, DType::kFloat);
  const Quantizer& q = *self.impl()->quantizer;
  const int per_byte = ElementsPerByte(self.dtype());
  const MemoryFormat format =
      per_byte == 1 ? SuggestMemoryFormat(self) : MemoryFormat::kContiguous;
  TANDEM_ASSIGN_OR_RETURN(Tensor out,
                          EmptyInFormat(self.sizes(), DType::kFloat, format));
  float* to = out.data<float>();
  const int64_t numel = self.numel();
  if (numel == 0) return out;
  ChannelOrder order;
  Tensor scales, zero_points;
  if (q.scheme != 0) {
    if (q.axis < 0 || q.axis >= self.dim() ||
        q.scales.numel() != self.size(q.axis) ||
        q.zero_points.numel() != self.size(q.axis)) {
      return Invalid("length of scales must equal to channel");
    }
    order = OrderOf(self, q.axis, format);
    TANDEM_ASSIGN_OR_RETURN(scales, Contiguous(q.scales, DType::kDouble));
    TANDEM_ASSIGN_OR_RETURN(zero_points,
                            Contiguous(q.zero_points, DType::kDouble));
  }
  const auto value = [&](int64_t integer, int64_t i) {
    if (q.scheme == 0) {
      return static_cast<float>(integer - q.zero_point) *
             static_cast<float>(q.scale);
    }
    const int64_t c = order.at(i);
    const float zero = static_cast<float>(zero_points.data<double>()[c]);
    return (static_cast<float>(integer) - zero) *
           static_cast<float>(scales.data<double>()[c]);
  };
  if (per_byte > 1) {
    TANDEM_ASSIGN_OR_RETURN(const uint8_t* packed, PackedData(self));
    const int bits = 8 / per_byte;
    for (int64_t i = 0; i < numel; ++i) {
      const int integer =
          packed[i / per_byte] >> (i % per_byte * bits) & ((1 << bits) - 1);
      to[i] = value(integer, i);
    }
    return out;
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor integers, Integers(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousIn(integers, format));
  TANDEM_RETURN_IF_ERROR(
      VisitQuantized(self.dtype(), "dequantize", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        const T* from = x.data<T>();
        return ParallelFor(numel, 65536, [&](int64_t begin, int64_t end) {
          if (q.scheme == 0) {
            const float scale = static_cast<float>(q.scale);
            for (int64_t i = begin; i < end; ++i) {
              to[i] = static_cast<float>(from[i] - q.zero_point) * scale;
            }
          } else {
            for (int64_t i = begin; i < end; ++i) to[i] = value(from[i], i);
          }
        });
      }));
  return out;
}

absl::StatusOr<Tensor> QuantizePerTensor(const Tensor& self, double scale,
                                         int64_t zero_point, DType dtype) {
  if (self.dtype() != DType::kFloat) {
    return Invalid(absl::StrCat("Quantize only works on Float Tensor, got ",
                                TypeName(self.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const QuantizedRange range, RangeOf(dtype));
  if (zero_point > range.greatest || zero_point < range.least) {
    return Invalid(absl::StrCat(
        "quantize_tensor_per_tensor_affine zero_point ", zero_point,
        zero_point > range.greatest ? " is above upper bound."
                                    : " is below lower bound."));
  }
  const int per_byte = ElementsPerByte(dtype);
  const MemoryFormat format =
      per_byte == 1 ? SuggestMemoryFormat(self) : MemoryFormat::kContiguous;
  TANDEM_ASSIGN_OR_RETURN(Tensor out, EmptyQuantized(self.sizes(), dtype, scale,
                                                     zero_point, format));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousIn(self, format));
  const float* from = x.data<float>();
  const float inverse = 1.0f / static_cast<float>(scale);
  if (per_byte > 1) {
    auto* to = static_cast<uint8_t*>(out.storage()->data());
    const int bits = 8 / per_byte;
    for (int64_t i = 0; i < self.numel(); ++i) {
      const auto v = static_cast<uint8_t>(
          QuantizeValue(from[i], inverse, zero_point, range));
      const int shift = static_cast<int>(i % per_byte) * bits;
      to[i / per_byte] = static_cast<uint8_t>(
          (shift == 0 ? 0 : to[i / per_byte]) | (v << shift));
    }
    return out;
  }
  TANDEM_RETURN_IF_ERROR(
      VisitQuantized(dtype, "quantize", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        T* to = out.data<T>();
        const int64_t whole = self.numel() / 8 * 8;
        return ParallelFor(
            self.numel(), 65536, [&](int64_t begin, int64_t end) {
              for (int64_t i = begin; i < end; ++i) {
                to[i] = static_cast<T>(
                    QuantizeValue(from[i], inverse, zero_point, range));
                // PyTorch's kernel takes eight bytes at once; NaN among those
                // that remain becomes 0.
                if (sizeof(T) == 1 && i >= whole && from[i] != from[i]) {
                  to[i] = T(0);
                }
              }
            });
      }));
  return out;
}

absl::StatusOr<Tensor> QuantizeAs(const Tensor& self, const Tensor& like) {
  const Quantizer& q = *like.impl()->quantizer;
  if (q.scheme != 0) {
    return Invalid(
        "this operator works on tensors quantized per tensor, not per channel");
  }
  return QuantizePerTensor(self, q.scale, q.zero_point, like.dtype());
}

absl::StatusOr<Tensor> QuantizePerChannel(const Tensor& self,
                                          const Tensor& scales,
                                          const Tensor& zero_points,
                                          int64_t axis, DType dtype) {
  if (self.dtype() != DType::kFloat) {
    return Invalid(absl::StrCat("Quantize only works on Float Tensor, got ",
                                TypeName(self.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(
      std::shared_ptr<const Quantizer> quantizer,
      PerChannelQuantizer(self.sizes(), scales, zero_points, axis));
  TANDEM_ASSIGN_OR_RETURN(const QuantizedRange range, RangeOf(dtype));
  const int per_byte = ElementsPerByte(dtype);
  const MemoryFormat format =
      per_byte == 1 ? SuggestMemoryFormat(self) : MemoryFormat::kContiguous;
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, EmptyWithQuantizer(self.sizes(), dtype, quantizer, format));
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ContiguousIn(self, format));
  TANDEM_ASSIGN_OR_RETURN(const Tensor s,
                          Contiguous(quantizer->scales, DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(const Tensor z,
                          Contiguous(quantizer->zero_points, DType::kDouble));
  const ChannelOrder order = OrderOf(self, axis, format);
  const bool float_params = IsFloatParams(*quantizer);
  const float* from = x.data<float>();
  const auto integer = [&](int64_t i) -> int64_t {
    const int64_t c = order.at(i);
    const float inverse = 1.0f / static_cast<float>(s.data<double>()[c]);
    const double zero = z.data<double>()[c];
    if (!float_params) {
      return QuantizeValue(from[i], inverse, static_cast<int64_t>(zero), range);
    }
    return QuantizeValue(from[i] * inverse + static_cast<float>(zero), 1.0f, 0,
                         range);
  };
  if (per_byte > 1) {
    auto* to = static_cast<uint8_t*>(out.storage()->data());
    const int bits = 8 / per_byte;
    for (int64_t i = 0; i < self.numel(); ++i) {
      const int shift = static_cast<int>(i % per_byte) * bits;
      to[i / per_byte] = static_cast<uint8_t>(
          (shift == 0 ? 0 : to[i / per_byte]) | (integer(i) << shift));
    }
    return out;
  }
  TANDEM_RETURN_IF_ERROR(
      VisitQuantized(dtype, "quantize", [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        T* to = out.data<T>();
        for (int64_t i = 0; i < self.numel(); ++i) {
          to[i] = static_cast<T>(integer(i));
        }
        return absl::OkStatus();
      }));
  return out;
}

absl::StatusOr<std::shared_ptr<const Quantizer>> PerChannelQuantizer(
    DimSpan sizes, const Tensor& scales, const Tensor& zero_points,
    int64_t axis) {
  if (scales.dim() != 1) return Invalid("scale tensor must have dimension 1");
  if (zero_points.dim() != 1) {
    return Invalid("zero_points tensor must have dimension 1");
  }
  if (scales.numel() != zero_points.numel()) {
    return Invalid("number of elements in scales and zero_points must match");
  }
  const int64_t rank = static_cast<int64_t>(sizes.size());
  if (axis < 0 || axis >= rank) {
    return Invalid(absl::StrCat(
        "Channel axis out of range in per channel affine quantization. Got: ",
        axis, "Expected: [0, ", rank, ")"));
  }
  if (scales.numel() != sizes[axis]) {
    return Invalid(
        absl::StrCat("length of scales must equal to channel, expected ",
                     sizes[axis], " got, ", scales.numel()));
  }
  auto q = std::make_shared<Quantizer>();
  const bool float_params = IsFloatingPoint(zero_points.dtype());
  q->scheme = float_params ? 4 : 1;
  q->axis = axis;
  TANDEM_ASSIGN_OR_RETURN(
      q->scales,
      CloneContiguous(scales, float_params ? DType::kFloat : DType::kDouble));
  TANDEM_ASSIGN_OR_RETURN(
      q->zero_points,
      CloneContiguous(zero_points,
                      float_params ? DType::kFloat : DType::kInt64));
  return std::shared_ptr<const Quantizer>(std::move(q));
}

QuantizationParams ChooseQuantizationParams(float least, float greatest,
                                            int32_t qmin, int32_t qmax,
                                            bool preserve_sparsity) {
  constexpr float kSmallScale = 6.1e-5f;
  const bool symmetric = least < 0 && greatest > 0 && preserve_sparsity;
  if (symmetric) {
    const int symmetric_qmin = -((qmax - qmin) / 2 + 1);
    const int symmetric_qmax = (qmax - qmin) / 2;
    const double max_scale = std::max(std::fabs(least / symmetric_qmin),
                                      std::fabs(greatest / symmetric_qmax));
    least = static_cast<float>(max_scale * symmetric_qmin);
    greatest = static_cast<float>(max_scale * symmetric_qmax);
  }
  least = std::min(least, 0.0f);
  greatest = std::max(greatest, 0.0f);
  double scale = (static_cast<double>(greatest) - least) / (qmax - qmin);
  if (static_cast<float>(scale) == 0.0f ||
      std::isinf(1.0f / static_cast<float>(scale))) {
    scale = 0.1;
  }
  if (scale < kSmallScale) {
    const float before = static_cast<float>(scale);
    scale = kSmallScale;
    if (least == 0.0f) {
      greatest = kSmallScale * static_cast<float>(qmax - qmin);
    } else if (greatest == 0.0f) {
      least = -kSmallScale * static_cast<float>(qmax - qmin);
    } else {
      least *= kSmallScale / before;
      greatest *= kSmallScale / before;
    }
  }
  const double from_min = qmin - least / scale;
  const double from_max = qmax - greatest / scale;
  const double min_error = std::abs(qmin) - std::abs(least / scale);
  const double max_error = std::abs(qmax) - std::abs(greatest / scale);
  double initial = min_error < max_error ? from_min : from_max;
  if (symmetric) initial = static_cast<double>(qmin + qmax) / 2;
  QuantizationParams params;
  params.scale = scale;
  if (!(initial >= qmin)) {
    params.zero_point = qmin;
  } else if (initial > qmax) {
    params.zero_point = qmax;
  } else {
    params.zero_point = static_cast<int32_t>(std::nearbyint(initial));
  }
  return params;
}

}  // namespace tandem::reference
