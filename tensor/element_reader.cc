#include "tandem/tensor/element_reader.h"

#include <complex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/float8.h"
#include "tandem/tensor/half.h"
#include "tandem/tensor/status_macros.h"

namespace tandem {
namespace {

template <typename T>
T At(const char* data, int64_t offset) {
  return reinterpret_cast<const T*>(data)[offset];
}

bool IsReadable(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
    case DType::kInt8:
    case DType::kInt16:
    case DType::kInt32:
    case DType::kInt64:
    case DType::kHalf:
    case DType::kFloat:
    case DType::kDouble:
    case DType::kComplexHalf:
    case DType::kComplexFloat:
    case DType::kComplexDouble:
    case DType::kBool:
    case DType::kBFloat16:
    case DType::kFloat8E5M2:
    case DType::kFloat8E4M3FN:
    case DType::kFloat8E5M2FNUZ:
    case DType::kFloat8E4M3FNUZ:
    case DType::kFloat8E8M0FNU:
    case DType::kUInt16:
    case DType::kUInt32:
    case DType::kUInt64:
      return true;
    default:
      return false;
  }
}

std::complex<double> ReadComplex(const char* data, DType dtype,
                                 int64_t offset) {
  switch (dtype) {
    case DType::kComplexHalf: {
      const ComplexHalf c = At<ComplexHalf>(data, offset);
      return {static_cast<float>(c.real), static_cast<float>(c.imag)};
    }
    case DType::kComplexFloat:
      return At<std::complex<float>>(data, offset);
    default:
      return At<std::complex<double>>(data, offset);
  }
}

// The stored integer of a quantized element.
int64_t QuantizedInt(const Tensor& t, int64_t offset) {
  switch (t.dtype()) {
    case DType::kQInt8:
      return At<int8_t>(t.raw_data(), offset);
    case DType::kQInt32:
      return At<int32_t>(t.raw_data(), offset);
    case DType::kQUInt4x2:
      return (At<uint8_t>(t.raw_data(), offset / 2) >> (offset % 2 * 4)) & 15;
    case DType::kQUInt2x4:
      return (At<uint8_t>(t.raw_data(), offset / 4) >> (offset % 4 * 2)) & 3;
    default:
      return At<uint8_t>(t.raw_data(), offset);
  }
}

}  // namespace

ElementReader::ElementReader(Tensor tensor)
    : tensor_(std::move(tensor)),
      dtype_(tensor_.dtype()),
      data_(tensor_.raw_data()) {}

absl::StatusOr<ElementReader> ElementReader::Of(const Tensor& tensor) {
  if (tensor.is_meta()) {
    return absl::UnimplementedError("Cannot copy out of meta tensor; no data!");
  }
  if (tensor.is_sparse()) {
    return absl::UnimplementedError(
        "elements of a sparse tensor have no strides");
  }
  if (tensor.is_quantized()) {
    TANDEM_ASSIGN_OR_RETURN(Tensor real, DequantizeElements(tensor));
    return ElementReader(std::move(real));
  }
  if (!IsReadable(tensor.dtype())) {
    return absl::UnimplementedError(absl::StrCat(
        "\"copy_\" not implemented for '", TypeName(tensor.dtype()), "'"));
  }
  return ElementReader(tensor);
}

double ElementReader::Real(int64_t offset) const {
  double value;
  switch (dtype_) {
    case DType::kFloat:
      value = At<float>(data_, offset);
      break;
    case DType::kDouble:
      value = At<double>(data_, offset);
      break;
    case DType::kHalf:
      value = static_cast<float>(At<Half>(data_, offset));
      break;
    case DType::kBFloat16:
      value = static_cast<float>(At<BFloat16>(data_, offset));
      break;
    case DType::kComplexHalf:
    case DType::kComplexFloat:
    case DType::kComplexDouble:
      value = ReadComplex(data_, dtype_, offset).real();
      break;
    case DType::kFloat8E5M2:
    case DType::kFloat8E4M3FN:
    case DType::kFloat8E5M2FNUZ:
    case DType::kFloat8E4M3FNUZ:
    case DType::kFloat8E8M0FNU:
      value = Float8ToFloat(At<uint8_t>(data_, offset), dtype_);
      break;
    case DType::kUInt64:
      value = static_cast<double>(At<uint64_t>(data_, offset));
      break;
    default:
      return static_cast<double>(Int(offset));
  }
  return tensor_.impl()->neg ? -value : value;
}

