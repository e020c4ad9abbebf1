#include "tandem/backends/reference/variants.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {

absl::string_view CppName(DType dtype) {
  switch (dtype) {
    case DType::kUInt8:
      return "unsigned char";
    case DType::kInt8:
      return "signed char";
    case DType::kInt16:
      return "short int";
    case DType::kInt32:
      return "int";
    case DType::kInt64:
      return "long int";
    case DType::kHalf:
      return "c10::Half";
    case DType::kFloat:
      return "float";
    case DType::kDouble:
      return "double";
    case DType::kComplexFloat:
      return "c10::complex<float>";
    case DType::kComplexDouble:
      return "c10::complex<double>";
    case DType::kBool:
      return "bool";
    case DType::kBFloat16:
      return "c10::BFloat16";
    default:
      return PythonName(dtype);
  }
}

absl::Status CheckNumberFits(const Scalar& value, DType dtype) {
  bool fits = true;
  absl::string_view name = CppName(dtype);
  if (dtype == DType::kBool) return absl::OkStatus();
  if (value.is_complex() && !IsComplex(dtype)) {
    fits = value.ToComplex().imag() == 0;
  }
  if (IsIntegral(dtype, /*include_bool=*/false)) {
    const int bits = static_cast<int>(8 * ElementSize(dtype));
    const bool is_signed = IsSigned(dtype);
    // Negative integers may wrap in unsigned types.
    const double high = std::ldexp(1.0, is_signed ? bits - 1 : bits);
    const double v = value.ToDouble();
    const double low = is_signed ? -high : value.is_double() ? 0 : 1 - high;
    fits = fits && v < high && v >= low;
    if (value.is_int() && is_signed && bits == 64) fits = true;
    name = dtype == DType::kUInt8    ? "uint8_t"
           : dtype == DType::kInt8   ? "int8_t"
           : dtype == DType::kInt16  ? "int16_t"
           : dtype == DType::kInt64  ? "int64_t"
           : dtype == DType::kUInt16 ? "uint16_t"
           : dtype == DType::kUInt32 ? "uint32_t"
           : dtype == DType::kUInt64 ? "uint64_t"
                                     : name;
  } else if (dtype == DType::kComplexFloat) {
    for (double part : {value.ToComplex().real(), value.ToComplex().imag()}) {
      fits = fits && (std::isinf(part) || !(std::abs(part) > FLT_MAX));
    }
  } else if (IsFloatingPoint(dtype) && dtype != DType::kDouble) {
    const double limit = dtype == DType::kHalf       ? 65504.0
                         : dtype == DType::kBFloat16 ? 3.3895313892515355e38
                                                     : 3.4028234663852886e38;
    const double v = std::abs(value.ToDouble());
    fits = fits && !(v > limit && !std::isinf(v));
  }
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "value cannot be converted to type ", name, " without overflow"));
}

absl::Status CheckWritable(const Tensor& t) {
  if (t.is_meta()) {
    return absl::InvalidArgumentError(
        "Cannot write elements of a tensor on the meta device");
  }
  if (!t.is_contiguous()) {
    for (int64_t d = 0; d < t.dim(); ++d) {
      if (t.stride(d) == 0 && t.size(d) > 1 && t.numel() > 0) {
        return absl::InvalidArgumentError(
            "unsupported operation: more than one element of the written-to "
            "tensor refers to a single memory location. Please clone() the "
            "tensor before performing the operation.");
      }
    }
  }
  return t.storage()->EnsureWritable();
}

absl::Status SetSizesAndStrides(const Tensor& t, DimSpan sizes,
                                DimSpan strides) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t numel, CheckedNumel(sizes));
  __int128 last = t.offset();
  for (size_t d = 0; d < sizes.size(); ++d) {
    last += static_cast<__int128>(sizes[d] - 1) * strides[d];
  }
  const __int128 bytes =
      numel == 0 ? 0 : (last + 1) * static_cast<int64_t>(t.element_size());
  if (bytes > INT64_MAX) {
    return absl::InvalidArgumentError(
        absl::StrCat("Storage size calculation overflowed with sizes=",
                     DimsToString(sizes)));
  }
  if (!t.is_meta() && static_cast<int64_t>(bytes) >
                          static_cast<int64_t>(t.storage()->bytes())) {
    TANDEM_RETURN_IF_ERROR(t.storage()->Resize(static_cast<size_t>(bytes)));
  }
  t.impl()->SetGeometry(sizes, strides);
  return absl::OkStatus();
}

absl::Status ResizeOutput(const Tensor& out, DimSpan sizes) {
  if (out.sizes() == sizes) return absl::OkStatus();
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  return SetSizesAndStrides(out, sizes, ContiguousStrides(sizes));
}

absl::StatusOr<Tensor> WriteOut(const Tensor& result, const Tensor& out) {
  if (!CanCast(result.dtype(), out.dtype())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "result type ", TypeName(result.dtype()),
        " can't be cast to the desired output type ", TypeName(out.dtype())));
  }
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, result.sizes()));
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  TANDEM_RETURN_IF_ERROR(CopyElements(result, out));
  return out;
}

absl::StatusOr<Tensor> WriteOutExact(const Tensor& result, const Tensor& out) {
  if (result.dtype() != out.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Expected out tensor to have dtype ", CppName(result.dtype()),
        ", but got ", CppName(out.dtype()), " instead"));
  }
  return WriteOut(result, out);
}

absl::StatusOr<Tensor> WriteSelf(const Tensor& result, const Tensor& self) {
  if (!CanCast(result.dtype(), self.dtype())) {
    return absl::InvalidArgumentError(absl::StrCat(
        "result type ", TypeName(result.dtype()),
        " can't be cast to the desired output type ", TypeName(self.dtype())));
  }
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_RETURN_IF_ERROR(CopyElements(result, self));
  return self;
}

absl::StatusOr<Tensor> BecomeView(const Tensor& view, const Tensor& self) {
  self.impl()->offset = view.offset();
  self.impl()->SetGeometry(view.sizes(), view.strides());
  return self;
}

absl::StatusOr<Tensor> CopyOfView(const Tensor& view) {
  return Clone(view, MemoryFormat::kContiguous);
}

absl::StatusOr<std::vector<Tensor>> CopyOfView(const std::vector<Tensor>& v) {
  std::vector<Tensor> copies;
  copies.reserve(v.size());
  for (const Tensor& view : v) {
    TANDEM_ASSIGN_OR_RETURN(Tensor copy, CopyOfView(view));
    copies.push_back(std::move(copy));
  }
  return copies;
}

absl::StatusOr<Tensor> CloneToWrite(const Tensor& self) {
  return Clone(self, MemoryFormat::kPreserve);
}

absl::Status CheckDevice(std::optional<Device> device) {
  if (!device.has_value()) return absl::OkStatus();
  switch (device->type) {
    case DeviceType::kCpu:
    case DeviceType::kMeta:
      return absl::OkStatus();
    case DeviceType::kCuda:
      return absl::InvalidArgumentError(
          "Found no NVIDIA driver on your system. Please check that you have "
          "an NVIDIA GPU and installed a driver from "
          "http://www.nvidia.com/Download/index.aspx");
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("device ", device->ToString(), " is not available"));
  }
}

}  // namespace tandem::reference
