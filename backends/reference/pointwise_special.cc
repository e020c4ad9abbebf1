// Special functions as operators. float and the 16-bit types go through double.

#include <math.h>  // j0 and its kin

#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/special_math.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/status_macros.h"

namespace tandem::reference {
namespace {

#define TANDEM_SPECIAL(Name, expression) \
  template <typename T>                  \
  struct Name##Op : Stateless {          \
    using Stateless::Stateless;          \
    T operator()(T element) const {      \
      const double x = element;          \
      return static_cast<T>(expression); \
    }                                    \
  }
#define TANDEM_SPECIAL2(Name, expression)   \
  template <typename T>                     \
  struct Name##Op : Stateless {             \
    using Stateless::Stateless;             \
    T operator()(T first, T second) const { \
      const double a = first, x = second;   \
      return static_cast<T>(expression);    \
    }                                       \
  }

double Entropy(double x) {
  if (std::isnan(x)) return x;
  if (x > 0) return -x * std::log(x);
  return x == 0 ? 0 : -std::numeric_limits<double>::infinity();
}

TANDEM_SPECIAL(LogGamma, LogGamma(x));
TANDEM_SPECIAL(Digamma, Digamma(x));
TANDEM_SPECIAL(ErfInv, ErfInverse(x));
TANDEM_SPECIAL(Erfcx, ScaledErfc(x));
TANDEM_SPECIAL(Ndtr, NormalCdf(x));
TANDEM_SPECIAL(LogNdtr, LogNormalCdf(x));
TANDEM_SPECIAL(Ndtri, NormalCdfInverse(x));
TANDEM_SPECIAL(Entr, Entropy(x));
TANDEM_SPECIAL(I0, BesselI0(x));
TANDEM_SPECIAL(I0e, BesselI0Scaled(x));
TANDEM_SPECIAL(I1, BesselI1(x));
TANDEM_SPECIAL(I1e, BesselI1Scaled(x));
TANDEM_SPECIAL(K0, BesselK0(x));
TANDEM_SPECIAL(K0Scaled, BesselK0Scaled(x));
TANDEM_SPECIAL(K1, BesselK1(x));
TANDEM_SPECIAL(K1Scaled, BesselK1Scaled(x));
TANDEM_SPECIAL(J0, std::isinf(x) ? std::nan("") : ::j0(x));
TANDEM_SPECIAL(J1, std::isinf(x) ? std::nan("") : ::j1(x));
TANDEM_SPECIAL(Y0, x < 0 ? std::nan("") : ::y0(x));
TANDEM_SPECIAL(Y1, x < 0 ? std::nan("") : ::y1(x));
TANDEM_SPECIAL(SphericalJ0, SphericalBesselJ0(x));
TANDEM_SPECIAL(Airy, AiryAi(x));
TANDEM_SPECIAL2(IGamma, IncompleteGamma(a, x));
TANDEM_SPECIAL2(IGammaC, IncompleteGammaUpper(a, x));
TANDEM_SPECIAL2(Zeta, HurwitzZeta(a, x));

template <typename T>
struct PolyGammaOp {
  explicit PolyGammaOp(const Params& p) : n(p.values[0].ToInt()) {}
  T operator()(T x) const {
    if constexpr (std::is_same_v<T, float>) {
      if (n == 1 && x < 0.5f && x != 0) {
        // Near a pole the float sine decides, as in PyTorch.
        constexpr float kPi = 3.14159265358979323846f;
        const float s = std::sin(kPi * x);
        return kPi * kPi / (s * s) -
               static_cast<float>(Trigamma(1 - static_cast<double>(x)));
      }
    }
    return static_cast<T>(PolyGamma(n, static_cast<double>(x)));
  }
  int64_t n;
};
// log of the multivariate gamma function of dimension p
template <typename T>
struct MvlGammaOp {
  explicit MvlGammaOp(const Params& p) : dimension(p.values[0].ToInt()) {}
  T operator()(T a) const {
    const double p = static_cast<double>(dimension);
    double sum = p * (p - 1) / 4 * 1.14472988584940017414;  // log(pi)
    for (int64_t i = 0; i < dimension; ++i) {
      sum += LogGamma(static_cast<double>(a) - 0.5 * static_cast<double>(i));
    }
    return static_cast<T>(sum);
  }
  int64_t dimension;
};
// values: eps (negative: none)
template <typename T>
struct LogitOp {
  explicit LogitOp(const Params& p) : eps(p.Get<T>(0)) {}
  T operator()(T x) const {
    if (eps >= 0) {
      const T high = T(1) - eps;
      x = x < eps ? eps : x > high ? high : x;
    }
    return std::log(x / (T(1) - x));
  }
  T eps;
};

