// binomial: how many of `count` trials of a probability succeed.

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/pointwise.h"
#include "tandem/backends/reference/random.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/ir/operators/promotion.h"
#include "tandem/tensor/context.h"
#include "tandem/tensor/copy.h"
#include "tandem/tensor/status_macros.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

// Adds up geometric gaps between successes until they pass `count`.
template <typename T>
T ByGaps(T count, T p, Generator& g) {
  const T log_q = std::log1p(-p);
  T passed = 0, successes = 0;
  for (;;) {
    const T u = static_cast<T>(g.UniformDouble());
    passed += std::ceil(std::log(u) / log_q);
    if (!(passed <= count)) return successes;
    successes += 1;
  }
}

// What Stirling's formula leaves of log(k!).
template <typename T>
T StirlingTail(T k) {
  static constexpr T kTails[] = {
      T(0.0810614667953272),  T(0.0413406959554092), T(0.0276779256849983),
      T(0.02079067210376509), T(0.0166446911898211), T(0.0138761288230707),
      T(0.0118967099458917),  T(0.0104112652619720), T(0.00925546218271273),
      T(0.00833056343336287)};
  if (k <= 9) return kTails[static_cast<int>(k)];
  const T square = (k + 1) * (k + 1);
  return (T(1.0 / 12) - (T(1.0 / 360) - T(1.0 / 1260) / square) / square) /
         (k + 1);
}

// Transformed rejection (Hoermann 1993, BTRS), for count * p >= 10, p <= 0.5.
template <typename T>
T ByRejection(T count, T p, Generator& g) {
  const T deviation = std::sqrt(count * p * (1 - p));
  const T b = T(1.15) + T(2.53) * deviation;
  const T a = T(-0.0873) + T(0.0248) * b + T(0.01) * p;
  const T c = count * p + T(0.5);
  const T v_r = T(0.92) - T(4.2) / b;
  const T odds = p / (1 - p);
  const T alpha = (T(2.83) + T(5.1) / b) * deviation;
  const T mode = std::floor((count + 1) * p);
  for (;;) {
    const T u = static_cast<T>(g.UniformDouble() - 0.5);
    T v = static_cast<T>(g.UniformDouble());
    const T us = T(0.5) - std::abs(u);
    const T k = std::floor((2 * a / us + b) * u + c);
    if (us >= T(0.07) && v <= v_r) return k;
    if (!(k >= 0 && k <= count)) continue;
    v = std::log(v * alpha / (a / (us * us) + b));
    const T bound =
        (mode + T(0.5)) * std::log((mode + 1) / (odds * (count - mode + 1))) +
        (count + 1) * std::log((count - mode + 1) / (count - k + 1)) +
        (k + T(0.5)) * std::log(odds * (count - k + 1) / (k + 1)) +
        StirlingTail(mode) + StirlingTail(count - mode) - StirlingTail(k) -
        StirlingTail(count - k);
    if (v <= bound) return k;
  }
}

template <typename T>
T Draw(T count, T p, Generator& g) {
  if (std::isnan(p) || !std::isfinite(count)) {
    return std::numeric_limits<T>::quiet_NaN();
  }
  if (count <= 0 || p <= 0) return 0;
  if (p >= 1) return count;
  const bool mirrored = p > T(0.5);
  if (mirrored) p = 1 - p;
  const T k = count * p >= 10 ? ByRejection(count, p, g) : ByGaps(count, p, g);
  return mirrored ? count - k : k;
}

absl::StatusOr<Tensor> Binomial(const Tensor& count, const Tensor& prob,
                                Generator* generator) {
  const DType dtype = count.dtype();
  if (dtype != DType::kFloat && dtype != DType::kDouble) {
    return NotImplementedFor("binomial_cpu", dtype);
  }
  if (prob.dtype() != dtype) {
    return absl::InvalidArgumentError(
        absl::StrCat("Found dtype ", TypeName(dtype), " but expected ",
                     TypeName(prob.dtype())));
  }
  TANDEM_ASSIGN_OR_RETURN(const Dims sizes,
                          BroadcastSizes(count.sizes(), prob.sizes()));
  if (DimSpan(sizes) != count.sizes()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "output with shape ", DimsToString(count.sizes()),
        " doesn't match the broadcast shape ", DimsToString(sizes)));
  }
  TANDEM_ASSIGN_OR_RETURN(const Tensor result, CloneContiguous(count, dtype));
  TANDEM_ASSIGN_OR_RETURN(const Tensor expanded, ExpandTo(prob, sizes));
  TANDEM_ASSIGN_OR_RETURN(const Tensor p, Contiguous(expanded));
  Generator& g = Pick(generator);
  const auto draw = [&](auto tag) -> absl::Status {
    using T = typename decltype(tag)::type;
    T* to = result.data<T>();
    for (int64_t i = 0; i < result.numel(); ++i) {
      to[i] = Draw(to[i], p.data<T>()[i], g);
      if (i % 4096 == 4095) TANDEM_RETURN_IF_ERROR(CheckStop());
    }
    return absl::OkStatus();
  };
  TANDEM_RETURN_IF_ERROR(dtype == DType::kFloat ? draw(TypeTag<float>{})
                                                : draw(TypeTag<double>{}));
  return result;
}

}  // namespace

void AddRandomBinomial(KernelRegistrar& r) {
  r.Add("aten::binomial", &Binomial)
      .Add("aten::binomial.out", &Variants<Binomial>::OutExact);
}

}  // namespace tandem::reference