double ElementReader::Imag(int64_t offset) const {
  if (!IsComplex(dtype_)) return 0;
  const double value = ReadComplex(data_, dtype_, offset).imag();
  return tensor_.impl()->neg != tensor_.impl()->conj ? -value : value;
}

int64_t ElementReader::Int(int64_t offset) const {
  int64_t value;
  switch (dtype_) {
    case DType::kBool:
      return At<uint8_t>(data_, offset) != 0;
    case DType::kUInt8:
      value = At<uint8_t>(data_, offset);
      break;
    case DType::kInt8:
      value = At<int8_t>(data_, offset);
      break;
    case DType::kInt16:
      value = At<int16_t>(data_, offset);
      break;
    case DType::kInt32:
      value = At<int32_t>(data_, offset);
      break;
    case DType::kUInt16:
      value = At<uint16_t>(data_, offset);
      break;
    case DType::kUInt32:
      value = At<uint32_t>(data_, offset);
      break;
    case DType::kInt64:
    case DType::kUInt64:
      value = At<int64_t>(data_, offset);
      break;
    default:
      return SaturatingToInt64(Real(offset));
  }
  return tensor_.impl()->neg
             ? static_cast<int64_t>(0 - static_cast<uint64_t>(value))
             : value;
}

absl::StatusOr<Tensor> DequantizeElements(const Tensor& tensor) {
  const Quantizer& q = *tensor.impl()->quantizer;
  TANDEM_ASSIGN_OR_RETURN(Tensor result,
                          Tensor::Empty(tensor.sizes(), DType::kFloat));
  const bool per_channel = q.scales.defined();
  std::optional<ElementReader> scales, zero_points;
  if (per_channel) {
    TANDEM_ASSIGN_OR_RETURN(scales, ElementReader::Of(q.scales));
    TANDEM_ASSIGN_OR_RETURN(zero_points, ElementReader::Of(q.zero_points));
    if (q.axis < 0 || q.axis >= tensor.dim() ||
        q.scales.numel() < tensor.size(q.axis) ||
        q.zero_points.numel() < tensor.size(q.axis)) {
      return absl::InvalidArgumentError(
          "the scales of a quantized tensor do not cover its channels");
    }
  }
  const int64_t n = tensor.numel();
  float* out = result.data<float>();
  Dims index(tensor.dim(), 0);
  int64_t offset = 0;
  for (int64_t i = 0; i < n; ++i) {
    const int64_t stored = QuantizedInt(tensor, offset);
    if (!per_channel) {
      out[i] = static_cast<float>(stored - q.zero_point) *
               static_cast<float>(q.scale);
    } else {
      const int64_t c = index[q.axis];
      const float scale =
          static_cast<float>(scales->Real(c * q.scales.stride(0)));
      const int64_t z = c * q.zero_points.stride(0);
      if (IsFloatingPoint(q.zero_points.dtype())) {
        // float_qparams: the zero point is a real value.
        out[i] = (static_cast<float>(stored) -
                  static_cast<float>(zero_points->Real(z))) *
                 scale;
      } else {
        out[i] = static_cast<float>(stored - zero_points->Int(z)) * scale;
      }
    }
    for (int64_t d = tensor.dim() - 1; d >= 0; --d) {
      offset += tensor.stride(d);
      if (++index[d] < tensor.size(d)) break;
      offset -= tensor.stride(d) * tensor.size(d);
      index[d] = 0;
    }
  }
  return result;
}

}  // namespace tandem
