// Tensors of one value, or of none yet: zeros, ones, full, empty and their
// *_like and new_* forms.
#include <algorithm>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/factory.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

using MaybeDType = std::optional<DType>;
using MaybeLayout = std::optional<Layout>;
using MaybeDevice = std::optional<Device>;
using MaybeBool = std::optional<bool>;
using MaybeFormat = std::optional<MemoryFormat>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

absl::StatusOr<Tensor> FillZero(absl::StatusOr<Tensor> t) {
  if (!t.ok() || t->is_meta() || t->numel() == 0) return t;
  std::memset(t->storage()->data(), 0, t->storage()->bytes());
  return t;
}

// PyTorch's default dtype for a number that fills.
DType DTypeOfFill(const Scalar& value) {
  if (value.is_bool()) return DType::kBool;
  if (value.is_int()) return DType::kInt64;
  return value.is_complex() ? DType::kComplexFloat : DType::kFloat;
}

// ---- by sizes

absl::StatusOr<Tensor> Empty(DimSpan size, MaybeDType dtype, MaybeLayout layout,
                             MaybeDevice device, MaybeBool,
                             MaybeFormat format) {
  return NewTensor(size, dtype.value_or(DType::kFloat), layout, device, format);
}

absl::StatusOr<Tensor> Zeros(DimSpan size, MaybeDType dtype, MaybeLayout layout,
                             MaybeDevice device, MaybeBool) {
  if (std::any_of(size.begin(), size.end(), [](int64_t s) { return s < 0; })) {
    return Invalid("zeros: Dimension size must be non-negative.");
  }
  return FillZero(
      NewTensor(size, dtype.value_or(DType::kFloat), layout, device));
}

absl::StatusOr<Tensor> Ones(DimSpan size, MaybeDType dtype, MaybeLayout layout,
                            MaybeDevice device, MaybeBool) {
  return Filled(NewTensor(size, dtype.value_or(DType::kFloat), layout, device),
                Scalar(int64_t{1}));
}

absl::StatusOr<Tensor> Full(DimSpan size, const Scalar& value, MaybeDType dtype,
                            MaybeLayout layout, MaybeDevice device, MaybeBool) {
  return Filled(
      NewTensor(size, dtype.value_or(DTypeOfFill(value)), layout, device),
      value);
}

absl::StatusOr<Tensor> EmptyStrided(DimSpan size, DimSpan stride,
                                    MaybeDType dtype, MaybeLayout layout,
                                    MaybeDevice device, MaybeBool) {
  const DType type = dtype.value_or(DType::kFloat);
  if (size.size() != stride.size()) {
    return Invalid(absl::StrCat("dimensionality of sizes (", size.size(),
                                ") must match dimensionality of strides (",
                                stride.size(), ")"));
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(size).status());
  if (std::any_of(stride.begin(), stride.end(),
                  [](int64_t s) { return s < 0; })) {
    return Invalid(absl::StrCat(
        "Storage size calculation overflowed with sizes=", DimsToString(size),
        " and strides=", DimsToString(stride)));
  }
  // Checks the options; the memory is another.
  TANDEM_RETURN_IF_ERROR(NewTensor({0}, type, layout, device).status());
  if (device.has_value() && device->type == DeviceType::kMeta) {
    return Tensor::Meta(size, stride, type);
  }
  return Tensor::EmptyStrided(size, stride, type);
}

absl::StatusOr<Tensor> EmptyPermuted(DimSpan size,
                                     absl::Span<const int64_t> order,
                                     MaybeDType dtype, MaybeLayout layout,
                                     MaybeDevice device, MaybeBool pin) {
  const int64_t rank = static_cast<int64_t>(size.size());
  if (static_cast<int64_t>(order.size()) != rank) {
    return Invalid(absl::StrCat(
        "Number of dimensions in size does not match the length of the "
        "physical_layout; i.e. len(size) = ",
        rank, " is not equal to len(physical_layout) = ", order.size()));
  }
  TANDEM_RETURN_IF_ERROR(CheckedNumel(size).status());
  Dims strides(rank, -1);
  int64_t step = 1;
  for (int64_t i = rank - 1; i >= 0; --i) {
    const int64_t d = order[i];
    if (d < 0 || d >= rank) {
      return Invalid(absl::StrCat(
          "Dimension out of range (expected to be between 0 and ", rank - 1,
          ", but got ", d, " at index ", i,
          ").  NB: negative dims not currently supported; file an issue if you "
          "want it."));
    }
    if (strides[d] >= 0) return Invalid("Duplicate dim not allowed");
    strides[d] = step;
    step *= std::max<int64_t>(size[d], 1);
  }
  return EmptyStrided(size, strides, dtype, layout, device, pin);
}

