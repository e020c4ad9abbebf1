// Complex numbers from and to their parts.

#include <cmath>
#include <complex>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

template <typename T>
struct MakeComplex : Stateless {
  using Stateless::Stateless;
  std::complex<T> operator()(T re, T im) const { return {re, im}; }
};
template <typename T>
struct MakePolar : Stateless {
  using Stateless::Stateless;
  std::complex<T> operator()(T r, T angle) const {
    return {r * std::cos(angle), r * std::sin(angle)};
  }
};
template <typename T>
struct Angle : Stateless {
  using Stateless::Stateless;
  auto operator()(T x) const {
    if constexpr (kIsComplex<T>) {
      return std::arg(x);
    } else {
      if (std::isnan(x)) return x;
      return x < 0 ? T(3.14159265358979323846L) : T(0);
    }
  }
};

constexpr ElementOp kMakeComplex = MakeOp<MakeComplex, 2, kFloats>("complex");
constexpr ElementOp kMakePolar = MakeOp<MakePolar, 2, kFloats>("polar");
constexpr ElementOp kAngle =
    MakeOp<Angle, 1, kFloats | kComplex>("angle_cpu").Float();

template <const ElementOp& kOp>
absl::StatusOr<Tensor> FromParts(Target target, const Tensor& a,
                                 const Tensor& b) {
  const auto is_part = [](const Tensor& t) {
    return t.dtype() == DType::kHalf || t.dtype() == DType::kFloat ||
           t.dtype() == DType::kDouble;
  };
  if (!is_part(a) || !is_part(b)) {
    return absl::UnimplementedError(absl::StrCat(
        "Expected both inputs to be Half, Float or Double tensors but got ",
        TypeName(a.dtype()), " and ", TypeName(b.dtype())));
  }
  if (a.dtype() != b.dtype()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "Expected object of scalar type ", TypeName(a.dtype()),
        " but got scalar type ", TypeName(b.dtype()), " for second argument"));
  }
  if (target.tensor != nullptr &&
      target.tensor->dtype() != ToComplex(a.dtype())) {
    return absl::InvalidArgumentError(
        absl::StrCat("Expected object of scalar type ",
                     TypeName(ToComplex(a.dtype())), " but got scalar type ",
                     TypeName(target.tensor->dtype()), " for argument 'out'"));
  }
  return RunElementwise(kOp, {a, b}, Params(), target);
}

}  // namespace

void AddPointwiseComplex(MatchingRegistrar& r) {
  AddAll<&FromParts<kMakeComplex>>(r, {"complex"});
  AddAll<&FromParts<kMakePolar>>(r, {"polar"});
  AddUnary<kAngle>(r, {"angle"});
}

}  // namespace tandem::reference
