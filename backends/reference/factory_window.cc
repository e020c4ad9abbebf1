// Window functions of signal processing.
#include <cmath>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "tandem/backends/reference/factory.h"
#include "tandem/backends/reference/variants.h"
#include "tandem/tensor/visit.h"

namespace tandem::reference {
namespace {

using MaybeDType = std::optional<DType>;
using MaybeLayout = std::optional<Layout>;
using MaybeDevice = std::optional<Device>;
using MaybeBool = std::optional<bool>;

constexpr double kTwoPi = 6.283185307179586476925286766559;

// value(n, last) for n = 0 … length - 1, where `last` is the number of the
// window's last sample; a periodic window leaves that one out.
absl::StatusOr<Tensor> Window(absl::string_view name, int64_t length,
                              bool periodic,
                              absl::FunctionRef<double(double, double)> value,
                              MaybeDType dtype, MaybeLayout layout,
                              MaybeDevice device) {
  const DType type = dtype.value_or(DType::kFloat);
  if (!IsFloatingPoint(type) && !IsComplex(type)) {
    return absl::InvalidArgumentError(absl::StrCat(
        name, " expects floating point dtypes, got: TensorOptions(dtype=",
        CppName(type), ", device=cpu", device.has_value() ? "" : " (default)",
        ", layout=Strided (default), requires_grad=false (default), "
        "pinned_memory=false (default), memory_format=(nullopt))"));
  }
  if (length < 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        name,
        " requires non-negative window_length, got window_length=", length));
  }
  if (IsComplex(type)) return NotImplementedFor("arange_cpu", type);
  TANDEM_ASSIGN_OR_RETURN(Tensor t, NewTensor({length}, type, layout, device));
  if (t.is_meta() || length == 0) return t;
  const double last = static_cast<double>(periodic ? length : length - 1);
  TANDEM_RETURN_IF_ERROR(
      VisitFloating(type, name, [&](auto tag) -> absl::Status {
        using T = typename decltype(tag)::type;
        T* out = t.data<T>();
        for (int64_t n = 0; n < length; ++n) {
          const double v =
              length == 1 ? 1 : value(static_cast<double>(n), last);
          out[n] = T(static_cast<Compute<T>>(v));
        }
        return absl::OkStatus();
      }));
  return t;
}

// alpha - beta cos(2 pi n / last): Hann and Hamming.
absl::StatusOr<Tensor> Cosine(absl::string_view name, int64_t length,
                              bool periodic, double alpha, double beta,
                              MaybeDType dtype, MaybeLayout layout,
                              MaybeDevice device) {
  return Window(
      name, length, periodic,
      [&](double n, double last) {
        return alpha - beta * std::cos(kTwoPi * n / last);
      },
      dtype, layout, device);
}

absl::StatusOr<Tensor> HannPeriodic(int64_t length, bool periodic,
                                    MaybeDType dtype, MaybeLayout layout,
                                    MaybeDevice device, MaybeBool) {
  return Cosine("hann_window", length, periodic, 0.5, 0.5, dtype, layout,
                device);
}

absl::StatusOr<Tensor> HammingAlphaBeta(int64_t length, bool periodic,
                                        double alpha, double beta,
                                        MaybeDType dtype, MaybeLayout layout,
                                        MaybeDevice device, MaybeBool) {
  return Cosine("hamming_window", length, periodic, alpha, beta, dtype, layout,
                device);
}

absl::StatusOr<Tensor> HammingAlpha(int64_t length, bool periodic, double alpha,
                                    MaybeDType dtype, MaybeLayout layout,
                                    MaybeDevice device, MaybeBool pin) {
  return HammingAlphaBeta(length, periodic, alpha, 0.46, dtype, layout, device,
                          pin);
}

absl::StatusOr<Tensor> HammingPeriodic(int64_t length, bool periodic,
                                       MaybeDType dtype, MaybeLayout layout,
                                       MaybeDevice device, MaybeBool pin) {
  return HammingAlpha(length, periodic, 0.54, dtype, layout, device, pin);
}

absl::StatusOr<Tensor> BlackmanPeriodic(int64_t length, bool periodic,
                                        MaybeDType dtype, MaybeLayout layout,
                                        MaybeDevice device, MaybeBool) {
  return Window(
      "blackman_window", length, periodic,
      [](double n, double last) {
        const double x = kTwoPi * n / last;
        return 0.42 - 0.5 * std::cos(x) + 0.08 * std::cos(2 * x);
      },
      dtype, layout, device);
}

