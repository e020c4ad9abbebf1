// Normalisations that other families use.
#ifndef TANDEM_BACKENDS_REFERENCE_NORM_H_
#define TANDEM_BACKENDS_REFERENCE_NORM_H_

#include <cmath>
#include <tuple>

#include "absl/status/statusor.h"
#include "tandem/backends/registry.h"
#include "tandem/tensor/tensor.h"

namespace tandem::reference {

// As F.layer_norm.
absl::StatusOr<Tensor> LayerNorm(const Tensor& input,
                                 absl::Span<const int64_t> normalized_shape,
                                 const Tensor& weight, const Tensor& bias,
                                 double eps, bool cudnn_enable);

// The p-norm of get(0), …, get(n - 1), which are not negative: 0 counts what is
// not zero, infinities are the extremes; NaN spreads. C: float or double.
template <typename C, typename Get>
C VectorNorm(double p, int64_t n, Get get) {
  C r = 0;
  if (p == 0) {
    for (int64_t i = 0; i < n; ++i) r += get(i) != 0;
    return r;
  }
  if (p == 1) {
    for (int64_t i = 0; i < n; ++i) r += get(i);
    return r;
  }
  if (p == 2) {
    for (int64_t i = 0; i < n; ++i) {
      const C x = get(i);
      r += x * x;
    }
    return std::sqrt(r);
  }
  if (std::isinf(p)) {
    if (n > 0) r = get(0);
    for (int64_t i = 1; i < n; ++i) {
      const C x = get(i);
      if ((p > 0 ? x > r : x < r) || x != x) r = x;
      if (r != r) return r;
    }
    return r;
  }
  for (int64_t i = 0; i < n; ++i) r += std::pow(get(i), static_cast<C>(p));
  return std::pow(r, static_cast<C>(1 / p));
}

void RegisterBatchNorm(KernelRegistrar& r);
void RegisterLayerNorm(KernelRegistrar& r);
void RegisterDistances(KernelRegistrar& r);

}  // namespace tandem::reference

#endif  // TANDEM_BACKENDS_REFERENCE_NORM_H_
