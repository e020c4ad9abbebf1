// where, masked_fill, fill and zero: elements are moved, not computed.

#include <type_traits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/strided_loop.h"

namespace tandem::reference {
namespace {

template <typename T>
void WhereRow(char* const* data, const int64_t* s, int64_t n) {
  char* o = data[0];
  const char *c = data[1], *a = data[2], *b = data[3];
  for (int64_t i = 0; i < n; ++i) {
    *reinterpret_cast<T*>(o) = *reinterpret_cast<const T*>(*c != 0 ? a : b);
    o += s[0];
    c += s[1];
    a += s[2];
    b += s[3];
  }
}

absl::StatusOr<Tensor> Where(Target target, const Tensor& condition,
                             const Tensor& self, const Tensor& other) {
  if (condition.dtype() != DType::kBool && condition.dtype() != DType::kUInt8) {
    return absl::InvalidArgumentError(absl::StrCat(
        "where expected condition to be a boolean tensor, but got a tensor "
        "with dtype ",
        TypeName(condition.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, CommonDType({self, other}));
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, ToDType(self, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, ToDType(other, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes, CommonSizes({condition, a, b}));
  if (target.tensor != nullptr && target.tensor->dtype() != dtype) {
    return absl::InvalidArgumentError(
        absl::StrCat("Expected out type to be ", TypeName(dtype), " but got ",
                     TypeName(target.tensor->dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(
      Tensor out, PrepareTarget({condition, a, b}, sizes, dtype, target));
  if (out.is_meta() || out.numel() == 0) return out;
  const StridedLoop loop(
      sizes,
      {StridedLoop::Operand::Of(out), StridedLoop::Operand::Of(condition),
       StridedLoop::Operand::Of(a), StridedLoop::Operand::Of(b)});
  TANDEM_RETURN_IF_ERROR(VisitBySize(dtype, [&](auto tag) {
    return loop.RunParallel(&WhereRow<typename decltype(tag)::type>);
  }));
  return out;
}

absl::StatusOr<Tensor> WhereTensors(const Tensor& condition, const Tensor& self,
                                    const Tensor& other) {
  return Where({}, condition, self, other);
}
absl::StatusOr<Tensor> WhereOut(const Tensor& condition, const Tensor& self,
                                const Tensor& other, const Tensor& out) {
  return Where(Target::Out(out), condition, self, other);
}
template <typename A, typename B>
absl::StatusOr<Tensor> WhereNumbers(const Tensor& condition, const A& self,
                                    const B& other) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype,
                          ResultType().Add(self).Add(other).Get());
  const auto convert = [&](const auto& v) -> absl::StatusOr<Tensor> {
    if constexpr (std::is_same_v<std::decay_t<decltype(v)>, Tensor>) {
      return ToDType(v, dtype);
    } else {
      return Tensor::FromScalar(v, dtype);
    }
  };
  TANDEM_ASSIGN_OR_RETURN(const Tensor a, convert(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor b, convert(other));
  return Where({}, condition, a, b);
}

absl::StatusOr<Tensor> MaskedFillInPlace(const Tensor& self, const Tensor& mask,
                                         const Scalar& value) {
  if (mask.dtype() != DType::kBool) {
    return absl::InvalidArgumentError(absl::StrCat(
        "masked_fill_ only supports boolean masks, but got mask with dtype ",
        CppName(mask.dtype())));
  }
  TANDEM_RETURN_IF_ERROR(CheckNumberFits(value, self.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(self.sizes(), mask.sizes()));
  if (DimSpan(sizes) != self.sizes()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output with shape ", DimsToString(self.sizes()),
        " doesn't match the broadcast shape ", DimsToString(sizes)));
  }
  if (self.is_meta()) return self;
  TANDEM_RETURN_IF_ERROR(CheckWritable(self));
  TANDEM_ASSIGN_OR_RETURN(const Tensor element,
                          Tensor::FromScalar(value, self.dtype()));
  const StridedLoop loop(
      sizes, {StridedLoop::Operand::Of(self), StridedLoop::Operand::Of(mask)});
  TANDEM_RETURN_IF_ERROR(VisitBySize(self.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T v = *element.data<T>();
    return loop.RunParallel(
        [v](char* const* data, const int64_t* s, int64_t n) {
          char* o = data[0];
          const char* m = data[1];
          for (int64_t i = 0; i < n; ++i, o += s[0], m += s[1]) {
            if (*m != 0) *reinterpret_cast<T*>(o) = v;
          }
        });
  }));
  return self;
}

absl::StatusOr<Scalar> ValueOfMaskedFill(const Tensor& value) {
  if (value.dim() != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("masked_fill_ only supports a 0-dimensional value tensor, "
                     "but got tensor with ",
                     value.dim(), " dimension(s)."));
  }
  return value.Item();
}

absl::StatusOr<Tensor> MaskedFillInPlaceTensor(const Tensor& self,
                                               const Tensor& mask,
                                               const Tensor& value) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar v, ValueOfMaskedFill(value));
  return MaskedFillInPlace(self, mask, v);
}

absl::StatusOr<Tensor> MaskedFill(const Tensor& self, const Tensor& mask,
                                  const Scalar& value) {
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(self.sizes(), mask.sizes()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(self, sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor result,
                          Clone(expanded, MemoryFormat::kContiguous));
  return MaskedFillInPlace(result, mask, value);
}
absl::StatusOr<Tensor> MaskedFillTensor(const Tensor& self, const Tensor& mask,
                                        const Tensor& value) {
  TANDEM_ASSIGN_OR_RETURN(const Scalar v, ValueOfMaskedFill(value));
  return MaskedFill(self, mask, v);
}

absl::StatusOr<Tensor> FillInPlace(const Tensor& self, const Scalar& value) {
  TANDEM_RETURN_IF_ERROR(CheckNumberFits(value, self.dtype()));
  TANDEM_RETURN_IF_ERROR(FillElements(self, value));
  return self;
}
absl::StatusOr<Tensor> FillInPlaceTensor(const Tensor& self,
                                         const Tensor& value) {
  if (value.dim() != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "fill_ only supports 0-dimension value tensor but got tensor with ",
        value.dim(), " dimensions."));
  }
  TANDEM_ASSIGN_OR_RETURN(const Scalar v, value.Item());
  TANDEM_RETURN_IF_ERROR(FillElements(self, v));
  return self;
}
template <typename V>
absl::StatusOr<Tensor> Fill(const Tensor& self, const V& value) {
  TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLike(self, self.dtype()));
  if constexpr (std::is_same_v<V, Tensor>) {
    return FillInPlaceTensor(result, value);
  } else {
    return FillInPlace(result, value);
  }
}
absl::StatusOr<Tensor> ZeroInPlace(const Tensor& self) {
  TANDEM_RETURN_IF_ERROR(FillElements(self, Scalar(0)));
  return self;
}
absl::StatusOr<Tensor> Zero(const Tensor& self) {
  TANDEM_ASSIGN_OR_RETURN(Tensor result, EmptyLike(self, self.dtype()));
  return ZeroInPlace(result);
}

}  // namespace

absl::StatusOr<Tensor> MaskedFillOf(const Tensor& self, const Tensor& mask,
                                    const Scalar& value) {
  return MaskedFill(self, mask, value);
}

void AddPointwiseSelect(MatchingRegistrar& registrar) {
  KernelRegistrar& r = registrar.exact();
  r.Add("aten::where.self", &WhereTensors)
      .Add("aten::where.self_out", &WhereOut)
      .Add("aten::where.ScalarSelf", &WhereNumbers<Scalar, Tensor>)
      .Add("aten::where.ScalarOther", &WhereNumbers<Tensor, Scalar>)
      .Add("aten::where.Scalar", &WhereNumbers<Scalar, Scalar>);
  r.Add("aten::masked_fill.Scalar", &MaskedFill)
      .Add("aten::masked_fill.Tensor", &MaskedFillTensor)
      .Add("aten::masked_fill.Scalar_out", &Variants<MaskedFill>::Out)
      .Add("aten::masked_fill.Tensor_out", &Variants<MaskedFillTensor>::Out)
      .Add("aten::masked_fill_.Scalar", &MaskedFillInPlace)
      .Add("aten::masked_fill_.Tensor", &MaskedFillInPlaceTensor);
  r.Add("aten::fill.Scalar", &Fill<Scalar>)
      .Add("aten::fill.Tensor", &Fill<Tensor>)
      .Add("aten::fill.Scalar_out", &Variants<Fill<Scalar>>::Out)
      .Add("aten::fill.Tensor_out", &Variants<Fill<Tensor>>::Out)
      .Add("aten::fill_.Scalar", &FillInPlace)
      .Add("aten::fill_.Tensor", &FillInPlaceTensor)
      .Add("aten::zero", &Zero)
      .Add("aten::zero.out", &Variants<Zero>::Out)
      .Add("aten::zero_", &ZeroInPlace);
}

}  // namespace tandem::reference