absl::StatusOr<Tensor> BartlettPeriodic(int64_t length, bool periodic,
                                        MaybeDType dtype, MaybeLayout layout,
                                        MaybeDevice device, MaybeBool) {
  return Window(
      "bartlett_window", length, periodic,
      [](double n, double last) {
        const double x = 2 * n / last;
        return x <= 1 ? x : 2 - x;
      },
      dtype, layout, device);
}

// The modified Bessel function of order 0, by its power series.
double BesselI0(double x) {
  const double q = x * x / 4;
  double term = 1, sum = 1;
  for (int k = 1; k < 2000 && term > sum * 1e-17 && std::isfinite(sum); ++k) {
    term *= q / (static_cast<double>(k) * k);
    sum += term;
  }
  return sum;
}

absl::StatusOr<Tensor> KaiserBeta(int64_t length, bool periodic, double beta,
                                  MaybeDType dtype, MaybeLayout layout,
                                  MaybeDevice device, MaybeBool) {
  const double whole = BesselI0(beta);
  return Window(
      "kaiser_window", length, periodic,
      [&](double n, double last) {
        const double x = 2 * n / last - 1;
        return BesselI0(beta * std::sqrt(std::max(0.0, 1 - x * x))) / whole;
      },
      dtype, layout, device);
}

absl::StatusOr<Tensor> KaiserPeriodic(int64_t length, bool periodic,
                                      MaybeDType dtype, MaybeLayout layout,
                                      MaybeDevice device, MaybeBool pin) {
  return KaiserBeta(length, periodic, 12, dtype, layout, device, pin);
}

// ---- the shorter signatures

using Periodic = absl::StatusOr<Tensor> (*)(int64_t, bool, MaybeDType,
                                            MaybeLayout, MaybeDevice,
                                            MaybeBool);

template <Periodic F>
absl::StatusOr<Tensor> Plain(int64_t length, MaybeDType dtype,
                             MaybeLayout layout, MaybeDevice device,
                             MaybeBool pin) {
  return F(length, true, dtype, layout, device, pin);
}

template <Periodic F>
absl::StatusOr<Tensor> PlainOut(int64_t length, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                          F(length, true, out.dtype(), {}, {}, {}));
  return WriteOut(t, out);
}

template <Periodic F>
absl::StatusOr<Tensor> PeriodicOut(int64_t length, bool periodic,
                                   const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor t,
                          F(length, periodic, out.dtype(), {}, {}, {}));
  return WriteOut(t, out);
}

absl::StatusOr<Tensor> HammingAlphaOut(int64_t length, bool periodic,
                                       double alpha, const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor t,
      HammingAlpha(length, periodic, alpha, out.dtype(), {}, {}, {}));
  return WriteOut(t, out);
}

absl::StatusOr<Tensor> HammingAlphaBetaOut(int64_t length, bool periodic,
                                           double alpha, double beta,
                                           const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(
      const Tensor t,
      HammingAlphaBeta(length, periodic, alpha, beta, out.dtype(), {}, {}, {}));
  return WriteOut(t, out);
}

absl::StatusOr<Tensor> KaiserBetaOut(int64_t length, bool periodic, double beta,
                                     const Tensor& out) {
  TANDEM_ASSIGN_OR_RETURN(const Tensor t, KaiserBeta(length, periodic, beta,
                                                     out.dtype(), {}, {}, {}));
  return WriteOut(t, out);
}

template <Periodic F>
void AddWindow(KernelRegistrar& r, absl::string_view name) {
  r.Add(name, &Plain<F>)
      .Add(absl::StrCat(name, ".out"), &PlainOut<F>)
      .Add(absl::StrCat(name, ".periodic"), F)
      .Add(absl::StrCat(name, ".periodic_out"), &PeriodicOut<F>);
}

}  // namespace

void AddFactoryWindow(KernelRegistrar& r) {
  AddWindow<&HannPeriodic>(r, "aten::hann_window");
  AddWindow<&BartlettPeriodic>(r, "aten::bartlett_window");
  AddWindow<&BlackmanPeriodic>(r, "aten::blackman_window");
  AddWindow<&HammingPeriodic>(r, "aten::hamming_window");
  r.Add("aten::hamming_window.periodic_alpha", &HammingAlpha)
      .Add("aten::hamming_window.periodic_alpha_out", &HammingAlphaOut)
      .Add("aten::hamming_window.periodic_alpha_beta", &HammingAlphaBeta)
      .Add("aten::hamming_window.periodic_alpha_beta_out",
           &HammingAlphaBetaOut);
  AddWindow<&KaiserPeriodic>(r, "aten::kaiser_window");
  r.Add("aten::kaiser_window.beta", &KaiserBeta)
      .Add("aten::kaiser_window.beta_out", &KaiserBetaOut);
}

}  // namespace tandem::reference
