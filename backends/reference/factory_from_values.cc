// Tensors of the numbers and lists of a program: tensor, as_tensor,
// scalar_tensor.
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/factory.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/type.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

using MaybeDType = std::optional<DType>;
using MaybeDevice = std::optional<Device>;

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

// The dtype that a program's number has in a tensor, before the one it asks
// for: PyTorch goes through it, so 0.1 in float64 is the float32's value.
absl::StatusOr<DType> DTypeOfType(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kInt:
      return DType::kInt64;
    case TypeKind::kFloat:
      return DType::kFloat;
    case TypeKind::kComplex:
      return DType::kComplexFloat;
    case TypeKind::kBool:
      return DType::kBool;
    case TypeKind::kNumber:
    case TypeKind::kUnion:
      return Invalid(
          absl::StrCat("Add new condition, expected Float, Complex, Int, or "
                       "Bool but got",
                       type.ToString()));
    default:
      return Invalid(absl::StrCat(
          "Input must be of ints, floats, or bools, got ", type.ToString()));
  }
}

// Converts to what the program asks for.
absl::StatusOr<Tensor> Finish(Tensor t, MaybeDType dtype, MaybeDevice device,
                              bool requires_grad) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(device));
  if (dtype.has_value() && *dtype != t.dtype()) {
    if (ElementSize(*dtype) == 0 || IsQuantized(*dtype)) {
      return Invalid("tensor(): not a dtype that numbers can have");
    }
    TANDEM_ASSIGN_OR_RETURN(t, ToDType(t, *dtype));
  }
  if (device.has_value() && device->type == DeviceType::kMeta) {
    TANDEM_ASSIGN_OR_RETURN(t, Tensor::Meta(t.sizes(), t.strides(), t.dtype()));
  }
  if (requires_grad && !IsFloatingPoint(t.dtype()) && !IsComplex(t.dtype())) {
    return Invalid(
        "Only Tensors of floating point and complex dtype can require "
        "gradients");
  }
  t.impl()->requires_grad = requires_grad;
  return t;
}

absl::StatusOr<Tensor> FromNumber(const Scalar& value, DType own,
                                  MaybeDType dtype, MaybeDevice device,
                                  bool requires_grad) {
  TANDEM_RETURN_IF_ERROR(CheckNumberFits(value, own));
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::FromScalar(value, own));
  return Finish(std::move(t), dtype, device, requires_grad);
}

absl::StatusOr<Tensor> TensorInt(int64_t t, MaybeDType dtype,
                                 MaybeDevice device, bool requires_grad) {
  return FromNumber(Scalar(t), DType::kInt64, dtype, device, requires_grad);
}
absl::StatusOr<Tensor> TensorFloat(double t, MaybeDType dtype,
                                   MaybeDevice device, bool requires_grad) {
  return FromNumber(Scalar(t), DType::kFloat, dtype, device, requires_grad);
}
absl::StatusOr<Tensor> TensorBool(bool t, MaybeDType dtype, MaybeDevice device,
                                  bool requires_grad) {
  return FromNumber(Scalar(t), DType::kBool, dtype, device, requires_grad);
}
absl::StatusOr<Tensor> TensorComplex(std::complex<double> t, MaybeDType dtype,
                                     MaybeDevice device, bool requires_grad) {
  return FromNumber(Scalar(t), DType::kComplexFloat, dtype, device,
                    requires_grad);
}
absl::StatusOr<Tensor> AsTensorInt(int64_t t, MaybeDType dtype,
                                   MaybeDevice device) {
  return TensorInt(t, dtype, device, false);
}
absl::StatusOr<Tensor> AsTensorFloat(double t, MaybeDType dtype,
                                     MaybeDevice device) {
  return TensorFloat(t, dtype, device, false);
}
absl::StatusOr<Tensor> AsTensorBool(bool t, MaybeDType dtype,
                                    MaybeDevice device) {
  return TensorBool(t, dtype, device, false);
}
absl::StatusOr<Tensor> AsTensorComplex(std::complex<double> t, MaybeDType dtype,
                                       MaybeDevice device) {
  return TensorComplex(t, dtype, device, false);
}

// ---- nested lists

