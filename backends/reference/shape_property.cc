// What programs ask of a tensor: sizes, dtype, device, flags, its one element.
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"

namespace tandem::reference {
namespace {

std::vector<int64_t> Size(const Tensor& self) {
  return {self.sizes().begin(), self.sizes().end()};
}

std::vector<int64_t> Stride(const Tensor& self) {
  return {self.strides().begin(), self.strides().end()};
}

absl::StatusOr<int64_t> WrapExisting(const Tensor& self, int64_t dim) {
  if (self.dim() == 0) {
    return absl::OutOfRangeError(absl::StrCat("Dimension specified as ", dim,
                                              " but tensor has no dimensions"));
  }
  return WrapDim(dim, self.dim());
}

absl::StatusOr<int64_t> SizeInt(const Tensor& self, int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapExisting(self, dim));
  return self.size(d);
}

absl::StatusOr<int64_t> StrideInt(const Tensor& self, int64_t dim) {
  TANDEM_ASSIGN_OR_RETURN(const int64_t d, WrapExisting(self, dim));
  return self.stride(d);
}

int64_t Dim(const Tensor& self) { return self.dim(); }
int64_t Numel(const Tensor& self) { return self.numel(); }
int64_t StorageOffset(const Tensor& self) { return self.offset(); }
int64_t ElementSizeOp(const Tensor& self) {
  return static_cast<int64_t>(self.element_size());
}
int64_t NBytes(const Tensor& self) {
  return self.numel() * static_cast<int64_t>(self.element_size());
}
int64_t Zero(const Tensor&) { return 0; }
int64_t GetDevice(const Tensor& self) { return self.device().index; }

bool IsContiguous(const Tensor& self) { return self.is_contiguous(); }
bool IsContiguousIn(const Tensor& self, MemoryFormat format) {
  return self.is_contiguous(format);
}
bool IsNonOverlappingAndDense(const Tensor& self) {
  return self.is_non_overlapping_and_dense();
}
// Do the strides alone look like channels-last?
bool IsStridesLike(const Tensor& self, MemoryFormat wanted) {
  return (wanted == MemoryFormat::kChannelsLast ||
          wanted == MemoryFormat::kChannelsLast3d) &&
         SuggestedMemoryFormat(self) == wanted;
}

bool IsComplexOp(const Tensor& self) { return IsComplex(self.dtype()); }
bool IsFloatingPointOp(const Tensor& self) {
  return IsFloatingPoint(self.dtype());
}
bool IsSignedOp(const Tensor& self) { return IsSigned(self.dtype()); }
bool IsConj(const Tensor& self) { return self.impl()->conj; }
bool IsNeg(const Tensor& self) { return self.impl()->neg; }
bool Yes(const Tensor&) { return true; }
bool No(const Tensor&) { return false; }
bool NotPinned(const Tensor&, std::optional<Device>) { return false; }
bool RequiresGradOp(const Tensor& self) { return self.requires_grad(); }
bool IsSameSize(const Tensor& self, const Tensor& other) {
  return self.sizes() == other.sizes();
}
bool IsSetTo(const Tensor& self, const Tensor& other) {
  return self.storage() == other.storage() && self.offset() == other.offset() &&
         self.sizes() == other.sizes() && self.strides() == other.strides();
}
bool IsQuantizedOp(const Tensor& self) { return IsQuantized(self.dtype()); }
bool IsSparse(const Tensor& self) {
  return self.impl()->layout == Layout::kSparse;
}
bool IsSparseCsr(const Tensor& self) {
  return self.impl()->layout == Layout::kSparseCsr;
}
template <DeviceType type>
bool IsOn(const Tensor& self) {
  return self.device().type == type;
}

int64_t DTypeOp(const Tensor& self) {
  return static_cast<int64_t>(self.dtype());
}
int64_t LayoutOp(const Tensor& self) {
  return static_cast<int64_t>(self.impl()->layout);
}
Device DeviceOp(const Tensor& self) { return self.device(); }
IValue Name(const Tensor&) { return IValue(); }
Tensor Grad(const Tensor&) { return Tensor(); }

std::string DeviceTypeName(Device self) {
  self.index = -1;
  return self.ToString();
}
IValue DeviceIndex(Device self) {
  return self.index < 0 ? IValue() : IValue(static_cast<int64_t>(self.index));
}

absl::StatusOr<Scalar> Item(const Tensor& self) { return self.Item(); }

absl::StatusOr<bool> IsNonzero(const Tensor& self) {
  if (self.numel() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("Boolean value of Tensor with ",
                     self.numel() == 0 ? "no values" : "more than one value",
                     " is ambiguous"));
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar value, self.Item());
  return value.ToBool();
}

