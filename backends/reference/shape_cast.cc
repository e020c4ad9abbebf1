// Changes of dtype, device, layout in memory and identity: to, contiguous,
// clone, copy_, detach, resize_, set_, requires_grad_.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// ---- to

// What a tensor is to become; what is absent stays.
struct Target {
  std::optional<DType> dtype = std::nullopt;
  std::optional<Device> device = std::nullopt;
  std::optional<Layout> layout = std::nullopt;
  bool copy = false;
  MemoryFormat format = MemoryFormat::kPreserve;
};

absl::StatusOr<Tensor> Convert(const Tensor& self, const Target& target) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(target.device));
  const DType dtype = target.dtype.value_or(self.dtype());
  if (ElementSize(dtype) == 0) {
    return Invalid(absl::StrCat("to: ", static_cast<int>(dtype),
                                " is not a dtype of elements"));
  }
  if (target.layout.has_value() && *target.layout != self.impl()->layout) {
    return Invalid(
        "to(options) doesn't support converting to a different layout, but got "
        "self.layout being Strided and options.layout set as Sparse");
  }
  const bool to_meta = target.device.has_value()
                           ? target.device->type == DeviceType::kMeta
                           : self.is_meta();
  const bool same_device = to_meta == self.is_meta();
  if (!target.copy && same_device && dtype == self.dtype() &&
      (target.format == MemoryFormat::kPreserve ||
       SuggestedMemoryFormat(self) == target.format)) {
    return self;
  }
  if (IsQuantized(dtype) != IsQuantized(self.dtype())) {
    return Invalid(
        IsQuantized(dtype)
            ? "empty_strided not supported on quantized tensors yet see "
              "https://github.com/pytorch/pytorch/issues/74540"
            : "Copying from quantized Tensor to non-quantized Tensor is not "
              "allowed, please use dequantize to get a float Tensor from a "
              "quantized Tensor");
  }
  if (to_meta) {
    const Dims strides =
        self.is_contiguous() || target.format == MemoryFormat::kContiguous
            ? ContiguousStrides(self.sizes())
            : Dims(self.strides().begin(), self.strides().end());
    return Tensor::Meta(self.sizes(), strides, dtype);
  }
  if (self.is_meta()) {
    return Invalid("Cannot copy out of meta tensor; no data!");
  }
  if (dtype == self.dtype()) return Clone(self, target.format);
  TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLike(self, dtype, target.format));
  TANDEM_RETURN_IF_ERROR(CopyElements(self, result));
  return result;
}

absl::StatusOr<Tensor> ToDevice(const Tensor& self, Device device, DType dtype,
                                bool, bool copy,
                                std::optional<MemoryFormat> format) {
  return Convert(self, {dtype, device, std::nullopt, copy,
                        format.value_or(MemoryFormat::kPreserve)});
}

absl::StatusOr<Tensor> ToDTypeOp(const Tensor& self, DType dtype, bool,
                                 bool copy,
                                 std::optional<MemoryFormat> format) {
  return Convert(self, {dtype, std::nullopt, std::nullopt, copy,
                        format.value_or(MemoryFormat::kPreserve)});
}

absl::StatusOr<Tensor> ToDTypeLayout(const Tensor& self,
                                     std::optional<DType> dtype,
                                     std::optional<Layout> layout,
                                     std::optional<Device> device,
                                     std::optional<bool>, bool, bool copy,
                                     std::optional<MemoryFormat> format) {
  return Convert(self, {dtype, device, layout, copy,
                        format.value_or(MemoryFormat::kPreserve)});
}

absl::StatusOr<Tensor> ToOther(const Tensor& self, const Tensor& other, bool,
                               bool copy, std::optional<MemoryFormat> format) {
  return Convert(self, {other.dtype(), other.device(), std::nullopt, copy,
                        format.value_or(MemoryFormat::kPreserve)});
}

std::optional<DType> AsDType(std::optional<int64_t> code) {
  if (!code.has_value()) return std::nullopt;
  return DTypeFromInt(*code).value_or(DType::kUndefined);
}

absl::StatusOr<Tensor> ToPrimDevice(const Tensor& self,
                                    std::optional<Device> device,
                                    std::optional<int64_t> dtype, bool,
                                    bool copy) {
  return Convert(self, {AsDType(dtype), device, std::nullopt, copy});
}

absl::StatusOr<Tensor> ToPrimDType(const Tensor& self,
                                   std::optional<int64_t> dtype, bool,
                                   bool copy) {
  return Convert(self, {AsDType(dtype), std::nullopt, std::nullopt, copy});
}

absl::StatusOr<Tensor> ToPrimOther(const Tensor& self, bool, bool copy) {
  return Convert(self, {std::nullopt, std::nullopt, std::nullopt, copy});
}