// Writes the numbers of `list` (depth dims.size() - d) in order.
template <typename T, typename Get>
absl::Status StoreList(const ListObject& list, const Dims& sizes, size_t d,
                       T** out, const Get& get) {
  if (static_cast<int64_t>(list.values.size()) != sizes[d]) {
    return Invalid(absl::StrCat("Expected sequence of length ", sizes[d],
                                " at dim ", d, " (got ", list.values.size(),
                                ")"));
  }
  const bool last = d + 1 == sizes.size();
  for (const IValue& v : list.values) {
    if (last) {
      *(*out)++ = get(v);
    } else {
      TANDEM_RETURN_IF_ERROR(StoreList(v.AsList(), sizes, d + 1, out, get));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Tensor> FromList(const IValue& data, MaybeDType dtype,
                                MaybeDevice device, bool requires_grad) {
  // Sizes follow the first element of each level; an empty list ends them, its
  // element type tells the dtype.
  if (!data.is_list()) {
    return Invalid("tensor() of something that is not a list");
  }
  Dims sizes;
  const ListObject* list = &data.AsList();
  while (true) {
    sizes.push_back(static_cast<int64_t>(list->values.size()));
    if (list->values.empty() || !list->values[0].is_list()) break;
    list = &list->values[0].AsList();
  }
  TypePtr type = list->element_type;
  while (type->is(TypeKind::kList)) type = TypePtr(type->element());
  if (type->is(TypeKind::kAny) && !list->values.empty()) {
    type = list->values[0].TypeOf();
  }
  TANDEM_ASSIGN_OR_RETURN(const DType own, DTypeOfType(*type));
  TANDEM_ASSIGN_OR_RETURN(Tensor t, Tensor::Empty(sizes, own));
  absl::Status stored;
  switch (own) {
    case DType::kInt64: {
      auto* out = t.data<int64_t>();
      stored = StoreList(data.AsList(), sizes, 0, &out,
                         [](const IValue& v) { return v.AsInt(); });
      break;
    }
    case DType::kFloat: {
      auto* out = t.data<float>();
      stored = StoreList(data.AsList(), sizes, 0, &out, [](const IValue& v) {
        return static_cast<float>(v.AsDouble());
      });
      break;
    }
    case DType::kComplexFloat: {
      auto* out = t.data<std::complex<float>>();
      stored = StoreList(data.AsList(), sizes, 0, &out, [](const IValue& v) {
        return std::complex<float>(v.AsComplex());
      });
      break;
    }
    default: {
      auto* out = t.data<bool>();
      stored = StoreList(data.AsList(), sizes, 0, &out,
                         [](const IValue& v) { return v.AsBool(); });
    }
  }
  if (!stored.ok()) return stored;
  return Finish(std::move(t), dtype, device, requires_grad);
}

absl::StatusOr<Tensor> AsTensorList(const IValue& data, MaybeDType dtype,
                                    MaybeDevice device) {
  return FromList(data, dtype, device, false);
}

absl::StatusOr<Tensor> AsTensor(const Tensor& data, MaybeDType dtype,
                                MaybeDevice device) {
  TANDEM_RETURN_IF_ERROR(CheckDevice(device));
  if (!dtype.has_value() || *dtype == data.dtype()) return data;
  return ToDType(data, *dtype);
}

absl::StatusOr<Tensor> ListToTensor(absl::Span<const int64_t> self) {
  return Tensor::FromSpan<int64_t>(self);
}

absl::StatusOr<std::vector<int64_t>> TensorToList(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, Contiguous(self, DType::kInt64));
  return std::vector<int64_t>(t.data<int64_t>(), t.data<int64_t>() + t.numel());
}

absl::StatusOr<Tensor> ScalarTensor(const Scalar& s, MaybeDType dtype,
                                    std::optional<Layout> layout,
                                    MaybeDevice device, std::optional<bool>) {
  const DType type = dtype.value_or(DType::kFloat);
  if (type == DType::kHalf || type == DType::kBFloat16) {
    // Through double: what is too large becomes infinite.
    TANDEM_RETURN_IF_ERROR(CheckNumberFits(s, DType::kDouble));
    TANDEM_ASSIGN_OR_RETURN(Tensor t, NewTensor({}, type, layout, device));
    TANDEM_RETURN_IF_ERROR(FillElements(t, s));
    return t;
  }
  return Filled(NewTensor({}, type, layout, device), s);
}

absl::StatusOr<Tensor> ScalarTensorOut(const Scalar& s, const Tensor& out) {
  TANDEM_RETURN_IF_ERROR(ResizeOutput(out, {}));
  TANDEM_RETURN_IF_ERROR(CheckWritable(out));
  return Filled(out, s);
}

}  // namespace

void AddFactoryFromValues(KernelRegistrar& r) {
  r.Add("aten::tensor", &FromList)
      .Add("aten::tensor.int", &TensorInt)
      .Add("aten::tensor.float", &TensorFloat)
      .Add("aten::tensor.bool", &TensorBool)
      .Add("aten::tensor.complex", &TensorComplex)
      .Add("aten::as_tensor", &AsTensor, {.handles_lazy_bits = true})
      .Add("aten::as_tensor.list", &AsTensorList)
      .Add("aten::as_tensor.int", &AsTensorInt)
      .Add("aten::as_tensor.float", &AsTensorFloat)
      .Add("aten::as_tensor.bool", &AsTensorBool)
      .Add("aten::as_tensor.complex", &AsTensorComplex)
      .Add("aten::scalar_tensor", &ScalarTensor)
      .Add("aten::scalar_tensor.out", &ScalarTensorOut)
      .Add("aten::_list_to_tensor", &ListToTensor)
      .Add("aten::_tensor_to_list", &TensorToList);
}

}  // namespace tandem::reference