// [size, …] as a tensor.
absl::StatusOr<Tensor> ShapeAsTensor(const Tensor& self) {
  return Tensor::FromSpan<int64_t>(self.sizes());
}

void RetainGrad(const Tensor&) {}

}  // namespace

void AddShapeProperty(KernelRegistrar& r) {
  // Nothing here reads elements but item and is_nonzero.
  const KernelOptions lazy = {.handles_lazy_bits = true, .metadata_only = true};
  const KernelOptions elements = {.handles_lazy_bits = true};
  r.Add("aten::size", &Size, lazy)
      .Add("aten::size.int", &SizeInt, lazy)
      .Add("aten::stride", &Stride, lazy)
      .Add("aten::stride.int", &StrideInt, lazy)
      .Add("aten::dim", &Dim, lazy)
      .Add("aten::numel", &Numel, lazy)
      .Add("aten::storage_offset", &StorageOffset, lazy)
      .Add("aten::sym_size", &Size, lazy)
      .Add("aten::sym_size.int", &SizeInt, lazy)
      .Add("aten::sym_stride", &Stride, lazy)
      .Add("aten::sym_stride.int", &StrideInt, lazy)
      .Add("aten::sym_numel", &Numel, lazy)
      .Add("aten::sym_storage_offset", &StorageOffset, lazy)
      .Add("aten::element_size", &ElementSizeOp, lazy)
      .Add("aten::output_nr", &Zero, lazy)
      .Add("aten::_version", &Zero, lazy)
      .Add("aten::_debug_has_internal_overlap", &Zero, lazy)
      .Add("aten::get_device", &GetDevice, lazy)
      .Add("aten::_shape_as_tensor", &ShapeAsTensor, lazy)
      .Add("prim::itemsize", &ElementSizeOp, lazy)
      .Add("prim::nbytes", &NBytes, lazy);
  r.Add("aten::is_contiguous", &IsContiguous, lazy)
      .Add("aten::is_contiguous.memory_format", &IsContiguousIn, lazy)
      .Add("aten::is_non_overlapping_and_dense", &IsNonOverlappingAndDense,
           lazy)
      .Add("aten::is_strides_like_format", &IsStridesLike, lazy)
      .Add("aten::is_complex", &IsComplexOp, lazy)
      .Add("aten::is_floating_point", &IsFloatingPointOp, lazy)
      .Add("aten::is_signed", &IsSignedOp, lazy)
      .Add("aten::is_conj", &IsConj, lazy)
      .Add("aten::is_neg", &IsNeg, lazy)
      .Add("aten::_is_zerotensor", &No, lazy)
      .Add("aten::is_leaf", &Yes, lazy)
      .Add("aten::is_inference", &No, lazy)
      .Add("aten::is_distributed", &No, lazy)
      .Add("aten::is_pinned", &NotPinned, lazy)
      .Add("aten::retains_grad", &No, lazy)
      .Add("aten::retain_grad", &RetainGrad, lazy)
      .Add("aten::is_same_size", &IsSameSize, lazy)
      .Add("aten::is_set_to", &IsSetTo, lazy)
      .Add("aten::is_nonzero", &IsNonzero, elements)
      .Add("aten::item", &Item, elements)
      .Add("aten::_local_scalar_dense", &Item, elements);
  r.Add("prim::dtype", &DTypeOp, lazy)
      .Add("prim::layout", &LayoutOp, lazy)
      .Add("prim::device", &DeviceOp, lazy)
      .Add("prim::name", &Name, lazy)
      .Add("prim::grad", &Grad, lazy)
      .Add("prim::requires_grad", &RequiresGradOp, lazy)
      .Add("prim::is_cpu", &IsOn<DeviceType::kCpu>, lazy)
      .Add("prim::is_cuda", &IsOn<DeviceType::kCuda>, lazy)
      .Add("prim::is_meta", &IsOn<DeviceType::kMeta>, lazy)
      .Add("prim::is_mps", &IsOn<DeviceType::kMps>, lazy)
      .Add("prim::is_xpu", &IsOn<DeviceType::kXpu>, lazy)
      .Add("prim::is_quantized", &IsQuantizedOp, lazy)
      .Add("prim::is_sparse", &IsSparse, lazy)
      .Add("prim::is_sparse_csr", &IsSparseCsr, lazy)
      .Add("prim::is_mkldnn", &No, lazy)
      .Add("prim::is_ipu", &No, lazy)
      .Add("prim::is_maia", &No, lazy)
      .Add("prim::is_mtia", &No, lazy)
      .Add("prim::is_vulkan", &No, lazy)
      .Add("prim::is_xla", &No, lazy)
      .Add("prim::type", &DeviceTypeName)
      .Add("prim::index", &DeviceIndex);
}

}  // namespace tandem::reference
