// Changes of dtype, device and layout: to, copy_, clone, contiguous, reshape;
// views, which the CPU's kernels give; and tensors that are made there.
#include <algorithm>
#include <optional>

#include "tandem/backends/cuda/binding.h"
#include "tandem/backends/cuda/loops.h"
#include "tandem/backends/cuda/values.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::cuda {
namespace {

using Format = std::optional<MemoryFormat>;

struct Target {
  std::optional<DType> dtype = std::nullopt;
  std::optional<Device> device = std::nullopt;
  bool copy = false;
  MemoryFormat format = MemoryFormat::kPreserve;
};

// As reference's Convert, with tensors on either side.
absl::StatusOr<Tensor> Convert(Gpu& gpu, const Tensor& self,
                               const Target& target) {
  const DType dtype = target.dtype.value_or(self.dtype());
  Device device = target.device.value_or(self.device());
  if (device.type != DeviceType::kCpu && device.type != DeviceType::kCuda) {
    return Declined();
  }
  if (ElementSize(dtype) == 0 || self.is_sparse() || self.is_quantized() ||
      IsQuantized(dtype) || self.is_meta()) {
    return Declined();
  }
  Gpu* to = nullptr;
  if (device.type == DeviceType::kCuda) {
    TANDEM_ASSIGN_OR_RETURN(to, gpu.runtime().Get(device.index));
    device = to->device();
  }
  const bool same_device =
      IsOnCuda(self) ? self.device() == device : device.is_cpu();
  if (!target.copy && same_device && dtype == self.dtype() &&
      (target.format == MemoryFormat::kPreserve ||
       SuggestedMemoryFormat(self) == target.format)) {
    return self;
  }
  Tensor source = self;
  if (IsOnCuda(self) && !same_device) {
    TANDEM_ASSIGN_OR_RETURN(Gpu * from, gpu.runtime().Get(self.device().index));
    TANDEM_ASSIGN_OR_RETURN(source, ToHost(*from, self));
  }
  if (!IsOnCuda(source)) {
    // On the CPU now: the dtype and layout wanted, then over.
    Tensor made = source;
    if (source.dtype() != dtype || target.format != MemoryFormat::kPreserve) {
      TANDEM_ASSIGN_OR_RETURN(made, EmptyLike(source, dtype, target.format));
      TANDEM_RETURN_IF_ERROR(CopyElements(source, made));
    } else {
      TANDEM_ASSIGN_OR_RETURN(made, ResolveLazyBits(made));
    }
    if (to == nullptr) return made;
    return ToGpu(*to, made);
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor result,
                          EmptyLikeOnGpu(*to, source, dtype, target.format));
  TANDEM_RETURN_IF_ERROR(CopyOnGpu(*to, source, result));
  return result;
}

absl::StatusOr<Tensor> ToDevice(Gpu& gpu, const Tensor& self, Device device,
                                DType dtype, bool, bool copy, Format format) {
  return Convert(
      gpu, self,
      {dtype, device, copy, format.value_or(MemoryFormat::kPreserve)});
}
absl::StatusOr<Tensor> ToDTypeOp(Gpu& gpu, const Tensor& self, DType dtype,
                                 bool, bool copy, Format format) {
  return Convert(
      gpu, self,
      {dtype, std::nullopt, copy, format.value_or(MemoryFormat::kPreserve)});
}
absl::StatusOr<Tensor> ToDTypeLayout(Gpu& gpu, const Tensor& self,
                                     std::optional<DType> dtype,
                                     std::optional<Layout> layout,
                                     std::optional<Device> device,
                                     std::optional<bool>, bool, bool copy,
                                     Format format) {
  if (layout.has_value() && *layout != Layout::kStrided) return Declined();
  return Convert(
      gpu, self,
      {dtype, device, copy, format.value_or(MemoryFormat::kPreserve)});
}
absl::StatusOr<Tensor> ToOther(Gpu& gpu, const Tensor& self,
                               const Tensor& other, bool, bool copy,
                               Format format) {
  return Convert(gpu, self,
                 {other.dtype(), other.device(), copy,
                  format.value_or(MemoryFormat::kPreserve)});
}
std::optional<DType> AsDType(std::optional<int64_t> code) {
  if (!code.has_value()) return std::nullopt;
  return DTypeFromInt(*code).value_or(DType::kUndefined);
}
absl::StatusOr<Tensor> ToPrimDevice(Gpu& gpu, const Tensor& self,
                                    std::optional<Device> device,
                                    std::optional<int64_t> dtype, bool,
                                    bool copy) {
  return Convert(gpu, self, {AsDType(dtype), device, copy});
}
absl::StatusOr<Tensor> ToPrimDType(Gpu& gpu, const Tensor& self,
                                   std::optional<int64_t> dtype, bool,
                                   bool copy) {
  return Convert(gpu, self, {AsDType(dtype), std::nullopt, copy});
}
absl::StatusOr<Tensor> ToPrimOther(Gpu& gpu, const Tensor& self, bool,
                                   bool copy) {
  return Convert(gpu, self, {std::nullopt, std::nullopt, copy});
}
absl::StatusOr<Tensor> ToCopy(Gpu& gpu, const Tensor& self,
                              std::optional<DType> dtype,
                              std::optional<Layout> layout,
                              std::optional<Device> device, std::optional<bool>,
                              bool, Format format) {
  if (layout.has_value() && *layout != Layout::kStrided) return Declined();
  return Convert(
      gpu, self,
      {dtype, device, true, format.value_or(MemoryFormat::kPreserve)});
}
absl::StatusOr<Tensor> TypeAs(Gpu& gpu, const Tensor& self,
                              const Tensor& other) {
  return Convert(gpu, self, {other.dtype(), other.device()});
}
absl::StatusOr<Tensor> Cpu(Gpu& gpu, const Tensor& self) {
  return Convert(gpu, self, {std::nullopt, Device{DeviceType::kCpu, -1}});
}
absl::StatusOr<Tensor> Cuda(Gpu& gpu, const Tensor& self) {
  return Convert(gpu, self, {std::nullopt, gpu.device()});
}
absl::StatusOr<Tensor> ContiguousOp(Gpu& gpu, const Tensor& self,
                                    MemoryFormat format) {
  if (self.is_contiguous(format)) return self;
  if (format == MemoryFormat::kPreserve) return Declined();
  return Convert(gpu, self, {std::nullopt, std::nullopt, true, format});
}
absl::StatusOr<Tensor> CloneOp(Gpu& gpu, const Tensor& self, Format format) {
  return Convert(gpu, self,
                 {std::nullopt, std::nullopt, true,
                  format.value_or(MemoryFormat::kPreserve)});
}

// src's elements broadcast into self; either may be on the CPU.
absl::Status CopyInto(Gpu& gpu, const Tensor& self, const Tensor& src) {
  if (self.is_same(src)) return absl::OkStatus();
  if (self.is_quantized() || src.is_quantized() || src.is_meta() ||
      src.is_sparse() || !ExpandTo(src, self.sizes()).ok()) {
    return Declined();
  }
  if (!IsOnCuda(self)) {
    TANDEM_ASSIGN_OR_RETURN(Gpu * from, gpu.runtime().Get(src.device().index));
    TANDEM_ASSIGN_OR_RETURN(const Tensor host, ToHost(*from, src));
    TANDEM_RETURN_IF_ERROR(self.storage()->EnsureWritable());
    return CopyElements(host, self);
  }
  TANDEM_ASSIGN_OR_RETURN(Gpu * to, gpu.runtime().Get(self.device().index));
  Tensor source = src;
  if (!IsOnCuda(src) || src.device() != self.device()) {
    if (IsOnCuda(src)) {
      TANDEM_ASSIGN_OR_RETURN(Gpu * from,
                              gpu.runtime().Get(src.device().index));
      TANDEM_ASSIGN_OR_RETURN(source, ToHost(*from, src));
    }
    TANDEM_ASSIGN_OR_RETURN(source, ToGpu(*to, source));
  } else if (src.storage() == self.storage() && self.numel() > 0) {
    // It may overlap: as if copied first.
    TANDEM_ASSIGN_OR_RETURN(source, EmptyLikeOnGpu(*to, src, src.dtype()));
    TANDEM_RETURN_IF_ERROR(CopyOnGpu(*to, src, source));
  }
  return CopyOnGpu(*to, source, self);
}
absl::StatusOr<Tensor> CopyInPlace(Gpu& gpu, const Tensor& self,
                                   const Tensor& src, bool) {
  TANDEM_RETURN_IF_ERROR(CopyInto(gpu, self, src));
  return self;
}
absl::StatusOr<Tensor> CopyTensorInPlace(Gpu& gpu, const Tensor& self,
                                         const Tensor& other) {
  TANDEM_RETURN_IF_ERROR(CopyInto(gpu, self, other));
  return self;
}

// ---- Views that may have to copy.

absl::StatusOr<Tensor> Reshape(Gpu& gpu, const Tensor& self, DimSpan shape) {
  absl::StatusOr<Dims> sizes = InferSizes(shape, self.numel());
  if (!sizes.ok()) return Declined();  // the CPU's kernel words it
  const std::optional<Dims> strides =
      ViewStrides(self.sizes(), self.strides(), *sizes);
  if (strides.has_value()) {
    return self.ViewUnchecked(*sizes, *strides, self.offset());
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor dense, ContiguousOnGpu(gpu, self));
  return dense.ViewUnchecked(*sizes, ContiguousStrides(*sizes), dense.offset());
}
absl::StatusOr<Tensor> ReshapeAs(Gpu& gpu, const Tensor& self,
                                 const Tensor& other) {
  return Reshape(gpu, self, other.sizes());
}
absl::StatusOr<Tensor> Flatten(Gpu& gpu, const Tensor& self, int64_t start,
                               int64_t end) {
  const absl::StatusOr<int64_t> a = WrapDim(start, self.dim());
  const absl::StatusOr<int64_t> b = WrapDim(end, self.dim());
  if (!a.ok() || !b.ok() || *a > *b) return Declined();
  if (self.dim() == 0) return Reshape(gpu, self, {1});
  if (*a == *b) return self;
  Dims sizes;
  int64_t joined = 1;
  for (int64_t d = 0; d < self.dim(); ++d) {
    if (d < *a || d > *b) {
      sizes.push_back(self.size(d));
    } else {
      joined *= self.size(d);
      if (d == *b) sizes.push_back(joined);
    }
  }
  return Reshape(gpu, self, sizes);
}
absl::StatusOr<Tensor> Ravel(Gpu& gpu, const Tensor& self) {
  return Reshape(gpu, self, {self.numel()});
}

// ---- Tensors that are made on the device

absl::StatusOr<Tensor> Make(Gpu& gpu, DimSpan sizes, DType dtype,
                            std::optional<Layout> layout,
                            std::optional<Device> device) {
  if (layout.has_value() && *layout != Layout::kStrided) return Declined();
  if (device.has_value() && device->type != DeviceType::kCuda) {
    return Declined();
  }
  Gpu* to = &gpu;
  if (device.has_value()) {
    TANDEM_ASSIGN_OR_RETURN(to, gpu.runtime().Get(device->index));
  }
  if (!CheckedNumel(sizes).ok() || IsQuantized(dtype)) return Declined();
  return to->Empty(sizes, dtype);
}
absl::StatusOr<Tensor> Filled(Gpu& gpu, DimSpan sizes, const Scalar& value,
                              DType dtype, std::optional<Layout> layout,
                              std::optional<Device> device) {
  if (value.is_complex() || IsComplex(dtype)) return Declined();
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Make(gpu, sizes, dtype, layout, device));
  TANDEM_ASSIGN_OR_RETURN(Gpu * at, gpu.runtime().Get(t.device().index));
  TANDEM_RETURN_IF_ERROR(FillOnGpu(*at, t, value));
  return t;
}