absl::StatusOr<Tensor> ToCopy(const Tensor& self, std::optional<DType> dtype,
                              std::optional<Layout> layout,
                              std::optional<Device> device, std::optional<bool>,
                              bool, std::optional<MemoryFormat> format) {
  return Convert(self, {dtype, device, layout, true,
                        format.value_or(MemoryFormat::kPreserve)});
}

absl::StatusOr<Tensor> ToCopyOut(const Tensor& self, bool,
                                 std::optional<MemoryFormat>,
                                 const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, self.sizes()));
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  TANDEM_RETURN_IF_ERROR(CopyElements(self, out));
  return out;
}

absl::StatusOr<Tensor> TypeAs(const Tensor& self, const Tensor& other) {
  return Convert(self, {other.dtype(), other.device()});
}

absl::StatusOr<Tensor> Cpu(const Tensor& self) {
  return Convert(self, {std::nullopt, Device{DeviceType::kCpu, -1}});
}

absl::StatusOr<Tensor> Cuda(const Tensor& self) {
  return Convert(self, {std::nullopt, Device{DeviceType::kCuda, -1}});
}

absl::StatusOr<std::vector<Tensor>> ToCpu(absl::Span<const Tensor> tensors) {
  std::vector<Tensor> result;
  result.reserve(tensors.size());
  for (const Tensor& t : tensors) {
    TANDEM_ASSIGN_OR_RETURN(Tensor c, Cpu(t));
    result.push_back(std::move(c));
  }
  return result;
}

template <DType dtype>
absl::StatusOr<Tensor> Cast(const Tensor& self, bool) {
  return Convert(self, {dtype});
}

absl::StatusOr<Tensor> CHalf(const Tensor& self,
                             std::optional<MemoryFormat> format) {
  return Convert(self, {DType::kComplexHalf, std::nullopt, std::nullopt, false,
                        format.value_or(MemoryFormat::kPreserve)});
}

absl::StatusOr<Tensor> PinMemory(const Tensor&, std::optional<Device>) {
  return CheckDevice(Device{DeviceType::kCuda, -1});
}

// ---- contiguous, clone, copy

absl::StatusOr<Tensor> ContiguousOp(const Tensor& self, MemoryFormat format) {
  if (self.is_contiguous(format)) return self;
  if (format == MemoryFormat::kPreserve) {
    return Invalid(
        "preserve memory format is unsupported by the contiguous operator");
  }
  return Convert(self,
                 {std::nullopt, std::nullopt, std::nullopt, true, format});
}

absl::StatusOr<Tensor> CloneOp(const Tensor& self,
                               std::optional<MemoryFormat> format) {
  return Convert(self, {std::nullopt, std::nullopt, std::nullopt, true,
                        format.value_or(MemoryFormat::kPreserve)});
}

absl::StatusOr<Tensor> CloneOut(const Tensor& self, std::optional<MemoryFormat>,
                                const Tensor& out) {
  return WriteOutExact(self, out);
}

absl::StatusOr<Tensor> CopyInPlace(const Tensor& self, const Tensor& src,
                                   bool) {
  if (self.is_same(src)) return self;
  if (self.is_meta()) return self;
  if (src.is_meta()) {
    return Invalid("Cannot copy out of meta tensor; no data!");
  }
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_RETURN_IF_ERROR(CopyElements(src, self));
  return self;
}

absl::StatusOr<Tensor> CopyTensorInPlace(const Tensor& self,
                                         const Tensor& other) {
  return CopyInPlace(self, other, false);
}

absl::StatusOr<Tensor> FillWith(const Tensor& self, const Scalar& value) {
  if (self.is_meta()) return self;
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_RETURN_IF_ERROR(FillElements(self, value));
  return self;
}

absl::StatusOr<Tensor> CopyIntInPlace(const Tensor& self, int64_t other) {
  return FillWith(self, Scalar(other));
}

absl::StatusOr<Tensor> CopyFloatInPlace(const Tensor& self, double other) {
  return FillWith(self, Scalar(other));
}

absl::StatusOr<Tensor> CopyFunctional(const Tensor& self, const Tensor& src,
                                      bool) {
  TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLike(self, self.dtype()));
  return CopyInPlace(result, src, false);
}

absl::StatusOr<Tensor> CopyFrom(const Tensor& self, const Tensor& dst, bool) {
  return CopyInPlace(dst, self, false);
}

absl::StatusOr<Tensor> CopyFromAndResize(const Tensor& self,
                                         const Tensor& dst) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(dst, self.sizes()));
  return CopyInPlace(dst, self, false);
}

// ---- identity

Tensor Same(const Tensor& self) { return self; }