// ---- by another tensor

absl::StatusOr<Tensor> EmptyLikeOp(const Tensor& self, MaybeDType dtype,
                                   MaybeLayout layout, MaybeDevice device,
                                   MaybeBool, MaybeFormat format) {
  const DType type = dtype.value_or(self.dtype());
  TANDEM_RETURN_IF_ERROR(NewTensor({0}, type, layout, device).status());
  if (device.has_value() &&
      (device->type == DeviceType::kMeta) != self.is_meta()) {
    const Dims strides =
        self.is_non_overlapping_and_dense()
            ? Dims(self.strides().begin(), self.strides().end())
            : ContiguousStrides(self.sizes());
    if (self.is_meta()) {
      return Tensor::EmptyStrided(self.sizes(), strides, type);
    }
    return Tensor::Meta(self.sizes(), strides, type);
  }
  return EmptyLike(self, type, format.value_or(MemoryFormat::kPreserve));
}

absl::StatusOr<Tensor> ZerosLike(const Tensor& self, MaybeDType dtype,
                                 MaybeLayout layout, MaybeDevice device,
                                 MaybeBool pin, MaybeFormat format) {
  return FillZero(EmptyLikeOp(self, dtype, layout, device, pin, format));
}

absl::StatusOr<Tensor> OnesLike(const Tensor& self, MaybeDType dtype,
                                MaybeLayout layout, MaybeDevice device,
                                MaybeBool pin, MaybeFormat format) {
  return Filled(EmptyLikeOp(self, dtype, layout, device, pin, format),
                Scalar(int64_t{1}));
}

absl::StatusOr<Tensor> FullLike(const Tensor& self, const Scalar& value,
                                MaybeDType dtype, MaybeLayout layout,
                                MaybeDevice device, MaybeBool pin,
                                MaybeFormat format) {
  return Filled(EmptyLikeOp(self, dtype, layout, device, pin, format), value);
}

MaybeDevice DeviceLike(const Tensor& self, MaybeDevice device) {
  return device.has_value() ? device : self.device();
}

absl::StatusOr<Tensor> NewEmpty(const Tensor& self, DimSpan size,
                                MaybeDType dtype, MaybeLayout layout,
                                MaybeDevice device, MaybeBool) {
  return NewTensor(size, dtype.value_or(self.dtype()), layout,
                   DeviceLike(self, device));
}

absl::StatusOr<Tensor> NewEmptyStrided(const Tensor& self, DimSpan size,
                                       DimSpan stride, MaybeDType dtype,
                                       MaybeLayout layout, MaybeDevice device,
                                       MaybeBool pin) {
  return EmptyStrided(size, stride, dtype.value_or(self.dtype()), layout,
                      DeviceLike(self, device), pin);
}

absl::StatusOr<Tensor> NewZeros(const Tensor& self, DimSpan size,
                                MaybeDType dtype, MaybeLayout layout,
                                MaybeDevice device, MaybeBool pin) {
  return FillZero(NewEmpty(self, size, dtype, layout, device, pin));
}

absl::StatusOr<Tensor> NewOnes(const Tensor& self, DimSpan size,
                               MaybeDType dtype, MaybeLayout layout,
                               MaybeDevice device, MaybeBool pin) {
  return Filled(NewEmpty(self, size, dtype, layout, device, pin),
                Scalar(int64_t{1}));
}

absl::StatusOr<Tensor> NewFull(const Tensor& self, DimSpan size,
                               const Scalar& value, MaybeDType dtype,
                               MaybeLayout layout, MaybeDevice device,
                               MaybeBool pin) {
  return Filled(NewEmpty(self, size, dtype, layout, device, pin), value);
}

// ---- out=

absl::StatusOr<Tensor> FillOut(DimSpan size, const Scalar& value,
                               const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, size));
  TANDEM_RETURN_IF_ERROR(CheckNumberFits(value, out.dtype()));
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  TANDEM_RETURN_IF_ERROR(FillElements(out, value));
  return out;
}

absl::StatusOr<Tensor> ResizeTo(DimSpan size, const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, size));
  return out;
}

