// Views between complex and real, and between dtypes of the same bytes.
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/shape.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/copy.h"

namespace tandem::reference {
namespace {

absl::Status Invalid(std::string text) {
  return absl::InvalidArgumentError(std::move(text));
}

Tensor Retyped(const Tensor& self, DType dtype, DimSpan sizes, DimSpan strides,
               int64_t offset) {
  Tensor view = self.ViewUnchecked(sizes, strides, offset);
  view.impl()->dtype = dtype;
  return view;
}

// The parts of a complex tensor as a last dim of 2, whatever its conj bit says.
Tensor Parts(const Tensor& self) {
  Dims sizes(self.sizes().begin(), self.sizes().end());
  Dims strides(self.strides().begin(), self.strides().end());
  for (int64_t& s : strides) s *= 2;
  sizes.push_back(2);
  strides.push_back(1);
  Tensor view =
      Retyped(self, ToReal(self.dtype()), sizes, strides, self.offset() * 2);
  view.impl()->conj = false;
  return view;
}

absl::StatusOr<Tensor> ViewAsReal(const Tensor& self) {
  if (!IsComplex(self.dtype())) {
    return Invalid("view_as_real is only supported for complex tensors");
  }
  if (self.impl()->conj) {
    return Invalid(
        "view_as_real doesn't work on unresolved conjugated tensors.  To "
        "resolve the conjugate tensor so you can view it as real, use "
        "self.resolve_conj(); however, be warned that the resulting tensor "
        "will NOT alias the original.");
  }
  return Parts(self);
}

absl::StatusOr<Tensor> ViewAsComplex(const Tensor& self) {
  const DType dtype = self.dtype();
  if (IsComplex(dtype)) {
    return Invalid("view_as_complex is not supported for complex tensors");
  }
  if (dtype != DType::kHalf && dtype != DType::kFloat &&
      dtype != DType::kDouble) {
    return Invalid(absl::StrCat(
        "view_as_complex is only supported for half, float and double "
        "tensors, but got a tensor of scalar type: ",
        TypeName(dtype)));
  }
  if (self.dim() == 0) {
    return Invalid("Input tensor must have one or more dimensions");
  }
  const int64_t last = self.dim() - 1;
  if (self.size(last) != 2) {
    return Invalid("Tensor must have a last dimension of size 2");
  }
  if (self.stride(last) != 1) {
    return Invalid("Tensor must have a last dimension with stride 1");
  }
  Dims strides;
  for (int64_t d = 0; d < last; ++d) {
    if (self.stride(d) % 2 != 0) {
      return Invalid(
          "Tensor must have a stride divisible by 2 for all but last "
          "dimension");
    }
    strides.push_back(self.stride(d) / 2);
  }
  if (self.offset() % 2 != 0) {
    return Invalid("Tensor must have a storage_offset divisible by 2");
  }
  return Retyped(self, ToComplex(dtype), self.sizes().subspan(0, last), strides,
                 self.offset() / 2);
}

// Element sizes may differ: the last dim grows or shrinks.
absl::StatusOr<Tensor> ViewDType(const Tensor& self, DType dtype) {
  if (dtype == self.dtype()) return self.Alias();
  const int64_t old_size = static_cast<int64_t>(self.element_size());
  const int64_t new_size = static_cast<int64_t>(ElementSize(dtype));
  if (new_size == 0 || IsQuantized(dtype) || self.is_quantized()) {
    return Invalid("view: not a dtype that elements can be viewed as");
  }
  if (self.impl()->conj) {
    return Invalid(
        "torch.Tensor.view is not supported for conjugate view tensors when "
        "converting to a different dtype.");
  }
  if (self.impl()->neg) {
    return Invalid(
        "torch.Tensor.view is not supported for tensors with negative bit set "
        "when converting to a different dtype.");
  }
  if (old_size == new_size) {
    return Retyped(self, dtype, self.sizes(), self.strides(), self.offset());
  }
  const std::string what =
      absl::StrCat(" to view ", TypeName(self.dtype()), " as ", TypeName(dtype),
                   " (different element sizes)");
  if (self.dim() == 0) {
    return Invalid(absl::StrCat("self.dim() cannot be 0", what));
  }
  const int64_t last = self.dim() - 1;
  if (self.stride(last) != 1) {
    return Invalid(absl::StrCat("self.stride(-1) must be 1", what, ", but got ",
                                self.stride(last)));
  }
  Dims sizes(self.sizes().begin(), self.sizes().end());
  Dims strides(self.strides().begin(), self.strides().end());
  if (old_size > new_size) {
    const int64_t ratio = old_size / new_size;
    for (int64_t d = 0; d < last; ++d) strides[d] *= ratio;
    sizes[last] *= ratio;
    return Retyped(self, dtype, sizes, strides, self.offset() * ratio);
  }
  const int64_t ratio = new_size / old_size;
  const auto divisible = [&](absl::string_view part, int64_t value) {
    return Invalid(absl::StrCat(part, " must be divisible by ", ratio, what,
                                ", but got ", value));
  };
  if (sizes[last] % ratio != 0) {
    return divisible("self.size(-1)", sizes[last]);
  }
  if (self.offset() % ratio != 0) {
    return divisible("self.storage_offset()", self.offset());
  }
  for (int64_t d = 0; d < last; ++d) {
    if (strides[d] % ratio != 0) {
      return divisible(absl::StrCat("self.stride(", d, ")"), strides[d]);
    }
    strides[d] /= ratio;
  }
  sizes[last] /= ratio;
  return Retyped(self, dtype, sizes, strides, self.offset() / ratio);
}

absl::StatusOr<Tensor> Real(const Tensor& self) {
  if (!IsComplex(self.dtype())) return self;
  TANDEM_ASSIGN_OR_RETURN(Tensor part, Select(Parts(self), -1, 0));
  return part;
}

absl::StatusOr<Tensor> Imag(const Tensor& self) {
  if (!IsComplex(self.dtype())) {
    return Invalid(
        "imag is not implemented for tensors with non-complex dtypes.");
  }
  TANDEM_ASSIGN_OR_RETURN(Tensor part, Select(Parts(self), -1, 1));
  if (self.impl()->conj) part.impl()->neg = !part.impl()->neg;
  return part;
}

absl::StatusOr<Tensor> ConjView(const Tensor& self) {
  Tensor view = self.Alias();
  view.impl()->conj = !view.impl()->conj;
  return view;
}

absl::StatusOr<Tensor> Conj(const Tensor& self) {
  return IsComplex(self.dtype()) ? ConjView(self) : self;
}

absl::StatusOr<Tensor> NegView(const Tensor& self) {
  Tensor view = self.Alias();
  view.impl()->neg = !view.impl()->neg;
  return view;
}

absl::StatusOr<Tensor> ResolveConj(const Tensor& self) {
  if (!self.impl()->conj) return self;
  return ResolveLazyBits(self);
}

absl::StatusOr<Tensor> ResolveNeg(const Tensor& self) {
  if (!self.impl()->neg) return self;
  return ResolveLazyBits(self);
}

absl::StatusOr<Tensor> ConjCopy(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor view, Conj(self));
  return Clone(view);
}

absl::StatusOr<Tensor> ConjPhysical(const Tensor& self) {
  if (!IsComplex(self.dtype())) return self;
  TANDEM_ASSIGN_OR_RETURN(const Tensor view, ConjView(self));
  return Clone(view);
}

absl::StatusOr<Tensor> ConjPhysicalOut(const Tensor& self, const Tensor& out) {
  if (!IsComplex(self.dtype()) && self.dtype() != out.dtype()) {
    return absl::InvalidArgumentError(
        absl::StrCat("Found dtype ", TypeName(out.dtype()), " but expected ",
                     TypeName(self.dtype())));
  }
  return Variants<ConjPhysical>::Out(self, out);
}

}  // namespace