absl::StatusOr<Tensor> AliasOp(const Tensor& self) { return self.Alias(); }

// No gradients are recorded, so nothing but the flag is to be left behind.
absl::StatusOr<Tensor> Detach(const Tensor& self) {
  Tensor result = self.Alias();
  result.impl()->wrapped_number = false;  // a tensor like any other
  return result;
}

absl::StatusOr<Tensor> DetachInPlace(const Tensor& self) {
  self.impl()->requires_grad = false;
  return self;
}

Tensor FullPrecision(const Tensor& self, bool, bool) { return self; }

Tensor ReducedPrecision(const Tensor& self, bool, bool, DType, DType) {
  return self;
}

absl::StatusOr<Tensor> FwPrimal(const Tensor& self, int64_t) {
  return self.Alias();
}

absl::StatusOr<Tensor> RequiresGrad(const Tensor& self, bool requires_grad) {
  if (requires_grad && !IsFloatingPoint(self.dtype()) &&
      !IsComplex(self.dtype())) {
    return Invalid(
        "Only Tensors of floating point and complex dtype can require "
        "gradients");
  }
  self.impl()->requires_grad = requires_grad;
  return self;
}

// ---- resize_ and set_

absl::StatusOr<Tensor> Resize(const Tensor& self, DimSpan size,
                              std::optional<MemoryFormat> format) {
  if (format == MemoryFormat::kPreserve) {
    return Invalid("Unsupported memory formatPreserve");
  }
  for (int64_t s : size) {
    if (s < 0) return Invalid("numel: integer multiplication overflow");
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(size).status());
  Dims strides = ContiguousStrides(size);
  if (format == MemoryFormat::kChannelsLast ||
      format == MemoryFormat::kChannelsLast3d) {
    const size_t rank = *format == MemoryFormat::kChannelsLast ? 4 : 5;
    if (size.size() != rank) {
      return Invalid(absl::StrCat("required rank ", rank,
                                  " tensor to use channels_last",
                                  rank == 4 ? "" : "_3d", " format"));
    }
    strides = ChannelsLastStrides(size);
  } else if (self.sizes() == size) {
    return self;
  }
  TANDEM_RETURN_IF_ERROR(SetSizesAndStrides(self, size, strides));
  return self;
}

absl::StatusOr<Tensor> ResizeAs(const Tensor& self, const Tensor& the_template,
                                std::optional<MemoryFormat> format) {
  if (format == MemoryFormat::kPreserve) {
    TANDEM_RETURN_IF_ERROR(
        SetSizesAndStrides(self, the_template.sizes(), the_template.strides()));
    return self;
  }
  return Resize(self, the_template.sizes(), format);
}

absl::StatusOr<Tensor> ResizeOutputOp(const Tensor& self, DimSpan size,
                                      Device) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(self, size));
  return self;
}

absl::StatusOr<Tensor> SetTo(const Tensor& self, const Tensor& source,
                             int64_t offset, DimSpan size, DimSpan stride) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor view,
                          Tensor::OverStorage(source.storage(), offset, size,
                                              stride, self.dtype()));
  self.impl()->storage = source.storage();
  self.impl()->offset = offset;
  self.impl()->device = source.device();
  self.impl()->SetGeometry(size, stride);
  return self;
}

absl::StatusOr<Tensor> SetEmpty(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor empty, Tensor::Empty({0}, self.dtype()));
  return SetTo(self, empty, 0, {0}, {1});
}

absl::StatusOr<Tensor> SetTensor(const Tensor& self, const Tensor& source) {
  return SetTo(self, source, source.offset(), source.sizes(), source.strides());
}

absl::StatusOr<Tensor> SetTensorOffset(const Tensor& self, const Tensor& source,
                                       int64_t offset, DimSpan size,
                                       DimSpan stride) {
  if (!source.is_contiguous()) {
    return Invalid("passed in tensor to be used as storage must be contiguous");
  }
  int64_t start;
  if (__builtin_add_overflow(offset, source.offset(), &start)) {
    return Invalid(absl::StrCat("Tensor: invalid storage offset ", offset));
  }
  return SetTo(self, source, start, size,
               stride.empty() ? DimSpan(ContiguousStrides(size)) : stride);
}

absl::Status SetData(const Tensor& self, const Tensor& new_data) {
  self.impl()->dtype = new_data.dtype();
  self.impl()->quantizer = new_data.impl()->quantizer;
  return SetTensor(self, new_data).status();
}

}  // namespace