absl::StatusOr<Tensor> EmptyOut(DimSpan size, MaybeFormat, const Tensor& out) {
  return ResizeTo(size, out);
}
absl::StatusOr<Tensor> EmptyStridedOut(DimSpan size, DimSpan stride,
                                       const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(
      EmptyStrided({0}, {1}, out.dtype(), {}, {}, {}).status());
  TANDEM_RETURN_IF_ERROR(SetSizesAndStrides(out, size, stride));
  return out;
}
absl::StatusOr<Tensor> EmptyLikeOut(const Tensor& self, MaybeFormat,
                                    const Tensor& out) {
  return ResizeTo(self.sizes(), out);
}
absl::StatusOr<Tensor> NewEmptyOut(const Tensor&, DimSpan size,
                                   const Tensor& out) {
  return ResizeTo(size, out);
}
absl::StatusOr<Tensor> ZerosOut(DimSpan size, const Tensor& out) {
  return FillOut(size, Scalar(int64_t{0}), out);
}
absl::StatusOr<Tensor> OnesOut(DimSpan size, const Tensor& out) {
  return FillOut(size, Scalar(int64_t{1}), out);
}
absl::StatusOr<Tensor> ZerosLikeOut(const Tensor& self, MaybeFormat,
                                    const Tensor& out) {
  return FillOut(self.sizes(), Scalar(int64_t{0}), out);
}
absl::StatusOr<Tensor> OnesLikeOut(const Tensor& self, MaybeFormat,
                                   const Tensor& out) {
  return FillOut(self.sizes(), Scalar(int64_t{1}), out);
}
absl::StatusOr<Tensor> FullLikeOut(const Tensor& self, const Scalar& value,
                                   MaybeFormat, const Tensor& out) {
  return FillOut(self.sizes(), value, out);
}
absl::StatusOr<Tensor> NewZerosOut(const Tensor&, DimSpan size,
                                   const Tensor& out) {
  return FillOut(size, Scalar(int64_t{0}), out);
}
absl::StatusOr<Tensor> NewOnesOut(const Tensor&, DimSpan size,
                                  const Tensor& out) {
  return FillOut(size, Scalar(int64_t{1}), out);
}
absl::StatusOr<Tensor> NewFullOut(const Tensor&, DimSpan size,
                                  const Scalar& value, const Tensor& out) {
  return FillOut(size, value, out);
}

}  // namespace

void AddFactoryFill(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::empty.memory_format", &Empty)
      .Add("aten::empty.out", &EmptyOut)
      .Add("aten::empty_strided", &EmptyStrided)
      .Add("aten::empty_strided.out", &EmptyStridedOut)
      .Add("aten::empty_permuted", &EmptyPermuted)
      .Add("aten::zeros", &Zeros)
      .Add("aten::zeros.out", &ZerosOut)
      .Add("aten::_efficientzerotensor", &Zeros)
      .Add("aten::_efficientzerotensor.out", &ZerosOut)
      .Add("aten::ones", &Ones)
      .Add("aten::ones.out", &OnesOut)
      .Add("aten::full", &Full)
      .Add("aten::full.out", &FillOut);
  r.Add("aten::empty_like", &EmptyLikeOp, lazy)
      .Add("aten::empty_like.out", &EmptyLikeOut, lazy)
      .Add("aten::zeros_like", &ZerosLike, lazy)
      .Add("aten::zeros_like.out", &ZerosLikeOut, lazy)
      .Add("aten::ones_like", &OnesLike, lazy)
      .Add("aten::ones_like.out", &OnesLikeOut, lazy)
      .Add("aten::full_like", &FullLike, lazy)
      .Add("aten::full_like.out", &FullLikeOut, lazy)
      .Add("aten::new_empty", &NewEmpty, lazy)
      .Add("aten::new_empty.out", &NewEmptyOut, lazy)
      .Add("aten::new_empty_strided", &NewEmptyStrided, lazy)
      .Add("aten::new_zeros", &NewZeros, lazy)
      .Add("aten::new_zeros.out", &NewZerosOut, lazy)
      .Add("aten::new_ones", &NewOnes, lazy)
      .Add("aten::new_ones.out", &NewOnesOut, lazy)
      .Add("aten::new_full", &NewFull, lazy)
      .Add("aten::new_full.out", &NewFullOut, lazy);
}

}  // namespace tandem::reference