#define TANDEM_SPECIAL_OP(Name, text) \
  constexpr ElementOp k##Name = MakeOp<Name##Op, 1, kFloats>(text).Float()
TANDEM_SPECIAL_OP(LogGamma, "lgamma_vml_cpu");
TANDEM_SPECIAL_OP(Digamma, "digamma");
TANDEM_SPECIAL_OP(ErfInv, "erfinv_vml_cpu");
TANDEM_SPECIAL_OP(Erfcx, "erfcx_cpu");
TANDEM_SPECIAL_OP(Ndtr, "erf_vml_cpu");
TANDEM_SPECIAL_OP(LogNdtr, "log_ndtr_cpu");
TANDEM_SPECIAL_OP(Ndtri, "ndtri_cpu");
TANDEM_SPECIAL_OP(Entr, "entr_cpu");
TANDEM_SPECIAL_OP(I0, "i0_vml_cpu");
TANDEM_SPECIAL_OP(I0e, "i0e_cpu");
TANDEM_SPECIAL_OP(I1, "i1_cpu");
TANDEM_SPECIAL_OP(I1e, "i1e_cpu");
TANDEM_SPECIAL_OP(K0, "modified_bessel_k0_cpu");
TANDEM_SPECIAL_OP(K0Scaled, "scaled_modified_bessel_k0_cpu");
TANDEM_SPECIAL_OP(K1, "modified_bessel_k1_cpu");
TANDEM_SPECIAL_OP(K1Scaled, "scaled_modified_bessel_k1_cpu");
TANDEM_SPECIAL_OP(J0, "bessel_j0_cpu");
TANDEM_SPECIAL_OP(J1, "bessel_j1_cpu");
TANDEM_SPECIAL_OP(Y0, "bessel_y0_cpu");
TANDEM_SPECIAL_OP(Y1, "bessel_y1_cpu");
TANDEM_SPECIAL_OP(SphericalJ0, "spherical_bessel_j0_cpu");
TANDEM_SPECIAL_OP(Airy, "airy_ai_cpu");
constexpr ElementOp kModifiedI0 =
    MakeOp<I0Op, 1, kFloats>("modified_bessel_i0_cpu").Float();
constexpr ElementOp kModifiedI1 =
    MakeOp<I1Op, 1, kFloats>("modified_bessel_i1_cpu").Float();
constexpr ElementOp kIGamma = MakeOp<IGammaOp, 2, kFloats>("igamma_cpu");
constexpr ElementOp kIGammaC = MakeOp<IGammaCOp, 2, kFloats>("igammac_cpu");
constexpr ElementOp kZeta = MakeOp<ZetaOp, 2, kFloats>("zeta_cpu").Float();
constexpr ElementOp kPolyGamma =
    MakeOp<PolyGammaOp, 1, kFloats>("polygamma").Float();
constexpr ElementOp kTrigamma =
    MakeOp<PolyGammaOp, 1, kFloats>("trigamma").Float();
constexpr ElementOp kMvlGamma =
    MakeOp<MvlGammaOp, 1, kFloats>("mvlgamma").Float();
constexpr ElementOp kLogit = MakeOp<LogitOp, 1, kFloats>("logit_cpu").Float();

absl::StatusOr<Tensor> NdtriOf(Target target, const Tensor& self) {
  if (self.dtype() == DType::kHalf || self.dtype() == DType::kBFloat16) {
    return NotImplementedFor(kNdtri.name, self.dtype());
  }
  return RunElementwise(kNdtri, {self}, Params(), target);
}

absl::StatusOr<Tensor> ZetaOf(Target target, const Input& a, const Input& b) {
  TANDEM_ASSIGN_OR_RETURN(const DType dtype, CommonDType({a, b}));
  if (dtype == DType::kHalf || dtype == DType::kBFloat16) {
    return NotImplementedFor(kZeta.name, dtype);
  }
  return RunElementwise(kZeta, {a, b}, Params(), target);
}

