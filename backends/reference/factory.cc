#include "tandem/backends/reference/factory.h"

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/families.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/shape_shapes.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {

absl::StatusOr<Tensor> NewTensor(DimSpan sizes, DType dtype,
                                 std::optional<Layout> layout,
                                 std::optional<Device> device,
                                 std::optional<MemoryFormat> format) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(device));
  if (layout.has_value() && *layout != Layout::kStrided) {
    return absl::UnimplementedError(
        "a factory of dense tensors cannot make a sparse one");
  }
  if (ElementSize(dtype) == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(static_cast<int>(dtype), " is not a dtype of elements"));
  }
  const MemoryFormat f = format.value_or(MemoryFormat::kContiguous);
  if (f == MemoryFormat::kPreserve) {
    return absl::InvalidArgumentError("unsupported memory format Preserve");
  }
  const bool is_3d = f == MemoryFormat::kChannelsLast3d;
  if ((f == MemoryFormat::kChannelsLast || is_3d) &&
      sizes.size() != (is_3d ? 5u : 4u)) {
    return absl::InvalidArgumentError(
        is_3d ? "required rank 5 tensor to use channels_last_3d format"
              : "required rank 4 tensor to use channels_last format");
  }
  if (device.has_value() && device->type == DeviceType::kMeta) {
    TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
    return Tensor::Meta(sizes, StridesOfFormat(sizes, f), dtype);
  }
  if (f == MemoryFormat::kContiguous) return Tensor::Empty(sizes, dtype);
  TANDEM_RETURN_IF_ERROR(CheckedNumel(sizes).status());
  return Tensor::EmptyStrided(sizes, StridesOfFormat(sizes, f), dtype);
}

absl::StatusOr<Tensor> Filled(absl::StatusOr<Tensor> t, const Scalar& value) {
  if (!t.ok()) return t;
  TANDEM_RETURN_IF_ERROR(CheckNumberFits(value, t->dtype()));
  TANDEM_RETURN_IF_ERROR(FillElements(*t, value));
  return t;
}

absl::Status RegisterFactory(Registry& registry) {
  KernelRegistrar r(registry, "reference");
  AddFactoryFill(r);
  AddFactoryFromValues(r);
  AddFactoryMatrix(r);
  AddFactoryRange(r);
  AddFactoryWindow(r);
  return r.status();
}

}  // namespace tandem::reference