using MaybeDType = std::optional<DType>;
using MaybeLayout = std::optional<Layout>;
using MaybeDevice = std::optional<Device>;
using MaybeBool = std::optional<bool>;

template <int kValue>
absl::StatusOr<Tensor> Constant(Gpu& gpu, DimSpan sizes, MaybeDType dtype,
                                MaybeLayout layout, MaybeDevice device,
                                MaybeBool) {
  return Filled(gpu, sizes, Scalar(kValue), dtype.value_or(DType::kFloat),
                layout, device);
}
absl::StatusOr<Tensor> Full(Gpu& gpu, DimSpan sizes, const Scalar& value,
                            MaybeDType dtype, MaybeLayout layout,
                            MaybeDevice device, MaybeBool) {
  const DType own = value.is_double() ? DType::kFloat : value.dtype();
  return Filled(gpu, sizes, value, dtype.value_or(own), layout, device);
}
absl::StatusOr<Tensor> EmptyOp(Gpu& gpu, DimSpan sizes, MaybeDType dtype,
                               MaybeLayout layout, MaybeDevice device,
                               MaybeBool, Format format) {
  if (format.has_value() && *format != MemoryFormat::kContiguous) {
    return Declined();
  }
  return Make(gpu, sizes, dtype.value_or(DType::kFloat), layout, device);
}
template <int kValue>
absl::StatusOr<Tensor> NewConstant(Gpu& gpu, const Tensor& self, DimSpan sizes,
                                   MaybeDType dtype, MaybeLayout layout,
                                   MaybeDevice device, MaybeBool) {
  return Filled(gpu, sizes, Scalar(kValue), dtype.value_or(self.dtype()),
                layout, device.value_or(self.device()));
}
absl::StatusOr<Tensor> NewEmpty(Gpu& gpu, const Tensor& self, DimSpan sizes,
                                MaybeDType dtype, MaybeLayout layout,
                                MaybeDevice device, MaybeBool) {
  return Make(gpu, sizes, dtype.value_or(self.dtype()), layout,
              device.value_or(self.device()));
}
absl::StatusOr<Tensor> NewFull(Gpu& gpu, const Tensor& self, DimSpan sizes,
                               const Scalar& value, MaybeDType dtype,
                               MaybeLayout layout, MaybeDevice device,
                               MaybeBool) {
  return Filled(gpu, sizes, value, dtype.value_or(self.dtype()), layout,
                device.value_or(self.device()));
}
absl::StatusOr<Tensor> MakeLike(Gpu& gpu, const Tensor& self, MaybeDType dtype,
                                MaybeLayout layout, MaybeDevice device,
                                Format format) {
  if ((layout.has_value() && *layout != Layout::kStrided) || !IsOnCuda(self) ||
      (device.has_value() && device->type != DeviceType::kCuda)) {
    return Declined();
  }
  return EmptyLikeOnGpu(gpu, self, dtype.value_or(self.dtype()),
                        format.value_or(MemoryFormat::kPreserve));
}
absl::StatusOr<Tensor> EmptyLikeOp(Gpu& gpu, const Tensor& self,
                                   MaybeDType dtype, MaybeLayout layout,
                                   MaybeDevice device, MaybeBool,
                                   Format format) {
  return MakeLike(gpu, self, dtype, layout, device, format);
}
absl::StatusOr<Tensor> FullLike(Gpu& gpu, const Tensor& self,
                                const Scalar& value, MaybeDType dtype,
                                MaybeLayout layout, MaybeDevice device,
                                MaybeBool, Format format) {
  if (value.is_complex() || IsComplex(dtype.value_or(self.dtype()))) {
    return Declined();
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor t,
                          MakeLike(gpu, self, dtype, layout, device, format));
  TANDEM_RETURN_IF_ERROR(FillOnGpu(gpu, t, value));
  return t;
}
template <int kValue>
absl::StatusOr<Tensor> ConstantLike(Gpu& gpu, const Tensor& self,
                                    MaybeDType dtype, MaybeLayout layout,
                                    MaybeDevice device, MaybeBool pin,
                                    Format format) {
  return FullLike(gpu, self, Scalar(kValue), dtype, layout, device, pin,
                  format);
}
absl::StatusOr<Tensor> Fill(Gpu& gpu, const Tensor& self, const Scalar& value) {
  if (value.is_complex() || IsComplex(self.dtype())) return Declined();
  TANDEM_RETURN_IF_ERROR(FillOnGpu(gpu, self, value));
  return self;
}
absl::StatusOr<Tensor> Zero(Gpu& gpu, const Tensor& self) {
  return Fill(gpu, self, Scalar(0));
}

}  // namespace