absl::StatusOr<Tensor> PolyGammaTo(Target target, int64_t n,
                                   const Tensor& self) {
  if (n < 0) {
    return absl::InvalidArgumentError(
        "polygamma(n, x) does not support negative n.");
  }
  if (n == 0) return RunElementwise(kDigamma, {self}, Params(), target);
  return RunElementwise(n == 1 ? kTrigamma : kPolyGamma, {self},
                        Params(Scalar(n)), target);
}
absl::StatusOr<Tensor> PolyGammaCall(int64_t n, const Tensor& self) {
  return PolyGammaTo({}, n, self);
}
absl::StatusOr<Tensor> PolyGammaOut(int64_t n, const Tensor& self,
                                    const Tensor& out) {
  return PolyGammaTo(Target::Out(out), n, self);
}
absl::StatusOr<Tensor> PolyGammaInPlace(const Tensor& self, int64_t n) {
  return PolyGammaTo(Target::InPlace(self), n, self);
}

absl::StatusOr<Tensor> MvlGamma(Target target, const Tensor& self, int64_t p) {
  if (p < 1) {
    return absl::InvalidArgumentError("p has to be greater than or equal to 1");
  }
  if (p > (int64_t{1} << 20)) {
    return absl::InvalidArgumentError("p is too large");
  }
  if (self.dtype() == DType::kBool) {
    return absl::InvalidArgumentError(
        "The input tensor may not be a boolean tensor.");
  }
  return RunElementwise(kMvlGamma, {self}, Params(Scalar(p)), target);
}

absl::StatusOr<Tensor> Logit(Target target, const Tensor& self,
                             std::optional<double> eps) {
  return RunElementwise(kLogit, {self}, Params(Scalar(eps.value_or(-1.0))),
                        target);
}

// PyTorch has these for float and double alone.
template <const ElementOp& kOp>
absl::StatusOr<Tensor> Wide(Target target, const Tensor& self) {
  if (self.dtype() == DType::kHalf || self.dtype() == DType::kBFloat16) {
    return NotImplementedFor(kOp.name, self.dtype());
  }
  return RunElementwise(kOp, {self}, Params(), target);
}
template <const ElementOp& kOp>
void AddWide(MatchingRegistrar& r, absl::string_view name) {
  AddAll<&Wide<kOp>>(r, {name});
}

}  // namespace

void AddPointwiseSpecial(MatchingRegistrar& r) {
  AddUnary<kLogGamma>(r, {"lgamma", "special_gammaln"});
  AddUnary<kDigamma>(r, {"digamma", "special_digamma", "special_psi"});
  AddUnary<kErfInv>(r, {"erfinv", "special_erfinv"});
  AddWide<kErfcx>(r, "special_erfcx");
  AddUnary<kNdtr>(r, {"special_ndtr"});
  AddWide<kLogNdtr>(r, "special_log_ndtr");
  AddAll<&NdtriOf>(r, {"special_ndtri"});
  AddUnary<kEntr>(r, {"special_entr"});
  AddUnary<kI0>(r, {"i0", "special_i0"});
  AddWide<kModifiedI0>(r, "special_modified_bessel_i0");
  AddUnary<kI0e>(r, {"special_i0e"});
  AddUnary<kI1>(r, {"special_i1"});
  AddWide<kModifiedI1>(r, "special_modified_bessel_i1");
  AddUnary<kI1e>(r, {"special_i1e"});
  AddWide<kK0>(r, "special_modified_bessel_k0");
  AddWide<kK0Scaled>(r, "special_scaled_modified_bessel_k0");
  AddWide<kK1>(r, "special_modified_bessel_k1");
  AddWide<kK1Scaled>(r, "special_scaled_modified_bessel_k1");
  AddWide<kJ0>(r, "special_bessel_j0");
  AddWide<kJ1>(r, "special_bessel_j1");
  AddWide<kY0>(r, "special_bessel_y0");
  AddWide<kY1>(r, "special_bessel_y1");
  AddWide<kSphericalJ0>(r, "special_spherical_bessel_j0");
  AddWide<kAiry>(r, "special_airy_ai");
  AddBinary<&Binary<kIGamma>>(r, {"igamma", "special_gammainc"});
  AddBinary<&Binary<kIGammaC>>(r, {"igammac", "special_gammaincc"});
  AddBinary<&ZetaOf>(r, {"special_zeta"});
  AddAll<&MvlGamma>(r, {"mvlgamma", "special_multigammaln"});
  AddAll<&Logit>(r, {"logit", "special_logit"});
  for (absl::string_view name : {"polygamma", "special_polygamma"}) {
    r.Add(name, Variant::kFunctional, &PolyGammaCall);
    r.Add(name, Variant::kOut, &PolyGammaOut);
  }
  r.AddExact("aten::polygamma_", &PolyGammaInPlace);
}

}  // namespace tandem::reference
