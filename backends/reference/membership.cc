// isin: which elements are among others.
#include <algorithm>
#include <vector>

#include "tandem/backends/reference/composites.h"
#include "tandem/backends/reference/parts.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using Result = absl::StatusOr<Tensor>;

absl::Status CheckKind(DType dtype) {
  if (dtype != DType::kBool && !IsComplex(dtype) &&
      dtype != DType::kComplexHalf) {
    return absl::OkStatus();
  }
  return Invalid("Unsupported input type encountered for isin(): ",
                 TypeName(dtype));
}

// In the common type; NaN is no member.
template <typename T>
absl::Status Mark(const Tensor& elements, const Tensor& tests, bool invert,
                  const Tensor& out) {
  const DType dtype = DTypeOf<T>::value;
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, Contiguous(elements, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, Contiguous(tests, dtype));
  std::vector<T> sorted;
  for (int64_t i = 0; i < y.numel(); ++i) {
    const T v = y.data<T>()[i];
    if (v == v) sorted.push_back(v);
  }
  std::sort(sorted.begin(), sorted.end());
  for (int64_t i = 0; i < x.numel(); ++i) {
    const T v = x.data<T>()[i];
    const bool in =
        v == v && std::binary_search(sorted.begin(), sorted.end(), v);
    out.data<bool>()[i] = in != invert;
  }
  return absl::OkStatus();
}

Result IsInAs(DType common, const Tensor& elements, const Tensor& tests,
              bool invert) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor x, ToDType(elements, common));
  TANDEM_ASSIGN_OR_RETURN(const Tensor y, ToDType(tests, common));
  TANDEM_ASSIGN_OR_RETURN(const Tensor out,
                          Tensor::Empty(elements.sizes(), DType::kBool));
  if (IsFloatingPoint(common)) {
    TANDEM_RETURN_IF_ERROR(Mark<double>(x, y, invert, out));
  } else {
    TANDEM_RETURN_IF_ERROR(Mark<int64_t>(x, y, invert, out));
  }
  return out;
}

Result IsIn(const Tensor& elements, const Tensor& tests, bool, bool invert) {
  TANDEM_RETURN_IF_ERROR(CheckKind(elements.dtype()));
  TANDEM_RETURN_IF_ERROR(CheckKind(tests.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const DType common,
                          PromoteTypesOrError(elements.dtype(), tests.dtype()));
  return IsInAs(common, elements, tests, invert);
}

DType NumberDType(const Scalar& s) {
  if (s.is_complex()) return DType::kComplexFloat;
  if (s.is_bool()) return DType::kBool;
  return s.is_integral() ? DType::kInt64 : DType::kDouble;
}

Result IsInNumber(const Tensor& elements, const Scalar& test, bool,
                  bool invert) {
  TANDEM_RETURN_IF_ERROR(CheckKind(elements.dtype()));
  TANDEM_RETURN_IF_ERROR(CheckKind(NumberDType(test)));
  TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                          Tensor::FromScalar(test, NumberDType(test)));
  const DType common = !IsFloatingPoint(elements.dtype()) && !test.is_integral()
                           ? DType::kFloat
                           : elements.dtype();
  return IsInAs(common, elements, t, invert);
}

Result NumberIsIn(const Scalar& element, const Tensor& tests, bool,
                  bool invert) {
  TANDEM_RETURN_IF_ERROR(CheckKind(NumberDType(element)));
  TANDEM_RETURN_IF_ERROR(CheckKind(tests.dtype()));
  TANDEM_ASSIGN_OR_RETURN(const Tensor e,
                          Tensor::FromScalar(element, NumberDType(element)));
  const DType common = !IsFloatingPoint(tests.dtype()) && !element.is_integral()
                           ? DType::kFloat
                           : tests.dtype();
  return IsInAs(common, e, tests, invert);
}

template <typename A, typename B, Result (*F)(const A&, const B&, bool, bool)>
Result Out(const A& a, const B& b, bool unique, bool invert,
           const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, F(a, b, unique, invert));
  return WriteOutExact(result, out);
}

}  // namespace

void AddMembership(KernelRegistrar& r) {
  r.Add("aten::isin.Tensor_Tensor", &IsIn)
      .Add("aten::isin.Tensor_Tensor_out", &Out<Tensor, Tensor, &IsIn>)
      .Add("aten::isin.Tensor_Scalar", &IsInNumber)
      .Add("aten::isin.Tensor_Scalar_out", &Out<Tensor, Scalar, &IsInNumber>)
      .Add("aten::isin.Scalar_Tensor", &NumberIsIn)
      .Add("aten::isin.Scalar_Tensor_out", &Out<Scalar, Tensor, &NumberIsIn>);
}

}  // namespace tandem::reference