void AddCopies(Registrar& r) {
  r.Add<&ToDevice>("aten::to.device")
      .Add<&ToDTypeOp>("aten::to.dtype")
      .Add<&ToDTypeLayout>("aten::to.dtype_layout")
      .Add<&ToOther>("aten::to.other")
      .Add<&ToPrimDevice>("aten::to.prim_Device")
      .Add<&ToPrimDType>("aten::to.prim_dtype")
      .Add<&ToPrimOther>("aten::to.prim_other")
      .Add<&ToCopy>("aten::_to_copy")
      .Add<&TypeAs>("aten::type_as")
      .Add<&Cpu>("aten::cpu")
      .Add<&Cuda>("aten::cuda")
      .Add<&ContiguousOp>("aten::contiguous")
      .Add<&CloneOp>("aten::clone")
      .Add<&CopyInPlace>("aten::copy_")
      .Add<&CopyTensorInPlace>("aten::copy_.Tensor")
      .Add<&Reshape>("aten::reshape")
      .Add<&ReshapeAs>("aten::reshape_as")
      .Add<&Flatten>("aten::flatten.using_ints")
      .Add<&Ravel>("aten::ravel");
}

void AddViews(Registrar& r) {
  static constexpr absl::string_view kViews[] = {
      "aten::alias",
      "aten::as_strided",
      "aten::chunk",
      "aten::conj",
      "aten::_conj",
      "aten::detach",
      "aten::detach_",
      "aten::diagonal",
      "aten::expand",
      "aten::expand_as",
      "aten::imag",
      "aten::lift_fresh",
      "aten::movedim.int",
      "aten::movedim.intlist",
      "aten::narrow",
      "aten::numpy_T",
      "aten::permute",
      "aten::real",
      "aten::requires_grad_",
      "aten::select.int",
      "aten::slice.Tensor",
      "aten::split.Tensor",
      "aten::split.sizes",
      "aten::split_with_sizes",
      "aten::squeeze",
      "aten::squeeze.dim",
      "aten::squeeze.dims",
      "aten::squeeze_",
      "aten::squeeze_.dim",
      "aten::swapaxes",
      "aten::swapdims",
      "aten::t",
      "aten::t_",
      "aten::transpose.int",
      "aten::transpose_",
      "aten::unbind.int",
      "aten::unflatten.int",
      "aten::unfold",
      "aten::unsqueeze",
      "aten::unsqueeze_",
      "aten::view",
      "aten::view_as",
      "aten::view_as_complex",
      "aten::view_as_real",
      "aten::_reshape_alias",
      "aten::_unsafe_view",
      "prim::data",
      "aten::data",
  };
  for (absl::string_view op : kViews) r.AddView(op);
}

void AddFactories(Registrar& r) {
  r.Add<&Constant<0>>("aten::zeros")
      .Add<&Constant<1>>("aten::ones")
      .Add<&Full>("aten::full")
      .Add<&EmptyOp>("aten::empty.memory_format")
      .Add<&NewConstant<0>>("aten::new_zeros")
      .Add<&NewConstant<1>>("aten::new_ones")
      .Add<&NewEmpty>("aten::new_empty")
      .Add<&NewFull>("aten::new_full")
      .Add<&EmptyLikeOp>("aten::empty_like")
      .Add<&FullLike>("aten::full_like")
      .Add<&ConstantLike<0>>("aten::zeros_like")
      .Add<&ConstantLike<1>>("aten::ones_like")
      .Add<&Fill>("aten::fill_.Scalar")
      .Add<&Zero>("aten::zero_");
}

}  // namespace tandem::cuda