void AddShapeComplex(KernelRegistrar& r) {
  const KernelOptions lazy = {.handles_lazy_bits = true};
  r.Add("aten::view_as_real", &ViewAsReal, lazy)
      .Add("aten::view_as_real_copy", &Variants<ViewAsReal>::Copy, lazy)
      .Add("aten::view_as_real_copy.out", &Variants<ViewAsReal>::OutExact, lazy)
      .Add("aten::view_as_complex", &ViewAsComplex, lazy)
      .Add("aten::view_as_complex_copy", &Variants<ViewAsComplex>::Copy, lazy)
      .Add("aten::view_as_complex_copy.out", &Variants<ViewAsComplex>::OutExact,
           lazy)
      .Add("aten::view.dtype", &ViewDType, lazy)
      .Add("aten::view_copy.dtype", &Variants<ViewDType>::Copy, lazy)
      .Add("aten::view_copy.dtype_out", &Variants<ViewDType>::OutExact, lazy)
      .Add("aten::real", &Real, lazy)
      .Add("aten::imag", &Imag, lazy)
      .Add("aten::conj", &Conj, lazy)
      .Add("aten::_conj", &ConjView, lazy)
      .Add("aten::_conj_copy", &Variants<ConjView>::Copy, lazy)
      .Add("aten::_conj_copy.out", &Variants<ConjView>::OutExact, lazy)
      .Add("aten::_neg_view", &NegView, lazy)
      .Add("aten::_neg_view_copy", &Variants<NegView>::Copy, lazy)
      .Add("aten::_neg_view_copy.out", &Variants<NegView>::OutExact, lazy)
      .Add("aten::conj_physical", &ConjPhysical, lazy)
      .Add("aten::conj_physical.out", &ConjPhysicalOut, lazy)
      .Add("aten::conj_physical_", &InPlace<ConjPhysical>::Write, lazy)
      .Add("aten::_conj_physical", &ConjCopy, lazy)
      .Add("aten::_conj_physical.out", &Variants<ConjPhysical>::Out, lazy)
      .Add("aten::resolve_conj", &ResolveConj, lazy)
      .Add("aten::resolve_neg", &ResolveNeg, lazy);
}

}  // namespace tandem::reference