void AddShapeCast(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::to.device", &ToDevice, lazy)
      .Add("aten::to.dtype", &ToDTypeOp, lazy)
      .Add("aten::to.dtype_layout", &ToDTypeLayout, lazy)
      .Add("aten::to.other", &ToOther, lazy)
      .Add("aten::to.prim_Device", &ToPrimDevice, lazy)
      .Add("aten::to.prim_dtype", &ToPrimDType, lazy)
      .Add("aten::to.prim_other", &ToPrimOther, lazy)
      .Add("aten::_to_copy", &ToCopy, lazy)
      .Add("aten::_to_copy.out", &ToCopyOut, lazy)
      .Add("aten::type_as", &TypeAs, lazy)
      .Add("aten::cpu", &Cpu, lazy)
      .Add("aten::cuda", &Cuda, lazy)
      .Add("aten::_to_cpu", &ToCpu, lazy)
      .Add("aten::chalf", &CHalf, lazy)
      .Add("aten::pin_memory", &PinMemory, lazy)
      .Add("aten::_pin_memory", &PinMemory, lazy)
      .Add("aten::_cast_Byte", &Cast<DType::kUInt8>, lazy)
      .Add("aten::_cast_Char", &Cast<DType::kInt8>, lazy)
      .Add("aten::_cast_Short", &Cast<DType::kInt16>, lazy)
      .Add("aten::_cast_Int", &Cast<DType::kInt32>, lazy)
      .Add("aten::_cast_Long", &Cast<DType::kInt64>, lazy)
      .Add("aten::_cast_Half", &Cast<DType::kHalf>, lazy)
      .Add("aten::_cast_Float", &Cast<DType::kFloat>, lazy)
      .Add("aten::_cast_Double", &Cast<DType::kDouble>, lazy);
  r.Add("aten::contiguous", &ContiguousOp, lazy)
      .Add("aten::clone", &CloneOp, lazy)
      .Add("aten::clone.out", &CloneOut, lazy)
      .Add("aten::copy_", &CopyInPlace, lazy)
      .Add("aten::copy_.Tensor", &CopyTensorInPlace, lazy)
      .Add("aten::copy_.int", &CopyIntInPlace, lazy)
      .Add("aten::copy_.float", &CopyFloatInPlace, lazy)
      .Add("aten::copy", &CopyFunctional, lazy)
      .Add("aten::copy.out", &Variants<CopyFunctional>::OutExact, lazy)
      .Add("aten::_copy_from", &CopyFrom, lazy)
      .Add("aten::_copy_from_and_resize", &CopyFromAndResize, lazy);
  r.Add("aten::alias", &AliasOp, lazy)
      .Add("aten::alias_copy", &Variants<AliasOp>::Copy, lazy)
      .Add("aten::alias_copy.out", &Variants<AliasOp>::OutExact, lazy)
      .Add("aten::detach", &Detach, lazy)
      .Add("aten::detach_", &DetachInPlace, lazy)
      .Add("aten::detach_copy", &Variants<Detach>::Copy, lazy)
      .Add("aten::detach_copy.out", &Variants<Detach>::OutExact, lazy)
      .Add("aten::data", &Detach, lazy)
      .Add("prim::data", &Detach, lazy)
      .Add("aten::lift", &Same, lazy)
      .Add("aten::lift.out", &Variants<AliasOp>::OutExact, lazy)
      .Add("aten::lift_fresh", &Same, lazy)
      .Add("aten::lift_fresh_copy", &Variants<AliasOp>::Copy, lazy)
      .Add("aten::lift_fresh_copy.out", &Variants<AliasOp>::OutExact, lazy)
      .Add("aten::_lazy_clone", &Variants<AliasOp>::Copy, lazy)
      .Add("aten::_fw_primal", &FwPrimal, lazy)
      .Add("aten::_autocast_to_full_precision", &FullPrecision, lazy)
      .Add("aten::_autocast_to_reduced_precision", &ReducedPrecision, lazy)
      .Add("aten::requires_grad_", &RequiresGrad, lazy);
  r.Add("aten::resize_", &Resize)
      .Add("aten::resize_as_", &ResizeAs)
      .Add("aten::resize", &OutOfPlace<Resize>::Call)
      .Add("aten::resize_as", &OutOfPlace<ResizeAs>::Call)
      .Add("aten::_resize_output_", &ResizeOutputOp)
      .Add("aten::_resize_output", &OutOfPlace<ResizeOutputOp>::Call)
      .Add("aten::set_", &SetEmpty, lazy)
      .Add("aten::set_.source_Tensor", &SetTensor, lazy)
      .Add("aten::set_.source_Tensor_storage_offset", &SetTensorOffset, lazy)
      .Add("aten::set", &OutOfPlace<SetEmpty>::Call, lazy)
      .Add("aten::set.source_Tensor", &OutOfPlace<SetTensor>::Call, lazy)
      .Add("aten::set_data", &SetData, lazy);
}

}  // namespace tandem::reference
